"""A TOML text as nested tables that know the line of each key, and that refuse what they do not know.

Part of the files. ``tomllib`` reads the text; lines are found by handing it statement after statement.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

import sympy as sp

from symhigh.checks import shown
from symhigh.files.grammar import read_expression

Path = tuple[str | int, ...]
_LARGEST = 10_000_000


@dataclass(frozen=True)
class Table:
    """A table at ``path`` of a document called ``name``; ``lines`` holds the line of each path of the document."""

    values: Mapping[str, Any]
    name: str
    path: Path = ()
    lines: Mapping[Path, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, name: str) -> Table:
        """The table of a whole TOML text; ``ValueError`` with the line where it is none."""
        if len(text) > _LARGEST:
            raise ValueError(f"{name}: more than {_LARGEST:,} characters, which no experiment needs")
        try:
            return cls(tomllib.loads(text), name, lines=_lines(text))
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            place = f", line {found[1]}" if found else ""
            reason = re.sub(r" \(at .*\)$", "", str(error))
            raise ValueError(f"{name}{place}: not TOML: {reason}") from error
        except RecursionError as error:
            raise ValueError(f"{name}: brackets nested too deeply") from error

    def place(self, key: str = "") -> str:
        """Where a key stands: file, line, dotted name."""
        path = (*self.path, key) if key else self.path
        line = next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), None)
        dotted = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
        return ", ".join([self.name, *([f"line {line}"] if line else []), *([dotted] if dotted else [])])

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise ``ValueError`` about ``key``."""
        raise ValueError(f"{self.place(key)}: {message}")

    @contextmanager
    def blame(self) -> Iterator[None]:
        """Give errors raised inside the place of the first key that their message names, here or further inside."""
        try:
            yield
        except (ValueError, TypeError, NotImplementedError) as error:
            if str(error).startswith(self.name + ", ") or str(error).startswith(self.name + ":"):
                raise
            table, key = self._named(str(error))
            raise ValueError(f"{table.place(key)}: {error}") from error

    def _named(self, message: str) -> tuple[Table, str]:
        """The first key that a message names; of several of this name, one whose value the message shows."""
        tables = list(self._inside())
        for word in re.findall(r"\w+", message.split(": ")[0]) + re.findall(r"\w+", message):
            found = [t for t in tables if word in t.values and not isinstance(t.values[word], dict)]
            if found:
                return next((t for t in found if shown(t.values[word]) in message), found[0]), word
        return self, ""

    def _inside(self) -> Iterator[Table]:
        yield self
        for key, value in self.values.items():
            if isinstance(value, Mapping):
                yield from self._at(value, key)._inside()
            for n, entry in enumerate(value if isinstance(value, list) else ()):
                if isinstance(entry, Mapping):
                    yield from self._at(entry, key, n)._inside()

    def _at(self, values: Mapping[str, Any], *keys: str | int) -> Table:
        return Table(values, self.name, (*self.path, *keys), self.lines)

    # --- values -------------------------------------------------------------------------------------------
    def __contains__(self, key: str) -> bool:
        return key in self.values

    def known(self, *keys: str) -> None:
        """Refuse every key that is not one of these."""
        for key in self.values:
            if key not in keys:
                near = get_close_matches(key, keys, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys) or 'none'}"
                self.fail(key, f"there is no key {key!r} here; {hint}")

    def table(self, key: str) -> Table:
        """The table at ``key``, empty where there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, Mapping):
            self.fail(key, f"{shown(value)} must be a table")
        return self._at(value, key)

    def tables(self, key: str) -> list[Table]:
        """The list of tables at ``key``, empty where there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            self.fail(key, f"{shown(value)} must be a list of tables")
        return [self._at(entry, key, n) for n, entry in enumerate(value)]

    def text(self, key: str, default: str | None = None) -> str:
        """The text at ``key``."""
        value = self.values.get(key, default)
        if value is None:
            self.fail(key, f"{key} is missing")
        if not isinstance(value, str):
            self.fail(key, f"{shown(value)} must be text, in quotes")
        return value

    def word(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """The text at ``key``, one of ``allowed``."""
        value = self.text(key, default)
        if value not in allowed:
            near = get_close_matches(value, allowed, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(allowed)}"
            self.fail(key, f"{shown(value)} is not known; {hint}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """The truth value at ``key``."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"{shown(value)} must be true or false")
        return value

    def number(self, key: str, default: Any = None) -> Any:
        """The number at ``key``; a formula in quotes, such as ``"sqrt(2)/3"``, stays exact."""
        if key not in self.values:
            if default is None:
                self.fail(key, f"{key} is missing")
            return default
        return self._number(key, self.values[key])

    def numbers(self, key: str) -> list[Any]:
        """The list of numbers at ``key``."""
        value = self.values.get(key)
        if not isinstance(value, list):
            self.fail(key, f"{shown(value)} must be a list of numbers" if key in self.values else f"{key} is missing")
        return [self._number(key, entry) for entry in value]

    def _number(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self.formula(key, {}, value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, f"{shown(value)} must be a number")
        if isinstance(value, int) and abs(value) > sys.float_info.max:
            self.fail(key, f"{shown(value)} must be a number that a double holds, at most {sys.float_info.max:.3g}")
        return value

    def whole(self, key: str, least: int, default: int | None = None) -> int:
        """The whole number at ``key``."""
        value = self.values.get(key, default)
        if value is None:
            self.fail(key, f"{key} is missing")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fail(key, f"{shown(value)} must be a whole number >= {least}")
        return value

    def formula(self, key: str, names: Mapping[str, sp.Expr], text: str | None = None) -> sp.Expr:
        """The formula at ``key`` in ``names``."""
        try:
            return read_expression(key, self.text(key) if text is None else text, names)
        except ValueError as error:
            if str(error).startswith(self.name):
                raise
            self.fail(key, str(error).removeprefix(f"{key} "))


def _lines(text: str) -> dict[Path, int]:
    """The line on which each key and each table header stands."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    header: Path = ()
    begin, rows = 0, text.splitlines()
    while begin < len(rows):
        for end in range(begin + 1, len(rows) + 1):
            if end > begin + 1 and not any(mark in rows[end - 1] for mark in ("]", '"""', "'''")):
                continue  # no statement of several lines ends here
            statement = "\n".join(rows[begin:end])
            try:
                tree = tomllib.loads(statement)
            except tomllib.TOMLDecodeError:
                continue
            break
        else:
            return found  # the whole is not TOML, which is said elsewhere
        if rows[begin].lstrip().startswith("["):
            header = _header(tree, found, counts)
            found.setdefault(header, begin + 1)
        else:
            for path in _paths(tree):
                found.setdefault((*header, *path), begin + 1)
        begin = end
    return found


def _header(tree: Mapping[str, Any], found: Mapping[Path, int], counts: dict[Path, int]) -> Path:
    """The path that ``[a.b]`` or ``[[a.b]]`` opens; the last of a list of tables is meant where one is in between."""
    path: Path = ()
    value: Any = tree
    while value:
        if isinstance(value, list):
            counts[path] = counts.get(path, -1) + 1
            return (*path, counts[path])
        key = next(iter(value))
        path, value = (*path, key), value[key]
        if isinstance(value, Mapping) and value and path in counts:
            path = (*path, counts[path])
    return path


def _paths(tree: Any) -> Iterator[Path]:
    """The paths of all keys."""
    entries = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in entries:
        if isinstance(key, int) and not isinstance(value, Mapping):
            continue
        yield (key,)
        for inner in _paths(value):
            yield (key, *inner)
