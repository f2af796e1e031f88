"""What the command line does around every command: messages instead of tracebacks, strict JSON, progress.

Exit status 0 success, 1 refuted, diverged or interrupted, 2 wrong usage, 128 + n ended by the signal n.
"""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from symhigh.telling import on_a_terminal

_MISTAKES = (ValueError, TypeError, KeyError, OSError, ImportError, MemoryError, NotImplementedError)


class Commands(click.Group):
    """A group whose commands end in a message, whatever the user's mistake was."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # terminals without ✗ or Σ show a ? for it
                stream.reconfigure(errors="replace")
        with plain_warnings(), stopped_by_signals():
            try:
                return super().invoke(ctx)
            except BrokenPipeError:
                raise
            except ArithmeticError as error:
                raise click.ClickException(str(error)) from error
            except _MISTAKES as error:
                message = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
                raise click.UsageError(message or type(error).__name__) from error


def writable(option: str, path: Path) -> None:
    """Make the folder of a file to be written, or say that it cannot be, before any work."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "a folder")
        there = path.exists()
        with path.open("ab"):  # permissions do not tell of disks that take nothing
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise ValueError(f"{option} {str(path)!r} cannot be written: {error.strerror}") from error


_came: list[int] = []
"""The signals that have come while the present command ran."""


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt as the keyboard does, so that what is done is kept; the exit status then says so.

    A signal that was ignored before, as under nohup, stays ignored.
    """

    def stop(number: int, _: Any) -> None:
        _came.append(number)
        raise KeyboardInterrupt

    _came.clear()
    with _handling(stop):
        try:
            yield
        finally:
            if _came:
                raise SystemExit(_status(_came[0]))


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Within, a signal ends the command: the library would keep what is done, and a figure would show half of it."""

    def stop(number: int, _: Any) -> None:
        _came.append(number)
        raise SystemExit(_status(number))

    with _handling(stop):
        yield


def interrupted() -> bool:
    """Whether a signal came while the present command ran, so that nothing long is to be begun."""
    return bool(_came)


@contextmanager
def _handling(stop: Callable[[int, Any], None]) -> Iterator[None]:
    before = {}
    if threading.current_thread() is threading.main_thread():
        meant = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in meant}
    heeded = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in heeded:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


def _status(number: int) -> int:
    return 1 if number == signal.SIGINT else 128 + number


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Warnings as one line each, without the library's source."""
    before = warnings.formatwarning

    def line(message: Warning | str, *_: Any, **__: Any) -> str:
        return f"warning: {message}\n"

    warnings.formatwarning = line
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on a terminal's standard error; nothing elsewhere."""
    if not on_a_terminal():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    # what is printed meanwhile goes above the bar on a terminal, and stays on standard output elsewhere
    above = sys.stdout is not None and sys.stdout.isatty()
    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=above) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda fraction: bar.update(task, completed=fraction)
