"""The command line of the tools: `python -m tools --help`."""

import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from tools.operate import credential, load
from tools.replay import (
    SampleEvent,
    replay,
    replay_over_http,
    sample_events,
    show,
    why_not_sent,
)
from tools.serve import OPENAPI, sample_curl, serving
from tools.world import REGION, ROOT, TABLE_NAME, dynamodb_server, sample_world

Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="0 for any free one")]

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def main() -> None:
    """Tools of the deallocation signing-payload service."""


def event_file(path: str) -> SampleEvent:
    try:
        return SampleEvent.read(Path(path))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


@cli.command("replay")
def replay_command(
    events: Annotated[
        list[SampleEvent] | None,
        typer.Argument(
            parser=event_file,
            metavar="FILE",
            help="Events, each named after its status, such as 200-get.json; without any, all of events/",
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
    or an error's name is not the one that the handler itself answers, or if no event can be sent.
    """
    if (sam_local or no_state) and not url:
        raise typer.BadParameter("is required with --sam-local and --no-state", param_hint="--url")
    samples = events or sample_events()
    reasons = [why_not_sent(each, sam_local=sam_local) if url else "" for each in samples]
    with sample_world(with_state=not no_state):
        replayed = replay(
            sample for sample, reason in zip(samples, reasons, strict=True) if not reason
        )
    if url:
        try:
            replayed = replay_over_http(url, replayed)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"{url}: {error}", param_hint="--url") from error
    show(replayed)
    for sample, reason in zip(samples, reasons, strict=True):
        if reason:
            typer.echo(f"Not sent: {sample.name}; {reason}.")
    if not (replayed and all(each.as_named for each in replayed)):
        raise typer.Exit(1)


@cli.command("serve")
def serve_command(port: Port = 3000) -> None:
    """Serve the sample world over HTTP on this machine, until Ctrl-C, with a log line a request."""
    with suppress(KeyboardInterrupt), sample_world(), serving(port) as url:
        typer.echo(f"The service is at {url} and its reference at {url}/docs. Ask it:\n")
        typer.echo(sample_curl(url) + "\n")
        Event().wait()


@cli.command("fuzz")
def fuzz_command(
    examples: Annotated[int, typer.Option(help="How many for each operation, at most.")] = 3000,
) -> None:
    """Ask the sample world what openapi.yaml allows and what it forbids, by schemathesis.

    Exits with 1 if an answer is not as openapi.yaml says; tests/schemathesis.toml says how it is asked.
    """
    logging.disable()
    with sample_world(), serving(0) as url:
        schemathesis = Path(sys.executable).with_name("schemathesis")
        ran = subprocess.run(  # noqa: S603 -- our own words
            [
                schemathesis,
                "--config-file",
                ROOT / "tests/schemathesis.toml",
                "run",
                OPENAPI,
                "--url",
                url,
                "--max-examples",
                str(examples),
            ],
            cwd=ROOT,
            check=False,
        )
    raise typer.Exit(ran.returncode)


@cli.command()
def dynamodb(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve an embedded DynamoDB, with the table and the sample state in it, until Ctrl-C."""
    with suppress(KeyboardInterrupt), dynamodb_server(host, port) as url:
        typer.echo(f"Table {TABLE_NAME} of {REGION}, with the sample state, at {url} until Ctrl-C")
        Event().wait()


cli.command()(load)
cli.command()(credential)
cli(prog_name="python -m tools")
