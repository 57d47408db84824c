"""Servers with DynamoDB's protocol: with a script, without a trusted certificate, with the sample world."""

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET, socket
from time import sleep
from typing import Any, NamedTuple
from unittest.mock import patch
from zlib import crc32

from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from handlers.state import ATTEMPTS, WAITS, dynamodb_client
from tests.support.processes import first_line, started
from tools.sample import CONNECTION_ID, ENTERPRISE_ID, EVENTS, REGION, TABLE_NAME, TOKEN, item

type Reply = tuple[int, dict[str, Any]]
"""The status and the body of an answer."""
type Action = Callable[[socket], None]
"""Acts on the connection in place of an answer. The connection is closed after that."""
type Step = Reply | bytes | Action

ITEMS = [
    item(record)
    for record in json.loads((EVENTS / "state.json").read_bytes())
    if record.get("credential") == TOKEN
    or record.get("connection") == CONNECTION_ID
    or (record["enterprise"] == ENTERPRISE_ID and "license" in record)
]
"""The records that allow the request of `ask()`."""


def items_reply(items: Sequence[dict[str, Any]], left: Sequence[dict[str, Any]] = ()) -> Reply:
    """DynamoDB's answer with these items. It leaves the keys of the items in `left` unprocessed."""
    keys = [{"pk": key["pk"], "sk": key["sk"]} for key in left]
    unprocessed = {TABLE_NAME: {"Keys": keys, "ConsistentRead": True}} if keys else {}
    return 200, {"Responses": {TABLE_NAME: items}, "UnprocessedKeys": unprocessed}


def error_reply(status: int, kind: str) -> Reply:
    """DynamoDB's answer with an error."""
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": "scripted"}


def http_response(
    status: int, content: bytes, headers: Mapping[str, object] | None = None
) -> bytes:
    """The bytes of an HTTP answer."""
    own = {"Content-Length": len(content), "x-amz-crc32": crc32(content)}
    lines = [f"{name}: {value}" for name, value in (own | dict(headers or {})).items()]
    return "\r\n".join([f"HTTP/1.1 {status} Scripted", *lines, "", ""]).encode() + content


_ITEMS_BODY = json.dumps(items_reply(ITEMS)[1]).encode()
"""A body with the records that allow the request of `ask()`."""


def sends(content: bytes) -> Action:
    """Sends the bytes, then closes the connection."""
    return lambda connection: connection.sendall(content)


def stalls(content: bytes) -> Action:
    """Sends the bytes, then nothing until the client closes the connection."""

    def stall(connection: socket) -> None:
        connection.sendall(content)
        connection.recv(1)

    return stall


def resets(connection: socket) -> None:
    """Resets the connection: closing it with a linger time of 0 seconds sends a TCP reset."""
    connection.setsockopt(SOL_SOCKET, SO_LINGER, (1).to_bytes(8, "little"))


class Fault(NamedTuple):
    """A lasting fault, the exception in the log, and the number of attempts that it costs."""

    step: Step
    exception: str
    attempts: int = ATTEMPTS

    @property
    def is_silence(self) -> bool:
        """Whether the client has to give up by itself."""
        return self.exception == "ReadTimeoutError"


_WHOLE = http_response(200, _ITEMS_BODY)
_THROTTLED = "ProvisionedThroughputExceededException"
_NO_TABLE = "ResourceNotFoundException"

