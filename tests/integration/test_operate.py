"""`python -m tools load` and `credential`: what operators do to a table."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer

from handlers.state import credential_key
from tests.support.calls import ask
from tests.support.dynamodb import dynamodb_answering, embedded_dynamodb, stalls
from tools import operate
from tools.state_file import BadState, read_state
from tools.world import ENTERPRISE_ID, EVENTS, ROOT, TABLE_NAME, TOKEN, aws_environment

READ, WRITE = "settlement_network_read", "settlement_network_write"
ZENITH_TOKEN = "token-of-zenith"  # noqa: S105 -- of no world but the tests'
HASH = sha256(ZENITH_TOKEN.encode()).hexdigest()
TRADER = sha256(TOKEN.encode()).hexdigest()
LICENSE: dict[str, Any] = {"enterprise": "zenith", "license": "OES", "status": "active"}
CREDENTIAL: dict[str, Any] = {
    "enterprise": "zenith",
    "credentialSha256": HASH,
    "memberId": "trader",
    "scopes": [READ],
    "expiresAt": 4102444800,
}
CONNECTION: dict[str, Any] = {
    "enterprise": "zenith",
    "connection": "2E0F8A1C-0001-4000-8000-000000000001",
    "active": True,
    "currencies": ["BTC"],
    "partnerId": "northwind-exchange",
    "name": "Northwind Exchange",
}


def lines(*records: dict[str, Any]) -> str:
    return "\n".join(json.dumps(record) for record in records)


def faults(text: str) -> list[str]:
    with pytest.raises(BadState) as caught:
        read_state(text)
    return list(caught.value.args)


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        pytest.param("1", "is no JSON object", id="no object"),
        pytest.param("{", "is no JSON object", id="no JSON"),
        pytest.param("{} {}", "is no JSON object", id="two on a line"),
        pytest.param('{"license": "OES", "license": "OES"}', "license: ", id="a field twice"),
        pytest.param(CONNECTION | {"currencies": [["BTC"]]}, "currencies: ", id="a list in a list"),
        pytest.param(
            '{"enterprise": "z", "license": "OES", "status": "active", "expiresAt": 1e-200}',
            "that is not whole",
            id="a number that DynamoDB does not take",
        ),
        pytest.param(LICENSE | {"expiresAt": -1}, "expiresAt: ", id="a time before 1970"),
        pytest.param(LICENSE | {"expiresAt": 10**4000}, "expiresAt: ", id="thousands of digits"),
        pytest.param(LICENSE | {"expiresAt": float("nan")}, "expiresAt: ", id="not a number"),
        pytest.param(100_000 * "[", "nested too deep", id="deep nesting"),
        pytest.param(LICENSE | {"\ud800": 1}, "a name: ", id="a name that is no text"),
        pytest.param(
            CONNECTION | {"name": 400 * 1024 * "n"}, "is an item of 4", id="more than 400 KB"
        ),
        pytest.param({"enterprise": "zenith"}, "must have one of", id="no kind"),
        pytest.param(
            {"enterprise": "zenith", "credential": "a token", "memberId": "m", "scopes": [READ]},
            "never a token",
            id="a token itself",
        ),
        pytest.param(LICENSE | {"enterprise": ""}, "enterprise: ", id="no enterprise"),
        pytest.param(LICENSE | {"license": "MiCA"}, "license: ", id="another licence"),
        pytest.param(LICENSE | {"status": "actve"}, "status: ", id="an unknown status"),
        pytest.param(LICENSE | {"expiresAt": "2030"}, "expiresAt: ", id="a date as text"),
        pytest.param(LICENSE | {"expiresAt": 4102444800000}, "253402300799", id="milliseconds"),
        pytest.param(LICENSE | {"expiersAt": 4102444800}, "expiersAt: ", id="a misspelt field"),
        pytest.param(
            CREDENTIAL | {"credentialSha256": HASH.upper()}, "credentialSha256: ", id="no hash"
        ),
        pytest.param(CREDENTIAL | {"scopes": []}, "scopes: ", id="no scope"),
        pytest.param(CREDENTIAL | {"scopes": READ}, "scopes: ", id="a scope that is no list"),
        pytest.param(CREDENTIAL | {"connection": "1"}, "connection: ", id="two kinds"),
        pytest.param(CONNECTION | {"connection": "north"}, "connection: ", id="no UUID"),
        pytest.param(CONNECTION | {"active": "yes"}, "active: ", id="a text as a flag"),
    ],
)
def test_a_record_that_is_off_is_named_by_its_line_and_field(
    record: str | dict[str, Any], fault: str
) -> None:
    written = record if isinstance(record, str) else json.dumps(record)
    (found,) = faults(f"[\n{json.dumps(LICENSE)},\n{written}\n]")
    assert found.startswith("line 3: ")
    assert fault in found


def test_a_record_that_is_there_twice_is_off() -> None:
    assert faults(lines(CONNECTION, LICENSE, CONNECTION)) == [
        "line 3: is the same record as line 1"
    ]


def test_all_records_that_are_off_are_named_at_once() -> None:
    assert len(faults(lines({}, LICENSE, {}))) == 2


ONE_A_LINE = {
    "an array on one line": json.dumps([LICENSE, CONNECTION]),
    "an array on many lines": json.dumps([LICENSE, CONNECTION], indent=2),
    "a record on many lines": json.dumps(LICENSE, indent=2),
    "an array in an array": f"[\n[{json.dumps(LICENSE)}]\n]",
    "two records on a line": f"{json.dumps(LICENSE)} {json.dumps(CONNECTION)}",
    "a line that is no JSON": f"{json.dumps(LICENSE)}\nzenith",
}


@pytest.mark.parametrize("text", ONE_A_LINE.values(), ids=ONE_A_LINE)
def test_a_file_without_one_record_a_line_is_told_so_once(text: str) -> None:
    (fault,) = faults(text)
    assert "is no JSON object" in fault
    assert fault.endswith("write one record a line")


@pytest.mark.parametrize("text", ["", "\n", "[]", "[\n]", " \r\n"])
def test_a_file_without_a_record_is_off(text: str) -> None:
    assert faults(text) == ["there is no record in it"]


def test_an_item_of_400_kb_is_not_too_large() -> None:
    (record,) = read_state(json.dumps(CONNECTION))
    size = sum(
        len(each) for text in record.item.items() for each in text if isinstance(each, str)
    ) + len("BTC" + "x")  # the one currency, and a byte for the truth value
    full = "n" * (400 * 1024 - size + len(CONNECTION["name"]))
    assert read_state(json.dumps(CONNECTION | {"name": full}))
    (fault,) = faults(json.dumps(CONNECTION | {"name": full + "n"}))
    assert fault == "line 1: is an item of 409601 bytes, and DynamoDB takes 409600"


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[dict[str, str]]:
    with embedded_dynamodb() as environment:
        yield environment


@pytest.fixture
def in_its_world(dynamodb: dict[str, str]) -> Iterator[None]:
    """Points the tools and the function at one table, that is not the other tests'."""
    with aws_environment(**dynamodb):
        yield


