"""What operators do to a table: load, delete and show records, mint tokens and revoke them."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from itertools import batched
from pathlib import Path
from secrets import token_urlsafe
from time import sleep, time
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table
from rich.text import Text

from domain.access import READ_SCOPE, WRITE_SCOPE
from handlers.state import enterprise_key, hashed_credential_key
from tools import state_file
from tools.files import BadFile, lines_of
from tools.terminal import console, printable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tools.state_file import StoredItem

type Steps = Callable[["DynamoDBClient", str, list[state_file.Line]], Iterator[int]]

FileArgument = Annotated[Path, typer.Argument(help="State records in JSON Lines")]
EnterpriseArgument = Annotated[str, typer.Argument(help="The enterprise's id")]
MemberArgument = Annotated[str, typer.Argument(help="The member whose token it is")]
TableOption = Annotated[str, typer.Option(help="The table: the stack's output TableName")]
Scope = StrEnum("Scope", {"READ": READ_SCOPE, "WRITE": WRITE_SCOPE})

CONFIG = Config(
    connect_timeout=3,  # seconds, as the next
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 5},
)
# In seconds, if DynamoDB leaves records unprocessed. The wait doubles after each try without progress.
FIRST_WAIT, LONGEST_WAIT = 0.1, 6.4
WARNINGS_SHOWN = 20


def load(file: FileArgument, *, table: TableOption) -> None:
    """Write state records to a table, after all of them have been checked."""
    lines = _read(file)
    _warn(file, lines)
    _run(_write, "written", table, lines)


def delete(file: FileArgument, *, table: TableOption) -> None:
    """Delete state records from a table, after all of them have been checked."""
    lines = _read(file)
    counts = _run(_delete, "deleted", table, lines)
    absent = [str(line.number) for line, count in zip(lines, counts, strict=True) if not count]
    if absent:
        raise _failure(f"Records not found: {len(absent)}. Their lines: {', '.join(absent)}.")


def _read(file: Path) -> list[state_file.Line]:
    try:
        return state_file.read_state(lines_of(file))
    except BadFile as error:
        raise _failure(str(error), "Nothing was done.") from None
    except state_file.BadState as error:
        shown = [f"{file}, {fault}" for fault in error.faults]
        if error.count > len(shown):
            shown.append(f"These are {len(shown)} of {error.count} faults.")
        raise _failure(*shown, "Nothing was done.") from None


def _run(steps: Steps, done: str, table: str, lines: list[state_file.Line]) -> list[int]:
    """Runs the steps with a progress bar, and returns what each yields: a number of records."""
    counts: list[int] = []
    terminal = Console(stderr=True)
    try:
        with Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
            task = bar.add_task(f"Records {done}", total=len(lines))
            for count in steps(_client(table), table, lines):
                counts.append(count)
                bar.advance(task, count)
    except (BotoCoreError, ClientError, KeyboardInterrupt, TimeoutError) as error:
        sure = _done_for_sure(error, counts, len(lines), "records", done)
        raise _failure(_reason(error, table), f"{sure} It is safe to run this again.") from None
    typer.echo(f"Records {done}: {sum(counts)}.", err=True)
    return counts


def _warn(file: Path, lines: list[state_file.Line]) -> None:
    now = time()
    found = [
        f"Warning: {file}, line {line.number}: {warning}."
        for line in lines
        for warning in state_file.warnings(line.record, now=now)
    ]
    for warning in found[:WARNINGS_SHOWN]:
        typer.echo(printable(warning), err=True)
    if len(found) > WARNINGS_SHOWN:
        typer.echo(f"These are {WARNINGS_SHOWN} of {len(found)} warnings.", err=True)


def _write(client: "DynamoDBClient", table: str, lines: list[state_file.Line]) -> Iterator[int]:
    """Writes the records. Yields after each request the number that DynamoDB has taken."""
    for batch in batched(lines, 25, strict=False):  # DynamoDB's limit
        left: list[Any] = [{"PutRequest": {"Item": line.item}} for line in batch]
        wait = FIRST_WAIT
        while left:
            before = len(left)
            unprocessed = client.batch_write_item(RequestItems={table: left})["UnprocessedItems"]
            left = [request for requests in unprocessed.values() for request in requests]
            yield before - len(left)
            if left:
                wait = FIRST_WAIT if len(left) < before else wait * 2
                if wait > LONGEST_WAIT:
                    raise TimeoutError("DynamoDB takes no more records now. Try again later.")
                sleep(wait)


def _delete(client: "DynamoDBClient", table: str, lines: list[state_file.Line]) -> Iterator[int]:
    """Deletes the records. Yields 1 for each that existed, and 0 for each that did not."""
    for line in lines:
        key = {name: line.item[name] for name in ("pk", "sk")}
        answer = client.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")
        yield int("Attributes" in answer)


def mint(
    enterprise: EnterpriseArgument,
    member: MemberArgument,
    *,
    table: TableOption,
    scope: Annotated[list[Scope], typer.Option(help="What it allows; repeatable")],
    expires_in: Annotated[str, typer.Option(help="How long it is valid: 12h, 90d or 52w")] = "90d",
) -> None:
    """Create an access token and print it once. The table stores only its hash."""
    duration = _duration(expires_in)
    for name, text in (("ENTERPRISE", enterprise), ("MEMBER", member)):
        if not text.isprintable():
            message = (
                "must be printable, because the command that revokes the token is to be pasted"
            )
            raise typer.BadParameter(message, param_hint=name)
    token = token_urlsafe(32)  # 256 bits
    digest = sha256(token.encode()).hexdigest()
    expires_at = datetime.now(UTC) + duration
    fields = {
        "enterprise": enterprise,
        "credentialSha256": digest,
        "memberId": member,
        "scopes": scope,
        "expiresAt": int(expires_at.timestamp()),
    }
    try:
        record = state_file.parse_record(json.dumps(fields))
        if found := state_file.warnings(record, now=time()):
            raise typer.BadParameter("; ".join(found), param_hint="--scope")
        _client(table).put_item(TableName=table, Item=state_file.to_item(record))
    except (BotoCoreError, ClientError, ValueError) as error:
        raise _failure(_reason(error, table)) from None
    typer.echo(token)
    typer.echo(
        f'The token is for member "{member}" of enterprise "{enterprise}", with'
        f" {', '.join(sorted({*scope}))}, until {expires_at:%Y-%m-%d %H:%M} UTC. To revoke it:",
        err=True,
    )
    words = [sys.executable, "-m", "tools", "revoke", "--table", table]
    words += ["--", enterprise, member, digest]
    # zsh replaces an unquoted =ls by the path of ls, and shlex does not quote it.
    quoted = [re.sub("^=.*", r"'\g<0>'", shlex.quote(word)) for word in words]
    typer.echo(" ".join(quoted), err=True)


def revoke(
    enterprise: EnterpriseArgument,
    member: MemberArgument,
    hashes: Annotated[
        list[str], typer.Argument(metavar="SHA256...", help="The tokens' hashes, as show has them")
    ],
    *,
    table: TableOption,
) -> None:
    """Delete the tokens of a member that have these hashes."""
    for number, digest in enumerate(hashes, start=1):
        if not re.fullmatch(state_file.SHA256, digest):
            # It may be a token, so the message does not repeat it.
            message = f"number {number} is not 64 digits of lower-case hex"
            raise typer.BadParameter(message, param_hint="SHA256")
    _revoke(_client(table), table, enterprise, member, hashes)


def revoke_all(
    enterprise: EnterpriseArgument, member: MemberArgument, *, table: TableOption
) -> None:
    """Delete all tokens of a member."""
    client = _client(table)
    prefix = hashed_credential_key("")
    try:
        hashes = [
            item["sk"]["S"].removeprefix(prefix)
            for item in _items(client, table, enterprise)
            if item["sk"]["S"].startswith(prefix) and item.get("memberId") == {"S": member}
        ]
    except (BotoCoreError, ClientError) as error:
        raise _failure(_reason(error, table), "Nothing was revoked.") from None
    if not hashes:
        raise _failure("That member has no token.")
    _revoke(client, table, enterprise, member, hashes)


def _revoke(
    client: "DynamoDBClient", table: str, enterprise: str, member: str, hashes: list[str]
) -> None:
    counts: list[int] = []
    absent: list[str] = []
    for digest in hashes:
        key = {"pk": {"S": enterprise_key(enterprise)}, "sk": {"S": hashed_credential_key(digest)}}
        try:
            client.delete_item(
                TableName=table,
                Key=key,
                ConditionExpression="memberId = :member",
                ExpressionAttributeValues={":member": {"S": member}},
            )
            counts.append(1)
        except client.exceptions.ConditionalCheckFailedException:
            counts.append(0)
            absent.append(f"That member has no token of this hash: {digest}.")
        except (BotoCoreError, ClientError, KeyboardInterrupt) as error:
            sure = _done_for_sure(error, counts, len(hashes), "tokens", "revoked")
            raise _failure(_reason(error, table), sure) from None
    typer.echo(f"Tokens revoked: {sum(counts)}.", err=True)
    if absent:
        raise _failure(*absent)


def show(
    enterprise: Annotated[
        str | None, typer.Argument(help="The enterprise's id; all with --json if not given")
    ] = None,
    *,
    table: TableOption,
    as_json: Annotated[bool, typer.Option("--json", help="As lines that load reads")] = False,
) -> None:
    """Show licences, connections and credentials, without any token.

    Exits with 1 if there is no record, or if a record has a fault.
    """
    if enterprise is None and not as_json:
        raise typer.BadParameter("is required without --json", param_hint="ENTERPRISE")
    lines: list[str] = []
    faults: list[str] = []
    try:
        for item in _items(_client(table), table, enterprise):
            if not all("S" in item.get(name, ()) for name in ("pk", "sk")):
                raise _failure(f"{table} is not a table of this service: it has other keys.")
            try:
                lines.append(state_file.to_line(item))
            except ValueError as error:
                faults.append(f"{item['pk']['S']} {item['sk']['S']}: {error}")
    except (BotoCoreError, ClientError) as error:
        raise _failure(_reason(error, table)) from None
    if as_json:
        for line in lines:
            typer.echo(printable(line).encode())  # in UTF-8, whatever the terminal's encoding
    else:
        _print_records([state_file.parse_record(line) for line in lines])
    if faults:
        raise _failure(*faults, f"Records with a fault: {len(faults)}.")
    if not lines:
        whose = "" if enterprise is None else " of that enterprise"
        raise _failure(f"The table has no record{whose}.")


def _print_records(records: list[state_file.StateRecord]) -> None:
    now = time()
    screen = console()
    for kind, (model, _) in state_file.KINDS.items():
        fields = {str(field.alias): name for name, field in model.model_fields.items()}
        shown: list[dict[str, str]] = []
        for record in records:
            if isinstance(record, model):
                texts = {alias: _text(getattr(record, fields[alias]), now) for alias in fields}
                found = state_file.warnings(record, now=now)
                shown.append(texts | {"WARNING": "; ".join(found)})
        for texts in sorted(shown, key=lambda texts: [*texts.values()]):
            # A hash that is broken into two lines cannot be copied.
            title = Text(f"{kind.removesuffix('Sha256')} {printable(texts[kind])}", "bold")
            screen.print(title, soft_wrap=True)
            grid = Table.grid("", "", Column(overflow="fold"), padding=(0, 2))
            for name, text in texts.items():
                if text and name not in ("enterprise", kind):
                    style = "bold red" if name == "WARNING" else ""
                    grid.add_row("", Text(name, style), Text(printable(text), style))
            screen.print(grid, "")


def _text(value: object, now: float) -> str:
    if isinstance(value, set):
        return ", ".join(sorted(value))
    if not isinstance(value, Decimal):
        return str(value)
    if value.is_infinite():
        return "never"
    left = timedelta(seconds=int(value) - now)
    soon = f" (in {left.days} days)" if timedelta() < left <= timedelta(days=30) else ""
    return f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%d %H:%M} UTC{soon}"


def _duration(text: str) -> timedelta:
    if match := re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text, re.ASCII):
        return int(match[1]) * timedelta(hours={"h": 1, "d": 24, "w": 7 * 24}[match[2]])
    message = f"{text} must be 1 to 9999 hours, days or weeks, such as 12h, 90d or 52w"
    raise typer.BadParameter(message, param_hint="--expires-in")


def _client(table: str) -> "DynamoDBClient":
    if not table:
        raise typer.BadParameter("must not be empty", param_hint="--table")
    try:
        return boto3.client("dynamodb", config=CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise _failure(_reason(error)) from None


def _items(client: "DynamoDBClient", table: str, enterprise: str | None) -> "Iterator[StoredItem]":
    """The items of an enterprise, or of the whole table."""
    if enterprise is None:
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]
        return
    for page in client.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :partition",
        ExpressionAttributeValues={":partition": {"S": enterprise_key(enterprise)}},
    ):
        yield from page["Items"]


def _reason(error: BaseException, table: str = "") -> str:
    if isinstance(error, exceptions.NoRegionError):
        return "No AWS region is set: set AWS_DEFAULT_REGION."
    signed_out = exceptions.NoCredentialsError, exceptions.LoginError, exceptions.SSOError
    if isinstance(error, signed_out):
        return f"{str(error).rstrip('.')}. Sign in with `aws login` or `aws sso login`, or set AWS_PROFILE."
    if (
        isinstance(error, ClientError)
        and error.response["Error"]["Code"] == "ResourceNotFoundException"
    ):
        return f"There is no table {table} in this account and region."
    return str(error) or "Interrupted."


def _done_for_sure(
    error: BaseException, counts: list[int], total: int, things: str, done: str
) -> str:
    """What was done before the error, by the counts of the requests that were answered."""
    answer = error.response["ResponseMetadata"] if isinstance(error, ClientError) else None
    # A request without an answer may have been carried out, and so may one that was sent again.
    refused = answer and answer["HTTPStatusCode"] < 500 and not answer["RetryAttempts"]  # noqa: PLR2004 -- a status
    if refused and not counts:
        return f"Nothing was {done}."
    return f"At least {sum(counts)} of {total} {things} were {done}."


def _failure(*lines: str) -> typer.Exit:
    for line in lines:
        typer.echo(printable(line), err=True)
    return typer.Exit(1)
