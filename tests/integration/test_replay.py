"""`python -m tools replay`: shows what came back, and fails if it is not what was promised."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from handlers.signing import KEEP_ACTIVE, lambda_handler
from tests.support.calls import sample_event
from tools.replay import (
    BROKEN_BASE64,
    Replayed,
    SampleEvent,
    payload_or_name,
    replay,
    replay_over_http,
    sample_events,
    why_not_sent,
)
from tools.world import EVENTS, lambda_context


def run_replay(*events: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", "tools", "replay", *map(str, events)],
        env=os.environ | {"COLUMNS": "500"},  # so that no line is wrapped
        capture_output=True,
        text=True,
        check=False,
    )


def console_event() -> dict[str, Any]:
    """An event of the test in API Gateway's console when no header was written there."""
    return {**sample_event("200-post"), "headers": None, "multiValueHeaders": None}


def without(name: str) -> dict[str, Any]:
    """A sample event that lacks a field."""
    return {key: value for key, value in sample_event("200-post").items() if key != name}


def written(folder: Path, status: int, events: list[Any]) -> list[Path]:
    """Files that hold the events, each named after the status."""
    files = [folder / f"{status}-{number}.json" for number in range(len(events))]
    for file, event in zip(files, events, strict=True):
        file.write_text(json.dumps(event))
    return files


def test_every_sample_event_is_shown_with_the_status_in_its_name() -> None:
    ran = run_replay()
    assert ran.returncode == 0
    for sample in sample_events():
        (line,) = [line for line in ran.stdout.splitlines() if f" {sample.name} " in line]
        assert line.split().count(str(sample.status)) == 2


def test_an_event_that_gets_another_status_fails_the_replay(tmp_path: Path) -> None:
    named_otherwise = tmp_path / "200-no-token.json"
    no_token = EVENTS / "401-no-token.json"
    named_otherwise.write_text(no_token.read_text())
    ran = run_replay(named_otherwise, no_token)
    assert ran.returncode == 1
    assert "1 of 2 events got the status in their name." in ran.stdout


@pytest.mark.parametrize("name", ["no-status.json", "200-missing.json"])
def test_a_file_that_cannot_be_replayed_is_named(tmp_path: Path, name: str) -> None:
    if name == "no-status.json":
        (tmp_path / name).write_text("{}")
    ran = run_replay(tmp_path / name)
    assert ran.returncode == 2
    assert name in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_event_that_raises_is_replayed_as_the_502_of_the_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.replay.lambda_handler", lambda *_: 1 / 0)
    (replayed,) = replay([SampleEvent("502-odd", 502, [])])
    assert (replayed.status, replayed.answer, replayed.as_named) == (502, "InternalError", True)


def test_the_event_of_the_schedule_is_replayed(tmp_path: Path) -> None:
    ran = run_replay(*written(tmp_path, 200, [KEEP_ACTIVE]))
    assert "1 of 1 events got the status in their name." in ran.stdout
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_event_as_the_console_of_api_gateway_makes_it_is_replayed(tmp_path: Path) -> None:
    ran = run_replay(*written(tmp_path, 401, [console_event()]))
    assert "1 of 1 events got the status in their name." in ran.stdout
    assert (ran.returncode, ran.stderr) == (0, "")


def test_json_that_is_nested_too_deep_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "500-deep.json"
    file.write_text(100_000 * "[" + 100_000 * "]")
    ran = run_replay(file)
    assert ran.returncode == 2
    assert "500-deep.json" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_events_with_less_in_them_are_sent_over_http(url: str, tmp_path: Path) -> None:
    events = [
        console_event(),
        console_event() | {"body": None},
        without("headers"),
        without("multiValueHeaders"),
        without("body"),
    ]
    ran = run_replay("--url", url, *written(tmp_path, 401, events))
    assert "5 of 5 events got the answer that the handler gives." in ran.stdout
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        pytest.param([], "valid dictionary", id="a list"),
        pytest.param({}, "httpMethod: Field required; path: Field required", id="nothing in it"),
        pytest.param(without("path"), "path: ", id="no path"),
        pytest.param(console_event() | {"path": "/a b"}, "path: ", id="a space in the path"),
        pytest.param(console_event() | {"httpMethod": "G\r\n"}, "httpMethod: ", id="two lines"),
        pytest.param(console_event() | {"headers": []}, "headers: ", id="headers in a list"),
        pytest.param(console_event() | {"headers": {"X": "\n"}}, "headers.X: ", id="a new line"),
        pytest.param(console_event() | {"headers": {"X": "\u0142"}}, "headers.X: ", id="no ASCII"),
        pytest.param(console_event() | {"headers": {"": ""}}, "headers.", id="no header's name"),
        pytest.param(console_event() | {"body": {}}, "body: ", id="an object as the body"),
        pytest.param(
            console_event() | {"body": "{", "isBase64Encoded": True}, BROKEN_BASE64, id="no base64"
        ),
    ],
)
def test_an_event_that_no_request_makes_is_not_sent_for_a_reason(event: Any, reason: str) -> None:
    assert reason in why_not_sent(SampleEvent("400-odd", 400, event), sam_local=False)


