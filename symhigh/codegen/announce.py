"""A line on standard error where a compiler works for long, so that nobody waits in silence.

Serves :mod:`symhigh.codegen.kernels`. Numba compiles a generated function when it is first called, wherever that is,
and tells its listeners of the start and the end.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from symhigh.telling import PATIENCE, tell

TEXT = "symhigh: compiling generated code, once for these equations; later runs take it from the cache"

_listening = False


class Stopwatch:
    """Adds up what compilations take, and speaks once, while one of them goes on."""

    def __init__(self) -> None:
        self._depth, self._spent, self._since, self._spoken = 0, 0.0, 0.0, False
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1 and not self._spoken:
                self._since = time.monotonic()
                self._timer = threading.Timer(max(0.0, PATIENCE - self._spent), self._speak)
                self._timer.daemon = True
                self._timer.start()

    def stop(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._timer is not None:
                self._timer.cancel()
                self._spent, self._timer = self._spent + time.monotonic() - self._since, None

    def _speak(self) -> None:
        self._spoken = True
        tell(TEXT)


WATCH = Stopwatch()
"""Hears of every compilation in this process."""


def listen() -> None:
    """Announce this process's compilations of generated code from now on; to be called once Numba is imported."""
    global _listening
    if _listening:
        return
    from numba.core import event

    class Listener(event.Listener):  # type: ignore[misc]
        """Hears of every compilation, and heeds those of generated modules."""

        def on_start(self, event: Any) -> None:
            if _is_ours(event):
                WATCH.start()

        def on_end(self, event: Any) -> None:
            if _is_ours(event):
                WATCH.stop()

    event.register("numba:compile", Listener())
    _listening = True


def _is_ours(event: Any) -> bool:
    function = getattr((event.data or {}).get("dispatcher"), "py_func", None)
    return str(getattr(function, "__module__", "")).startswith("symhigh_generated")
