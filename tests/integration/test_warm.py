"""A warm environment: a request neither changes the result of a later one nor leaks memory."""

import gc
import subprocess
import sys
from typing import Any

import pytest

from tests.support.calls import Answer, call, event_for, logged
from tests.support.dynamodb import ITEMS, QUICK_FAULTS, dynamodb_answering, read
from tools.replay import sample_events
from tools.world import sample_world

# When throttled, botocore waits for up to a second.
FAULTS = [fault.step for name, fault in QUICK_FAULTS.items() if name != "throttled"]
EVENTS = [sample.event for sample in sample_events()]


def mixed_requests(script: list[Any]) -> list[tuple[Answer, dict[str, Any]]]:
    """Answers and log lines of all sample events, all faults, and a good request after each one."""
    healthy, results = read(ITEMS, []), []
    for step, event in [
        *[(healthy, event) for event in EVENTS],
        *[(step, event_for()) for fault in FAULTS for step in (fault, healthy)],
    ]:
        script[:] = [step]
        with logged() as lines:
            answer = call(event)
        (line,) = lines()
        for varying in ("timestamp", "cold_start", "duration", "function_request_id", "exception"):
            line.pop(varying, None)
        del line["_aws"]["Timestamp"]
        results.append((answer, line))
    return results


def send_thousands() -> None:
    """Sends mixed requests many times. The results stay the same, and memory does not grow."""
    script: list[Any] = []
    blocks = []
    with (
        sample_world(),
        pytest.MonkeyPatch.context() as monkeypatch,
        dynamodb_answering(script, monkeypatch) as requests,
    ):
        first = mixed_requests(script)
        for _ in range(3):
            assert all(mixed_requests(script) == first for _ in range(12))
            requests.clear()
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    # A leak keeps at least one memory block for each request. The last third finds the caches full.
    assert blocks[2] - blocks[1] < 12 * len(first) / 2


def test_thousands_of_requests_give_the_same_results_and_leak_no_memory() -> None:
    # Use a new process: in this one, pytest and coverage keep log records and threads.
    script = "import tests.integration.test_warm as t; t.send_thousands()"
    ran = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
