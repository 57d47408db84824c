"""The service over HTTP on this machine, and /docs, an interactive reference of openapi.yaml."""

import html
import json
import shlex
import zlib
from base64 import b64encode
from collections.abc import Iterable
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import Path
from string import Template
from threading import Lock
from time import time
from traceback import print_exc
from typing import TYPE_CHECKING, Any, override
from urllib.parse import parse_qs
from uuid import uuid4

from aws_lambda_powertools.event_handler.openapi import swagger_ui
from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from handlers.signing import lambda_handler
from tools.world import (
    BODY,
    CONNECTION_ID,
    ENTERPRISE_ID,
    RESOURCE,
    ROOT,
    TOKEN,
    lambda_context,
    listening,
    template,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

OPENAPI = ROOT / "openapi.yaml"
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
    """Serves the world around it on a port of this machine, 0 for any free one, and gives the URL."""
    return listening(_gateway, "127.0.0.1", port, _RequestHandler)


def sample_curl(url: str) -> str:
    """A command that asks for a payload in the sample world, to be pasted into a shell."""
    path = RESOURCE.format(enterpriseId=ENTERPRISE_ID, connectionId=CONNECTION_ID)
    return (
        f'curl --request GET "{url}{path}" \\\n'
        f'  --header "Authorization: Bearer {TOKEN}" \\\n'
        f'  --header "Content-Type: application/json" \\\n'
        f"  --data {shlex.quote(json.dumps(BODY))}"
    )


def api_gateway_event(
    method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes
) -> dict[str, Any]:
    """The event that the REST API of template.yaml makes of a request to the signing path.

    The path and its parameters stay percent-encoded. Any body is handed over in base64, since all
    media types are set to be binary ones.
    """
    path, _, query_string = target.partition("?")
    query = parse_qs(query_string, keep_blank_values=True)
    many: dict[str, list[str]] = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    return {
        "resource": RESOURCE,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": _path_parameters(path),
        "stageVariables": None,
        "requestContext": {
            "httpMethod": method,
            "path": f"/{STAGE}{path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "requestTimeEpoch": round(time() * 1000),
            "resourcePath": RESOURCE,
            "stage": STAGE,
        },
        "body": b64encode(body).decode() or None,
        "isBase64Encoded": bool(body),
    }


def _path_parameters(path: str) -> dict[str, str] | None:
    names, segments = RESOURCE.split("/"), path.split("/")
    pairs = zip(names, segments, strict=False)
    return {name.strip("{}"): segment for name, segment in pairs if name.startswith("{")} or None


class _RequestHandler(WSGIRequestHandler):
    """werkzeug's handler. It hands on the target and the headers as sent.

    `http.server` joins the slashes that a target begins with, and WSGI the headers that come twice.
    """

    @override
    def make_environ(self) -> "WSGIEnvironment":
        target = self.requestline.split()[1]
        return super().make_environ() | {"RAW_URI": target, "headers": self.headers.items()}


@Request.application
def _gateway(request: Request) -> Response:
    target = request.environ["RAW_URI"]
    if request.method == "GET" and target in FILES:
        return _file(*FILES[target], request.host_url.rstrip("/"))
    if not target.isascii():
        raise BadRequest
    event = api_gateway_event(request.method, target, request.environ["headers"], _body(request))
    try:
        with _function:
            answer = lambda_handler(event, lambda_context())
    except Exception:  # noqa: BLE001 -- API Gateway answers alike, whatever the function raises
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


def _body(request: Request) -> bytes:
    if not request.headers.get("Content-Length", "0").isdecimal():
        raise BadRequest
    try:
        body = request.get_data()
    except OSError:  # broken chunks
        raise BadRequest from None
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    # As API Gateway does ("Call an API method with a compressed payload" in its developer guide).
    if encoding not in ("gzip", "deflate"):
        raise UnsupportedMediaType
    try:
        return zlib.decompress(body, zlib.MAX_WBITS | 32)  # either of the two
    except zlib.error:
        raise UnsupportedMediaType from None


def _file(file: Path, content_type: str, url: str) -> Response:
    content = file.read_text()
    if file.suffix == ".html":
        content = Template(content).substitute(curl=html.escape(sample_curl(url)), token=TOKEN)
    # The page may not load anything from another host.
    policy = {"Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:"}
    return Response(content, content_type=content_type, headers=policy)
