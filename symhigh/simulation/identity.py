"""What an experiment is: a hash of its source with all that it uses in its own module, and one of symhigh.

Stands below sweeps, whose cells must come from one experiment.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_CONSTANTS = (int, float, complex, str, bytes, tuple, list, dict, set, frozenset)


def source_hash(experiment: Callable[..., Any]) -> str:
    """A hash of the function's source, of the functions and constants of its module that it uses, and of what is bound.

    Where no source can be read, of the compiled code. Other modules than the function's own are not followed.
    """
    return digest(*(text.encode() for text in _texts(experiment, set())))


@lru_cache(maxsize=1)
def library_hash() -> str:
    """A hash of symhigh's own source."""
    root = Path(__file__).resolve().parents[1]
    files = sorted(root.rglob("*.py"))
    return digest(*(part for f in files for part in (str(f.relative_to(root)).encode(), f.read_bytes())))


def digest(*parts: bytes) -> str:
    """Sixteen hexadecimal digits of the parts, told apart by their lengths."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:16]


def _texts(thing: Any, seen: set[int]) -> Iterator[str]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, partial):
        yield repr((thing.args, sorted(thing.keywords.items())))
        yield from _texts(thing.func, seen)
        return
    function = inspect.unwrap(thing) if callable(thing) else thing
    if inspect.ismethod(function):
        function = function.__func__
    if not isinstance(function, FunctionType):
        owner = thing if isinstance(thing, type) else type(thing)
        function = vars(owner).get("__call__")
        yield _source(owner)
    if not isinstance(function, FunctionType):
        return
    yield _source(function)
    yield repr([c.cell_contents for c in function.__closure__ or () if isinstance(c.cell_contents, _CONSTANTS)])
    for name in sorted(_names(function.__code__)):
        used = function.__globals__.get(name)
        if isinstance(used, _CONSTANTS):
            yield f"{name} = {used!r}"
        elif isinstance(used, FunctionType | type | partial) and _module(used) == function.__module__:
            yield from _texts(used, seen)


def _module(used: Any) -> Any:
    return getattr(used.func if isinstance(used, partial) else used, "__module__", None)


def _names(code: CodeType) -> set[str]:
    """Global names in a function, those of the functions inside it included."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*(_names(c) for c in inner))


def _source(thing: Any) -> str:
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return repr(thing) if code is None else repr((code.co_code, code.co_names, code.co_consts))
