"""State that can't be read, or makes no sense, is a 500: nothing for the client, all for the log."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from handlers.state import ATTEMPTS, ROUNDS
from tests.asking import ACME, METHODS, Answer, Scenario, ask, sample_event
from tests.dynamodb import dynamodb_answering
from tools.world import TABLE_NAME, item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.usefixtures("world")

type Lines = Callable[[], list[dict[str, Any]]]

KEYS = {
    "credential": ACME["token"],
    "license": "OES",
    "connection": ACME["connection_id"],
}
RECORDS: dict[str, dict[str, Any]] = {
    "credential": {
        "memberId": "trader",
        "scopes": ["settlement_network_read", "settlement_network_write"],
    },
    "license": {"status": "active"},
    "connection": {"active": True, "currencies": ["BTC"], "partnerId": "n", "name": "N"},
}
ITEMS = [
    item({"enterprise": ACME["enterprise_id"], kind: KEYS[kind], **attributes})
    for kind, attributes in RECORDS.items()
]


def read(items: list[dict[str, Any]], left: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    """DynamoDB's answer that holds some items and leaves the keys of others unprocessed."""
    keys = [{"pk": each["pk"], "sk": each["sk"]} for each in left]
    unprocessed = {TABLE_NAME: {"Keys": keys, "ConsistentRead": True}} if keys else {}
    return 200, {"Responses": {TABLE_NAME: items}, "UnprocessedKeys": unprocessed}


def throttled() -> tuple[int, dict[str, Any]]:
    kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    return 400, {"__type": kind, "message": "slow down"}


def assert_internal_error(answer: Answer, lines: Lines, exception: str) -> None:
    assert answer.status == 500
    assert answer.body == {
        "error": "The request could not be completed. Try again later.",
        "name": "InternalError",
        "requestId": answer.headers["Request-Id"],
    }
    (line,) = lines()
    assert (line["level"], line["outcome"], line["status"]) == ("ERROR", "InternalError", 500)
    assert line["exception_name"] == exception
    assert "Traceback" in line["exception"]


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


def test_a_table_that_is_throttled_throughout(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dynamodb_answering([throttled()], monkeypatch) as asked:
        assert_internal_error(ask(), log_lines, "ProvisionedThroughputExceededException")
    assert len(asked) == ATTEMPTS


def test_a_table_that_is_throttled_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with dynamodb_answering([throttled(), read(ITEMS, [])], monkeypatch) as asked:
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
    with dynamodb_answering([read(done, left)], monkeypatch) as asked:
        assert_internal_error(ask(), log_lines, "StateUnavailable")
    assert len(asked) == ROUNDS


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


def test_an_item_of_another_partition_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = [each | {"pk": {"S": "ENTERPRISE#borealis-fund"}} for each in ITEMS]
    with dynamodb_answering([read(foreign, [])], monkeypatch):
        assert ask().name == "NotAMember"


CORRUPT: list[tuple[str, str, object]] = [
    ("license", "status", "perhaps"),
    ("license", "status", True),
    ("license", "expiresAt", "4102444800"),
    ("license", "expiresAt", -1),
    ("license", "expiresAt", 4_102_444_800_000),
    ("credential", "memberId", ""),
    ("credential", "memberId", 7),
    ("credential", "scopes", "settlement_network_read"),
    ("credential", "expiresAt", None),
    ("connection", "active", "true"),
    ("connection", "active", 1),
    ("connection", "currencies", "BTC"),
    ("connection", "partnerId", ""),
    ("connection", "name", None),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kind", "attribute", "value"), CORRUPT)
def test_a_record_that_makes_no_sense(  # noqa: PLR0913, PLR0917 -- a row of the table, and what it takes
    world: "DynamoDBClient",
    log_lines: Lines,
    method: str,
    kind: str,
    attribute: str,
    value: object,
) -> None:
    scenario = Scenario()
    getattr(scenario, kind)[attribute] = value
    assert_internal_error(scenario.ask(world, method), log_lines, "CorruptRecord")


REQUIRED = [(kind, attribute) for kind, record in RECORDS.items() for attribute in record]


@pytest.mark.parametrize(("kind", "attribute"), REQUIRED)
def test_a_record_that_lacks_a_required_attribute(
    world: "DynamoDBClient", log_lines: Lines, kind: str, attribute: str
) -> None:
    scenario = Scenario()
    del getattr(scenario, kind)[attribute]
    assert_internal_error(scenario.ask(world), log_lines, "CorruptRecord")


def test_an_attribute_that_the_data_model_does_not_list_is_harmless(
    world: "DynamoDBClient",
) -> None:
    scenario = Scenario()
    assert scenario.connection is not None
    scenario.connection["since"] = 2026
    assert scenario.ask(world).status == 200


def test_what_expires_at_a_second_has_expired_in_that_second(
    world: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario()
    assert scenario.license is not None
    scenario.license["expiresAt"] = 4_000_000_000
    monkeypatch.setattr("handlers.signing.time", lambda: 3_999_999_999.999)
    assert scenario.ask(world).status == 200
    monkeypatch.setattr("handlers.signing.time", lambda: 4_000_000_000.0)
    assert scenario.ask(world).name == "OesLicenseRequired"


def test_the_log_names_the_record_and_the_attribute_that_make_no_sense(log_lines: Lines) -> None:
    ask(connection_id=sample_event("500-corrupt-record")["pathParameters"]["connectionId"])
    (line,) = log_lines()
    assert "Connection: active: Input should be a valid boolean" in line["exception"]