FAULTS = {
    "closes without an answer": Fault(sends(b""), "ConnectionClosedError"),
    "resets the connection": Fault(resets, "ConnectionClosedError"),
    "closes in the head": Fault(sends(_WHOLE[:40]), "KeyError", 1),
    "closes in the body": Fault(sends(_WHOLE[:-1]), "KeyError"),
    "does not speak HTTP": Fault(sends(b"220 ready\r\n"), "ConnectionClosedError"),
    "500": Fault(error_reply(500, "InternalServerError"), "InternalServerError"),
    "503": Fault(error_reply(503, "ServiceUnavailable"), "ClientError"),
    "500 in HTML": Fault(http_response(500, b"<html>"), "ClientError"),
    "throttled": Fault(error_reply(400, _THROTTLED), _THROTTLED),
    "expired credentials": Fault(error_reply(400, "ExpiredTokenException"), "ClientError", 1),
    "access denied": Fault(error_reply(400, "AccessDeniedException"), "ClientError", 1),
    "no such table": Fault(error_reply(400, _NO_TABLE), _NO_TABLE, 1),
    "redirect": Fault(http_response(302, b"", {"Location": "/"}), "ClientError", 1),
    "empty body": Fault(http_response(200, b""), "KeyError", 1),
    "broken JSON": Fault(http_response(200, _ITEMS_BODY[:-1]), "KeyError", 1),
    "JSON that is not an object": Fault(http_response(200, b"[]"), "AttributeError", 1),
    "no items": Fault((200, {"UnprocessedKeys": {}}), "KeyError", 1),
    "no unprocessed keys": Fault((200, {"Responses": {TABLE_NAME: ITEMS}}), "KeyError", 1),
    "leaves all keys": Fault(items_reply([], ITEMS), "StateUnavailable", len(WAITS)),
    "bad UTF-8": Fault(http_response(200, b'"\xff"'), "UnicodeDecodeError", 1),
    "never answers": Fault(stalls(b""), "ReadTimeoutError"),
    "stops in the head": Fault(stalls(_WHOLE[:40]), "ReadTimeoutError"),
    "stops in the body": Fault(stalls(_WHOLE[:-1]), "ReadTimeoutError"),
}


@contextmanager
def dynamodb_answering(script: Sequence[Step]) -> Iterator[list[dict[str, Any]]]:
    """Points the function at a server that follows the script. The last step repeats.

    Yields the requests, parsed, with the client's address and port as `client`.
    """
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append(request | {"client": self.client_address})
            step = script[min(len(requests), len(script)) - 1]
            if isinstance(step, tuple):
                status, body = step
                self.wfile.write(http_response(status, json.dumps(body).encode()))
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
        try:
            with endpoint(f"http://127.0.0.1:{server.server_port}"), patience():
                yield requests
        finally:
            server.shutdown()


@contextmanager
def untrusted_dynamodb() -> Iterator[str]:
    """An https server with a certificate that nobody has signed. It would allow `ask()`."""
    server = make_server("127.0.0.1", 0, Response(_ITEMS_BODY), ssl_context="adhoc")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


@contextmanager
def new_client() -> Iterator[None]:
    """Makes the function use a new client inside the `with` block, and another one after it.

    A client keeps the endpoint, the region and the time-outs with which it was made.
    """
    dynamodb_client.cache_clear()
    try:
        yield
    finally:
        dynamodb_client.cache_clear()


@contextmanager
def endpoint(url: str) -> Iterator[None]:
    """Points the function at another DynamoDB."""
    with patch.dict(os.environ, AWS_ENDPOINT_URL_DYNAMODB=url), new_client():
        yield


@contextmanager
def patience() -> Iterator[None]:
    """Gives a new client of the function, and all rounds, a minute: a machine may be slow."""
    with patch.multiple("handlers.state", TIMEOUT=60.0, LAST_START=60.0), new_client():
        yield


@contextmanager
def impatience() -> Iterator[None]:
    """Gives the function a new client that soon gives up."""
    with patch("handlers.state.TIMEOUT", 0.2), new_client():
        yield


def wait_for_requests(requests: list[dict[str, Any]], count: int) -> None:
    """Waits until the server has read so many requests: a client may give up before that."""
    while len(requests) < count:
        sleep(0.01)
    assert len(requests) == count


@contextmanager
def embedded_dynamodb() -> Iterator[dict[str, str]]:
    """Runs `make dynamodb` on a free port. Yields the environment variables to use it.

    It needs a separate process: moto has one state a process, and the tests use this one's.
    """
    with started(sys.executable, "-m", "tools", "dynamodb", "--port", "0") as server:
        (url,) = re.findall(r"http://\S+", first_line(server))
        yield aws_variables(url)


def aws_variables(url: str) -> dict[str, str]:
    """The environment variables to use a local DynamoDB."""
    return {
        "AWS_ACCESS_KEY_ID": "sample",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_SECRET_ACCESS_KEY": "sample",
        "TABLE_NAME": TABLE_NAME,
    }
