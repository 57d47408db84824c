"""What the tools write to a terminal."""

import json
import shutil

from rich.console import Console


def printable(text: str) -> str:
    """The text, with JSON's escape for each character that is not printable.

    A control character of a stored text could change what the terminal shows. So could one that
    changes the direction of the text.
    """
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def console() -> Console:
    """Standard output, as wide as the terminal; 80 columns without one."""
    return Console(width=shutil.get_terminal_size().columns)  # Rich takes COLUMNS=0 for a width
