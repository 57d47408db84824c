"""Files of state records, whose faults are found before any record is written."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import ConfigDict, StringConstraints, ValidationError

from domain.access import READ_SCOPE, WRITE_SCOPE
from domain.records import Connection, Credential, License
from domain.request import ConnectionId, EnterpriseId
from handlers.state import LICENSE_KEY, connection_key, enterprise_key, hashed_credential_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from pydantic_core import ErrorDetails

    type StoredItem = Mapping[str, AttributeValueTypeDef]

SHA256 = "^[0-9a-f]{64}$"
"""The pattern of a token's hash."""

# The domain's own models, with the key's fields. Unknown fields are refused: a misspelt
# `expiresAt` would mean "never expires".
_STRICT = ConfigDict(extra="forbid")


class LicenseRecord(License):
    model_config = _STRICT
    enterprise: EnterpriseId
    license: Literal["OES"]


class CredentialRecord(Credential):
    model_config = _STRICT
    enterprise: EnterpriseId
    credential_sha256: Annotated[str, StringConstraints(pattern=SHA256)]


class ConnectionRecord(Connection):
    model_config = _STRICT
    enterprise: EnterpriseId
    connection: ConnectionId


type StateRecord = LicenseRecord | CredentialRecord | ConnectionRecord

# The field that only this kind has, its model, and what comes before the field in the sort key.
KINDS: dict[str, tuple[type[StateRecord], str]] = {
    "license": (LicenseRecord, LICENSE_KEY.removesuffix("OES")),
    "connection": (ConnectionRecord, connection_key("")),
    "credentialSha256": (CredentialRecord, hashed_credential_key("")),
}
_FAULTS_KEPT = 20

# What is wrong with a field, by the type of pydantic's error.
_MESSAGES = {
    "bool_type": "must be true or false",
    "extra_forbidden": "is not a known field",
    "greater_than_equal": "must be at least {ge}",
    "is_instance_of": "must be a number of seconds, without a fraction",
    "less_than_equal": "must be a number of seconds, and at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is required",
    "set_type": "must be a list of strings",
    "string_too_long": "must be at most {max_length} characters",
    "string_too_short": "must not be empty",
    "string_type": "must be a string",
    "string_unicode": "must not contain lone surrogates",
    "too_short": "must not be empty",
}
# What a field with a pattern must be.
_FORMATS = {
    "connection": "must be a UUID in its 8-4-4-4-12 form",
    "credentialSha256": "must be 64 digits of lower-case hex",
}


class Line(NamedTuple):
    """A line of a file, its record, and the record's item."""

    number: int
    record: StateRecord
    item: "StoredItem"


class BadState(Exception):
    """Raised if a file of state records cannot be used."""

    def __init__(self, faults: list[str], count: int) -> None:
        super().__init__(faults, count)
        self.faults = faults
        """The first faults, each a sentence that names the line."""
        self.count = count
        """The number of all faults."""


def read_state(text: Iterable[str]) -> list[Line]:
    """The records of a file in JSON Lines, with one record a line.

    Raises `BadState` if a line has a fault, or if there is no record. A token is a fault too: files
    are copied and kept, so they hold the tokens' hashes only.
    """
    lines: list[Line] = []
    faults: list[str] = []
    count = 0
    numbers: dict[str, int] = {}
    for number, line in enumerate(text, start=1):
        if not line.strip():
            continue
        if line.lstrip().startswith("["):
            fault = "begins a JSON array; write one record a line, without brackets and commas"
            raise BadState([f"line {number}: {fault}"], 1)
        try:
            record = parse_record(line)
            item = to_item(record)
            first = numbers.setdefault(f"{item['pk']} {item['sk']}", number)
            if first != number:
                raise ValueError(f"is the same record as line {first}")  # noqa: TRY301 -- one way out
            lines.append(Line(number, record, item))
        except ValueError as error:
            count += 1
            if count <= _FAULTS_KEPT:
                faults.append(f"line {number}: {error}")
        if count:
            lines.clear()
    if not lines:
        raise BadState(faults or ["there is no record in it"], count)
    return lines


