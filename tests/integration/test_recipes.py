"""The recipes of docs/operate.md, run as they are shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.access import READ_SCOPE
from tests.support.dynamodb import embedded_dynamodb
from tests.support.needs import needs
from tests.support.processes import tool
from tests.support.shell import run_as_shown
from tools.sample import ROOT, TABLE_NAME

# An AWS in which the restored table becomes active, and takes point-in-time recovery, on the second try.
SLOW_AWS = """
sleep() { :; }
aws() {
  echo "$2" >>calls
  times=$(grep -c "^$2$" calls)
  case "$2 $times" in
    "describe-table 1") echo CREATING ;;
    describe-table*) echo ACTIVE ;;
    "update-continuous-backups 1") return 254 ;;
  esac
}
"""


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[dict[str, str]]:
    """The environment of `make dynamodb`, which runs."""
    with embedded_dynamodb() as environment:
        yield environment


def test_the_recipe_extends_a_licence_and_switches_off_a_connection(
    dynamodb: dict[str, str], tmp_path: Path
) -> None:
    document = (ROOT / "docs" / "operate.md").read_text()
    (tmp_path / "records").write_text(re.findall(r"```jsonl\n(.*?)```", document, re.DOTALL)[0])
    ran = run_as_shown(
        "operate.md",
        ".venv/bin/python -m tools show zenith --json",
        words={"TABLE": TABLE_NAME},
        environment=dynamodb,
        folder=tmp_path,
        before=".venv/bin/python -m tools load records --table TABLE\n",
    )
    assert ran.stderr == "Records written: 3.\nRecords written: 2.\n"
    changed = (tmp_path / "change.jsonl").read_text()
    assert '"active": false' in changed
    assert '"expiresAt": 4133980800' in changed


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_leaked_token_is_revoked_without_a_trace_in_the_shell(
    dynamodb: dict[str, str], tmp_path: Path, shell: str
) -> None:
    needs("openssl")
    member = ["zenith", "trader", "--table", TABLE_NAME]
    minted = tool("mint", *member, "--scope", READ_SCOPE, **dynamodb)
    token = minted.stdout.strip()
    ran = run_as_shown(
        "operate.md",
        "read -rs token",
        ".venv/bin/python -m tools show --json --table TABLE | grep",
        words={"TABLE": TABLE_NAME},
        environment=dynamodb,
        folder=tmp_path,
        typed=f"{token}\n",
        shell=shell,
    )
    assert ran.returncode == 0, ran.stderr
    assert '"memberId": "trader"' in ran.stdout
    assert ran.stderr.endswith("Tokens revoked: 1.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_restore_waits_for_the_table_and_for_its_backups(tmp_path: Path, shell: str) -> None:
    ran = run_as_shown(
        "operate.md",
        "aws dynamodb describe-continuous-backups",
        words={},
        environment={},
        folder=tmp_path,
        before=SLOW_AWS,
        shell=shell,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "calls").read_text().split() == [
        "describe-continuous-backups",
        "restore-table-to-point-in-time",
        *2 * ["describe-table"],
        *2 * ["update-continuous-backups"],
        "update-table",
    ]


@pytest.mark.parametrize("unread", ["TABLE", "RESTORED"])
def test_a_restore_compares_nothing_if_a_table_was_not_read(
    dynamodb: dict[str, str], tmp_path: Path, unread: str
) -> None:
    for name in ("gone.jsonl", "new.jsonl"):
        (tmp_path / name).write_text("of an earlier comparison")
    ran = run_as_shown(
        "operate.md",
        ".venv/bin/python -m tools show --json --table TABLE | LC_ALL=C sort",
        words={"TABLE": TABLE_NAME, "RESTORED": TABLE_NAME} | {unread: "absent"},
        environment=dynamodb,
        folder=tmp_path,
    )
    assert ran.stdout == "A table was not read. Run these lines again.\n"
    assert {path.name for path in tmp_path.iterdir()} == {"now.jsonl", "then.jsonl"}


def test_the_hash_of_a_payload_in_a_deallocation_is_the_one_in_the_query(tmp_path: Path) -> None:
    needs("jq", "openssl")
    (written,) = re.findall(r"```json\n(.*)\n```", (ROOT / "README.md").read_text())
    (tmp_path / "deallocation.json").write_text(written)
    ran = run_as_shown("operate.md", "jq -j .payload", words={}, environment={}, folder=tmp_path)
    query = f'filter payloadSha256 = "{ran.stdout.strip()}"'
    assert query in (ROOT / "docs/operate.md").read_text()