def test_a_replay_that_can_send_nothing_fails_with_the_reason(url: str, tmp_path: Path) -> None:
    ran = run_replay("--url", url, *written(tmp_path, 500, [[]]))
    assert "Not sent: 500-0; " in ran.stdout
    assert (ran.returncode, ran.stderr) == (1, "")


def test_of_two_files_with_one_name_each_is_judged_by_itself(url: str, tmp_path: Path) -> None:
    files = []
    for folder, event in (("good", sample_event("401-no-token")), ("bad", [])):
        (tmp_path / folder).mkdir()
        files += written(tmp_path / folder, 401, [event])
    ran = run_replay("--url", url, *files)
    assert ran.stdout.count("Not sent: 401-0; ") == 1
    assert "1 of 1 events got the answer that the handler gives." in ran.stdout
    assert ran.returncode == 0


@pytest.mark.parametrize("body", ["[" * 100_000, "[]", '{"name"', ""])
def test_an_answer_that_is_none_of_the_contract_is_shown_as_it_is(body: str) -> None:
    assert payload_or_name(body) == body


class Gateway(BaseHTTPRequestHandler):
    """The least that lets an HTTP client talk to the handler; under /broken/ it changes the answer."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        prefix, slash, path = self.path.partition("/api/")
        event = sample_event("200-get") | {
            "httpMethod": self.command,
            "path": slash + path,
            "headers": dict(self.headers),
            "multiValueHeaders": None,
            "body": body,
        }
        answer = lambda_handler(event, lambda_context())
        content = answer["body"]
        if prefix == "/broken":
            content = json.dumps({"message": "Internal server error"})
        self.send_response(answer["statusCode"])
        self.end_headers()
        self.wfile.write(content.encode())

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 -- http.server's names

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@pytest.fixture
def url(world: object) -> Iterator[str]:
    del world
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("stage", ["", "/", "/v1"])
def test_over_http_every_event_gets_what_the_handler_answers(url: str, stage: str) -> None:
    ran = run_replay("--url", url + stage)
    count = len(sample_events()) - 1  # the broken base64
    assert f"{count} of {count} events got the answer that the handler gives." in ran.stdout
    assert ran.returncode == 0


def test_an_event_that_no_http_request_makes_is_named_with_the_reason(url: str) -> None:
    ran = run_replay("--url", url, "--sam-local")
    assert "Not sent: 400-broken-base64; " in ran.stdout
    assert "Not sent: 200-encoded-enterprise-id; " in ran.stdout


def test_over_http_the_right_status_with_another_answer_fails_the_replay(url: str) -> None:
    ran = run_replay("--url", f"{url}/broken", EVENTS / "200-get.json")
    assert "0 of 1 events got the answer that the handler gives." in ran.stdout
    assert ran.returncode == 1


def test_without_the_sample_state_no_token_is_a_member_s(url: str) -> None:
    ran = run_replay("--url", url, "--no-state", EVENTS / "200-get.json")
    (line,) = [line.split() for line in ran.stdout.splitlines() if "200-get " in line]
    assert line[3:5] == ["401", "200"]
    assert ran.returncode == 1


@pytest.mark.parametrize("url", ["127.0.0.1:3000", "http://", "ftp://x", "http://x:y", "http://[x"])
def test_a_url_that_is_none_of_http_is_refused(url: str) -> None:
    replayed = Replayed(SampleEvent("200-get", 200, sample_event("200-get")), 200, "")
    with pytest.raises((OSError, ValueError), match=r"must begin|does not answer|Invalid"):
        replay_over_http(url, [replayed])


def test_a_url_without_a_scheme_is_an_error_in_a_sentence() -> None:
    ran = run_replay("--url", "127.0.0.1:3000", EVENTS / "401-no-token.json")
    assert ran.returncode == 2
    assert "127.0.0.1:3000: must begin with http:// or https://" in ran.stderr


def test_a_url_where_nothing_answers_is_an_error_in_a_sentence(url: str) -> None:
    port = urlsplit(url).port
    ran = run_replay("--url", f"https://127.0.0.1:{port}", EVENTS / "401-no-token.json")
    assert ran.returncode == 2
    assert f"https://127.0.0.1:{port}" in ran.stderr
    assert "Traceback" not in ran.stderr
