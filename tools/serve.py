"""The service over HTTP on this machine, and /docs, an interactive reference of openapi.yaml."""

import html
import json
import shlex
from base64 import b64encode
from collections.abc import Iterable
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from string import Template
from threading import Lock
from time import time
from traceback import print_exc
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from aws_lambda_powertools.event_handler.openapi import swagger_ui
from werkzeug.wrappers import Request, Response

from handlers.signing import lambda_handler
from tools import sample, world
from tools.template import template

OPENAPI = sample.ROOT / "openapi.yaml"
STAGE = "v1"
SWAGGER_UI = Path(swagger_ui.__file__).parent
FILES = {
    "/docs": (Path(__file__).with_name("docs.html"), "text/html; charset=utf-8"),
    "/docs/swagger-ui.css": (SWAGGER_UI / "swagger-ui.min.css", "text/css"),
    "/docs/swagger-ui-bundle.js": (SWAGGER_UI / "swagger-ui-bundle.min.js", "text/javascript"),
    "/openapi.yaml": (OPENAPI, "application/yaml"),
}

# An instance of the function serves one request at a time, in Lambda too.
_function = Lock()


def serving(port: int) -> AbstractContextManager[str]:
    """Serves the active sample world on a port of this machine (0: any free one). Yields its URL."""
    return world.listening(_gateway, "127.0.0.1", port)


def sample_curl(url: str) -> str:
    """A command that asks for a payload in the sample world, to be pasted into a shell."""
    path = sample.RESOURCE.format(
        enterpriseId=sample.ENTERPRISE_ID, connectionId=sample.CONNECTION_ID
    )
    return (
        f'curl --request GET "{url}{path}" \\\n'
        f'  --header "Authorization: Bearer {sample.TOKEN}" \\\n'
        f'  --header "Content-Type: application/json" \\\n'
        f"  --data {shlex.quote(json.dumps(sample.BODY))}"
    )


def api_gateway_event(
    method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    """The event that the REST API of template.yaml makes of a request to the signing path.

    The path and its parameters stay percent-encoded. Every body is in base64, because the API treats
    all media types as binary.
    """
    path, _, query_string = target.partition("?")
    ids = path.split("/")[5:9:3]
    query = parse_qs(query_string, keep_blank_values=True)
    many: dict[str, list[str]] = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    return {
        "resource": sample.RESOURCE,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(zip(("enterpriseId", "connectionId"), ids, strict=False)) or None,
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "path": f"/{STAGE}{path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "requestTimeEpoch": round(time() * 1000),
            "resourcePath": sample.RESOURCE,
            "stage": STAGE,
        },
        "body": b64encode(body).decode() or None,
        "isBase64Encoded": bool(body),
    }


@Request.application
def _gateway(request: Request) -> Response:
    target = request.environ["RAW_URI"]
    if request.method == "GET" and (file := FILES.get(target.rstrip("/"))):
        return _file(*file, request.host_url.rstrip("/"))
    event = api_gateway_event(
        request.method, target, request.environ["headers"], request.get_data()
    )
    try:
        with _function:
            answer = lambda_handler(event, sample.lambda_context())
    except Exception:  # noqa: BLE001 -- API Gateway has one answer for all exceptions
        print_exc()  # as Lambda logs it
        return _internal_error(event["requestContext"]["requestId"])
    return Response(answer["body"], answer["statusCode"], answer["multiValueHeaders"])


def _internal_error(request_id: str) -> Response:
    """The answer that template.yaml gives API Gateway for a function that raised."""
    response = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]["DEFAULT_5XX"]
    ((content_type, content),) = response["ResponseTemplates"].items()
    headers = {
        name: request_id if value == "context.requestId" else value.strip("'")
        for name, value in response["ResponseParameters"]["Headers"].items()
    }
    body = content.replace("$context.requestId", request_id)
    return Response(body, HTTPStatus.BAD_GATEWAY, headers, content_type=content_type)


def _file(file: Path, content_type: str, url: str) -> Response:
    content = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        content = Template(content).substitute(
            curl=html.escape(sample_curl(url)), token=sample.TOKEN
        )
    # The page may not load anything from another host.
    policy = {"Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:"}
    return Response(content, content_type=content_type, headers=policy)
