"""The contract's table of fields. refused.json holds what is refused, for clients too."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from domain.errors import Detail, InvalidRequest
from domain.records import Connection, Credential, License
from domain.request import (
    BODY_LIMIT,
    SigningBody,
    SigningRequest,
    parse_request,
    parse_signing_request,
)
from tests.support.vectors import REFUSED, refused_body
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID

SECRET = "never-to-be-repeated"  # noqa: S105 -- a value that no answer may hold


def parse(
    body: object = BODY, *, enterprise_id: str = ENTERPRISE_ID, connection_id: str = CONNECTION_ID
) -> SigningRequest:
    """Parses a request. A body of bytes stays as it is. Any other is written as JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_signing_request(enterprise_id, connection_id, sent)


def details(body: object = BODY, **ids: str) -> list[Detail]:
    """The details of the error that refuses a request."""
    with pytest.raises(InvalidRequest) as caught:
        parse(body, **ids)
    return list(caught.value.details)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["name"])
def test_a_bad_request_is_refused_with_its_field_and_message(row: dict[str, Any]) -> None:
    request = row["request"]
    # An empty segment of a path is not an id: the request gets a 404.
    assert row.get("overHttp", True) is all((request["enterpriseId"], request["connectionId"]))
    assert row.keys() - {"overHttp"} == {"name", "request", "field", "message"}
    assert request.keys() == {"enterpriseId", "connectionId", "body"}
    assert details(
        refused_body(request["body"]),
        enterprise_id=request["enterpriseId"],
        connection_id=request["connectionId"],
    ) == [Detail(row["field"], row["message"])]


@pytest.mark.parametrize(
    "body",
    [
        b'{"amount": "' + SECRET.encode(),
        BODY | {"amount": {"currency": [SECRET], "quantity": SECRET}},
        BODY | {"nonce": {SECRET: SECRET}, "notes": [SECRET], "unknown": SECRET},
        [SECRET],
    ],
    ids=["broken JSON", "in the amount", "in other fields", "in an array"],
)
def test_a_refusal_never_repeats_the_value(body: object) -> None:
    assert SECRET not in str(details(body))


@pytest.mark.parametrize("model", [SigningBody, Credential, License, Connection])
def test_the_error_of_a_model_never_repeats_a_value(model: type[BaseModel]) -> None:
    values = {str(field.alias): [SECRET] for field in model.model_fields.values()}
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    assert SECRET not in str(caught.value)


def test_an_enterprise_id_with_a_lone_surrogate_is_refused() -> None:
    assert details(enterprise_id="\ud800") == [
        Detail("enterpriseId", "must not contain lone surrogates")
    ]


def test_the_error_names_all_bad_fields_in_one_sentence() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse({"amount": {"quantity": 1}, "nonce": ""}, connection_id="1")
    assert str(caught.value) == (
        "amount.currency is required; amount.quantity must be a string;"
        " clientExternalId is required; nonce must not be empty;"
        " connectionId must be a UUID in its 8-4-4-4-12 form"
    )


class WithRules(SigningRequest):
    """A request with fields whose rules no field of the contract has."""

    purpose: Annotated[str, StringConstraints(min_length=16)] = ""
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = ""
    until: Annotated[Decimal, Field(gt=0)] = Decimal(1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("purpose", "short", "must be at least 16 characters"),
        ("purpose", "", "must be at least 16 characters"),
        ("reference", "abc", "must match ^[A-Z]{2}$"),
        ("until", 0, "is invalid"),
    ],
)
def test_a_rule_that_a_model_gets_is_answered_truthfully(
    name: str, value: object, message: str
) -> None:
    body = json.dumps(BODY | {name: value}).encode()
    with pytest.raises(InvalidRequest) as caught:
        parse_request(WithRules, ENTERPRISE_ID, CONNECTION_ID, body, limit=BODY_LIMIT)
    assert caught.value.details == (Detail(name, message),)