def run(*words: str | Path, table: str = TABLE_NAME) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", "tools", words[0], "--table", table, *words[1:]],
        capture_output=True,
        text=True,
        check=False,
    )


def mint(*words: str) -> subprocess.CompletedProcess[str]:
    return run("credential", ENTERPRISE_ID, "trader", *words)


def as_zenith() -> str:
    return ask(
        "GET", enterprise_id="zenith", connection_id=CONNECTION["connection"], token=ZENITH_TOKEN
    ).name


@pytest.mark.usefixtures("in_its_world")
def test_what_was_loaded_counts_until_it_is_revoked(tmp_path: Path) -> None:
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE, CREDENTIAL, CONNECTION))
    assert as_zenith() == "NotAMember"
    assert run("load", file).returncode == 0
    assert as_zenith() == ""
    assert run("load", file, "--revoke").returncode == 0
    assert as_zenith() == "NotAMember"


@pytest.mark.usefixtures("in_its_world")
def test_nothing_is_written_if_a_record_is_off(tmp_path: Path) -> None:
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE, CREDENTIAL, CONNECTION | {"active": "yes"}))
    ran = run("load", file)
    assert ran.returncode == 1
    assert f"{file}, line 3: ConnectionRecord: active: " in ran.stderr
    assert as_zenith() == "NotAMember"


