"""`python -m tools replay`: shows what came back, and fails if it is not what was promised."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.replay import sample_events
from tools.world import EVENTS


def run_replay(*events: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-m", "tools", "replay", *map(str, events)],
        env=os.environ | {"COLUMNS": "500"},  # so that no line is wrapped
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_sample_event_is_shown_with_the_status_in_its_name() -> None:
    ran = run_replay()
    assert ran.returncode == 0
    for sample in sample_events():
        (line,) = [line for line in ran.stdout.splitlines() if f" {sample.name} " in line]
        assert line.split().count(str(sample.status)) == 2


def test_an_event_that_gets_another_status_fails_the_replay(tmp_path: Path) -> None:
    named_otherwise = tmp_path / "200-no-token.json"
    no_token = EVENTS / "401-no-token.json"
    named_otherwise.write_text(no_token.read_text())
    ran = run_replay(named_otherwise, no_token)
    assert ran.returncode == 1
    assert "1 of 2 events got the status in their name." in ran.stdout


@pytest.mark.parametrize("name", ["no-status.json", "200-missing.json"])
def test_a_file_that_cannot_be_replayed_is_named(tmp_path: Path, name: str) -> None:
    if name == "no-status.json":
        (tmp_path / name).write_text("{}")
    ran = run_replay(tmp_path / name)
    assert ran.returncode == 2
    assert name in ran.stderr
    assert "Traceback" not in ran.stderr
