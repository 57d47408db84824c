from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from handlers.state import dynamodb_client
from tests.support.calls import Lines, logged
from tests.support.dynalite import dynalite_world
from tools.serve import serving
from tools.world import sample_world

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENGINES = {"moto": sample_world, "dynalite": dynalite_world}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine dynalite` runs the tests on dynalite instead of moto."""
    parser.addoption(
        "--engine", choices=ENGINES, default="moto", help="the DynamoDB that holds the sample world"
    )


@pytest.fixture(scope="session")
def world(pytestconfig: pytest.Config) -> Iterator["DynamoDBClient"]:
    """The sample world, shared by all tests. A test may add records but must not change any."""
    with ENGINES[pytestconfig.getoption("engine")]() as client:
        yield client


@pytest.fixture(scope="session")
def url(world: "DynamoDBClient") -> Iterator[str]:
    """The URL that serves the sample world over HTTP."""
    del world
    with serving(0) as url:
        yield url


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    """The lines that the function logs during the test."""
    with logged() as lines:
        yield lines


@pytest.fixture
def reads(world: "DynamoDBClient") -> Iterator[list[dict[str, Any]]]:
    """The parameters of each request that the function sends to DynamoDB."""
    del world
    sent: list[dict[str, Any]] = []

    def record(params: dict[str, Any], **_: object) -> None:
        sent.append(params)

    events = dynamodb_client().meta.events
    events.register("provide-client-params.dynamodb.*", record)
    yield sent
    events.unregister("provide-client-params.dynamodb.*", record)
