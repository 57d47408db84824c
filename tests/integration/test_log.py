"""The log line of a request: its fields and its metric."""

import json
from hashlib import sha256
from typing import Any

import pytest

from handlers.log import EXCEPTION_LIMIT
from handlers.signing import KEEP_ACTIVE, lambda_handler
from tests.support.calls import (
    ACME,
    Lines,
    ask,
    assert_internal_error,
    call,
    event_for,
    sample_event,
)
from tests.support.dynamodb import FAULTS, dynamodb_answering
from tools.replay import sample_events
from tools.sample import BODY, lambda_context

pytestmark = pytest.mark.usefixtures("world")

CLOUDWATCH_LIMIT = 256 * 1024
"""The largest line that CloudWatch Logs accepts, in bytes."""
VARYING = {"timestamp", "cold_start", "duration", "function_request_id", "_aws"}


def test_a_line_has_these_fields_and_no_others(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
    event, context = event_for(), lambda_context()
    event["requestContext"]["extendedRequestId"] = "JKJaXmPLvHcESHA="
    event["multiValueHeaders"]["request-ID"] = ["Order_12-b.3"]
    lambda_handler(event, context)
    (line,) = log_lines()
    assert line["function_request_id"] == context.aws_request_id
    assert line["cold_start"] in {True, False}
    assert line["timestamp"]
    assert {name: value for name, value in line.items() if name not in VARYING} == {
        "level": "INFO",
        "message": "200 Payload",
        "service": "deallocation-signing",
        "function_name": context.function_name,
        "function_memory_size": context.memory_limit_in_mb,
        "function_arn": context.invoked_function_arn,
        "functionVersion": context.function_version,
        "xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793",
        "outcome": "Payload",
        "status": 200,
        "requestId": event["requestContext"]["requestId"],
        "extendedRequestId": "JKJaXmPLvHcESHA=",
        "clientRequestId": "Order_12-b.3",
        "enterpriseId": ACME["enterprise_id"],
        "connectionId": ACME["connection_id"],
        "memberId": "trader",
        # printf %s PAYLOAD | sha256sum, with the payload that README shows
        "payloadSha256": "2d3c39cef65aa215f9719e11b7b2092e2babe1bef131d416af675b726cda85d1",
    }


def test_a_line_is_in_the_embedded_metric_format(log_lines: Lines) -> None:
    ask()
    (line,) = log_lines()
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert isinstance(line["duration"], float)
    function = ["service", "function_name"]
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "DeallocationSigning",
            "Metrics": [{"Name": "duration", "Unit": "Milliseconds"}],
            "Dimensions": [function, [*function, "outcome"]],
        }
    ]


