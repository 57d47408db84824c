"""Bare boto3 that returns the same payload: no framework, and no check of body or caller."""

import json
import os
from hashlib import sha256
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 2},
)
client = boto3.client("dynamodb", config=CONFIG)


def sort_keys(connection_id: str, token: str) -> list[str]:
    hashed = sha256(token.encode()).hexdigest()
    return [f"CREDENTIAL#{hashed}", "LICENSE#OES", f"CONNECTION#{connection_id}"]


def signing_payload(enterprise_id: str, connection_id: str, body: dict[str, Any]) -> str:
    request = body | {"enterpriseId": enterprise_id, "connectionId": connection_id}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    path = event["pathParameters"]
    enterprise_id, connection_id = path["enterpriseId"], path["connectionId"]
    token = event["headers"]["Authorization"].removeprefix("Bearer ")
    partition = {"S": f"ENTERPRISE#{enterprise_id}"}
    keys: Any = [{"pk": partition, "sk": {"S": key}} for key in sort_keys(connection_id, token)]
    client.batch_get_item(
        RequestItems={os.environ["TABLE_NAME"]: {"Keys": keys, "ConsistentRead": True}}
    )
    payload = signing_payload(enterprise_id, connection_id, json.loads(event["body"]))
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"payload": payload}),
    }
