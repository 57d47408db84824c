"""The deallocation request, which carries the signed payload. Its endpoint uses this module."""

from typing import ClassVar

from .errors import PayloadMismatch
from .payload import signing_payload
from .request import BODY_LIMIT, SigningRequest, Text, parse_request

DEALLOCATION_BODY_LIMIT = 4 * BODY_LIMIT
"""The largest body of a deallocation (bytes)

Every signing request that got a payload fits, with a signature of at most 60,000 bytes as the body
has it (SLH-DSA-192f in base64 takes 47,552). This holds for every client that writes both bodies in
the same way, a backslash as two backslashes, and ASCII letters and digits without escapes: the
properties take `BODY_LIMIT` at most, as in the signing request. The payload repeats them in a JSON
string, where each quote and each backslash needs a second escape: twice `BODY_LIMIT` at most. The
path's ids take 4 KiB at most.
"""


class DeallocationRequest(SigningRequest):
    """The properties of the signing request, its payload, and the signature over the payload."""

    NOT_SIGNED: ClassVar = {"payload", "signature"}

    payload: Text
    signature: Text


def parse_deallocation_request(
    enterprise_id: str, connection_id: str, body: bytes
) -> DeallocationRequest:
    """Reads a request from the path's decoded ids and a body of UTF-8 JSON, and checks its payload.

    Raises `PayloadMismatch` if the payload differs from that of `signing_payload` in any character.
    Raises `InvalidRequest` as `parse_signing_request` does. It does not check the signature, the
    signer's rights or the nonce.
    """
    request = parse_request(
        DeallocationRequest, enterprise_id, connection_id, body, limit=DEALLOCATION_BODY_LIMIT
    )
    if request.payload != signing_payload(request):
        raise PayloadMismatch
    return request
