"""The contract's table of checks: each fault has its own answer, and the first check wins."""

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.calls import METHODS, Scenario, ask
from tools.world import BODY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Reads = list[dict[str, Any]]
type Fault = Callable[[Scenario], None]


def no_token(scenario: Scenario) -> None:
    scenario.token = None


def empty_nonce(scenario: Scenario) -> None:
    scenario.body = BODY | {"nonce": ""}


def unknown_token(scenario: Scenario) -> None:
    scenario.credential = None


def expired_credential(scenario: Scenario) -> None:
    if scenario.credential is not None:
        scenario.credential["expiresAt"] = 1_600_000_000


def another_scope(scenario: Scenario) -> None:
    if scenario.credential is not None:
        scenario.credential["scopes"] = ["settlement_network_admin"]


def no_license(scenario: Scenario) -> None:
    scenario.license = None


def inactive_license(scenario: Scenario) -> None:
    if scenario.license is not None:
        scenario.license["status"] = "inactive"


def expired_license(scenario: Scenario) -> None:
    if scenario.license is not None:
        scenario.license["expiresAt"] = 1_600_000_000


def no_connection(scenario: Scenario) -> None:
    scenario.connection = None


def inactive_connection(scenario: Scenario) -> None:
    if scenario.connection is not None:
        scenario.connection["active"] = False


def another_currency(scenario: Scenario) -> None:
    if scenario.connection is not None:
        scenario.connection["currencies"] = ["btc", "BTC ", "ETH"]


# The contract's table: status, name, and the faults that get this answer.
CHECKS: list[tuple[int, str, list[Fault]]] = [
    (401, "Unauthenticated", [no_token]),
    (400, "InvalidRequest", [empty_nonce]),
    (401, "NotAMember", [unknown_token, expired_credential]),
    (403, "InsufficientScope", [another_scope]),
    (403, "OesLicenseRequired", [no_license, inactive_license, expired_license]),
    (404, "ConnectionNotFound", [no_connection]),
    (422, "ConnectionInactive", [inactive_connection]),
    (422, "CurrencyNotSupported", [another_currency]),
]
ROWS = [
    pytest.param(status, name, fault, id=fault.__name__)
    for status, name, faults in CHECKS
    for fault in faults
]
PAIRS = [
    pytest.param(status, name, fault, later, id=f"{fault.__name__}-{later.__name__}")
    for (status, name, faults), (_, _, laters) in combinations(CHECKS, 2)
    for fault in faults
    for later in laters
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("status", "name", "fault"), ROWS)
def test_each_fault_gets_its_own_answer(
    world: "DynamoDBClient", method: str, status: int, name: str, fault: Fault
) -> None:
    scenario = Scenario()
    fault(scenario)
    answer = scenario.ask(world, method)
    assert (answer.status, answer.name) == (status, name)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("status", "name", "fault", "later"), PAIRS)
def test_of_two_faults_the_earlier_check_answers(  # noqa: PLR0913, PLR0917 -- a row of the table
    world: "DynamoDBClient", method: str, status: int, name: str, fault: Fault, later: Fault
) -> None:
    scenario = Scenario()
    later(scenario)
    fault(scenario)
    answer = scenario.ask(world, method)
    assert (answer.status, answer.name) == (status, name)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_fault_the_answer_is_the_payload(world: "DynamoDBClient", method: str) -> None:
    answer = Scenario().ask(world, method)
    assert answer.status == 200
    assert answer.body.keys() == {"payload"}


@pytest.mark.parametrize(
    ("method", "scopes", "status"),
    [
        ("GET", ["settlement_network_read"], 200),
        ("GET", ["settlement_network_write"], 403),
        ("POST", ["settlement_network_read"], 403),
        ("POST", ["settlement_network_write"], 403),
        ("POST", ["settlement_network_read", "settlement_network_write"], 200),
    ],
)
def test_get_needs_the_read_scope_and_post_needs_both(
    world: "DynamoDBClient", method: str, scopes: list[str], status: int
) -> None:
    scenario = Scenario()
    assert scenario.credential is not None
    scenario.credential["scopes"] = scopes
    assert scenario.ask(world, method).status == status


@pytest.mark.usefixtures("world")
def test_get_and_post_give_the_same_bytes() -> None:
    get, post = ask("GET"), ask("POST")
    assert get.status == 200
    assert get.text == post.text


@pytest.mark.usefixtures("world")
def test_a_connection_id_in_upper_case_gives_the_same_payload() -> None:
    lower = "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01"
    assert ask(connection_id=lower.upper()).text == ask(connection_id=lower).text


@pytest.mark.parametrize(
    ("elsewhere", "nowhere"),
    [
        pytest.param(
            {"connection_id": "b3a90d44-71f2-4e0c-8c15-5e6f00d1ab01"},
            {"connection_id": "00000000-0000-4000-8000-000000000000"},
            id="connection",
        ),
        pytest.param(
            {"token": "sample-token-borealis"}, {"token": "sample-token-nobody"}, id="token"
        ),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_record_of_another_enterprise_is_answered_like_a_missing_one(
    reads: Reads, method: str, elsewhere: dict[str, str], nowhere: dict[str, str]
) -> None:
    def result(parts: dict[str, str]) -> object:
        reads.clear()
        answer = ask(method, **parts)
        body, headers = answer.body | {"requestId": ""}, answer.headers | {"Request-Id": ""}
        return answer.status, body, headers, len(reads)

    assert result(elsewhere) == result(nowhere)


def test_a_stranger_does_not_learn_that_a_record_is_corrupt(world: "DynamoDBClient") -> None:
    scenario = Scenario(credential=None, license={"status": "perhaps"})
    assert scenario.ask(world).name == "NotAMember"


def test_a_request_makes_one_consistent_read_of_its_three_items(reads: Reads) -> None:
    assert ask().status == 200
    (read,) = reads
    (wanted,) = read["RequestItems"].values()
    assert wanted["ConsistentRead"] is True
    assert {key["pk"]["S"] for key in wanted["Keys"]} == {"ENTERPRISE#acme-capital"}
    assert [key["sk"]["S"] for key in wanted["Keys"]] == [
        # printf %s sample-token-trader | sha256sum
        "CREDENTIAL#f58397d4c31b62cfeb431ba3272e8f4a30b686a59c8c24cbba7c06fbae77d09e",
        "LICENSE#OES",
        "CONNECTION#6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01",
    ]


@pytest.mark.parametrize(("status", "name", "fault"), ROWS)
def test_the_first_two_checks_need_no_read_and_the_others_share_one(
    world: "DynamoDBClient", reads: Reads, status: int, name: str, fault: Fault
) -> None:
    scenario = Scenario()
    fault(scenario)
    assert scenario.ask(world).status == status
    assert len(reads) == (0 if name in {"Unauthenticated", "InvalidRequest"} else 1)
