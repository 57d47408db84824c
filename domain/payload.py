"""The string that the client signs, and that whoever verifies rebuilds."""

import rfc8785

from domain.request import SigningRequest

_SIGNED = set(SigningRequest.model_fields)


def signing_payload(request: SigningRequest) -> str:
    """The request's properties by RFC 8785 (JSON Canonicalization Scheme); absent notes are left out.

    Equal requests give equal strings, for ever: there is no time, version or order of arrival in it.
    The bytes to sign are its UTF-8 encoding. What a subclass adds to the request is not signed.
    """
    members = request.model_dump(by_alias=True, exclude_unset=True, include=_SIGNED)
    return rfc8785.dumps(members).decode()