def test_the_duration_is_in_milliseconds(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.log.perf_counter", iter([1.0, 1.2345678]).__next__)
    ask()
    (line,) = log_lines()
    assert line["duration"] == 234.568


@pytest.mark.parametrize("name", [sample.name for sample in sample_events()])
def test_a_request_logs_one_line_with_the_status_name_and_id_of_its_answer(
    name: str, log_lines: Lines
) -> None:
    answer = call(sample_event(name))
    (line,) = log_lines()
    assert line["level"] == ("ERROR" if answer.status == 500 else "INFO")
    assert line["status"] == answer.status
    assert line["outcome"] == (answer.name or "Payload")
    assert line["message"] == f"{answer.status} {line['outcome']}"
    assert line["requestId"] == answer.headers["Request-Id"]


def test_the_line_of_a_500_has_the_exception(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    (line,) = log_lines()
    assert line["exception_name"] == "CorruptRecord"
    head, place, *_, last = line["exception"].split("\n")
    assert head == "Traceback (most recent call last):"
    assert place.startswith('  File "')
    assert last.startswith("domain.errors.CorruptRecord: Connection: ")


def test_a_long_exception_is_cut_in_the_middle_and_its_line_fits_into_cloudwatch(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "\U0001f3e6" * (EXCEPTION_LIMIT // 2)
    texts = [half + half, half + "b" * 10 + half]
    formatted = iter(texts)
    monkeypatch.setattr("handlers.log.format_exception", lambda _: [next(formatted)])
    for _ in texts:
        call(sample_event("500-corrupt-record"))
    whole, cut = log_lines()
    assert whole["exception"] == texts[0]
    assert cut["exception"] == f"{half}\n[10 characters left out]\n{half}"
    assert len(json.dumps(cut)) < CLOUDWATCH_LIMIT


@pytest.mark.parametrize(
    ("event", "enterprise", "member"),
    [
        ("200-get-by-viewer", "acme-capital", "viewer"),
        ("403-no-write-scope", "acme-capital", "viewer"),
        ("500-corrupt-record", "acme-capital", "trader"),
        ("401-expired-credential", "acme-capital", None),
        ("401-stranger", "acme-capital", None),
        ("400-unknown-field", None, None),
        ("401-no-token", None, None),
    ],
)
def test_a_line_has_the_ids_of_a_valid_request_and_the_member_if_authentication_passes(
    event: str, enterprise: str | None, member: str | None, log_lines: Lines
) -> None:
    call(sample_event(event))
    (line,) = log_lines()
    assert (line.get("enterpriseId"), line.get("memberId")) == (enterprise, member)
    assert ("connectionId" in line) is (enterprise is not None)


def test_the_line_of_a_failed_read_has_the_ids() -> None:
    with dynamodb_answering([FAULTS["access denied"].step]):
        line = assert_internal_error("ClientError")
    ids = {"enterprise_id": line["enterpriseId"], "connection_id": line["connectionId"]}
    assert ids.items() <= ACME.items()
    assert "memberId" not in line


SECRET = "never-to-be-logged"  # noqa: S105 -- a value that no line may hold


@pytest.mark.parametrize(
    ("authorization", "change", "outcome"),
    [
        (f"Bearer {ACME['token']}", {}, "Payload"),
        (f"Bearer {SECRET}", {}, "NotAMember"),
        *(
            (value, {}, "Unauthenticated")
            for value in (SECRET, f"Basic {SECRET}", f"Bearer {SECRET}, Bearer {SECRET}", "")
        ),
        (f"Bearer {SECRET}", {"body": f'{{"nonce": "{SECRET}"'}, "InvalidRequest"),
        (f"Bearer {SECRET}", {"body": f'{{"{SECRET}": 1}}'}, "InvalidRequest"),
        (f"Bearer {SECRET}", {"httpMethod": "PUT"}, "MethodNotAllowed"),
        (f"Bearer {SECRET}", {"path": f"/{SECRET}"}, "RouteNotFound"),
    ],
)
def test_a_line_has_nothing_of_headers_query_or_body(
    authorization: str, change: dict[str, Any], outcome: str, log_lines: Lines
) -> None:
    names = ("Cookie", "Host", "Referer", "User-Agent", "X-Api-Key", "X-Forwarded-For")
    headers = {"Authorization": [authorization]} | {name: [SECRET] for name in names}
    body = BODY | {"clientExternalId": SECRET, "nonce": SECRET, "notes": SECRET}
    query = {"queryStringParameters": {"token": SECRET}}
    call(event_for(headers=headers, body=body) | query | change)
    (line,) = log_lines()
    assert line["outcome"] == outcome
    hashes = [sha256(token.encode()).hexdigest()[:8] for token in (SECRET, ACME["token"])]
    written = json.dumps(line)
    assert [secret for secret in (SECRET, ACME["token"], *hashes) if secret in written] == []


@pytest.mark.parametrize(
    ("values", "logged"),
    [
        (["7"], "7"),
        (["a" * 128], "a" * 128),
        *(([value], None) for value in ("a" * 129, "", "a b", "a\n", "é", '"')),
        (["1", "2"], None),
        ([], None),
    ],
)
def test_a_line_has_the_clients_request_id_if_it_is_plain_short_and_single(
    values: list[str], logged: str | None, log_lines: Lines
) -> None:
    token = [f"Bearer {ACME['token']}"]
    assert ask(headers={"Authorization": token, "Request-Id": values}).status == 200
    (line,) = log_lines()
    assert line.get("clientRequestId") == logged


def test_a_line_has_no_field_of_the_request_before(log_lines: Lines) -> None:
    call(sample_event("500-corrupt-record"))
    call(sample_event("401-no-token"))
    _, line = log_lines()
    of_a_request = {"enterpriseId", "connectionId", "memberId", "exception", "exception_name"}
    assert line.keys() & of_a_request == set()


def test_only_the_line_of_a_200_has_the_hash_of_a_payload(log_lines: Lines) -> None:
    for sample in sample_events():
        call(sample.event)
    for line in log_lines():
        assert ("payloadSha256" in line) is (line["status"] == 200)


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
