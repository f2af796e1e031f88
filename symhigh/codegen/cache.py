"""Generated source becomes a module once, and its machine code stays on disk for later processes.

The name of a module is the hash of its source alone: equal mathematics gives equal source, whatever process made it.
What runs is the source at hand, never a file; the copy on disk (``m_<hash>.py``) is there to be read. Helpers of
quadrature become a module of their own, which others import by its hash, so that they are compiled once.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from types import ModuleType

from symhigh.codegen.entries import keep
from symhigh.codegen.folder import cache_folder as cache_folder
from symhigh.codegen.folder import write_whole
from symhigh.codegen.helpers import HELPERS, used
from symhigh.codegen.target import EXACT, NUMBA, NUMPY

LOCK = threading.RLock()
"""Held while source is generated and becomes a module: by one thread at a time, the others then find it done."""
if hasattr(os, "register_at_fork"):  # a child must not wait for a thread that it does not have
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)


def load(source: str) -> ModuleType:
    """Make ``source`` a module, and use the machine code that an earlier process left."""
    return _load(_importing(source))


def _importing(source: str) -> str:
    """``source`` with the helpers imported from their own module, which is loaded."""
    before, helpers, after = source.partition(HELPERS)
    if not helpers:
        return source
    header = next(target.header for target in (EXACT, NUMBA, NUMPY) if source.startswith(target.header))
    names = ", ".join(used(before + after))
    return f"{before}from {_load(header + HELPERS).__name__} import {names}\n{after}" if names else before + after


def _load(source: str) -> ModuleType:
    digest = hashlib.sha256(source.encode()).hexdigest()[:20]
    name = f"symhigh_generated.m_{digest}"
    with LOCK:
        if name in sys.modules:
            return sys.modules[name]
        folder, path = cache_folder(), f"<m_{digest}.py>"
        if folder is not None:
            file = folder / f"m_{digest}.py"
            if not file.exists() or file.read_bytes() != source.encode():
                write_whole(file, source.encode())
            path = str(file)
        module = ModuleType(name)
        module.__file__ = path
        # the machine code is kept by our own entries, so Numba is not asked to look for a place of its own
        text = source.replace("numba.njit(cache=True, ", "numba.njit(")
        exec(compile(text, path, "exec"), module.__dict__)
        keep(module.__dict__, source)
        sys.modules[name] = module  # executed, and only now seen by other threads
        return module
