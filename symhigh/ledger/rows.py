"""The ledger: one row a claim, as data, as text, as JSON and as a page.

The end of the verification room. Rows hold plain text and numbers only, so they travel between processes
and to disk.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from symhigh.ledger.maxima import Second
from symhigh.ledger.score import Score
from symhigh.ledger.shown import Shown
from symhigh.ledger.tally import Tally
from symhigh.ledger.text import row_text
from symhigh.ledger.verdict import Proof, Verdict, is_unfinished, plain


@dataclass(frozen=True)
class Line:
    """One line of evidence as it ended; ``seconds`` is the time it took.

    ``part`` says whether it is a part of the statement, or a check of it; ``proof`` in which sense it is proved;
    ``paths`` which code of the library it went through, or that it is a lemma, or circular; ``shown`` what it tests;
    ``second`` what a second algebra system says, where it was asked.
    """

    kind: str
    title: str
    verdict: Verdict
    detail: str
    counterexample: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    part: bool = True
    proof: Proof | None = None
    paths: str = ""
    shown: tuple[Shown, ...] = ()
    assumed: tuple[str, ...] = ()
    second: Second | None = None

    @property
    def verdict_text(self) -> str:
        """The verdict, with the kind of proof and a reading of what the line compares."""
        two = "by two" if self.second and self.second.all else None
        notes = [n for n in (plain(self.proof), two, self.paths if self.paths in ("lemma", "circular") else None) if n]
        return self.verdict.value + (f" ({', '.join(notes)})" if notes else "")

    @property
    def stated(self) -> str:
        """What the line tests, in one line of text."""
        return "; ".join(dict.fromkeys(s.text for s in self.shown))


@dataclass(frozen=True)
class Row:
    """One claim as it ended. The statement is rendered from what the parts tested; ``comment`` is the author's.

    ``score`` tells how many errors planted in it were refuted, where a planted run of it as it stands is on record;
    ``examined`` when an earlier run examined it, where the row was taken from there.
    """

    name: str
    id: str
    comment: str
    source: str
    domain: str
    expect: Verdict
    verdict: Verdict
    lines: tuple[Line, ...]
    seconds: float
    file: str = ""
    score: Score | None = None
    examined: str = ""

    @property
    def parts(self) -> tuple[Line, ...]:
        """The lines that state the claim."""
        return tuple(line for line in self.lines if line.part)

    @property
    def checks(self) -> tuple[Line, ...]:
        """The lines that check it by another route."""
        return tuple(line for line in self.lines if not line.part)

    @property
    def statement(self) -> str:
        """Hypotheses and parts, as they were tested."""
        stated = "; ".join(line.stated for line in self.parts if line.shown)
        return f"{self.hypotheses} ⇒ {stated}" if self.hypotheses and stated else stated

    @property
    def hypotheses(self) -> str:
        """The domain, and what the assumptions of the symbols of the parts add to it."""
        assumed = (a for line in self.parts for a in line.assumed)
        return ", ".join(dict.fromkeys([*filter(None, [self.domain]), *assumed]))

    @property
    def formula(self) -> str:
        """The parts that can be typeset, as LaTeX."""
        return r" \\ ".join(s.latex for line in self.parts for s in line.shown if s.latex)

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one, or skipped, and every line came to an end."""
        if any(is_unfinished(line.verdict) for line in self.lines):
            return False
        return self.verdict in (self.expect, Verdict.SKIPPED)

    @property
    def proofs(self) -> tuple[str, ...]:
        """The kinds of proof among the parts."""
        return tuple(dict.fromkeys(line.proof.value for line in self.parts if line.proof))

    @property
    def verdict_text(self) -> str:
        """The verdict, with the kinds of proof where it is proved."""
        if self.verdict is not Verdict.PROVED or not self.proofs:
            return self.verdict.value
        return f"{self.verdict.value} ({', '.join(self.proofs)})"

    @property
    def support(self) -> str:
        """The detail of the line that decides the row."""
        return next((line.detail for line in self.lines if line.verdict is self.verdict), "")

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-ready data."""
        data = asdict(self)
        data |= {"expect": self.expect.value, "verdict": self.verdict.value, "as_expected": self.as_expected}
        data |= {"statement": self.statement, "formula": self.formula}
        for line in data["lines"]:
            line["verdict"], line["proof"] = line["verdict"].value, plain(line["proof"])
            line["counterexample"] = dict(line["counterexample"])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        """The row that :meth:`to_dict` wrote."""
        fields = {k: v for k, v in data.items() if k not in ("as_expected", "statement", "formula")}
        fields |= {
            "lines": tuple(map(_line, data["lines"])),
            "expect": Verdict(data["expect"]),
            "verdict": Verdict(data["verdict"]),
            "score": None if data.get("score") is None else Score.from_dict(data["score"]),
        }
        return cls(**fields)

    @property
    def score_text(self) -> str:
        """How many planted errors the row would have caught, or that none is on record."""
        if self.score is not None and self.score.planted:
            return str(self.score)
        if self.expect is Verdict.REFUTED:
            return "no errors are planted in what is expected to be refuted"
        none = "no planted run is on record for the claim as it stands"
        return none if self.score is None else "it displays nothing that an error could be planted in"

    def located(self, file: str, score: Score | None = None) -> Row:
        """The row with the file that its claim came from, and the score that the file's folder keeps of it."""
        return replace(self, file=file, score=score)


