"""The deallocation request: what is accepted, and what is refused."""

import json
from typing import Any

import pytest

from domain.deallocation import (
    DEALLOCATION_BODY_LIMIT,
    DeallocationRequest,
    parse_deallocation_request,
)
from domain.errors import Detail, InvalidRequest, PayloadMismatch
from domain.payload import signing_payload
from domain.request import BODY_LIMIT, parse_signing_request
from tests.unit.test_payload import SIGNED, VECTORS
from tests.unit.test_request import BODY, CONNECTION_ID, ENTERPRISE_ID

SIGNATURE = "c2lnbmF0dXJl"


def signed(body: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(body).encode()
    request = parse_signing_request(ENTERPRISE_ID, CONNECTION_ID, written)
    return body | {"payload": signing_payload(request), "signature": SIGNATURE}


def parse(
    body: object,
    enterprise_id: str = ENTERPRISE_ID,
    connection_id: str = CONNECTION_ID,
) -> DeallocationRequest:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_deallocation_request(enterprise_id, connection_id, written)


def refusal(body: object) -> tuple[Detail, ...]:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    return caught.value.details


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_golden_payload_is_accepted_for_its_request(vector: dict[str, Any]) -> None:
    request = vector["request"]
    body = request["body"] | {"payload": vector["payload"], "signature": SIGNATURE}
    parsed = parse(body, request["enterpriseId"], request["connectionId"])
    assert parsed.payload == vector["payload"]


def test_the_signature_is_read_unchanged() -> None:
    vector = SIGNED["Ed25519"]
    signature = vector["signature"]["base64"]
    body = vector["request"]["body"] | {"payload": vector["payload"], "signature": signature}
    assert parse(body).signature == signature


@pytest.mark.parametrize(
    ("golden", "other"),
    [
        ('"quantity":"1"', '"quantity":"2"'),
        ('"6f1c2e1a', '"6F1C2E1A'),
        ('"notes":', '"\\u006eotes":'),
        ('"notes":"n"', '"notes":"n "'),
        (',"notes":"n"', ""),
        ('"nonce":', '"nonce":"1","nonce":'),
        ('{"currency":"ETH","quantity":"1"}', '{"quantity":"1","currency":"ETH"}'),
        (":", ": "),
        ("}", "}\n"),
    ],
)
def test_a_payload_with_any_difference_is_refused(golden: str, other: str) -> None:
    body = signed(BODY | {"notes": "n", "amount": {"currency": "ETH", "quantity": "1"}})
    assert golden in body["payload"]
    with pytest.raises(PayloadMismatch):
        parse(body | {"payload": body["payload"].replace(golden, other)})


@pytest.mark.parametrize("name", ["clientExternalId", "nonce", "notes"])
def test_a_payload_of_other_properties_is_refused(name: str) -> None:
    with pytest.raises(PayloadMismatch):
        parse(signed(BODY) | {name: "another"})


@pytest.mark.parametrize(
    "path",
    [
        {"enterprise_id": "another"},
        {"connection_id": "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c02"},
    ],
)
def test_a_payload_of_another_path_is_refused(path: dict[str, str]) -> None:
    with pytest.raises(PayloadMismatch):
        parse(signed(BODY), **path)


@pytest.mark.parametrize("name", ["payload", "signature"])
@pytest.mark.parametrize(
    ("value", "message"),
    [(None, "must be a string"), ("", "must not be empty"), ([], "must be a string")],
)
def test_the_payload_and_the_signature_must_be_non_empty_strings(
    name: str, value: object, message: str
) -> None:
    assert refusal(signed(BODY) | {name: value}) == (Detail(name, message),)


@pytest.mark.parametrize("name", ["payload", "signature"])
def test_the_payload_and_the_signature_are_required(name: str) -> None:
    body = signed(BODY)
    del body[name]
    assert refusal(body) == (Detail(name, "is required"),)


@pytest.mark.parametrize("name", ["amount", "nonce", "payload", "signature"])
def test_a_name_that_is_given_twice_is_refused(name: str) -> None:
    body = signed(BODY)
    twice = f"{json.dumps(body)[:-1]}, {json.dumps({name: body[name]})[1:]}".encode()
    assert refusal(twice) == (Detail(name, "must be given only once"),)


@pytest.mark.parametrize("name", ["algorithm", "client_external_id"])
def test_an_unknown_name_is_refused(name: str) -> None:
    assert refusal(signed(BODY) | {name: "1"}) == (Detail(name, "is not a known field"),)


def test_a_path_parameter_in_the_body_is_refused() -> None:
    body = signed(BODY) | {"enterpriseId": ENTERPRISE_ID}
    assert refusal(body) == (Detail("enterpriseId", "must be given only once"),)


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("character", ['"', "\\", "\x1f", "\n", "é", "日", "🏦", "a"])
def test_the_deallocation_of_the_largest_signing_request_fits_the_limit(
    character: str, *, ensure_ascii: bool
) -> None:
    def written(body: dict[str, Any]) -> bytes:
        return json.dumps(body, ensure_ascii=ensure_ascii).encode()

    ids = ("🏦" * 256, CONNECTION_ID)
    room = BODY_LIMIT - len(written(BODY | {"notes": ""}))
    body = BODY | {"notes": character * (room // (len(written({"": character})) - len('{"": ""}')))}
    payload = signing_payload(parse_signing_request(*ids, written(body)))
    deallocation = body | {"payload": payload, "signature": "s" * 60_000}
    assert parse_deallocation_request(*ids, written(deallocation)).payload == payload


def test_a_body_of_the_largest_size_is_accepted() -> None:
    body = json.dumps(signed(BODY)).ljust(DEALLOCATION_BODY_LIMIT).encode()
    assert parse(body).signature == SIGNATURE


def test_a_larger_body_is_refused() -> None:
    body = json.dumps(signed(BODY)).ljust(DEALLOCATION_BODY_LIMIT + 1).encode()
    assert refusal(body) == (Detail("body", "must be at most 262144 bytes"),)
