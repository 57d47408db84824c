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
from tools.world import item

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


@dataclass(frozen=True)
class StateRecord:
    """A record that makes sense."""

    line: int
    item: dict[str, Any]
    """As DynamoDB takes it."""

    @property
    def key(self) -> dict[str, Any]:
        """Which item it is."""
        return {name: self.item[name] for name in ("pk", "sk")}


class BadState(Exception):
    """Records that make no sense: a sentence each, which names the line and the field."""


def read_state(text: str) -> list[StateRecord]:
    """The records of a file with one on each line, be it a JSON array or JSON Lines.

    Raises `BadState` if any is off. Access tokens have no place here, only their hashes: files are
    copied and kept. So events/state.json, whose tokens everybody knows, is no such file.
    """
    records: list[StateRecord] = []
    faults: list[str] = []
    lines: dict[str, int] = {}
    for line, written in _lines(text):
        try:
            record = StateRecord(line, _item(written))
            first = lines.setdefault(json.dumps(record.key), line)
            if first != line:
                raise ValueError(f"is the same record as line {first}")  # noqa: TRY301 -- one way out
            records.append(record)
        except (CorruptRecord, TypeError, ValueError) as error:
            faults.append(f"line {line}: {error}")
    if faults:
        raise BadState(*faults)
    return records


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if (record := written.strip().removesuffix(",")) not in ("", "[", "]"):
            yield line, record


def _item(written: str) -> dict[str, Any]:
    try:
        fields = json.loads(
            written, object_pairs_hook=_unique_fields, parse_float=Decimal, parse_int=Decimal
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON object of its own: {error.msg}") from None
    kinds = [kind for kind in _MODELS if isinstance(fields, dict) and kind in fields]
    if not kinds:
        raise ValueError(f"must have one of {', '.join(_MODELS)} (and never a token itself)")
    record = _MODELS[kinds[0]].parse(fields)
    try:
        return item(record.model_dump(by_alias=True, exclude_unset=True))
    except ArithmeticError:
        raise ValueError("has a number of more digits than DynamoDB keeps") from None


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields or value == []:
            raise ValueError(f"{name}: must not be {'given twice' if name in fields else 'empty'}")
        fields[name] = set(value) if isinstance(value, list) else value
    return fields
