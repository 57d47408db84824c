"""Records that a DynamoDB server stores and returns. Only `make test-dynamodb` runs these tests."""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from handlers.state import enterprise_key
from tests.integration.test_records import (
    STORED,
    VALUES,
    Records,
    Value,
    a_senseless_attribute,
    records_of_all_kinds,
)
from tests.support.calls import METHODS, Answer, ask
from tests.support.dynalite import dynalite, sample_world_at
from tools.world import REGION, TABLE_NAME, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REFUSED: list[Value] = [
    {"N": "NaN"},
    {"N": "Infinity"},
    {"N": ""},
    {"N": " 4102444800"},
    {"N": "4102444800\n"},
    {"N": "4_102_444_800"},
    {"N": "\uff14102444800"},
    {"BOOL": 1},
    {"SS": []},
    {"S": "active", "N": "4102444800"},
    {"BOOL": True, "NULL": True},
    {"NS": ["1"], "SS": ["BTC", "settlement_network_read", "settlement_network_write"]},
    {},
]


def answer_stored(client: Any, records: Records, method: str = "POST") -> Answer:
    """Stores the records under a new enterprise, and returns the answer to its request."""
    enterprise_id = f"enterprise-{uuid4()}"
    partition = {"pk": {"S": enterprise_key(enterprise_id)}}
    for record in records.values():
        client.put_item(TableName=TABLE_NAME, Item=record | partition)
    with patch.dict(os.environ, {"AWS_ENDPOINT_URL_DYNAMODB": client.meta.endpoint_url}):
        return ask(method, enterprise_id=enterprise_id)


@pytest.mark.parametrize("value", REFUSED, ids=str)
def test_a_value_that_dynamodb_does_not_allow_is_not_stored(
    world: "DynamoDBClient", value: Value
) -> None:
    record = STORED["license"] | {"since": value}
    with pytest.raises(ClientError, match=r"\((Validation|Serialization)Exception\)"):
        world.put_item(TableName=TABLE_NAME, Item=record)


@a_senseless_attribute
def test_a_stored_attribute_that_makes_no_sense_is_a_500(
    world: "DynamoDBClient", kind: str, attribute: str, value: Value
) -> None:
    answer = answer_stored(world, STORED | {kind: STORED[kind] | {attribute: value}})
    assert (answer.status, answer.name) == (500, "InternalError")


@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("value", [pytest.param(value, id=str(value)[:50]) for value in VALUES])
def test_a_stored_attribute_that_the_data_model_does_not_list_is_ignored(
    world: "DynamoDBClient", kind: str, value: Value
) -> None:
    records = STORED | {kind: STORED[kind] | {"since": value}}
    assert answer_stored(world, records).status == 200


# dynalite's answer holds at most 3 MB.
@pytest.mark.parametrize(("kilobytes", "rounds"), [(1000, 1), (1500, 2), (2000, 3)])
def test_large_records_are_read_in_as_many_rounds_as_they_need(
    world: "DynamoDBClient", reads: list[dict[str, Any]], kilobytes: int, rounds: int
) -> None:
    filler = {"S": "s" * 1024 * kilobytes}
    records = {kind: record | {"since": filler} for kind, record in STORED.items()}
    assert answer_stored(world, records).status == 200
    assert len(reads) == rounds


def test_a_server_that_hangs_is_a_500_and_its_replacement_is_read() -> None:
    # Start separate servers: other tests must not use one that hangs.
    with dynalite() as (server, url), sample_world_at(url):
        assert ask().status == 200
        server.send_signal(signal.SIGSTOP)
        os.waitpid(server.pid, os.WUNTRACED)  # wait until it has stopped
        assert ask().status == 500
    with dynalite(urlsplit(url).port or 0) as (_, url), sample_world_at(url):
        assert ask().status == 200


@pytest.fixture(scope="module")
def moto() -> Iterator["DynamoDBClient"]:
    """moto with an empty table, beside the engine of the sample world."""
    with mock_aws():
        url = f"https://dynamodb.{REGION}.amazonaws.com"
        client = boto3.client("dynamodb", REGION, endpoint_url=url)
        create_table(client)
        yield client


@given(st.sampled_from(METHODS), records_of_all_kinds())
def test_both_servers_give_the_same_answer(
    world: "DynamoDBClient", moto: "DynamoDBClient", method: str, records: Records
) -> None:
    one, other = (answer_stored(client, records, method) for client in (world, moto))
    assert (one.status, one.name) == (other.status, other.name)