def test_a_file_with_a_token_in_it_such_as_the_sample_state_is_not_loaded() -> None:
    ran = run("load", EVENTS / "state.json")
    assert ran.returncode == 1
    assert "line 3: must have one of" in ran.stderr


@pytest.mark.usefixtures("in_its_world")
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_as_windows_writes_it_is_loaded(tmp_path: Path, line_end: str) -> None:
    file = tmp_path / "zenith.json"
    text = lines(LICENSE, CREDENTIAL, CONNECTION).replace("\n", line_end)
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())  # a byte order mark
    ran = run("load", file)
    assert (ran.returncode, ran.stderr) == (0, "Records written: 3.\n")
    run("load", file, "--revoke")


@pytest.mark.usefixtures("in_its_world")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no record in it"),
        (json.dumps([LICENSE, CONNECTION]).encode(), "one record a line"),
        ("é".encode("latin-1"), "utf-8"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "zenith.json"
    file.write_bytes(content)
    ran = run("load", file)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert str(file) in ran.stderr
    assert "Traceback" not in ran.stderr


def test_of_many_faults_twenty_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "zenith.json"
    file.write_text(lines(*(100 * [{}])))
    shown = run("load", file).stderr.splitlines()
    assert [f"line {number}:" in line for number, line in enumerate(shown[:20], 1)] == 20 * [True]
    assert shown[20:] == ["These are 20 of 100 faults.", "Nothing was done."]


def test_records_are_written_in_batches_until_none_is_left_unprocessed(
    tmp_path: Path, in_its_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del in_its_world
    file = tmp_path / "zenith.json"
    records = [CONNECTION | {"connection": f"2e0f8a1c-0001-4000-8000-{n:012}"} for n in range(60)]
    file.write_text(lines(*records))
    (last,) = read_state(lines(records[24]))
    left = {"PutRequest": {"Item": {name: {"S": value} for name, value in last.key.items()}}}
    unprocessed = {"UnprocessedItems": {TABLE_NAME: [left]}}
    done: dict[str, Any] = {"UnprocessedItems": {}}
    with dynamodb_answering([(200, unprocessed), (200, done)], monkeypatch) as asked:
        ran = run("load", file)
    assert (ran.returncode, ran.stderr) == (0, "Records written: 60.\n")
    batches = [each["RequestItems"][TABLE_NAME] for each in asked]
    assert [len(batch) for batch in batches] == [25, 25, 11]
    assert batches[1][0] == left


def test_a_load_that_breaks_off_can_be_run_again(
    tmp_path: Path, in_its_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del in_its_world
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE, CREDENTIAL, CONNECTION))
    denied = {"__type": "AccessDeniedException", "message": "not yours"}
    with dynamodb_answering([(400, denied)], monkeypatch):
        ran = run("load", file)
    assert ran.returncode == 1
    assert "not yours" in ran.stderr
    assert "To run it all again does no harm." in ran.stderr


def test_a_silent_endpoint_is_given_up(
    tmp_path: Path,
    in_its_world: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del in_its_world
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE))
    monkeypatch.setattr(operate, "TIMEOUT", 0.1)
    with dynamodb_answering([stalls(b"")], monkeypatch) as asked, pytest.raises(typer.Exit):
        operate.load(file, TABLE_NAME)
    assert "Read timeout" in capsys.readouterr().err
    assert len(asked) == operate.ATTEMPTS


@pytest.mark.usefixtures("in_its_world")
def test_a_minted_token_counts_until_the_command_that_it_came_with_revokes_it() -> None:
    minted = mint("--scope", READ, "--expires-in", "12h")
    token = minted.stdout.strip()
    assert ask("GET", token=token).status == 200
    assert ask("POST", token=token).name == "InsufficientScope"
    command = minted.stderr.splitlines()[-1]
    subprocess.run(shlex.split(command), check=True)  # noqa: S603 -- its own words
    assert ask("GET", token=token).name == "NotAMember"


