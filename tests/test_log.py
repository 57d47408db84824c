"""The one line a request: what it says, that it is a metric too, and what it never says."""

import json
from hashlib import sha256

import pytest

from handlers.signing import lambda_handler
from tests.asking import ACME, BODY, Lines, ask, call, event_for, sample_event
from tests.dynamodb import ITEMS, dynamodb_answering, read
from tools.replay import lambda_context, sample_events

pytestmark = pytest.mark.usefixtures("world")


def test_the_line_tells_the_outcome_of_a_request(log_lines: Lines) -> None:
    event = event_for()
    call(event)
    (line,) = log_lines()
    assert line["outcome"] == "Payload"
    assert line["status"] == 200
    assert line["level"] == "INFO"
    assert line["enterpriseId"] == ACME["enterprise_id"]
    assert line["connectionId"] == ACME["connection_id"]
    assert line["requestId"] == event["requestContext"]["requestId"]


def test_the_line_of_a_500_is_an_error_and_tells_lambdas_own_names(log_lines: Lines) -> None:
    context = lambda_context()
    lambda_handler(sample_event("500-corrupt-record"), context)
    (line,) = log_lines()
    assert line["level"] == "ERROR"
    assert line["exception_name"] == "CorruptRecord"
    assert line["functionRequestId"] == context.aws_request_id
    assert line["FunctionName"] == context.function_name


def test_the_line_tells_the_id_that_no_client_can_choose(log_lines: Lines) -> None:
    event = event_for()
    event["requestContext"]["extendedRequestId"] = "JKJaXmPLvHcESHA="
    call(event)
    (line,) = log_lines()
    assert line["extendedRequestId"] == "JKJaXmPLvHcESHA="


def test_the_exception_reads_as_python_prints_it(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    (line,) = log_lines()
    head, place, *_, last = line["exception"].split("\n")
    assert head == "Traceback (most recent call last):"
    assert place.startswith('  File "')
    assert last.startswith("domain.errors.CorruptRecord: Connection: ")


def test_a_client_that_is_made_for_a_request_logs_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with dynamodb_answering(
        [read(ITEMS, [])], monkeypatch
    ):  # an endpoint, and so a client, of its own
        assert ask().status == 200
    assert caplog.records == []


def test_the_line_is_timed_in_milliseconds(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.log.time", lambda: 1_700_000_000.1234)
    monkeypatch.setattr("handlers.log.perf_counter", iter([1.0, 1.2345678]).__next__)
    ask()
    (line,) = log_lines()
    assert line["_aws"]["Timestamp"] == 1_700_000_000_123
    assert line["duration"] == 234.568


@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_a_request_is_one_line_with_the_answers_own_status_name_and_id(
    name: str, log_lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    answer = call(sample_event(name))
    (line,) = log_lines()
    assert caplog.records == []  # nor does a library log something
    assert line["status"] == answer.status
    assert line["outcome"] == (answer.name or "Payload")
    assert line["requestId"] == answer.headers["Request-Id"]


def test_the_line_is_a_document_of_the_embedded_metric_format(log_lines: Lines) -> None:
    ask()
    (line,) = log_lines()
    assert isinstance(line["_aws"]["Timestamp"], int)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DeallocationSigning"
    assert directive["Metrics"] == [{"Name": "duration", "Unit": "Milliseconds"}]
    for metric in directive["Metrics"]:
        assert isinstance(line[metric["Name"]], float)
    assert directive["Dimensions"] == [["FunctionName"], ["FunctionName", "outcome"]]
    for dimensions in directive["Dimensions"]:
        assert all(isinstance(line[dimension], str) for dimension in dimensions)


def test_nothing_of_one_request_is_left_in_the_line_of_the_next(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    call(sample_event("401-no-token"))
    _, line = log_lines()
    assert line.keys() & {"enterpriseId", "connectionId", "exception", "exception_name"} == set()


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
