"""docs/signing.md: its recipes, its tables and the golden vectors, as a client uses them."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)
from werkzeug.wrappers import Response

from domain.deallocation import DeallocationRequest, parse_deallocation_request
from tests.support.calls import ask
from tests.support.needs import needs
from tests.support.vectors import ECDSA, REFUSED, SIGNED, VECTORS, is_high
from tools.sample import BODY, CONNECTION_ID, ENTERPRISE_ID, ROOT, TOKEN
from tools.world import listening

DOCUMENT = (ROOT / "docs" / "signing.md").read_text()
EXAMPLES: dict[str, str] = dict(
    re.findall(r"^<!-- name: (\w+) -->\n```\w+\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
)
PYTHON, SHELL, KMS = EXAMPLES["python"], EXAMPLES["shell"], EXAMPLES["kms"]
# As in a terminal, where a zsh takes no comments and an exit closes the window.
SHELLS = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}
PROGRAMS = {shell: (shell, "curl", "jq", "OpenSSL 3") for shell in SHELLS}
COMMANDS = {"python": [sys.executable], "node": ["node", "--input-type=module"]} | SHELLS
CLIENTS = {"python": PYTHON, "node": EXAMPLES["node"]} | dict.fromkeys(SHELLS, SHELL)
NONCE = '"01J9ZQ6K3M"'
REQUESTS = {
    "the sample's": {},
    "ids to be encoded": {
        ENTERPRISE_ID: "échange & fils/日本",
        CONNECTION_ID: "ec4a09e0-2b3c-4d5e-8f90-a1b2c3d4e501",
        TOKEN: "sample-token-echange",
    },
    "an id in capitals": {CONNECTION_ID: CONNECTION_ID.upper()},
    "notes that other writers escape": {
        NONCE: NONCE + r', "notes": "\u007f \\u007f \\\u007f \\ \" / < \u00e9 \u2028"'
    },
}
UNSET = "Set URL to the service and TOKEN to your access token."
NO_KEY = "Set KEY to the PEM file of your private key"
OTHER_KEY = "The key must be an Ed25519 or a secp256k1 key."


class Failure(NamedTuple):
    """What makes an example fail, and the reason that it must show."""

    reason: str
    variables: dict[str, str | None] = {}  # noqa: RUF012 -- nothing changes it
    replaced: str = ""
    by: str = ""
    clients: Iterable[str] = CLIENTS


FAILURES = {
    "no URL": Failure(UNSET, {"URL": None}),
    "no TOKEN": Failure(UNSET, {"TOKEN": None}),
    "an unknown token": Failure('"name": "NotAMember"', {"TOKEN": "unknown"}),
    "an unreachable service": Failure("127.0.0.1", {"URL": "http://127.0.0.1:1"}),
    "no KEY": Failure(NO_KEY, {"KEY": None}),
    "a missing key": Failure(NO_KEY, {"KEY": "missing.pem"}),
    "an encrypted key": Failure(NO_KEY, {"KEY": "encrypted.pem"}),
    "a key of another curve": Failure(OTHER_KEY, {"KEY": "P-256.pem"}),
    "an RSA key": Failure(OTHER_KEY, {"KEY": "RSA.pem"}),
    "a quantity with a fraction": Failure(
        '"details": [{"field": "amount.quantity", "message"', replaced='"150000000"', by='"1.5"'
    ),
    "the id .. is sent": Failure(
        '"name": "NotAMember"', replaced=ENTERPRISE_ID, by="..", clients=["python", *SHELLS]
    ),
    "the id .. is lost": Failure(
        '"name": "RouteNotFound"', replaced=ENTERPRISE_ID, by="..", clients=["node"]
    ),
    "no cryptography": Failure(
        "The package cryptography is missing.",
        by="import sys; sys.modules['cryptography'] = None\n",
        clients=["python"],
    ),
    "an old Node": Failure(
        "Node 18 or newer is needed.", by="delete globalThis.fetch;\n", clients=["node"]
    ),
    "LibreSSL": Failure(
        "OpenSSL 3 or newer is needed.", by="openssl() { echo LibreSSL 3; }\n", clients=SHELLS
    ),
} | {
    f"no {program}": Failure(
        f"{program} is missing.", by=f"ln -s $(command -v {others}) .; PATH=.\n", clients=SHELLS
    )
    for program, others in {"curl": "jq", "jq": "curl", "openssl": "curl jq"}.items()
}
OTHER_PAYLOADS = {
    "another quantity": ("150000000", "950000000"),
    "another order": (
        '"currency":"BTC","quantity":"150000000"',
        '"quantity":"150000000","currency":"BTC"',
    ),
    "a name given twice": ('{"amount"', '{"nonce":"1","amount"'),
}
KEYS: dict[str, Callable[[], Any]] = {
    "ed25519.pem": ed25519.Ed25519PrivateKey.generate,
    "secp256k1.pem": lambda: ec.generate_private_key(ec.SECP256K1()),
    "P-256.pem": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA.pem": lambda: rsa.generate_private_key(65_537, 2_048),
    "encrypted.pem": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    """A private key of each kind, by the name of its file."""
    return {name: generate() for name, generate in KEYS.items()}


@pytest.fixture
def folder(keys: dict[str, Any], tmp_path: Path) -> Path:
    """A folder with a file for each key."""
    for name, key in keys.items():
        encryption = BestAvailableEncryption(b"1") if name == "encrypted.pem" else NoEncryption()
        file = tmp_path / name
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return tmp_path


def run(
    client: str, example: str, directory: Path, **variables: str | None
) -> subprocess.CompletedProcess[str]:
    """Runs an example. A variable of None is not set."""
    needs(*PROGRAMS.get(client, ()))
    folders = {"HOME": str(directory), "TMPDIR": str(directory), "HISTFILE": ""}
    settings = {"TOKEN": TOKEN, "KEY": "ed25519.pem"}
    environment = os.environ | folders | settings | variables
    return subprocess.run(  # noqa: S603 -- the document's own words
        COMMANDS[client],
        input=example,
        cwd=directory,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # or an interactive shell takes the terminal that the tests run in
    )


def assert_it_fails(
    reason: str, client: str, example: str, directory: Path, **variables: str | None
) -> None:
    """The example shows the reason without a stack, prints no signature and leaves no folder."""
    ran = run(client, example, directory, **variables)
    assert ran.returncode
    assert reason in ran.stderr
    assert not re.search(r"Traceback|^ +at ", ran.stderr, re.MULTILINE)
    assert "signature" not in ran.stdout
    assert not [path for path in directory.iterdir() if path.is_dir()]


def members_of(vector: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    request = vector["request"]
    ids = {"enterpriseId": request["enterpriseId"], "connectionId": request["connectionId"].lower()}
    return ids, request["body"]


def deallocation_of(example: str, printed: str) -> DeallocationRequest:
    """The request for a deallocation whose body an example printed, with the example's ids."""
    enterprise_id, connection_id = re.findall(r'\b(?:enterprise|connection)Id"?: "(.*?)"', example)
    body = printed[printed.index("{") : printed.rindex("}") + 1]
    return parse_deallocation_request(enterprise_id, connection_id, body.encode())


