"""Which code of the library each side of a statement went through, read off the source of the claims file.

Stands beside the evidence. A line neither of whose sides uses the library is a lemma; a line whose two sides
come from the same results of the library compares a thing with itself, and is circular. Only names are followed,
through assignments and functions of the file; nothing is run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import sympy as sp

import symhigh

_SILENT = ("symbols", "checks", "ledger", "verify")
"""Rooms that bring notation and the ledger itself, and no result."""
_GIVEN = ("problem", "rule", "population")
"""Rooms that say what is studied; a result comes from the others."""
_BEHIND = (
    *("derivation", "integration.curve", "integration.solve", "simulation.exact_mean", "simulation.grid"),
    *("simulation.runner", "simulation.runs", "ledger"),
)
"""Rooms and modules whose functions the façade offers under the same names; a result comes from them."""
_TWO_SIDED = ("equal", "less", "greater", "at_most", "at_least", "Eq", "Ne", "Lt", "Gt", "Le", "Ge", "asymptotic",
              "symbolic", "numeric", "iff")  # fmt: skip

Names = frozenset[str]


@dataclass(frozen=True)
class Paths:
    """Entry points of the library that a line uses, such as ``closed.limits``, and how the line is to be read."""

    used: Names = frozenset()
    reading: str = ""
    """``"lemma"``, ``"circular"``, or ``""`` for a statement about what the library derives."""

    @property
    def text(self) -> str:
        """One phrase for the ledger."""
        return self.reading or "through " + ", ".join(sorted(self.used))


@dataclass(frozen=True)
class Origin:
    """Where a line of evidence stands: the file, and the line of code where its function or call begins."""

    file: str
    line: int

    @property
    def paths(self) -> Paths | None:
        """What the line uses, or ``None`` where its source cannot be read."""
        try:
            text = Path(self.file).read_text(encoding="utf-8")
            module = _module(text)
        except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
            return None
        return module.paths_at(self.line)


def origin_of(function: Callable[..., Any]) -> Origin | None:
    """The origin of a function, through wrappers; ``None`` for one that has no source."""
    code = getattr(function, "__code__", None)
    return None if code is None else Origin(code.co_filename, code.co_firstlineno)


@dataclass
class _Scope:
    """Names, and the expressions that their values come from."""

    sources: dict[str, list[ast.AST]] = field(default_factory=dict)

    def add(self, target: ast.AST, value: ast.AST) -> None:
        """Name by name where both are tuples, or a loop over ``zip``; else every name comes from all of ``value``."""
        names = target.elts if isinstance(target, ast.Tuple) else []
        parts = value.elts if isinstance(value, ast.Tuple) else []
        if isinstance(value, ast.Call) and _called(value) == "zip":
            parts = list(value.args)
        if names and len(names) == len(parts):
            for name, part in zip(names, parts, strict=True):
                self.add(name, part)
            return
        if names and parts and all(isinstance(p, ast.Tuple) and len(p.elts) == len(names) for p in parts):
            for part in parts:
                self.add(target, part)
            return
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                self.sources.setdefault(node.id, []).append(value)

    def read(self, nodes: Iterator[ast.AST]) -> None:
        for node in nodes:
            match node:
                case ast.Assign():
                    for target in node.targets:
                        self.add(target, node.value)
                case ast.AugAssign() | ast.NamedExpr():
                    self.add(node.target, node.value)
                case ast.AnnAssign(value=ast.AST() as value):
                    self.add(node.target, value)
                case ast.For() | ast.comprehension():
                    self.add(node.target, node.iter)
                case ast.withitem(optional_vars=ast.AST() as target):
                    self.add(target, node.context_expr)
                case ast.FunctionDef():
                    self.sources.setdefault(node.name, []).append(node)
                case _:
                    pass


class _Module:
    """One claims file: what it imports from the library, and what its names come from."""

    def __init__(self, text: str) -> None:
        self.tree = parsed(text)
        self.known: dict[int, Paths | None] = {}
        self.leaves: dict[ast.AST, list[ast.Name | ast.Attribute]] = {}
        self.packages: set[str] = set()
        self.imported: dict[str, str] = {}
        self.scope = _Scope()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                self.packages |= {a.asname or a.name for a in node.names if a.name == "symhigh"}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "symhigh":
                for name in node.names:
                    home = sys.modules.get(node.module or "")
                    if not isinstance(getattr(home, name.name, None), sp.Symbol):  # notation, and no result
                        self.imported[name.asname or name.name] = _entry(node.module or "", name.name)
        self.scope.read(_outside_functions(self.tree))

    def paths_at(self, line: int) -> Paths | None:
        """What the function or the call at a line uses, read once."""
        if line not in self.known:
            node = _at(self.tree, line)
            self.known[line] = None if node is None else self.paths(node)
        return self.known[line]

    def paths(self, node: ast.AST) -> Paths:
        """What a function or a call uses, side by side where it states relations."""
        local = _Scope()
        local.read(ast.walk(node))
        sides = [
            call.args[:2]
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and _called(call) in _TWO_SIDED and len(call.args) >= 2
        ]
        circular = bool(sides) and all(self._circular(first, second, local) for first, second in sides)
        used = self.used(node, local)
        return Paths(used, "circular" if circular else "" if used else "lemma")

    def _circular(self, first: ast.AST, second: ast.AST, local: _Scope) -> bool:
        """Whether both sides are the same results of the library, and neither has anything written by hand."""
        one, other = (_results(self.used(side, local)) for side in (first, second))
        return bool(one) and one == other and not any(_by_hand(side) for side in (first, second))

    def used(self, node: ast.AST, local: _Scope) -> Names:
        """Entry points of the library reached from ``node`` through the names of the file."""
        found: set[str] = set()
        seen: set[tuple[int, str]] = set()
        waiting = [(node, local)]
        while waiting:
            part, scope = waiting.pop()
            if part not in self.leaves:
                self.leaves[part] = [leaf for leaf in ast.walk(part) if isinstance(leaf, ast.Name | ast.Attribute)]
            for leaf in self.leaves[part]:
                if isinstance(leaf, ast.Attribute):
                    if isinstance(leaf.value, ast.Name) and leaf.value.id in self.packages:
                        found |= _loud(_entry("symhigh", leaf.attr))
                else:
                    inside = scope.sources.get(leaf.id)
                    home = scope if inside else self.scope
                    if (id(home), leaf.id) in seen:
                        continue
                    seen.add((id(home), leaf.id))
                    if inside:
                        waiting += [(source, scope) for source in inside]
                    elif leaf.id in self.imported:
                        found |= _loud(self.imported[leaf.id])
                    else:
                        waiting += [(s, _inner(s)) for s in self.scope.sources.get(leaf.id, ())]
        return frozenset(found)


@lru_cache(maxsize=8)
def parsed(text: str) -> ast.Module:
    """The syntax of a file; to be read only, since it is kept for all who ask."""
    return ast.parse(text)


@lru_cache(maxsize=64)
def _module(text: str) -> _Module:
    return _Module(text)


def _inner(node: ast.AST) -> _Scope:
    scope = _Scope()
    if isinstance(node, ast.FunctionDef):
        scope.read(n for n in ast.walk(node) if n is not node)
    return scope


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that does not stand inside a function; the functions themselves included."""
    for child in ast.iter_child_nodes(tree):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _outside_functions(child)


