"""The contract's table of fields, tested directly: what is refused, and which field is named."""

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from domain import request as request_module
from domain.errors import Detail, InvalidRequest
from domain.records import Connection, Credential, License
from domain.request import DETAILS_LIMIT, SigningBody, SigningRequest, parse_signing_request

ENTERPRISE_ID, CONNECTION_ID = "acme-capital", "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01"
BODY: dict[str, Any] = {
    "amount": {"currency": "BTC", "quantity": "150000000"},
    "clientExternalId": "withdrawal-2041",
    "nonce": "01J9ZQ6K3M",
}
SECRET = "never-to-be-repeated"  # noqa: S105 -- a value that no answer may hold


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key != name}


def amount(**members: object) -> dict[str, Any]:
    return BODY | {"amount": {"currency": "BTC", "quantity": "1"} | members}


DEEP = 64_000
REFUSED: list[tuple[str, object, str]] = [
    ("no body", "", "body"),
    ("malformed JSON", '{"amount": ', "body"),
    ("two values", "{} {}", "body"),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(BODY).encode(), "body"),
    ("UTF-16", json.dumps(BODY).encode("utf-16"), "body"),
    ("bad UTF-8", b'{"nonce": "\xff"}', "body"),
    ("arrays nested 32,000 deep", "[" * (DEEP // 2) + "]" * (DEEP // 2), "body"),
    ("arrays nested 64,000 deep and not closed", "[" * DEEP, "body"),
    ("objects nested 10,000 deep and not closed", '{"a":' * 10_000, "body"),
    ("a 6 MB body", json.dumps(BODY | {"notes": "n" * 6_000_000}), "body"),
    ("one byte over the size limit", json.dumps(BODY).ljust(64 * 1024 + 1), "body"),
    ("a list around the object", json.dumps([BODY]), "body"),
    ("a string instead of the object", '"text"', "body"),
    ("null instead of the object", "null", "body"),
    ("NaN instead of the object", "NaN", "body"),
    ("no amount", without("amount"), "amount"),
    ("an amount that is a string", BODY | {"amount": SECRET}, "amount"),
    ("an amount in a list", BODY | {"amount": [BODY["amount"]]}, "amount"),
    ("a null amount", BODY | {"amount": None}, "amount"),
    ("no currency", BODY | {"amount": {"quantity": "1"}}, "amount.currency"),
    ("an empty currency", amount(currency=""), "amount.currency"),
    ("a numeric currency", amount(currency=1), "amount.currency"),
    ("no quantity", BODY | {"amount": {"currency": "BTC"}}, "amount.quantity"),
    ("a number as quantity", amount(quantity=150000000), "amount.quantity"),
    ("5,000 digits as quantity", amount(quantity="7" * 5000), "amount.quantity"),
    (
        "a number of 5,000 digits as quantity",
        json.dumps(amount(quantity="#")).replace('"#"', "7" * 5000),
        "amount.quantity",
    ),
    ("NaN as quantity", amount(quantity=float("nan")), "amount.quantity"),
    ("Infinity as quantity", amount(quantity=float("inf")), "amount.quantity"),
    ("a quantity of zero", amount(quantity="0"), "amount.quantity"),
    ("a quantity of 79 digits", amount(quantity="1" * 79), "amount.quantity"),
    ("a quantity with a leading zero", amount(quantity="01"), "amount.quantity"),
    ("a quantity with a sign", amount(quantity="+1"), "amount.quantity"),
    ("a quantity with a fraction", amount(quantity="1.5"), "amount.quantity"),
    ("a quantity with an exponent", amount(quantity="1e8"), "amount.quantity"),
    ("a quantity with a trailing space", amount(quantity="1 "), "amount.quantity"),
    ("a quantity with a trailing newline", amount(quantity="1\n"), "amount.quantity"),
    ("a quantity in Arabic digits", amount(quantity="١٢٣"), "amount.quantity"),
    ("an unknown field of the amount", amount(precision=8), "amount.precision"),
    ("no clientExternalId", without("clientExternalId"), "clientExternalId"),
    ("an empty clientExternalId", BODY | {"clientExternalId": ""}, "clientExternalId"),
    ("no nonce", without("nonce"), "nonce"),
    ("an empty nonce", BODY | {"nonce": ""}, "nonce"),
    ("a number as nonce", BODY | {"nonce": 7}, "nonce"),
    ("an object as nonce", BODY | {"nonce": {"nonce": "1"}}, "nonce"),
    ("null notes", BODY | {"notes": None}, "notes"),
    ("empty notes", BODY | {"notes": ""}, "notes"),
    ("notes with a lone surrogate", BODY | {"notes": "\ud800"}, "notes"),
    ("an unknown field", BODY | {"priority": SECRET}, "priority"),
    ("a field under its Python name", BODY | {"client_external_id": "1"}, "client_external_id"),
    ("an unknown field with a name of 64 characters", BODY | {"x" * 64: 1}, "x" * 64),
    ("an unknown field with a name of 65 characters", BODY | {"x" * 65: 1}, "body"),
    ("an unknown field with an unprintable name", BODY | {"\ud800\n": 1}, "body"),
    ("an unknown field of the amount with an empty name", amount(**{"": 1}), "amount"),
    ("a path parameter in the body", BODY | {"enterpriseId": "acme-capital"}, "enterpriseId"),
    ("a duplicate key", '{"nonce": "1", "nonce": "1"}', "nonce"),
    (
        "a duplicate key in the amount",
        '{"amount": {"currency": "BTC", "quantity": "1", "quantity": "2"}}',
        "amount.quantity",
    ),
    ("a duplicate amount", '{"amount": {}, "amount": {}}', "amount"),
    ("duplicate notes", '{"notes": null, "notes": "1"}', "notes"),
]


BAD_CONNECTION_IDS = [
    "",
    "northwind-exchange",
    "6f1c2e1a0b5d4c589a3e3d2b7f4a9c01",
    "{6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01}",
    "urn:uuid:6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
    "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0",
    "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c011",
    "6f1c2e1-a0b5d-4c58-9a3e-3d2b7f4a9c01",
    "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0g",
    "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01\n",
    " 6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
    "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0\N{FULLWIDTH DIGIT ONE}",
    "\N{ARABIC-INDIC DIGIT SIX}f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
]


def parse(
    body: object = BODY,
    *,
    enterprise_id: str = ENTERPRISE_ID,
    connection_id: str = CONNECTION_ID,
) -> SigningRequest:
    """Parses a request. A body of bytes or text stays as it is. Any other is written as JSON."""
    written = body if isinstance(body, str | bytes) else json.dumps(body)
    sent = written.encode() if isinstance(written, str) else written
    return parse_signing_request(enterprise_id, connection_id, sent)


def details(body: object = BODY, **ids: str) -> list[Detail]:
    """The details of the error that refuses a request."""
    with pytest.raises(InvalidRequest) as caught:
        parse(body, **ids)
    return list(caught.value.details)


def fields(body: object = BODY, **ids: str) -> list[str]:
    return [detail.field for detail in details(body, **ids)]


@pytest.mark.parametrize(("body", "field"), [pytest.param(b, f, id=i) for i, b, f in REFUSED])
def test_a_bad_body_is_refused_and_its_field_is_named(body: object, field: str) -> None:
    assert field in fields(body)


@pytest.mark.parametrize("connection_id", BAD_CONNECTION_IDS)
def test_a_connection_id_that_is_not_a_uuid_is_refused(connection_id: str) -> None:
    assert fields(connection_id=connection_id) == ["connectionId"]


@pytest.mark.parametrize("enterprise_id", ["", "a" * 257, "日" * 257, "\ud800"])
def test_an_enterprise_id_that_is_empty_too_long_or_not_text_is_refused(enterprise_id: str) -> None:
    assert fields(enterprise_id=enterprise_id) == ["enterpriseId"]


def test_an_enterprise_id_of_256_characters_is_accepted() -> None:
    assert parse(enterprise_id="日" * 256).enterprise_id == "日" * 256


def test_a_connection_id_is_read_in_lower_case() -> None:
    assert parse(connection_id=CONNECTION_ID.upper()).connection_id == CONNECTION_ID


def test_all_bad_fields_are_named_at_once() -> None:
    assert set(fields({"amount": {"quantity": "0"}, "nonce": ""}, connection_id="1")) == {
        "amount.currency",
        "amount.quantity",
        "clientExternalId",
        "connectionId",
        "nonce",
    }


def test_the_error_holds_the_details_in_one_sentence() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(amount(quantity=1) | {"nonce": ""})
    assert str(caught.value) == "amount.quantity must be a string; nonce must not be empty"


QUANTITY = (
    "must be a positive whole number of base units:"
    " 1 to 78 digits with no sign, separator or leading zero"
)
MESSAGES: list[tuple[dict[str, Any], str, str]] = [
    (
        {"body": ""},
        "body",
        "is required; a client that cannot send a body with GET can use POST",
    ),
    ({"body": " " * 65_537}, "body", "must be at most 65536 bytes"),
    ({"body": b"\xff"}, "body", "must be UTF-8"),
    ({"body": b"\xef\xbb\xbf{}"}, "body", "must not begin with a byte order mark"),
    ({"body": "{"}, "body", "must be valid JSON"),
    ({"body": "[]"}, "body", "must be a JSON object"),
    ({"body": without("nonce")}, "nonce", "is required"),
    ({"body": BODY | {"amount": 1}}, "amount", "must be an object"),
    ({"body": BODY | {"nonce": ""}}, "nonce", "must not be empty"),
    ({"body": BODY | {"nonce": 1}}, "nonce", "must be a string"),
    ({"body": BODY | {"nonce": "\ud800"}}, "nonce", "must not contain lone surrogates"),
    ({"body": amount(quantity="0")}, "amount.quantity", QUANTITY),
    ({"body": json.dumps(BODY)[:-1] + ', "nonce": "2"}'}, "nonce", "must be given only once"),
    ({"body": BODY | {"priority": 1}}, "priority", "is not a known field"),
    ({"body": BODY | {"a b": 1}}, "body", "has an unknown field"),
    ({"body": amount(**{"a b": 1})}, "amount", "has an unknown field"),
    ({"enterprise_id": "a" * 257}, "enterpriseId", "must be at most 256 characters"),
    ({"connection_id": "1"}, "connectionId", "must be a UUID in its 8-4-4-4-12 form"),
]


@pytest.mark.parametrize(("parts", "field", "message"), MESSAGES)
def test_a_refusal_says_what_the_field_must_be(
    parts: dict[str, Any], field: str, message: str
) -> None:
    assert details(**parts) == [Detail(field, message)]


def test_a_message_has_the_limit_of_the_model() -> None:
    schema = SigningRequest.model_json_schema()["properties"]["enterpriseId"]
    (detail,) = details(enterprise_id="a" * 257)
    assert re.findall("[0-9]+", detail.message) == [str(schema["maxLength"])]


def test_an_unknown_kind_of_fault_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_module, "_MESSAGES", {})  # an update of pydantic may add a kind
    assert details(BODY | {"nonce": 1}) == [Detail("nonce", "is invalid")]


