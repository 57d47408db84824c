"""The floor: a bare boto3 handler that does the same job, with no framework and no validation.

It makes the same read with the same time-outs and attempts, and returns the same payload; it checks
nothing, so it is no service. What a request costs beyond this is what the service adds.
"""

import json
import os
from hashlib import sha256
from typing import Any

import boto3
from botocore.config import Config

client = boto3.client(
    "dynamodb",
    config=Config(
        connect_timeout=1,
        read_timeout=1,
        retries={"mode": "standard", "total_max_attempts": 2},
    ),
)


def signing_payload(enterprise_id: str, connection_id: str, token: str, body: Any) -> str:
    """The payload, whoever asks."""
    sort_keys = (
        f"CREDENTIAL#{sha256(token.encode()).hexdigest()}",
        "LICENSE#OES",
        f"CONNECTION#{connection_id}",
    )
    client.batch_get_item(
        RequestItems={
            os.environ["TABLE_NAME"]: {
                "Keys": [
                    {"pk": {"S": f"ENTERPRISE#{enterprise_id}"}, "sk": {"S": sort_key}}
                    for sort_key in sort_keys
                ],
                "ConsistentRead": True,
            }
        }
    )
    request = body | {"enterpriseId": enterprise_id, "connectionId": connection_id}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A 200, whoever asks."""
    path = event["pathParameters"]
    token = event["headers"]["Authorization"].removeprefix("Bearer ")
    body = json.loads(event["body"])
    payload = signing_payload(path["enterpriseId"], path["connectionId"], token, body)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"payload": payload}),
    }
