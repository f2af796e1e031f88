"""Generated source becomes a module once, and stays on disk for later processes.

Code made by ``exec`` cannot use Numba's cache, so each source is written to ``m_<hash>.py`` and imported from
there. The name is the hash of the source alone: equal mathematics gives equal source, whatever process made it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType


def cache_folder() -> Path:
    """``$SYMHIGH_CACHE`` if set, else the user's cache folder; created on first use."""
    chosen = os.environ.get("SYMHIGH_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(chosen) if chosen else base / "symhigh"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        if chosen:
            raise
    private = Path(tempfile.gettempdir()) / f"symhigh-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    private.mkdir(mode=0o700, exist_ok=True)
    return private


def load(source: str) -> ModuleType:
    """Import ``source`` as a module, reusing the file and the machine code of an earlier process."""
    name = "symhigh_generated.m_" + hashlib.sha256(source.encode()).hexdigest()[:20]
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / (name.rpartition(".")[2] + ".py")
    if not path.exists() or path.read_text() != source:
        # whole or not at all: another process may be writing the same file
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            file.write(source)
        os.replace(temporary, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba looks the module up while it compiles
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
