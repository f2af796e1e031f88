"""Shared objects of generated C: kept in the private folder, checked by their digest, called through ctypes.

Beside :mod:`symhigh.codegen.cache`, under its rules. An object is named by the hash of all that it depends on, the
source, the compiler and the processor, and written whole; its digest stands beside it, so that a damaged one is
dropped and compiled anew. Without a private folder it is compiled into a private temporary one, and forgotten.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from symhigh.codegen import c, c_expressions, c_prelude, c_statements, c_types, helpers
from symhigh.codegen.announce import WATCH
from symhigh.codegen.c_types import NoTranslation, Record, Signature
from symhigh.codegen.cache import LOCK
from symhigh.codegen.compiler import NoCompiler, begin, compiler, options
from symhigh.codegen.folder import cache_folder, digest_of, write_whole
from symhigh.codegen.helpers import SHARED, TYPES

_loaded: dict[str, SimpleNamespace] = {}
_BYTE = ctypes.c_char
_HELD = {"a": np.dtype(np.float64), "k": np.dtype(np.int64), "b": np.dtype(np.uint64)}
"""What arrays hold, by the first letter of their types."""


def load_object(
    source: str, exports: Mapping[str, Signature], records: tuple[Record, ...] = ()
) -> SimpleNamespace:
    """The functions ``exports`` of ``source``, translated and compiled, or found on disk.

    Raises :class:`~symhigh.codegen.compiler.NoCompiler` where they cannot be compiled or loaded.
    """
    return begin_object(source, exports, records)()


def begin_object(
    source: str,
    exports: Mapping[str, Signature],
    records: tuple[Record, ...] = (),
    level: int = 2,
    fused: bool = False,
) -> Callable[[], SimpleNamespace]:
    """Start what :func:`load_object` does; the function returned waits for the end, so that compilers run at once.

    ``level`` of optimisation; ``fused`` where a product in a sum may be rounded with it.
    """
    key = _key(source, exports, records, level, fused)
    with LOCK:
        if (known := _loaded.get(key)) is not None:
            return lambda: known
    before, shared, after = source.partition(SHARED)
    given = TYPES if shared else {}
    library = _library(key, lambda: c.translate(before + after, exports, records, given), level, fused)
    offered = _helpers() if shared else None

    def finished() -> SimpleNamespace:
        made = library()
        if offered is not None:
            _attach(made, offered)
        with LOCK:
            if key not in _loaded:
                functions = {name: _function(made, name, kinds, records) for name, kinds in exports.items()}
                _loaded[key] = SimpleNamespace(**functions)
            return _loaded[key]

    return finished


def _attach(library: ctypes.CDLL, offered: Callable[[], int]) -> None:
    """Tell compiled code where the helpers are that it calls."""
    try:
        place = offered()
    except NoCompiler:
        _helpers.cache_clear()
        raise
    with suppress(AttributeError):  # it calls none
        library.attach(ctypes.c_void_p(place))


@lru_cache(maxsize=1)
def _helpers() -> Callable[[], int]:
    """Begin to compile the helpers, once for all objects; the function returned tells where their addresses are."""
    begun = _library(_key(SHARED, {}, (), 2, False), lambda: c.translate_shared(SHARED, TYPES), 2)

    @lru_cache(maxsize=1)
    def offered() -> int:
        return ctypes.addressof((ctypes.c_void_p * len(TYPES)).in_dll(begun(), "offered"))

    return offered


def _key(
    source: str, exports: Mapping[str, Signature], records: tuple[Record, ...], level: int, fused: bool
) -> str:
    found = compiler()
    if found is None:
        raise NoCompiler("there is no C compiler")
    parts = (source, dict(exports), records, options(level, fused), found[1], _translator())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _translator() -> str:
    """What the translation itself depends on."""
    return digest_of(c, c_expressions, c_prelude, c_statements, c_types, helpers)


def _library(key: str, translated: Callable[[], str], level: int, fused: bool = False) -> Callable[[], ctypes.CDLL]:
    """Begin to compile an object that is not on disk; the function returned waits for it."""
    folder = cache_folder()
    if folder is not None and (known := _kept(folder, key)) is not None:
        return lambda: known
    try:
        text = translated()
    except NoTranslation as fault:
        raise NoCompiler(str(fault)) from None
    try:
        private = tempfile.TemporaryDirectory(prefix="symhigh-")
    except OSError as error:
        raise NoCompiler(f"no temporary folder can be made: {error.strerror or error}") from None
    WATCH.start()
    try:
        compiled = begin(text, Path(private.name), level, fused)
    except BaseException:
        WATCH.stop()
        private.cleanup()
        raise

    def finished() -> ctypes.CDLL:
        with private:
            try:
                made = compiled()
            finally:
                WATCH.stop()
            content = made.read_bytes()
            if folder is not None:
                write_whole(folder / f"o_{key}.c", text.encode())
                write_whole(folder / f"o_{key}.so", content)
                write_whole(folder / f"o_{key}.sum", hashlib.sha256(content).digest())
                if (known := _kept(folder, key)) is not None:
                    return known
            return _opened(made)

    return finished


def _kept(folder: Path, key: str) -> ctypes.CDLL | None:
    """The object on disk, if it is whole; else it is removed."""
    path, digest = folder / f"o_{key}.so", folder / f"o_{key}.sum"
    try:
        content, expected = path.read_bytes(), digest.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).digest() == expected:
        with suppress(NoCompiler):  # a folder from which nothing can be run
            return _opened(path)
        return None
    for file in (digest, path):
        with suppress(OSError):
            file.unlink()
    return None


def _opened(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise NoCompiler(f"compiled code cannot be loaded: {error}") from None


def _function(library: ctypes.CDLL, name: str, kinds: Signature, records: tuple[Record, ...]) -> Function:
    """A function of an object."""
    enter = library[f"enter_{name}"]
    enter.restype, enter.argtypes = None, (ctypes.c_void_p, ctypes.c_void_p)
    returned = (ctypes.c_char_p.in_dll(library, f"returns_{name}").value or b"").decode()
    address = ctypes.cast(library[f"f_{name}"], ctypes.c_void_p).value
    return Function(library, enter, returned, name, kinds, records, address)


class Function:
    """A compiled function: called with numbers, arrays of doubles and records; ``address`` is where its code is."""

    def __init__(
        self, library: Any, enter: Callable[..., None], returned: str, name: str, kinds: Signature,
        records: tuple[Record, ...] = (), address: int | None = None,
    ) -> None:  # fmt: skip
        self._library, self._enter, self.__name__, self.address = library, enter, name, address
        fields = {r.name: tuple(r.fields.values()) for r in records}
        self._kinds = tuple(fields[k[1:]] if k.startswith("r") else k for k in kinds)
        formats = [_format(k) for k in self._kinds]
        self._layout = struct.Struct("".join(formats))
        self._numbers: dict[int, tuple[Callable[..., None], int]] = {}
        """How to write each argument that is a number into its slot, and where that is."""
        for k, form in enumerate(formats):
            if self._kinds[k] in ("d", "i"):
                self._numbers[k] = struct.Struct(form).pack_into, struct.calcsize("".join(formats[:k]))
        self._results = struct.Struct(returned.replace("i", "q")) if returned else None

    def __call__(self, *given: Any) -> Any:
        slots, copies = self.slots(given)
        found = self.enter(self._layout.pack(*slots))
        for array, copy in copies:
            array[...] = copy
        return found

    def slots(self, given: tuple[Any, ...]) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """The slots of arguments, and arrays that had to be copied with their copies."""
        slots: list[Any] = []
        copies: list[tuple[Any, Any]] = []
        for kind, value in zip(self._kinds, given, strict=True):
            if isinstance(kind, tuple):
                for its, entry in zip(kind, value, strict=True):
                    _put(its, entry, slots, copies)
            else:
                _put(kind, value, slots, copies)
        return slots, copies

    def held(self, *given: Any) -> Callable[[dict[int, Any]], Any] | None:
        """The function with its arguments packed once; called with those numbers that change, by place.

        None where an array had to be copied.
        """
        slots, copies = self.slots(given)
        if copies:
            return None
        packed = ctypes.create_string_buffer(self._layout.pack(*slots), self._layout.size)

        def call(changed: dict[int, Any], alive: tuple[Any, ...] = given) -> Any:
            for place, value in changed.items():
                write, at = self._numbers[place]
                write(packed, at, value)
            return self.enter(packed)

        return call

    def enter(self, packed: Any) -> Any:
        """Call with arguments that are packed."""
        if self._results is None:
            self._enter(packed, None)
            return None
        room = ctypes.create_string_buffer(self._results.size)
        self._enter(packed, room)
        found = self._results.unpack(room.raw)
        return found if len(found) > 1 else found[0]


def _format(kind: Any) -> str:
    if isinstance(kind, tuple):
        function = isinstance(kind[-1], str) and kind[-1].startswith(("v", "i", "d", "("))
        return "Q" if function else "".join(map(_format, kind))
    if kind.startswith("("):
        return "".join(map(_format, _several(kind)))
    return {"d": "d", "i": "q", "n": ""}[kind] if len(kind) == 1 else "Q" + "q" * int(kind[1:])


def _several(kind: str) -> list[str]:
    """The types of several values."""
    return kind.strip("()").split(",")


def _put(kind: Any, value: Any, slots: list[Any], copies: list[tuple[Any, Any]]) -> None:
    if isinstance(kind, tuple):
        slots.append(value.address)
    elif kind.startswith("("):
        for its, entry in zip(_several(kind), value, strict=True):
            _put(its, entry, slots, copies)
    elif kind == "n":
        return
    elif kind == "d":
        slots.append(float(value))
    elif kind == "i":
        slots.append(int(value))
    else:
        array, held = value, _HELD[kind[0]]
        if not (array.flags.c_contiguous and array.dtype == held):
            array = np.ascontiguousarray(value, dtype=held)
            if value.flags.writeable:
                copies.append((value, array))
            else:
                copies.append((np.empty_like(array), array))
        try:
            slots.append(ctypes.addressof(_BYTE.from_buffer(array)))
        except (TypeError, ValueError):  # empty, or not to be written
            slots.append(array.ctypes.data)
        slots += array.shape
