"""The string that the client signs, and that whoever verifies rebuilds."""

import rfc8785

from domain.errors import PayloadMismatch
from domain.request import SigningRequest


def signing_payload(request: SigningRequest) -> str:
    """The request's properties by RFC 8785 (JSON Canonicalization Scheme); absent notes are left out.

    Equal requests give equal strings, for ever: there is no time, version or order of arrival in it.
    The bytes to sign are its UTF-8 encoding.
    """
    return rfc8785.dumps(request.model_dump(by_alias=True, exclude_unset=True)).decode()


def check_payload(payload: str, request: SigningRequest) -> None:
    """Returns only if the payload is, to the character, the one that this request gets.

    For the endpoint that is handed a payload, its signature and the request they are for. It says
    nothing of the signature, nor of the signer's rights. Raises `PayloadMismatch`.
    """
    if payload != signing_payload(request):
        raise PayloadMismatch
