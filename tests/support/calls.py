"""Sends requests to the handler as API Gateway does, and reads its answers."""

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any, TextIO, cast

from handlers.log import logger
from handlers.signing import lambda_handler
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID, EVENTS, TOKEN, lambda_context

type Lines = Callable[[], list[dict[str, Any]]]
"""Returns what the function has logged: one dictionary for each line."""

METHODS = ("GET", "POST")
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


def assert_internal_error(exception: str) -> dict[str, Any]:
    """A valid request gets a 500 without details. Its one log line has the exception; returns it."""
    with logged() as lines:
        answer = ask()
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
    return line
