"""The command line of the tools: `python -m tools --help`."""

# ruff: noqa: PLC0415 -- a command for a real table must not import the sample world

import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from tools.operate import credential, load

Port = Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="0 for any free one")]

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.command()(load)
cli.command()(credential)


@cli.callback()
def main() -> None:
    """Tools of the deallocation signing-payload service."""


@cli.command()
def replay(
    events: Annotated[
        list[Path] | None,
        typer.Argument(
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
    from tools import replay, world

    if (sam_local or no_state) and not url:
        raise typer.BadParameter("is required with --sam-local and --no-state", param_hint="--url")
    try:
        samples = [replay.SampleEvent.read(path) for path in events or replay.EVENT_FILES]
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from error
    reasons = [
        replay.why_not_sent(sample, sam_local=sam_local) if url else "" for sample in samples
    ]
    with world.sample_world(with_state=not no_state):
        replayed = replay.replay(
            sample for sample, reason in zip(samples, reasons, strict=True) if not reason
        )
    if url:
        try:
            replayed = replay.replay_over_http(url, replayed)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"{url}: {error}", param_hint="--url") from error
    replay.show(replayed)
    for sample, reason in zip(samples, reasons, strict=True):
        if reason:
            typer.echo(f"Not sent: {sample.name}; {reason}.")
    if not (replayed and all(result.as_named for result in replayed)):
        raise typer.Exit(1)


@cli.command()
def serve(port: Port = 3000) -> None:
    """Serve the sample world over HTTP on this machine, until Ctrl-C, with a log line a request."""
    from tools import serve, world

    with suppress(KeyboardInterrupt), world.sample_world(), serve.serving(port) as url:
        typer.echo(f"The service is at {url} and its reference at {url}/docs. Ask it:\n")
        typer.echo(serve.sample_curl(url) + "\n")
        Event().wait()


@cli.command()
def fuzz(
    examples: Annotated[int, typer.Option(help="The most requests for each operation")] = 3000,
) -> None:
    """Send the sample world what openapi.yaml allows and what it forbids, by schemathesis.

    Exits with 1 if an answer is not as openapi.yaml says. tests/schemathesis.toml has the settings.
    """
    from tools import serve, world

    logging.disable()
    with world.sample_world(), serve.serving(0) as url:
        program = Path(sys.executable).with_name("schemathesis")
        settings = world.ROOT / "tests/schemathesis.toml"
        options = ["--url", url, "--max-examples", str(examples)]
        ran = subprocess.run(  # noqa: S603 -- our own words
            [program, "--config-file", settings, "run", serve.OPENAPI, *options],
            cwd=world.ROOT,
            check=False,
        )
    raise typer.Exit(ran.returncode)


@cli.command()
def dynamodb(
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Serve an embedded DynamoDB, with the table and the sample state in it, until Ctrl-C."""
    from tools import world

    with suppress(KeyboardInterrupt), world.dynamodb_server(host, port) as url:
        table = f"Table {world.TABLE_NAME} of {world.REGION}, with the sample state,"
        typer.echo(f"{table} at {url} until Ctrl-C")
        Event().wait()


if __name__ == "__main__":
    cli(prog_name="python -m tools")
