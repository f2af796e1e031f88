"""How long the reference may compute in a process before compiled code does, where Numba would have to compile it.

What the first curves take is spent once, so nobody waits much longer than compiling takes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from symhigh.codegen.target import NUMBA, Target

PATIENCE = 2.0
"""Seconds of computing by the reference in a process, about those that Numba takes to compile."""


@dataclass
class Allowance:
    """What the reference has used, in seconds of its threads."""

    spent: float = 0.0
    _lock: Any = field(default_factory=threading.Lock)

    @property
    def left(self) -> float:
        """Seconds that the reference still has."""
        return PATIENCE - self.spent

    @contextmanager
    def used(self) -> Iterator[None]:
        """Count what is computed inside."""
        began = time.thread_time()
        try:
            yield
        finally:
            with self._lock:
                self.spent += time.thread_time() - began


REFERENCE = Allowance()
"""The allowance of this process."""


def is_free(target: Target | None) -> bool:
    """Whether the reference may stand in for a target: for Numba, where nobody has named it."""
    return target is NUMBA and not os.environ.get("SYMHIGH_TARGET")
