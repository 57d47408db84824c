"""What operators do to a table: `load`, `delete`, `show`, `mint`, `revoke`, `revoke-all`."""

import base64
import json
import os
import re
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import SystemRandom
from signal import SIGINT
from socket import socket
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.testing import Result

from handlers.state import credential_key
from tests.support.calls import ask
from tests.support.dynamodb import dynamodb_answering, stalls, untrusted_dynamodb
from tests.support.processes import python, tool
from tools import operate
from tools.sample import ENTERPRISE_ID, EVENTS, REGION, ROOT, TABLE_NAME, TOKEN
from tools.state_file import BadState, parse_record, read_state, to_item, to_line
from tools.terminal import printable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.usefixtures("world")

READ, WRITE = "settlement_network_read", "settlement_network_write"
ZENITH_TOKEN = "token-of-zenith"  # noqa: S105 -- of no world but the tests'
HASH, TRADERS_HASH = (sha256(token.encode()).hexdigest() for token in (ZENITH_TOKEN, TOKEN))
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
    "connection": "2e0f8a1c-0001-4000-8000-000000000001",
    "active": True,
    "currencies": ["BTC"],
    "partnerId": "northwind-exchange",
    "name": "Northwind Exchange",
}
ZENITH = [LICENSE, CONNECTION, CREDENTIAL]
FAULTY_RECORDS = yaml.safe_load((ROOT / "tests/faulty_records.yaml").read_text())


def lines(*records: dict[str, Any]) -> str:
    return "\n".join(json.dumps(record) for record in records)


def faults(text: str) -> list[str]:
    with pytest.raises(BadState) as caught:
        read_state(text.splitlines())
    return caught.value.faults


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        *(pytest.param(line, fault, id=name) for name, line, fault in FAULTY_RECORDS),
        pytest.param(f'{{"license": {100_000 * "["}', "is not one JSON object", id="deep nesting"),
        pytest.param(
            json.dumps(LICENSE | {"expiresAt": 10**4000}), "at most 253402300799", id="digits"
        ),
    ],
)
def test_a_faulty_record_is_named_by_its_line_and_field(line: str, fault: str) -> None:
    (found,) = faults(f"\n{json.dumps(LICENSE)}\n{line}\n")
    assert found.startswith("line 3: ")
    assert fault in found


def test_a_json_array_is_refused_in_one_sentence() -> None:
    fault = "line 2: begins a JSON array; write one record a line, without brackets and commas"
    for text in (f"\n[{json.dumps(LICENSE)}]", f"\n[\n{json.dumps(LICENSE)},\n{{}}\n]"):
        assert faults(text) == [fault]


@pytest.mark.parametrize("text", ["", " \r\n"])
def test_a_file_without_a_record_is_refused(text: str) -> None:
    assert faults(text) == ["there is no record in it"]


def test_a_record_of_another_enterprise_is_another_record() -> None:
    assert len(read_state([lines(LICENSE), lines(LICENSE | {"enterprise": "nadir"})])) == 2


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(texts, st.sets(texts, min_size=1).map(sorted), st.integers(0, 253402300799))
def test_show_writes_the_record_that_load_read(text: str, several: list[str], time: int) -> None:
    for record in (
        LICENSE | {"enterprise": text, "expiresAt": time},
        CREDENTIAL | {"enterprise": text, "memberId": text, "scopes": several, "expiresAt": time},
        CONNECTION | {"enterprise": text, "partnerId": text, "currencies": several, "name": text},
    ):
        line = printable(to_line(to_item(parse_record(json.dumps(record)))))
        assert json.loads(line) == record
        assert line.isprintable()


def test_a_record_has_one_line_whatever_the_order_of_its_attributes() -> None:
    (line,) = read_state([lines(CREDENTIAL)])
    assert to_line(dict(reversed([*line.item.items()]))) == to_line(line.item)


