"""Helper processes end with the process that they work for, whatever ended that.

Beside :mod:`symhigh.closed.solving`; serves every room that starts processes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

_EACH = 0.2
"""Seconds between two looks at the parent."""


def helper(module: str) -> list[str]:
    """The command of a process that runs ``module.serve()`` for this one."""
    text = f"from symhigh.closed.processes import work; work({os.getpid()}, {module!r})"
    return [sys.executable, "-P", "-c", text]  # what lies in the working folder is not imported unless it is here


def environment() -> dict[str, str]:
    """The environment of a helper process, which finds modules where this one does, symhigh itself in any case."""
    folders = [folder or os.getcwd() for folder in sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*folders, str(Path(__file__).resolve().parents[2])])}


def work(parent: int, module: str) -> None:
    """Run ``module.serve()`` for the process ``parent``; it is watched before anything long is imported."""
    serve_only(parent)
    if sys.stderr is None:  # closed, as the parent's is
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - as long as the process lives
    try:
        import_module(module).serve()
    except BrokenPipeError:  # nobody reads the answers any more
        os._exit(1)


def serve_only(parent: int) -> None:
    """Leave interruptions from the keyboard to the process ``parent``, which started this one, and end when it ends.

    A process whose parent was killed would else work on, for nobody, and complain when it answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EACH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
