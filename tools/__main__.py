"""The command line of the tools: `python -m tools --help`."""

import subprocess
import sys
from contextlib import ExitStack, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console

from tools.bench.run import bench
from tools.openapi import OPENAPI, openapi_yaml
from tools.replay import SampleEvent, replay, sample_events, show
from tools.serve import sample_curl, serving
from tools.world import ROOT, sample_world

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


@cli.command("openapi")
def openapi_command() -> None:
    """Write openapi.yaml from the code."""
    OPENAPI.write_text(openapi_yaml())


@cli.command("serve")
def serve_command(
    port: Annotated[int, typer.Option(help="0 for any that is free")] = 3000,
) -> None:
    """Serve the sample world over HTTP on this machine, until Ctrl-C, with a log line a request."""
    with sample_world(), ExitStack() as stack:
        try:
            url = stack.enter_context(serving(port))
        except OSError as error:
            raise typer.BadParameter(f"port {port}: {error.strerror}") from error
        typer.echo(f"The service is at {url} and its reference at {url}/docs. Ask it:\n")
        typer.echo(sample_curl(url) + "\n")
        with suppress(KeyboardInterrupt):
            Event().wait()


@cli.command("fuzz")
def fuzz_command(
    examples: Annotated[int, typer.Option(help="How many for each operation, at most.")] = 3000,
) -> None:
    """Ask the sample world what openapi.yaml allows and what it forbids, by schemathesis.

    Exits with 1 if an answer is not as openapi.yaml says; schemathesis.toml says how it is asked.
    """
    with sample_world(), redirect_stdout(StringIO()), serving(0) as url:
        schemathesis = Path(sys.executable).with_name("schemathesis")
        ran = subprocess.run(  # noqa: S603 -- our own words
            [schemathesis, "run", OPENAPI, "--url", url, "--max-examples", str(examples)],
            cwd=ROOT,
            check=False,
        )
    raise typer.Exit(ran.returncode)


@cli.command("bench")
def bench_command(
    runs: Annotated[int, typer.Option(min=1, help="How often each is run, in turn.")] = 5,
) -> None:
    """Compare the handler's speed to a floor, and show what its time goes to. Takes minutes."""
    bench(runs, Console())


cli(prog_name="python -m tools")
