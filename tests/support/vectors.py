"""The data files for clients in any language: vectors.json, and refused.json."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_TESTS = Path(__file__).parents[1]

VECTORS: list[dict[str, Any]] = json.loads((_TESTS / "vectors.json").read_bytes())
"""Requests with their payloads."""
SIGNED = [vector for vector in VECTORS if "signature" in vector]
ECDSA = {v["signature"]["highS"]: v for v in SIGNED if "highS" in v["signature"]}
"""The vectors with an ECDSA signature, by whether its S is high."""
REFUSED: list[dict[str, Any]] = json.loads((_TESTS / "refused.json").read_bytes())
"""Requests that are refused, with the field and the message of the error."""


def is_high(der: bytes) -> bool:
    """Whether S is the larger of the two numbers that are valid with the same R."""
    _, s = decode_dss_signature(der)
    return s > ec.SECP256K1().group_order - s


def refused_body(body: str | dict[str, Any]) -> bytes:
    """The body of a row in refused.json: a text, bytes in base64, or texts that repeat."""
    if isinstance(body, str):
        return body.encode()
    ((form, value),) = body.items()
    if form == "base64":
        return b64decode(value)
    assert form == "repeat"
    return "".join(text * times for text, times in value).encode()
