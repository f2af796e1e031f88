"""The manual's page of guarantees: ``python -m tests.guarantees`` writes ``docs/guarantees.md``.

What is guaranteed stands in ``guarantees.toml``; the figures are those that the long runs wrote to ``docs/records``,
each with the command that repeats it. Nothing here is typed in.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from symhigh.ledger.surroundings import versions

ROOT = Path(__file__).resolve().parents[1]
RECORDS, PAGE = ROOT / "docs" / "records", ROOT / "docs" / "guarantees.md"
STATED = Path(__file__).with_suffix(".toml")


def record(name: str, command: str, figures: dict[str, Any], listed: dict[str, str] | None = None) -> None:
    """Keep what a long run found: its figures, and what survived or was left out with the reason."""
    RECORDS.mkdir(exist_ok=True)
    data = {"command": command, "figures": figures, "listed": listed or {}, "versions": versions()}
    (RECORDS / f"{name}.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")


def stated() -> list[dict[str, Any]]:
    """The guarantees, in order."""
    found: list[dict[str, Any]] = tomllib.loads(STATED.read_text("utf-8"))["guarantee"]
    return found


def recorded() -> dict[str, dict[str, Any]]:
    """The records by name."""
    return {p.stem: json.loads(p.read_text("utf-8")) for p in sorted(RECORDS.glob("*.json"))}


def page() -> str:
    """The page."""
    records = recorded()
    lines = ["# Guarantees", "", "Written by `python -m tests.guarantees` from the records of the runs named.", ""]
    lines += ["What each kind of result is guaranteed to be, what that assumes, and what shows it.", ""]
    for each in stated():
        lines += [f"## {each['result'][0].upper()}{each['result'][1:]}", "", f"{each['is']}.", ""]
        lines += [f"*Assumes:* {each['assumes']}.", ""]
        lines += ["*Shown by* " + ", ".join(f"`{file}`" for file in each["shown"]) + ".", ""]
        found = records.get(each.get("record", ""))
        if found:
            lines += _figures(found)
    return "\n".join(lines).rstrip() + "\n"


def _figures(found: dict[str, Any]) -> list[str]:
    lines = ["| measured | |", "|---|---|", *(f"| {name} | {value} |" for name, value in found["figures"].items())]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines += ["", f"Repeat: `{found['command']}`; then {versions}.", ""]
    if found["listed"]:
        lines += [*(f"- {name}: {reason}" for name, reason in found["listed"].items()), ""]
    return lines


def ledger() -> None:
    """Verify all that ships, by two algebra systems, and keep the counts."""
    import symhigh as sh

    found = sh.verify(second=True)
    figures: dict[str, Any] = {"claims": len(found.rows), "as expected": sum(row.as_expected for row in found.rows)}
    figures |= {f"parts {text}": count for text, count in found.part_counts.items()}
    assert found.second is not None
    figures["identities that are proved"] = found.second.count
    figures["of these, reduced to zero by Maxima too"] = found.second.reduced
    apart = {
        f"{row.id}: {line.title or line.stated[:120]}": str(line.second)
        for row in found.rows
        for line in row.lines
        if line.second and line.second.reduced < line.second.count
    }
    record("ledger", "python -m tests.guarantees ledger", figures, apart)


if __name__ == "__main__":
    if sys.argv[1:] == ["ledger"]:
        ledger()
    PAGE.write_text(page(), "utf-8")
