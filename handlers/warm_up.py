"""The warm-up in Lambda, before SnapStart takes its snapshot.

One request goes through the whole handler. So the snapshot holds what is otherwise imported and
computed for the first caller. Nothing leaves the process, and nothing of the request stays: no
connection, no credential, no log line.
"""

import encodings.idna  # noqa: F401 -- Python imports it when it first looks up a host
import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO, StringIO
from types import SimpleNamespace
from typing import Any, TextIO, cast

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders

from domain.access import READ_SCOPE, WRITE_SCOPE
from handlers.log import logger
from handlers.state import (
    LICENSE_KEY,
    connection_key,
    credential_key,
    dynamodb_client,
    enterprise_key,
)

_CONNECTION_ID = "00000000-0000-4000-8000-000000000000"
_NAME = "warm-up"
_EVENT = {
    "httpMethod": "POST",
    "path": f"/api/network/v1/enterprises/{_NAME}/clients/connections/{_CONNECTION_ID}"
    "/deallocations/signing",
    "headers": {"Authorization": f"Bearer {_NAME}"},
    "body": json.dumps(
        {
            "amount": {"currency": "BTC", "quantity": "1"},
            "clientExternalId": _NAME,
            "nonce": _NAME,
        }
    ),
}
_CONTEXT = SimpleNamespace(aws_request_id=_NAME, function_name=_NAME, function_version=_NAME)
_ITEMS: list[dict[str, object]] = [
    {"sk": {"S": LICENSE_KEY}, "status": {"S": "active"}},
    {
        "sk": {"S": credential_key(_NAME)},
        "memberId": {"S": _NAME},
        "scopes": {"SS": [READ_SCOPE, WRITE_SCOPE]},
    },
    {
        "sk": {"S": connection_key(_CONNECTION_ID)},
        "active": {"BOOL": True},
        "currencies": {"SS": ["BTC"]},
        "partnerId": {"S": _NAME},
    },
]


class NotReady(Exception):
    """The function can't answer a good request. Lambda publishes no version that fails to start."""


def warm_up(handler: Callable[[Any, Any], dict[str, Any]]) -> None:
    """Sends a good request through the handler. Raises `NotReady` if it gets no payload."""
    events = dynamodb_client().meta.events
    hooks: dict[str, Callable[..., Any]] = {
        "choose-signer.dynamodb.BatchGetItem": _unsigned,
        "before-send.dynamodb.BatchGetItem": _answered,
    }
    output = cast("logging.StreamHandler[TextIO]", logger.registered_handler)
    stream = output.setStream(StringIO())
    for name, hook in hooks.items():
        events.register(name, hook)
    try:
        answer = handler(_EVENT, _CONTEXT)
    finally:
        output.setStream(cast("TextIO", stream))
        for name, hook in hooks.items():
            events.unregister(name, hook)
    if answer["statusCode"] != HTTPStatus.OK:
        raise NotReady(answer["body"])


def _unsigned(**_: object) -> object:
    return UNSIGNED


def _answered(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    """An answer in DynamoDB's place: botocore then sends no request."""
    (table,) = json.loads(cast("bytes", request.body))["RequestItems"]
    items = [{"pk": {"S": enterprise_key(_NAME)}, **item} for item in _ITEMS]
    body = json.dumps({"Responses": {table: items}, "UnprocessedKeys": {}}).encode()
    return AWSResponse(request.url, HTTPStatus.OK, HTTPHeaders(), _Raw(body))


class _Raw(BytesIO):
    """The body as botocore reads it."""

    def stream(self) -> list[bytes]:
        return [self.getvalue()]
