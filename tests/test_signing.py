"""The README's examples of signing and verifying, run as they stand."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, override

import pytest

from domain.errors import PayloadMismatch
from tests.asking import ACME, BODY, ask
from tools.world import ROOT

(SECTION,) = re.findall(
    r"^## Signing and verifying\n(.*?)^## ",
    (ROOT / "README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
CLIENTS = [pytest.param(*example, id=example[0]) for example in EXAMPLES[:3]]
COMMANDS = {"python": [sys.executable], "js": ["node", "--input-type=module"], "sh": ["bash"]}
OTHER_PAYLOADS = {
    "another quantity": ("150000000", "950000000"),
    "another order": (
        '"currency":"BTC","quantity":"150000000"',
        '"quantity":"150000000","currency":"BTC"',
    ),
    "a name given twice": ('{"amount"', '{"nonce":"1","amount"'),
}


def run(language: str, example: str, url: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- the README's own words
        COMMANDS[language],
        input=example,
        cwd=directory,
        env=os.environ | {"URL": url, "TOKEN": ACME["token"]},
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def answering(payload: str) -> Iterator[str]:
    """A server that answers any question with a payload."""

    class Handler(BaseHTTPRequestHandler):
        @override
        def handle(self) -> None:
            self.raw_requestline = self.rfile.readline()
            self.parse_request()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response_only(200)
            self.end_headers()
            self.wfile.write(json.dumps({"payload": payload}).encode())

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("language", "example"), CLIENTS)
def test_the_example_gets_signs_and_verifies(
    language: str, example: str, url: str, tmp_path: Path
) -> None:
    ran = run(language, example, url, tmp_path)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("other", OTHER_PAYLOADS)
@pytest.mark.parametrize(("language", "example"), CLIENTS)
def test_the_example_signs_nothing_else_than_it_asked_for(
    language: str, example: str, other: str, tmp_path: Path
) -> None:
    payload = ask().body["payload"].replace(*OTHER_PAYLOADS[other])
    with answering(payload) as url:
        ran = run(language, example, url, tmp_path)
    assert ran.returncode == 1
    assert re.search("not signed|AssertionError|differ", ran.stderr + ran.stdout)
    assert not list(tmp_path.glob("*.sig"))


@pytest.mark.parametrize("tampered", ["payload.txt", "ed25519.sig", "secp256k1.sig"])
def test_what_was_tampered_with_does_not_verify(url: str, tampered: str, tmp_path: Path) -> None:
    (shell,) = (example for language, example in EXAMPLES if language == "sh")
    assert run("sh", shell, url, tmp_path).returncode == 0
    file = tmp_path / tampered
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    verify = [line for line in shell.splitlines() if " -verify " in line]
    results = {line: run("sh", line, url, tmp_path).returncode for line in verify}
    assert {line for line, result in results.items() if result} == {
        line for line in verify if tampered in line
    }


@pytest.mark.usefixtures("world")
def test_the_deallocation_endpoint_checks_a_payload_as_shown() -> None:
    ((_, example),) = EXAMPLES[3:]
    body = BODY | {"payload": ask().body["payload"], "signature": "c2lnbmF0dXJl"}
    path = {"enterprise_id": ACME["enterprise_id"], "connection_id": ACME["connection_id"]}
    given: dict[str, Any] = path | {"body": json.dumps(body).encode()}
    exec(example, given)  # noqa: S102 -- the README's own words
    assert given["message"] == body["payload"].encode()
    body["payload"] += " "
    with pytest.raises(PayloadMismatch):
        exec(example, path | {"body": json.dumps(body).encode()})  # noqa: S102 -- likewise
