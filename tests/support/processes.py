"""Commands, run as a person runs them, and the tools' commands, run in the process of the tests."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from tools.__main__ import cli
from tools.world import ROOT

type Ran = subprocess.CompletedProcess[str]


def run(*command: str | Path, check: bool = True, cwd: Path = ROOT, **options: Any) -> Ran:
    """Runs a command and captures what it writes. Raises if it fails, unless `check` is false."""
    options = {"capture_output": "stderr" not in options, "text": True} | options
    ran: Ran = subprocess.run(command, check=check, cwd=cwd, **options)  # noqa: S603 -- our own words
    return ran


def python(*words: str | Path, **options: Any) -> Ran:
    """Runs the Python of the tests. A failure does not raise."""
    return run(sys.executable, *words, check=False, **options)


def tool(*words: str | Path, **environment: str) -> Result:
    """Runs a command of `python -m tools` in this process."""
    ran = CliRunner().invoke(cli, [*map(str, words)], env=environment)
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    return ran
