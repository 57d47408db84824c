"""Commands, run as a person runs them, and the tools' commands, run in the process of the tests."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from time import sleep
from typing import Any

from typer.testing import CliRunner, Result

from tools.__main__ import cli
from tools.sample import ROOT

type Ran = subprocess.CompletedProcess[str]


def run(*command: str | Path, check: bool = True, cwd: Path = ROOT, **options: Any) -> Ran:
    """Runs a command and captures what it writes. Raises if it fails, unless `check` is false."""
    options = {"capture_output": "stderr" not in options, "text": True} | options
    ran: Ran = subprocess.run(command, check=check, cwd=cwd, **options)  # noqa: S603 -- our own words
    return ran


def python(*words: str | Path, **options: Any) -> Ran:
    """Runs the Python of the tests. A failure does not raise."""
    return run(sys.executable, *words, check=False, **options)


@contextmanager
def started(
    *command: str | Path, cwd: Path = ROOT, stdout: Any = subprocess.PIPE, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """Starts a process. The end of the `with` block kills it, and the processes that it started."""
    with subprocess.Popen(  # noqa: S603 -- our own words
        command, cwd=cwd, stdout=stdout, text=True, start_new_session=True, **options
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
                os.killpg(process.pid, SIGKILL)


def first_line(process: subprocess.Popen[str]) -> str:
    """The first line that a process writes. Fails if it ends without one; pytest shows its errors."""
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line, f"{process.args!r} ended with code {process.wait()}"
    return line


def free_address() -> str:
    """An address of this machine on which nothing listens, as host:port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def wait_for(address: str, server: subprocess.Popen[str]) -> None:
    """Waits until the server takes connections. Fails if it ends before that."""
    host, port = address.split(":")
    while True:
        assert server.poll() is None, f"{server.args!r} ended with code {server.returncode}"
        try:
            socket.create_connection((host, int(port))).close()
        except OSError:
            sleep(0.05)
        else:
            return


def tool(*words: str | Path, **environment: str) -> Result:
    """Runs a command of `python -m tools` in this process."""
    ran = CliRunner().invoke(cli, [*map(str, words)], env=environment)
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    return ran
