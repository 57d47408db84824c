"""Text files, read in one way by all tools."""

from collections.abc import Iterator
from pathlib import Path


class BadFile(Exception):
    """Raised if a file cannot be read; the message names it."""


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, without a byte order mark. Raises `BadFile`."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except UnicodeDecodeError:
        raise BadFile(f"{path} is not UTF-8: save it in this encoding.") from None
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}.") from None
