"""Two servers with DynamoDB's protocol: one follows a test's script, one holds the sample world."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import Any, NamedTuple
from zlib import crc32

import pytest

from handlers.state import ATTEMPTS
from tests.support.calls import ACME
from tools.world import REGION, ROOT, TABLE_NAME, item

type Reply = tuple[int, dict[str, Any]]
"""The status and the body of an answer."""
type Action = Callable[[socket], None]
"""Acts on the connection in place of an answer. The connection is closed after that."""
type Step = Reply | bytes | Action
type Script = Sequence[Step]
"""The steps for the requests, in order. The last step repeats."""

PATIENCE = 5
"""How long a silent server waits, in seconds. A client without a time-out sees no time-out then."""

RECORDS: dict[str, dict[str, Any]] = {
    "credential": {
        "memberId": "trader",
        "scopes": ["settlement_network_read", "settlement_network_write"],
    },
    "license": {"status": "active"},
    "connection": {"active": True, "currencies": ["BTC"], "partnerId": "n", "name": "N"},
}
KEYS = {"credential": ACME["token"], "license": "OES", "connection": ACME["connection_id"]}
ITEMS = [
    item({"enterprise": ACME["enterprise_id"], kind: KEYS[kind], **attributes})
    for kind, attributes in RECORDS.items()
]


def read(items: list[dict[str, Any]], left: list[dict[str, Any]]) -> Reply:
    """DynamoDB's answer with these items. It leaves the keys of the items in `left` unprocessed."""
    keys = [{"pk": key["pk"], "sk": key["sk"]} for key in left]
    unprocessed = {TABLE_NAME: {"Keys": keys, "ConsistentRead": True}} if keys else {}
    return 200, {"Responses": {TABLE_NAME: items}, "UnprocessedKeys": unprocessed}


def failed(status: int, kind: str) -> Reply:
    """DynamoDB's answer with an error."""
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "scripted"}


def written(status: int, content: bytes, headers: Mapping[str, object] | None = None) -> bytes:
    """The bytes of an HTTP answer."""
    own = {"Content-Length": len(content), "x-amz-crc32": crc32(content)}
    lines = [f"{name}: {value}" for name, value in (own | dict(headers or {})).items()]
    return "\r\n".join([f"HTTP/1.1 {status} Scripted", *lines, "", ""]).encode() + content


ALLOWED = json.dumps(read(ITEMS, [])[1]).encode()
"""A body with the records that allow the request of `ask()`."""


def sends(content: bytes) -> Action:
    """Sends the bytes, then closes the connection."""
    return lambda connection: connection.sendall(content)


def stalls(content: bytes) -> Action:
    """Sends the bytes, then nothing until the client closes the connection, or `PATIENCE` ends."""

    def stall(connection: socket) -> None:
        connection.sendall(content)
        connection.settimeout(PATIENCE)
        with suppress(TimeoutError):
            connection.recv(1)

    return stall


def resets(connection: socket) -> None:
    """Resets the connection: closing it with a linger time of 0 seconds sends a TCP reset."""
    connection.setsockopt(SOL_SOCKET, SO_LINGER, (1).to_bytes(8, "little"))


class Fault(NamedTuple):
    """A lasting fault, the number of attempts that it costs, and the exception in the log."""

    step: Step
    attempts: int
    exception: str


_WHOLE = written(200, ALLOWED)

QUICK_FAULTS = {
    "closes without an answer": Fault(sends(b""), ATTEMPTS, "ConnectionClosedError"),
    "resets the connection": Fault(resets, ATTEMPTS, "ConnectionClosedError"),
    "closes in the head": Fault(sends(_WHOLE[:40]), 1, "KeyError"),
    "closes in the body": Fault(sends(_WHOLE[:-1]), ATTEMPTS, "KeyError"),
    "does not speak HTTP": Fault(sends(b"220 ready\r\n"), ATTEMPTS, "ConnectionClosedError"),
    "500": Fault(failed(500, "InternalServerError"), ATTEMPTS, "InternalServerError"),
    "503": Fault(failed(503, "ServiceUnavailable"), ATTEMPTS, "ClientError"),
    "500 in HTML": Fault(written(500, b"<html>"), ATTEMPTS, "ClientError"),
    "throttled": Fault(
        failed(400, "ProvisionedThroughputExceededException"),
        ATTEMPTS,
        "ProvisionedThroughputExceededException",
    ),
    "expired credentials": Fault(failed(400, "ExpiredTokenException"), 1, "ClientError"),
    "access denied": Fault(failed(400, "AccessDeniedException"), 1, "ClientError"),
    "no such table": Fault(
        failed(400, "ResourceNotFoundException"), 1, "ResourceNotFoundException"
    ),
    "redirect": Fault(written(302, b"", {"Location": "/"}), 1, "ClientError"),
    "empty body": Fault(written(200, b""), 1, "KeyError"),
    "broken JSON": Fault(written(200, ALLOWED[:-1]), 1, "KeyError"),
    "JSON that is not an object": Fault(written(200, b"[]"), 1, "AttributeError"),
    "bad UTF-8": Fault(written(200, b'"\xff"'), 1, "UnicodeDecodeError"),
}
SILENT_FAULTS = {
    "never answers": Fault(stalls(b""), ATTEMPTS, "ReadTimeoutError"),
    "stops in the head": Fault(stalls(_WHOLE[:40]), ATTEMPTS, "ReadTimeoutError"),
    "stops in the body": Fault(stalls(_WHOLE[:-1]), ATTEMPTS, "ReadTimeoutError"),
}
_NUMBERS = count()


@contextmanager
def dynamodb_answering(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[dict[str, Any]]]:
    """Points the function at a server that follows the script. Yields its requests, parsed."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            step = script[min(len(requests), len(script)) - 1]
            if isinstance(step, tuple):
                status, body = step
                self.wfile.write(written(status, json.dumps(body).encode()))
            elif isinstance(step, bytes):
                self.wfile.write(step)
            else:
                self.close_connection = True
                step(self.connection)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Logs nothing: some tests make the client close the connection."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        # A new path makes a new endpoint, and so a new client, even if the port was used before.
        endpoint = f"http://127.0.0.1:{server.server_port}/{next(_NUMBERS)}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        yield requests
        server.shutdown()


@contextmanager
def embedded_dynamodb() -> Iterator[dict[str, str]]:
    """Runs `make dynamodb` on a free port. Yields the environment variables to use it.

    It needs a separate process: moto has one state a process, and the tests use this one's.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tools", "dynamodb", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        (url,) = re.findall(r"http://\S+", server.stdout.readline())
        yield {
            "AWS_ACCESS_KEY_ID": "sample",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_SECRET_ACCESS_KEY": "sample",
            "TABLE_NAME": TABLE_NAME,
        }
        server.terminate()
