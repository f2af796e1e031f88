"""A line on standard error where a call takes long: whose it is, what it is at, and for how long already.

Above all rooms, beside the checks of arguments. Only the outermost public call of a thread speaks; what it calls tells
the stage that it is at.
"""

from __future__ import annotations

import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_LIBRARY = str(Path(__file__).parent)
PATIENCE = 2.0
"""Seconds of silence that nobody is left to wonder about."""
WATCHER = "symhigh watches"
"""The name of threads that only look at the clock, and may outlast their call for a moment."""
_GROWTH, _LONGEST = 4.0, 60.0
"""The ratio of the times at which one call speaks, and the longest time between two of them."""


class Work:
    """A call that is at work; ``stage`` says at what."""

    stage: tuple[object, ...]

    def __init__(self, owner: str, speaks: bool, watched: bool) -> None:
        self.owner, self.stage, self.speaks, self.watched = owner, ("",), speaks, watched
        self.began = time.monotonic()
        self._due = PATIENCE

    def speak_when_due(self) -> None:
        """Say what goes on, if it is time."""
        spent = time.monotonic() - self.began
        if spent < self._due:
            return
        self._due = min(_GROWTH * self._due, spent + _LONGEST)
        if self.speaks:
            at = _short(" ".join(map(str, self.stage)))
            tell(f"symhigh: {self.owner}: {spent:.0f} s so far{', ' if at else ''}{at}")

    @property
    def wait(self) -> float:
        """Seconds until it is time again."""
        return max(0.0, self._due - (time.monotonic() - self.began))


class _Present(threading.local):
    work: Work | None = None


_PRESENT = _Present()


def tell(line: str, end: str = "\n") -> None:
    """A line on standard error, where there is one."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(line + end, file=sys.stderr, end="", flush=True)  # whole, whatever other threads write


def on_a_terminal() -> bool:
    """Whether standard error is a terminal; it may be closed, or not there at all."""
    with suppress(ValueError):
        return sys.stderr is not None and sys.stderr.isatty()
    return False


def stage(*what: object) -> None:
    """What the call at work in this thread is at, now; it becomes text where it is told."""
    if _PRESENT.work is not None:
        _PRESENT.work.stage = what
        if not _PRESENT.work.watched:
            _PRESENT.work.speak_when_due()


def at_stage() -> str:
    """The stage of the call at work in this thread."""
    return "" if _PRESENT.work is None else _short(" ".join(map(str, _PRESENT.work.stage)))


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "…"


@contextmanager
def at_work(owner: str, speaks: bool = True, watched: bool = True) -> Iterator[Work]:
    """Speak of ``owner`` while the body runs, unless it is part of a longer call; ``speaks=False`` hushes all of it.

    A call that is not ``watched`` speaks when it tells its stage: it tells often, and may last less than a thread takes
    to start.
    """
    if (outer := _PRESENT.work) is not None:
        spoke, outer.speaks = outer.speaks, outer.speaks and speaks
        try:
            yield outer
        finally:
            outer.speaks = spoke
        return
    work = _PRESENT.work = Work(owner, speaks, watched)
    try:
        with _watch(work) if speaks and watched else nullcontext():
            yield work
    finally:
        _PRESENT.work = None


@contextmanager
def long_stage(*what: object) -> Iterator[None]:
    """A stage that may last, and tells of no other meanwhile: the call at work is watched through it."""
    stage(*what)
    work = _PRESENT.work
    with nullcontext() if work is None or work.watched or not work.speaks else _watch(work):
        yield


@contextmanager
def _watch(work: Work) -> Iterator[None]:
    """A thread that has the call speak when it is time."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(work.wait):
            work.speak_when_due()

    threading.Thread(target=watch, daemon=True, name=WATCHER).start()
    try:
        yield
    finally:
        done.set()


def telling(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which says that it is at work where it takes long."""

    @wraps(function)
    def told(*arguments: P.args, **options: P.kwargs) -> R:
        with at_work(function.__name__):
            return function(*arguments, **options)

    return told


def warn(message: str, category: type[Warning] = RuntimeWarning) -> None:
    """A warning at the line of the caller's that called the library, however deep it arises; never a line of ours."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_LIBRARY):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
