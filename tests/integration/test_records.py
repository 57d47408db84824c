"""A record that makes no sense is a 500 and never allows anything.

A scripted server answers with the records, so they reach the function as DynamoDB would send them.
"""

from collections.abc import Iterator
from time import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.state import read_records
from tests.support.calls import METHODS, Answer, Lines, ask, assert_internal_error
from tests.support.dynamodb import ITEMS, RECORDS, Reply, dynamodb_answering, read
from tools.world import BODY

type Value = dict[str, Any]
type Records = dict[str, dict[str, Value]]

pytestmark = pytest.mark.usefixtures("world")

STORED: Records = dict(zip(RECORDS, ITEMS, strict=True))
OPTIONAL = [("credential", "expiresAt"), ("license", "expiresAt"), ("connection", "name")]
REQUIRED = [
    (kind, attribute)
    for kind, record in RECORDS.items()
    for attribute in record
    if (kind, attribute) not in OPTIONAL
]
LISTED = [*REQUIRED, *OPTIONAL]
VALUES: list[Value] = [
    {"S": "active"},
    {"S": "inactive"},
    {"S": "Active"},
    {"S": "true"},
    {"S": "4102444800"},
    {"S": "settlement_network_read settlement_network_write"},
    {"S": ""},
    {"S": "s" * 400_000},
    {"N": "0"},
    {"N": "1"},
    {"N": "0.5"},
    {"N": "4102444800"},
    {"N": "253402300799"},
    {"N": "253402300800"},
    {"N": "4102444800000"},
    {"N": "9" * 38},
    {"N": "-1"},
    {"B": "YWN0aXZl"},
    {"BOOL": True},
    {"BOOL": False},
    {"NULL": True},
    {"SS": ["BTC", "settlement_network_read", "settlement_network_write"]},
    {"SS": ["settlement_network_read"]},
    {"SS": [f"{number}" for number in range(40_000)]},
    {"SS": ["", "BTC", "settlement_network_read", "settlement_network_write"]},
    {"NS": ["1"]},
    {"BS": ["QlRD"]},
    {"L": [{"S": "BTC"}, {"S": "settlement_network_read"}, {"S": "settlement_network_write"}]},
    {"M": {"S": {"S": "active"}}},
]
"""Values that DynamoDB can hold, at least one of each type."""


def makes_sense(attribute: str, value: Value) -> bool:
    """Whether the data model allows the value: an independent copy of the rules in `domain`."""
    match attribute, list(value.items()):
        case "status", [("S", status)]:
            return status in {"active", "inactive"}
        case "memberId" | "partnerId" | "name", [("S", text)]:
            return bool(text)
        case "scopes" | "currencies", [("SS", texts)]:
            return bool(texts) and all(texts)
        case "active", [("BOOL", bool())]:
            return True
        case "expiresAt", [("N", seconds)]:
            return 0 <= float(seconds) <= 253_402_300_799  # the last second of the year 9999
    return False


a_senseless_attribute = pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        pytest.param(kind, attribute, value, id=f"{kind}.{attribute}: {str(value)[:50]}")
        for kind, attribute in LISTED
        for value in VALUES
        if not makes_sense(attribute, value)
    ],
)


def may_have_the_payload(method: str, currency: str, records: Records) -> bool:
    """Whether the request gets its payload: an independent copy of the rules in `domain`."""
    if records.keys() != {"credential", "license", "connection"}:
        return False
    for kind, attribute in LISTED:
        value = records[kind].get(attribute)
        if value is None and (kind, attribute) in REQUIRED:
            return False
        if value is not None and not makes_sense(attribute, value):
            return False
    needed = {"settlement_network_read"} | (
        {"settlement_network_write"} if method == "POST" else set()
    )
    return (
        all(float(each.get("expiresAt", {"N": "inf"})["N"]) > time() for each in records.values())
        and needed <= set(records["credential"]["scopes"]["SS"])
        and records["license"]["status"] == {"S": "active"}
        and records["connection"]["active"] == {"BOOL": True}
        and currency in records["connection"]["currencies"]["SS"]
    )


@pytest.fixture(scope="module")
def script() -> Iterator[list[Reply]]:
    """The script of the DynamoDB that the function reads. Each test replaces it."""
    script = [read(ITEMS, [])]
    with pytest.MonkeyPatch.context() as monkeypatch, dynamodb_answering(script, monkeypatch):
        yield script


def ask_with(records: Records, script: list[Reply], method: str = "POST") -> Answer:
    script[:] = [read(list(records.values()), [])]
    return ask(method)


@a_senseless_attribute
def test_an_attribute_that_makes_no_sense_is_a_500(
    script: list[Reply], kind: str, attribute: str, value: Value
) -> None:
    answer = ask_with(STORED | {kind: STORED[kind] | {attribute: value}}, script)
    assert (answer.status, answer.name) == (500, "InternalError")


