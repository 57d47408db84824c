"""`python -m tools replay`: shows the answers, and fails if they are not as promised."""

import json
import os
import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import Result

from handlers.signing import KEEP_ACTIVE, lambda_handler
from tests.support.calls import sample_event
from tests.support.processes import python, tool
from tests.support.proxy import HOST, proxy
from tools.replay import BROKEN_BASE64, payload_or_name, sample_events
from tools.sample import EVENTS

POST = sample_event("200-post")
CONSOLE = POST | {"headers": None, "multiValueHeaders": None}
"""An event of the test in API Gateway's console when no header was written there."""


@pytest.fixture(autouse=True)
def tests_world(world: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the command use the world of the tests, and leaves their log on."""
    del world
    monkeypatch.setattr("tools.world.sample_world", lambda **_: nullcontext())
    monkeypatch.setattr("logging.disable", lambda: None)


def run(*words: str | Path, **environment: str) -> Result:
    return tool("replay", *words, **{"COLUMNS": "500"} | environment)


def event_files(folder: Path, status: int, *events: Any) -> list[Path]:
    """Files that hold the events, each named after the status."""
    files = [folder / f"{status}-{number}.json" for number in range(len(events))]
    for file, event in zip(files, events, strict=True):
        file.write_text(json.dumps(event))
    return files


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in POST.items() if key != name}


def test_every_sample_event_is_shown_with_the_status_in_its_name() -> None:
    ran = run()
    assert ran.exit_code == 0
    for sample in sample_events():
        (line,) = [line for line in ran.stdout.splitlines() if f" {sample.name} " in line]
        assert line.split().count(str(sample.status)) == 2


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("no-status.json", b"{}", "does not begin with a status"),
        ("200-missing.json", None, "No such file"),
        ("missing.json", None, "No such file"),
        ("200-latin.json", b'"\xe9"', "is not UTF-8"),
        ("200-broken.json", b"{", "is not JSON"),
        ("200-deep.json", 100_000 * b"[", "is not JSON"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_named_and_does_not_stop_the_others(
    tmp_path: Path, name: str, content: bytes | None, fault: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    ran = run(file, EVENTS / "401-no-token.json")
    assert str(file) in ran.stderr
    assert fault in ran.stderr
    assert "1 of 1 events got the status in their name." in ran.stdout
    assert ran.exit_code == 1


def test_an_event_that_raises_is_replayed_as_the_502_of_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.replay.lambda_handler", lambda *_: 1 / 0)
    ran = run(*event_files(tmp_path, 502, [], CONSOLE))
    assert ran.stdout.count("InternalError") == 2
    assert ran.exit_code == 0


@pytest.mark.parametrize(("status", "event"), [(200, KEEP_ACTIVE), (401, CONSOLE)])
def test_an_event_fails_the_replay_unless_it_gets_the_status_in_its_name(
    tmp_path: Path, status: int, event: Any
) -> None:
    for expected, count, code in ((status, 1, 0), (404, 0, 1)):
        ran = run(*event_files(tmp_path, expected, event))
        assert f"{count} of 1 events got the status in their name." in ran.stdout
        assert (ran.exit_code, ran.stderr) == (code, "")


def test_incomplete_events_are_sent_over_http(url: str, tmp_path: Path) -> None:
    events = [
        CONSOLE,
        CONSOLE | {"headers": {"Host": "日本", "X-Forwarded-For": None, "Content-Length": 1}},
        CONSOLE | {"headers": {"Authorization": "Bearer \xe9"}},
        CONSOLE | {"headers": {"X": "日本"}, "multiValueHeaders": {"Y": ["1"], "Z": None}},
        CONSOLE | {"body": None},
        without("headers"),
        without("multiValueHeaders") | {"headers": {}},
    ]
    ran = run("--url", url, *event_files(tmp_path, 401, *events))
    assert "7 of 7 events got the answer that the handler gives." in ran.stdout
    assert (ran.exit_code, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ([], "no method"),
        (without("path"), "no path"),
        (CONSOLE | {"path": "nowhere.invalid/"}, "no path"),
        (CONSOLE | {"path": "/a b"}, "control characters"),
        (CONSOLE | {"httpMethod": "G\r\n"}, "no method"),
        (CONSOLE | {"headers": [1]}, "HTTP cannot"),
        (CONSOLE | {"headers": {"X": "\n"}}, "header value"),
        (CONSOLE | {"headers": {"X": "\u0142"}}, "latin-1"),
        (CONSOLE | {"headers": {"": ""}}, "header name"),
        (CONSOLE | {"body": {"a": 1}}, "HTTP cannot"),
        (CONSOLE | {"body": "{", "isBase64Encoded": True}, BROKEN_BASE64),
    ],
)
def test_an_event_that_no_request_makes_is_not_sent_for_a_reason(
    url: str, tmp_path: Path, event: Any, reason: str
) -> None:
    ran = run("--url", url, *event_files(tmp_path, 400, event))
    assert re.search(f"^Not sent: 400-0; .*{re.escape(reason)}", ran.stdout)
    assert (ran.exit_code, ran.stderr) == (1, "")


@pytest.mark.parametrize("body", ["[" * 100_000, "[]", '{"name"', ""])
def test_an_answer_that_is_not_of_the_contract_is_shown_as_it_is(body: str) -> None:
    assert payload_or_name(body) == body


@pytest.mark.parametrize("option", [(), ("--sam-local",)], ids=["API", "sam local"])
def test_over_http_every_event_gets_what_the_handler_answers(url: str, option: Any) -> None:
    ran = run("--url", f"{url}/", *option)
    not_sent = ["200-encoded-enterprise-id"] * len(option) + ["400-broken-base64"]
    assert re.findall(r"Not sent: (\S+);", ran.stdout) == not_sent
    count = len(sample_events()) - len(not_sent)
    assert f"{count} of {count} events got the answer that the handler gives." in ran.stdout
    assert ran.exit_code == 0


def test_over_http_the_right_status_with_another_answer_fails_the_replay(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: Any) -> dict[str, Any]:
        answer = lambda_handler(*words)
        return answer | {"body": answer["body"].replace("payload", "message")}

    monkeypatch.setattr("tools.serve.lambda_handler", broken)
    for path in ("", "/v1"):  # a stage comes before the path
        ran = run("--url", url + path, EVENTS / "200-get.json")
        assert "0 of 1 events got the answer that the handler gives." in ran.stdout
        assert ("RouteNotFound" in ran.stdout) is (path == "/v1")
        assert ran.exit_code == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("127.0.0.1:3000", "must begin with http:// or https:// and a host"),
        ("http://", "must begin with"),
        ("http://x:y", "does not answer in HTTP"),
        ("http://[x", "Invalid"),
        ("https://127.0.0.1:{port}", "SSL"),
        ("http://127.0.0.1:1", "refused"),
    ],
)
def test_a_url_where_no_api_answers_is_an_error_in_a_sentence(
    url: str, wrong: str, message: str
) -> None:
    wrong = wrong.format(port=urlsplit(url).port)
    ran = run("--url", wrong, EVENTS / "401-no-token.json")
    assert ran.exit_code == 2
    assert wrong in ran.stderr
    assert message in ran.stderr


ENCODED = EVENTS / "200-encoded-enterprise-id.json"
PATH = sample_event(ENCODED.stem)["path"]


@pytest.mark.parametrize(
    ("scheme", "requests"),
    [
        ("http", [f"GET http://{HOST}/v1{PATH} HTTP/1.1", "me:p:@"]),
        ("https", [f"CONNECT {HOST}:443 HTTP/1.1", "me:p:@", f"GET /v1{PATH} HTTP/1.1"]),
    ],
)
def test_events_go_through_the_proxy_of_the_environment(
    url: str, tmp_path: Path, scheme: str, requests: list[str]
) -> None:
    certificate = tmp_path / "certificate.pem"
    with proxy(urlsplit(url).netloc, certificate) as (address, seen):
        environment = {
            f"{scheme.upper()}_PROXY": f"http://me:p%3A%40@{address}",
            "SSL_CERT_FILE": str(certificate),
        }
        ran = run("--url", f"{scheme}://{HOST}/v1", ENCODED, **environment)
    assert seen == requests
    assert "RouteNotFound" in ran.stdout  # the answer of a server that has no stage


def test_a_host_in_no_proxy_is_reached_directly(url: str, tmp_path: Path) -> None:
    with proxy(urlsplit(url).netloc, tmp_path / "certificate.pem") as (address, seen):
        for no_proxy, count in (("127.0.0.1", 0), ("example.com", 1)):
            ran = run("--url", url, ENCODED, HTTP_PROXY=address, NO_PROXY=no_proxy)
            assert "1 of 1 events got the answer that the handler gives." in ran.stdout
            assert len(seen) == count


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("http://me:secret@127.0.0.1:1", "refused (through the proxy 127.0.0.1:1)"),
        ("http://me:secret/@127.0.0.1:1", "HTTPS_PROXY must be http://HOST:PORT"),
        ("socks5://me:secret@127.0.0.1:1", "HTTPS_PROXY must be http://HOST:PORT"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    wrong: str, message: str
) -> None:
    ran = run("--url", f"https://{HOST}", ENCODED, HTTPS_PROXY=wrong, COLUMNS="80")
    assert ran.exit_code == 2
    words = re.sub(r"[\s│]+", " ", ran.stderr)
    assert message in words
    assert "secret" not in words


def test_without_the_sample_state_every_token_is_unknown(url: str) -> None:
    words = ("replay", "--url", url, "--no-state", "events/200-get.json")
    ran = python("-m", "tools", *words, env=os.environ | {"COLUMNS": "0"})
    (line,) = [line.split() for line in ran.stdout.splitlines() if "200-get " in line]
    assert line[3:5] == ["401", "200"]
    assert '"outcome"' not in ran.stdout + ran.stderr  # the log
    assert ran.returncode == 1


def test_odd_settings_odd_names_and_an_ascii_terminal_cause_no_traceback(
    tmp_path: Path,
) -> None:
    file = Path(os.fsdecode(bytes(tmp_path) + b"/404-\xe9[b].json"))
    file.write_text("\ufeff" + json.dumps(CONSOLE | {"httpMethod": "G\ud800", "path": "/"}))
    settings = {"POWERTOOLS_DEBUG": "?", "POWERTOOLS_DEV": "?", "LOG_LEVEL": "?", "TERM": "dumb"}
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    environment = os.environ | settings | ascii_only | {"PYTHONWARNINGS": "error"}
    ran = python("-m", "tools", "replay", file, env=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "404-\\udce9[b]" in ran.stdout
