"""Sample events through the handler: does each get the status that its file name promises?

Or over HTTP, to whatever serves the API: does each get what the handler itself answers?
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, cast
from urllib.parse import urlsplit
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handlers.signing import lambda_handler
from tools.world import EVENTS

NOT_OVER_HTTP = {
    "400-broken-base64": "over HTTP it is the gateway that makes the base64, and never breaks it",
}
"""The events that no HTTP request makes, and why."""
NOT_IN_SAM_LOCAL = NOT_OVER_HTTP | {
    "200-encoded-enterprise-id": "sam local undoes %2F before it looks for the route",
}
"""The events that `sam local start-api` does not hand over as API Gateway does, and why."""

_TIMEOUT = 60  # seconds: longer than the start of a container takes
_GATEWAYS_OWN = ("host", "x-forwarded-")


@dataclass(frozen=True)
class SampleEvent:
    """An API Gateway event, and what its file's name promises of it."""

    name: str
    status: int
    event: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads `<status>-<what>.json`. Raises `OSError` or `ValueError`, which name the file."""
        if not re.match(r"[1-5][0-9][0-9]-", path.name):
            raise ValueError(f"{path}: the name does not begin with a status, as in 200-get.json")
        try:
            return cls(path.stem, int(path.name[:3]), json.loads(path.read_text()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


@dataclass(frozen=True)
class Replayed:
    """What a sample event got."""

    sample: SampleEvent
    status: int
    answer: str
    """The payload, or the error's name."""
    expected: tuple[int, str] | None = None
    """The status and the answer of the handler itself, if this one came over HTTP."""

    @property
    def as_named(self) -> bool:
        """Whether the event got the status in its name; over HTTP, all that the handler answers."""
        if self.expected:
            return (self.status, self.answer) == self.expected
        return self.status == self.sample.status


def sample_events() -> list[SampleEvent]:
    """All of events/, in the order of their names."""
    return [SampleEvent.read(path) for path in sorted(EVENTS.glob("[0-9][0-9][0-9]-*.json"))]


def replay(samples: Iterable[SampleEvent]) -> list[Replayed]:
    """Calls the handler with each event, in the world around it."""
    return [_replay(sample) for sample in samples]


def replay_over_http(url: str, handled: Iterable[Replayed]) -> list[Replayed]:
    """Sends what was replayed through the handler to `url`, which the contract's paths come after.

    Raises `OSError` if nothing answers there.
    """
    return [
        replace(_send(url, each.sample), expected=(each.status, each.answer)) for each in handled
    ]


def lambda_context(request_id: str | None = None) -> LambdaContext:
    """A context such as the Lambda runtime hands to the handler, with an id of its own."""
    context = SimpleNamespace(
        aws_request_id=request_id or str(uuid4()),
        function_name="SigningFunction",
        function_version="$LATEST",
        invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:SigningFunction",
        memory_limit_in_mb=1024,
    )
    return cast("LambdaContext", context)


def _replay(sample: SampleEvent) -> Replayed:
    answer = lambda_handler(sample.event, lambda_context())
    return Replayed(sample, answer["statusCode"], _payload_or_name(answer["body"]))


def _send(url: str, sample: SampleEvent) -> Replayed:
    scheme, host, prefix, *_ = urlsplit(url)
    event = sample.event
    body = (event["body"] or "").encode()
    headers = event["headers"].items()
    connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(host, timeout=_TIMEOUT)
    try:
        connection.request(
            event["httpMethod"],
            prefix.rstrip("/") + event["path"],
            b64decode(body) if event["isBase64Encoded"] else body,
            {name: value for name, value in headers if not name.lower().startswith(_GATEWAYS_OWN)},
        )
        answer = connection.getresponse()
        return Replayed(sample, answer.status, _payload_or_name(answer.read().decode()))
    except HTTPException as error:
        raise OSError(f"{url} does not answer in HTTP: {error!r}") from error
    finally:
        connection.close()


def _payload_or_name(body: str) -> str:
    try:
        answer = json.loads(body)
        return str(answer.get("payload") or answer["name"])
    except (ValueError, AttributeError, KeyError):
        return body  # no answer of the contract's


def show(replayed: list[Replayed], console: Console | None = None) -> None:
    """Prints a table of what came back, the first payload in full, and a line that sums it up."""
    console = console or Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for heading in ("", "event", "method", "expected", "actual"):
        table.add_column(heading, no_wrap=True)
    table.add_column("error or payload", no_wrap=True, overflow="ellipsis", ratio=1)
    for each in replayed:
        style = "green" if each.as_named else "bold red"
        table.add_row(
            Text("✓" if each.as_named else "✗", style),
            each.sample.name,
            each.sample.event.get("httpMethod", ""),
            str(each.expected[0] if each.expected else each.sample.status),
            Text(str(each.status), style),
            Text(each.answer),
        )
    console.print(table)
    for each in replayed:
        if each.status == HTTPStatus.OK:
            console.print(f"The payload of {each.sample.name}, to be signed as it is:", style="dim")
            console.print(Text(each.answer), soft_wrap=True)
            console.print()
            break
    right = sum(each.as_named for each in replayed)
    over_http = any(each.expected for each in replayed)
    wanted = "answer that the handler gives" if over_http else "status in their name"
    console.print(f"{right} of {len(replayed)} events got the {wanted}.")