def test_each_code_block_has_a_name() -> None:
    assert len(re.findall(r"^```\w", DOCUMENT, re.MULTILINE)) == len(EXAMPLES)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_recipe_signs_with_a_low_s(
    client: str, request_: str, url: str, keys: dict[str, Any], folder: Path
) -> None:
    example = CLIENTS[client]
    for value, other in REQUESTS[request_].items():
        example = example.replace(value, other)
    variables = {"URL": url, "KEY": "secp256k1.pem", "TOKEN": REQUESTS[request_].get(TOKEN, TOKEN)}
    ran = run(client, example, folder, **variables)
    assert ran.returncode == 0, ran.stderr
    request = deallocation_of(example, ran.stdout)
    signature = b64decode(request.signature)
    assert not is_high(signature)
    public_key = keys["secp256k1.pem"].public_key()
    public_key.verify(signature, request.payload.encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recipe_signs_with_ed25519_and_changes_no_file(
    client: str, url: str, keys: dict[str, Any], folder: Path
) -> None:
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    ran = run(client, CLIENTS[client], folder, URL=url)
    assert ran.returncode == 0, ran.stderr
    request = deallocation_of(CLIENTS[client], ran.stdout)
    public_key = keys["ed25519.pem"].public_key()
    public_key.verify(b64decode(request.signature), request.payload.encode())
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_that_makes_a_key_keeps_one_that_exists(shell: str, tmp_path: Path) -> None:
    assert run(shell, EXAMPLES["settings"], tmp_path).returncode == 0
    key = tmp_path / "key.pem"
    made = key.read_bytes()
    assert isinstance(load_pem_private_key(made, password=None), ed25519.Ed25519PrivateKey)
    assert key.stat().st_mode & 0o777 == 0o600
    assert run(shell, EXAMPLES["settings"], tmp_path).returncode == 0
    assert key.read_bytes() == made


@pytest.mark.parametrize(
    ("client", "failure"),
    [
        pytest.param(client, failure, id=f"{client}-{name}")
        for name, failure in FAILURES.items()
        for client in failure.clients
    ],
)
def test_a_recipe_says_why_it_signs_nothing(
    client: str, failure: Failure, url: str, folder: Path
) -> None:
    example = CLIENTS[client].replace(failure.replaced, failure.by, 1)
    assert_it_fails(failure.reason, client, example, folder, **({"URL": url} | failure.variables))


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("other", OTHER_PAYLOADS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_recipe_signs_no_other_payload(client: str, other: str, folder: Path) -> None:
    reason = "The payload is not the expected one. Nothing was signed."
    payload = ask().body["payload"].replace(*OTHER_PAYLOADS[other])
    with listening(Response(json.dumps({"payload": payload})), "127.0.0.1", 0) as url:
        assert_it_fails(reason, client, CLIENTS[client], folder, URL=url)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_failure_does_not_close_the_terminal(shell: str, tmp_path: Path) -> None:
    ran = run(shell, SHELL + "echo The terminal is open.\n", tmp_path, URL=None)
    assert "The terminal is open." in ran.stdout


def test_the_shell_rebuilds_the_golden_payloads(tmp_path: Path) -> None:
    (rebuild,) = re.findall(
        r"^ *(jq [^\n]*--sort-keys.*?cmp - )\"\$work/payload\"", SHELL, re.MULTILINE | re.DOTALL
    )
    lines = []
    for number, vector in enumerate(VECTORS):
        (tmp_path / str(number)).write_text(vector["payload"])
        ids, body = (shlex.quote(json.dumps(part)) for part in members_of(vector))
        lines.append(f"ids={ids}; body={body}; {rebuild}{number} || exit")
    (tmp_path / "script").write_text("\n".join(lines))
    ran = run("zsh", ". ./script && echo All are the same.\n", tmp_path)
    assert "All are the same." in ran.stdout, ran.stdout


def test_python_rebuilds_the_golden_payloads() -> None:
    (expression,) = re.findall(r"^expected = (.*)$", PYTHON, re.MULTILINE)
    for vector in VECTORS:
        ids, body = members_of(vector)
        rebuilt = eval(expression, {"json": json, "ids": ids, "body": body})  # noqa: S307 -- the document's own words
        assert rebuilt == vector["payload"]


def test_other_implementations_in_another_language_give_the_golden_payloads(tmp_path: Path) -> None:
    needs("tests/node_modules")
    ran = run("node", f'import "{ROOT}/tests/vectors.mjs";', tmp_path)
    message = f"{len(VECTORS)} payloads are the same, {len(SIGNED)} signatures verify.\n"
    assert ran.stdout == message, ran.stderr


def test_kms_signs_the_digest_of_the_payload(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", url)
    monkeypatch.setenv("TOKEN", TOKEN)
    session = boto3.Session()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    kms = boto3.client("kms")
    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    example = PYTHON.partition('try:\n    with open(os.environ["KEY"]')[0] + KMS
    with pytest.raises(SystemExit, match="KMS did not sign"):
        exec(example, {})  # noqa: S102 -- the document's own words
    kms.create_alias(AliasName="alias/deallocation-signing", TargetKeyId=key)
    requests: list[dict[str, Any]] = []
    event = "provide-client-params.kms.Sign"
    session.events.register(event, lambda params, **_: requests.append(params))
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 -- likewise
    digest = names["sha256"](ask().body["payload"].encode()).digest()
    algorithm = {"MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    assert requests == [algorithm | {"KeyId": "alias/deallocation-signing", "Message": digest}]
    public_key = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    # moto hashes the digest too. AWS KMS does not.
    public_key.verify(names["signature"], digest, ec.ECDSA(names["hashes"].SHA256()))
    for _ in range(8):  # half of KMS's own signatures have a high S
        exec(KMS, names)  # noqa: S102 -- likewise
        assert not is_high(names["signature"])
    low, high = (b64decode(ECDSA[high]["signature"]["base64"]) for high in (False, True))
    assert names["low_s"](high) == names["low_s"](low) == low


def test_der_and_the_numbers_r_and_s_are_converted_as_shown() -> None:
    to_der, to_numbers = re.findall(r"`(\S*utils\.encode\S+.*?|b\"\"\.join.*?)`", DOCUMENT)
    signature = ECDSA[True]["signature"]
    names: dict[str, Any] = {"utils": utils, "der": b64decode(signature["base64"])}
    names["rs"] = eval(to_numbers, names)  # noqa: S307 -- the document's own words
    assert len(names["rs"]) == 64
    assert eval(to_der, names) == names["der"]  # noqa: S307 -- likewise


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_missing_body_is_answered_as_shown(method: str) -> None:
    (detail,) = ask(method, body="").body["details"]
    assert f'`{detail["field"]}`: "{detail["message"]}"' in " ".join(DOCUMENT.split())


def test_the_body_that_is_shown_is_the_deallocation_of_a_golden_vector() -> None:
    request = parse_deallocation_request(
        ENTERPRISE_ID, CONNECTION_ID, EXAMPLES["deallocation"].encode()
    )
    shown = (request.payload, request.signature)
    assert shown in [(vector["payload"], vector["signature"]["base64"]) for vector in SIGNED]


def test_the_forms_of_a_refused_body_are_those_of_the_table() -> None:
    (rows,) = re.findall(r"^\| form .*\n\|[-|]+\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)
    forms = {next(iter(json.loads(form))) for form in re.findall(r"`(\{.*?\})`", rows)}
    bodies = [row["request"]["body"] for row in REFUSED]
    assert forms == {form for body in bodies if isinstance(body, dict) for form in body}


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    "row", [row for row in REFUSED if "overHttp" in row], ids=lambda row: row["name"]
)
def test_an_empty_id_gets_a_404_over_http(row: dict[str, Any]) -> None:
    enterprise_id, connection_id, _ = row["request"].values()
    assert ask(enterprise_id=enterprise_id, connection_id=connection_id).status == 404


@pytest.mark.usefixtures("world")
def test_the_deallocation_endpoint_checks_a_payload_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "domain", tmp_path / "deallocation_signing")
    monkeypatch.syspath_prepend(tmp_path)
    body = BODY | {"payload": ask().body["payload"], "signature": "c2lnbmF0dXJl"}
    path = {"enterprise_id": ENTERPRISE_ID, "connection_id": CONNECTION_ID}
    given: dict[str, Any] = path | {"body": json.dumps(body).encode()}
    exec(EXAMPLES["verifier"], given)  # noqa: S102 -- the document's own words
    assert given["message"] == body["payload"].encode()
    body["payload"] += " "
    with pytest.raises(import_module("deallocation_signing").PayloadMismatch):
        exec(EXAMPLES["verifier"], path | {"body": json.dumps(body).encode()})  # noqa: S102 -- likewise


def test_the_oldest_python_that_is_named_can_read_the_verifier() -> None:
    (minor,) = re.findall(r"needs Python 3\.(\d+) or newer", DOCUMENT)
    sources = "".join(path.read_text() for path in (ROOT / "domain").glob("*.py"))
    ast.parse(sources, feature_version=(3, int(minor)))
    with pytest.raises(SyntaxError):
        ast.parse(sources, feature_version=(3, int(minor) - 1))


def test_the_package_is_installed_by_the_project_s_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.findall(r'`pip install "(\S+) @ git\+https://', DOCUMENT) == [project["name"]]
