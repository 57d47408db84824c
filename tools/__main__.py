"""The command line of the tools: `python -m tools --help`."""

# ruff: noqa: PLC0415 -- a command for a real table must not import the sample world

import logging
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from socket import getaddrinfo
from threading import Event
from typing import Annotated

import typer

from tools import operate
from tools.files import BadFile

Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="0 for any free one")]

cli = typer.Typer(
    add_completion=False,
    help="Tools of the deallocation signing-payload service.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    operate.load,
    operate.delete,
    operate.show,
    operate.mint,
    operate.revoke,
    operate.revoke_all,
):
    cli.command()(command)


@cli.command()
def replay(
    events: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="All of events/ if not given")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Send them over HTTP to this URL")] = None,
    *,
    sam_local: Annotated[
        bool, typer.Option("--sam-local", help="The URL belongs to sam local")
    ] = False,
    no_state: Annotated[
        bool, typer.Option("--no-state", help="The server has no sample state")
    ] = False,
) -> None:
    """Replay events through the handler, on an embedded DynamoDB, and show the answers.

    Each file is named after its status, such as 200-get.json. Exits with 1 if an answer has another
    status; with --url, if its status, payload or error name is not what the handler itself answers.
    Also exits with 1 if a file cannot be read, or no event can be sent.
    """
    from tools import replay, world

    if (sam_local or no_state) and not url:
        raise typer.BadParameter("is required with --sam-local and --no-state", param_hint="--url")
    samples: list[replay.SampleEvent] = []
    bad_files = 0
    for path in events or replay.EVENT_FILES:
        try:
            sample = replay.SampleEvent.read(path)
        except BadFile as error:
            typer.echo(error, err=True)
            bad_files += 1
            continue
        if url and (reason := replay.why_not_sent(sample, sam_local=sam_local)):
            typer.echo(f"Not sent: {sample.name}; {reason}.")
        else:
            samples.append(sample)
    logging.disable()  # the table instead of the log's lines
    with world.sample_world(with_state=not no_state):
        replayed = [replay.replay(sample) for sample in samples]
    if url:
        try:
            replayed = [replay.replay_over_http(url, result) for result in replayed]
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"{url}: {error}", param_hint="--url") from error
    replay.report(replayed)
    if bad_files or not (replayed and all(result.as_expected for result in replayed)):
        raise typer.Exit(1)


@cli.command()
def serve(port: Port = 3000) -> None:
    """Serve the sample world over HTTP on this machine, until Ctrl-C, and log each request."""
    from tools import serve, world

    with suppress(KeyboardInterrupt), world.sample_world(), serve.serving(port) as url:
        typer.echo(f"The service is at {url} and its reference at {url}/docs. Ask it:\n")
        typer.echo(serve.sample_curl(url) + "\n")
        Event().wait()


@cli.command()
def dynamodb(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve an embedded DynamoDB, with the table and the sample state in it, until Ctrl-C."""
    from tools import sample, world

    try:
        getaddrinfo(host, port)
    except (OSError, UnicodeError):
        raise typer.BadParameter("is not an address or a name", param_hint="--host") from None
    with suppress(KeyboardInterrupt), world.dynamodb_server(host, port) as url:
        typer.echo(f"Table {sample.TABLE_NAME} of {sample.REGION}, with sample state, at {url}")
        Event().wait()


if __name__ == "__main__":
    # Powertools fails on some values of its variables. The tools need none of them.
    for variable in os.environ:
        if variable.startswith("POWERTOOLS_"):
            del os.environ[variable]
    if isinstance(sys.stdout, TextIOWrapper):  # None without a file behind it
        sys.stdout.reconfigure(errors="backslashreplace")
    cli(prog_name="python -m tools")