def test_many_unknown_fields_give_only_twenty_details() -> None:
    assert len(fields(BODY | {f"f{number}": 1 for number in range(28)})) == DETAILS_LIMIT == 20


def test_an_object_of_32_names_has_its_unknown_fields_named() -> None:
    body = BODY | {f"f{number}": 1 for number in range(32 - len(BODY))}
    assert set(fields(body)) <= {f"f{number}" for number in range(32)}


@pytest.mark.parametrize(
    "body",
    [
        {f"f{number}": 1 for number in range(33)},
        amount(**{f"f{number}": 1 for number in range(31)}),
        BODY | {"notes": [{"a": {f"f{number}": 1 for number in range(33)}}]},
        "{" + ",".join(33 * ['"nonce": "1"']) + "}",
    ],
)
def test_an_object_of_more_than_32_names_is_refused(body: object) -> None:
    assert details(body) == [Detail("body", "must not have an object with more than 32 names")]


@pytest.mark.parametrize(
    "body",
    [
        f'{{"amount": "{SECRET}',
        amount(currency=[SECRET]),
        amount(quantity=SECRET),
        BODY | {"nonce": {SECRET: SECRET}},
        BODY | {"notes": [SECRET]},
        BODY | {"unknown": SECRET},
        [SECRET],
    ],
)
def test_a_refusal_never_repeats_the_value(body: object) -> None:
    assert SECRET not in str(details(body))


