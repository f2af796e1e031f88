"""Denominators: what became of every displayed number and named result of a source, proved to skipped, with the reason.

Stands between the rows and the ledger. A folder of claims states its source in ``numbers.toml``: how many displayed
numbers it has, its named results, and the reasons for those that no claim cites. Claims cite in their ``source``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symhigh.ledger.verdict import Verdict, combine

if TYPE_CHECKING:
    from symhigh.ledger.rows import Row

TABLE = "numbers.toml"
_MOST = 10_000
"""Displayed numbers that a source may have."""
_RANGE = re.compile(r"\((\d{1,9})\)(?:-\((\d{1,9})\))?")


@dataclass(frozen=True)
class Entry:
    """One displayed number, such as ``"(8)"``, or named result of a source.

    ``verdict`` is the weakest of the claims that cite it, ``SKIPPED`` where none does, and ``ERROR`` where the table
    contradicts itself; ``claims`` are their ids; ``reason`` says why there is none, or what is wrong.
    """

    name: str
    verdict: Verdict
    claims: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Tally:
    """The denominators of one source: its displayed ``numbers`` and named ``results``, in the source's order."""

    title: str
    numbers: tuple[Entry, ...]
    results: tuple[Entry, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything is either cited by a claim or has a reason."""
        return not self.errors

    @property
    def errors(self) -> tuple[Entry, ...]:
        """The entries that have neither, or both."""
        return tuple(e for e in (*self.numbers, *self.results) if e.verdict is Verdict.ERROR)

    @property
    def summary(self) -> str:
        """One sentence with the counts."""
        wrong = "".join(f"; {e.name}: {e.reason}" for e in self.errors)
        results = f"; {len(self.results)} named results: {_counts(self.results)}" if self.results else ""
        return f"{self.title}: {len(self.numbers)} displayed numbers: {_counts(self.numbers)}{results}{wrong}"

    def to_dict(self) -> dict[str, Any]:
        """The tally as JSON-ready data."""

        def plain(entries: Iterable[Entry]) -> list[dict[str, Any]]:
            return [
                {"name": e.name, "verdict": e.verdict.value, "claims": list(e.claims), "reason": e.reason}
                for e in entries
            ]

        return {"title": self.title, "numbers": plain(self.numbers), "results": plain(self.results)}


def _counts(entries: Sequence[Entry]) -> str:
    found = {v: sum(e.verdict is v for e in entries) for v in Verdict}
    return ", ".join(f"{n} {v.value}" for v, n in found.items() if n)


def tally(table: Path, rows: Sequence[Row]) -> Tally:
    """The denominators that ``table`` states, with the verdicts of the rows that cite its source.

    Raises ``ValueError`` for a table that cannot be read.
    """
    try:
        data = tomllib.loads(table.read_text(encoding="utf-8"))
        source, title, count = data["source"], data["title"], data["numbers"]
        results, reasons = data.get("results", []), data.get("reasons", {})
        _check(source, title, count, results, reasons)
    except (KeyError, ValueError, RecursionError) as error:
        raise ValueError(
            f"verify: {table} is no table of denominators ({error}); it needs source, title and numbers, and may have "
            "results and reasons"
        ) from error
    why: dict[str, list[str]] = {}
    for names, reason in reasons.items():
        for name in (*_numbers(names), *_named(names, results)):
            why.setdefault(name, []).append(reason)
    cited: dict[str, list[Row]] = {}
    for row in rows:
        if row.source.startswith(source):
            for name in (*_numbers(row.source), *_named(row.source, results)):
                cited.setdefault(name, []).append(row)
    names = [f"({n})" for n in range(1, count + 1)]
    entries = [_entry(n, cited.get(n, []), why.get(n, [])) for n in (*names, *results)]
    beyond = [n for n in dict.fromkeys((*why, *cited)) if n not in {*names, *results}]
    strange = [Entry(n, Verdict.ERROR, tuple(r.id for r in cited.get(n, [])), f"beyond ({count})") for n in beyond]
    return Tally(title, tuple(entries[:count]), (*entries[count:], *strange))


def _check(source: Any, title: Any, count: Any, results: Any, reasons: Any) -> None:
    """Refuse entries of another kind."""
    if not (isinstance(source, str) and isinstance(title, str)):
        raise ValueError("source and title must be text")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _MOST:
        raise ValueError(f"numbers must be a whole number from 0 to {_MOST}")
    if not (isinstance(results, list) and all(isinstance(name, str) for name in results)):
        raise ValueError("results must be a list of names")
    if not (isinstance(reasons, dict) and all(isinstance(reason, str) for reason in reasons.values())):
        raise ValueError("reasons must be a table of texts")


def _entry(name: str, rows: Sequence[Row], reasons: Sequence[str]) -> Entry:
    ids = tuple(row.id for row in rows)
    if rows and reasons:
        return Entry(name, Verdict.ERROR, ids, f"cited by {', '.join(ids)}, and has a reason for being skipped")
    if len(reasons) > 1:
        return Entry(name, Verdict.ERROR, ids, "has two reasons for being skipped")
    if not rows and not reasons:
        return Entry(name, Verdict.ERROR, ids, "cited by no claim, and no reason is on record")
    return Entry(name, combine(r.verdict for r in rows), ids) if rows else Entry(name, Verdict.SKIPPED, (), reasons[0])


def _numbers(text: str) -> list[str]:
    """``"(8), (20)-(22)"`` as ``(8)``, ``(20)``, ``(21)``, ``(22)``."""
    pairs = _RANGE.findall(text)
    return [f"({n})" for low, high in pairs for n in range(int(low), min(int(high or low), int(low) + _MOST) + 1)]


def _named(text: str, results: Iterable[str]) -> list[str]:
    """The named results that a text cites; those with a longer number, such as 4.10 for 4.1, are others."""
    return [name for name in results if re.search(rf"{re.escape(name)}(?![\d.]*\d)", text)]


def tallies(files: Sequence[Path], rows: Sequence[Row]) -> tuple[Tally, ...]:
    """The denominators of every folder that is verified whole and states them."""
    found = []
    for folder in dict.fromkeys(f.parent for f in files):
        table = folder / TABLE
        whole = {f for f in folder.glob("*.py") if f.name[0] not in "_."}
        if table.is_file() and whole <= set(files):
            found.append(tally(table, rows))
    return tuple(found)