def parse_record(written: str) -> StateRecord:
    """The record of a line. Raises `ValueError`, a sentence that names the field."""
    try:
        fields = json.loads(written, object_pairs_hook=_unique_fields, parse_int=Decimal)
    except (json.JSONDecodeError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ValueError("is not one JSON object; write one record a line, without a comma")  # noqa: TRY004 -- of a file
    for kind, (model, _) in KINDS.items():
        if kind in fields:
            try:
                return model.model_validate(fields)
            except ValidationError as error:
                raise ValueError("; ".join(map(_sentence, error.errors()))) from None
    raise ValueError(f"must have one of {', '.join(KINDS)} (and never a token itself)")


def _sentence(fault: "ErrorDetails") -> str:
    match fault["loc"]:
        case ():  # the name itself is at fault
            name = "a name"
        case (field,):
            name = str(field)
        case (field, *_):
            name = f"a member of {field}"
    if fault["type"] == "string_pattern_mismatch":
        message = _FORMATS.get(name, "")
    else:
        message = _MESSAGES.get(fault["type"], "").format(**fault.get("ctx", {}))
    return f"{name} {message or fault['msg']}"


def warnings(record: StateRecord, *, now: float) -> list[str]:
    """Sentences about a valid record that is probably a mistake at `now`, in epoch seconds."""
    found: list[str] = []
    if isinstance(record, CredentialRecord):
        unknown = sorted(record.scopes - {READ_SCOPE, WRITE_SCOPE})
        found += [f"{scope} is not a known scope" for scope in unknown]
        if READ_SCOPE not in record.scopes:
            found.append(f"the token can do nothing: GET and POST both need {READ_SCOPE}")
    if not isinstance(record, ConnectionRecord) and now >= record.expires_at:
        found.append("the record has expired")
    return found


def to_line(item: "StoredItem") -> str:
    """The line of a stored item. Raises `ValueError` if `load` would not write this item."""
    try:
        values = _deserialize(item)
    except ArithmeticError:
        raise ValueError("has a number of more than 38 digits") from None
    for kind, (_, prefix) in KINDS.items():
        if values["sk"].startswith(prefix):
            enterprise = values["pk"].removeprefix(enterprise_key(""))
            fields = {"enterprise": enterprise, kind: values["sk"].removeprefix(prefix)}
            # DynamoDB returns attributes in any order. In one order, the lines of two tables compare.
            others = {name: values[name] for name in sorted(values.keys() - {"pk", "sk"})}
            line = json.dumps(fields | others, default=_json_value, ensure_ascii=False)
            if _deserialize(to_item(parse_record(line))) != values:
                raise ValueError("differs from what load would write")
            return line
    raise ValueError("is not a record of this service")


def to_item(record: StateRecord) -> dict[str, Any]:
    """The item of a record, for boto3's client."""
    return fields_to_item(record.model_dump(by_alias=True, exclude_unset=True))


def fields_to_item(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The item of a record's fields, for boto3's client. Nothing is checked."""
    values = dict(fields)
    (kind,) = values.keys() & KINDS.keys()
    keys = {
        "pk": enterprise_key(values.pop("enterprise")),
        "sk": KINDS[kind][1] + values.pop(kind),
    }
    return {name: TypeSerializer().serialize(value) for name, value in (keys | values).items()}


def _deserialize(item: "StoredItem") -> dict[str, Any]:
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _json_value(value: object) -> object:
    # A value that this changes fails the check in `to_line`. boto3's type for bytes has no str().
    if isinstance(value, set):
        return sorted(value, key=lambda member: member if isinstance(member, str) else repr(member))
    return int(value) if isinstance(value, Decimal) else repr(value)


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"{name} must not be given twice")
        texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
        fields[name] = set(value) if texts else value
    return fields
