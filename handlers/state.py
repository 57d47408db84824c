"""The state: one DynamoDB table, which each request reads once."""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from time import monotonic, sleep
from typing import TYPE_CHECKING

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from domain.records import Item, Records

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

    type Keys = Sequence[Mapping[str, UniversalAttributeValueTypeDef]]

# These limits end a read (docs/operate.md, "When DynamoDB fails").
TIMEOUT = 1.0
"""The longest wait for a connection, and for each piece of an answer (seconds)"""
ATTEMPTS = 2
"""The most attempts for one request, if its error may be temporary"""
WAITS = (0.0, 0.05, 0.1)
"""The wait before each round of reading (seconds). A round reads the keys that the last one left"""
LAST_START = 4.0
"""The latest start of a round, after the start of the first (seconds)"""

LICENSE_KEY = "LICENSE#OES"

_DESERIALIZER = TypeDeserializer()


def enterprise_key(enterprise_id: str) -> str:
    """The partition that holds all items of an enterprise, and of no other."""
    return f"ENTERPRISE#{enterprise_id}"


def credential_key(token: str) -> str:
    """The sort key of a credential, from its access token."""
    return hashed_credential_key(sha256(token.encode()).hexdigest())


def hashed_credential_key(token_sha256: str) -> str:
    """The sort key of a credential, from the SHA-256 of its access token in lower-case hex."""
    return f"CREDENTIAL#{token_sha256}"


def connection_key(connection_id: str) -> str:
    """The sort key of a connection, from its UUID in lower case."""
    return f"CONNECTION#{connection_id}"


class StateUnavailable(Exception):
    """DynamoDB left keys unprocessed until the last round."""


def read_records(enterprise_id: str, token: str, connection_id: str) -> Records:
    """The three items that decide about a request, by one strongly consistent `BatchGetItem`.

    Reads the keys again that DynamoDB leaves unprocessed. Raises `StateUnavailable` if some are
    left at the end, and boto3's own `BotoCoreError` and `ClientError`.
    """
    table = os.environ["TABLE_NAME"]
    partition = enterprise_key(enterprise_id)
    credential, connection = credential_key(token), connection_key(connection_id)
    items: dict[object, Item] = {}
    left: Keys = [
        {"pk": {"S": partition}, "sk": {"S": sort_key}}
        for sort_key in (credential, LICENSE_KEY, connection)
    ]
    last_start = monotonic() + LAST_START
    for wait in WAITS:
        if monotonic() + wait > last_start:
            break
        sleep(wait)
        answer = dynamodb_client().batch_get_item(
            RequestItems={table: {"Keys": left, "ConsistentRead": True}}
        )
        for stored in answer["Responses"].get(table, []):
            item = {name: _DESERIALIZER.deserialize(value) for name, value in stored.items()}
            items[item["sk"]] = item
        if not answer["UnprocessedKeys"]:
            return Records(
                credential=items.get(credential),
                license=items.get(LICENSE_KEY),
                connection=items.get(connection),
            )
        left = answer["UnprocessedKeys"][table]["Keys"]
    raise StateUnavailable(f"DynamoDB left {len(left)} keys unprocessed")


@cache
def dynamodb_client() -> "DynamoDBClient":
    """The function's only client. boto3 reads `AWS_ENDPOINT_URL_DYNAMODB`; empty counts as unset."""
    config = Config(
        connect_timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Both save time in each request. Our parameters need no validation, and a fixed user agent
        # is not built again.
        parameter_validation=False,
        user_agent="deallocation-signing",
    )
    return boto3.client("dynamodb", config=config)