@pytest.fixture
def table(world: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    """The world's table, whose records of zenith go after the test."""
    yield world
    found = world.query(
        TableName=TABLE_NAME,
        KeyConditionExpression="pk = :zenith",
        ExpressionAttributeValues={":zenith": {"S": "ENTERPRISE#zenith"}},
    )
    for item in found["Items"]:
        world.delete_item(TableName=TABLE_NAME, Key={"pk": item["pk"], "sk": item["sk"]})


def run(*words: str | Path, table: str = TABLE_NAME, **environment: str) -> Result:
    command, *others = words
    return tool(command, "--table", table, *others, **environment)


def mint(*words: str, member: str = "trader") -> Result:
    return run("mint", "zenith", member, *words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one record of each kind, as Windows writes it."""
    path = tmp_path / "zenith.json"
    path.write_bytes(b"\xef\xbb\xbf" + lines(*ZENITH).replace("\n", "\r\n").encode())
    return path


def as_zenith(token: str = ZENITH_TOKEN, method: str = "GET") -> str:
    return ask(
        method, enterprise_id="zenith", connection_id=CONNECTION["connection"], token=token
    ).name


@pytest.mark.usefixtures("table")
def test_loaded_records_count_until_they_are_deleted(file: Path) -> None:
    assert as_zenith() == "NotAMember"
    assert run("load", file).stderr == "Records written: 3.\n"
    assert as_zenith() == ""
    assert "100%" in run("load", file, FORCE_COLOR="1").stderr  # a bar, on a terminal
    assert run("delete", file).stderr == "Records deleted: 3.\n"
    assert as_zenith() == "NotAMember"


@pytest.mark.usefixtures("table")
def test_delete_names_the_lines_whose_records_did_not_exist(file: Path) -> None:
    run("load", file)
    absent = [CONNECTION | {"connection": f"2e0f8a1c-0002-4000-8000-{n:012}"} for n in range(2)]
    file.write_text(lines(absent[0], *ZENITH, absent[1]))
    ran = run("delete", file)
    assert ran.exit_code == 1
    assert ran.stderr.splitlines() == [
        "Records deleted: 3.",
        "Records not found: 2. Their lines: 1, 5.",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            lines(LICENSE, CREDENTIAL, CONNECTION | {"active": "yes"}).encode(),
            "line 3: active must be true or false",
        ),
        (b"", "there is no record in it"),
        ("é".encode("latin-1"), "is not UTF-8"),
        (lines(LICENSE).encode("utf-16"), "is not UTF-8"),
        (None, "No such file"),
        ((EVENTS / "state.json").read_bytes(), "line 1: begins a JSON array"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named(
    file: Path, content: bytes | None, message: str
) -> None:
    file.unlink() if content is None else file.write_bytes(content)
    ran = run("load", file)
    assert ran.exit_code == 1
    assert message in ran.stderr
    assert str(file) in ran.stderr
    assert "Nothing was done." in ran.stderr
    assert as_zenith() == "NotAMember"


def test_at_most_twenty_faults_are_shown_and_all_are_counted(file: Path) -> None:
    file.write_text(lines(*(100 * [{}])))
    shown = run("load", file).stderr.splitlines()
    assert [f"line {number}:" in line for number, line in enumerate(shown[:20], 1)] == 20 * [True]
    assert shown[20:] == ["These are 20 of 100 faults.", "Nothing was done."]


def unprocessed(*records: dict[str, Any]) -> dict[str, Any]:
    requests = [
        {"PutRequest": {"Item": line.item}} for line in read_state(map(json.dumps, records))
    ]
    return {"UnprocessedItems": {TABLE_NAME: requests} if requests else {}}


CONNECTIONS = [CONNECTION | {"connection": f"2e0f8a1c-0001-4000-8000-{n:012}"} for n in range(60)]
DONE: dict[str, Any] = {"UnprocessedItems": {}}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of a load, in seconds, none of which is waited for."""
    waits: list[float] = []
    monkeypatch.setattr(operate, "sleep", waits.append)
    return waits


def test_records_are_written_in_batches_until_none_is_left_unprocessed(
    file: Path, waits: list[float]
) -> None:
    file.write_text(lines(*CONNECTIONS))
    left = unprocessed(CONNECTIONS[24])
    with dynamodb_answering([(200, left), (200, DONE)]) as requests:
        ran = run("load", file)
    assert (ran.exit_code, ran.stderr) == (0, "Records written: 60.\n")
    batches = [request["RequestItems"][TABLE_NAME] for request in requests]
    assert [len(batch) for batch in batches] == [25, 1, 25, 10]
    assert batches[1] == left["UnprocessedItems"][TABLE_NAME]
    assert waits == [0.1]


def test_a_load_that_makes_no_progress_waits_longer_each_time_and_gives_up(
    file: Path, waits: list[float]
) -> None:
    file.write_text(lines(*CONNECTIONS[:30]))
    script = [(200, DONE), (200, unprocessed(*CONNECTIONS[25:29]))]
    with dynamodb_answering(script):
        ran = run("load", file)
    assert ran.exit_code == 1
    assert "At least 26 of 30 records were written. It is safe to run this again." in ran.stderr
    assert waits == [operate.FIRST_WAIT * 2**tries for tries in range(7)]
    assert waits[-1] == operate.LONGEST_WAIT


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([(400, "AccessDeniedException")], "Nothing was written."),
        ([(200, ""), (400, "AccessDeniedException")], "At least 25 of 30 records were written."),
        ([(500, "InternalServerError")], "At least 0 of 30 records were written."),
    ],
)
def test_a_load_that_fails_says_what_was_written_for_sure(
    file: Path, monkeypatch: pytest.MonkeyPatch, script: list[tuple[int, str]], message: str
) -> None:
    file.write_text(lines(*CONNECTIONS[:30]))
    monkeypatch.setattr(operate, "CONFIG", Config(retries={"total_max_attempts": 1}))
    answers = [(status, {"__type": kind} if kind else DONE) for status, kind in script]
    with dynamodb_answering(answers):
        ran = run("load", file)
    assert ran.exit_code == 1
    assert message in ran.stderr


