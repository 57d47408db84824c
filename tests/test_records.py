"""Records that make no sense are a 500, and never a reason to allow."""

from typing import TYPE_CHECKING

import pytest

from tests.asking import METHODS, Lines, Scenario, ask, assert_internal_error, sample_event
from tests.dynamodb import RECORDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.usefixtures("world")

CORRUPT: list[tuple[str, str, object]] = [
    ("license", "status", "perhaps"),
    ("license", "status", True),
    ("license", "expiresAt", "4102444800"),
    ("license", "expiresAt", -1),
    ("license", "expiresAt", 4_102_444_800_000),
    ("credential", "memberId", ""),
    ("credential", "memberId", 7),
    ("credential", "scopes", "settlement_network_read"),
    ("credential", "expiresAt", None),
    ("connection", "active", "true"),
    ("connection", "active", 1),
    ("connection", "currencies", "BTC"),
    ("connection", "partnerId", ""),
    ("connection", "name", None),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kind", "attribute", "value"), CORRUPT)
def test_a_record_that_makes_no_sense(  # noqa: PLR0913, PLR0917 -- a row of the table, and what it takes
    world: "DynamoDBClient",
    log_lines: Lines,
    method: str,
    kind: str,
    attribute: str,
    value: object,
) -> None:
    scenario = Scenario()
    getattr(scenario, kind)[attribute] = value
    assert_internal_error(scenario.ask(world, method), log_lines, "CorruptRecord")


REQUIRED = [(kind, attribute) for kind, record in RECORDS.items() for attribute in record]


@pytest.mark.parametrize(("kind", "attribute"), REQUIRED)
def test_a_record_that_lacks_a_required_attribute(
    world: "DynamoDBClient", log_lines: Lines, kind: str, attribute: str
) -> None:
    scenario = Scenario()
    del getattr(scenario, kind)[attribute]
    assert_internal_error(scenario.ask(world), log_lines, "CorruptRecord")


def test_an_attribute_that_the_data_model_does_not_list_is_harmless(
    world: "DynamoDBClient",
) -> None:
    scenario = Scenario()
    assert scenario.connection is not None
    scenario.connection["since"] = 2026
    assert scenario.ask(world).status == 200


def test_what_expires_at_a_second_has_expired_in_that_second(
    world: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario()
    assert scenario.license is not None
    scenario.license["expiresAt"] = 4_000_000_000
    monkeypatch.setattr("handlers.signing.time", lambda: 3_999_999_999.999)
    assert scenario.ask(world).status == 200
    monkeypatch.setattr("handlers.signing.time", lambda: 4_000_000_000.0)
    assert scenario.ask(world).name == "OesLicenseRequired"


def test_the_log_names_the_record_and_the_attribute_that_make_no_sense(log_lines: Lines) -> None:
    ask(connection_id=sample_event("500-corrupt-record")["pathParameters"]["connectionId"])
    (line,) = log_lines()
    assert "Connection: active: Input should be a valid boolean" in line["exception"]
