"""State that cannot be read is a 500. The log names the exception, and the client does not."""

import os
import socket
from contextlib import ExitStack, nullcontext
from typing import Any

import pytest

from handlers.state import ATTEMPTS, LAST_START, TIMEOUT, WAITS, dynamodb_client
from tests.support.calls import ask, assert_internal_error
from tests.support.dynamodb import (
    FAULTS,
    ITEMS,
    Fault,
    dynamodb_answering,
    endpoint,
    impatience,
    items_reply,
    untrusted_dynamodb,
    wait_for_requests,
)
from tools.sample import REGION, TABLE_NAME
from tools.template import template

pytestmark = pytest.mark.usefixtures("world")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_database_is_a_500_and_the_next_request_succeeds(
    fault: Fault,
) -> None:
    script = [*[fault.step] * fault.attempts, items_reply(ITEMS)]
    with dynamodb_answering(script) as requests:
        with impatience() if fault.is_silence else nullcontext():
            assert_internal_error(fault.exception)
        wait_for_requests(requests, fault.attempts)
        assert ask().status == 200


def test_a_port_that_accepts_no_connection_is_a_500() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, ExitStack() as waiting:
        for _ in range(16):  # more than wait in its queue: the server accepts nobody
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)  # noqa: FBT003 -- the library's signature
            client.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        with endpoint(f"http://127.0.0.1:{port}"), impatience():
            assert_internal_error("ConnectTimeoutError")


def test_a_closed_port_is_a_500() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # it does not listen, and nobody else can take the port
        port = closed.getsockname()[1]
        with endpoint(f"http://127.0.0.1:{port}"):
            assert_internal_error("EndpointConnectionError")


def test_a_server_without_a_trusted_certificate_decides_nothing() -> None:
    with untrusted_dynamodb() as url, endpoint(url):
        line = assert_internal_error("SSLError")
    assert "CERTIFICATE_VERIFY_FAILED" in line["exception"]


def test_an_unknown_table_is_a_500(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLE_NAME", "no-such-table")
    assert_internal_error("ResourceNotFoundException")


def test_a_missing_table_name_is_a_500(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME")
    assert_internal_error("KeyError")


def test_without_an_endpoint_it_is_that_of_the_region_by_https() -> None:
    assert "AWS_ENDPOINT_URL_DYNAMODB" not in os.environ
    assert dynamodb_client().meta.endpoint_url == f"https://dynamodb.{REGION}.amazonaws.com"


def test_an_empty_endpoint_counts_as_unset() -> None:
    with endpoint(""):
        assert dynamodb_client().meta.endpoint_url == f"https://dynamodb.{REGION}.amazonaws.com"


def test_all_requests_share_one_client() -> None:
    assert dynamodb_client() is dynamodb_client()


def test_all_rounds_end_before_the_function_and_the_function_before_api_gateway() -> None:
    function = template()["Resources"]["SigningFunction"]["Properties"]
    longest_back_off = 1 + 5  # botocore's own, and what x-amz-retry-after adds, in seconds
    api_gateway_timeout = 29
    round_ = ATTEMPTS * 2 * TIMEOUT + longest_back_off
    assert LAST_START + round_ < function["Timeout"] < api_gateway_timeout


def test_the_client_has_our_time_outs_and_retries_by_the_standard_rules() -> None:
    config: Any = dynamodb_client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (TIMEOUT, TIMEOUT)
    assert config.retries == {"mode": "standard", "total_max_attempts": ATTEMPTS}


def test_a_throttled_read_is_tried_again() -> None:
    script = [FAULTS["throttled"].step, items_reply(ITEMS)]
    with dynamodb_answering(script) as requests:
        assert ask().status == 200
    assert len(requests) == 2


@pytest.mark.parametrize("left", range(3))
def test_only_the_unprocessed_keys_are_read_again_consistently(left: int) -> None:
    late = ITEMS[left]
    script = [
        items_reply([item for item in ITEMS if item is not late], [late]),
        items_reply([late]),
    ]
    with dynamodb_answering(script) as requests:
        assert ask().status == 200
    first, second = [request["RequestItems"][TABLE_NAME] for request in requests]
    assert len(first["Keys"]) == 3
    assert second == {"Keys": [{"pk": late["pk"], "sk": late["sk"]}], "ConsistentRead": True}


@pytest.mark.parametrize("left", range(3))
def test_keys_that_stay_unprocessed_are_a_500_after_growing_waits(
    left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("handlers.state.sleep", waits.append)
    with dynamodb_answering([items_reply(ITEMS[:left], ITEMS[left:])]):
        line = assert_internal_error("StateUnavailable")
    assert waits == sorted(WAITS)
    assert line["exception"].endswith(f": DynamoDB left {3 - left} keys unprocessed")


def test_no_round_starts_late(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([items_reply([], ITEMS)]) as requests:
        monkeypatch.setattr("handlers.state.LAST_START", WAITS[1])
        assert_internal_error("StateUnavailable")
    assert len(requests) == 1


def test_an_answer_that_does_not_name_the_table_has_no_items() -> None:
    with dynamodb_answering([(200, {"Responses": {}, "UnprocessedKeys": {}})]):
        assert ask().name == "NotAMember"
