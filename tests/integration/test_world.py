"""The embedded DynamoDB of `replay`, `serve`, `dynamodb` and the tests: nothing leads out of it."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from socket import create_server

import pytest
import urllib3
from werkzeug.wrappers import Response

from tests.support.dynamodb import embedded_dynamodb
from tests.support.needs import needs
from tests.support.processes import python, tool
from tests.support.shell import run_as_shown
from tools.world import listening

SETTINGS = {
    "endpoints everywhere": """
        HTTP_PROXY={url} AWS_ENDPOINT_URL={url} AWS_ENDPOINT_URL_DYNAMODB={url}
        AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false AWS_PROFILE=x
        AWS_CONFIG_FILE={home}/.aws/config AWS_SHARED_CREDENTIALS_FILE={home}/.aws/config""",
    "a profile that is not there, and what the home directory says": """
        HOME={home} AWS_PROFILE=absent AWS_DEFAULT_PROFILE=absent
        AWS_ACCOUNT_ID=123456789012 AWS_ACCOUNT_ID_ENDPOINT_MODE=required
        AWS_REGION=us-east-1 AWS_USE_DUALSTACK_ENDPOINT=true AWS_USE_FIPS_ENDPOINT=true""",
}
DYNAMODB = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/x/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=x",
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
}
EVERYTHING = """
from tools.world import dynamodb_server
with dynamodb_server("127.0.0.1", 0):
    pass
from tools.__main__ import cli
cli()
"""


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_setting_of_aws_leads_out_of_it(tmp_path: Path, settings: str) -> None:
    with create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        config = tmp_path / ".aws" / "config"
        config.parent.mkdir()
        config.write_text(f"[default]\nendpoint_url={url}\n[profile x]\nendpoint_url={url}\n")
        words = settings.format(url=url, home=tmp_path).split()
        environment = dict(word.split("=", 1) for word in words)
        # What leaves for AWS itself leaves by the proxy.
        ran = python(
            "-c", EVERYTHING, "replay", env=os.environ | {"HTTPS_PROXY": url} | environment
        )
        elsewhere.settimeout(0)
        with pytest.raises(BlockingIOError):  # nobody has asked
            elsewhere.accept()
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[dict[str, str]]:
    """The environment of `make dynamodb`, which runs."""
    with embedded_dynamodb() as environment:
        yield environment


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/", {}, 200),
        ("POST", "/", {"Origin": "https://evil.example"}, 403),
        ("OPTIONS", "/", {"Origin": "https://evil.example"}, 403),
        ("POST", "/moto-api/reset", {"X-Amz-Target": ""}, 403),
        ("GET", "/moto-api/data.json", {"X-Amz-Target": ""}, 403),
        ("POST", "/", {"X-Amz-Target": "DynamoDBStreams_20120810.ListStreams"}, 403),
        ("GET", "/2015-03-31/functions/", {"X-Amz-Target": ""}, 403),
    ],
    ids=[
        "DynamoDB",
        "DynamoDB, from a web page",
        "a web page asks first",
        "moto's reset",
        "moto's data",
        "DynamoDB Streams",
        "Lambda",
    ],
)
def test_the_embedded_dynamodb_serves_nothing_else_and_no_web_page(
    dynamodb: dict[str, str], method: str, path: str, headers: dict[str, str], status: int
) -> None:
    url = dynamodb["AWS_ENDPOINT_URL_DYNAMODB"] + path
    answer = urllib3.request(method, url, body="{}", headers=DYNAMODB | headers, timeout=60)
    assert answer.status == status
    assert (b"StateTable" in answer.data) is (status == 200)
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_the_tools_reach_the_local_database_as_the_document_shows(
    dynamodb: dict[str, str], tmp_path: Path
) -> None:
    words = {"http://127.0.0.1:8000": dynamodb["AWS_ENDPOINT_URL_DYNAMODB"]}
    ran = run_as_shown("local.md", "export ", words=words, environment=dynamodb, folder=tmp_path)
    token = ran.stdout.splitlines()[0]
    assert f"credential {sha256(token.encode()).hexdigest()}\n" in ran.stdout
    assert "CONNECTION#6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c03: " in ran.stderr


@pytest.mark.parametrize("host", ["", "nowhere.invalid", "unix:///tmp/x", 64 * "x", "a\udce9"])
def test_an_impossible_host_is_refused_in_a_sentence(host: str) -> None:
    ran = tool("dynamodb", "--host", host)
    assert ran.exit_code == 2
    assert "is not an address or a name" in " ".join(ran.stderr.split())


def test_a_server_listens_on_an_address_of_ipv6() -> None:
    needs("IPv6")
    with listening(Response("here"), "::1", 0) as url:
        assert urllib3.request("GET", url, timeout=60).data == b"here"
    assert url.startswith("http://[::1]:")