def _at(tree: ast.AST, line: int) -> ast.AST | None:
    """The function that begins at ``line``, decorators included, else the smallest call that spans it."""
    best: ast.AST | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == line:
                return node
        elif isinstance(node, ast.Call | ast.Lambda) and node.lineno <= line <= (node.end_lineno or 0):
            named = isinstance(node, ast.Lambda) or _called(node) in _TWO_SIDED
            if named and (best is None or _size(node) <= _size(best)):
                best = node
    return best


def _size(node: Any) -> int:
    return (node.end_lineno or node.lineno) - node.lineno


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _entry(module: str, name: str) -> str:
    """``room.name`` of what ``module`` exports as ``name``."""
    homes: Mapping[str, str] = vars(symhigh)["_HOME"]
    home = homes.get(name, module) if module == "symhigh" else module
    room = home.removeprefix("symhigh").lstrip(".").split(".")[0]
    if room == "objects":
        import_module(home)  # and with it what it offers
        room = next((r for r in _BEHIND if _offers(r, name)), room).partition(".")[0]
    return f"{room}.{name}" if room else name


def _offers(behind: str, name: str) -> bool:
    """Whether a name is defined in a module, or anywhere in a room."""
    value = getattr(sys.modules.get(f"symhigh.{behind}"), name, None)
    return str(getattr(value, "__module__", "")).startswith(f"symhigh.{behind}")


def _loud(entry: str) -> set[str]:
    return set() if entry.split(".")[0] in _SILENT else {entry}


def _by_hand(side: ast.AST) -> bool:
    """Whether a number or a shape is written into a side."""
    return any(isinstance(n, ast.Constant) and isinstance(n.value, int | float) for n in ast.walk(side))


def _results(used: Names) -> Names:
    return frozenset(e for e in used if e.split(".")[0] not in _GIVEN)
