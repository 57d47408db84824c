"""Servers that speak DynamoDB's protocol: one answers what a test tells it to, one has the sample world."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tools.world import REGION, ROOT, TABLE_NAME

type Script = list[tuple[int, dict[str, Any]]]
"""Status and body of each answer, in turn; the last one stays."""


@contextmanager
def dynamodb_answering(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[dict[str, Any]]]:
    """Points the function at such a server; yields the requests it gets, parsed."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = script[min(len(asked), len(script)) - 1]
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()


@contextmanager
def embedded_dynamodb() -> Iterator[dict[str, str]]:
    """What `make dynamodb` runs, on a free port; yields the environment to use it in.

    It is a process of its own, for moto has one world a process and the tests are in it.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tools", "dynamodb", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        (url,) = re.findall(r"http://\S+", server.stdout.readline())
        yield {
            "AWS_ACCESS_KEY_ID": "sample",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_DYNAMODB": url,
            "AWS_SECRET_ACCESS_KEY": "sample",
            "TABLE_NAME": TABLE_NAME,
        }
        server.terminate()
