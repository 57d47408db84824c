"""Sample events through the handler: does each get the status that its file name promises?

Or over HTTP, to a server of the API: does each get what the handler itself answers?
"""

import binascii
import json
import re
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from rich import box
from rich.table import Table
from rich.text import Text

from handlers.signing import lambda_handler
from tools.files import BadFile, lines_of
from tools.sample import EVENTS, lambda_context
from tools.terminal import console, printable

EVENT_FILES = sorted(EVENTS.glob("[0-9][0-9][0-9]-*.json"))
BROKEN_BASE64 = "over HTTP the gateway makes the base64, so no request has this fault"
"""Why an event with broken base64 is not sent."""
NOT_IN_SAM_LOCAL = {"200-encoded-enterprise-id": "sam local decodes %2F before it finds the route"}
"""The events that `sam local start-api` does not hand over as API Gateway does, and why."""

_GATEWAYS_OWN = ("content-length", "host", "transfer-encoding", "x-forwarded-")
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


@dataclass(frozen=True)
class SampleEvent:
    """An API Gateway event, and the status in its file's name."""

    name: str
    status: int
    event: Any
    """Any JSON: what is not an event can be replayed too."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Reads `<status>-<what>.json`. Raises `BadFile`."""
        content = "".join(lines_of(path))
        if not re.match(r"[1-5][0-9][0-9]-", path.name):
            raise BadFile(f"{path}: the name does not begin with a status, as in 200-get.json.")
        try:
            return cls(path.stem, int(path.name[:3]), json.loads(content))
        except (ValueError, RecursionError) as error:
            raise BadFile(f"{path} is not JSON: {error}.") from None


@dataclass(frozen=True)
class Replayed:
    """The answer to a sample event."""

    sample: SampleEvent
    status: int
    answer: str
    """The payload, or the error's name."""
    expected: tuple[int, str] | None = None
    """The status and the answer of the handler itself, if this one came over HTTP."""

    @property
    def as_expected(self) -> bool:
        """Whether it is the handler's own answer, or without one has the status in the event's name."""
        return (self.status, self.answer) == (self.expected or (self.sample.status, self.answer))


def sample_events() -> list[SampleEvent]:
    """All of events/, in the order of their names."""
    return [SampleEvent.read(path) for path in EVENT_FILES]


def replay(sample: SampleEvent) -> Replayed:
    """Calls the handler with an event, in the active sample world."""
    try:
        answer = lambda_handler(sample.event, lambda_context())
    except Exception:  # noqa: BLE001 -- API Gateway has one answer for all exceptions
        return Replayed(sample, HTTPStatus.BAD_GATEWAY.value, "InternalError")
    # The event of the schedule has an empty answer.
    status = answer.get("statusCode", HTTPStatus.OK.value)
    return Replayed(sample, status, payload_or_name(answer.get("body", "")))


def why_not_sent(sample: SampleEvent, *, sam_local: bool) -> str:
    """Why no HTTP request can make this event; empty if one can."""
    if sam_local and sample.name in NOT_IN_SAM_LOCAL:
        return NOT_IN_SAM_LOCAL[sample.name]
    try:
        _put(HTTPConnection("localhost"), "", sample.event)
    except binascii.Error:
        return BROKEN_BASE64
    except (TypeError, ValueError, HTTPException) as error:
        return f"HTTP cannot carry it: {error}"
    return ""


def replay_over_http(url: str, handled: Replayed) -> Replayed:
    """Sends what was replayed through the handler to `url`, followed by the event's path.

    It goes through the proxy that the environment names. Raises `OSError` if nothing answers there,
    and `ValueError` if `url` or the proxy's URL is not an HTTP one.
    """
    scheme, host, prefix, *_ = urlsplit(url)
    if scheme not in ("http", "https") or not host:
        raise ValueError("must begin with http:// or https:// and a host")
    client = HTTPSConnection if scheme == "https" else HTTPConnection
    proxy = _proxy(scheme, host)
    start = prefix.rstrip("/")
    headers: dict[str, str] = {}
    try:
        with closing(client(proxy.address if proxy else host, timeout=60)) as connection:
            if proxy and scheme == "https":
                connection.set_tunnel(host, headers=proxy.headers)
            elif proxy:
                start = f"http://{host}{start}"
                headers = proxy.headers
            body = _put(connection, start, handled.sample.event)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = payload_or_name(answer.read().decode(errors="replace"))
    except (OSError, HTTPException) as error:
        in_http = isinstance(error, OSError)
        fault = str(error) if in_http else f"it does not answer in HTTP: {error!r}"
        raise OSError(f"{fault} (through the proxy {proxy.address})" if proxy else fault) from error
    return Replayed(handled.sample, answer.status, content, (handled.status, handled.answer))