def _line(data: Mapping[str, Any]) -> Line:
    made = {
        "verdict": Verdict(data["verdict"]),
        "proof": None if data["proof"] is None else Proof(data["proof"]),
        "counterexample": tuple(data["counterexample"].items()),
        "shown": tuple(Shown(**s) for s in data["shown"]),
        "assumed": tuple(data["assumed"]),
        "second": None if data.get("second") is None else Second(**data["second"]),
    }
    return Line(**{**data, **made})


@dataclass(frozen=True)
class Ledger:
    """What :func:`symhigh.verify` returns: the rows, and the settings that reproduce them.

    ``complete`` is false where the run was interrupted; the rows are those that were done. ``without`` names the files
    of a folder that hold no claims. ``tallies`` are the denominators of the sources whose folders were verified whole.
    """

    rows: tuple[Row, ...]
    quick: bool = False
    seed: int = 0
    complete: bool = True
    seconds: float = 0.0
    without: tuple[str, ...] = ()
    tallies: tuple[Tally, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the run is complete, every claim ended as its author expects, and no denominator is left open."""
        ended = self.complete and bool(self.rows) and all(row.as_expected for row in self.rows)
        return ended and all(tally.complete for tally in self.tallies)

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many claims ended with each verdict, those that occur."""
        return {v: n for v in Verdict if (n := sum(row.verdict is v for row in self.rows))}

    @property
    def part_counts(self) -> dict[str, int]:
        """How many parts of statements ended with each verdict, the proved ones by kind."""
        found: dict[str, int] = {}
        for line in (line for row in self.rows for line in row.parts):
            text = f"proved ({line.proof.value})" if line.proof else line.verdict.value
            found[text] = found.get(text, 0) + 1
        return dict(sorted(found.items()))

    @property
    def second(self) -> Second | None:
        """What a second algebra system says of all identities that are proved; ``None`` where it was not asked."""
        asked = [line.second for row in self.rows for line in row.lines if line.second]
        return Second(sum(s.reduced for s in asked), sum(s.count for s in asked)) if asked else None

    @property
    def score(self) -> Score | None:
        """The scores of all claims together; ``None`` where no planted run is on record."""
        found = [row.score for row in self.rows if row.score]
        return Score.total(found) if found else None

    def to_json(self, indent: int | None = 2) -> str:
        """The ledger as JSON text: settings, ``as_expected``, counts, and every row with its lines."""
        data = {
            "as_expected": self.as_expected,
            "complete": self.complete,
            "quick": self.quick,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "counts": {v.value: n for v, n in self.counts.items()},
            "parts": self.part_counts,
            "second": None if self.second is None else asdict(self.second),
            "score": None if self.score is None else asdict(self.score),
            "without_claims": list(self.without),
            "tallies": [tally.to_dict() for tally in self.tallies],
            "rows": [row.to_dict() for row in self.rows],
        }
        return json.dumps(data, indent=indent, ensure_ascii=False)

    def to_html(self) -> str:
        """The ledger as one self-contained HTML page, formulas in MathML."""
        from symhigh.ledger.page import page

        return page(self)

    def __repr__(self) -> str:
        return f"Ledger({self.summary()})"

    def _repr_html_(self) -> str:
        from symhigh.ledger.page import fragment

        return fragment(self)

    def text(self, width: int = 100, details: bool = False) -> str:
        """The ledger as plain text of about ``width`` columns.

        One row a claim; all lines of evidence for claims that did not end as expected, or for all with
        ``details``; counterexamples always.
        """
        return "\n".join([*(row_text(row, width, details) for row in self.rows), "", self.closing()])

    def closing(self) -> str:
        """What ends the text: one line with the counts of each source's denominators, and the summary."""
        return "\n".join([*(tally.summary for tally in self.tallies), self.summary()])

    def summary(self) -> str:
        """One sentence: how many claims, with which verdicts, and whether all is as expected."""
        verdicts = ", ".join(f"{n} {v.value}" for v, n in self.counts.items()) or "none"
        bad = [row.name for row in self.rows if not row.as_expected]
        unlike = f"{len(bad)} not as expected: {'; '.join(bad)}" if bad else ""
        end = "all as expected" if self.as_expected else unlike if self.rows else "nothing to show"
        stopped = "" if self.complete else "interrupted; "
        unread = f"; no claims in {', '.join(self.without)}" if self.without else ""
        line = f"{len(self.rows)} claims in {self.seconds:.1f} s: {verdicts}; {stopped}{end}".rstrip("; ")
        parts = ", ".join(f"{n} {text}" for text, n in self.part_counts.items())
        second = "" if self.second is None else f"; {self.second}"
        return f"{line}; parts: {parts or 'none'}{second}{self._scored}{self._taken}{unread}"

    @property
    def _taken(self) -> str:
        taken = sum(bool(row.examined) for row in self.rows)
        return f"; {taken} of the rows were taken from earlier runs, which rest on the same" if taken else ""

    @property
    def _scored(self) -> str:
        if self.score is None:
            return ""
        without = sum(row.score is None and row.expect is not Verdict.REFUTED for row in self.rows)
        missing = f", {without} without a score" if without else ""
        return f"; {self.score}{missing}"

    def __str__(self) -> str:
        return self.text()
