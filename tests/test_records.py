"""Records that make no sense are a 500, and never a reason to allow.

The records are given as DynamoDB sends them, so that they may hold what no client could write.
"""

import re
from collections.abc import Iterator
from time import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.records import License
from tests.asking import (
    BODY,
    METHODS,
    Answer,
    Lines,
    ask,
    assert_internal_error,
)
from tests.dynamodb import ITEMS, RECORDS, Said, dynamodb_answering, read

type Value = dict[str, Any]
type Records = dict[str, dict[str, Value]]

pytestmark = pytest.mark.usefixtures("world")

STORED: Records = dict(zip(RECORDS, ITEMS, strict=True))
REQUIRED = [(kind, attribute) for kind, record in RECORDS.items() for attribute in record]
LISTED = [*REQUIRED, ("credential", "expiresAt"), ("license", "expiresAt")]
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
    {"N": "4102444800"},
    {"N": "253402300799"},
    {"N": "253402300800"},
    {"N": "4102444800000"},
    {"N": "9e125"},
    {"N": "-1"},
    {"N": "NaN"},
    {"N": ""},
    {"N": "4_102_444_800"},
    {"N": "\uff14102444800"},
    {"N": " 4102444800"},
    {"N": "4102444800\n"},
    {"N": "Infinity"},
    {"B": "YWN0aXZl"},
    {"BOOL": True},
    {"BOOL": False},
    {"BOOL": "true"},
    {"BOOL": 1},
    {"NULL": True},
    {"SS": ["BTC", "settlement_network_read", "settlement_network_write"]},
    {"SS": ["settlement_network_read"]},
    {"SS": [f"{number}" for number in range(40_000)]},
    {"SS": ["", "BTC", "settlement_network_read", "settlement_network_write"]},
    {"SS": []},
    {"NS": ["1"]},
    {"BS": ["QlRD"]},
    {"L": [{"S": "BTC"}, {"S": "settlement_network_read"}, {"S": "settlement_network_write"}]},
    {"M": {"S": {"S": "active"}}},
    {"S": "active", "N": "4102444800"},
    {"BOOL": True, "NULL": True},
    {"NS": ["1"], "SS": ["BTC", "settlement_network_read", "settlement_network_write"]},
    {},
]


def makes_sense(attribute: str, value: Value) -> bool:
    """What the data model says of an attribute, said once more and plainly."""
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
            plain = re.fullmatch(r"[0-9]+", seconds) is not None
            return plain and 0 <= float(seconds) < 253_402_300_800  # the year 10000
    return False


def may_have_the_payload(method: str, currency: str, records: Records) -> bool:
    """The rules of access, said once more and plainly."""
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
def script() -> Iterator[list[Said]]:
    """What DynamoDB answers, to be changed at will."""
    script = [read(ITEMS, [])]
    with pytest.MonkeyPatch.context() as monkeypatch, dynamodb_answering(script, monkeypatch):
        yield script


def answer_given(records: Records, script: list[Said], method: str = "POST") -> Answer:
    script[:] = [read(list(records.values()), [])]
    return ask(method)


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        pytest.param(kind, attribute, value, id=f"{kind}.{attribute}: {str(value)[:50]}")
        for kind, attribute in LISTED
        for value in VALUES
        if not makes_sense(attribute, value)
    ],
)
def test_an_attribute_that_makes_no_sense(
    script: list[Said], kind: str, attribute: str, value: Value
) -> None:
    answer = answer_given(STORED | {kind: STORED[kind] | {attribute: value}}, script)
    assert (answer.status, answer.name) == (500, "InternalError")


@pytest.mark.parametrize(("kind", "attribute"), REQUIRED)
def test_a_record_that_lacks_a_required_attribute(
    script: list[Said], log_lines: Lines, kind: str, attribute: str
) -> None:
    record = {name: value for name, value in STORED[kind].items() if name != attribute}
    assert_internal_error(answer_given(STORED | {kind: record}, script), log_lines, "CorruptRecord")


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize(
    "value", [pytest.param(value, id=str(value)[:50]) for value in VALUES if value]
)
def test_an_attribute_that_the_data_model_does_not_list_is_harmless(
    script: list[Said], kind: str, value: Value
) -> None:
    record = STORED[kind] | {"since": value}
    assert answer_given(STORED | {kind: record}, script).status == 200


values = (
    st.sampled_from(VALUES)
    | st.builds(lambda text: {"S": text}, st.text())
    | st.builds(lambda number: {"N": str(number)}, st.integers(-(10**37), 10**37))
    | st.builds(lambda texts: {"SS": sorted(texts)}, st.sets(st.sampled_from(["BTC", "ETH", ""])))
)


@st.composite
def records_of_all_kinds(draw: st.DrawFn) -> Records:
    """Three records that allow everything, spoilt here and there, though more often changed to another sense."""
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
def test_the_answer_is_the_payload_if_and_only_if_the_rules_say_so(
    script: list[Said], method: str, records: Records
) -> None:
    expected = may_have_the_payload(method, BODY["amount"]["currency"], records)
    assert (answer_given(records, script, method).status == 200) == expected


@pytest.mark.parametrize(
    ("kind", "name"), [("credential", "NotAMember"), ("license", "OesLicenseRequired")]
)
def test_what_expires_at_a_second_has_expired_in_that_second(
    script: list[Said], monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    records = STORED | {kind: STORED[kind] | {"expiresAt": {"N": "4000000000"}}}
    monkeypatch.setattr("handlers.signing.time", lambda: 3_999_999_999.999)
    assert answer_given(records, script).status == 200
    monkeypatch.setattr("handlers.signing.time", lambda: 4_000_000_000.0)
    assert answer_given(records, script).name == name


@pytest.mark.parametrize(
    ("kind", "name"), [("credential", "NotAMember"), ("license", "OesLicenseRequired")]
)
def test_what_expires_at_0_has_expired_long_ago(script: list[Said], kind: str, name: str) -> None:
    records = STORED | {kind: STORED[kind] | {"expiresAt": {"N": "0"}}}
    assert answer_given(records, script).name == name


def test_a_record_stays_as_it_was_read() -> None:
    record = License.parse({"status": "inactive"})
    with pytest.raises(ValidationError):
        record.status = "active"  # type: ignore[misc] # -- that it is frozen is what is tested


def test_the_log_names_the_record_and_the_attributes_that_make_no_sense(
    script: list[Said], log_lines: Lines
) -> None:
    record = STORED["connection"] | {"active": {"S": "perhaps"}, "name": {"S": ""}}
    answer_given(STORED | {"connection": record}, script)
    (line,) = log_lines()
    assert (
        "Connection: active: Input should be a valid boolean;"
        " name: String should have at least 1 character"
    ) in line["exception"]
