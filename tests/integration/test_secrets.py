"""The function writes no token, no hash of a token, no nonce, no notes and no body."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest
from aws_lambda_powertools.shared import constants

from tests.support.calls import ask, call
from tests.support.dynamodb import QUICK_FAULTS, SILENT_FAULTS, dynamodb_answering
from tools.replay import sample_events
from tools.world import BODY, sample_world

FAULTS = QUICK_FAULTS | SILENT_FAULTS
FAULTY_BODY = BODY | {"notes": "notes-of-this-test", "nonce": "nonce-of-this-test"}


def ask_everything() -> None:
    """Sends every sample event and meets every fault, with all loggers at DEBUG."""
    logging.basicConfig(level=logging.DEBUG)
    with sample_world(), pytest.MonkeyPatch.context() as monkeypatch:
        for sample in sample_events():
            assert call(sample.event).status == sample.status
        monkeypatch.setattr("handlers.state.TIMEOUT", 0.2)
        for fault in FAULTS.values():
            with dynamodb_answering([fault.step], monkeypatch):
                assert ask(body=FAULTY_BODY).status == 500


# All logging variables of Powertools and Lambda, set to log as much as possible.
SETTINGS = {
    name: "true"
    for name in vars(constants).values()
    if isinstance(name, str) and name.startswith("POWERTOOLS_")
} | {
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
    "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
    "LOG_LEVEL": "DEBUG",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "1",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
}


@pytest.fixture(scope="module")
def written() -> str:
    """All output of a process that runs `ask_everything`."""
    return subprocess.run(
        [
            sys.executable,
            "-Wdefault",
            "-c",
            "import tests.integration.test_secrets as t; t.ask_everything()",
        ],
        env=os.environ | SETTINGS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout


def secrets() -> Iterator[str]:
    """Tokens, the first digits of their hashes, bodies, and the longer texts in the bodies."""
    bodies = [repr(FAULTY_BODY).replace("'", '"')]
    for event in [sample.event for sample in sample_events()]:
        bodies.append(event["body"])
        for value in event["multiValueHeaders"].get("Authorization", []):
            token = value.removeprefix("Bearer ")
            yield from (token, sha256(token.encode()).hexdigest()[:8])
    for body in bodies:
        yield body
        yield from re.findall(r': "([^"\\]{8,})', body)


def test_every_failure_is_logged(written: str) -> None:
    assert written.count('"outcome": "InternalError"') == len(FAULTS) + 1  # 500-corrupt-record


def test_the_output_holds_no_secret(written: str) -> None:
    assert {secret for secret in secrets() if secret in written} == set()