@pytest.mark.parametrize(("kind", "attribute"), REQUIRED)
def test_a_record_without_a_required_attribute_is_a_500(
    script: list[Reply], log_lines: Lines, kind: str, attribute: str
) -> None:
    record = {name: value for name, value in STORED[kind].items() if name != attribute}
    assert_internal_error(ask_with(STORED | {kind: record}, script), log_lines, "CorruptRecord")


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("value", [pytest.param(value, id=str(value)[:50]) for value in VALUES])
def test_an_attribute_that_the_data_model_does_not_list_is_ignored(
    script: list[Reply], kind: str, value: Value
) -> None:
    record = STORED[kind] | {"since": value}
    assert ask_with(STORED | {kind: record}, script).status == 200


def test_a_number_of_more_than_38_digits_in_any_attribute_is_a_500(
    script: list[Reply], log_lines: Lines
) -> None:
    # DynamoDB writes 1e100 with all its digits, and boto3 refuses to round them.
    record = STORED["license"] | {"since": {"N": "1" + 100 * "0"}}
    assert_internal_error(ask_with(STORED | {"license": record}, script), log_lines, "Rounded")


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

    Most of the new values make sense, so that the later checks are reached too.
    """
    records = {kind: dict(record) for kind, record in STORED.items()}
    for kind, attribute in draw(st.lists(st.sampled_from(LISTED), max_size=4)):
        sensible = [value for value in VALUES if makes_sense(attribute, value)]
        records[kind][attribute] = draw(
            st.sampled_from(sensible) | st.sampled_from(sensible) | values
        )
    for kind, attribute in draw(st.just([]) | st.lists(st.sampled_from(LISTED), max_size=1)):
        records[kind].pop(attribute, None)
    for kind in draw(st.just([]) | st.lists(st.sampled_from(list(STORED)), max_size=1)):
        records.pop(kind)
    return records


@settings(max_examples=500)
@given(st.sampled_from(METHODS), records_of_all_kinds())
def test_the_answer_is_the_payload_if_and_only_if_the_rules_allow_it(
    script: list[Reply], method: str, records: Records
) -> None:
    expected = may_have_the_payload(method, BODY["amount"]["currency"], records)
    assert (ask_with(records, script, method).status == 200) == expected


@st.composite
def answers_in_rounds(draw: st.DrawFn) -> tuple[list[str], list[Reply]]:
    """The kinds of acme-capital's records that exist, and DynamoDB's answers in one or two rounds.

    The answers also hold copies of the records under other keys.
    """
    foreign = [
        item | {name: {"S": draw(st.sampled_from([item[name]["S"] + "x", "OTHER#1"]))}}
        for item in ITEMS
        for name in draw(st.lists(st.sampled_from(["pk", "sk"]), unique=True, max_size=2))
    ]
    own = {kind: item for kind, item in STORED.items() if draw(st.booleans())}
    late = [each for each in own.values() if draw(st.booleans())]
    early = [each for each in own.values() if each not in late]
    first = draw(st.permutations([*early, *foreign]))
    rounds = [read(first, late), read([*late, *foreign], [])] if late else [read(first, [])]
    return list(own), rounds


@given(answers_in_rounds())
def test_only_the_requests_own_items_count_in_any_order_and_rounds(
    drawn: tuple[list[str], list[Reply]],
) -> None:
    existing, rounds = drawn
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        dynamodb_answering(rounds, monkeypatch) as requests,
    ):
        monkeypatch.setattr("handlers.state.WAITS", (0, 0))
        assert (ask().status == 200) == (len(existing) == 3)
    assert len(requests) == len(rounds)


@pytest.mark.parametrize(
    ("kind", "name"), [("credential", "NotAMember"), ("license", "OesLicenseRequired")]
)
def test_a_record_expires_at_its_time_and_not_before(
    script: list[Reply], monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    records = STORED | {kind: STORED[kind] | {"expiresAt": {"N": "4000000000.5"}}}
    monkeypatch.setattr("handlers.signing.time", lambda: 4_000_000_000.25)
    assert ask_with(records, script).status == 200
    monkeypatch.setattr("handlers.signing.time", lambda: 4_000_000_000.5)
    assert ask_with(records, script).name == name


def test_a_credential_that_expires_during_the_read_has_expired(
    script: list[Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [4_000_000_000.0]

    def slow_read(*ids: str) -> object:
        clock[0] += 10
        return read_records(*ids)

    monkeypatch.setattr("handlers.signing.time", lambda: clock[0])
    monkeypatch.setattr("handlers.signing.read_records", slow_read)
    record = STORED["credential"] | {"expiresAt": {"N": "4000000005"}}
    assert ask_with(STORED | {"credential": record}, script).name == "NotAMember"


@pytest.mark.parametrize(
    ("kind", "name"), [("credential", "NotAMember"), ("license", "OesLicenseRequired")]
)
def test_a_record_that_expires_at_0_has_expired(script: list[Reply], kind: str, name: str) -> None:
    records = STORED | {kind: STORED[kind] | {"expiresAt": {"N": "0"}}}
    assert ask_with(records, script).name == name


def test_the_log_names_the_record_and_the_attributes_that_make_no_sense(
    script: list[Reply], log_lines: Lines
) -> None:
    record = STORED["connection"] | {"active": {"S": "perhaps"}, "name": {"S": ""}}
    ask_with(STORED | {"connection": record}, script)
    (line,) = log_lines()
    assert (
        "Connection: active: Input should be a valid boolean;"
        " name: String should have at least 1 character"
    ) in line["exception"]
