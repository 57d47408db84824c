"""The state: one DynamoDB table, and the one read that a request makes of it."""

import os
import re
from binascii import crc32
from decimal import Decimal
from functools import cache
from hashlib import sha256
from time import sleep
from typing import TYPE_CHECKING

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from domain.records import Item, Records
from handlers.deadline import within

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, KeysAndAttributesTypeDef

    type Key = dict[str, AttributeValueTypeDef]

TIMEOUT = 1.0
"""How long to wait for a connection, and then for a piece of the answer, in seconds."""
ATTEMPTS = 2
"""How often botocore sends a request that fails in a way that may pass."""
ROUNDS = 3
"""How often the keys that DynamoDB left unprocessed are asked for, the first time included."""
BACK_OFF = 0.05
"""The wait before the second round, in seconds; it doubles each round."""
DEADLINE = ROUNDS * ATTEMPTS * 2 * TIMEOUT
"""When to give the whole read up, in seconds: after the time-outs of all attempts.

The time-outs alone are no bound. Each piece of an answer starts them anew, every address of a host is
tried, and the wait that an answer asks for before another attempt and the renewal of the function's
credentials know none.
"""

LICENSE_KEY = "LICENSE#OES"

# As DynamoDB writes numbers; Decimal reads more: other scripts' digits, "1_000", "NaN".
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


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
    """DynamoDB answered, and not with what was asked for, or did not in time."""


def read_records(enterprise_id: str, token: str, connection_id: str) -> Records:
    """The three items that a request is judged by, in one strongly consistent `BatchGetItem`.

    Keys that DynamoDB leaves unprocessed are asked for again, `ROUNDS` times in all. Raises
    `StateUnavailable` if some are left even then, if an answer is to another question or answers
    one key twice, or if there is nothing by the `DEADLINE`, and botocore's errors as they come.
    """
    partition = enterprise_key(enterprise_id)
    credential, connection = credential_key(token), connection_key(connection_id)
    try:
        items = within(DEADLINE, _read_items, partition, [credential, LICENSE_KEY, connection])
    except TimeoutError as error:
        _client_for.cache_clear()  # it was stopped anywhere: the next request gets another
        raise StateUnavailable(str(error)) from None
    return Records(items.get(credential), items.get(LICENSE_KEY), items.get(connection))


def _read_items(partition: str, sort_keys: list[str]) -> dict[str, Item]:
    table = os.environ["TABLE_NAME"]
    client = dynamodb_client()
    items: dict[str, Item] = {}
    left: list[Key] = [{"pk": {"S": partition}, "sk": {"S": sort_key}} for sort_key in sort_keys]
    for round_ in range(ROUNDS):
        if round_:
            sleep(BACK_OFF * 2 ** (round_ - 1))
        wanted: KeysAndAttributesTypeDef = {"Keys": left, "ConsistentRead": True}
        answer = client.batch_get_item(RequestItems={table: wanted})
        for stored in answer["Responses"].get(table, []):
            key = {"pk": stored["pk"], "sk": stored["sk"]}
            if key not in left:
                raise StateUnavailable("an item came twice or was not asked for")
            left = [each for each in left if each != key]
            items[key["sk"]["S"]] = {name: _value(each) for name, each in stored.items()}
        if not answer["UnprocessedKeys"]:
            return items
        unprocessed = answer["UnprocessedKeys"][table]["Keys"]
        if any(key not in left for key in unprocessed):
            raise StateUnavailable("a key was left unprocessed that came or was not asked for")
        left = unprocessed
    raise StateUnavailable(f"keys left unprocessed after {ROUNDS} rounds")


def _value(attribute: "AttributeValueTypeDef") -> object:
    # The data model's types. A value of another type stays as it came, tag and all, so that no record
    # takes it.
    match [*attribute.items()]:
        case [("S", str(text))]:
            return text
        case [("N", str(number))] if _NUMBER.fullmatch(number):
            return Decimal(number)
        case [("BOOL", bool(flag))]:
            return flag
        case [("SS", list(texts))]:
            return set(texts)
    return attribute


def dynamodb_client() -> "DynamoDBClient":
    """The client for the endpoint in `AWS_ENDPOINT_URL_DYNAMODB`, AWS's own if there is none.

    botocore would read that by itself; read here, it gives each endpoint one client of its own.
    """
    return _client_for(os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or None)


@cache
def _client_for(endpoint_url: str | None) -> "DynamoDBClient":
    config = Config(
        connect_timeout=TIMEOUT,
        read_timeout=TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # What botocore would do anew for each request and needs not: check the types of parameters
        # that are ours, and make up a user agent, twice.
        parameter_validation=False,
        user_agent="deallocation-signing",
    )
    client = boto3.client("dynamodb", endpoint_url=endpoint_url, config=config)
    client.meta.events.register("after-call.dynamodb", _refuse_corrupt_answer)
    return client


def _refuse_corrupt_answer(http_response: AWSResponse, **_: object) -> None:
    # botocore asks again for an answer that is not what its checksum says, and takes the last one as
    # it is.
    checksum = http_response.headers.get("x-amz-crc32")
    if checksum is not None and int(checksum) != crc32(http_response.content):
        raise StateUnavailable(f"the answer's checksum is not {checksum}")
