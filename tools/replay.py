"""Sample events through the handler: does each get the status that its file name promises?

Or over HTTP, to whatever serves the API: does each get what the handler itself answers?
"""

import json
import logging
import re
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handlers.signing import lambda_handler
from tools.world import EVENTS, lambda_context

EVENT_FILES = sorted(EVENTS.glob("[0-9][0-9][0-9]-*.json"))
BROKEN_BASE64 = "over HTTP it is the gateway that makes the base64, and never breaks it"
"""Why an event with broken base64 is not sent."""
NOT_IN_SAM_LOCAL = {
    "200-encoded-enterprise-id": "sam local undoes %2F before it looks for the route",
}
"""The events that `sam local start-api` does not hand over as API Gateway does, and why."""

_TIMEOUT = 60  # seconds: longer than the start of a container takes
_GATEWAYS_OWN = ("content-length", "host", "transfer-encoding", "x-forwarded-")
_HeaderName = Annotated[str, StringConstraints(pattern=r"^[!-9;-~]+$")]
_HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$")]


@dataclass(frozen=True)
class SampleEvent:
    """An API Gateway event, and what its file's name promises of it."""

    name: str
    status: int
    event: Any
    """Any JSON: what is no event at all can be replayed too."""

    @property
    def method(self) -> str:
        """The HTTP method; empty if there is none."""
        method = str(self.event.get("httpMethod", "")) if isinstance(self.event, dict) else ""
        return method.encode(errors="backslashreplace").decode()  # a terminal takes no surrogates

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads `<status>-<what>.json`. Raises `OSError` or `ValueError`, which name the file."""
        text = path.read_text()
        if not re.match(r"[1-5][0-9][0-9]-", path.name):
            raise ValueError(f"{path}: the name does not begin with a status, as in 200-get.json")
        try:
            return cls(path.stem, int(path.name[:3]), json.loads(text))
        except (ValueError, RecursionError) as error:
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
    return [SampleEvent.read(path) for path in EVENT_FILES]


def replay(samples: Iterable[SampleEvent]) -> list[Replayed]:
    """Calls the handler with each event, in the world around it, and without a log."""
    logging.disable()
    try:
        return [_replay(sample) for sample in samples]
    finally:
        logging.disable(logging.NOTSET)


def why_not_sent(sample: SampleEvent, *, sam_local: bool) -> str:
    """Why no request over HTTP makes this event; empty if one does."""
    if sam_local and sample.name in NOT_IN_SAM_LOCAL:
        return NOT_IN_SAM_LOCAL[sample.name]
    try:
        _Request.model_validate(sample.event)
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        return "; ".join(f"{field}: {message}" if field else message for field, message in faults)
    return ""


def replay_over_http(url: str, handled: Iterable[Replayed]) -> list[Replayed]:
    """Sends what was replayed through the handler to `url`, which the contract's paths come after.

    Raises `OSError` if nothing answers there, and `ValueError` if `url` is none of HTTP.
    """
    return [
        replace(_send(url, each.sample), expected=(each.status, each.answer)) for each in handled
    ]


def _replay(sample: SampleEvent) -> Replayed:
    try:
        answer = lambda_handler(sample.event, lambda_context())
    except Exception:  # noqa: BLE001 -- API Gateway answers alike, whatever the function raises
        return Replayed(sample, HTTPStatus.BAD_GATEWAY.value, "InternalError")
    # The event of the schedule has an empty answer.
    status = answer.get("statusCode", HTTPStatus.OK.value)
    return Replayed(sample, status, payload_or_name(answer.get("body", "")))


class _Request(BaseModel):
    """What a request over HTTP takes from an event; the gateway there makes the rest."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)

    http_method: Annotated[str, StringConstraints(pattern=r"^[A-Za-z-]+$")]
    path: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")]
    headers: dict[_HeaderName, _HeaderValue | None] | None = None
    multi_value_headers: dict[_HeaderName, list[_HeaderValue] | None] | None = None
    body: str | None = None
    is_base64_encoded: bool = False

    @property
    def own_headers(self) -> Iterator[tuple[str, str]]:
        """The client's headers, names and values, as often as they come."""
        one = {name: [value] for name, value in (self.headers or {}).items() if value is not None}
        for name, values in (self.multi_value_headers or one).items():
            if not name.lower().startswith(_GATEWAYS_OWN):
                yield from ((name, value) for value in values or [])

    @property
    def content(self) -> bytes:
        """The body's bytes. Raises `ValueError` if their base64 is broken."""
        body = (self.body or "").encode()
        return a2b_base64(body, strict_mode=True) if self.is_base64_encoded else body

    @model_validator(mode="after")
    def _content_is_there(self) -> Self:
        try:
            _ = self.content
        except ValueError:
            raise PydanticCustomError("base64", BROKEN_BASE64) from None
        return self


def _send(url: str, sample: SampleEvent) -> Replayed:
    scheme, host, prefix, *_ = urlsplit(url)
    if scheme not in ("http", "https") or not host:
        raise ValueError("must begin with http:// or https:// and a host")
    request = _Request.model_validate(sample.event)
    try:
        connection = (HTTPSConnection if scheme == "https" else HTTPConnection)(
            host, timeout=_TIMEOUT
        )
        with closing(connection):
            connection.putrequest(request.http_method, prefix.rstrip("/") + request.path)
            for name, value in request.own_headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", len(request.content))
            connection.endheaders(request.content)
            answer = connection.getresponse()
            content = answer.read().decode(errors="replace")
    except HTTPException as error:
        raise OSError(f"{url} does not answer in HTTP: {error!r}") from error
    return Replayed(sample, answer.status, payload_or_name(content))


def payload_or_name(body: str) -> str:
    """What a body says: the payload, the error's name, or the whole if it is none of the contract's."""
    try:
        answer = json.loads(body)
        return str(answer.get("payload") or answer["name"])
    except (ValueError, AttributeError, KeyError, RecursionError):
        return body


def show(replayed: list[Replayed]) -> None:
    """Prints a table of what came back, the first payload in full, and a line that sums it up."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for heading in ("", "event", "method", "want", "got"):
        table.add_column(heading, no_wrap=True)
    table.add_column("error or payload", no_wrap=True, overflow="ellipsis", ratio=1)
    for each in replayed:
        style = "green" if each.as_named else "bold red"
        table.add_row(
            Text("✓" if each.as_named else "✗", style),
            Text(each.sample.name),
            Text(each.sample.method),
            str(each.expected[0] if each.expected else each.sample.status),
            Text(str(each.status), style),
            Text(each.answer),
        )
    console.print(table)
    for each in replayed:
        if each.as_named and each.status == HTTPStatus.OK:
            console.print(f"The payload of {each.sample.name}, to be signed as it is:", style="dim")
            console.print(Text(each.answer), soft_wrap=True)
            console.print()
            break
    right = sum(each.as_named for each in replayed)
    over_http = any(each.expected for each in replayed)
    wanted = "answer that the handler gives" if over_http else "status in their name"
    console.print(f"{right} of {len(replayed)} events got the {wanted}.")
