"""State that can't be read is a 500 in time: nothing for the client, all for the log."""

import socket
from binascii import crc32
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from handlers.state import DEADLINE, ROUNDS
from tests.asking import METHODS, Lines, ask, assert_internal_error
from tests.dynamodb import (
    ALLOWED,
    ENDLESS_FAULTS,
    ITEMS,
    QUICK_FAULTS,
    SILENT_FAULTS,
    Fault,
    Script,
    Step,
    dynamodb_answering,
    read,
    written,
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


@pytest.mark.parametrize("fault", ENDLESS_FAULTS.values(), ids=ENDLESS_FAULTS)
def test_a_database_that_takes_for_ever(
    fault: Fault, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_and_recovers(fault, log_lines, monkeypatch, DEADLINE=0.5)


def test_a_name_that_does_not_resolve(log_lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.invalid")
    assert_internal_error(ask(), log_lines, "EndpointConnectionError")


def test_the_client_has_its_answer_well_before_lambda_and_api_gateway_give_up() -> None:
    function = template()["Resources"]["SigningFunction"]["Properties"]
    # resolv.conf(5): seconds to wait for a name server, and how often. It can't be cut off.
    resolver = dict(
        option.split(":") for option in function["Environment"]["Variables"]["RES_OPTIONS"].split()
    )
    name_resolution = int(resolver["timeout"]) * int(resolver["attempts"])
    api_gateway_gives_up = 29
    assert DEADLINE + name_resolution + 5 <= function["Timeout"] < api_gateway_gives_up


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


def test_an_answer_without_a_checksum_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = written(200, ALLOWED).replace(b"x-amz-crc32", b"x-amz-other")
    with dynamodb_answering([answer], monkeypatch):
        assert ask().status == 200


def test_an_answer_of_another_table_holds_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    other = 200, {"Responses": {"other-table": ITEMS}, "UnprocessedKeys": {}}
    with dynamodb_answering([other], monkeypatch):
        assert ask().name == "NotAMember"


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (read([], ITEMS), "keys left unprocessed after 3 rounds"),
        (read([*ITEMS, *ITEMS], []), "an item came twice or was not asked for"),
        (read(ITEMS, ITEMS), "a key was left unprocessed that came or was not asked for"),
        (QUICK_FAULTS["a bad checksum"].step, f"checksum is not {crc32(ALLOWED) ^ 1}"),
        (ENDLESS_FAULTS["answers byte by byte"].step, "nothing after 0.5 seconds"),
    ],
)
def test_the_log_says_why_the_state_is_unavailable(
    step: Step, reason: str, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.state.DEADLINE", 0.5)
    with dynamodb_answering([step], monkeypatch):
        ask()
    (line,) = log_lines()
    assert line["exception"].endswith(reason)


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


CREDENTIAL, LICENSE, CONNECTION = ITEMS
FOREIGN = LICENSE | {"pk": {"S": "ENTERPRISE#borealis-fund"}}
OTHER = CONNECTION | {"sk": {"S": "CONNECTION#00000000-0000-4000-8000-000000000000"}}
OFF = LICENSE | {"status": {"S": "inactive"}}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([read([*ITEMS, FOREIGN], [])], id="an item of another partition"),
        pytest.param([read([*ITEMS, OTHER], [])], id="an item with another sort key"),
        pytest.param([read([OFF, *ITEMS], [])], id="an item twice"),
        pytest.param([read(ITEMS, [LICENSE])], id="an item and its key unprocessed"),
        pytest.param(
            [read([CREDENTIAL, OFF], [CONNECTION]), read([CONNECTION, LICENSE], [])],
            id="an item again in another round",
        ),
        pytest.param([read(ITEMS, [FOREIGN])], id="a key of another partition unprocessed"),
        pytest.param([read(ITEMS, [OTHER])], id="a key that nobody asked for unprocessed"),
    ],
)
def test_an_answer_that_is_not_one_to_the_question(
    script: Script, log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dynamodb_answering(script, monkeypatch) as asked:
        assert_internal_error(ask(), log_lines, "StateUnavailable")
    assert len(asked) == len(script)
