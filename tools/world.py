"""The sample world: an embedded DynamoDB, with template.yaml's table and events/state.json in it."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Thread
from typing import TYPE_CHECKING, override
from unittest.mock import patch

import boto3
import requests
from moto import mock_aws
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tools.sample import EVENTS, REGION, TABLE_NAME, item
from tools.template import template

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from mypy_boto3_dynamodb import DynamoDBClient


@contextmanager
def sample_world(*, with_state: bool = True) -> Iterator["DynamoDBClient"]:
    """An embedded DynamoDB and the environment that points the handler at it. The end undoes both."""
    with aws_environment(TABLE_NAME=TABLE_NAME), mock_aws():
        client = boto3.client("dynamodb")
        create_table(client)
        if with_state:
            load_sample_state(client)
        yield client


@contextmanager
def aws_environment(**variables: str) -> Iterator[None]:
    """Sets variables and hides the caller's AWS settings inside the `with` block.

    Another endpoint or profile would lead out of the embedded DynamoDB.
    """
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    own = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    with patch.dict(os.environ, others | own | variables, clear=True):
        yield


@contextmanager
def dynamodb_server(host: str, port: int) -> Iterator[str]:
    """Serves the sample world in DynamoDB's protocol on a port (0: any free one). Yields its URL.

    It takes any credentials and region.
    """
    with sample_world(), listening(_dynamodb, host, port) as url:
        yield url


@Request.application
def _dynamodb(request: Request) -> Response:
    names = ("Authorization", "Content-Type", "X-Amz-Target")
    headers = {name: request.headers.get(name, "") for name in names}
    # A browser adds an Origin to each POST of a web page.
    if "Origin" in request.headers or not headers["X-Amz-Target"].startswith("DynamoDB_20120810."):
        return Response("This server takes DynamoDB requests only, and not from web pages.\n", 403)
    # moto answers in place of AWS.
    url = f"https://dynamodb.{REGION}.amazonaws.com/"
    answer = requests.post(url, data=request.get_data(), headers=headers, timeout=60)
    return Response(answer.content, answer.status_code, dict(answer.headers))


class _RequestHandler(WSGIRequestHandler):
    """werkzeug's handler. It hands on the target and the headers as sent.

    `http.server` joins the slashes that a target begins with, and WSGI the headers that come twice.
    """

    @override
    def make_environ(self) -> "WSGIEnvironment":
        target = self.requestline.split()[1]
        return super().make_environ() | {"RAW_URI": target, "headers": self.headers.items()}


@contextmanager
def listening(app: "WSGIApplication", host: str, port: int) -> Iterator[str]:
    """Serves an application over HTTP on a port (0: any free one). Yields its URL.

    Ends the process, with a sentence, if the port is taken.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
    server = make_server(host, port, app, threaded=True, request_handler=_RequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
    finally:
        server.shutdown()


def create_table(client: "DynamoDBClient") -> None:
    """Creates the table `TABLE_NAME` as template.yaml's `StateTable` describes it, and waits until it exists."""
    properties = template()["Resources"]["StateTable"]["Properties"]
    client.create_table(
        TableName=TABLE_NAME,
        **{name: properties[name] for name in ("AttributeDefinitions", "BillingMode", "KeySchema")},
    )
    client.get_waiter("table_exists").wait(TableName=TABLE_NAME, WaiterConfig={"Delay": 1})


def load_sample_state(client: "DynamoDBClient") -> None:
    """Writes events/state.json, as it is: one of its records is invalid on purpose."""
    for record in json.loads((EVENTS / "state.json").read_bytes(), parse_float=Decimal):
        client.put_item(TableName=TABLE_NAME, Item=item(record))
