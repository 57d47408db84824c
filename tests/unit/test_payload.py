"""The payload, tested with the golden vectors for clients in any language (vectors.json)."""

import json
from base64 import b64decode
from hashlib import sha256
from typing import Any, ClassVar

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.payload import signing_payload
from domain.request import (
    BODY_LIMIT,
    SigningRequest,
    Text,
    parse_request,
    parse_signing_request,
)
from tests.support.vectors import SIGNED, VECTORS, is_high


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_payload_and_its_hash_equal_the_golden_ones(vector: dict[str, Any]) -> None:
    enterprise_id, connection_id, body = vector["request"].values()
    parsed = parse_signing_request(enterprise_id, connection_id, json.dumps(body).encode())
    assert signing_payload(parsed) == vector["payload"]
    assert sha256(vector["payload"].encode()).hexdigest() == vector["sha256"]


class WithPurpose(SigningRequest):
    """A request with a field that is signed, and one that is not."""

    NOT_SIGNED: ClassVar = {"trace"}

    purpose: Text
    trace: Text


def test_a_field_of_a_subclass_is_signed_unless_the_class_names_it() -> None:
    enterprise_id, connection_id, body = VECTORS[0]["request"].values()
    written = json.dumps(body | {"purpose": "p", "trace": "t"}).encode()
    request = parse_request(WithPurpose, enterprise_id, connection_id, written, limit=BODY_LIMIT)
    signed = json.loads(signing_payload(request))
    assert signed == json.loads(VECTORS[0]["payload"]) | {"purpose": "p"}


def test_each_signature_scheme_has_a_vector() -> None:
    schemes = [(v["signature"]["scheme"], v["signature"].get("highS")) for v in SIGNED]
    ecdsa = "ECDSA-secp256k1-SHA256"
    assert schemes == [("Ed25519", None), (ecdsa, False), (ecdsa, True)]


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["name"])
def test_the_golden_signature_fits_only_the_golden_payload(vector: dict[str, Any]) -> None:
    signature, message = vector["signature"], vector["payload"].encode()
    value = b64decode(signature["base64"])
    key: Any = load_pem_public_key(signature["publicKey"].encode())
    scheme = [ec.ECDSA(hashes.SHA256())] if signature["scheme"].startswith("ECDSA") else []
    key.verify(value, message, *scheme)
    with pytest.raises(InvalidSignature):
        key.verify(value, message + b" ", *scheme)
    if scheme:
        assert key.curve.name == "secp256k1"
        assert is_high(value) is signature["highS"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_has_all_its_keys_and_no_others(vector: dict[str, Any]) -> None:
    assert vector.keys() - {"signature"} == {"name", "request", "payload", "sha256"}
    assert list(vector["request"]) == ["enterpriseId", "connectionId", "body"]
    keys = vector.get("signature", {}).keys()
    assert keys in (set(), {"scheme", "publicKey", "base64"} | ({"highS"} & keys))
