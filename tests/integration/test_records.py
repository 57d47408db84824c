"""Stored records decide the answer: the request's own records, if they are valid."""

from decimal import Decimal
from time import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.records import Connection, Credential, License
from handlers import state
from tests.support.calls import ACME, METHODS, Answer, ask, assert_internal_error
from tests.support.dynalite import dynalite_world
from tests.support.dynamodb import ITEMS, Reply, dynamodb_answering, items_reply
from tests.support.records import ATTRIBUTES, OPTIONAL, RECORDS, STORABLE, Record, is_valid
from tools.sample import BODY, TABLE_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Records = dict[Record, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("world")

KEYS = {
    License: state.LICENSE_KEY,
    Credential: state.credential_key(ACME["token"]),
    Connection: state.connection_key(ACME["connection_id"]),
}


def may_have_the_payload(method: str, currency: str, records: Records) -> bool:
    """Whether the request gets its payload: an independent copy of the rules in `domain`."""
    for record, attribute in ATTRIBUTES:
        value = records.get(record, {}).get(attribute)
        if value is None and attribute in OPTIONAL and record in records:
            continue
        if not is_valid(attribute, value):
            return False
    needed = {"settlement_network_read"} | (
        {"settlement_network_write"} if method == "POST" else set()
    )
    return (
        all(attributes.get("expiresAt", Decimal("inf")) > time() for attributes in records.values())
        and needed <= records[Credential]["scopes"]
        and records[License]["status"] == "active"
        and records[Connection]["active"] is True
        and currency in records[Connection]["currencies"]
    )


def ask_with(records: Records, world: "DynamoDBClient", method: str = "POST") -> Answer:
    """Stores the records under a new enterprise, and returns the answer to its request."""
    enterprise_id = f"enterprise-{uuid4()}"
    for record, attributes in records.items():
        item = {"pk": state.enterprise_key(enterprise_id), "sk": KEYS[record], **attributes}
        serialized = {name: TypeSerializer().serialize(value) for name, value in item.items()}
        world.put_item(TableName=TABLE_NAME, Item=serialized)
    return ask(method, enterprise_id=enterprise_id)


numbers = st.decimals(-(10**37), 10**37, places=0)
sets = st.sets(
    st.sampled_from(["BTC", "ETH", "settlement_network_read", "settlement_network_write"]),
    min_size=1,
)


@st.composite
def records_of_all_kinds(draw: st.DrawFn) -> Records:
    """The three records, with random changes. Attributes and records may be missing.

    Most of the new values are valid, so that the later checks are reached too.
    """
    records = {record: dict(attributes) for record, attributes in RECORDS.items()}
    for record, attribute in draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=4)):
        values = st.sampled_from(STORABLE) | st.text() | numbers | sets
        valid = st.sampled_from([value for value in STORABLE if is_valid(attribute, value)])
        records[record][attribute] = draw(valid | valid | values)
    for record, attribute in draw(st.just([]) | st.lists(st.sampled_from(ATTRIBUTES), max_size=1)):
        records[record].pop(attribute, None)
    for record in draw(st.just([]) | st.lists(st.sampled_from(list(RECORDS)), max_size=1)):
        records.pop(record)
    return records


@settings(max_examples=150)
@given(st.sampled_from(METHODS), records_of_all_kinds())
def test_the_answer_is_the_payload_if_and_only_if_the_rules_allow_it(
    world: "DynamoDBClient", method: str, records: Records
) -> None:
    expected = may_have_the_payload(method, BODY["amount"]["currency"], records)
    assert (ask_with(records, world, method).status == 200) == expected


def test_attributes_that_the_data_model_does_not_list_are_ignored(world: "DynamoDBClient") -> None:
    others = {f"other{number}": value for number, value in enumerate(STORABLE)}
    records = {record: attributes | others for record, attributes in RECORDS.items()}
    assert ask_with(records, world).status == 200


def test_a_credential_that_expires_during_the_read_has_expired(
    world: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [4_000_000_000.0]

    def slow_read(*ids: str) -> object:
        clock[0] += 10
        return state.read_records(*ids)

    monkeypatch.setattr("handlers.signing.time", lambda: clock[0])
    monkeypatch.setattr("handlers.signing.read_records", slow_read)
    credential = RECORDS[Credential] | {"expiresAt": 4_000_000_005}
    assert ask_with(RECORDS | {Credential: credential}, world).name == "NotAMember"


@pytest.mark.parametrize(
    ("record", "name"), [(Credential, "NotAMember"), (License, "OesLicenseRequired")]
)
def test_a_record_expires_within_a_second(
    world: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch, record: Record, name: str
) -> None:
    records = RECORDS | {record: RECORDS[record] | {"expiresAt": Decimal("4000000000.5")}}
    clock = iter([4_000_000_000.25, 4_000_000_000.5])
    monkeypatch.setattr("handlers.signing.time", lambda: next(clock))
    assert [ask_with(records, world).name for _ in range(2)] == ["", name]


def test_a_number_of_more_than_38_digits_in_any_attribute_is_a_500() -> None:
    # DynamoDB writes 1e100 with all its digits, and boto3 refuses to round them.
    since = {"since": {"N": "1" + 100 * "0"}}
    script = [items_reply([item | since for item in ITEMS])]
    with dynamodb_answering(script):
        assert_internal_error("Rounded")


def test_large_records_are_read_in_as_many_rounds_as_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("handlers.state.sleep", waits.append)
    with dynalite_world() as dynalite:
        for item in ITEMS:  # an answer of dynalite holds at most 3 MB
            item_of_2_mb = item | {"since": {"S": "s" * 2_000 * 1024}}
            dynalite.put_item(TableName=TABLE_NAME, Item=item_of_2_mb)
        assert ask().status == 200
    assert len(waits) == len(ITEMS)


@st.composite
def answers_in_rounds(draw: st.DrawFn) -> tuple[int, list[Reply]]:
    """The number of acme-capital's records, and DynamoDB's answers in one or two rounds."""
    existing = [item for item in draw(st.permutations(ITEMS)) if draw(st.booleans())]
    late = [item for item in existing if draw(st.booleans())]
    first = [item for item in existing if item not in late]
    rounds = [items_reply(first, late), items_reply(late)] if late else [items_reply(first)]
    return len(existing), rounds


def test_the_items_count_in_any_order_and_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handlers.state.WAITS", (0, 0))
    script: list[Reply] = []
    with dynamodb_answering(script) as requests:

        @given(answers_in_rounds())
        def check(drawn: tuple[int, list[Reply]]) -> None:
            existing, script[:] = drawn
            requests.clear()
            assert (ask().status == 200) == (existing == 3)
            assert len(requests) == len(script)

        check()
