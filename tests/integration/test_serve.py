"""`python -m tools serve`: requests over HTTP reach the handler as API Gateway would send them."""

import gzip
import json
import os
import subprocess
import sys
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from signal import SIGINT, default_int_handler, signal
from socket import socket
from threading import Barrier
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.signing import lambda_handler
from tests.support.calls import sample_event
from tools.serve import api_gateway_event
from tools.world import BODY, CONNECTION_ID, ENTERPRISE_ID, TOKEN

PATH = urlsplit(sample_event("200-get")["path"]).path
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def send(
    url: str, method: str, target: str = PATH, **parts: Any
) -> tuple[HTTPResponse, dict[str, Any]]:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request(method, target, **{"headers": AUTHORIZED, "body": json.dumps(BODY)} | parts)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, json.loads(body or "{}")


@pytest.mark.parametrize("name", ["200-get", "200-post", "200-encoded-enterprise-id"])
def test_a_request_makes_the_event_that_the_sample_is(name: str) -> None:
    sample = sample_event(name)
    headers = [(name, value) for name, value in sample["headers"].items()]
    body = sample["body"].encode()
    sample |= {"body": b64encode(body).decode(), "isBase64Encoded": True}  # as API Gateway has it
    made = api_gateway_event(sample["httpMethod"], sample["path"], headers, body)
    context, sample_context = made.pop("requestContext"), sample.pop("requestContext")
    assert made == sample
    assert context.keys() <= sample_context.keys()
    for same in ("httpMethod", "path", "resourcePath", "stage"):
        assert context[same] == sample_context[same]


