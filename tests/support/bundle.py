"""The bundle that `make build` makes."""

from hashlib import sha256
from pathlib import Path

from tools.sample import ROOT

BUNDLE = ROOT / ".aws-sam/build/SigningFunction"


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its path in the folder. A link has none: it may lead elsewhere."""
    return {
        path.relative_to(folder).as_posix(): "a link"
        if path.is_symlink()
        else sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
