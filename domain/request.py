"""The request for a signing payload. It is read strictly, so that it has only one meaning."""

import json
import re
from array import array
from codecs import BOM_UTF8
from collections.abc import Mapping
from itertools import accumulate
from typing import Annotated, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from .errors import Detail, InvalidRequest

# docs/decisions.md says what the limits of names, levels, objects and lists prevent.
BODY_LIMIT = 64 * 1024
"""The largest body, after base64 decoding (bytes)"""
DETAILS_LIMIT = 20
"""The most `details` of a 400"""
NAMES_LIMIT = 32
"""The most names of an object in the body"""
DEPTH_LIMIT = 32
"""The most levels of objects and lists in the body"""
OBJECTS_LIMIT = 256
"""The most objects and lists in the body"""

QUANTITY_DIGITS = 78
"""The most digits of a quantity. The largest number of 256 bits has that many."""

_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_BASE_UNITS = rf"^[1-9][0-9]{{0,{QUANTITY_DIGITS - 1}}}$"
FORMATS = {
    _UUID: "must be a UUID in its 8-4-4-4-12 form",
    _BASE_UNITS: (
        "must be a positive whole number of base units:"
        f" 1 to {QUANTITY_DIGITS} digits with no sign, separator or leading zero"
    ),
}
"""What a 400 and the documents say of a text that must match the pattern."""

