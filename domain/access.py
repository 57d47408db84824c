"""Who may have a signing payload: every rule of access, in the contract's order."""

from collections.abc import Set as AbstractSet

from .errors import (
    ConnectionInactive,
    ConnectionNotFound,
    CurrencyNotSupported,
    InsufficientScope,
    NotAMember,
    OesLicenseRequired,
)
from .records import Connection, Credential, License, Records

READ_SCOPE = "settlement_network_read"
WRITE_SCOPE = "settlement_network_write"


def authenticate(records: Records, *, now: float) -> Credential:
    """The caller's credential, if it is valid at `now`, in epoch seconds.

    A credential has expired from its `expiresAt` on. Raises `NotAMember`, or `CorruptRecord` if the
    credential is invalid.
    """
    if records.credential is None:
        raise NotAMember
    credential = Credential.parse(records.credential)
    if now >= credential.expires_at:
        raise NotAMember
    return credential


def check_access(
    credential: Credential, records: Records, *, required_scopes: AbstractSet[str], now: float
) -> Connection:
    """The connection, if the member may use it at `now`, in epoch seconds.

    Raises the error of the first check that fails: `InsufficientScope`, `OesLicenseRequired`,
    `ConnectionNotFound`, `ConnectionInactive`. Raises `CorruptRecord` if a check reads an invalid
    record.
    """
    if not required_scopes <= credential.scopes:
        raise InsufficientScope

    if records.license is None:
        raise OesLicenseRequired
    oes_license = License.parse(records.license)
    if oes_license.status != "active" or now >= oes_license.expires_at:
        raise OesLicenseRequired

    if records.connection is None:
        raise ConnectionNotFound
    connection = Connection.parse(records.connection)
    if not connection.active:
        raise ConnectionInactive
    return connection


def check_currency(connection: Connection, currency: str) -> None:
    """Raises `CurrencyNotSupported` unless the connection supports exactly this currency."""
    if currency not in connection.currencies:
        raise CurrencyNotSupported
