"""State that can't be read is a 500 in time: nothing for the client, all for the log."""

import socket
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from handlers.state import ATTEMPTS, ROUNDS, TIMEOUT
from tests.asking import METHODS, Lines, ask, assert_internal_error
from tests.dynamodb import (
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


def fails_and_recovers(
    fault: Fault, lines: Lines, monkeypatch: pytest.MonkeyPatch, **limits: float
) -> None:
    """Limits of handlers.state hold for the request that fails only: the next may take its time."""
    script: Script = [*[fault.step] * fault.attempts, read(ITEMS, [])]
    with dynamodb_answering(script, monkeypatch) as asked:
        with monkeypatch.context() as limited:
            for name, seconds in limits.items():
                limited.setattr(f"handlers.state.{name}", seconds)
            assert_internal_error(ask(), lines, fault.exception)
        assert len(asked) == fault.attempts
        assert ask().status == 200


@pytest.mark.parametrize("fault", QUICK_FAULTS.values(), ids=QUICK_FAULTS)
def test_a_database_that_fails(
    fault: Fault, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_and_recovers(fault, log_lines, monkeypatch)


@pytest.mark.parametrize("fault", SILENT_FAULTS.values(), ids=SILENT_FAULTS)
def test_a_database_that_falls_silent(
    fault: Fault, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_and_recovers(fault, log_lines, monkeypatch, TIMEOUT=0.3)


def test_a_name_that_does_not_resolve(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.invalid")
    assert_internal_error(ask(), log_lines, "EndpointConnectionError")


def test_a_silent_database_is_given_up_before_the_function_and_the_function_before_api_gateway() -> (
    None
):
    function = template()["Resources"]["SigningFunction"]["Properties"]
    longest_back_off = 1  # botocore's, in seconds, before the second attempt
    api_gateway_gives_up = 29
    silence = ATTEMPTS * 2 * TIMEOUT + longest_back_off
    assert silence < function["Timeout"] < api_gateway_gives_up


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_table(method: str, log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    assert_internal_error(ask(method), log_lines, "ResourceNotFoundException")


def test_a_table_name_that_is_not_configured(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    assert_internal_error(ask(), log_lines, "KeyError")


def test_a_closed_port(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_at_once:
        port = closed_at_once.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
    assert_internal_error(ask(), log_lines, "EndpointConnectionError")


def test_a_port_that_lets_nobody_in(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.state.TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        with suppress(TimeoutError):
            while True:  # until the queue is full, in which nobody is served
                waiting.enter_context(socket.create_connection(full.getsockname(), timeout=0.1))
        port = full.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{port}")
        assert_internal_error(ask(), log_lines, "ConnectTimeoutError")


def test_a_table_that_is_throttled_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([THROTTLED, read(ITEMS, [])], monkeypatch) as asked:
        assert ask().status == 200
    assert len(asked) == 2


@pytest.mark.parametrize("left", range(3))
def test_keys_left_unprocessed_once_are_asked_for_again_and_no_others(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [each for each in ITEMS if each is not ITEMS[left]]
    script = [read(done, [ITEMS[left]]), read([ITEMS[left]], [])]
    with dynamodb_answering(script, monkeypatch) as asked:
        assert ask().status == 200
    keys = [request["RequestItems"][TABLE_NAME]["Keys"] for request in asked]
    assert [len(each) for each in keys] == [3, 1]
    assert keys[1] == [{"pk": ITEMS[left]["pk"], "sk": ITEMS[left]["sk"]}]


@pytest.mark.parametrize("left", [ITEMS, *([each] for each in ITEMS)])
def test_keys_left_unprocessed_for_good(
    left: list[dict[str, Any]], log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [each for each in ITEMS if each not in left]
    with dynamodb_answering([read(done, left), read([], left)], monkeypatch) as asked:
        assert_internal_error(ask(), log_lines, "StateUnavailable")
    assert len(asked) == ROUNDS


def test_the_wait_before_another_round_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("handlers.state.sleep", waits.append)
    with dynamodb_answering([read([], ITEMS)], monkeypatch):
        ask()
    assert waits == [0.05, 0.1]


def test_an_answer_of_another_table_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    other = 200, {"Responses": {"other-table": ITEMS}, "UnprocessedKeys": {}}
    with dynamodb_answering([other], monkeypatch):
        assert ask().name == "NotAMember"


def test_the_log_says_why_the_state_is_unavailable(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dynamodb_answering([read([], ITEMS)], monkeypatch):
        ask()
    (line,) = log_lines()
    assert line["exception"].endswith("StateUnavailable: keys left unprocessed after 3 rounds")


def test_every_round_is_consistent(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([read([], ITEMS), read(ITEMS, [])], monkeypatch) as asked:
        ask()
    assert [r["RequestItems"][TABLE_NAME]["ConsistentRead"] for r in asked] == [True, True]


@pytest.mark.parametrize("missing", ["Responses", "UnprocessedKeys"])
def test_an_answer_without_a_part_that_dynamodb_promises(
    missing: str, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, body = read(ITEMS, [])
    del body[missing]
    with dynamodb_answering([(status, body)], monkeypatch):
        assert_internal_error(ask(), log_lines, "KeyError")
