"""docs/signing.md: its examples, its tables and the golden vectors, as a client uses them."""

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

from domain.errors import InvalidRequest, PayloadMismatch
from tests.support.calls import ACME, ask
from tests.unit.test_payload import SIGNED, VECTORS
from tools.world import BODY, ROOT

DOCUMENT = (ROOT / "docs" / "signing.md").read_text()
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
(PYTHON, NODE, SHELL, VERIFIER) = (example for _, example in EXAMPLES)
# As in a terminal, where a zsh takes no comments and an exit closes the window.
SHELLS = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
COMMANDS = {"python": [sys.executable], "node": ["node", "--input-type=module"]} | SHELLS
CLIENTS = {"python": PYTHON, "node": NODE} | dict.fromkeys(SHELLS, SHELL)
OTHER_PAYLOADS = {
    "another quantity": ("150000000", "950000000"),
    "another order": (
        '"currency":"BTC","quantity":"150000000"',
        '"quantity":"150000000","currency":"BTC"',
    ),
    "a name given twice": ('{"amount"', '{"nonce":"1","amount"'),
}


def run(
    client: str, example: str, directory: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- the document's own words
        COMMANDS[client],
        input=example,
        cwd=directory,
        env=os.environ | {"HOME": str(directory), "TOKEN": ACME["token"]} | environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # or an interactive shell takes the terminal that the tests run in
    )


def members_of(vector: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    request = vector["request"]
    ids = {"enterpriseId": request["enterpriseId"], "connectionId": request["connectionId"].lower()}
    return ids, request["body"]


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


@pytest.mark.parametrize("client", CLIENTS)
def test_the_example_gets_signs_and_verifies(client: str, url: str, tmp_path: Path) -> None:
    ran = run(client, CLIENTS[client], tmp_path, URL=url)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_the_example_takes_notes_that_other_writers_escape(
    client: str, url: str, tmp_path: Path
) -> None:
    nonce = '"01J9ZQ6K3M"'
    notes = r'"\u007f \\u007f \\\u007f \\ \" / < \u00e9 \u2028"'
    example = CLIENTS[client].replace(nonce, f'{nonce}, "notes": {notes}')
    assert notes in example
    ran = run(client, example, tmp_path, URL=url)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("other", OTHER_PAYLOADS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_example_signs_nothing_else_than_it_asked_for(
    client: str, other: str, tmp_path: Path
) -> None:
    payload = ask().body["payload"].replace(*OTHER_PAYLOADS[other])
    with answering(payload) as url:
        ran = run(client, CLIENTS[client], tmp_path, URL=url)
    assert ran.returncode == 1
    assert re.search("not signed|AssertionError|differ", ran.stderr + ran.stdout)
    assert not list(tmp_path.glob("*.sig"))


@pytest.mark.parametrize("client", CLIENTS)
def test_the_example_shows_why_it_gets_no_payload(client: str, url: str, tmp_path: Path) -> None:
    ran = run(client, CLIENTS[client], tmp_path, URL=url, TOKEN="unknown")  # noqa: S106 -- no token
    assert ran.returncode
    assert re.search("401|NotAMember", ran.stderr)
    assert not list(tmp_path.glob("*.sig"))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_failure_does_not_close_the_terminal(shell: str, tmp_path: Path) -> None:
    with answering("{}") as url:
        ran = run(shell, SHELL + "echo The terminal is open.\n", tmp_path, URL=url)
    assert "The terminal is open." in ran.stdout


@pytest.mark.parametrize("tampered", ["payload.txt", "ed25519.sig", "secp256k1.sig"])
def test_what_was_tampered_with_does_not_verify(url: str, tampered: str, tmp_path: Path) -> None:
    assert run("bash", SHELL, tmp_path, URL=url).returncode == 0
    file = tmp_path / tampered
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    verify = [line for line in SHELL.splitlines() if " -verify " in line]
    results = {line: run("bash", line, tmp_path).returncode for line in verify}
    assert {line for line, result in results.items() if result} == {
        line for line in verify if tampered in line
    }


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_shell_rebuilds_the_golden_payload(vector: dict[str, Any], tmp_path: Path) -> None:
    (rebuild,) = re.findall(
        r"^ *jq --null-input.*?cmp - payload.txt$", SHELL, re.MULTILINE | re.DOTALL
    )
    (tmp_path / "payload.txt").write_text(vector["payload"])
    ids, body = members_of(vector)
    ran = run("zsh", rebuild, tmp_path, ids=json.dumps(ids), body=json.dumps(body))
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_python_rebuilds_the_golden_payload_by_what_the_table_says(vector: dict[str, Any]) -> None:
    (expression,) = re.findall(r"`(json\.dumps\(.*?\))`", DOCUMENT)
    ids, body = members_of(vector)
    rebuilt = eval(expression, {"json": json, "members": ids | body})  # noqa: S307 -- the document's own words
    assert rebuilt == vector["payload"]


def test_another_implementation_in_another_language_gives_the_golden_payloads() -> None:
    ran = subprocess.run(
        ["node", "tests/vectors.mjs"],  # noqa: S607 -- the one on PATH is the one the README asks for
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{len(VECTORS)} payloads are the same, {len(SIGNED)} signatures verify.\n"
    assert ran.stdout == said, ran.stderr


@pytest.mark.usefixtures("world")
def test_the_deallocation_endpoint_checks_a_payload_as_shown() -> None:
    body = BODY | {"payload": ask().body["payload"], "signature": "c2lnbmF0dXJl"}
    path = {"enterprise_id": ACME["enterprise_id"], "connection_id": ACME["connection_id"]}
    given: dict[str, Any] = path | {"body": json.dumps(body).encode()}
    exec(VERIFIER, given)  # noqa: S102 -- the document's own words
    assert given["message"] == body["payload"].encode()
    body["payload"] += " "
    with pytest.raises(PayloadMismatch):
        exec(VERIFIER, path | {"body": json.dumps(body).encode()})  # noqa: S102 -- likewise


def test_the_table_of_errors_names_those_of_the_domain() -> None:
    (rows,) = re.findall(r"^\| error in .*\n\|[-|]+\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)
    documented = re.findall(r"^\| `(\w+)`", rows, re.MULTILINE)
    assert documented == [InvalidRequest.__name__, PayloadMismatch.__name__]