@pytest.mark.usefixtures("in_its_world")
def test_the_tools_reach_the_local_database_as_the_document_shows(dynamodb: dict[str, str]) -> None:
    document = (ROOT / "docs" / "local.md").read_text()
    (shown,) = re.findall(r"^```sh\n(export .*?)^```", document, re.MULTILINE | re.DOTALL)
    commands = shown.replace("http://127.0.0.1:8000", dynamodb["AWS_ENDPOINT_URL_DYNAMODB"])
    minted = subprocess.run(  # noqa: S603 -- the document's own words
        ["bash", "-c", commands.replace(".venv/bin/python", sys.executable)],  # noqa: S607 -- any
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert ask("GET", token=minted.stdout.strip()).status == 200


@pytest.mark.usefixtures("in_its_world")
def test_the_command_that_revokes_a_token_serves_names_that_begin_with_a_dash() -> None:
    minted = run("credential", "--scope", READ, "--", "-zenith", "-trader")
    command = minted.stderr.splitlines()[-1]
    ran = subprocess.run(shlex.split(command), check=False)  # noqa: S603 -- its own words
    assert ran.returncode == 0


def test_a_minted_token_has_256_bits_and_the_table_gets_its_hash_alone(
    in_its_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del in_its_world
    with dynamodb_answering([(200, {})], monkeypatch) as asked:
        token = mint("--scope", READ, "--scope", WRITE, "--expires-in", "2w").stdout.strip()
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    (stored,) = asked
    assert stored["Item"]["sk"] == {"S": credential_key(token)}
    assert sorted(stored["Item"]["scopes"]["SS"]) == [READ, WRITE]
    assert token not in json.dumps(stored)
    left = int(stored["Item"]["expiresAt"]["N"]) - time.time()
    assert timedelta(days=13) < timedelta(seconds=left) <= timedelta(days=14)


@pytest.mark.usefixtures("in_its_world")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["load", "no-such-file.json"], "no-such-file.json"),
        (["credential", ENTERPRISE_ID, "trader"], "--scope"),
        (["credential", ENTERPRISE_ID, "trader", "--scope", "admin"], "--scope"),
        (["credential", ENTERPRISE_ID, "trader", "--scope", READ, "--expires-in", "1y"], "1y"),
        (["credential", ENTERPRISE_ID, "trader", "--scope", READ, "--expires-in", "0h"], "0h"),
        (["credential", "", "trader", "--scope", READ], "enterprise: "),
        (["credential", ENTERPRISE_ID, "trader", "--revoke", "", "--scope", READ], "Sha256: "),
        (["credential", ENTERPRISE_ID, "trader", "--revoke", HASH], "no token of this hash"),
        (["credential", ENTERPRISE_ID, "other", "--revoke", TRADER], "no token of this hash"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: list[str], said: str) -> None:
    ran = run(*words)
    assert ran.returncode in (1, 2)
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.usefixtures("in_its_world")
def test_a_table_that_is_not_there_is_named() -> None:
    ran = run("credential", ENTERPRISE_ID, "trader", "--scope", READ, table="elsewhere")
    assert "There is no table elsewhere" in ran.stderr
    assert (ran.returncode, ran.stdout) == (1, "")


@pytest.mark.usefixtures("in_its_world")
def test_an_endpoint_that_is_no_url_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "nowhere")
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE))
    ran = run("load", file)
    assert "Invalid endpoint: nowhere" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 1


@pytest.mark.usefixtures("in_its_world")
@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "No AWS credentials"),
        (["AWS_SECRET_ACCESS_KEY"], "AWS_SECRET_ACCESS_KEY"),
        (["AWS_DEFAULT_REGION"], "No AWS region"),
    ],
)
def test_what_aws_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: list[str], said: str
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "zenith.json"
    file.write_text(lines(LICENSE))
    ran = run("load", file)
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 1
