"""The rules of access, called directly."""

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from domain.access import READ_SCOPE, WRITE_SCOPE, authenticate, check_access
from domain.errors import (
    ConnectionInactive,
    ConnectionNotFound,
    CorruptRecord,
    CurrencyNotSupported,
    InsufficientScope,
    NotAMember,
    OesLicenseRequired,
)
from domain.records import Records
from domain.request import SigningRequest

type State = dict[str, dict[str, Any] | None]
type Fault = Callable[[State], None]

NOW = 1_700_000_000.0
BOTH = {READ_SCOPE, WRITE_SCOPE}
REQUEST = SigningRequest.model_validate(
    {
        "enterpriseId": "acme-capital",
        "connectionId": "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
        "amount": {"currency": "BTC", "quantity": "1"},
        "clientExternalId": "withdrawal-2041",
        "nonce": "01J9ZQ6K3M",
    }
)


def allowing() -> State:
    """Records that allow the request. Each test may change them."""
    return {
        "credential": {"memberId": "trader", "scopes": set(BOTH)},
        "license": {"status": "active"},
        "connection": {"active": True, "currencies": {"BTC"}, "partnerId": "northwind-exchange"},
    }


def judge(state: State, *, scopes: set[str] = BOTH, now: float = NOW) -> None:
    records = Records(**state)
    credential = authenticate(records, now=now)
    check_access(REQUEST, credential, records, required_scopes=scopes, now=now)


def without(kind: str) -> Fault:
    def remove(state: State) -> None:
        state[kind] = None

    return remove


def having(kind: str, attribute: str, value: object) -> Fault:
    def change(state: State) -> None:
        state[kind] = {**(state[kind] or {}), attribute: value}

    return change


# The contract's table: each error, and the faults that raise it.
CHECKS: list[tuple[type[Exception], dict[str, Fault]]] = [
    (
        NotAMember,
        {
            "no credential": without("credential"),
            "an expired credential": having("credential", "expiresAt", Decimal(1)),
        },
    ),
    (InsufficientScope, {"another scope": having("credential", "scopes", {"admin"})}),
    (
        OesLicenseRequired,
        {
            "no licence": without("license"),
            "an inactive licence": having("license", "status", "inactive"),
            "an expired licence": having("license", "expiresAt", Decimal(1)),
        },
    ),
    (ConnectionNotFound, {"no connection": without("connection")}),
    (ConnectionInactive, {"an inactive connection": having("connection", "active", False)}),  # noqa: FBT003 -- a record's value
    (CurrencyNotSupported, {"another currency": having("connection", "currencies", {"btc"})}),
]
FAULTS = [(error, name, fault) for error, faults in CHECKS for name, fault in faults.items()]
PAIRS = [
    pytest.param(error, fault, later, id=f"{name}, {later_name}")
    for (error, name, fault), (later_error, later_name, later) in combinations(FAULTS, 2)
    if error is not later_error
]


def test_without_a_fault_the_member_may_have_the_payload() -> None:
    judge(allowing())


@pytest.mark.parametrize(
    ("error", "fault"), [pytest.param(error, fault, id=name) for error, name, fault in FAULTS]
)
def test_each_fault_raises_its_own_error(error: type[Exception], fault: Fault) -> None:
    state = allowing()
    fault(state)
    with pytest.raises(error):
        judge(state)


@pytest.mark.parametrize(("error", "fault", "later"), PAIRS)
def test_of_two_faults_the_earlier_check_raises(
    error: type[Exception], fault: Fault, later: Fault
) -> None:
    state = allowing()
    later(state)
    fault(state)
    with pytest.raises(error):
        judge(state)


@pytest.mark.parametrize("currency", ["btc", "Btc", " BTC", "BTC "])
def test_a_currency_is_compared_exactly(currency: str) -> None:
    amount = REQUEST.amount.model_copy(update={"currency": currency})
    records = Records(**allowing())
    credential = authenticate(records, now=NOW)
    request = REQUEST.model_copy(update={"amount": amount})
    with pytest.raises(CurrencyNotSupported):
        check_access(request, credential, records, required_scopes=BOTH, now=NOW)


@pytest.mark.parametrize("missing", sorted(BOTH))
def test_a_credential_without_one_of_two_scopes_is_refused(missing: str) -> None:
    state = allowing()
    having("credential", "scopes", BOTH - {missing})(state)
    with pytest.raises(InsufficientScope):
        judge(state)


@pytest.mark.parametrize(
    ("kind", "error"), [("credential", NotAMember), ("license", OesLicenseRequired)]
)
@pytest.mark.parametrize(
    ("expires_at", "now"),
    [("1700000000", 1_700_000_000.0), ("1700000000.5", 1_700_000_000.5), ("0", NOW)],
)
def test_a_record_has_expired_at_its_time(
    kind: str, error: type[Exception], expires_at: str, now: float
) -> None:
    state = allowing()
    having(kind, "expiresAt", Decimal(expires_at))(state)
    with pytest.raises(error):
        judge(state, now=now)


@pytest.mark.parametrize("kind", ["credential", "license"])
@pytest.mark.parametrize(
    ("expires_at", "now"), [("1700000000", 1_699_999_999.999), ("1700000000.5", 1_700_000_000.25)]
)
def test_a_record_is_valid_until_its_time(kind: str, expires_at: str, now: float) -> None:
    state = allowing()
    having(kind, "expiresAt", Decimal(expires_at))(state)
    judge(state, now=now)


@pytest.mark.parametrize(
    ("fault", "record"),
    [
        (having("credential", "scopes", []), "Credential"),
        (having("license", "status", ""), "License"),
        (having("connection", "active", None), "Connection"),
    ],
)
def test_a_record_that_makes_no_sense_is_corrupt(fault: Fault, record: str) -> None:
    state = allowing()
    fault(state)
    with pytest.raises(CorruptRecord, match=f"^{record}: "):
        judge(state)


def test_of_two_corrupt_records_the_one_of_the_earlier_check_is_named() -> None:
    state = allowing()
    having("license", "status", "")(state)
    having("connection", "active", None)(state)
    with pytest.raises(CorruptRecord, match=r"^License: "):
        judge(state)


@pytest.mark.parametrize(
    ("error", "fault", "corrupt"),
    [
        (NotAMember, without("credential"), having("license", "status", "")),
        (
            InsufficientScope,
            having("credential", "scopes", {"admin"}),
            having("license", "status", ""),
        ),
        (OesLicenseRequired, without("license"), having("connection", "active", None)),
    ],
)
def test_a_refused_caller_does_not_learn_that_a_later_record_is_corrupt(
    error: type[Exception], fault: Fault, corrupt: Fault
) -> None:
    state = allowing()
    corrupt(state)
    fault(state)
    with pytest.raises(error):
        judge(state)
