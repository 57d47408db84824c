"""Records of the data model, values for their attributes, and which of these are valid."""

from decimal import Decimal
from typing import Any

from domain.records import Connection, Credential, License

type Record = type[License | Credential | Connection]

RECORDS: dict[Record, dict[str, Any]] = {
    License: {"status": "active", "expiresAt": Decimal(4102444800)},
    Credential: {
        "memberId": "trader",
        "scopes": {"settlement_network_read", "settlement_network_write"},
        "expiresAt": Decimal(4102444800),
    },
    Connection: {"active": True, "currencies": {"BTC"}, "partnerId": "n", "name": "N"},
}
OPTIONAL = {"expiresAt", "name"}
STORABLE: list[Any] = [
    "active",
    "inactive",
    "Active",
    "true",
    "",
    "4102444800",
    True,
    False,
    None,
    b"BTC",
    1,
    Decimal(0),
    Decimal("0.5"),
    Decimal(253_402_300_799),
    Decimal(253_402_300_800),
    Decimal(-1),
    Decimal("9" * 38),
    ["BTC"],
    {"BTC": 1},
    {"BTC"},
    {"a", ""},
    {Decimal(1)},
    {b"BTC"},
    {"settlement_network_read"},
]
"""Values that DynamoDB can hold, at least one of each type."""


def is_valid(attribute: str, value: Any) -> bool:
    """Whether the data model allows the value: an independent copy of the rules in `domain`."""
    match attribute, value:
        case "status", "active" | "inactive":
            return True
        case "memberId" | "partnerId" | "name", str():
            return value != ""
        case "scopes" | "currencies", set():
            return bool(value) and all(isinstance(text, str) and text for text in value)
        case "active", bool():
            return True
        case "expiresAt", Decimal():
            return value.is_finite() and 0 <= value <= 253_402_300_799
    return False


ATTRIBUTES = [(record, name) for record, fields in RECORDS.items() for name in fields]
