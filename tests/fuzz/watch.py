"""What a long run says while it works: its counts every few seconds, each fault at once, and all of it when stopped.

Both fuzzers go through their inputs with :func:`watched`; a signal ends the run, and not its report.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

Input = TypeVar("Input")
EVERY = 5.0
"""Seconds between two lines."""


class Stopped(BaseException):
    """The run was ended from outside."""


@dataclass
class Report:
    """How many inputs were answered how, what went wrong, the slowest input, and the signal that ended the run."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    stopped: int = 0

    def add(self, answer: str, fault: str = "") -> None:
        self.counts[answer] += 1
        if fault and len(self.faults) < 1000:
            self.faults.append(fault)

    def took(self, seconds: float, where: str) -> None:
        self.slowest = max(self.slowest, (seconds, where))

    def __str__(self) -> str:
        shown = ", ".join(f"{count} {answer}" for answer, count in sorted(self.counts.items()))
        ended = f"; ended by {signal.Signals(self.stopped).name}" if self.stopped else ""
        seconds, where = self.slowest
        slow = f"; slowest {seconds:.1f} s: {where}" if where else ""
        return f"{sum(self.counts.values())} inputs: {shown}; {len(self.faults)} faults{slow}{ended}"


def to_screen(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def watched(
    inputs: Iterable[Input], report: Report, say: Callable[[str], None] = lambda line: None
) -> Iterator[Input]:
    """The inputs, one by one, until the run is stopped; what is new is said between them."""
    told, last, begin = 0, time.monotonic(), time.monotonic()
    for item in inputs:
        if report.stopped:
            return
        yield item
        for fault in report.faults[told:]:
            say(f"fault: {fault}")
        told = len(report.faults)
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(f"{last - begin:.0f} s: {report}")


@contextmanager
def stoppable(report: Report) -> Iterator[None]:
    """SIGINT and SIGTERM end the block, and the report keeps what it has."""

    def stop(number: int, _: Any) -> None:
        report.stopped = number
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
