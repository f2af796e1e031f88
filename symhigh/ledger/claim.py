"""A claim: a statement with a source, a domain, lines of evidence, and the verdict that its author expects.

Stands between evidence and ledger. Examining a claim runs every line by itself, under a time limit, and
combines what they found into one row.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symhigh.checks import real
from symhigh.ledger.clock import OutOfTime, time_limit
from symhigh.ledger.domain import ANYWHERE, Domain
from symhigh.ledger.evidence import Evidence, Trial
from symhigh.ledger.rows import Line, Row
from symhigh.ledger.verdict import Finding, Verdict, combine

_EXPECTABLE = (Verdict.PROVED, Verdict.VERIFIED, Verdict.CONSISTENT, Verdict.REFUTED)


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement, and what speaks for or against it.

    Parameters
    ----------
    name
        A short title, unique in its file; random points and seeds follow from it.
    statement
        The statement in words.
    formula
        The statement as a SymPy expression or relation, to be shown; optional.
    source
        Where it is stated, such as ``"High Line, (8)"``; ``"symhigh"`` for a new one.
    domain
        A :class:`Domain`, or a mapping of symbols to ranges such as ``{gamma: (0, 2/tau), tau: (0, 10)}``.
    evidence
        Lines made by ``symbolic``, ``numeric``, ``integrated`` and ``simulation``.
    expect
        The verdict that the author expects: ``PROVED``, ``VERIFIED``, ``CONSISTENT`` or ``REFUTED``.
    seconds
        Time limit of each line.
    """

    name: str
    statement: str = ""
    formula: sp.Basic | None = None
    source: str = "symhigh"
    domain: Domain | Mapping[sp.Symbol, Any] = field(default_factory=lambda: ANYWHERE)
    evidence: Sequence[Evidence] = ()
    expect: Verdict = Verdict.PROVED
    seconds: float = 120.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"Claim(name={self.name!r}): a claim needs a name, a short title")
        owner = f"Claim({self.name!r})"
        if self.expect not in _EXPECTABLE:
            allowed = ", ".join(v.name for v in _EXPECTABLE)
            raise ValueError(f"{owner}: expect={self.expect!r} must be one of the verdicts {allowed}")
        if not isinstance(self.domain, Domain):
            object.__setattr__(self, "domain", Domain(self.domain))
        lines = (self.evidence,) if hasattr(self.evidence, "examine") else tuple(self.evidence)
        if not lines:
            raise ValueError(
                f"{owner}: evidence is empty; give at least one of symbolic, numeric, integrated, simulation"
            )
        for line in lines:
            if not hasattr(line, "examine"):
                raise TypeError(
                    f"{owner}: evidence {line!r} must be made by symbolic, numeric, integrated or simulation"
                )
        object.__setattr__(self, "evidence", lines)
        real(owner, "seconds", self.seconds, above=0.0, meaning="the time limit of each line of evidence")

    def examine(self, quick: bool = False, seed: int = 0) -> Row:
        """Run every line of evidence and return the row of the ledger; nothing that a line raises escapes."""
        begin = time.perf_counter()
        lines = tuple(
            self._run(line, self._trial(place, quick, seed)) for place, line in enumerate(self.evidence)
        )
        return Row(
            name=self.name,
            statement=self.statement,
            formula="" if self.formula is None else sp.latex(self.formula),
            mathml="" if self.formula is None else sp.mathml(self.formula, printer="presentation"),
            source=self.source,
            domain=str(self.domain),
            expect=self.expect,
            verdict=combine(line.verdict for line in lines),
            lines=lines,
            seconds=time.perf_counter() - begin,
        )

    def _trial(self, place: int, quick: bool, seed: int) -> Trial:
        digest = hashlib.sha256(f"{seed}/{self.name}/{place}".encode()).digest()
        assert isinstance(self.domain, Domain)
        return Trial(self.domain, quick, int.from_bytes(digest[:6], "big"))

    def _run(self, evidence: Evidence, trial: Trial) -> Line:
        begin = time.perf_counter()
        try:
            with time_limit(self.seconds):
                finding = evidence.examine(trial)
        except OutOfTime:
            finding = Finding(
                Verdict.FAILED, f"not done after {self.seconds:g} s; raise Claim(seconds=…) or help it along"
            )
        except Exception as error:
            finding = Finding(Verdict.ERROR, f"{self.name}: {explain(error)}")
        seconds = time.perf_counter() - begin
        return Line(
            evidence.kind, evidence.title, finding.verdict, finding.detail, finding.counterexample, seconds
        )


def explain(error: BaseException) -> str:
    """An error in one paragraph: type, message, notes, and the line of code that raised it."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" [{frames[-1].filename}:{frames[-1].lineno}]" if frames else ""
    return f"{type(error).__name__}: {error}{notes}{place}"
