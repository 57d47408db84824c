"""The string that the client signs and that the verifier rebuilds."""

import rfc8785

from .request import SigningRequest

_SIGNED = set(SigningRequest.model_fields)


def signing_payload(request: SigningRequest) -> str:
    """The request's properties by RFC 8785 (JSON Canonicalization Scheme), without absent notes.

    Equal requests give equal strings, for ever: the string holds no time and no version. The bytes
    to sign are its UTF-8 encoding. What a subclass adds to the request is not signed.
    """
    members = request.model_dump(by_alias=True, exclude_unset=True, include=_SIGNED)
    return rfc8785.dumps(members).decode()