def test_a_load_that_is_refused_at_its_second_attempt_may_have_been_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate, "CONFIG", Config(retries={"total_max_attempts": 2}))
    script = [(500, {"__type": "InternalServerError"}), (400, {"__type": "AccessDeniedException"})]
    with dynamodb_answering(script) as requests:
        ran = run("load", file)
    assert len(requests) == 2
    assert ran.exit_code == 1
    assert "Nothing was" not in ran.stderr


def test_a_server_without_a_trusted_certificate_gets_no_record(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operate, "CONFIG", Config(retries={"total_max_attempts": 1}))
    with untrusted_dynamodb() as url:
        ran = run("load", file, AWS_ENDPOINT_URL_DYNAMODB=url)
    assert ran.exit_code == 1
    assert "CERTIFICATE_VERIFY_FAILED" in ran.stderr


def test_records_go_to_the_region_s_endpoint_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    session, urls = get_session(), list[str]()

    def record(**event: Any) -> None:
        urls.append(event["request"].url)

    session.register("before-send.dynamodb", record)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(botocore_session=session))
    run("show", "zenith")
    assert urls == [f"https://dynamodb.{REGION}.amazonaws.com/"]


def test_a_silent_endpoint_is_given_up(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [vars(operate.CONFIG)[name] for name in ("connect_timeout", "read_timeout")] == [3, 3]
    quick = Config(read_timeout=0.1, retries={"total_max_attempts": 2})
    monkeypatch.setattr(operate, "CONFIG", operate.CONFIG.merge(quick))
    with dynamodb_answering([stalls(b"")]) as requests:
        ran = run("load", file)
    assert "Read timeout" in ran.stderr
    assert "At least 0 of 3 records were written." in ran.stderr
    assert len(requests) == 2


@pytest.mark.usefixtures("table")
def test_a_new_token_works_until_the_printed_command_revokes_it(file: Path) -> None:
    run("load", file)
    minted = mint("--scope", READ, "--expires-in", "12h")
    token = minted.stdout.strip()
    assert as_zenith(token) == ""
    assert as_zenith(token, "POST") == "InsufficientScope"
    python, option, package, *words = shlex.split(minted.stderr.splitlines()[-1])
    assert (Path(python).name[:6], option, package) == ("python", "-m", "tools")
    assert words[3:6] == ["--", "zenith", "trader"]  # "--", because a name may begin with a dash
    assert tool(*words).exit_code == 0
    assert as_zenith(token) == "NotAMember"


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("member", ["a b", "it's $HOME", "=ls"])
def test_the_printed_command_quotes_what_a_shell_would_change(member: str) -> None:
    command = mint("--scope", READ, member=member).stderr.splitlines()[-1]
    assert shlex.split(command)[-2] == member
    assert f" {member} " not in command
    assert tool(*shlex.split(command)[3:]).exit_code == 0


@pytest.mark.usefixtures("table")
def test_all_tokens_of_a_member_are_revoked_and_none_of_another(file: Path) -> None:
    run("load", file)
    others = mint("--scope", READ, member="other").stdout.strip()
    mint("--scope", READ, "--scope", WRITE)
    assert run("revoke-all", "zenith", "trader").stderr == "Tokens revoked: 2.\n"
    assert (as_zenith(), as_zenith(others)) == ("NotAMember", "")
    again = run("revoke-all", "zenith", "trader")
    assert (again.exit_code, again.stderr) == (1, "That member has no token.\n")


@pytest.mark.usefixtures("table")
def test_revoke_goes_on_after_a_hash_that_is_not_the_member_s(file: Path) -> None:
    run("load", file)
    tokens = [mint("--scope", READ, member=member).stdout.strip() for member in ("other", "trader")]
    others, own = (sha256(token.encode()).hexdigest() for token in tokens)
    revoked = run("revoke", "zenith", "trader", others, own, HASH)
    assert revoked.exit_code == 1
    assert revoked.stderr.splitlines() == [
        "Tokens revoked: 2.",
        f"That member has no token of this hash: {others}.",
    ]
    assert [as_zenith(token) for token in tokens] == ["", "NotAMember"]
    assert as_zenith() == "NotAMember"


@pytest.mark.parametrize(
    ("script", "sure"),
    [
        ([(400, "AccessDeniedException")], "Nothing was revoked."),
        ([(200, ""), (400, "AccessDeniedException")], "At least 1 of 2 tokens were revoked."),
        ([(500, "InternalServerError")], "At least 0 of 2 tokens were revoked."),
        (
            # Something else may have deleted the first token, such as an attempt without an answer.
            [(400, "ConditionalCheckFailedException"), (400, "AccessDeniedException")],
            "At least 0 of 2 tokens were revoked.",
        ),
    ],
)
def test_a_revocation_that_fails_says_what_was_revoked_for_sure(
    monkeypatch: pytest.MonkeyPatch, script: list[tuple[int, str]], sure: str
) -> None:
    monkeypatch.setattr(operate, "CONFIG", Config(retries={"total_max_attempts": 1}))
    with dynamodb_answering(
        [(status, {"__type": kind} if kind else {}) for status, kind in script]
    ):
        ran = run("revoke", "zenith", "trader", HASH, TRADERS_HASH)
    assert (ran.exit_code, ran.stderr.splitlines()[-1]) == (1, sure)


def test_a_revocation_that_is_interrupted_says_what_was_revoked_for_sure() -> None:
    def interrupt(_connection: socket) -> None:
        os.kill(os.getpid(), SIGINT)

    with dynamodb_answering([(200, {}), interrupt]):
        ran = run("revoke", "zenith", "trader", HASH, TRADERS_HASH)
    assert (ran.exit_code, ran.stderr.splitlines()) == (
        1,
        ["Interrupted.", "At least 1 of 2 tokens were revoked."],
    )


def test_a_token_in_place_of_its_hash_is_not_repeated() -> None:
    ran = run("revoke", ENTERPRISE_ID, "trader", TRADERS_HASH, TOKEN)
    assert (ran.exit_code, TOKEN in ran.output) == (2, False)
    assert "number 2 is not 64 digits" in ran.stderr
    assert ask(token=TOKEN).status == 200


@pytest.mark.usefixtures("table")
def test_tokens_of_a_member_with_a_similar_name_are_kept(file: Path) -> None:
    run("load", file)
    names = ("trade", "trader2", "a-trader", "Trader", "trader ", "*")
    kept = [mint("--scope", READ, member=name).stdout.strip() for name in names]
    assert run("revoke-all", "zenith", "trader").exit_code == 0
    assert [as_zenith(token) for token in kept] == [""] * len(names)
    assert ask().status == 200  # by a member of the same name in another enterprise


def test_a_token_is_256_random_bits_of_the_operating_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Any other generator can be predicted from its seed or its earlier tokens.
    monkeypatch.setattr(SystemRandom, "randbytes", lambda _, count: bytes(range(count)))
    with dynamodb_answering([(200, {})]):
        token = mint("--scope", READ).stdout.strip()
    assert base64.urlsafe_b64decode(token + "=") == bytes(range(32))


@pytest.mark.parametrize(
    ("words", "duration"),
    [
        ((), timedelta(days=90)),
        (("--expires-in", "12h"), timedelta(hours=12)),
        (("--expires-in", "30d"), timedelta(days=30)),
        (("--expires-in", "2w"), timedelta(weeks=2)),
    ],
    ids=["by default", "hours", "days", "weeks"],
)
def test_a_token_expires_after_its_duration(words: tuple[str, ...], duration: timedelta) -> None:
    before = time.time()
    with dynamodb_answering([(200, {})]) as requests:
        mint("--scope", READ, *words)
    (stored,) = requests
    minted_at = int(stored["Item"]["expiresAt"]["N"]) - duration.total_seconds()
    assert before - 1 < minted_at <= time.time()


def test_the_table_gets_only_the_hash_of_a_token() -> None:
    with dynamodb_answering([(200, {})]) as requests:
        minted = mint("--scope", READ, "--scope", WRITE)
    token = minted.stdout.strip()
    (stored,) = requests
    assert stored["Item"]["sk"] == {"S": credential_key(token)}
    assert sorted(stored["Item"]["scopes"]["SS"]) == [READ, WRITE]
    assert token not in json.dumps(stored)
    expires_at = datetime.fromtimestamp(int(stored["Item"]["expiresAt"]["N"]), UTC)
    assert minted.stderr.startswith(
        f'The token is for member "trader" of enterprise "zenith", with {READ}, {WRITE},'
        f" until {expires_at:%Y-%m-%d %H:%M} UTC. To revoke it:\n"
    )


@pytest.mark.usefixtures("table")
def test_show_lists_what_an_enterprise_has_and_marks_what_expires(file: Path) -> None:
    day, now = 24 * 3600, int(time.time())
    credentials = [
        CREDENTIAL | {"credentialSha256": 64 * digit, "expiresAt": now + days * day}
        for digit, days in (("a", -1), ("b", 10), ("c", 31))
    ]
    file.write_text(lines(LICENSE, CONNECTION, *credentials))
    run("load", file)
    license_, connection, *shown = run("show", "zenith").stdout.strip().split("\n\n")
    assert " ".join(license_.split()[:6]) == "license OES status active expiresAt never"
    assert " ".join(connection.split()[:6]) == (
        f"connection {CONNECTION['connection']} active True currencies BTC"
    )
    marks = {text.split()[1][0]: " ".join(text.partition("UTC")[2].split()) for text in shown}
    assert marks == {"a": "WARNING the record has expired", "b": "(in 9 days)", "c": ""}


@pytest.mark.usefixtures("table")
def test_load_and_show_warn_of_the_same_probable_mistakes(file: Path) -> None:
    file.write_text(
        lines(
            LICENSE | {"expiresAt": int(time.time())},
            CONNECTION,
            CREDENTIAL,
            CREDENTIAL | {"credentialSha256": 64 * "1", "scopes": [WRITE], "expiresAt": 0},
            CREDENTIAL | {"credentialSha256": 64 * "2", "scopes": [READ, "settlement_raed"]},
        )
    )
    expired = "the record has expired"
    nothing = f"the token can do nothing: GET and POST both need {READ}"
    unknown = "settlement_raed is not a known scope"
    found = [(1, expired), (4, nothing), (4, expired), (5, unknown)]
    loaded = run("load", file)
    assert loaded.exit_code == 0
    assert loaded.stderr.splitlines() == [
        *(f"Warning: {file}, line {number}: {warning}." for number, warning in found),
        "Records written: 5.",
    ]
    shown = run("show", "zenith")
    assert (shown.exit_code, shown.stderr) == (0, "")
    marks = [
        " ".join(text.split()) for text in re.findall(r"WARNING([^\n]*(?:\n {4}.*)*)", shown.stdout)
    ]
    assert marks == [expired, unknown, f"{nothing}; {expired}"]
    assert "Warning" not in run("delete", file).stderr


def test_at_most_twenty_warnings_are_shown_and_all_are_counted(file: Path) -> None:
    records = [
        CREDENTIAL | {"credentialSha256": f"{number:064}", "expiresAt": 0} for number in range(25)
    ]
    file.write_text(lines(*records))
    with dynamodb_answering([(200, DONE)]):
        shown = run("load", file).stderr.splitlines()
    assert [f"line {number}:" in line for number, line in enumerate(shown[:20], 1)] == 20 * [True]
    assert shown[20:] == ["These are 20 of 25 warnings.", "Records written: 25."]


@pytest.mark.usefixtures("table")
def test_show_fits_a_terminal_and_breaks_no_hash(file: Path) -> None:
    file.write_text(
        lines(
            CONNECTION | {"currencies": [f"CURRENCY{number}" for number in range(50)]},
            CREDENTIAL | {"memberId": 100 * "member"},
            CREDENTIAL | {"memberId": 100 * "日本", "credentialSha256": 64 * "a"},
        )
    )
    run("load", file)
    shown = run("show", "zenith").stdout.splitlines()
    assert max(map(cell_len, shown)) <= 80
    assert {f"credential {HASH}", f"credential {64 * 'a'}"} <= {*shown}


@pytest.mark.parametrize("unprintable", ["\x1b[2J", "\r\n", "\x7f", "\x9b2J", "\u2028", "\u202e"])
def test_show_writes_nothing_unprintable_to_a_terminal(
    table: "DynamoDBClient", file: Path, unprintable: str
) -> None:
    record = CONNECTION | {"name": f"Northwind{unprintable}"}
    file.write_text(lines(record))
    run("load", file)
    table.put_item(
        TableName=TABLE_NAME,
        Item={"pk": {"S": "ENTERPRISE#zenith"}, "sk": {"S": f"OTHER#{unprintable}"}},
    )
    shown, as_json = run("show", "zenith"), run("show", "zenith", "--json")
    for text in (shown.stdout, shown.stderr, as_json.stdout, as_json.stderr):
        assert [line for line in text.split("\n") if not line.isprintable()] == []
    assert json.loads(as_json.stdout) == record


@pytest.mark.usefixtures("table")
def test_the_lines_of_show_can_be_edited_and_loaded(file: Path) -> None:
    run("load", file)
    shown = run("show", "zenith", "--json").stdout
    assert [json.loads(line) for line in shown.splitlines()] == [CONNECTION, CREDENTIAL, LICENSE]
    file.write_text(shown.replace(READ, WRITE))
    assert run("load", file).exit_code == 0
    assert run("show", "zenith", "--json").stdout == shown.replace(READ, WRITE)


@pytest.mark.parametrize(
    ("sort_key", "attributes", "message"),
    [
        ("LICENSE#MiCA", {"status": {"S": "active"}}, "license must be 'OES'"),
        ("CONNECTION#NORTH", {}, "active is required"),
        ("LICENSE#OES", {"status": {"S": "active"}, "x": {"S": "y"}}, "x is not a known field"),
        (
            "LICENSE#OES",
            {"status": {"S": "active"}, "expiresAt": {"N": "1.5"}},
            "differs from what load would write",
        ),
        ("LICENSE#OES", {"expiresAt": {"N": f"1{100 * '0'}"}}, "38 digits"),
        ("LICENSE#OES", {"status": {"B": b"active"}}, "status must be 'active' or 'inactive'"),
        ("LICENSE#OES", {"status": {"BS": [b"active"]}}, "status must be 'active' or 'inactive'"),
        ("OTHER#1", {}, "is not a record of this service"),
    ],
)
def test_a_stored_record_with_a_fault_is_named_and_hides_no_other(
    table: "DynamoDBClient", file: Path, sort_key: str, attributes: dict[str, Any], message: str
) -> None:
    file.write_text(lines(CREDENTIAL))
    run("load", file)
    keys = {"pk": {"S": "ENTERPRISE#zenith"}, "sk": {"S": sort_key}}
    table.put_item(TableName=TABLE_NAME, Item=keys | attributes)
    for ran in (run("show", "zenith"), run("show", "zenith", "--json")):
        assert ran.exit_code == 1
        assert HASH in ran.stdout
        assert f"ENTERPRISE#zenith {sort_key}: " in ran.stderr
        assert message in ran.stderr


def test_show_reads_one_partition_to_its_end() -> None:
    first, second = [line.item for line in read_state([lines(LICENSE), lines(CREDENTIAL)])]
    script: list[tuple[int, dict[str, Any]]] = [
        (200, {"Items": [first], "LastEvaluatedKey": {"pk": first["pk"], "sk": first["sk"]}}),
        (200, {"Items": [second]}),
    ]
    with dynamodb_answering(script) as requests:
        ran = run("show", "zenith", "--json")
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [LICENSE, CREDENTIAL]
    starts = [request.get("ExclusiveStartKey", {}).get("sk") for request in requests]
    assert starts == [None, first["sk"]]
    for request in requests:
        assert request["ConsistentRead"] is True
        assert request["ExpressionAttributeValues"] == {":partition": {"S": "ENTERPRISE#zenith"}}


@pytest.mark.usefixtures("table")
def test_show_without_an_enterprise_writes_all_that_load_can_write(file: Path) -> None:
    run("load", file)
    ran = run("show", "--json")
    assert ran.exit_code == 1
    assert "ENTERPRISE#acme-capital CONNECTION#6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c03: " in ran.stderr
    shown = [json.loads(line) for line in ran.stdout.splitlines()]
    assert all(record in shown for record in ZENITH)
    assert ENTERPRISE_ID in [record["enterprise"] for record in shown]
    file.write_text(ran.stdout)
    assert f"Records written: {len(shown)}." in run("load", file).stderr


def test_show_scans_the_whole_table_with_consistent_reads() -> None:
    script = [(200, {"Items": [line.item]}) for line in read_state([lines(LICENSE)])]
    more = [(200, body | {"LastEvaluatedKey": {"pk": {"S": "p"}}}) for _, body in script]
    with dynamodb_answering([*more, *script]) as requests:
        ran = run("show", "--json")
    assert ran.stdout.splitlines() == [json.dumps(LICENSE)] * 2
    assert [request["ConsistentRead"] for request in requests] == [True, True]
    assert "ExclusiveStartKey" in requests[1]


@pytest.mark.parametrize("key", [{"id": {"S": "1"}}, {"pk": {"N": "1"}, "sk": {"S": "1"}}])
def test_show_of_a_table_with_other_keys_says_so(key: dict[str, Any]) -> None:
    with dynamodb_answering([(200, {"Items": [key]})]):
        ran = run("show", "--json")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "is not a table of this service" in ran.stderr


def test_show_of_an_empty_table_says_so() -> None:
    with dynamodb_answering([(200, {"Items": []})]):
        ran = run("show", "--json")
    assert (ran.exit_code, ran.stderr) == (1, "The table has no record.\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("load no-such-file.json", 1, "no-such-file.json"),
        ("mint zenith m", 2, "--scope"),
        ("mint zenith m --scope admin", 2, "--scope"),
        (f"mint zenith m --scope {WRITE}", 2, "can do nothing"),
        *(
            (
                f"mint zenith m --scope {READ} --expires-in {text}",
                2,
                f"{text} must be 1 to 9999",
            )
            for text in ("1y", "0d", "10000w", "1.5h", "\u0661d")
        ),
        *(
            (f"mint {names} --scope {READ}", 2, "must be printable")
            for names in ("zenith 'm\x1b[2J'", "zenith 'm\n'", "zenith 'm\u202e'", "'z\udce9' m")
        ),
        (f"mint '' m --scope {READ}", 1, "enterprise must not be empty"),
        (f"mint zenith '' --scope {READ}", 1, "memberId must not be empty"),
        (f"revoke {ENTERPRISE_ID} viewer {TRADERS_HASH}", 1, f"of this hash: {TRADERS_HASH}"),
        (f"revoke zenith m {HASH.upper()}", 2, "number 1 is not 64 digits of lower-case hex"),
        ("show", 2, "ENTERPRISE: is required without --json"),
        ("show zenith", 1, "has no record"),
    ],
)
def test_an_impossible_command_is_explained_in_a_sentence(
    words: str, code: int, message: str
) -> None:
    ran = run(*shlex.split(words))
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert message in ran.stderr
    assert ask(token=TOKEN).status == 200


