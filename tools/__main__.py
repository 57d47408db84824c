"""The command line of the tools: `python -m tools --help`."""

import logging
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from tools.operate import credential, load
from tools.replay import (
    NOT_IN_SAM_LOCAL,
    NOT_OVER_HTTP,
    SampleEvent,
    replay,
    replay_over_http,
    sample_events,
    show,
)
from tools.world import REGION, TABLE_NAME, dynamodb_server, sample_world

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
    url: Annotated[
        str | None,
        typer.Option(help="Send them there, over HTTP, and expect what the handler answers"),
    ] = None,
    *,
    sam_local: Annotated[
        bool, typer.Option("--sam-local", help="With --url: it is that of sam local start-api")
    ] = False,
    no_state: Annotated[
        bool, typer.Option("--no-state", help="With --url: the sample state is not there")
    ] = False,
) -> None:
    """Replay sample events through the handler, on an embedded DynamoDB, and show what came back.

    Exits with 1 if a status is not the one in the event's name; with --url, if a status, a payload
    or an error's name is not the one that the handler itself answers.
    """
    logging.disable()  # the table is what is to be seen here, not a log line a request
    left_out = (NOT_IN_SAM_LOCAL if sam_local else NOT_OVER_HTTP) if url else {}
    samples = events or sample_events()
    with sample_world(with_state=not no_state):
        replayed = replay(sample for sample in samples if sample.name not in left_out)
    if url:
        try:
            replayed = replay_over_http(url, replayed)
        except OSError as error:
            raise typer.BadParameter(f"{url}: {error}", param_hint="--url") from error
    show(replayed)
    for name in [sample.name for sample in samples if sample.name in left_out]:
        typer.echo(f"Not sent: {name}; {left_out[name]}.")
    if not all(each.as_named for each in replayed):
        raise typer.Exit(1)


@cli.command()
def dynamodb(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8000,
) -> None:
    """Serve an embedded DynamoDB, with the table and the sample state in it, until Ctrl-C."""
    with dynamodb_server(host, port) as url:
        typer.echo(f"Table {TABLE_NAME} of {REGION}, with the sample state, at {url} until Ctrl-C")
        Event().wait()


cli.command()(load)
cli.command()(credential)
cli(prog_name="python -m tools")
