"""The errors of the domain, those of the contract under its names.

Their docstrings are for clients: they stand in the documents (tools/documents.py).
"""

from typing import NamedTuple


class Unauthenticated(Exception):
    """There is no usable `Authorization: Bearer` header."""


class Detail(NamedTuple):
    """One fault of a request: the field, and what it must be. It never holds the value sent."""

    field: str
    message: str


class RequestError(Exception):
    """The base of the errors that a request itself causes, whatever the state is."""


class InvalidRequest(RequestError):
    """The path or the body breaks a rule of the request. `details` names each bad field."""

    def __init__(self, *details: Detail) -> None:
        super().__init__(*details)
        self.details = details

    def __str__(self) -> str:
        return "; ".join(f"{field} {message}" for field, message in self.details)


class NotAMember(Exception):
    """The access token is unknown in this enterprise, or has expired."""


class InsufficientScope(Exception):
    """The access token lacks a scope.

    GET needs `settlement_network_read`. POST needs that and `settlement_network_write`.
    """


class OesLicenseRequired(Exception):
    """The enterprise has no active licence for off-exchange settlement (OES)."""


class ConnectionNotFound(Exception):
    """The enterprise has no such connection, whether or not another enterprise has it."""


class ConnectionInactive(Exception):
    """The connection is not active."""


class CurrencyNotSupported(Exception):
    """The connection does not support `amount.currency`."""


class PayloadMismatch(RequestError):
    """The payload is not exactly that of these properties. One more space is enough."""


class CorruptRecord(Exception):
    """A stored record is invalid. It allows nothing, and it is not the caller's fault."""
