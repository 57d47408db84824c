"""Why there is no payload. Each name is the contract's own, and none knows HTTP.

Which of them wins over which is the contract's table of checks (README, "Errors").
"""

from typing import NamedTuple


class Detail(NamedTuple):
    """One thing that is off in a request: which field, and what is asked of it, never the value sent."""

    field: str
    message: str


class InvalidRequest(Exception):
    """The request breaks a rule of the contract's table of fields."""

    def __init__(self, *details: Detail) -> None:
        super().__init__(*details)
        self.details = details

    def __str__(self) -> str:
        return "; ".join(f"{field} {message}" for field, message in self.details)


class NotAMember(Exception):
    """The access token is unknown in this enterprise, or has expired."""


class InsufficientScope(Exception):
    """The credential lacks a scope that the operation needs."""


class OesLicenseRequired(Exception):
    """The enterprise has no active licence for off-exchange settlement (OES)."""


class ConnectionNotFound(Exception):
    """The enterprise has no such connection, whether or not another enterprise does."""


class ConnectionInactive(Exception):
    """The connection is not active."""


class CurrencyNotSupported(Exception):
    """The connection does not support the currency asked for."""


class PayloadMismatch(Exception):
    """A payload is not the one that its request gets."""


class CorruptRecord(Exception):
    """A stored record makes no sense: no ground to allow anything, and nobody's bad request."""
