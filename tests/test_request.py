"""The contract's table of fields: what is refused, under which field's name, and what is not."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from domain.records import Connection, Credential, License
from domain.request import SigningBody, parse_signing_request
from tests.asking import ACME, BODY, METHODS, ask, call, event_for

pytestmark = pytest.mark.usefixtures("world")

SECRET = "never-to-be-repeated"  # noqa: S105 -- a value that no answer may hold


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key != name}


def amount(**members: object) -> dict[str, Any]:
    return BODY | {"amount": {"currency": "BTC", "quantity": "1"} | members}


DEEP = 100_000
REFUSED: list[tuple[str, object, str]] = [
    ("no body", "", "body"),
    ("malformed JSON", '{"amount": ', "body"),
    ("two values", "{} {}", "body"),
    ("a byte order mark", b"\xef\xbb\xbf" + json.dumps(BODY).encode(), "body"),
    ("UTF-16", json.dumps(BODY).encode("utf-16"), "body"),
    ("bad UTF-8", b'{"nonce": "\xff"}', "body"),
    ("100,000-deep JSON", "[" * (DEEP // 2) + "]" * (DEEP // 2), "body"),
    ("100,000-deep JSON, not closed", "[" * DEEP, "body"),
    ("deep JSON within the limit", '{"a":' * 10_000, "body"),
    ("a 6 MB body", json.dumps(BODY | {"notes": "n" * 6_000_000}), "body"),
    ("one byte over the limit", json.dumps(BODY).ljust(64 * 1024 + 1), "body"),
    ("a list around the object", json.dumps([BODY]), "body"),
    ("a string", '"text"', "body"),
    ("null", "null", "body"),
    ("NaN", "NaN", "body"),
    ("no amount", without("amount"), "amount"),
    ("an amount that is no object", BODY | {"amount": SECRET}, "amount"),
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
    ("zero", amount(quantity="0"), "amount.quantity"),
    ("79 digits", amount(quantity="1" * 79), "amount.quantity"),
    ("a leading zero", amount(quantity="01"), "amount.quantity"),
    ("a sign", amount(quantity="+1"), "amount.quantity"),
    ("a fraction", amount(quantity="1.5"), "amount.quantity"),
    ("an exponent", amount(quantity="1e8"), "amount.quantity"),
    ("a space after", amount(quantity="1 "), "amount.quantity"),
    ("a newline after", amount(quantity="1\n"), "amount.quantity"),
    ("other scripts' digits", amount(quantity="١٢٣"), "amount.quantity"),
    ("an unknown field of the amount", amount(precision=8), "amount.precision"),
    ("no clientExternalId", without("clientExternalId"), "clientExternalId"),
    ("an empty clientExternalId", BODY | {"clientExternalId": ""}, "clientExternalId"),
    ("no nonce", without("nonce"), "nonce"),
    ("an empty nonce", BODY | {"nonce": ""}, "nonce"),
    ("a number as nonce", BODY | {"nonce": 7}, "nonce"),
    ("an object as nonce", BODY | {"nonce": {"nonce": "1"}}, "nonce"),
    ("null notes", BODY | {"notes": None}, "notes"),
    ("empty notes", BODY | {"notes": ""}, "notes"),
    ("a lone surrogate", BODY | {"notes": "\ud800"}, "notes"),
    ("an unknown field", BODY | {"priority": SECRET}, "priority"),
    ("a known field's other name", BODY | {"client_external_id": "1"}, "client_external_id"),
    ("an unknown field of 64 characters", BODY | {"x" * 64: 1}, "x" * 64),
    ("an unknown field of more characters", BODY | {"x" * 65: 1}, "body"),
    ("an unknown field that is no name", BODY | {"\ud800\n": 1}, "body"),
    ("an unknown field of the amount that is no name", amount(**{"": 1}), "amount"),
    ("the path's field in the body", BODY | {"enterpriseId": "acme-capital"}, "enterpriseId"),
    ("a duplicate key", '{"nonce": "1", "nonce": "1"}', "nonce"),
    (
        "a duplicate key in the amount",
        '{"amount": {"currency": "BTC", "quantity": "1", "quantity": "2"}}',
        "amount.quantity",
    ),
    ("a duplicate object", '{"amount": {}, "amount": {}}', "amount"),
    ("duplicate notes", '{"notes": null, "notes": "1"}', "notes"),
    ("a duplicate key deep down", '{"deep": [{"a": 1, "a": 1}]}', "deep"),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("body", "field"), [pytest.param(b, f, id=i) for i, b, f in REFUSED])
def test_a_bad_body_is_refused_by_the_name_of_its_field(
    method: str, body: object, field: str
) -> None:
    answer = ask(method, body=body)
    assert (answer.status, answer.name) == (400, "InvalidRequest")
    assert field in answer.fields


@pytest.mark.parametrize(
    "connection_id",
    [
        "northwind-exchange",
        "6f1c2e1a0b5d4c589a3e3d2b7f4a9c01",
        "{6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01}",
        "urn:uuid:6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
        "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0",
        "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c011",
        "6f1c2e1-a0b5d-4c58-9a3e-3d2b7f4a9c01",
        "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0g",
        "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01%0A",
        "%206f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
        "6f1c2e1a%2D0b5d-4c58-9a3e-3d2b7f4a9c0%EF%BC%91",  # a full-width digit
        "%D9%A6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c0",  # an Arabic-Indic one
    ],
)
def test_a_connection_id_that_is_no_uuid_is_refused(connection_id: str) -> None:
    answer = ask(connection_id=connection_id)
    assert (answer.status, answer.fields) == (400, ["connectionId"])


@pytest.mark.parametrize(
    "enterprise_id",
    [
        "a" * 257,
        "a" * 5000,
        "%E6%97%A5" * 257,
        "%FF",  # no UTF-8
        "%ED%A0%80",  # a surrogate
        "%C0%AF",  # an overlong slash
        "100%",
        "%zz",
        "%2",
    ],
)
def test_an_enterprise_id_that_is_too_long_or_no_text_is_refused(enterprise_id: str) -> None:
    answer = ask(enterprise_id=enterprise_id)
    assert (answer.status, answer.fields) == (400, ["enterpriseId"])


@pytest.mark.parametrize(
    ("segment", "enterprise_id"),
    [
        ("acme%2Dcapital", "acme-capital"),
        ("acme%252Dcapital", "acme%2Dcapital"),
        ("a%2Fb", "a/b"),
        ("a%23b", "a#b"),
        ("a%00b", "a\0b"),
        ("a+b", "a+b"),
        ("%E6%97%A5" * 256, "日" * 256),
    ],
)
def test_the_enterprise_id_is_decoded_once(
    reads: list[dict[str, Any]], segment: str, enterprise_id: str
) -> None:
    ask(enterprise_id=segment)
    (wanted,) = reads[0]["RequestItems"].values()
    assert {key["pk"]["S"] for key in wanted["Keys"]} == {f"ENTERPRISE#{enterprise_id}"}


def test_all_fields_that_are_off_are_named_at_once() -> None:
    answer = ask(connection_id="1", body={"amount": {"quantity": "0"}, "nonce": ""})
    assert set(answer.fields) == {
        "amount.currency",
        "amount.quantity",
        "clientExternalId",
        "connectionId",
        "nonce",
    }


def test_the_error_says_what_the_details_say() -> None:
    answer = ask(body=amount(quantity=1) | {"nonce": ""})
    assert answer.body["error"] == (
        "The request is invalid: amount.quantity must be a string; nonce must not be empty."
    )


QUANTITY = (
    "must be a positive whole number of base units:"
    " 1 to 78 digits with no sign, separator or leading zero"
)


@pytest.mark.parametrize(
    ("parts", "field", "message"),
    [
        ({"body": ""}, "body", "is required"),
        ({"body": " " * 65_537}, "body", "must be at most 65536 bytes"),
        ({"body": b"\xff"}, "body", "must be UTF-8"),
        ({"body": "\ud800"}, "body", "must be UTF-8"),
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
        ({"enterprise_id": "%FF"}, "enterpriseId", "must be percent-encoded UTF-8"),
        ({"connection_id": "%"}, "connectionId", "must be percent-encoded UTF-8"),
        ({"connection_id": "1"}, "connectionId", "must be a UUID in its 8-4-4-4-12 form"),
    ],
)
def test_a_refusal_says_what_is_asked_of_the_field(
    parts: dict[str, Any], field: str, message: str
) -> None:
    assert ask(**parts).body["details"] == [{"field": field, "message": message}]


def test_thousands_of_unknown_fields_give_no_more_than_twenty_details() -> None:
    answer = ask(body=BODY | {f"f{number}": 1 for number in range(4000)})
    assert len(answer.fields) == 20


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
    answer = ask(body=body)
    assert answer.status == 400
    assert SECRET not in answer.text


@pytest.mark.parametrize("model", [SigningBody, Credential, License, Connection])
def test_a_model_s_own_error_never_repeats_a_value(model: type[BaseModel]) -> None:
    fields = {str(field.alias): [SECRET] for field in model.model_fields.values()}
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    assert SECRET not in str(caught.value)


def test_bytes_are_no_text() -> None:
    with pytest.raises(ValidationError):
        SigningBody.model_validate(BODY | {"nonce": b"01J9ZQ6K3M"})


def test_a_request_stays_as_it_was_read() -> None:
    body = json.dumps(BODY).encode()
    request = parse_signing_request(ACME["enterprise_id"], ACME["connection_id"], body)
    with pytest.raises(ValidationError):
        request.nonce = "another"  # type: ignore[misc] # -- that it is frozen is what is tested


@pytest.mark.parametrize("connection_id", [SECRET, f"%FF{SECRET}"])
def test_a_refusal_never_repeats_the_path(connection_id: str) -> None:
    assert SECRET not in ask(connection_id=connection_id, enterprise_id=f"%{SECRET}").text


@pytest.mark.parametrize("broken", ["eyJhIjoxfQ=", "eyJh\nIjoxfQ==", "eyJhIjoxfQ==eA==", "é", "="])
def test_broken_base64_is_refused(broken: str) -> None:
    event = event_for(body=b"")
    event["body"] = broken
    detail = {"field": "body", "message": "must be valid base64"}
    assert call(event).body["details"] == [detail]


def test_a_lone_surrogate_in_the_event_itself_is_refused() -> None:
    assert ask(body='{"notes": "\ud800"}').fields == ["body"]


def test_a_body_in_base64_gives_the_same_bytes_as_one_in_text() -> None:
    body = BODY | {"notes": "Größe 清算 🏦"}
    as_text = ask(body=json.dumps(body, ensure_ascii=False))
    assert as_text.status == 200
    assert ask(body=json.dumps(body, ensure_ascii=False).encode()).text == as_text.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_the_content_type_does_not_matter(content_type: str) -> None:
    headers = {
        "Authorization": [f"Bearer {ACME['token']}"],
        "Content-Type": [content_type],
    }
    assert ask(headers=headers).status == 200


def test_a_body_of_the_largest_size_is_taken() -> None:
    assert ask(body=json.dumps(BODY).ljust(64 * 1024)).status == 200


@pytest.mark.parametrize("quantity", ["1", "9" * 78])
def test_the_smallest_and_the_largest_quantity_are_taken(quantity: str) -> None:
    assert ask(body=amount(quantity=quantity)).status == 200


@pytest.mark.parametrize(
    "text", [" trimmed? ", "e\u0301 is not é", "\u2028", "\0", "🏦", "\ufeff", '"\\/']
)
def test_text_is_signed_as_it_came(text: str) -> None:
    body = {"notes": text, "nonce": text, "clientExternalId": text}
    payload = json.loads(ask(body=BODY | body).body["payload"])
    assert {name: payload[name] for name in body} == body


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ["Bearer sample-token-trader"]},
        {"authorization": ["bearer sample-token-trader"]},
        {"AUTHORIZATION": ["BEARER   sample-token-trader"]},
        {"Authorization": [" Bearer sample-token-trader\t"]},
    ],
)
def test_the_scheme_and_the_name_of_the_header_are_taken_in_any_case(
    headers: dict[str, list[str]],
) -> None:
    assert ask(headers=headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": []},
        {"Authorization": [""]},
        {"Authorization": ["Bearer"]},
        {"Authorization": ["Bearer "]},
        {"Authorization": ["sample-token-trader"]},
        {"Authorization": ["Basic sample-token-trader"]},
        {"Authorization": ["Bearersample-token-trader"]},
        {"Authorization": ["XBearer sample-token-trader"]},
        {"Authorization": ["Bearer sample-token-trader more"]},
        {"Authorization": ["Bearer sample-token-trader, Bearer sample-token-viewer"]},
        {"Authorization": ["Bearer ="]},
        {"Authorization": ["Bearer sämple"]},
        {"Authorization": ["Bearer \N{KELVIN SIGN}"]},  # whose lower case is an ASCII letter
        {"Authorization": ["Bearer sample-token-trader\n"]},
        {"Authorization": ["Bearer sample-token-trader", "Bearer sample-token-trader"]},
        {"Authorization": ["Bearer sample-token-trader"], "authorization": ["Bearer x"]},
        {"X-Authorization": ["Bearer sample-token-trader"]},
    ],
)
def test_anything_but_one_bearer_token_is_no_token(headers: dict[str, list[str]]) -> None:
    assert ask(headers=headers).name == "Unauthenticated"


@pytest.mark.parametrize("other", ["headers", "multiValueHeaders"])
def test_either_form_of_the_headers_is_enough(other: str) -> None:
    event = event_for()
    event[other] = None
    assert call(event).status == 200
