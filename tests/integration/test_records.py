"""Stored records decide the answer: the requests' own records, if they are valid."""

from time import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.state import enterprise_key, read_records
from tests.support.calls import METHODS, Answer, Lines, ask, assert_internal_error
from tests.support.dynalite import dynalite_world
from tests.support.dynamodb import ITEMS, RECORDS, Reply, dynamodb_answering, read
from tests.unit.test_records import is_valid
from tools.world import BODY, TABLE_NAME

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Records = dict[str, dict[str, Any]]

deserialize: Any = TypeDeserializer().deserialize

pytestmark = pytest.mark.usefixtures("world")

STORED: Records = dict(zip(RECORDS, ITEMS, strict=True))
OPTIONAL = [("credential", "expiresAt"), ("license", "expiresAt"), ("connection", "name")]
REQUIRED = [(kind, name) for kind, record in RECORDS.items() for name in record if name != "name"]
LISTED = [*REQUIRED, *OPTIONAL]
VALUES: list[dict[str, Any]] = [
    *({"S": text} for text in ("active", "inactive", "Active", "4102444800", "", "s" * 9000)),
    *({"N": number} for number in ("0", "0.5", "4102444800", "253402300800", "9" * 38, "-1")),
    *({"BOOL": value} for value in (True, False)),
    {"SS": ["BTC", "settlement_network_read", "settlement_network_write"]},
    {"SS": ["settlement_network_read"]},
    {"SS": [f"{number}" for number in range(500)]},
    {"SS": ["", "BTC", "settlement_network_read", "settlement_network_write"]},
    {"B": b"active"},
    {"NULL": True},
    {"NS": ["1"]},
    {"BS": [b"BTC"]},
    {"L": [{"S": "BTC"}, {"S": "settlement_network_read"}, {"S": "settlement_network_write"}]},
    {"M": {"S": {"S": "active"}}},
]
"""Values that DynamoDB can hold, at least one of each type."""


def may_have_the_payload(method: str, currency: str, records: Records) -> bool:
    """Whether the request gets its payload: an independent copy of the rules in `domain`."""
    if records.keys() != {"credential", "license", "connection"}:
        return False
    for kind, attribute in LISTED:
        value = records[kind].get(attribute)
        if value is None and (kind, attribute) in REQUIRED:
            return False
        if value is not None and not is_valid(attribute, deserialize(value)):
            return False
    needed = {"settlement_network_read"} | (
        {"settlement_network_write"} if method == "POST" else set()
    )
    return (
        all(float(r.get("expiresAt", {"N": "inf"})["N"]) > time() for r in records.values())
        and needed <= set(records["credential"]["scopes"]["SS"])
        and records["license"]["status"] == {"S": "active"}
        and records["connection"]["active"] == {"BOOL": True}
        and currency in records["connection"]["currencies"]["SS"]
    )


def ask_with(records: Records, world: "DynamoDBClient", method: str = "POST") -> Answer:
    """Stores the records under a new enterprise, and returns the answer to its request."""
    enterprise_id = f"enterprise-{uuid4()}"
    for record in records.values():
        item = record | {"pk": {"S": enterprise_key(enterprise_id)}}
        world.put_item(TableName=TABLE_NAME, Item=item)
    return ask(method, enterprise_id=enterprise_id)


values = (
    st.sampled_from(VALUES)
    | st.builds(lambda text: {"S": text}, st.text())
    | st.builds(lambda number: {"N": str(number)}, st.integers(-(10**37), 10**37))
    | st.builds(
        lambda texts: {"SS": sorted(texts)}, st.sets(st.sampled_from(["BTC", "ETH"]), min_size=1)
    )
)


