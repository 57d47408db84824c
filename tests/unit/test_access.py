"""The rules of access, called directly."""

from collections.abc import Callable
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from domain import errors
from domain.access import READ_SCOPE, WRITE_SCOPE, authenticate, check_access, check_currency
from domain.records import Records
from handlers.answers import ANSWERS

type State = dict[str, dict[str, Any] | None]
type Fault = Callable[[State], None]

NOW = 1_700_000_000.0
BOTH = {READ_SCOPE, WRITE_SCOPE}


def allowing(*faults: Fault) -> State:
    """Records that allow the request, then changed by the faults."""
    state: State = {
        "credential": {"memberId": "trader", "scopes": set(BOTH)},
        "license": {"status": "active"},
        "connection": {"active": True, "currencies": {"BTC"}, "partnerId": "northwind-exchange"},
    }
    for fault in faults:
        fault(state)
    return state


def judge(
    state: State, *, currency: str = "BTC", scopes: set[str] = BOTH, now: float = NOW
) -> None:
    records = Records(**state)
    credential = authenticate(records, now=now)
    connection = check_access(credential, records, required_scopes=scopes, now=now)
    check_currency(connection, currency)


def without(kind: str) -> Fault:
    def remove(state: State) -> None:
        state[kind] = None

    return remove


def having(kind: str, attribute: str, value: object) -> Fault:
    def change(state: State) -> None:
        state[kind] = {**(state[kind] or {}), attribute: value}

    return change


# The faults in the order of the contract's checks. A check parses its record only when it needs it.
FAULTS: list[tuple[type[Exception], str, Fault]] = [
    (errors.NotAMember, "no credential", without("credential")),
    (errors.CorruptRecord, "Credential: scopes", having("credential", "scopes", [])),
    (errors.NotAMember, "an expired credential", having("credential", "expiresAt", Decimal(1))),
    (errors.InsufficientScope, "another scope", having("credential", "scopes", {"admin"})),
    (errors.InsufficientScope, "the read scope", having("credential", "scopes", {READ_SCOPE})),
    (errors.InsufficientScope, "the write scope", having("credential", "scopes", {WRITE_SCOPE})),
    (errors.OesLicenseRequired, "no licence", without("license")),
    (errors.CorruptRecord, "License: status", having("license", "status", "")),
    (errors.OesLicenseRequired, "an inactive licence", having("license", "status", "inactive")),
    (errors.OesLicenseRequired, "an expired licence", having("license", "expiresAt", Decimal(1))),
    (errors.ConnectionNotFound, "no connection", without("connection")),
    (errors.CorruptRecord, "Connection: active", having("connection", "active", None)),
    (errors.ConnectionInactive, "an inactive connection", having("connection", "active", False)),  # noqa: FBT003 -- a record's value
    (errors.CurrencyNotSupported, "another currency", having("connection", "currencies", {"btc"})),
]


def raises(error: type[Exception], name: str) -> pytest.RaisesExc[Exception]:
    return pytest.raises(error, match=f"^{name}: " if error is errors.CorruptRecord else None)


def test_the_table_of_answers_has_the_errors_in_the_order_of_the_checks() -> None:
    raised = dict.fromkeys(error for error, *_ in FAULTS if error is not errors.CorruptRecord)
    checks = [errors.Unauthenticated, errors.InvalidRequest, *raised]
    assert [*ANSWERS][: len(checks)] == checks


def test_without_a_fault_the_member_may_have_the_payload() -> None:
    judge(allowing())


@pytest.mark.parametrize(("error", "name", "fault"), FAULTS)
def test_each_fault_raises_its_own_error(error: type[Exception], name: str, fault: Fault) -> None:
    with raises(error, name):
        judge(allowing(fault))


@pytest.mark.parametrize(
    ("earlier", "later"), list(combinations(FAULTS, 2)), ids=lambda fault: fault[1]
)
def test_of_two_faults_the_earlier_check_raises(
    earlier: tuple[type[Exception], str, Fault], later: tuple[type[Exception], str, Fault]
) -> None:
    error, name, fault = earlier
    with raises(error, name):
        judge(allowing(later[2], fault))


@pytest.mark.parametrize("scope", [READ_SCOPE, WRITE_SCOPE])
def test_only_the_required_scopes_are_needed(scope: str) -> None:
    judge(allowing(having("credential", "scopes", {scope})), scopes={scope})


@pytest.mark.parametrize(
    "scope",
    [
        READ_SCOPE.upper(),
        f"{READ_SCOPE} ",
        READ_SCOPE[:-1],
        f"{READ_SCOPE}_all",
        "*",
        f"{READ_SCOPE} {WRITE_SCOPE}",
    ],
)
def test_a_scope_is_compared_exactly(scope: str) -> None:
    with pytest.raises(errors.InsufficientScope):
        judge(allowing(having("credential", "scopes", {scope})), scopes={READ_SCOPE})


@pytest.mark.parametrize(
    "currency",
    [
        "btc",
        "Btc",
        " BTC",
        "BTC ",
        "BTC\0",
        "\uff22\uff34\uff23",  # the last is full-width
        "B",
        "TC",
        "BTC2",
        "BTC ETH",
        "BTC,ETH",
        "*",
    ],
)
def test_a_currency_is_compared_exactly(currency: str) -> None:
    state = allowing(having("connection", "currencies", {"BTC", "ETH"}))
    with pytest.raises(errors.CurrencyNotSupported):
        judge(state, currency=currency)


@pytest.mark.parametrize(
    ("kind", "error"), [("credential", errors.NotAMember), ("license", errors.OesLicenseRequired)]
)
@pytest.mark.parametrize(
    ("expires_at", "before"),
    [("1700000000", 1_699_999_999.999), ("1700000000.5", 1_700_000_000.25), ("0", -1.0)],
)
def test_a_record_expires_at_its_time_and_not_before(
    kind: str, error: type[Exception], expires_at: str, before: float
) -> None:
    state = allowing(having(kind, "expiresAt", Decimal(expires_at)))
    judge(state, now=before)
    with pytest.raises(error):
        judge(state, now=float(expires_at))
