"""The parts of an API Gateway REST proxy event that the request is made of."""

import binascii
import re
from urllib.parse import unquote

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from domain.errors import Detail, InvalidRequest
from handlers.answers import Unauthenticated

# RFC 6750, section 2.1, and RFC 9110, section 11.4: 1*SP, and a scheme in any case.
_BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.ASCII | re.IGNORECASE)
# RFC 3986, section 2.1: a percent sign is followed by two hexadecimal digits.
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def bearer_token(event: BaseProxyEvent) -> str:
    """The access token of the one `Authorization` header.

    Raises `Unauthenticated` if there is no such header, another scheme, or more than one: a doubt
    about who asks is not resolved in the caller's favour.
    """
    many = event.get("multiValueHeaders") or {}
    one = {name: [value] for name, value in (event.get("headers") or {}).items()}
    values = [
        value
        for name, values in (many or one).items()
        if name.lower() == "authorization"
        for value in values
    ]
    if len(values) == 1 and (match := _BEARER.fullmatch(values[0].strip(" \t"))):
        return match[1]
    raise Unauthenticated


def path_parameter(name: str, segment: str) -> str:
    """A segment of the path with its percent-encoding undone, once.

    Raises `InvalidRequest` if it is not the percent-encoding of UTF-8 text.
    """
    try:
        if not _STRAY_PERCENT.search(segment):
            return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        pass
    raise InvalidRequest(Detail(name, "must be percent-encoded UTF-8"))


def body_bytes(event: BaseProxyEvent) -> bytes:
    """The body as it was sent, any base64 of API Gateway's undone; empty if there is none.

    Raises `InvalidRequest` if the base64 is broken or the text is no Unicode.
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
