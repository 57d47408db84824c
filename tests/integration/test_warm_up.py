"""What the function does when it starts in Lambda, and what of it stays."""

import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import unwrap
from threading import Thread

import pytest

from handlers import signing
from handlers.signing import lambda_handler
from handlers.warm_up import NotReady, warm_up
from tests.support.calls import Lines, ask
from tests.support.dynamodb import ITEMS, Script, dynamodb_answering, read
from tools.world import REGION, TABLE_NAME

pytestmark = pytest.mark.usefixtures("world")

ALLOWING: Script = [read(ITEMS, [])]


@pytest.fixture
def credential_fetches(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths that the function's credentials are fetched from, as under SnapStart."""
    fetched: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(
                json.dumps(
                    {
                        "AccessKeyId": "sample",
                        "SecretAccessKey": "sample",
                        "Token": "sample",
                        "Expiration": "2100-01-01T00:00:00Z",
                    }
                ).encode()
            )

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        url = f"http://127.0.0.1:{server.server_port}/credentials"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        yield fetched
        server.shutdown()


def test_a_warm_up_sends_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering(ALLOWING, monkeypatch) as asked:
        warm_up(unwrap(lambda_handler))
        assert asked == []


def test_a_warm_up_writes_no_line_of_the_log(log_lines: Lines) -> None:
    warm_up(unwrap(lambda_handler))
    assert log_lines() == []


def test_a_warm_up_looks_for_no_credentials(
    monkeypatch: pytest.MonkeyPatch, credential_fetches: list[str]
) -> None:
    with dynamodb_answering(ALLOWING, monkeypatch):
        warm_up(unwrap(lambda_handler))
        assert credential_fetches == []


def test_the_first_request_fetches_the_credentials_and_the_next_does_not(
    monkeypatch: pytest.MonkeyPatch, credential_fetches: list[str]
) -> None:
    with dynamodb_answering(ALLOWING, monkeypatch):
        warm_up(unwrap(lambda_handler))
        assert [ask().status, ask().status] == [200, 200]
        assert credential_fetches == ["/credentials"]


def test_a_request_after_a_warm_up_is_read_and_logged(
    monkeypatch: pytest.MonkeyPatch, log_lines: Lines
) -> None:
    with dynamodb_answering(ALLOWING, monkeypatch) as asked:
        warm_up(unwrap(lambda_handler))
        ask()
        assert len(asked) == len(log_lines()) == 1


def test_a_function_that_cannot_answer_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    with pytest.raises(NotReady, match="InternalError"):
        warm_up(unwrap(lambda_handler))


@pytest.mark.parametrize(("variable", "times"), [("AWS_LAMBDA_FUNCTION_NAME", 1), ("USER", 0)])
def test_a_function_warms_up_and_freezes_when_it_starts_in_lambda_and_nowhere_else(
    variable: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr("handlers.warm_up.warm_up", lambda _: done.append("warm-up"))
    monkeypatch.setattr("gc.freeze", lambda: done.append("freeze"))
    monkeypatch.setenv(variable, "SigningFunction")
    runpy.run_path(str(signing.__file__))
    assert done == ["warm-up", "freeze"] * times


def test_a_warm_up_leaves_the_cold_start_to_the_first_request() -> None:
    script = """
from handlers.signing import KEEP_ACTIVE, lambda_handler
from tools.world import lambda_context
lambda_handler(KEEP_ACTIVE, lambda_context())
"""
    ran = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", script],
        env={
            "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_NAME": "SigningFunction",
            "TABLE_NAME": TABLE_NAME,
        },
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(ran.stdout)["cold_start"] is True
