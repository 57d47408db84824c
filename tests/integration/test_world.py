"""The embedded DynamoDB of `replay`, `serve`, `dynamodb` and the tests: nothing leads out of it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ELSEWHERE = "http://127.0.0.1:{port}"
SETTINGS = {
    "endpoints": {
        "AWS_ENDPOINT_URL": ELSEWHERE,
        "AWS_ENDPOINT_URL_DYNAMODB": ELSEWHERE,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    },
    "a profile with an endpoint": {
        "AWS_CONFIG_FILE": "{config}",
        "AWS_PROFILE": "elsewhere",
        "AWS_SHARED_CREDENTIALS_FILE": "{config}",
    },
    "an endpoint in the home directory's configuration": {"HOME": "{home}"},
    "a proxy for HTTP": {"HTTP_PROXY": "http://127.0.0.1:{port}"},
    "a profile that is not there": {"AWS_PROFILE": "absent", "AWS_DEFAULT_PROFILE": "absent"},
    "other endpoints of AWS": {
        "AWS_ACCOUNT_ID": "123456789012",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "required",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_USE_FIPS_ENDPOINT": "true",
    },
}
EVERYTHING = """
from tools.world import dynamodb_server
with dynamodb_server("127.0.0.1", 0):
    pass
from tools.__main__ import cli
cli()
"""


@pytest.fixture
def asked() -> Iterator[tuple[list[str], int]]:
    """The requests that leave, and the port that they leave to."""
    lines: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            lines.append(self.rfile.readline().decode())

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lines, server.server_port
        server.shutdown()


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_setting_of_aws_leads_out_of_it(
    tmp_path: Path, asked: tuple[list[str], int], settings: dict[str, str]
) -> None:
    lines, port = asked
    config = tmp_path / ".aws" / "config"
    config.parent.mkdir()
    elsewhere = f"endpoint_url = http://127.0.0.1:{port}\n"
    config.write_text(f"[default]\n{elsewhere}[profile elsewhere]\n{elsewhere}")
    places = {"port": port, "config": config, "home": tmp_path}
    environment = {name: value.format(**places) for name, value in settings.items()}
    ran = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", EVERYTHING, "replay"],
        # What leaves for AWS itself leaves by the proxy.
        env={"HTTPS_PROXY": f"http://127.0.0.1:{port}"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, lines) == (0, []), ran.stderr
