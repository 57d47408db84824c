"""The locked packages have wheels for each machine that the documents name.

`make check` runs this, and `make test` does not, because it asks the package index.
"""

import re
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.environment import CALLERS
from tests.support.processes import run
from tools.sample import ROOT

PLATFORMS = {
    "Mac with Apple's processor": "aarch64-apple-darwin",
    "Linux, Intel or AMD": "x86_64-unknown-linux-gnu",
    "Linux on arm64": "aarch64-unknown-linux-gnu",
}
LOCKS = [path.stem for path in sorted((ROOT / "requirements").glob("*.txt"))]
LINUX_ONLY = {"bench", "runtime"}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_installs_from_wheels_on_each_machine(lock: str, tmp_path: Path) -> None:
    command = [find_uv_bin(), "pip", "install", "--quiet", "--dry-run", "--no-deps"]
    command += ["--python", sys.executable, "--target", str(tmp_path), "--python-version", "3.13"]
    command += ["--only-binary", ":all:", "-r", str(ROOT / f"requirements/{lock}.txt")]
    for platform in PLATFORMS.values():
        if "linux" in platform or lock not in LINUX_ONLY:
            run(*command, "--python-platform", platform, env=CALLERS)


def test_the_documents_name_these_machines() -> None:
    text = (ROOT / "docs/local.md").read_text()
    machines = re.findall(r"^\| ((?:Mac|Linux)[^|]*?) \|", text, re.MULTILINE)
    assert machines == list(PLATFORMS)
