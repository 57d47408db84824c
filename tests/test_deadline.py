"""The bound on a call: kept whatever the call waits for, and gone with the call."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from time import monotonic

import pytest

from handlers.deadline import within

AGES = 5
"""How long the calls wait that are cut off, in seconds: as good as for ever, and no test hangs."""


def test_a_call_that_is_done_in_time_returns_what_it_returns() -> None:
    assert within(10, divmod, 7, 2) == (3, 1)


def test_a_call_that_takes_too_long_is_cut_off() -> None:
    started = monotonic()
    with pytest.raises(TimeoutError, match=r"nothing after 0\.05 seconds"):
        within(0.05, Event().wait, AGES)
    assert monotonic() - started >= 0.05


def test_a_call_that_takes_every_exception_for_its_own_is_cut_off_too() -> None:
    def stubborn() -> None:
        for _ in range(2):
            try:
                Event().wait(AGES)
            except Exception:  # noqa: BLE001, S112 -- what libraries do to try again
                continue

    with pytest.raises(TimeoutError):
        within(0.05, stubborn)


def test_a_call_that_loses_the_first_alarm_is_cut_off_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lost.append)

    class Destroyed:
        def __del__(self) -> None:
            Event().wait(AGES)

    def loses() -> None:
        Destroyed()
        Event().wait(AGES)

    with pytest.raises(TimeoutError):
        within(0.05, loses)
    assert len(lost) == 1


def test_a_call_s_own_failure_comes_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        within(10, divmod, 1, 0)


@pytest.mark.parametrize("seconds", [10, 1e-6], ids=["in time", "out of time before the call"])
def test_no_alarm_is_left_behind(seconds: float) -> None:
    before = signal.getsignal(signal.SIGALRM)
    with suppress(TimeoutError):
        within(seconds, int)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_an_alarm_that_rings_as_the_call_returns_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[tuple[float, float]] = []

    def ring(_timer: int, seconds: float, interval: float = 0) -> None:
        set_to.append((seconds, interval))
        if not seconds:
            signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(signal, "setitimer", ring)
    assert within(10, int) == 0
    assert set_to == [(10, 1), (0, 0)]


def test_in_another_thread_the_call_is_made_without_a_bound() -> None:
    with ThreadPoolExecutor() as pool:
        assert pool.submit(within, 0.01, Event().wait, 0.05).result() is False
