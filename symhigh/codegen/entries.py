"""Machine code kept on disk: one file for each function and signature, whole or not at all, checked by its digest.

Takes the place of Numba's own cache, whose index is shared by all entries of a function: processes that write at the
same time mix it up, and one damaged byte in it stops every later process. Here the name of a file is the hash of all
that the machine code depends on, so nothing is shared and nothing goes stale. An entry also names the functions that
it calls, which are loaded before it, as they were compiled before it: the linker then resolves every call as it did
then, and code from disk computes the same bits as code just compiled.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from symhigh.codegen.folder import cache_folder, sealed, unsealed, write_whole

_LIBRARIES: dict[str, tuple[str, Any]] = {}
"""Function and signature of each library of machine code in this process, by the library's name."""


def keep(namespace: Mapping[str, Any], source: str) -> None:
    """Let every compiled function of a module keep its machine code; ``source`` is the text of the module."""
    folder = cache_folder()
    if folder is None or "numba" not in sys.modules:
        return
    from numba.core.dispatcher import Dispatcher

    text = hashlib.sha256(source.encode()).hexdigest()
    compiled = {
        name: f for name, f in namespace.items() if isinstance(f, Dispatcher) and hasattr(f, "_cache")
    }
    for name, function in compiled.items():
        if function.py_func.__globals__ is namespace:  # what it imports keeps its own
            function._cache = _entries(folder, text, name, compiled)


def _entries(folder: Path, text: str, name: str, others: Mapping[str, Any]) -> Any:
    """The cache of one function, with the interface that Numba's dispatchers ask for."""
    import numba
    from llvmlite import __version__ as llvmlite_version
    from numba.core.caching import NullCache
    from numba.core.compiler import CompileResult
    from numba.core.serialize import dumps

    class Entries(NullCache):  # type: ignore[misc]
        """Loads and saves the entries of one function."""

        @property
        def cache_path(self) -> str:
            return str(folder)

        def _path(self, signature: Any, codegen: Any) -> Path:
            key = (
                text,
                name,
                signature,
                codegen.magic_tuple(),
                numba.__version__,
                llvmlite_version,
                sys.version,
            )
            return folder / f"c_{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.bin"

        def load_overload(self, signature: Any, target_context: Any) -> Any:
            target_context.refresh()
            path = self._path(signature, target_context.codegen())
            content = unsealed(path)
            if content is None:
                return None
            try:
                called, payload = pickle.loads(content)
                for other, its_signature in called:
                    others[other].compile(its_signature)
                result = CompileResult._rebuild(target_context, *payload)
                _LIBRARIES[result.library.name] = name, signature
                return result
            except Exception:  # written by a build that calls itself the same, and is not
                with suppress(OSError):
                    path.unlink()
                return None

        def save_overload(self, signature: Any, data: Any) -> None:
            if data.lifted or data.library.has_dynamic_globals:
                return
            _LIBRARIES[data.library.name] = name, signature
            linked = {library.name for library in data.library._linking_libraries} - {data.library.name}
            called = sorted((_LIBRARIES[k] for k in linked if k in _LIBRARIES), key=repr)
            called = [c for c in called if c[0] in others]
            write_whole(self._path(signature, data.codegen), sealed(dumps((called, data._reduce()))))

    return Entries()