class _Proxy(NamedTuple):
    address: str
    headers: dict[str, str]


def _proxy(scheme: str, host: str) -> _Proxy | None:
    """The proxy for a host, by the variables that boto3 reads. Raises `ValueError`."""
    text = getproxies().get(scheme)
    if not text or proxy_bypass(host):
        return None
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        name, port = url.hostname, url.port or 80
    except ValueError:
        name = None
    if not name or url.scheme != "http":
        # The variable may hold a password, so the message does not repeat it.
        raise ValueError(f"{scheme.upper()}_PROXY must be http://HOST:PORT")
    headers = {}
    if url.username is not None:
        user = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    return _Proxy(f"[{name}]:{port}" if ":" in name else f"{name}:{port}", headers)


def _put(connection: HTTPConnection, prefix: str, event: Any) -> bytes:
    """Puts the head of an event's request into the connection's buffer, and returns the body.

    Raises `TypeError` or `ValueError` if no request over HTTP makes this event.
    """
    match event:
        case {"httpMethod": str(method), "path": str(path)}:
            body = event.get("body") or ""
        case _:
            method = path = ""
    if not (_METHOD.fullmatch(method) and path.startswith("/")):
        raise ValueError("it has no method or no path")
    encoded = event.get("isBase64Encoded")
    content = binascii.a2b_base64(body, strict_mode=True) if encoded else str.encode(body)
    connection.putrequest(method, prefix + path)
    one = dict(event.get("headers") or {})
    many = dict(event.get("multiValueHeaders") or {name: [one[name]] for name in one})
    for name in (name for name in many if not name.lower().startswith(_GATEWAYS_OWN)):
        for value in (value for value in many[name] or [] if value is not None):
            connection.putheader(name, value)
    connection.putheader("Content-Length", len(content))
    return content


def payload_or_name(body: str) -> str:
    """The payload or the error's name in a body. Any other body is returned as it is."""
    try:
        answer = json.loads(body)
        return str(answer.get("payload") or answer["name"])
    except (ValueError, AttributeError, KeyError, RecursionError):
        return body


def report(replayed: list[Replayed]) -> None:
    """Prints a table of the answers, the first payload in full, and a line that sums it up."""
    screen = console()
    right, wrong = ("✓", "✗") if screen.encoding.startswith("utf") else ("", "X")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for heading in ("", "event", "method", "want", "got"):
        table.add_column(heading, no_wrap=True)
    table.add_column("error or payload", no_wrap=True, overflow="crop", ratio=1)
    for result in replayed:
        event = result.sample.event
        style = "green" if result.as_expected else "bold red"
        table.add_row(
            Text(right if result.as_expected else wrong, style),
            Text(result.sample.name),
            Text(str(event.get("httpMethod", "")) if isinstance(event, dict) else ""),
            str(result.expected[0] if result.expected else result.sample.status),
            Text(str(result.status), style),
            Text(printable(result.answer)),
        )
    screen.print(table)
    good = [result for result in replayed if result.as_expected]
    for result in [result for result in good if result.status == HTTPStatus.OK][:1]:
        screen.print(Text(f"The payload of {result.sample.name}, to be signed as it is:", "dim"))
        screen.print(Text(f"{result.answer}\n"), soft_wrap=True)
    over_http = any(result.expected for result in replayed)
    wanted = "answer that the handler gives" if over_http else "status in their name"
    screen.print(f"{len(good)} of {len(replayed)} events got the {wanted}.", highlight=False)
