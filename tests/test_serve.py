"""`python -m tools serve`: requests over HTTP reach the handler as API Gateway would send them."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.asking import sample_event
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
    [("DELETE", PATH, 405), ("HEAD", PATH, 405), ("GET", "/", 404), ("POST", "/docs", 404)],
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
def started() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, running, and all that it prints before the first request."""
    command = [sys.executable, "-m", "tools", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 -- ours
        assert server.stdout
        greeting = [server.stdout.readline() for _ in range(6)]
        try:
            yield server, "".join(greeting)
        finally:
            server.terminate()


def test_the_command_prints_a_curl_that_works_when_it_is_pasted() -> None:
    with started() as (_, greeting):
        line, _, curl = greeting.partition("\n\n")
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


def test_a_port_that_is_taken_is_named(url: str) -> None:
    port = str(urlsplit(url).port)
    ran = subprocess.run(  # noqa: S603 -- ours
        [sys.executable, "-m", "tools", "serve", "--port", port],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert f"port {port}: Address already in use" in ran.stderr
