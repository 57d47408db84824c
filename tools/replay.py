"""Sample events through the handler: does each get the status that its file name promises?"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from aws_lambda_powertools.utilities.typing import LambdaContext
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from handlers.signing import lambda_handler
from tools.world import EVENTS


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

    @property
    def as_named(self) -> bool:
        """Whether the event got the status in its name."""
        return self.status == self.sample.status


def sample_events() -> list[SampleEvent]:
    """All of events/, in the order of their names."""
    return [SampleEvent.read(path) for path in sorted(EVENTS.glob("[0-9][0-9][0-9]-*.json"))]


def replay(samples: Iterable[SampleEvent]) -> list[Replayed]:
    """Calls the handler with each event, in the world around it."""
    return [_replay(sample) for sample in samples]


def lambda_context() -> LambdaContext:
    """A context such as the Lambda runtime hands to the handler, with an id of its own."""
    context = LambdaContext()
    context._aws_request_id = str(uuid4())  # noqa: SLF001 -- Powertools gives it no setter
    context._function_name = "SigningFunction"  # noqa: SLF001 -- Powertools gives it no setter
    return context


def _replay(sample: SampleEvent) -> Replayed:
    answer = lambda_handler(sample.event, lambda_context())
    body = json.loads(answer["body"])
    return Replayed(sample, answer["statusCode"], body.get("payload") or body["name"])


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
            str(each.sample.status),
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
    console.print(f"{right} of {len(replayed)} events got the status in their name.")
