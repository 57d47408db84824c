"""What the function is compared with does the same job."""

from importlib import import_module

import pytest

from handlers.state import dynamodb_client
from tests.support.calls import call, sample_event
from tools.sample import lambda_context

pytestmark = pytest.mark.usefixtures("world")  # each makes its client when it is imported


@pytest.mark.parametrize("module", ["bare", "logged"])
def test_the_compared_functions_return_the_same_payload(module: str) -> None:
    event = sample_event("200-get")
    handler = import_module(f"tools.bench.{module}").lambda_handler
    assert handler(event, lambda_context())["body"] == call(event).text


def test_bare_boto3_has_the_same_time_outs_and_attempts() -> None:
    theirs = import_module("tools.bench.bare").client.meta.config
    ours = dynamodb_client().meta.config
    for name in ("connect_timeout", "read_timeout", "retries"):
        assert getattr(theirs, name) == getattr(ours, name)
