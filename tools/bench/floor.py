"""The floor: a bare botocore handler that does the same job, with no framework and no validation.

It makes the same read with the same time-outs and attempts, and returns the same payload; it checks
nothing, so it is no service. What a request costs beyond this is what the service adds.
"""

import json
import os
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@cache
def dynamodb_client() -> "DynamoDBClient":
    """A client with the handler's time-outs and attempts, and botocore's defaults otherwise."""
    config = Config(
        connect_timeout=1,
        read_timeout=1,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return cast("DynamoDBClient", get_session().create_client("dynamodb", config=config))


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The payload, whoever asks."""
    path, token = event["pathParameters"], event["headers"]["Authorization"].removeprefix("Bearer ")
    sort_keys = (
        f"CREDENTIAL#{sha256(token.encode()).hexdigest()}",
        "LICENSE#OES",
        f"CONNECTION#{path['connectionId']}",
    )
    partition = {"S": f"ENTERPRISE#{path['enterpriseId']}"}
    table = os.environ["TABLE_NAME"]
    dynamodb_client().batch_get_item(
        RequestItems={
            table: {
                "Keys": [{"pk": partition, "sk": {"S": sort_key}} for sort_key in sort_keys],
                "ConsistentRead": True,
            }
        }
    )
    request = json.loads(event["body"]) | path
    payload = json.dumps(request, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"payload": payload}),
    }
