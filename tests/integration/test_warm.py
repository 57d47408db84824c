"""A warm environment: a request neither changes the result of a later one nor leaks memory."""

import gc
import sys
from itertools import pairwise
from typing import Any

import pytest

from tests.support.calls import call, event_for, logged
from tests.support.dynamodb import ITEMS, QUICK_FAULTS, dynamodb_answering, read
from tests.support.processes import python
from tools.replay import sample_events
from tools.world import sample_world

HEALTHY = read(ITEMS, [])
STEPS = [
    *[(HEALTHY, sample.event) for sample in sample_events()],
    *[
        (step, event_for())
        for name, fault in QUICK_FAULTS.items()
        if name != "throttled"  # botocore waits before it tries again
        for step in (fault.step, HEALTHY)
    ],
]
"""DynamoDB's answers and events: all sample events, all faults, and a good request after each."""
VARYING = {"timestamp", "cold_start", "duration", "function_request_id", "exception", "_aws"}


def send_hundreds() -> None:
    """Sends all requests many times. The results stay the same, and memory does not grow."""
    script: list[Any] = []
    with (
        sample_world(),
        pytest.MonkeyPatch.context() as monkeypatch,
        dynamodb_answering(script, monkeypatch) as requests,
    ):

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
    # Use a new process: in this one, pytest and coverage keep log records and threads.
    script = "import tests.integration.test_warm as t; t.send_hundreds()"
    ran = python("-c", script)
    assert (ran.returncode, ran.stderr) == (0, "")
