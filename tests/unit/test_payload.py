"""The payload, tested with the golden vectors for clients in any language (vectors.json)."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.payload import signing_payload
from domain.request import parse_signing_request

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "vectors.json").read_text())
SIGNED = {vector["signature"]["scheme"]: vector for vector in VECTORS if vector.get("signature")}


def verify(signature: dict[str, str], message: bytes) -> None:
    key = load_pem_public_key(signature["publicKey"].encode())
    value = b64decode(signature["base64"])
    if signature["scheme"] == "Ed25519":
        assert isinstance(key, Ed25519PublicKey)
        key.verify(value, message)
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256K1)
        key.verify(value, message, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_payload_equals_the_golden_payload(vector: dict[str, Any]) -> None:
    request = vector["request"]
    body = json.dumps(request["body"]).encode()
    parsed = parse_signing_request(request["enterpriseId"], request["connectionId"], body)
    assert signing_payload(parsed) == vector["payload"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_golden_payload_has_the_golden_hash(vector: dict[str, Any]) -> None:
    assert sha256(vector["payload"].encode()).hexdigest() == vector["sha256"]


def test_each_signature_scheme_has_a_vector() -> None:
    assert SIGNED.keys() == {"Ed25519", "ECDSA-secp256k1-SHA256"}


@pytest.mark.parametrize("scheme", SIGNED)
def test_the_golden_signature_fits_the_golden_payload(scheme: str) -> None:
    vector = SIGNED[scheme]
    verify(vector["signature"], vector["payload"].encode())


@pytest.mark.parametrize("scheme", SIGNED)
def test_the_golden_signature_does_not_fit_another_payload(scheme: str) -> None:
    vector = SIGNED[scheme]
    with pytest.raises(InvalidSignature):
        verify(vector["signature"], vector["payload"].encode() + b" ")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_has_all_its_keys_and_no_others(vector: dict[str, Any]) -> None:
    assert vector.keys() - {"signature"} == {"name", "request", "payload", "sha256"}
    assert vector["request"].keys() == {"enterpriseId", "connectionId", "body"}
    assert vector.get("signature", {}).keys() in (set(), {"scheme", "publicKey", "base64"})
