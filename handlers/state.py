"""The state: one DynamoDB table, which each request reads once."""

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from hashlib import sha256
from time import sleep
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session, get_session

from domain.records import Item, Records

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

    type Keys = Sequence[Mapping[str, UniversalAttributeValueTypeDef]]

# These limits end a read. The function's Timeout is the last limit.
TIMEOUT = 1.0
"""The longest wait for a connection, and for each piece of an answer, in seconds."""
ATTEMPTS = 2
"""How often botocore sends a request at most, if errors may be temporary."""
ROUNDS = 3
"""How often to read at most, until DynamoDB leaves no key unprocessed."""
BACK_OFF = 0.05
"""The wait before the second round, in seconds. It doubles with each round."""

LICENSE_KEY = "LICENSE#OES"


class _Deserializer(TypeDeserializer):
    def _deserialize_n(self, value: str) -> Decimal:
        # DynamoDB writes 1e100 with all its digits. boto3 refuses more than 38 (its issue 2500).
        return Decimal(value)


_DESERIALIZER = _Deserializer()


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
    """DynamoDB left keys unprocessed in every round."""


def read_records(enterprise_id: str, token: str, connection_id: str) -> Records:
    """The three items that decide about a request, by one strongly consistent `BatchGetItem`.

    Reads the keys again that DynamoDB leaves unprocessed. Raises `StateUnavailable` if some are
    left after all `ROUNDS`, and boto3's own errors.
    """
    table = os.environ["TABLE_NAME"]
    partition = enterprise_key(enterprise_id)
    credential, connection = credential_key(token), connection_key(connection_id)
    items: dict[tuple[object, object], Item] = {}
    left: Keys = [
        {"pk": {"S": partition}, "sk": {"S": sort_key}}
        for sort_key in (credential, LICENSE_KEY, connection)
    ]
    for round_ in range(ROUNDS):
        if round_:
            sleep(BACK_OFF * 2 ** (round_ - 1))
        answer = dynamodb_client().batch_get_item(
            RequestItems={table: {"Keys": left, "ConsistentRead": True}}
        )
        for stored in answer["Responses"].get(table, []):
            item = {name: _DESERIALIZER.deserialize(value) for name, value in stored.items()}
            items[item["pk"], item["sk"]] = item
        if not answer["UnprocessedKeys"]:
            return Records(
                credential=items.get((partition, credential)),
                license=items.get((partition, LICENSE_KEY)),
                connection=items.get((partition, connection)),
            )
        left = answer["UnprocessedKeys"][table]["Keys"]
    raise StateUnavailable(f"keys left unprocessed after {ROUNDS} rounds")


def dynamodb_client() -> "DynamoDBClient":
    """The client for the endpoint in `AWS_ENDPOINT_URL_DYNAMODB`, or else for boto3's choice."""
    return _client_for(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or None)


class _LateCredentials(Credentials):
    """Looks for the credentials when the first request is signed, so that no snapshot holds any.

    It is both what the session finds credentials with and the credentials that it finds.
    """

    def __init__(self, session: Session) -> None:
        super().__init__("", "")
        self._find = cache(session.get_component("credential_provider").load_credentials)

    def load_credentials(self) -> Credentials:
        return self

    def get_frozen_credentials(self) -> Any:
        found = self._find()
        return found and found.get_frozen_credentials()


@cache
def _client_for(endpoint_url: str | None) -> "DynamoDBClient":
    config = Config(
        connect_timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # Skip two steps that botocore repeats for each request.
        parameter_validation=False,
        user_agent="deallocation-signing",
    )
    session = get_session()
    session.register_component("credential_provider", _LateCredentials(session))
    return boto3.Session(botocore_session=session).client(
        "dynamodb", endpoint_url=endpoint_url, config=config
    )
