"""The hook that Lambda calls before SnapStart takes its snapshot."""

import random
from contextlib import nullcontext

import boto3
import pytest
import snapshot_restore_py

from handlers.signing import prime
from tests.support.calls import Lines, ask
from tests.support.dynamodb import (
    FAULTS,
    Fault,
    dynamodb_answering,
    impatience,
    items_reply,
    new_client,
)

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of `gc.freeze`, which would act on the objects of all tests."""
    calls: list[str] = []
    monkeypatch.setattr("gc.freeze", lambda: calls.append("freeze"))
    return calls


def test_prime_is_registered_before_the_snapshot() -> None:
    assert (prime, (), {}) in snapshot_restore_py.get_before_snapshot()


def test_random_numbers_differ_after_a_restore() -> None:
    assert (random.seed, (), {}) in snapshot_restore_py.get_after_restore()


def test_prime_reads_keys_that_no_request_can_have_and_logs_nothing(
    frozen: list[str], log_lines: Lines
) -> None:
    with dynamodb_answering([items_reply([])]) as requests:
        prime()
    (request,) = requests
    ((_, wanted),) = request["RequestItems"].items()
    assert {key["pk"]["S"] for key in wanted["Keys"]} == {"ENTERPRISE#"}
    assert log_lines() == []
    assert frozen == ["freeze"]


def test_the_first_request_after_prime_opens_a_new_connection() -> None:
    with dynamodb_answering([items_reply([])]) as requests:
        prime()
        ask()
        ask()
    primed, first, second = [request["client"] for request in requests]
    assert primed != first == second


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_failed_read_is_a_warning_and_does_not_stop_the_deployment(
    fault: Fault, log_lines: Lines, frozen: list[str]
) -> None:
    with dynamodb_answering([fault.step]), impatience() if fault.is_silence else nullcontext():
        prime()
    (line,) = log_lines()
    assert (line["level"], line["message"]) == ("WARNING", "The read before the snapshot failed")
    assert line["exception_name"] == fault.exception
    assert frozen == ["freeze"]


def test_a_client_that_cannot_be_made_is_a_warning_too(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with new_client():
        prime()
    (line,) = log_lines()
    assert line["exception_name"] == "NoRegionError"