@pytest.mark.parametrize(
    "words",
    [["load"], ["mint", "zenith", "m", "--scope", READ], ["show", "zenith"]],
    ids=["load", "mint", "show"],
)
def test_a_missing_table_is_named(file: Path, words: list[str]) -> None:
    ran = run(*words, *([file] if words == ["load"] else []), table="elsewhere")
    assert "There is no table elsewhere" in ran.stderr
    assert ("Nothing was written." in ran.stderr) is (words == ["load"])
    assert (ran.exit_code, ran.stdout) == (1, "")
    unnamed = run(*words, *([file] if words == ["load"] else []), table="")
    assert unnamed.exit_code == 2
    assert "--table" in unnamed.stderr


KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
SIGN_IN = "Sign in with `aws login`"
SSO = (
    "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
    "[sso-session s]\nsso_region = eu-central-1\nsso_start_url = https://example.com\n"
)


@pytest.mark.parametrize(
    ("missing", "config", "message"),
    [
        *((KEYS, config, SIGN_IN) for config in ("", SSO)),
        (["AWS_SECRET_ACCESS_KEY"], "", "AWS_SECRET_ACCESS_KEY"),
        (["AWS_DEFAULT_REGION"], "", "No AWS region"),
        ([], "[default", "Unable to parse config file"),
        ([], "[default]\nendpoint_url = nowhere\n", "Invalid endpoint: nowhere"),
    ],
)
def test_missing_aws_settings_are_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, missing: list[str], config: str, message: str
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    config_file = file.with_name("config")
    config_file.write_text(config)
    ran = run("load", file, AWS_CONFIG_FILE=str(config_file), AWS_EC2_METADATA_DISABLED="true")
    assert message in re.sub(r"\s+", " ", ran.stderr)
    assert ran.exit_code == 1


def test_the_tools_take_the_credentials_of_aws_login(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-central-1\nlogin_session = arn:aws:iam::1:user/o\n")
    environment = {"AWS_CONFIG_FILE": str(config), "HOME": str(tmp_path)}
    ran = python("-m", "tools", "show", "zenith", "--table", TABLE_NAME, env=environment)
    assert ran.returncode == 1
    assert "Error loading login session token" in ran.stderr
    assert SIGN_IN in ran.stderr
