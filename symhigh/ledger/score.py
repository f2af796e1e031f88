"""Scores: how many of the errors planted in what a claim displays its own evidence refuted, as a planted run found.

Stands between files of claims and rows. A folder keeps its scores in ``scores.toml``, written by ``tests/plant.py``;
each belongs to the very source of its claim, so that a claim which has changed since has none.
"""

from __future__ import annotations

import ast
import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from symhigh.disk import keep
from symhigh.ledger.paths import parsed

TABLE = "scores.toml"
_BY_NAME = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Score:
    """How many errors were ``planted`` in a claim, how many of them it ``refuted``, and which it ``missed``."""

    planted: int
    refuted: int
    missed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.refuted <= self.planted:
            raise ValueError(f"Score(refuted={self.refuted}): refuted must be from 0 to planted={self.planted}")

    @classmethod
    def total(cls, scores: Iterable[Score]) -> Score:
        """The score of several claims together."""
        all_of = tuple(scores)
        missed = tuple(error for score in all_of for error in score.missed)
        return cls(sum(s.planted for s in all_of), sum(s.refuted for s in all_of), missed)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """The score that a table or a row in JSON holds."""
        return cls(int(data["planted"]), int(data["refuted"]), tuple(map(str, data["missed"])))

    def __str__(self) -> str:
        return f"would have caught {self.refuted} of {self.planted} planted errors"


def scores(file: Path, source: Source | None = None) -> dict[str, Score]:
    """The scores of a file's claims by id, those whose source is still the one that the errors were planted in.

    ``source`` is that of the file, where it has been read.

    Raises ``ValueError`` for a table that cannot be read.
    """
    table = file.parent / TABLE
    if not table.is_file():
        return {}
    try:
        held = tomllib.loads(table.read_text("utf-8")).get(file.stem, {})
        found = {key: (str(entry["digest"]), Score.from_dict(entry)) for key, entry in held.items()}
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"verify: {table} is no table of scores ({error}); take it away, or write it again with "
            "`python -m tests.plant`"
        ) from error
    source = source or Source(file)
    return {key: score for key, (digest, score) in found.items() if digest == source.digest(key)}


def write_scores(file: Path, found: Mapping[str, Score]) -> None:
    """Put the scores of all claims of a file into the table of its folder; those of other files stay as they are."""
    table, source = file.parent / TABLE, Source(file)
    held = tomllib.loads(table.read_text("utf-8")) if table.is_file() else {}
    held[file.stem] = {key: {"digest": source.digest(key), **vars(score)} for key, score in found.items()}
    keep("score", table, "\n".join(_section(stem, held[stem]) for stem in sorted(held)))


def _section(stem: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    return f"[{_text(stem)}]\n" + "".join(
        f"{_text(key)} = {{ digest = {_text(entry['digest'])}, planted = {entry['planted']}, "
        f"refuted = {entry['refuted']}, missed = [{', '.join(map(_text, entry['missed']))}] }}\n"
        for key, entry in entries.items()
    )


def _text(value: str) -> str:
    """A basic string of TOML."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in plain) + '"'


@dataclass(frozen=True)
class _Statement:
    """What one statement of a module is: its text, the names it uses and binds, and what else it holds."""

    text: str
    uses: frozenset[str]
    binds: frozenset[str]
    constants: frozenset[str]
    modules: tuple[str, ...]
    only_binds: bool

    @classmethod
    def of(cls, statement: ast.stmt, lines: Sequence[str]) -> _Statement:
        nodes = tuple(ast.walk(statement))
        binds = frozenset(_names(nodes, ast.Store))
        return cls(
            "".join(lines[_first(statement) - 1 : statement.end_lineno]),
            frozenset(_names(nodes, ast.Load)),
            binds,
            frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)),
            tuple(_modules(nodes)),
            _only_binds(statement, binds),
        )


@lru_cache(maxsize=32)
def _statements(text: str) -> tuple[_Statement, ...]:
    """The statements of a module; kept, since files of one folder import the same modules."""
    lines = text.splitlines(keepends=True)
    return tuple(_Statement.of(statement, lines) for statement in parsed(text).body)


class Source:
    """A file of claims as text: what each of them rests on, statement by statement."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.text = file.read_text("utf-8")
        self.statements = _statements(self.text)

    @cached_property
    def helpers(self) -> dict[Path, str]:
        """The texts of the modules beside the file that it imports, and of what those import from there."""
        return _beside(self.file.resolve().parent, self.statements, {})

    @cached_property
    def whole(self) -> str:
        """A hash of the file and of its helpers."""
        return _hash([self.text, *(self.helpers[f] for f in sorted(self.helpers))])

    def digest(self, claim: str) -> str:
        """A hash of the claim's statement, of every statement that it rests on, and of helpers beside the file.

        The claim's statement is the one in which its id stands; without one alone, the whole file counts.
        """
        places = [n for n, statement in enumerate(self.statements) if claim in statement.constants]
        kept = self._reached(places[0]) if len(places) == 1 else range(len(self.statements))
        helpers = _beside(self.file.parent, [self.statements[n] for n in kept], {})
        return _hash([claim, *(self.statements[n].text for n in kept), *(helpers[f] for f in sorted(helpers))])

    def _reached(self, place: int) -> Sequence[int]:
        """The statement at a place, those that bind names it uses, and so on; and all that do more than bind names."""
        kept = {place} | {n for n, statement in enumerate(self.statements) if not statement.only_binds}
        while True:
            used = set[str]().union(*(self.statements[n].uses for n in kept))
            more = {n for n, statement in enumerate(self.statements) if used & statement.binds}
            if more <= kept:
                return sorted(kept)
            kept |= more


def _hash(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(f"{len(part)}:{part}".encode())
    return found.hexdigest()[:16]


def _first(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(d.lineno for d in decorators)])


def _only_binds(statement: ast.stmt, binds: frozenset[str]) -> bool:
    """Whether a statement does nothing but give names their values, or is text."""
    if isinstance(statement, ast.Assign):
        targets = [part for target in statement.targets for part in getattr(target, "elts", [target])]
        return all(isinstance(target, ast.Name) for target in targets)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, _BY_NAME) and "*" not in binds


def _names(nodes: Iterable[ast.AST], context: type[ast.expr_context]) -> Iterator[str]:
    """The names that a statement uses, or binds anywhere in it."""
    for node in nodes:
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, context):
                yield node.id
        elif context is ast.Store and isinstance(node, _BY_NAME[:3]):
            yield node.name
        elif context is ast.Store and isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _modules(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that a statement imports, or imports from."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _beside(folder: Path, statements: Iterable[_Statement], found: dict[Path, str]) -> dict[Path, str]:
    """The texts of the modules of a folder that statements import, and of what those import from there."""
    for name in (name for statement in statements for name in statement.modules):
        file = folder / f"{name}.py"
        if name and file not in found and file.is_file():
            found[file] = file.read_text("utf-8")
            _beside(folder, _statements(found[file]), found)
    return found
