"""What a test needs that a machine may lack."""

import os
import re
import shutil
from contextlib import suppress
from functools import cache
from socket import AF_INET6, create_server

import pytest

from tests.support.processes import run
from tools.sample import ROOT

INSTALLED_BY = {".venv-sam": "make test", "tests/node_modules": "make test"}
"""Folders of the project, and the command that installs each."""


def needs(*names: str) -> None:
    """Skips the test if the machine lacks one of these, and says which. In CI, fails it.

    A name is that of a program, a folder of `INSTALLED_BY`, "OpenSSL 3" or "IPv6".
    """
    for name in names:
        if not _has(name):
            command = INSTALLED_BY.get(name)
            reason = f"{name} is missing" + (f": `{command}` installs it" if command else "")
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@cache
def _has(name: str) -> bool:
    if name in INSTALLED_BY:
        return (ROOT / name).exists()
    if name == "IPv6":
        with suppress(OSError), create_server(("::1", 0), family=AF_INET6):
            return True
        return False
    if name == "OpenSSL 3":  # the openssl of a Mac is LibreSSL
        return _has("openssl") and bool(re.match("OpenSSL [3-9]", run("openssl", "version").stdout))
    return shutil.which(name) is not None
