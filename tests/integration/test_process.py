"""The function in a separate process: what it writes with other settings, and what it keeps in memory."""

import gc
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from hashlib import sha256
from itertools import pairwise
from subprocess import PIPE, STDOUT
from typing import Any

import pytest
from aws_lambda_powertools.shared import constants

from tests.support.calls import ask, call, event_for, logged
from tests.support.dynamodb import FAULTS, ITEMS, dynamodb_answering, impatience, items_reply
from tests.support.processes import python
from tools.replay import sample_events
from tools.sample import BODY
from tools.world import sample_world

FAULTY_BODY = BODY | {"notes": "notes-of-this-test", "nonce": "nonce-of-this-test"}


def ask_everything() -> None:
    """Sends every sample event, and then a request for every fault, with all loggers at DEBUG."""
    logging.getLogger().setLevel(logging.DEBUG)
    ask_all_samples()
    with sample_world():
        for fault in FAULTS.values():
            with (
                dynamodb_answering([fault.step]),
                impatience() if fault.is_silence else nullcontext(),
            ):
                assert ask(body=FAULTY_BODY).status == 500


def ask_all_samples() -> None:
    """Sends every sample event."""
    with sample_world():
        for sample in sample_events():
            assert call(sample.event).status == sample.status


def output(function: str, settings: dict[str, str]) -> str:
    """All output of a process that calls a function of this module, with these variables set."""
    script = f"""if True:
        import logging
        logging.basicConfig(format="%(message)s")  # in Lambda too, the root logger has a handler
        import tests.integration.test_process as t
        t.{function}()
    """
    environment = os.environ | {"PYTHONWARNINGS": "ignore"} | settings
    ran = python("-c", script, env=environment, stdout=PIPE, stderr=STDOUT)
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


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


def test_no_secret_is_written_when_everything_is_logged() -> None:
    variables = [name for name in vars(constants).values() if isinstance(name, str)]
    settings = {name: "true" for name in variables if name.startswith("POWERTOOLS_")}
    levels = ("AWS_LAMBDA_LOG_LEVEL", "LOG_LEVEL", "POWERTOOLS_LOG_LEVEL")
    settings |= dict.fromkeys(levels, "DEBUG")
    settings |= {"AWS_LAMBDA_LOG_FORMAT": "JSON", "POWERTOOLS_LOGGER_SAMPLE_RATE": "1"}
    written = output("ask_everything", settings | {"PYTHONWARNINGS": "default"})
    failures = len(FAULTS) + 1  # 500-corrupt-record
    assert written.count('"outcome": "InternalError"') == failures
    assert {secret for secret in secrets() if secret in written} == set()


@pytest.mark.parametrize(
    "settings",
    [
        "DEV=true LOG_LEVEL=CRITICAL METRICS_DISABLED=true",
        "LOGGER_SAMPLE_RATE=0.000001 METRICS_NAMESPACE=Another SERVICE_NAME=another",
    ],
)
def test_no_setting_removes_a_line_or_its_metrics(settings: str) -> None:
    pairs = (f"POWERTOOLS_{word}".split("=") for word in settings.split())
    written = output("ask_all_samples", {"LOG_LEVEL": "ERROR"} | dict(pairs))
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["status"] for line in lines] == [sample.status for sample in sample_events()]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "DeallocationSigning"
        dimensions = [line[name] for name in directive["Dimensions"][0]]
        assert dimensions == ["deallocation-signing", "SigningFunction"]


HEALTHY = items_reply(ITEMS)
STEPS = [
    *[(HEALTHY, sample.event) for sample in sample_events()],
    *[
        (step, event_for())
        for fault in FAULTS.values()
        if fault.attempts == 1  # botocore waits before it tries again
        for step in (fault.step, HEALTHY)
    ],
]
"""DynamoDB's answers and events: all sample events, and a good request after each quick fault."""
VARYING = {"timestamp", "cold_start", "duration", "function_request_id", "exception", "_aws"}


def send_hundreds() -> None:
    """Sends all requests many times. The results stay the same, and memory does not grow."""
    script: list[Any] = []
    with sample_world(), dynamodb_answering(script) as requests:

        def results() -> list[Any]:
            results = []
            for step, event in STEPS:
                script[:] = [step]
                with logged() as lines:
                    answer = call(event)
                (line,) = lines()
                results.append((answer, {name: line[name] for name in line.keys() - VARYING}))
            return results

        first, blocks = results(), []
        for _ in range(6):
            assert results() == results() == first
            requests.clear()
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    # A leak keeps at least one memory block for each request. A cache grows in some rounds only.
    assert min(after - before for before, after in pairwise(blocks)) < len(STEPS)


def test_hundreds_of_requests_give_the_same_results_and_leak_no_memory() -> None:
    # In the process of the tests, pytest and coverage keep log records and threads.
    assert output("send_hundreds", {}) == ""


ON_A_SMALL_STACK = """
import threading
from domain.errors import InvalidRequest
from domain.deallocation import parse_deallocation_request

def refuse_all():
    for levels in ("[", '{"a":', '[{"a":'):
        try:
            parse_deallocation_request("e", "6f1c2e1a-0b5d-4c58-9a3e-3d2b7f4a9c01", 9_000 * levels.encode())
        except InvalidRequest as error:
            print(error)

threading.stack_size(256 * 1024)
thread = threading.Thread(target=refuse_all)
thread.start()
thread.join()
"""


def test_no_depth_of_a_body_ends_a_process_whose_threads_have_a_small_stack() -> None:
    ran = python("-c", ON_A_SMALL_STACK)
    assert (ran.returncode, ran.stdout) == (0, 3 * "body must be valid JSON\n")