Text = Annotated[str, StringConstraints(min_length=1)]
EnterpriseId = Annotated[str, StringConstraints(min_length=1, max_length=256)]
ConnectionId = Annotated[str, StringConstraints(pattern=_UUID), AfterValidator(str.lower)]
BaseUnits = Annotated[str, StringConstraints(pattern=_BASE_UNITS)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _read_members(cls, value: object) -> object:
        return _unique_members(value) if isinstance(value, tuple) else value


class Amount(_Strict):
    """The currency and the quantity to take back."""

    currency: Text
    """One of the connection's currencies, in the same spelling."""
    quantity: BaseUnits
    """The quantity in base units (satoshi for BTC, wei for ETH).

    It is a string of ASCII digits, so that no digit is lost.
    """


class SigningBody(_Strict):
    """The JSON body of a request. Unknown and repeated names are refused."""

    amount: Amount
    client_external_id: Text
    """The client's own id of the deallocation."""
    nonce: Text
    """The nonce of the deallocation. Asking for the payload does not use it up."""
    notes: Text = ""  # empty only if it is absent
    """Free text, never null. If the body has none, the payload has none."""


class SigningRequest(SigningBody):
    """The whole request: the body's properties and the path's."""

    NOT_SIGNED: ClassVar[set[str]] = set()
    """The fields that `signing_payload` leaves out."""

    enterprise_id: EnterpriseId
    """The enterprise that asks. Percent-decoding happens once.

    The ids `.` and `..` need a client that sends the path unchanged. Most drop such segments.
    """
    connection_id: ConnectionId
    """The connection to take assets back from.

    It may be in either case, and is put into lower case before anything else.
    """


def parse_signing_request(enterprise_id: str, connection_id: str, body: bytes) -> SigningRequest:
    """Reads a request from the path's decoded ids and a body of UTF-8 JSON.

    Raises `InvalidRequest`, which names each bad field and repeats no value. What is signed must
    have only one meaning. So everything that JSON parsers disagree on is refused: repeated names
    (in an object, or in body and path), lone surrogates, NaN, unknown fields.
    """
    return parse_request(SigningRequest, enterprise_id, connection_id, body, limit=BODY_LIMIT)


def parse_request[Request: SigningRequest](
    model: type[Request], enterprise_id: str, connection_id: str, body: bytes, *, limit: int
) -> Request:
    """As `parse_signing_request`, for a model with more properties and another limit, in bytes."""
    members = _unique_members(_json_object(body, limit))
    path = {"enterpriseId": enterprise_id, "connectionId": connection_id}
    repeated = dict.fromkeys(path.keys() & members.keys(), _REPEATED)
    try:
        return model.model_validate({**path, **members, **repeated})
    except ValidationError as error:
        details = [
            _detail(
                fault["type"],
                [str(name) for name in fault["loc"]],
                fault["input"],
                fault.get("ctx", {}),
            )
            for fault in error.errors(include_url=False)[:DETAILS_LIMIT]
        ]
        raise InvalidRequest(*details) from None


type _Pairs = tuple[tuple[str, object], ...]
"""A JSON object, with its repeated names.

It becomes a dict only where a model expects an object. A body can hold thousands of objects, and to
look into each would cost much time before the token is checked.
"""

_REPEATED = object()
"""The value of a name that is given twice. No field accepts it, so validation names its place."""


def _unique_members(pairs: _Pairs) -> dict[str, object]:
    if len(pairs) > NAMES_LIMIT:
        message = f"must not have an object with more than {NAMES_LIMIT} names"
        raise InvalidRequest(Detail("body", message))
    members: dict[str, object] = {}
    for name, value in pairs:
        members[name] = _REPEATED if name in members else value
    return members


def _json_object(body: bytes, limit: int) -> _Pairs:
    if not body:
        # Many clients drop the body of a GET without an error.
        raise InvalidRequest(
            Detail("body", "is required; a client that cannot send a body with GET can use POST")
        )
    if len(body) > limit:
        raise InvalidRequest(Detail("body", f"must be at most {limit} bytes"))
    if body.startswith(BOM_UTF8):
        raise InvalidRequest(Detail("body", "must not begin with a byte order mark"))
    _check_brackets(body)
    try:
        # Numbers are only read to be refused, so `len` stands in for parsing. int() would fail on
        # thousands of digits and not name the field, and float() is slow for some numbers.
        pairs = json.loads(body.decode(), object_pairs_hook=tuple, parse_float=len, parse_int=len)
    except UnicodeDecodeError:
        raise InvalidRequest(Detail("body", "must be UTF-8")) from None
    except ValueError:
        raise InvalidRequest(Detail("body", "must be valid JSON")) from None
    if not isinstance(pairs, tuple):
        raise InvalidRequest(Detail("body", "must be a JSON object"))
    return pairs


_BRACKETS = b"[{]}"
_STEPS = bytes.maketrans(_BRACKETS, array("b", [1, 1, -1, -1]).tobytes())
_OTHER_BYTES = bytes(set(range(256)) - set(_BRACKETS))


def _check_brackets(body: bytes) -> None:
    """Refuses what would cost a JSON parser much stack or time."""
    # Without escapes, a quote can only start or end a string. So every second piece between quotes
    # is outside of strings.
    pieces = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    steps = b"".join(pieces[::2]).translate(_STEPS, _OTHER_BYTES)
    if max(accumulate(array("b", steps)), default=0) > DEPTH_LIMIT:
        raise InvalidRequest(Detail("body", "must be valid JSON"))
    if steps.count(1) > OBJECTS_LIMIT:
        message = f"must not have more than {OBJECTS_LIMIT} objects and lists"
        raise InvalidRequest(Detail("body", message))


_MESSAGES = {
    "extra_forbidden": "is not a known field",
    "missing": "is required",
    "model_type": "must be an object",
    "string_too_long": "must be at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must be at least {min_length} characters",
    "string_type": "must be a string",
    "string_unicode": "must not contain lone surrogates",
}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _detail(kind: str, location: list[str], value: object, rule: Mapping[str, object]) -> Detail:
    # For a lone surrogate in a name, pydantic's location stops at the enclosing object.
    *parents, name = location or ["body"]
    if not _PLAIN_NAME.fullmatch(name):
        # The client chose this name. It may have any length and any characters.
        return Detail(".".join(parents) or "body", "has an unknown field")
    return Detail(".".join([*parents, name]), _message(kind, value, rule))


def _message(kind: str, value: object, rule: Mapping[str, object]) -> str:
    if value is _REPEATED:
        return "must be given only once"
    if rule.get("min_length") == 1:
        return "must not be empty"
    format_ = FORMATS.get(str(rule.get("pattern")))
    return format_ or _MESSAGES.get(kind, "is invalid").format(**rule)
