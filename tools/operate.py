"""What operators do to a table: load records, mint credentials, and revoke either."""

import json
import re
import shlex
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Annotated

import boto3
import typer
from boto3.dynamodb.conditions import Attr
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from domain.access import READ_SCOPE, WRITE_SCOPE
from tools.state_file import BadState, read_state

if TYPE_CHECKING:
    from botocore.config import _RetryDict
    from mypy_boto3_dynamodb.service_resource import Table

TableOption = Annotated[str, typer.Option(help="The table: the stack's output TableName")]

TIMEOUT = 3
"""How long to wait for a connection, and then for a piece of the answer, in seconds."""
ATTEMPTS = 3
"""How often a request that fails in a way that may pass is sent."""

_FAULTS_SHOWN = 20
_TOKEN_BYTES = 32  # 256 bits
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Scope(StrEnum):
    """What a credential may allow."""

    READ = READ_SCOPE
    WRITE = WRITE_SCOPE


def load(
    file: Annotated[Path, typer.Argument(help="State records, one on each line")],
    table: TableOption,
    *,
    revoke: Annotated[bool, typer.Option("--revoke", help="Delete those records instead")] = False,
) -> None:
    """Write state records to a table, after all of them have been looked at.

    A record that is there is replaced, so that a load that broke off can be run again.
    """
    try:
        records = read_state(file.read_text(encoding="utf-8-sig"))
    except BadState as error:
        shown = [f"{file}, {fault}" for fault in error.args[:_FAULTS_SHOWN]]
        if len(error.args) > _FAULTS_SHOWN:
            shown.append(f"These are {_FAULTS_SHOWN} of {len(error.args)} faults.")
        raise _failure(*shown, "Nothing was done.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _failure(f"{file}: {error}") from None
    try:
        with _table(table).batch_writer() as batch:
            for record in records:
                if revoke:
                    batch.delete_item(Key=record.key)
                else:
                    batch.put_item(Item=record.item)
    except (BotoCoreError, ClientError, KeyboardInterrupt) as error:
        raise _failure(
            _reason(error, table),
            "Some records may be done. To run it all again does no harm.",
        ) from None
    typer.echo(f"Records {'deleted' if revoke else 'written'}: {len(records)}.", err=True)


def credential(  # noqa: PLR0913 -- the words of a command
    enterprise: Annotated[str, typer.Argument(help="The enterprise's id")],
    member: Annotated[str, typer.Argument(help="Whose token it is")],
    *,
    table: TableOption,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it allows; repeatable")] = None,
    expires_in: Annotated[str, typer.Option(help="How long: 12h, 90d or 52w")] = "90d",
    revoke: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Delete the member's token of this hash")
    ] = None,
) -> None:
    """Mint an access token and print it, this once, or revoke one; the table has its hash alone."""
    token = token_urlsafe(_TOKEN_BYTES)
    digest = sha256(token.encode()).hexdigest() if revoke is None else revoke
    expires_at = datetime.now(UTC) + _duration(expires_in)
    if not scope and revoke is None:
        raise typer.BadParameter("is required", param_hint="--scope")
    fields = {
        "enterprise": enterprise,
        "credentialSha256": digest,
        "memberId": member,
        "scopes": scope or list(Scope),
        "expiresAt": int(expires_at.timestamp()),
    }
    try:
        (record,) = read_state(json.dumps(fields))
        if revoke is not None:
            _table(table).delete_item(
                Key=record.key, ConditionExpression=Attr("memberId").eq(member)
            )
            typer.echo("The token is revoked.", err=True)
            return
        _table(table).put_item(Item=record.item)
    except BadState as error:
        raise _failure(*error.args) from None
    except (BotoCoreError, ClientError) as error:
        raise _failure(_reason(error, table)) from None
    typer.echo(token)
    tools = [sys.executable, "-m", "tools"]
    again = [*tools, "credential", "--table", table, "--revoke", digest, "--", enterprise, member]
    typer.echo(
        f"It is valid until {expires_at:%Y-%m-%d %H:%M} UTC. To revoke it:\n{shlex.join(again)}",
        err=True,
    )


def _duration(text: str) -> timedelta:
    if match := re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text, re.ASCII):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise typer.BadParameter(f"{text} is none of 12h, 90d, 52w", param_hint="--expires-in")


def _table(name: str) -> "Table":
    retries: _RetryDict = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries=retries)
    try:
        return boto3.resource("dynamodb", config=config).Table(name)
    except (BotoCoreError, ValueError) as error:
        raise _failure(_reason(error)) from None


def _reason(error: BaseException, table: str = "") -> str:
    if isinstance(error, NoRegionError):
        return "No AWS region is set: set AWS_DEFAULT_REGION."
    if isinstance(error, NoCredentialsError):
        return "No AWS credentials are there: set AWS_PROFILE, or sign in with the AWS CLI."
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return {
        "ResourceNotFoundException": f"There is no table {table} in this account and region.",
        "ConditionalCheckFailedException": "That member has no token of this hash.",
    }.get(code, str(error) or "Interrupted.")


def _failure(*lines: str) -> typer.Exit:
    for line in lines:
        typer.echo(line, err=True)
    return typer.Exit(1)
