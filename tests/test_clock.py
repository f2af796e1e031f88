"""Limits of time: they end what takes longer, nest, and leave timers as they were."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from symhigh.clock import OutOfTime, time_limit


def spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@pytest.mark.parametrize("working", [False, True])
def test_what_takes_longer_is_ended(working: bool) -> None:
    begin = time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.05, working):
        spin(30)
    assert time.monotonic() - begin < 20
    with time_limit(60, working):
        spin(0.01)
    timer = signal.ITIMER_PROF if working else signal.ITIMER_REAL
    assert signal.getitimer(timer)[0] == 0


def test_the_limit_outside_holds_within_and_after_one_inside() -> None:
    with pytest.raises(OutOfTime), time_limit(0.1), time_limit(60):
        spin(30)

    def twice() -> None:
        with time_limit(60):
            spin(0.01)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 0.1 - 0.01
        spin(30)

    with pytest.raises(OutOfTime), time_limit(0.1):
        twice()


def test_beside_the_main_thread_it_is_checked_at_the_end() -> None:
    found: list[str] = []

    def run(limit: float) -> None:
        try:
            with time_limit(limit):
                spin(0.05)
                found.append("ended")
        except OutOfTime:
            found.append("out of time")

    for limit in (0.001, 60.0):
        thread = threading.Thread(target=run, args=(limit,))
        thread.start()
        thread.join()
    assert found == ["ended", "out of time", "ended"]


def test_no_limit_is_swallowed_by_a_finaliser_or_a_callback_of_the_collector() -> None:
    def called_back(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            spin(0.02)

    class Slow:
        def __del__(self) -> None:
            spin(0.02)

    class Watched:
        def __init__(self) -> None:
            weakref.finalize(self, spin, 0.02)

    def over_and_over(call: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            call()
            spin(0.02)

    gc.callbacks.append(called_back)
    gc.freeze()  # what is there is not looked through: the collector is called over and over
    try:
        for loop in (gc.collect, Slow, Watched):
            begin = time.monotonic()
            with pytest.raises(OutOfTime), time_limit(0.05):  # an ignored exception is an error of this test
                over_and_over(loop)
            assert time.monotonic() - begin < 20
    finally:
        gc.unfreeze()
        gc.callbacks.remove(called_back)


def test_without_interval_timers_it_is_checked_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "setitimer")
    begin = time.monotonic()
    with pytest.raises(OutOfTime), time_limit(0.001):
        spin(0.05)
    assert time.monotonic() - begin >= 0.05
    with time_limit(60):
        spin(0.001)


def test_a_swallowed_alarm_comes_back_soon_and_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the timer, and when: a hundredth of a second after a finaliser, else each second."""
    asked: list[tuple[float, ...]] = []
    monkeypatch.setattr(signal, "setitimer", lambda timer, *when: asked.append(when))
    monkeypatch.setattr(signal, "getitimer", lambda timer: (0.0, 0.0))
    with time_limit(5.0):
        ring = signal.getsignal(signal.SIGALRM)
        assert callable(ring)

        class Ended:
            def __del__(self) -> None:
                ring(signal.SIGALRM, sys._getframe())

        Ended()
        with pytest.raises(OutOfTime):
            ring(signal.SIGALRM, sys._getframe())
    assert asked == [(5.0, 1.0), (0.01, 1.0), (0.0,)]
    asked.clear()
    monkeypatch.setattr(signal, "getitimer", lambda timer: (2.0, 0.5))
    with time_limit(5.0):
        pass
    assert asked[:2] == [(2.0, 1.0), (0.0,)]
    assert asked[2][0] == pytest.approx(2.0, abs=1.0)
    assert asked[2][1] == 0.5
