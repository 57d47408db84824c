import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from handlers.log import logger
from handlers.state import dynamodb_client
from tools.world import sample_world

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The same examples each time, and none too slow: the machine's speed is not what is tested.
settings.register_profile("tests", derandomize=True, deadline=None)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def world() -> Iterator["DynamoDBClient"]:
    """The sample world, around all tests that ask for it; they add to it and change nothing in it."""
    with sample_world() as client:
        yield client


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the function has logged since, a dictionary a line."""
    handler, written = logger.registered_handler, io.StringIO()
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    handler.setStream(before)


@pytest.fixture
def reads(world: "DynamoDBClient") -> Iterator[list[dict[str, Any]]]:
    """The parameters of each BatchGetItem that the function asks for."""
    del world
    asked: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(params)

    events = dynamodb_client(None).meta.events
    events.register("provide-client-params.dynamodb.*", note)
    yield asked
    events.unregister("provide-client-params.dynamodb.*", note)
