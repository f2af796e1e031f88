"""The private folder for generated code: nobody else can write there, or it is not used at all.

Serves the cache. Machine code that is read back from disk is run, so a folder that another user could have filled is
as dangerous as a program of theirs. Owner, mode, links and parents are checked, as SSH checks its keys.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from symhigh.telling import warn

_DIGEST = 32
_warned: set[str] = set()


def cache_folder() -> Path | None:
    """``$SYMHIGH_CACHE`` if set, else the user's cache folder, made on first use; None where it is not private.

    A warning says so once, and names the variable; generated code is then kept in memory only.
    """
    chosen = os.environ.get("SYMHIGH_CACHE")
    if chosen:
        return _private(chosen)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # no home
        warn_once("there is no home folder for generated code")
        return None
    return _private(str(base / "symhigh"))


@lru_cache(maxsize=16)
def _private(name: str) -> Path | None:
    folder = Path(name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fault = _fault(folder)
    except OSError as error:
        fault = f"it cannot be made: {error.strerror or error}"
    if fault:
        warn_once(f"the folder {str(folder)!r} for generated code is not used, since {fault}")
        return None
    return folder.resolve()


def _fault(folder: Path) -> str:
    """Why ``folder`` is not safe to run code from, or cannot be written; empty where it is and can."""
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return "it cannot be written"
    if not hasattr(os, "getuid"):  # Windows: profiles are private
        return ""
    if status.st_uid != os.getuid():
        return "it belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others can write in it (chmod 700 makes it private)"
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"others can replace it, as they can write in {str(parent)!r}"
    return ""


def warn_once(fault: str) -> None:
    """Warn that generated code stays in memory, once a process for one fault."""
    if fault not in _warned:
        _warned.add(fault)
        warn(
            f"{fault}; generated code stays in memory and is compiled again by each process. Set SYMHIGH_CACHE to a "
            "folder of your own, with mode 0700 and free space",
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever else writes it; a full or read-only disk is survived."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        warn_once(f"generated code cannot be written to {str(path.parent)!r}: {error.strerror or error}")


def sealed(content: bytes) -> bytes:
    """``content`` after its digest."""
    return hashlib.sha256(content).digest() + content


def unsealed(path: Path) -> bytes | None:
    """The content of a sealed file; None where there is none, and where it is damaged: then it is removed."""
    try:
        whole = path.read_bytes()
    except OSError:
        return None
    digest, content = whole[:_DIGEST], whole[_DIGEST:]
    if hashlib.sha256(content).digest() == digest:
        return content
    with suppress(OSError):
        path.unlink()
    return None


def digest_of(*modules: Any) -> str:
    """The digest of the texts of modules."""
    digest = hashlib.sha256()
    for module in modules:
        loader: Any = getattr(module.__spec__, "loader", None)
        digest.update(loader.get_data(module.__file__) if hasattr(loader, "get_data") else b"")
    return digest.hexdigest()
