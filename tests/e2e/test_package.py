"""The package for the deallocation endpoint, as pip installs it from this repository.

`make test-artifact` runs this, and `make test` does not, because it needs the package index.
"""

import json
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.environment import CALLERS
from tests.support.processes import Ran, run
from tests.support.vectors import REFUSED, VECTORS, refused_body
from tools.sample import ROOT

READS_THE_VECTORS = """
import json
import sys
from base64 import b64decode

import deallocation_signing as package

vectors, refused = json.load(sys.stdin)
for vector in vectors:
    enterprise_id, connection_id, body = vector["request"].values()
    request = package.parse_signing_request(enterprise_id, connection_id, json.dumps(body).encode())
    assert package.signing_payload(request) == vector["payload"], vector["name"]
    written = json.dumps(body | {"payload": vector["payload"], "signature": "s"}).encode()
    package.parse_deallocation_request(enterprise_id, connection_id, written)
for row in refused:
    enterprise_id, connection_id, _ = row["request"].values()
    try:
        package.parse_signing_request(enterprise_id, connection_id, b64decode(row["body"]))
    except package.RequestError as error:
        assert str(error) == f"{row['field']} {row['message']}", row["name"]
    else:
        raise AssertionError(row["name"])
"""
USES_THE_TYPES = """
from deallocation_signing import parse_deallocation_request

request = parse_deallocation_request("enterprise", "connection", b"{}")
message: bytes = request.payload.encode()
"""


def uv(*words: str | Path) -> Ran:
    return run(find_uv_bin(), *words, env=CALLERS)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that has the package and what it needs."""
    folder = tmp_path_factory.mktemp("package")
    uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "-o", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    uv("venv", "--python", sys.executable, folder / "venv")
    python = folder / "venv/bin/python"
    uv("pip", "install", "--python", python, "-c", ROOT / "requirements/function.txt", wheel)
    return python


def test_it_brings_pydantic_and_rfc8785_and_what_they_need(python: Path) -> None:
    direct = {"deallocation-signing", "pydantic", "rfc8785"}
    of_pydantic = {"annotated-types", "pydantic-core", "typing-extensions", "typing-inspection"}
    listed = uv("pip", "list", "--python", python, "--format", "freeze").stdout
    assert {line.partition("==")[0] for line in listed.splitlines()} == direct | of_pydantic


def test_it_gives_the_golden_payloads_and_refuses_what_must_be_refused(
    python: Path, tmp_path: Path
) -> None:
    refused = [
        row | {"body": b64encode(refused_body(row["request"]["body"])).decode()} for row in REFUSED
    ]
    run(python, "-c", READS_THE_VECTORS, input=json.dumps([VECTORS, refused]), cwd=tmp_path)


def test_it_is_typed(python: Path, tmp_path: Path) -> None:
    script = tmp_path / "endpoint.py"
    for types, code in ((USES_THE_TYPES, 0), (USES_THE_TYPES.replace("bytes", "int"), 1)):
        script.write_text(types)
        words = ("-m", "mypy", "--strict", "--python-executable", python, script)
        assert run(sys.executable, *words, cwd=tmp_path, check=False).returncode == code
