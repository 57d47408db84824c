"""The log line of a request: its fields, its metric, and what it must not hold."""

import json
import logging
import os
import subprocess
import sys
from hashlib import sha256
from typing import Any

import pytest

from handlers.log import EXCEPTION_LIMIT, SERVICE
from handlers.signing import KEEP_ACTIVE, lambda_handler
from tests.support.calls import (
    ACME,
    Lines,
    ask,
    call,
    event_for,
    sample_event,
)
from tests.support.dynamodb import ITEMS, dynamodb_answering, read
from tools.replay import sample_events
from tools.world import BODY, lambda_context

pytestmark = pytest.mark.usefixtures("world")

CLOUDWATCH_LIMIT = 256 * 1024
"""The largest line that CloudWatch Logs accepts, in bytes."""


def logged_by_others(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name != SERVICE]


def test_the_line_has_the_outcome_and_the_ids_of_the_request(log_lines: Lines) -> None:
    event = event_for()
    call(event)
    (line,) = log_lines()
    assert line["message"] == "200 Payload"
    assert line["outcome"] == "Payload"
    assert line["status"] == 200
    assert line["level"] == "INFO"
    assert line["enterpriseId"] == ACME["enterprise_id"]
    assert line["connectionId"] == ACME["connection_id"]
    assert line["requestId"] == event["requestContext"]["requestId"]


