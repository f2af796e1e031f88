"""The table of a mutation run: by room, by kind of error, then every mutant that no failing test killed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

COLUMNS = ("killed", "timed out", "survived", "equivalent")


def verdict(row: dict[str, Any]) -> str:
    """What a mutant counts as; one that is explained as equivalent and yet killed is killed."""
    return "equivalent" if row["status"] == "survived" and row["reason"] else str(row["status"])


def short(source: str) -> str:
    """A stretch of source on one line, its beginning."""
    return " ".join(source.split())[:90]


def table(rows: Sequence[dict[str, Any]]) -> tuple[str, float]:
    """The text, and the share of mutants noticed among those that are not equivalent; a time-out is noticed."""
    counts = Counter(verdict(row) for row in rows)
    noticed = counts["killed"] + counts["timed out"]
    score = noticed / max(1, len(rows) - counts["equivalent"])
    lines = [
        f"{len(rows)} mutants: " + ", ".join(f"{counts[c]} {c}" for c in COLUMNS) + f"; {score:.1%} noticed",
        "",
        *_by("room", rows),
        "",
        *_by("kind", rows),
    ]
    for kind in ("survived", "equivalent", "timed out"):
        some = [row for row in rows if verdict(row) == kind]
        lines += ["", f"{kind}: {len(some)}"] if some else []
        lines += [line for row in some for line in _one(row)]
    return "\n".join(lines) + "\n", score


def _by(key: str, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        groups[row[key]][verdict(row)] += 1
    yield f"{key:14}" + "".join(f"{c:>12}" for c in COLUMNS)
    for name, counts in sorted(groups.items()):
        yield f"{name:14}" + "".join(f"{counts[c] or '':>12}" for c in COLUMNS)


def _one(row: dict[str, Any]) -> Iterator[str]:
    before, after = short(row["before"]), short(row["after"])
    yield f"  {row['id']} {row['file']}:{row['line']} {row['function']}: {before} → {after}"
    if row["reason"] or row["by"]:
        yield f"             {row['reason'] or row['by']}"
