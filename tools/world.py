"""The sample world: an embedded DynamoDB, with template.yaml's table and events/state.json in it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from boto3.dynamodb.types import TypeSerializer
from cfnlint.decode import decode
from moto import mock_aws

from handlers.state import LICENSE_KEY, connection_key, credential_key, enterprise_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parent.parent
EVENTS = ROOT / "events"
TABLE_NAME = "sample-state"


@contextmanager
def sample_world() -> Iterator["DynamoDBClient"]:
    """An embedded DynamoDB and the environment that points the handler at it, both undone after."""
    environment = {"AWS_DEFAULT_REGION": "eu-central-1", "TABLE_NAME": TABLE_NAME}
    with mock_aws(), patch.dict(os.environ, environment):
        os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB", None)
        client = boto3.client("dynamodb")
        create_table(client)
        for record in json.loads((EVENTS / "state.json").read_text(), parse_float=Decimal):
            client.put_item(TableName=TABLE_NAME, Item=item(record))
        yield client


def create_table(client: "DynamoDBClient") -> None:
    """Creates the table `TABLE_NAME` as template.yaml's `StateTable` describes it."""
    properties = template()["Resources"]["StateTable"]["Properties"]
    client.create_table(
        TableName=TABLE_NAME,
        **{name: properties[name] for name in ("AttributeDefinitions", "BillingMode", "KeySchema")},
    )


def template() -> Any:
    """template.yaml, parsed."""
    parsed, _ = decode(str(ROOT / "template.yaml"))
    return parsed


def item(record: dict[str, Any]) -> dict[str, Any]:
    """The DynamoDB item of a record as events/state.json writes it; lists become string sets."""
    attributes = dict(record)
    partition = enterprise_key(attributes.pop("enterprise"))
    if "license" in attributes:
        attributes.pop("license")
        sort_key = LICENSE_KEY
    elif "credential" in attributes:
        sort_key = credential_key(attributes.pop("credential"))
    else:
        sort_key = connection_key(attributes.pop("connection"))
    serialize = TypeSerializer().serialize
    values = {"pk": partition, "sk": sort_key, **attributes}
    return {
        name: serialize(set(value) if isinstance(value, list) else value)
        for name, value in values.items()
    }
