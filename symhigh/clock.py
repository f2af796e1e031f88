"""A time limit on a piece of work, so that no derivation, no search and no evidence can run for ever.

Above all rooms. Uses the system's interval timer, which interrupts SymPy in the middle of a simplification.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class OutOfTime(BaseException):
    """Raised in work whose time is over; not an ``Exception``, so that nothing takes it for its own error."""


@contextmanager
def time_limit(seconds: float, working: bool = False) -> Iterator[None]:
    """Raise :class:`OutOfTime` in the body once ``seconds`` have passed, or have been worked by this process.

    A limit on ``working`` time ends at the same place however loaded the machine is. Limits nest, those of one kind.
    Compiled code is interrupted when it returns to Python. Where there are no interval timers (Windows, or outside the
    main thread) the limit is checked when the body ends.
    """
    clock = time.process_time if working else time.monotonic
    begin = clock()
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        if clock() - begin > seconds:
            raise OutOfTime
        return
    timer, number = (signal.ITIMER_PROF, signal.SIGPROF) if working else (signal.ITIMER_REAL, signal.SIGALRM)

    def ring(signum: int, frame: FrameType | None) -> None:
        if _is_swallowed(frame):
            signal.setitimer(timer, 0.01, 1.0)
        else:
            raise OutOfTime

    before = signal.signal(number, ring)
    left, interval = signal.getitimer(timer)
    signal.setitimer(timer, min(seconds, left or seconds), 1.0)  # again each second, should it be swallowed
    try:
        yield
    finally:
        signal.setitimer(timer, 0.0)
        signal.signal(number, before)
        if left:
            signal.setitimer(timer, max(left - (clock() - begin), 1e-3), interval)


def _is_swallowed(frame: FrameType | None) -> bool:
    """Whether what is raised in ``frame`` gets no further: where an object ends, and where the collector calls back."""
    called_back = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code in called_back or code.co_name == "__del__" or _of_the_dead(frame):
            return True
        frame = frame.f_back
    return False


def _of_the_dead(frame: FrameType) -> bool:
    """Whether the function was called back by a weak reference, which is handed to it, when its object ended."""
    code, values = frame.f_code, frame.f_locals
    given = (values.get(name) for name in code.co_varnames[: code.co_argcount])
    return any(isinstance(value, weakref.ref) and value() is None for value in given)
