"""Claims from Python files.

Stands between the user's files and the runner. A claims file is a program of the user's own, and loading it
runs it as Python does, by design: do not verify files that you would not run. No other text is ever
evaluated.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import ReferenceType

from symhigh.ledger.claim import MADE, Claim


def find_files(path: str | Path) -> list[Path]:
    """The claims files that ``path`` stands for: itself, or every ``.py`` file below a folder, sorted.

    Names that begin with ``_`` or ``.`` are left out. ``FileNotFoundError`` where there is none.
    """
    if path == "":
        raise FileNotFoundError("verify(path=''): an empty name; give a file, or '.' for this folder")
    place = Path(path)
    if place.is_file():
        return [place]
    if not place.exists():
        raise FileNotFoundError(f"verify(path={str(path)!r}): there is no such file or folder")
    files = [
        f for f in sorted(place.rglob("*.py")) if not any(p[0] in "_." for p in f.relative_to(place).parts)
    ]
    if not files:
        raise FileNotFoundError(
            f"verify(path={str(path)!r}): the folder has no Python files; claims live in .py files"
        )
    return files


@contextmanager
def loaded(file: Path) -> Iterator[list[Claim]]:
    """The claims of ``file``, in order; its folder is importable meanwhile, as for a script.

    Claims at module level, and those in dictionaries, lists, tuples and sets, however deep; then every other claim that
    the file makes and keeps, as in the attributes of a class. What the file imports from
    its folder is forgotten afterwards, so that helpers of one name in two folders are two modules. Raises what the file
    raises, and ``ValueError`` for two claims of one id.
    """
    folder, before = str(file.resolve().parent), set(sys.modules)
    sys.path.insert(0, folder)
    try:
        made: list[ReferenceType[Claim]] = []
        token = MADE.set(made)
        try:
            module = _module(file)
        finally:
            MADE.reset(token)
        helpers = [sys.modules[name] for name in _beside(folder, before) if sys.modules[name] is not module]
        elsewhere = {id(claim) for helper in helpers for claim in _claims_in(helper)}
        kept = (claim for made_one in made if (claim := made_one()) is not None and id(claim) not in elsewhere)
        yield _distinct([*_claims_in(module), *kept], file)
    finally:
        sys.path.remove(folder)
        for name in _beside(folder, before):
            del sys.modules[name]


def _beside(folder: str, before: set[str]) -> list[str]:
    """The modules of ``folder`` that have been imported since."""
    files = {name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}
    return [name for name, file in files.items() if Path(file).parent == Path(folder)]


def _module(file: Path) -> ModuleType:
    name = f"symhigh_claims_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"verify(path={str(file)!r}): not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with redirect_stdout(sys.stderr):  # standard output is for the ledger
        spec.loader.exec_module(module)
    return module


def _claims_in(module: ModuleType) -> Iterator[Claim]:
    yield from _walk(list(vars(module).values()), set())


def _walk(value: Any, seen: set[int]) -> Iterator[Claim]:
    if isinstance(value, Claim):
        yield value
    elif isinstance(value, Mapping | list | tuple | set | frozenset) and id(value) not in seen:
        seen.add(id(value))
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _walk(inner, seen)


def _distinct(claims: Iterable[Claim], file: Path) -> list[Claim]:
    """Every claim once, though it may have several names in the module."""
    found: dict[str, Claim] = {}
    for claim in claims:
        if found.setdefault(claim.id, claim) is not claim:
            raise ValueError(
                f"{file.name}: two claims are called {claim.id!r}; seeds follow from ids, so each needs its own"
            )
    return list(found.values())
