"""The deallocation request: what is accepted, and what is refused."""

import json
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.deallocation import (
    DEALLOCATION_BODY_LIMIT,
    DeallocationRequest,
    parse_deallocation_request,
)
from domain.errors import Detail, InvalidRequest, PayloadMismatch
from domain.payload import signing_payload
from domain.request import BODY_LIMIT, parse_signing_request
from tests.support.vectors import VECTORS
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID

CARRIED = ("payload", "signature")
SIGNATURE = "c2lnbmF0dXJl"


def signed(body: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(body).encode()
    request = parse_signing_request(ENTERPRISE_ID, CONNECTION_ID, written)
    return body | {"payload": signing_payload(request), "signature": SIGNATURE}


def parse(
    body: object, enterprise_id: str = ENTERPRISE_ID, connection_id: str = CONNECTION_ID
) -> DeallocationRequest:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_deallocation_request(enterprise_id, connection_id, written)


def refusal(body: object) -> tuple[Detail, ...]:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)
    return caught.value.details


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_golden_payload_is_accepted_for_its_request(vector: dict[str, Any]) -> None:
    enterprise_id, connection_id, body = deepcopy(vector["request"]).values()
    signature = vector.get("signature", {}).get("base64", SIGNATURE)
    body |= {"payload": vector["payload"], "signature": signature}
    parsed = parse(body, enterprise_id, connection_id)
    assert (parsed.payload, parsed.signature) == (vector["payload"], signature)


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
        ('"notes":"n"}', '"notes":"n"}\n'),
    ],
)
def test_a_payload_with_any_difference_is_refused(golden: str, other: str) -> None:
    body = signed(BODY | {"notes": "n", "amount": {"currency": "ETH", "quantity": "1"}})
    assert golden in body["payload"]
    with pytest.raises(PayloadMismatch):
        parse(body | {"payload": body["payload"].replace(golden, other)})


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ({"enterprise_id": "another"}, {}),
        ({"connection_id": str(UUID(int=1))}, {}),
        *(({}, {name: "another"}) for name in ("clientExternalId", "nonce", "notes")),
    ],
    ids=["enterpriseId", "connectionId", "clientExternalId", "nonce", "notes"],
)
def test_a_payload_of_another_request_is_refused(
    path: dict[str, str], other: dict[str, str]
) -> None:
    with pytest.raises(PayloadMismatch):
        parse(signed(BODY) | other, **path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *((name, value, "must be a string") for name in CARRIED for value in (None, 1)),
        *((name, "", "must not be empty") for name in CARRIED),
        ("algorithm", "1", "is not a known field"),
        ("client_external_id", "1", "is not a known field"),
        ("enterpriseId", ENTERPRISE_ID, "must be given only once"),
    ],
)
def test_a_property_that_breaks_a_rule_is_named(name: str, value: object, message: str) -> None:
    assert refusal(signed(BODY) | {name: value}) == (Detail(name, message),)


@pytest.mark.parametrize("name", CARRIED)
def test_the_payload_and_the_signature_are_required(name: str) -> None:
    body = signed(BODY)
    del body[name]
    assert refusal(body) == (Detail(name, "is required"),)


@pytest.mark.parametrize("name", CARRIED)
def test_a_name_that_is_given_twice_is_refused(name: str) -> None:
    body = signed(BODY)
    twice = f"{json.dumps(body)[:-1]}, {json.dumps({name: body[name]})[1:]}".encode()
    assert refusal(twice) == (Detail(name, "must be given only once"),)


WRITERS: dict[str, Callable[[object], str]] = {
    "ASCII only": json.dumps,
    "UTF-8": partial(json.dumps, ensure_ascii=False),
    "slashes escaped": lambda value: json.dumps(value).replace("/", "\\/"),
}
SIGNATURE_LIMIT = 60_000  # SLH-DSA-192f in base64 takes 4 / 3 of 35,664 bytes


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("character", ['"', "\\", "\x1f", "\x7f", "\n", "/", "é", "日", "🏦", "a"])
def test_the_deallocation_of_the_largest_signing_request_fits_the_limit(
    character: str, writer: str
) -> None:
    write, ids = WRITERS[writer], ("🏦" * 256, CONNECTION_ID)
    room = BODY_LIMIT - len(write(BODY | {"notes": ""}).encode())
    body = BODY | {"notes": character * (room // (len(write(character).encode()) - 2))}
    payload = signing_payload(parse_signing_request(*ids, write(body).encode()))
    deallocation = write(body | {"payload": payload, "signature": "s" * SIGNATURE_LIMIT})
    assert parse_deallocation_request(*ids, deallocation.encode()).payload == payload


def test_a_body_of_the_largest_size_is_accepted_and_a_larger_one_is_not() -> None:
    body = json.dumps(signed(BODY)).ljust(DEALLOCATION_BODY_LIMIT).encode()
    assert parse(body).signature == SIGNATURE
    assert refusal(body + b" ") == (Detail("body", "must be at most 262144 bytes"),)
