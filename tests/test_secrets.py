"""No token, hash of one, nonce, notes or body is in anything that the function writes."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.asking import BODY, POWERTOOLS_VARIABLES, ask, call
from tests.dynamodb import QUICK_FAULTS, SILENT_FAULTS, dynamodb_answering
from tools.replay import sample_events
from tools.world import sample_world

FAULTS = QUICK_FAULTS | SILENT_FAULTS
FAULTY_BODY = BODY | {"notes": "notes-of-no-concern", "nonce": "nonce-of-no-concern"}


def ask_everything() -> None:
    """Every sample event and every fault, with every logger as loud as can be."""
    logging.basicConfig(level=logging.DEBUG)
    with sample_world(), pytest.MonkeyPatch.context() as monkeypatch:
        for sample in sample_events():
            assert call(sample.event).status == sample.status
        monkeypatch.setattr("handlers.state.TIMEOUT", 0.2)
        for fault in FAULTS.values():
            with dynamodb_answering([fault.step], monkeypatch):
                assert ask(body=FAULTY_BODY).status == 500


# Every variable that Powertools and Lambda read, at its most talkative.
SETTINGS = dict.fromkeys(POWERTOOLS_VARIABLES, "true") | {
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
    "LOG_LEVEL": "DEBUG",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "1",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
}


@pytest.fixture(scope="module")
def written() -> str:
    """Whatever a process writes that asks everything."""
    return subprocess.run(
        [sys.executable, "-Wdefault", "-c", "import tests.test_secrets as t; t.ask_everything()"],
        env=os.environ | SETTINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def secrets() -> Iterator[str]:
    """Tokens, the beginnings of their hashes, bodies, and each longer text in those."""
    bodies = [repr(FAULTY_BODY).replace("'", '"')]
    for event in [sample.event for sample in sample_events()]:
        bodies.append(event["body"])
        for value in event["multiValueHeaders"].get("Authorization", []):
            token = value.removeprefix("Bearer ")
            yield from (token, sha256(token.encode()).hexdigest()[:8])
    for body in bodies:
        yield body
        yield from re.findall(r': "([^"\\]{8,})', body)


def test_the_log_tells_of_each_failure(written: str) -> None:
    assert written.count('"outcome": "InternalError"') == len(FAULTS) + 1  # 500-corrupt-record


def test_nothing_that_is_written_holds_a_secret(written: str) -> None:
    assert {secret for secret in secrets() if secret in written} == set()
