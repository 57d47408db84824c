"""The payload, against golden vectors that a client in any language can use: vectors.json."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from domain.payload import signing_payload
from domain.request import parse_signing_request

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())


def payload_of(vector: dict[str, Any]) -> str:
    request = vector["request"]
    body = json.dumps(request["body"]).encode()
    return signing_payload(
        parse_signing_request(request["enterpriseId"], request["connectionId"], body)
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_payload_is_the_golden_one_to_the_byte(vector: dict[str, Any]) -> None:
    assert payload_of(vector) == vector["payload"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_golden_payload_has_the_golden_hash(vector: dict[str, Any]) -> None:
    assert sha256(vector["payload"].encode()).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_says_all_there_is_and_nothing_else(vector: dict[str, Any]) -> None:
    assert vector.keys() == {"name", "request", "payload", "sha256"}
    assert vector["request"].keys() == {"enterpriseId", "connectionId", "body"}