def test_repeated_headers_and_a_query_are_handed_over_whole() -> None:
    event = api_gateway_event("GET", "/x?a=1&a=%20&b", [("X", "1"), ("X", "2")], b"")
    assert event["multiValueHeaders"] == {"X": ["1", "2"]}
    assert event["headers"] == {"X": "2"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", " "], "b": [""]}
    assert (event["path"], event["body"]) == ("/x", None)


@pytest.mark.parametrize("body", [b"{}", b"\xff\x00{}", b'{"nonce": "\xed\xa0\x80"}'])
def test_a_body_is_handed_over_as_the_bytes_that_were_sent(body: bytes) -> None:
    event = api_gateway_event("POST", PATH, [], body)
    assert event["isBase64Encoded"]
    assert b64decode(event["body"]) == body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_over_http_gets_the_payload(url: str, method: str) -> None:
    response, body = send(url, method)
    assert response.status == 200
    assert json.loads(body["payload"])["nonce"] == BODY["nonce"]
    assert response.headers["Cache-Control"] == "no-store"


def test_percent_encoding_reaches_the_handler(url: str) -> None:
    path = sample_event("200-encoded-enterprise-id")["path"]
    token = {"Authorization": "Bearer sample-token-echange"}
    _, body = send(url, "POST", path, headers=token)
    assert json.loads(body["payload"])["enterpriseId"] == "échange & fils/日本"


def test_a_body_in_chunks_is_read(url: str) -> None:
    chunks = [piece.encode() for piece in json.dumps(BODY)]
    response, _ = send(url, "POST", body=iter(chunks), encode_chunked=True)
    assert response.status == 200


def test_odd_bytes_are_refused_by_the_handler(url: str) -> None:
    _, body = send(url, "POST", body=b"\xff")
    assert body["details"] == [{"field": "body", "message": "must be UTF-8"}]


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_body_is_handed_over_as_it_was_before(
    url: str, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = compress(json.dumps(BODY).encode())
    response, _ = send(url, "POST", headers=AUTHORIZED | {"Content-Encoding": encoding}, body=body)
    assert response.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_body_that_is_not_in_its_encoding_or_in_an_unknown_one_is_a_415(
    url: str, encoding: str
) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("POST", PATH, b"{}", {"Content-Encoding": encoding})
    assert connection.getresponse().status == 415
    connection.close()


def test_two_hundred_requests_at_once_are_all_answered(url: str) -> None:
    at_once = Barrier(200)

    def ask(_: int) -> int:
        at_once.wait()
        return send(url, "POST")[0].status

    with ThreadPoolExecutor(200) as threads:
        assert Counter(threads.map(ask, range(200))) == {200: 200}


def test_the_function_gets_one_request_at_a_time(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[object] = []
    at_once: list[int] = []

    def watched(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        inside.append(event)
        at_once.append(len(inside))
        sleep(0.01)
        inside.pop()
        return lambda_handler(event, context)

    monkeypatch.setattr("tools.serve.lambda_handler", watched)
    with ThreadPoolExecutor(8) as threads:
        assert {
            response.status for response, _ in threads.map(lambda _: send(url, "POST"), range(8))
        } == {200}
    assert at_once == [1] * 8


def test_a_function_that_raises_gets_the_gateway_s_answer(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.serve.lambda_handler", lambda *_: 1 / 0)
    response, body = send(url, "POST")
    assert response.status == 502
    assert body == {
        "error": "The request could not be completed. Try again later.",
        "name": "InternalError",
        "requestId": response.headers["Request-Id"],
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_two_tokens_are_no_token(url: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.putrequest("POST", PATH)
    for token in ("sample-token-trader", "sample-token-viewer"):
        connection.putheader("Authorization", f"Bearer {token}")
    connection.endheaders()
    assert json.load(connection.getresponse())["name"] == "Unauthenticated"
    connection.close()


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("DELETE", PATH, 405),
        ("HEAD", PATH, 405),
        ("GET", "/", 404),
        ("GET", f"/{PATH}", 404),
        ("POST", "/docs", 404),
    ],
)
def test_what_there_is_not_is_answered_by_the_handler(
    url: str, method: str, target: str, status: int
) -> None:
    response, body = send(url, method, target)
    assert response.status == status
    assert response.headers["Request-Id"]
    assert body.keys() == (set() if method == "HEAD" else {"error", "name", "requestId"})


@pytest.mark.parametrize(
    "head",
    [
        f"POST {PATH} HTTP/1.1\r\nContent-Length: some\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        f"POST {PATH} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /é HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_400(url: str, head: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.connect()
    connection.sock.sendall(head.encode())
    assert connection.sock.recv(4096).startswith(b"HTTP/1.1 400 ")
    connection.close()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/docs", "text/html; charset=utf-8"), ("/openapi.yaml", "application/yaml")],
)
def test_the_reference_is_there_and_may_load_from_nowhere_else(
    url: str, path: str, content_type: str
) -> None:
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    connection.close()
    assert (response.status, response.headers["Content-Type"]) == (200, content_type)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self' ")


@contextmanager
def started(command: str = "serve", **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command, running, on any free port unless the environment has another."""
    with subprocess.Popen(  # noqa: S603 -- ours
        [sys.executable, "-m", "tools", command],
        env=os.environ | {"PORT": "0"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield server
        finally:
            server.terminate()


def greeting(server: subprocess.Popen[str]) -> str:
    """All that `serve` prints before the first request."""
    assert server.stdout
    return "".join(server.stdout.readline() for _ in range(6))


def test_the_command_prints_a_curl_that_works_when_it_is_pasted() -> None:
    with started() as server:
        line, _, curl = greeting(server).partition("\n\n")
        pasted = subprocess.run(
            ["bash"],  # noqa: S607 -- as people have it
            input=curl,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "/docs" in line
    assert json.loads(json.loads(pasted.stdout)["payload"]) == BODY | {
        "enterpriseId": ENTERPRISE_ID,
        "connectionId": CONNECTION_ID,
    }


def test_the_port_can_be_set_by_the_environment() -> None:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started(PORT=str(port)) as server:
        assert f"http://127.0.0.1:{port} " in greeting(server)


@pytest.mark.parametrize("port", ["http", "-1", "65536"])
def test_a_port_that_there_is_not_is_refused_in_a_sentence(port: str) -> None:
    with started(PORT=port) as server:
        _, error = server.communicate()
    assert server.returncode == 2
    assert port in error
    assert "Traceback" not in error


@pytest.mark.parametrize("command", ["serve", "dynamodb"])
def test_a_port_that_is_taken_is_named(url: str, command: str) -> None:
    port = urlsplit(url).port
    with started(command, PORT=str(port)) as server:
        _, error = server.communicate()
    assert server.returncode == 1
    assert f"Port {port} is in use" in error
    assert "Traceback" not in error


@pytest.fixture
def heeded_sigint() -> Iterator[None]:
    """Lets child processes heed SIGINT, which a shell makes its background jobs ignore."""
    before = signal(SIGINT, default_int_handler)
    yield
    signal(SIGINT, before)


@pytest.mark.usefixtures("heeded_sigint")
@pytest.mark.parametrize("command", ["serve", "dynamodb"])
def test_ctrl_c_ends_it_without_a_word(command: str) -> None:
    with started(command) as server:
        assert server.stdout
        server.stdout.readline()
        server.send_signal(SIGINT)
        _, error = server.communicate()
    assert (server.returncode, error) == (0, "")
