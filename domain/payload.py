"""The string that the client signs and that the verifier rebuilds."""

import rfc8785

from .request import SigningRequest


def signing_payload(request: SigningRequest) -> str:
    """The request's properties by RFC 8785 (JSON Canonicalization Scheme), without absent ones.

    Equal requests give equal strings, for ever: the string holds no time and no version. The bytes
    to sign are its UTF-8 encoding. All fields of the request are signed, those of a subclass too,
    except those that the class names in `NOT_SIGNED`.
    """
    members = request.model_dump(by_alias=True, exclude_unset=True, exclude=request.NOT_SIGNED)
    return rfc8785.dumps(members).decode()