@pytest.mark.parametrize("model", [SigningBody, Credential, License, Connection])
def test_the_error_of_a_model_never_repeats_a_value(model: type[BaseModel]) -> None:
    values = {str(field.alias): [SECRET] for field in model.model_fields.values()}
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    assert SECRET not in str(caught.value)


def test_bytes_are_refused_as_text() -> None:
    with pytest.raises(ValidationError):
        SigningBody.model_validate(BODY | {"nonce": b"01J9ZQ6K3M"})


def test_a_request_cannot_be_changed() -> None:
    request = parse()
    with pytest.raises(ValidationError):
        request.nonce = "another"  # type: ignore[misc] # -- the test needs a wrong assignment


def test_a_body_of_the_largest_size_is_accepted() -> None:
    assert parse(json.dumps(BODY).ljust(64 * 1024)).nonce == BODY["nonce"]


@pytest.mark.parametrize("quantity", ["1", "9" * 78])
def test_the_smallest_and_the_largest_quantity_are_accepted(quantity: str) -> None:
    assert parse(amount(quantity=quantity)).amount.quantity == quantity


@pytest.mark.parametrize(
    "text", [" trimmed? ", "e\u0301 is not é", "\u2028", "\0", "🏦", "\ufeff", '"\\/']
)
def test_text_is_read_unchanged(text: str) -> None:
    request = parse(BODY | {"notes": text, "nonce": text, "clientExternalId": text})
    assert (request.notes, request.nonce, request.client_external_id) == (text, text, text)
