"""Symbolic work with a bound in time: ``within(5, sympy.solve, equation, unknown)`` answers, or says that it did not.

Beside the closed forms. SymPy's ``solve``, ``dsolve`` and ``integrate`` may run for ever, also inside compiled code
that no signal interrupts; so the work goes to another process, which is kept for the next question and killed when the
time is over. Works in notebooks, threads and scripts without a main guard, on every platform.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from symhigh.checks import real, refuse_type, shown
from symhigh.closed.processes import environment, helper

_START = 120.0


@dataclass(frozen=True)
class Attempt:
    """What :func:`within` returns: ``value`` where ``found``, else a ``message`` that says why not.

    ``seconds`` is the time that it took, without starting the process.
    """

    found: bool
    value: Any
    message: str
    seconds: float

    def __str__(self) -> str:
        return str(self.value) if self.found else self.message


def within(seconds: float, function: Callable[..., Any], *arguments: Any, **options: Any) -> Attempt:
    """``function(*arguments, **options)`` in another process, for at most so many seconds.

    ``function`` and arguments must be picklable: SymPy's functions and expressions are, lambdas are not
    (``TypeError``). A function that gives up with ``NotImplementedError``, as ``solve`` does, is not found; what else
    it raises is raised here. Interrupting from the keyboard ends the work.

    >>> import sympy as sp
    >>> x = sp.Symbol("x")
    >>> print(within(10, sp.solve, x**2 - 4, x))
    [-2, 2]
    """
    bound = real("within", "seconds", seconds, above=0.0, below=1e9, meaning="the time limit")
    if not callable(function):
        refuse_type("within", "function", function, "a function of a module", "with picklable arguments")
    name = getattr(function, "__name__", shown(function))
    try:
        task = pickle.dumps((function, arguments, options))
    except Exception as error:  # whatever an argument's own pickling raises
        raise TypeError(
            f"within(function={name}): {error}; give a function of a module and picklable arguments"
        ) from error
    with _LOCK:
        worker = _Worker.ready()
        begin = time.perf_counter()
        try:
            answer = worker.ask(task, bound)
        except BaseException:  # an interruption, or a worker that died: either way it is of no more use
            worker.kill()
            raise
    spent = time.perf_counter() - begin
    if answer is None:
        worker.kill()
        return Attempt(False, None, f"{name}: not found in {bound:g} s", spent)
    done, value = pickle.loads(answer)
    if done:
        return Attempt(True, value, "", spent)
    if isinstance(value, NotImplementedError):
        return Attempt(False, None, f"{name}: not found, no method applies ({value})", spent)
    raise value


class _Worker:
    """The other process, and a thread that reads what it answers; of the process that made it, no fork of that."""

    current: _Worker | None = None

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            helper("symhigh.closed.solving"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        self.answers: Queue[bytes] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @classmethod
    def ready(cls) -> _Worker:
        """The living worker, or a new one that has imported all it needs."""
        worker = cls.current if cls.current is not None and cls.current.owner == os.getpid() else None
        if worker is not None and worker.process.poll() is not None:
            worker.kill()
            worker = None
        if worker is None:
            worker = cls.current = cls()
            if worker._next(_START) is None:
                worker.kill()
                raise RuntimeError(f"within: the process for symbolic work did not start in {_START:g} s")
        return worker

    def ask(self, task: bytes, seconds: float) -> bytes | None:
        """The answer, or None when the time is over; ``RuntimeError`` where the process ends."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            _send(self.process.stdin, task)
        return self._next(seconds)

    def kill(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        with suppress(BrokenPipeError), self.process:
            self.reader.join()
        _Worker.current = None

    def _next(self, seconds: float) -> bytes | None:
        try:
            answer = self.answers.get(timeout=seconds)
        except Empty:
            return None
        if not answer:
            raise RuntimeError(
                f"within: the process for symbolic work ended with status {self.process.wait()}"
            )
        return answer

    def _read(self) -> None:
        assert self.process.stdout is not None
        while answer := _receive(self.process.stdout):
            self.answers.put(answer)
        self.answers.put(b"")


_LOCK = threading.Lock()


@atexit.register
def _end() -> None:
    worker = _Worker.current
    if worker is not None and worker.owner == os.getpid():
        worker.kill()


# --- messages: a length of eight bytes, then the pickle ---------------------------------------------------------------
def _send(stream: Any, message: bytes) -> None:
    stream.write(len(message).to_bytes(8, "big") + message)
    stream.flush()


def _receive(stream: Any) -> bytes:
    """The next message; empty at the end of the stream."""
    head = stream.read(8)
    return stream.read(int.from_bytes(head, "big")) if len(head) == 8 else b""


# --- the other process ------------------------------------------------------------------------------------------------
def serve() -> None:
    """Answer questions until the input ends. What the work prints goes to standard error."""
    import sympy  # noqa: F401 - loaded before the first question, so that its time is not counted

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = sys.stderr
    _send(answers, b"ready")
    while task := _receive(sys.stdin.buffer):
        _send(answers, _answer(task))


def _answer(task: bytes) -> bytes:
    try:
        function, arguments, options = pickle.loads(task)
        return pickle.dumps((True, function(*arguments, **options)))
    except Exception as error:
        try:
            return pickle.dumps((False, error))
        except Exception:
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
