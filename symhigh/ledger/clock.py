"""A time limit on a piece of work, so that no evidence can run for ever.

Stands below the evidence. Uses the system's interval timer, which interrupts SymPy in the middle of a
simplification.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(BaseException):
    """Raised in work whose time is over; not an ``Exception``, so that nothing takes it for its own error."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` in the body once ``seconds`` have passed.

    Limits nest. Compiled code is interrupted when it returns to Python. Where there are no interval timers
    (Windows, or outside the main thread) the limit is checked when the body ends.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        begin = time.monotonic()
        yield
        if time.monotonic() - begin > seconds:
            raise OutOfTime
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(
        signal.ITIMER_REAL, seconds, 1.0
    )  # again each second, should it be swallowed
    begin = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begin), 1e-3), interval)
