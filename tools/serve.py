"""The service over HTTP on this machine, and /docs, an interactive reference of openapi.yaml."""

import html
import json
import shlex
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPMethod, HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from threading import Lock, Thread
from time import time
from typing import Any, override
from urllib.parse import parse_qs
from uuid import uuid4

from aws_lambda_powertools.event_handler.openapi import swagger_ui
from werkzeug.serving import DechunkedInput

from handlers.signing import lambda_handler
from tools.openapi import OPENAPI, RESOURCE
from tools.replay import lambda_context
from tools.world import BODY, CONNECTION_ID, ENTERPRISE_ID, TOKEN

STAGE = "v1"
SWAGGER_UI = Path(swagger_ui.__file__).parent
FILES = {
    "/docs": (Path(__file__).with_name("docs.html"), "text/html; charset=utf-8"),
    "/docs/swagger-ui.css": (SWAGGER_UI / "swagger-ui.min.css", "text/css"),
    "/docs/swagger-ui-bundle.js": (SWAGGER_UI / "swagger-ui-bundle.min.js", "text/javascript"),
    "/openapi.yaml": (OPENAPI, "application/yaml"),
}


@contextmanager
def serving(port: int) -> Iterator[str]:
    """Serves the world around it on a port of this machine's own, 0 for any, and gives the URL.

    Raises `OSError` if the port is taken.
    """
    with ThreadingHTTPServer(("127.0.0.1", port), _Gateway) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


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
    method: str, target: str, headers: list[tuple[str, str]], body: bytes
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


class _Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One function serves one request at a time, in Lambda too, and its resolver relies on that.
    function = Lock()

    def answer(self) -> None:
        try:
            self.path.encode("ascii")
            body = self._body()
        except (OSError, ValueError):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if self.command == "GET" and self.path in FILES:
            self._send_file(*FILES[self.path])
            return
        event = api_gateway_event(self.command, self.path, self.headers.items(), body)
        with self.function:
            answer = lambda_handler(event, lambda_context())
        headers = [
            (name, value)
            for name, values in answer["multiValueHeaders"].items()
            for value in values
        ]
        self._send(answer["statusCode"], headers, answer["body"].encode())

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return DechunkedInput(self.rfile).read()  # type: ignore[arg-type] # -- reads like one
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _send_file(self, file: Path, content_type: str) -> None:
        content = file.read_bytes()
        if file.suffix == ".html":
            url = f"http://{self.headers['Host']}"
            page = Template(content.decode())
            content = page.substitute(curl=html.escape(sample_curl(url)), token=TOKEN).encode()
        # The page may not load anything from another host.
        policy = ("Content-Security-Policy", "default-src 'self' 'unsafe-inline' data:")
        self._send(HTTPStatus.OK, [("Content-Type", content_type), policy], content)

    def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @override
    def log_message(self, *_: object) -> None:
        """The function writes its own line."""


for _method in HTTPMethod:
    setattr(_Gateway, f"do_{_method}", _Gateway.answer)
