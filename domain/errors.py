"""The errors of the domain, those of the contract under its names. They know nothing of HTTP.

The contract's table of checks gives their order (README, "Errors").
"""

from typing import NamedTuple


class Unauthenticated(Exception):
    """The request carries no usable `Authorization: Bearer` header."""


class Detail(NamedTuple):
    """One fault of a request: the field, and what it must be. It never holds the value sent."""

    field: str
    message: str


class RequestError(Exception):
    """The base of the errors for which a request itself is enough, without any state."""


class InvalidRequest(RequestError):
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
    """The connection does not support the currency of the request."""


class PayloadMismatch(RequestError):
    """The payload does not match its request."""


class CorruptRecord(Exception):
    """A stored record is invalid. It allows nothing, and it is not the caller's fault."""
