"""`python -m tools serve`: requests over HTTP reach the handler as API Gateway would send them."""

import json
import os
import re
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from signal import SIGINT, default_int_handler, signal
from subprocess import PIPE
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from handlers.signing import lambda_handler
from tests.support.calls import sample_event
from tests.support.needs import needs
from tests.support.processes import run, started, tool
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID, TOKEN
from tools.serve import api_gateway_event

HTML = "text/html; charset=utf-8"
PATH = urlsplit(sample_event("200-get")["path"]).path


def send(url: str, method: str, path: str = PATH, **parts: Any) -> urllib3.BaseHTTPResponse:
    parts = {"headers": {"Authorization": f"Bearer {TOKEN}"}, "body": json.dumps(BODY)} | parts
    return urllib3.request(method, url + path, timeout=60, **parts)


@pytest.mark.parametrize("name", ["200-get", "200-post", "200-encoded-enterprise-id"])
def test_a_request_makes_the_event_of_its_sample(name: str) -> None:
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


def test_any_bytes_in_chunks_reach_the_handler(url: str) -> None:
    answer = send(url, "POST", body=iter([b"{", b"\xff"])).json()
    assert answer["details"] == [{"field": "body", "message": "must be UTF-8"}]


def test_concurrent_requests_are_served_one_at_a_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[object] = []
    at_once: list[int] = []

    def watched(*words: Any) -> dict[str, Any]:
        inside.append(words)
        at_once.append(len(inside))
        sleep(0.001)
        inside.pop()
        return lambda_handler(*words)

    monkeypatch.setattr("tools.serve.lambda_handler", watched)
    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda _: send(url, "POST"), range(100)))
    assert {answer.status for answer in answers} == {200}
    assert at_once == [1] * 100


def test_a_function_that_raises_gets_the_gateway_s_answer(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.serve.lambda_handler", lambda *_: 1 / 0)
    response = send(url, "POST")
    assert response.status == 502
    assert response.json() == {
        "error": "The request could not be completed. Try again later.",
        "name": "InternalError",
        "requestId": response.headers["Request-Id"],
    }
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_two_authorization_headers_are_unauthenticated(url: str) -> None:
    headers = urllib3.HTTPHeaderDict(Authorization=f"Bearer {TOKEN}")
    headers.add("Authorization", "Bearer sample-token-viewer")
    assert send(url, "POST", headers=headers).json()["name"] == "Unauthenticated"


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("HEAD", PATH, 405), ("GET", "/", 404), ("GET", f"/{PATH}", 404), ("POST", "/docs", 404)],
)
def test_other_paths_and_methods_reach_the_handler(
    url: str, method: str, target: str, status: int
) -> None:
    response = send(url, method, target)
    assert response.status == status
    assert response.headers["Request-Id"]
    members = response.json().keys() if response.data else set()
    assert members == (set() if method == "HEAD" else {"error", "name", "requestId"})


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/docs", HTML), ("/docs/", HTML), ("/openapi.yaml", "application/yaml")],
)
def test_the_reference_is_served_and_may_load_nothing_from_other_hosts(
    url: str, path: str, content_type: str
) -> None:
    response = send(url, "GET", path)
    assert (response.status, response.headers["Content-Type"]) == (200, content_type)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self' ")


def test_the_command_prints_a_curl_that_works_when_it_is_pasted_and_ends_by_ctrl_c() -> None:
    needs("bash", "curl")
    before = signal(SIGINT, default_int_handler)  # a shell makes its background jobs ignore SIGINT
    serve = (sys.executable, "-m", "tools", "serve")
    with started(*serve, env=os.environ | {"PORT": "0"}, stderr=PIPE) as server:
        signal(SIGINT, before)
        assert server.stdout
        greeting = "".join(server.stdout.readline() for _ in range(6))
        line, _, curl = greeting.partition("\n\n")
        pasted = run("bash", input=curl).stdout
        server.send_signal(SIGINT)
        _, error = server.communicate()
    assert (server.returncode, error) == (0, "")
    assert re.search(r"http://127\.0\.0\.1:\d+/docs", line)
    assert json.loads(json.loads(pasted)["payload"]) == BODY | {
        "enterpriseId": ENTERPRISE_ID,
        "connectionId": CONNECTION_ID,
    }


@pytest.mark.parametrize("port", ["http", "-1", "65536"])
def test_an_impossible_port_is_refused_in_a_sentence(port: str) -> None:
    ran = tool("serve", PORT=port)
    assert ran.exit_code == 2
    assert port in ran.stderr


@pytest.mark.parametrize("command", ["serve", "dynamodb"])
def test_a_port_that_is_taken_is_named(
    url: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.world.sample_world", nullcontext)
    port = urlsplit(url).port
    ran = tool(command, PORT=str(port))
    assert ran.exit_code == 1
    assert f"Port {port} is in use" in ran.stderr
