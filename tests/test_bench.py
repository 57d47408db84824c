"""The floor that the bench compares the handler to does the same job."""

import pytest

from handlers.state import dynamodb_client
from tests.asking import call, sample_event
from tools.bench import floor

pytestmark = pytest.mark.usefixtures("world")


def test_the_floor_returns_the_same_payload() -> None:
    event = sample_event("200-get")
    assert floor.lambda_handler(event, None)["body"] == call(event).text


def test_the_floor_has_the_same_time_outs_and_attempts() -> None:
    theirs, ours = floor.dynamodb_client().meta.config, dynamodb_client().meta.config
    for name in ("connect_timeout", "read_timeout", "retries"):
        assert getattr(theirs, name) == getattr(ours, name)
