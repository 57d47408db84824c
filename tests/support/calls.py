"""Sends requests to the handler as API Gateway does, and reads its answers."""

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, TextIO, cast
from uuid import uuid4

from aws_lambda_powertools.shared import constants

from handlers.log import logger
from handlers.signing import lambda_handler
from tools.world import (
    BODY,
    CONNECTION_ID,
    ENTERPRISE_ID,
    EVENTS,
    TABLE_NAME,
    TOKEN,
    item,
    lambda_context,
)

type Lines = Callable[[], list[dict[str, Any]]]
"""Returns what the function has logged: one dictionary for each line."""

METHODS = ("GET", "POST")
POWERTOOLS_VARIABLES = {
    name
    for name in vars(constants).values()
    if isinstance(name, str) and name.startswith("POWERTOOLS_")
}
"""The environment variables that Powertools reads."""
SCENARIO_TOKEN = "token-of-a-scenario"  # noqa: S105 -- only the tests' own records know it
ACME = {"enterprise_id": ENTERPRISE_ID, "connection_id": CONNECTION_ID, "token": TOKEN}


@dataclass(frozen=True)
class Answer:
    """The handler's answer, as the client gets it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The parsed body."""
        return json.loads(self.text)

    @property
    def name(self) -> str:
        """The error's name, or an empty string for a payload."""
        return str(self.body.get("name", ""))

    @property
    def fields(self) -> list[str]:
        """The fields that a 400 names."""
        return [detail["field"] for detail in self.body["details"]]


def sample_event(name: str) -> Any:
    """The sample event in events/<name>.json."""
    return json.loads((EVENTS / f"{name}.json").read_text())


def call(event: Any) -> Answer:
    """The handler's answer to an event."""
    answer = lambda_handler(event, lambda_context())
    assert answer.keys() <= {"statusCode", "multiValueHeaders", "body", "isBase64Encoded"}
    assert not answer.get("isBase64Encoded")
    headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
    return Answer(answer["statusCode"], headers, answer["body"])


def event_for(  # noqa: PLR0913 -- the parts of a request
    method: str = "POST",
    *,
    enterprise_id: str = ACME["enterprise_id"],
    connection_id: str = ACME["connection_id"],
    token: str | None = ACME["token"],
    body: object = BODY,
    headers: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The event of a request. The ids go into the path unchanged: the caller percent-encodes them.

    A body of bytes is encoded in base64. A text stays as it is. Anything else is written as JSON.
    """
    event: dict[str, Any] = sample_event(f"200-{method.lower()}")
    event["path"] = (
        f"/api/network/v1/enterprises/{enterprise_id}"
        f"/clients/connections/{connection_id}/deallocations/signing"
    )
    if headers is None:
        headers = {"Authorization": [f"Bearer {token}"]} if token else {}
    event["multiValueHeaders"] = headers
    event["headers"] = {name: values[-1] for name, values in headers.items() if values}
    event["isBase64Encoded"] = isinstance(body, bytes)
    if isinstance(body, bytes):
        event["body"] = b64encode(body).decode()
    else:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    return event


def ask(method: str = "POST", **parts: Any) -> Answer:
    """The answer to a valid request of acme-capital, with the given parts changed."""
    return call(event_for(method, **parts))


@contextmanager
def logged() -> Iterator[Lines]:
    """Collects what the function logs inside the `with` block."""
    handler = cast("logging.StreamHandler[TextIO]", logger.registered_handler)
    before, written = handler.stream, StringIO()
    handler.setStream(written)
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        handler.setStream(before)


def assert_internal_error(answer: Answer, lines: Lines, exception: str) -> None:
    """The client gets a 500 without details, and the one log line has the exception."""
    assert answer.status == 500
    assert answer.body == {
        "error": "The request could not be completed. Try again later.",
        "name": "InternalError",
        "requestId": answer.headers["Request-Id"],
    }
    (line,) = lines()
    assert (line["level"], line["outcome"], line["status"]) == ("ERROR", "InternalError", 500)
    assert line["exception_name"] == exception
    assert "Traceback" in line["exception"]


@dataclass
class Scenario:
    """A new enterprise, whose request is allowed until a test changes something.

    The records have the form of events/state.json. None stands for a missing record.
    """

    enterprise_id: str = field(default_factory=lambda: f"enterprise-{uuid4()}")
    connection_id: str = field(default_factory=lambda: str(uuid4()))
    token: str | None = SCENARIO_TOKEN
    body: dict[str, Any] = field(default_factory=lambda: dict(BODY))
    credential: dict[str, Any] | None = field(
        default_factory=lambda: {
            "memberId": "trader",
            "scopes": ["settlement_network_read", "settlement_network_write"],
        }
    )
    license: dict[str, Any] | None = field(default_factory=lambda: {"status": "active"})
    connection: dict[str, Any] | None = field(
        default_factory=lambda: {
            "active": True,
            "currencies": ["BTC"],
            "partnerId": "northwind-exchange",
            "name": "Northwind Exchange",
        }
    )

    def ask(self, client: Any, method: str = "POST") -> Answer:
        """Writes the records, sends the request, and returns the answer."""
        keys = {
            "credential": SCENARIO_TOKEN,
            "license": "OES",
            "connection": self.connection_id,
        }
        for kind, key in keys.items():
            attributes = getattr(self, kind)
            if attributes is not None:
                record = {"enterprise": self.enterprise_id, kind: key, **attributes}
                client.put_item(TableName=TABLE_NAME, Item=item(record))
        return ask(
            method,
            enterprise_id=self.enterprise_id,
            connection_id=self.connection_id,
            token=self.token,
            body=self.body,
        )
