"""Files of state records, and what is off in them, found before any of them is written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, StringConstraints

from domain.errors import CorruptRecord
from domain.records import Connection, Credential, License
from domain.request import ConnectionId, EnterpriseId
from handlers.state import LICENSE_KEY, connection_key, enterprise_key, hashed_credential_key

# The domain's own models, with the key's fields. What the service ignores is a mistake here: an
# expiry that is misspelt is none.
_STRICT = ConfigDict(extra="forbid")


class LicenseRecord(License):
    """A licence as a file has it."""

    model_config = _STRICT
    enterprise: EnterpriseId
    license: Literal["OES"]


class CredentialRecord(Credential):
    """A credential as a file has it."""

    model_config = _STRICT
    enterprise: EnterpriseId
    credential_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ConnectionRecord(Connection):
    """A connection as a file has it."""

    model_config = _STRICT
    enterprise: EnterpriseId
    connection: ConnectionId


_MODELS: dict[str, type[LicenseRecord | CredentialRecord | ConnectionRecord]] = {
    "license": LicenseRecord,
    "credentialSha256": CredentialRecord,
    "connection": ConnectionRecord,
}
_SORT_KEYS = {
    "license": LICENSE_KEY.removesuffix("OES"),
    "credentialSha256": hashed_credential_key(""),
    "connection": connection_key(""),
}
"""How the sort key begins; the field's value follows."""

_ITEM_LIMIT = 400 * 1024
"""DynamoDB's, in bytes."""


@dataclass(frozen=True)
class StateRecord:
    """A record that makes sense."""

    item: dict[str, Any]
    """As boto3's resource takes it."""

    @property
    def key(self) -> dict[str, Any]:
        """Which item it is."""
        return {name: self.item[name] for name in ("pk", "sk")}


class BadState(Exception):
    """Records that make no sense: a sentence each, which names the line and the field."""


class _NoObject(ValueError):
    """A line is not one JSON object."""


def read_state(text: str) -> list[StateRecord]:
    """The records of a file with one record a line, be it a JSON array or JSON Lines.

    Raises `BadState` if any is off, or if there is none. Access tokens have no place here, only their
    hashes: files are copied and kept. So events/state.json, whose tokens everybody knows, is no such
    file.
    """
    records: list[StateRecord] = []
    faults: list[str] = []
    no_objects: list[str] = []
    lines: dict[str, int] = {}
    for line, written in _lines(text):
        try:
            record = StateRecord(_item(written))
            first = lines.setdefault(str(record.key), line)
            if first != line:
                raise ValueError(f"is the same record as line {first}")  # noqa: TRY301 -- one way out
            records.append(record)
        except _NoObject as error:
            no_objects.append(f"line {line}: {error}")
        except (CorruptRecord, ValueError) as error:
            faults.append(f"line {line}: {error}")
    if no_objects:
        # One record on many lines is one mistake, however many lines it has.
        more = f" ({len(no_objects)} lines in all)" if len(no_objects) > 1 else ""
        faults.insert(0, f"{no_objects[0]}{more}; write one record a line")
    if not (records or faults):
        faults.append("there is no record in it")
    if faults:
        raise BadState(*faults)
    return records


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if (record := written.strip().removesuffix(",")) not in ("", "[", "]", "[]"):
            yield line, record


def _item(written: str) -> dict[str, Any]:
    try:
        fields = json.loads(
            written,
            object_pairs_hook=_unique_fields,
            parse_float=_refuse_fraction,
            parse_int=Decimal,
        )
    except json.JSONDecodeError as error:
        raise _NoObject(f"is no JSON object of its own: {error.msg}") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
    if not isinstance(fields, dict):
        raise _NoObject("is no JSON object")
    kinds = [kind for kind in _MODELS if kind in fields]
    if not kinds:
        raise ValueError(f"must have one of {', '.join(_MODELS)} (and never a token itself)")
    record = _MODELS[kinds[0]].parse(fields)
    item = attributes(record.model_dump(by_alias=True, exclude_unset=True))
    size = sum(_size(name) + _size(value) for name, value in item.items())
    if size > _ITEM_LIMIT:
        raise ValueError(f"is an item of {size} bytes, and DynamoDB takes {_ITEM_LIMIT}")
    return item


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"{name}: must not be given twice")
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        fields[name] = set(value) if texts else value
    return fields


def _refuse_fraction(_: str) -> Decimal:
    raise ValueError("has a number that is not whole")


def _size(value: Any) -> int:
    """The bytes that DynamoDB counts ("Item sizes and formats" in its developer guide)."""
    match value:
        case str():
            return len(value.encode())
        case set():
            return sum(_size(each) for each in value)
        case Decimal():
            return len(value.as_tuple().digits) // 2 + 2
    return 1  # a truth value


def attributes(fields: dict[str, Any]) -> dict[str, Any]:
    """The item of a record's fields, as boto3's resource takes it: each list becomes a set."""
    values: dict[str, Any] = {
        name: set(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    (kind,) = values.keys() & _SORT_KEYS.keys()
    partition = enterprise_key(values.pop("enterprise"))
    return {"pk": partition, "sk": _SORT_KEYS[kind] + values.pop(kind), **values}
