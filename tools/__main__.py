"""The command line of the tools: `python -m tools --help`."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.bench.run import bench
from tools.replay import SampleEvent, replay, sample_events, show
from tools.world import sample_world

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def main() -> None:
    """Tools of the deallocation signing-payload service."""


def _sample_event(path: str) -> SampleEvent:
    try:
        return SampleEvent.read(Path(path))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


@cli.command("replay")
def replay_command(
    events: Annotated[
        list[SampleEvent] | None,
        typer.Argument(
            parser=_sample_event,
            metavar="FILE",
            help="Events, each named after its status, such as 200-get.json [default: all of events/]",
        ),
    ] = None,
) -> None:
    """Replay sample events through the handler, on an embedded DynamoDB, and show what came back.

    Exits with 1 if a status is not the one in the event's name.
    """
    with sample_world(), redirect_stdout(StringIO()):  # the table instead of the log's lines
        replayed = replay(events or sample_events())
    show(replayed)
    if not all(each.as_named for each in replayed):
        raise typer.Exit(1)


@cli.command("bench")
def bench_command(
    runs: Annotated[int, typer.Option(min=1, help="How often each is run, in turn.")] = 5,
) -> None:
    """Compare the handler's speed to a floor, and show what its time goes to. Takes minutes."""
    bench(runs, Console())


cli(prog_name="python -m tools")
