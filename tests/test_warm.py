"""A warm environment: what one request leaves behind, the next ones never notice."""

import gc
import subprocess
import sys
from typing import Any

import pytest

from tests.asking import Answer, call, event_for, logged
from tests.dynamodb import ITEMS, QUICK_FAULTS, dynamodb_answering, read
from tools.replay import sample_events
from tools.world import sample_world

FAULTS = [fault.step for name, fault in QUICK_FAULTS.items() if name != "throttled"]  # that waits
EVENTS = [sample.event for sample in sample_events()]


def mixed_requests(script: list[Any]) -> list[tuple[Answer, dict[str, Any]]]:
    """Answer and log line of every sample event, of every fault, and of a good request after each."""
    healthy, told = read(ITEMS, []), []
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
        told.append((answer, line))
    return told


def ask_thousands() -> None:
    """Mixed requests, many times, of which each time tells the same and none is remembered."""
    script: list[Any] = []
    blocks = []
    with (
        sample_world(),
        pytest.MonkeyPatch.context() as monkeypatch,
        dynamodb_answering(script, monkeypatch) as asked,
    ):
        first = mixed_requests(script)
        for _ in range(3):
            assert all(mixed_requests(script) == first for _ in range(12))
            asked.clear()
            gc.collect()
            blocks.append(sys.getallocatedblocks())
    # Whatever is kept of a request takes a block of memory or more; by the last third, caches are full.
    assert blocks[2] - blocks[1] < 12 * len(first) / 2


def test_the_last_of_thousands_of_requests_is_told_as_the_first_and_memory_does_not_grow() -> None:
    # In a process of its own: here pytest and coverage remember what is logged and every thread.
    script = "import tests.test_warm as t; t.ask_thousands()"
    ran = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
