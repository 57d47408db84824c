from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from handlers.state import dynamodb_client
from tests.asking import Lines, logged
from tests.dynalite import dynalite_world
from tools.serve import serving
from tools.world import sample_world

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The same examples each time, and none too slow: the machine's speed is not what is tested.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")

ENGINES = {"moto": sample_world, "dynalite": dynalite_world}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--engine dynalite` runs tests on another DynamoDB than moto."""
    parser.addoption("--engine", choices=ENGINES, default="moto", help="what the world runs on")


@pytest.fixture(scope="session")
def world(pytestconfig: pytest.Config) -> Iterator["DynamoDBClient"]:
    """The sample world, around all tests that ask for it; they add to it and change nothing in it."""
    with ENGINES[pytestconfig.getoption("engine")]() as client:
        yield client


@pytest.fixture(scope="session")
def url(world: "DynamoDBClient") -> Iterator[str]:
    """Where the sample world is served over HTTP."""
    del world
    with serving(0) as url:
        yield url


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    """What the function has logged since, a dictionary a line."""
    with logged() as lines:
        yield lines


@pytest.fixture
def reads(world: "DynamoDBClient") -> Iterator[list[dict[str, Any]]]:
    """The parameters of each BatchGetItem that the function asks for."""
    del world
    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    events = dynamodb_client().meta.events
    events.register("provide-client-params.dynamodb.*", note)
    yield asked
    events.unregister("provide-client-params.dynamodb.*", note)
