"""Reads the parts of a request from an API Gateway REST proxy event."""

import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from domain.errors import Detail, InvalidRequest, Unauthenticated

type Event = Mapping[str, Any]

# RFC 6750, section 2.1, and RFC 9110, section 11.4: 1*SP, and a scheme in any case.
_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
# RFC 3986, section 2.1: a percent sign is followed by two hexadecimal digits.
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9\-_.]{1,128}")


def bearer_token(event: Event) -> str:
    """The access token of the one `Authorization` header.

    Raises `Unauthenticated` if there is no such header, more than one, or another scheme. It never
    guesses which token is meant.
    """
    values = _header_values(event, "authorization")
    if len(values) == 1 and (found := _BEARER.fullmatch(values[0].strip(" \t"))):
        return found[1]
    raise Unauthenticated


def path_parameter(name: str, segment: str) -> str:
    """A segment of the path, percent-decoded once. API Gateway leaves the encoding in `path`.

    Raises `InvalidRequest` if it is not the percent-encoding of UTF-8 text.
    """
    if not _STRAY_PERCENT.search(segment):
        with suppress(UnicodeDecodeError):
            return unquote(segment, errors="strict")
    raise InvalidRequest(Detail(name, "must be percent-encoded UTF-8"))


def body_bytes(event: Event) -> bytes:
    """The body as the client sent it, without API Gateway's base64; empty if there is none.

    Raises `InvalidRequest` if the base64 is broken or the text has lone surrogates.
    """
    body = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            return binascii.a2b_base64(body, strict_mode=True)
        return body.encode()
    except UnicodeEncodeError:
        raise InvalidRequest(Detail("body", "must be UTF-8")) from None
    except ValueError:
        raise InvalidRequest(Detail("body", "must be valid base64")) from None


def client_request_id(event: Event) -> str | None:
    """The client's own id of the request, its `Request-Id` header, if it is plain and short."""
    values = _header_values(event, "request-id")
    return values[0] if len(values) == 1 and _CLIENT_REQUEST_ID.fullmatch(values[0]) else None


def _header_values(event: Event, name: str) -> list[str]:
    # API Gateway's console sends both maps as null.
    headers = event.get("multiValueHeaders") or {
        key: [value] for key, value in (event.get("headers") or {}).items()
    }
    return [value for key, values in headers.items() if key.lower() == name for value in values]
