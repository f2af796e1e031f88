"""The ledger: one row a claim, as data, as text, as JSON and as a page.

The end of the verification room. Rows hold plain text and numbers only, so they travel between processes
and to disk.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from symhigh.ledger.verdict import Verdict, is_unfinished


@dataclass(frozen=True)
class Line:
    """One line of evidence as it ended; ``seconds`` is the time it took."""

    kind: str
    title: str
    verdict: Verdict
    detail: str
    counterexample: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Row:
    """One claim as it ended. ``formula`` is LaTeX, ``mathml`` presentation MathML, ``domain`` text."""

    name: str
    statement: str
    formula: str
    mathml: str
    source: str
    domain: str
    expect: Verdict
    verdict: Verdict
    lines: tuple[Line, ...]
    seconds: float
    file: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one, or skipped, and every line came to an end."""
        if any(is_unfinished(line.verdict) for line in self.lines):
            return False
        return self.verdict in (self.expect, Verdict.SKIPPED)

    @property
    def support(self) -> str:
        """The detail of the line that decides the row."""
        return next((line.detail for line in self.lines if line.verdict is self.verdict), "")

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-ready data."""
        data = asdict(self)
        data |= {"expect": self.expect.value, "verdict": self.verdict.value, "as_expected": self.as_expected}
        for line in data["lines"]:
            line["verdict"] = line["verdict"].value
            line["counterexample"] = dict(line["counterexample"])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        """The row that :meth:`to_dict` wrote."""
        fields = {k: v for k, v in data.items() if k != "as_expected"}
        lines = [
            Line(
                **{
                    **line,
                    "verdict": Verdict(line["verdict"]),
                    "counterexample": tuple(line["counterexample"].items()),
                }
            )
            for line in data["lines"]
        ]
        fields |= {
            "lines": tuple(lines),
            "expect": Verdict(data["expect"]),
            "verdict": Verdict(data["verdict"]),
        }
        return cls(**fields)

    def located(self, file: str) -> Row:
        """The row with the file that its claim came from."""
        return replace(self, file=file)


@dataclass(frozen=True)
class Ledger:
    """What :func:`symhigh.verify` returns: the rows, and the settings that reproduce them.

    ``complete`` is false where the run was interrupted; the rows are those that were done.
    """

    rows: tuple[Row, ...]
    quick: bool = False
    seed: int = 0
    complete: bool = True
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        """Whether the run is complete and every claim ended as its author expects."""
        return self.complete and bool(self.rows) and all(row.as_expected for row in self.rows)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many claims ended with each verdict, those that occur."""
        return {v: n for v in Verdict if (n := sum(row.verdict is v for row in self.rows))}

    def to_json(self, indent: int | None = 2) -> str:
        """The ledger as JSON text: settings, ``as_expected``, counts, and every row with its lines."""
        data = {
            "as_expected": self.as_expected,
            "complete": self.complete,
            "quick": self.quick,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "counts": {v.value: n for v, n in self.counts.items()},
            "rows": [row.to_dict() for row in self.rows],
        }
        return json.dumps(data, indent=indent, ensure_ascii=False)

    def to_html(self) -> str:
        """The ledger as one self-contained HTML page, formulas in MathML."""
        from symhigh.ledger.page import page

        return page(self)

    def _repr_html_(self) -> str:
        from symhigh.ledger.page import fragment

        return fragment(self)

    def text(self, width: int = 100, details: bool = False) -> str:
        """The ledger as plain text of about ``width`` columns.

        One row a claim; all lines of evidence for claims that did not end as expected, or for all with
        ``details``; counterexamples always.
        """
        return "\n".join([*(row_text(row, width, details) for row in self.rows), "", self.summary()])

    def summary(self) -> str:
        """One sentence: how many claims, with which verdicts, and whether all is as expected."""
        verdicts = ", ".join(f"{n} {v.value}" for v, n in self.counts.items()) or "none"
        bad = [row.name for row in self.rows if not row.as_expected]
        end = (
            "all as expected"
            if self.as_expected
            else (
                f"{len(bad)} not as expected: {'; '.join(bad)}"
                if bad
                else "nothing to show"
                if not self.rows
                else ""
            )
        )
        stopped = "" if self.complete else "interrupted; "
        return f"{len(self.rows)} claims in {self.seconds:.1f} s: {verdicts}; {stopped}{end}".rstrip("; ")

    def __str__(self) -> str:
        return self.text()


def row_text(row: Row, width: int = 100, details: bool = False) -> str:
    """One row as text: mark, verdict, name, source and support; see :meth:`Ledger.text`."""
    mark = "✓" if row.as_expected else "✗"
    expected = "" if row.as_expected else f"  (expected: {row.expect.value})"
    head = f"{mark} {row.verdict.value:<10} {row.name}  [{row.source}]{expected}"
    shown = (
        row.lines
        if details or not row.as_expected
        else [line for line in row.lines if line.verdict is row.verdict][:1]
    )
    body = []
    for line in shown:
        title = f" ({line.title})" if line.title and (details or not row.as_expected) else ""
        body.append(f"{line.kind}{title}: {line.verdict.value}, {line.detail}")
        if line.counterexample:
            body.append("counterexample: " + ", ".join(f"{k} = {v}" for k, v in line.counterexample))
    wrapped = [textwrap.fill(b, width, initial_indent=" " * 4, subsequent_indent=" " * 8) for b in body]
    return "\n".join([head, *wrapped])