@st.composite
def records_of_all_kinds(draw: st.DrawFn) -> Records:
    """The three records, with random changes. Attributes and records may be missing.

    Most of the new values are valid, so that the later checks are reached too.
    """
    records = {kind: dict(record) for kind, record in STORED.items()}
    for kind, attribute in draw(st.lists(st.sampled_from(LISTED), max_size=4)):
        valid = st.sampled_from(
            [value for value in VALUES if is_valid(attribute, deserialize(value))]
        )
        records[kind][attribute] = draw(valid | valid | values)
    for kind, attribute in draw(st.just([]) | st.lists(st.sampled_from(LISTED), max_size=1)):
        records[kind].pop(attribute, None)
    for kind in draw(st.just([]) | st.lists(st.sampled_from(list(STORED)), max_size=1)):
        records.pop(kind)
    return records


@settings(max_examples=150)
@given(st.sampled_from(METHODS), records_of_all_kinds())
def test_the_answer_is_the_payload_if_and_only_if_the_rules_allow_it(
    world: "DynamoDBClient", method: str, records: Records
) -> None:
    expected = may_have_the_payload(method, BODY["amount"]["currency"], records)
    assert (ask_with(records, world, method).status == 200) == expected


def test_attributes_that_the_data_model_does_not_list_are_ignored(world: "DynamoDBClient") -> None:
    others = {f"other{number}": value for number, value in enumerate(VALUES)}
    license_ = STORED["license"] | others
    assert ask_with(STORED | {"license": license_}, world).status == 200


def test_the_log_names_the_corrupt_record_and_its_attributes(
    world: "DynamoDBClient", log_lines: Lines
) -> None:
    record = STORED["connection"] | {"active": {"S": "perhaps"}, "name": {"S": ""}}
    assert_internal_error(
        ask_with(STORED | {"connection": record}, world), log_lines, "CorruptRecord"
    )
    (line,) = log_lines()
    assert (
        "Connection: active: Input should be a valid boolean;"
        " name: String should have at least 1 character"
    ) in line["exception"]


def test_a_credential_that_expires_during_the_read_has_expired(
    world: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [4_000_000_000.0]

    def slow_read(*ids: str) -> object:
        clock[0] += 10
        return read_records(*ids)

    monkeypatch.setattr("handlers.signing.time", lambda: clock[0])
    monkeypatch.setattr("handlers.signing.read_records", slow_read)
    record = STORED["credential"] | {"expiresAt": {"N": "4000000005"}}
    assert ask_with(STORED | {"credential": record}, world).name == "NotAMember"


def test_a_number_of_more_than_38_digits_in_any_attribute_is_a_500(
    log_lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    # DynamoDB writes 1e100 with all its digits, and boto3 refuses to round them.
    license_ = STORED["license"] | {"since": {"N": "1" + 100 * "0"}}
    script = [read([STORED["credential"], license_, STORED["connection"]], [])]
    with dynamodb_answering(script, monkeypatch):
        assert_internal_error(ask(), log_lines, "Rounded")


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
    """The number of acme-capital's records, and DynamoDB's answers in one or two rounds.

    The answers also hold copies of the records under other keys.
    """
    foreign = [
        item | {name: {"S": draw(st.sampled_from([item[name]["S"] + "x", "OTHER#1"]))}}
        for item in ITEMS
        for name in draw(st.lists(st.sampled_from(["pk", "sk"]), unique=True, max_size=2))
    ]
    own = [item for item in ITEMS if draw(st.booleans())]
    late = [item for item in own if draw(st.booleans())]
    early = [item for item in own if item not in late]
    first = draw(st.permutations([*early, *foreign]))
    rounds = [read(first, late), read([*late, *foreign], [])] if late else [read(first, [])]
    return len(own), rounds


def test_only_the_requests_own_items_count_in_any_order_and_rounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handlers.state.WAITS", (0, 0))
    script: list[Reply] = []
    with dynamodb_answering(script, monkeypatch) as requests:

        @given(answers_in_rounds())
        def check(drawn: tuple[int, list[Reply]]) -> None:
            existing, script[:] = drawn
            requests.clear()
            assert (ask().status == 200) == (existing == 3)
            assert len(requests) == len(script)

        check()