def test_the_line_has_the_fields_of_lambda_under_powertools_names(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    context = lambda_context()
    lambda_handler(event_for(), context)
    (line,) = log_lines()
    assert line["service"] == "deallocation-signing"
    assert line["function_name"] == context.function_name
    assert line["function_request_id"] == context.aws_request_id
    assert line["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert line["functionVersion"] == context.function_version
    assert line["cold_start"] in {True, False}
    assert line["timestamp"]


def test_the_line_of_a_500_is_an_error_with_the_exception(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    (line,) = log_lines()
    assert line["level"] == "ERROR"
    assert line["message"] == "500 InternalError"
    assert line["exception_name"] == "CorruptRecord"
    head, place, *_, last = line["exception"].split("\n")
    assert head == "Traceback (most recent call last):"
    assert place.startswith('  File "')
    assert last.startswith("domain.errors.CorruptRecord: Connection: ")


def test_a_long_exception_is_cut_in_the_middle(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("\U0001f3e6" * 1_000_000 + "the end")

    monkeypatch.setattr("handlers.signing.read_records", fails)
    ask(enterprise_id="%F0%9F%8F%A6" * 256)
    (line,) = log_lines()
    assert len(json.dumps(line)) < CLOUDWATCH_LIMIT
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("the end")
    left_out = len(" characters left out]\n[\n") + 20
    assert EXCEPTION_LIMIT < len(line["exception"]) < EXCEPTION_LIMIT + left_out


def test_a_line_has_the_whole_exception_up_to_the_limit_and_counts_what_it_leaves_out_beyond(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["a" * EXCEPTION_LIMIT, "a" * EXCEPTION_LIMIT + "b" * 10]
    formatted = iter(texts)
    monkeypatch.setattr("handlers.log.format_exception", lambda _: [next(formatted)])
    for _ in texts:
        call(sample_event("500-corrupt-record"))
    half = EXCEPTION_LIMIT // 2
    cut = f"{'a' * half}\n[10 characters left out]\n{'a' * (half - 10)}{'b' * 10}"
    assert [line["exception"] for line in log_lines()] == [texts[0], cut]


@pytest.mark.parametrize(
    ("event", "member"),
    [
        ("200-get-by-viewer", "viewer"),
        ("403-no-write-scope", "viewer"),
        ("422-inactive-connection", "trader"),
        ("500-corrupt-record", "trader"),
        ("401-expired-credential", None),
        ("401-stranger", None),
        ("400-unknown-field", None),
    ],
)
def test_the_line_names_the_member_if_check_3_passes(
    event: str, member: str | None, log_lines: Lines
) -> None:
    call(sample_event(event))
    (line,) = log_lines()
    assert line.get("memberId") == member


def test_the_line_has_the_extended_request_id(log_lines: Lines) -> None:
    event = event_for()
    event["requestContext"]["extendedRequestId"] = "JKJaXmPLvHcESHA="
    call(event)
    (line,) = log_lines()
    assert line["extendedRequestId"] == "JKJaXmPLvHcESHA="


def ask_with_request_ids(*request_ids: str | None) -> None:
    token = [f"Bearer {ACME['token']}"]
    headers: dict[str, Any] = {"Authorization": token, "request-ID": list(request_ids)}
    call(event_for(headers=headers))


@pytest.mark.parametrize("request_id", ["7", "a" * 128, "Order_12-b.3"])
def test_the_line_has_the_clients_own_request_id(request_id: str, log_lines: Lines) -> None:
    ask_with_request_ids(request_id)
    (line,) = log_lines()
    assert line["clientRequestId"] == request_id


@pytest.mark.parametrize(
    "request_ids",
    [["a" * 129], [""], ["a b"], ["a\n"], ["é"], ['"'], ["1", "2"], []],
)
def test_a_clients_request_id_that_is_not_plain_short_and_single_is_left_out(
    request_ids: list[str | None], log_lines: Lines
) -> None:
    ask_with_request_ids(*request_ids)
    (line,) = log_lines()
    assert line["status"] == 200
    assert "clientRequestId" not in line


def test_creating_a_dynamodb_client_logs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # A new endpoint makes the function create a new client.
    with dynamodb_answering([read(ITEMS, [])], monkeypatch):
        assert ask().status == 200
    assert logged_by_others(caplog) == []


def test_the_duration_is_in_milliseconds(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.log.perf_counter", iter([1.0, 1.2345678]).__next__)
    ask()
    (line,) = log_lines()
    assert line["duration"] == 234.568


@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_a_request_logs_one_line_with_the_status_name_and_id_of_its_answer(
    name: str, log_lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    answer = call(sample_event(name))
    (line,) = log_lines()
    assert logged_by_others(caplog) == []
    assert line["status"] == answer.status
    assert line["outcome"] == (answer.name or "Payload")
    assert line["requestId"] == answer.headers["Request-Id"]


def test_the_line_is_in_the_embedded_metric_format(log_lines: Lines) -> None:
    ask()
    (line,) = log_lines()
    assert isinstance(line["_aws"]["Timestamp"], int)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DeallocationSigning"
    assert directive["Metrics"] == [{"Name": "duration", "Unit": "Milliseconds"}]
    assert isinstance(line["duration"], float)
    assert directive["Dimensions"] == [
        ["service", "function_name"],
        ["service", "function_name", "outcome"],
    ]
    for dimensions in directive["Dimensions"]:
        assert all(isinstance(line[dimension], str) for dimension in dimensions)


def test_a_line_has_no_field_of_the_request_before(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    call(sample_event("401-no-token"))
    _, line = log_lines()
    of_a_request = {"enterpriseId", "connectionId", "memberId", "exception", "exception_name"}
    assert line.keys() & of_a_request == set()


@pytest.mark.parametrize("connection", ["01", "02", "03"], ids=["200", "422", "500"])
def test_no_secret_is_in_the_line(connection: str, log_lines: Lines) -> None:
    notes, nonce = "notes-of-this-test", "nonce-of-this-test"
    answer = ask(
        connection_id=ACME["connection_id"][:-2] + connection,
        body=BODY | {"notes": notes, "nonce": nonce},
    )
    assert answer.status in {200, 422, 500}
    written = json.dumps(log_lines())
    for secret in (ACME["token"], sha256(ACME["token"].encode()).hexdigest()[:8], nonce, notes):
        assert secret not in written


def test_the_scheduled_event_is_logged_without_a_read_or_a_metric(
    reads: list[Any], log_lines: Lines
) -> None:
    assert lambda_handler(dict(KEEP_ACTIVE), lambda_context()) == {}
    (line,) = log_lines()
    assert (line["level"], line["message"]) == ("INFO", "Kept active")
    assert line.keys() & {"_aws", "outcome", "status"} == set()
    assert reads == []


def test_a_request_with_a_source_is_not_taken_for_the_scheduled_event() -> None:
    assert call(event_for() | KEEP_ACTIVE).status == 200


def lines_of_a_process(environment: dict[str, str]) -> list[dict[str, Any]]:
    """The log of a new process that handles three requests with these environment variables."""
    script = (
        "import logging, sys\n"
        "logging.basicConfig(format='%(message)s', stream=sys.stdout)\n"  # as Lambda has a handler
        "from tests.support.calls import call, sample_event\n"
        "from tools.world import sample_world\n"
        "with sample_world():\n"
        "    for name in ('200-get', '401-no-token', '500-corrupt-record'):\n"
        "        call(sample_event(name))\n"
    )
    ran = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-W", "ignore", "-c", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.parametrize(
    "environment",
    [
        {"POWERTOOLS_LOG_LEVEL": "CRITICAL"},
        {"LOG_LEVEL": "ERROR"},
        {"POWERTOOLS_LOG_LEVEL": "ERROR", "POWERTOOLS_LOGGER_SAMPLE_RATE": "0.000001"},
        {"POWERTOOLS_METRICS_DISABLED": "true"},
        {"POWERTOOLS_SERVICE_NAME": "another", "POWERTOOLS_METRICS_NAMESPACE": "Another"},
        {"POWERTOOLS_DEV": "true"},
    ],
    ids=lambda environment: " and ".join(environment) if len(environment) < 3 else "all at once",
)
def test_no_setting_removes_a_line_or_its_metrics(environment: dict[str, str]) -> None:
    lines = lines_of_a_process(environment)
    assert [line["status"] for line in lines] == [200, 401, 500]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DeallocationSigning"
        assert [line[name] for name in directive["Dimensions"][0]] == [SERVICE, "SigningFunction"]
