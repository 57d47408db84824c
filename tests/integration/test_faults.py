"""State that can't be read is a 500. The client gets no details, and the log gets the exception."""

import socket
from contextlib import ExitStack, suppress
from time import monotonic
from typing import Any

import pytest

from handlers.state import ATTEMPTS, LAST_START, TIMEOUT, WAITS, dynamodb_client
from tests.support.calls import METHODS, Lines, ask, assert_internal_error
from tests.support.dynamodb import (
    ITEMS,
    QUICK_FAULTS,
    SILENT_FAULTS,
    Fault,
    Script,
    dynamodb_answering,
    read,
)
from tools.world import TABLE_NAME, template

pytestmark = pytest.mark.usefixtures("world")

THROTTLED = QUICK_FAULTS["throttled"].step
BOTOCORE_TIMEOUT = 60
"""How long botocore waits by default for a connection, and for an answer, in seconds."""


def assert_fails_and_recovers(
    fault: Fault, lines: Lines, monkeypatch: pytest.MonkeyPatch, **limits: float
) -> None:
    """A request fails, and the next one succeeds.

    The limits replace those of handlers.state for the first request only: the next one may be slow.
    """
    started = monotonic()
    script: Script = [*[fault.step] * fault.attempts, read(ITEMS, [])]
    with dynamodb_answering(script, monkeypatch) as requests:
        with monkeypatch.context() as limited:
            for name, seconds in limits.items():
                limited.setattr(f"handlers.state.{name}", seconds)
            assert_internal_error(ask(), lines, fault.exception)
        assert len(requests) == fault.attempts
        assert ask().status == 200
    assert monotonic() - started < BOTOCORE_TIMEOUT


@pytest.mark.parametrize("fault", QUICK_FAULTS.values(), ids=QUICK_FAULTS)
def test_a_fault_of_the_database_is_a_500_and_the_next_request_succeeds(
    fault: Fault, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_fails_and_recovers(fault, log_lines, monkeypatch)


@pytest.mark.parametrize("fault", SILENT_FAULTS.values(), ids=SILENT_FAULTS)
def test_a_silent_database_is_a_500_and_the_next_request_succeeds(
    fault: Fault, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_fails_and_recovers(fault, log_lines, monkeypatch, TIMEOUT=0.3)


def test_a_host_name_that_does_not_resolve_is_a_500(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.invalid")
    assert_internal_error(ask(), log_lines, "EndpointConnectionError")


def test_an_empty_endpoint_is_none_as_in_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "")
    assert ask().status == 200


def test_all_rounds_end_before_the_function_and_the_function_before_api_gateway() -> None:
    function = template()["Resources"]["SigningFunction"]["Properties"]
    longest_back_off = 1 + 5  # botocore's own, and what x-amz-retry-after adds, in seconds
    api_gateway_timeout = 29
    round_ = ATTEMPTS * 2 * TIMEOUT + longest_back_off
    assert LAST_START + round_ < function["Timeout"] < api_gateway_timeout


def test_botocore_sends_each_request_at_once_and_retries_by_the_standard_rules() -> None:
    config: Any = dynamodb_client().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_table_is_a_500(
    method: str, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    assert_internal_error(ask(method), log_lines, "ResourceNotFoundException")


def test_a_missing_table_name_is_a_500(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    assert_internal_error(ask(), log_lines, "KeyError")


def test_a_closed_port_is_a_500(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_at_once:
        port = closed_at_once.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    assert_internal_error(ask(), log_lines, "EndpointConnectionError")


def test_a_port_that_accepts_no_connection_is_a_500(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.state.TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        with suppress(TimeoutError):
            while True:  # until the queue is full: the server accepts nobody
                waiting.enter_context(socket.create_connection(full.getsockname(), timeout=0.1))
        port = full.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        started = monotonic()
        assert_internal_error(ask(), log_lines, "ConnectTimeoutError")
        assert monotonic() - started < BOTOCORE_TIMEOUT


def test_a_throttled_read_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([THROTTLED, read(ITEMS, [])], monkeypatch) as requests:
        assert ask().status == 200
    assert len(requests) == 2


@pytest.mark.parametrize("left", range(3))
def test_only_the_unprocessed_keys_are_read_again(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [each for each in ITEMS if each is not ITEMS[left]]
    script = [read(done, [ITEMS[left]]), read([ITEMS[left]], [])]
    with dynamodb_answering(script, monkeypatch) as requests:
        assert ask().status == 200
    keys = [request["RequestItems"][TABLE_NAME]["Keys"] for request in requests]
    assert [len(each) for each in keys] == [3, 1]
    assert keys[1] == [{"pk": ITEMS[left]["pk"], "sk": ITEMS[left]["sk"]}]


@pytest.mark.parametrize("left", [ITEMS, *([each] for each in ITEMS)])
def test_keys_that_stay_unprocessed_are_a_500(
    left: list[dict[str, Any]], log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [each for each in ITEMS if each not in left]
    with dynamodb_answering([read(done, left), read([], left)], monkeypatch) as requests:
        assert_internal_error(ask(), log_lines, "StateUnavailable")
    assert len(requests) == len(WAITS)


def test_no_round_starts_late(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.state.LAST_START", WAITS[1])
    with dynamodb_answering([read([], ITEMS)], monkeypatch) as requests:
        assert_internal_error(ask(), log_lines, "StateUnavailable")
    assert len(requests) == 1


def test_the_wait_doubles_with_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("handlers.state.sleep", waits.append)
    with dynamodb_answering([read([], ITEMS)], monkeypatch):
        ask()
    assert waits == [0.0, 0.05, 0.1]


def test_items_of_another_table_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    other = 200, {"Responses": {"other-table": ITEMS}, "UnprocessedKeys": {}}
    with dynamodb_answering([other], monkeypatch):
        assert ask().name == "NotAMember"


def test_the_log_says_why_the_state_is_unavailable(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dynamodb_answering([read([], ITEMS)], monkeypatch):
        ask()
    (line,) = log_lines()
    assert line["exception"].endswith("StateUnavailable: DynamoDB left 3 keys unprocessed")


def test_every_round_is_a_consistent_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([read([], ITEMS), read(ITEMS, [])], monkeypatch) as requests:
        ask()
    assert [r["RequestItems"][TABLE_NAME]["ConsistentRead"] for r in requests] == [True, True]


@pytest.mark.parametrize("missing", ["Responses", "UnprocessedKeys"])
def test_an_answer_without_a_required_member_is_a_500(
    missing: str, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body = read(ITEMS, [])
    del body[missing]
    with dynamodb_answering([(status, body)], monkeypatch):
        assert_internal_error(ask(), log_lines, "KeyError")
