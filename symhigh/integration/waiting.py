"""Many small pieces of work on threads: a line on standard error where they take long, and a key that stops them.

Serves scans. The bits of a piece depend neither on the number of threads nor on the order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

from symhigh.telling import PATIENCE, on_a_terminal, tell

_PIECE, _LEAST, _AGAIN = 0.02, 0.0002, 10.0
"""Seconds that a piece of work should take, and at least, and between two lines where the output is no terminal."""

Work = Callable[[int, int], None]
"""Does the items first, …, last - 1; one of its calls at a time."""


class Teller:
    """Tells how much is done: ``progress`` of the fraction, or after a while standard error."""

    def __init__(self, owner: str, total: int, progress: Callable[[float], None] | None) -> None:
        self.owner, self.total, self.progress = owner, total, progress
        self.done, self._began, self._told = 0, time.monotonic(), -1.0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Some more are done."""
        with self._lock:
            self.done += count

    def tell(self) -> None:
        """Say it, if it is time."""
        if self.progress is not None:
            self.progress(self.done / max(self.total, 1))
            return
        spent, live = time.monotonic() - self._began, on_a_terminal()
        if spent < PATIENCE or (self._told > 0 and spent < self._told + (0.2 if live else _AGAIN)):
            return
        self._told = spent
        tell(f"symhigh: {self.owner}: {self.done} of {self.total} curves", end="\r" if live else "\n")

    def end(self, whole: bool) -> None:
        """Leave the line; ``whole`` where nothing was left out."""
        if self.progress is not None:
            if whole:
                self.progress(1.0)
        elif self._told > 0 and on_a_terminal():
            tell("")


def share_out(count: int, threads: int, worker: Callable[[], Work], teller: Teller) -> bool:
    """Do the items 0, …, count - 1, each thread with its own ``worker()``; False where the keyboard stopped it.

    Items are handed out in pieces, whose length follows from what the last one took, and which grow short at the end;
    an interruption waits for the pieces under way.
    """
    stop, lock, place = threading.Event(), threading.Lock(), [0]

    def labour() -> None:
        work, size, least = worker(), 1, 1
        while not stop.is_set():
            with lock:
                first = place[0]
                size = max(least, min(size, (count - first) // (4 * threads)))
                last = place[0] = min(count, first + size)
            if first == last:
                return
            began = time.perf_counter()
            work(first, last)
            teller.add(last - first)
            took = time.perf_counter() - began
            pace = (last - first) / max(took, 1e-6)
            size, least = max(1, min(4 * size, int(pace * _PIECE))), max(1, min(4 * size, int(pace * _LEAST)))

    threads = max(1, min(threads, count))
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(labour) for _ in range(threads)]
        try:
            while wait(jobs, timeout=0.1).not_done:
                teller.tell()
                if any(job.done() and job.exception() for job in jobs):
                    stop.set()
        except BaseException as fault:
            stop.set()
            if not isinstance(fault, KeyboardInterrupt):
                raise
            return False
    for job in jobs:
        job.result()
    return True
