"""What the state table holds about an enterprise (README, "The data model").

A record that does not parse is a `CorruptRecord`, never a reason to allow. Attributes that the
data model does not list are ignored, so that a later version of it can add some.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from .errors import CorruptRecord

type Item = Mapping[str, object]
"""An item's attributes as boto3 gives them: S as str, N as Decimal, BOOL as bool, SS as set."""

_NonEmpty = Annotated[str, StringConstraints(min_length=1)]
_Texts = Annotated[set[_NonEmpty], Field(min_length=1)]
_END_OF_9999 = 253_402_300_799
# A later time is a mistake, most likely in milliseconds. Such a record would never expire.
_EpochSeconds = Annotated[Decimal, Field(ge=0, le=_END_OF_9999)]
_NEVER = Decimal("Infinity")


class _Record(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )

    @classmethod
    def parse(cls, item: Item) -> Self:
        """The record that an item holds. Raises `CorruptRecord`."""
        try:
            return cls.model_validate(item)
        except ValidationError as error:
            # The location is empty for a name with a lone surrogate, which a file to load may have.
            faults = [
                f"{next(iter(fault['loc']), 'a name')}: {fault['msg']}" for fault in error.errors()
            ]
            raise CorruptRecord(f"{cls.__name__}: {'; '.join(faults)}") from None


class License(_Record):
    """An enterprise's licence for off-exchange settlement (OES)."""

    status: Literal["active", "inactive"]
    """`active` or `inactive`"""
    expires_at: _EpochSeconds = _NEVER
    """Epoch seconds, 0 to 253402300799 (the end of 9999). It has expired from that second on."""


class Credential(_Record):
    """A member's access token and its scopes. The table keeps only the token's hash, in the key."""

    member_id: _NonEmpty
    """The token's owner"""
    scopes: _Texts
    """What it allows: `settlement_network_read`, `settlement_network_write`"""
    expires_at: _EpochSeconds = _NEVER
    """As in the licence"""


class Connection(_Record):
    """An enterprise's link to a trading partner, and the currencies that settle over it."""

    active: bool
    """Whether it may be used"""
    currencies: _Texts
    """The currencies it supports"""
    partner_id: _NonEmpty
    """The trading partner"""
    name: _NonEmpty = ""
    """A label for people"""


@dataclass(frozen=True, slots=True)
class Records:
    """The three items that decide about a request, as stored. None stands for a missing item.

    An item is parsed only when its check needs it (docs/decisions.md).
    """

    credential: Item | None
    license: Item | None
    connection: Item | None