def test_the_first_twenty_of_the_unknown_fields_are_named() -> None:
    unknown = [f"f{number}" for number in range(32 - len(BODY))]
    assert details(BODY | dict.fromkeys(unknown, 1)) == [
        Detail(name, "is not a known field") for name in unknown[:20]
    ]


def spellings(name: str) -> Iterator[str]:
    """Names that a tolerant reader takes for this name."""
    snake = re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in name)
    others = {name.upper(), name.lower(), name.title(), snake, snake.replace("_", "-"), full_width}
    yield from others - {name}
    for code in (*range(0x300), 0x200B, 0x200D, 0x2028, 0x3000, 0xFE0F, 0xFEFF, 0xE0001):
        yield from (name + chr(code), chr(code) + name)


@pytest.mark.parametrize(
    "name",
    [
        "amount",
        "currency",
        "quantity",
        "clientExternalId",
        "nonce",
        "notes",
        # A second spelling of these could replace an id of the path.
        "enterpriseId",
        "connectionId",
    ],
)
def test_a_name_has_no_second_spelling(name: str) -> None:
    ids = {"enterpriseId": "another", "connectionId": CONNECTION_ID}
    body = BODY | {"notes": "n"} | {key: ids[key] for key in ids if key == name}
    written = json.dumps(body)
    assert written.count(f'"{name}"') == 1
    for other in spellings(name):
        with pytest.raises(InvalidRequest):
            parse(written.replace(f'"{name}"', json.dumps(other)).encode())


def test_bytes_are_refused_as_text() -> None:
    with pytest.raises(ValidationError):
        SigningBody.model_validate(BODY | {"nonce": b"01J9ZQ6K3M"})


def test_a_request_cannot_be_changed() -> None:
    request = parse()
    with pytest.raises(ValidationError):
        request.nonce = "another"  # type: ignore[misc] # -- the test needs a wrong assignment


def test_a_body_of_the_largest_size_is_accepted() -> None:
    assert parse(json.dumps(BODY).ljust(64 * 1024).encode()).nonce == BODY["nonce"]


@pytest.mark.parametrize(
    ("levels", "fault"),
    [(32, Detail("f", "is not a known field")), (33, Detail("body", "must be valid JSON"))],
)
def test_a_body_has_at_most_32_levels(levels: int, fault: Detail) -> None:
    lists = levels - 1  # the body itself is a level
    written = json.dumps(BODY)[:-1] + f', "f": {"[" * lists}{"]" * lists}}}'
    assert details(written.encode()) == [fault]


def test_a_body_may_have_256_objects_and_lists() -> None:
    body = BODY | {"f": [[]] * 253}  # with the body, the amount and the outer list
    assert details(body) == [Detail("f", "is not a known field")]


confusing = st.text('[{"\\}]', min_size=1)


@given(confusing)
def test_brackets_in_a_text_are_not_levels(text: str) -> None:
    nonce = text + 20_000 * "["
    assert parse(BODY | {"nonce": nonce}).nonce == nonce


@given(confusing)
def test_no_text_hides_the_levels_after_it(text: str) -> None:
    written = f'{{"nonce": {json.dumps(text)}, "f": {32 * "["}{32 * "]"}}}'
    assert details(written.encode()) == [Detail("body", "must be valid JSON")]


@pytest.mark.parametrize("quantity", ["1", "9" * 78])
def test_the_smallest_and_the_largest_quantity_are_accepted(quantity: str) -> None:
    body = BODY | {"amount": {"currency": "BTC", "quantity": quantity}}
    assert parse(body).amount.quantity == quantity


def test_an_enterprise_id_of_256_characters_is_accepted() -> None:
    assert parse(enterprise_id="日" * 256).enterprise_id == "日" * 256


def test_a_connection_id_is_read_in_lower_case() -> None:
    assert parse(connection_id=CONNECTION_ID.upper()).connection_id == CONNECTION_ID
