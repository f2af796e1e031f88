"""A claim: hypotheses and the parts that follow, each part a line of evidence that shows what it tests.

Stands between evidence and ledger. Examining a claim runs every line by itself, under a time limit; the row takes
the weakest verdict among the parts.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import ReferenceType, ref

import sympy as sp

from symhigh.checks import real, shown
from symhigh.clock import OutOfTime, time_limit
from symhigh.ledger.domain import ANYWHERE, Domain
from symhigh.ledger.empirical import Simulation
from symhigh.ledger.evidence import Evidence, Trial
from symhigh.ledger.rows import Line, Row
from symhigh.ledger.verdict import Finding, Verdict, combine
from symhigh.telling import at_work

_EXPECTABLE = (Verdict.PROVED, Verdict.VERIFIED, Verdict.CONSISTENT, Verdict.REFUTED)
_KINDS = "symbolic, numeric, asymptotic, integrated, simulation"

MADE: ContextVar[list[ReferenceType[Claim]] | None] = ContextVar("MADE", default=None)
"""The claims made while a file is loaded, so that none stays unread."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement, and what speaks for or against it.

    What the ledger shows as the statement is rendered from the expressions that the lines of evidence test and from
    the domain; words of the author's are a title and a comment.

    Parameters
    ----------
    name
        A short title.
    statement
        A comment in words. It is shown as a comment; nothing in it is tested.
    formula
        A formula to show with the comment, SymPy; what is tested is rendered from the evidence.
    source
        Where it is stated, such as ``"High Line, (8)"``; ``"symhigh"`` for a new one.
    domain
        The hypotheses: a :class:`Domain`, or a mapping of symbols to ranges such as
        ``{gamma: (0, 2/tau), tau: (0, 10)}``.
    evidence
        Lines made by ``symbolic``, ``numeric``, ``asymptotic``, ``integrated`` and ``simulation``: the parts of the
        statement. A simulation beside other lines is taken for a check.
    expect
        The verdict that the author expects: ``PROVED``, ``VERIFIED``, ``CONSISTENT`` or ``REFUTED``; by default the
        best that the evidence can give.
    seconds
        Time limit of each line.
    id
        A permanent name such as ``"high-line/8"``, unique; random points and seeds follow from it. By default the
        title.
    checks
        Second routes to what the parts state, and planted twins (``must_fail``): they can refute, and add nothing.
    """

    name: str
    statement: str = ""
    formula: sp.Basic | None = None
    source: str = "symhigh"
    domain: Domain | Mapping[sp.Symbol, Any] = field(default_factory=lambda: ANYWHERE)
    evidence: Sequence[Evidence] = ()
    expect: Verdict | None = None
    seconds: float = 120.0
    id: str = ""
    checks: Sequence[Evidence] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"Claim(name={shown(self.name)}): a claim needs a name, a short title")
        owner = f"Claim({self.name!r})"
        if not isinstance(self.statement, str):
            raise TypeError(
                f"{owner}: statement={shown(self.statement)} is a comment in words; what is tested belongs "
                "into evidence, such as evidence=[symbolic(left, right)]"
            )
        if not isinstance(self.id, str) or self.id != self.id.strip():
            raise ValueError(f"{owner}: id={shown(self.id)} must be a short text without spaces around it")
        if not isinstance(self.domain, Domain):
            object.__setattr__(self, "domain", Domain(self.domain))
        parts, checks = (_lines(owner, field, getattr(self, field)) for field in ("evidence", "checks"))
        if not parts:
            raise ValueError(f"{owner}: evidence is empty; give at least one of {_KINDS}")
        if self.expect is None:
            object.__setattr__(self, "expect", _best(_parts(parts)))
        if not isinstance(self.expect, Verdict) or self.expect not in _EXPECTABLE:
            allowed = ", ".join(v.name for v in _EXPECTABLE)
            raise ValueError(f"{owner}: expect={shown(self.expect)} must be one of the verdicts {allowed}")
        object.__setattr__(self, "evidence", parts)
        object.__setattr__(self, "checks", checks)
        object.__setattr__(self, "id", self.id or self.name)
        real(owner, "seconds", self.seconds, above=0.0, meaning="the time limit of each line of evidence")
        if (made := MADE.get()) is not None:
            made.append(ref(self))

    def examine(self, quick: bool = False, seed: int = 0, second: bool = False) -> Row:
        """Run every line of evidence and return the row of the ledger; nothing that a line raises escapes.

        ``second`` has Maxima reduce the identities that are proved, too.
        """
        begin = time.perf_counter()
        parts = _parts(self.evidence)
        with at_work("verify", speaks=False):  # rows tell how far it is
            lines = tuple(
                self._run(line, self._trial(place, quick, seed, second), any(line is p for p in parts))
                for place, line in enumerate((*self.evidence, *self.checks))
            )
        assert self.expect is not None
        return Row(
            name=self.name,
            id=self.id,
            comment=self.statement if self.formula is None else f"{self.statement} {self.formula}".strip(),
            source=self.source,
            domain=str(self.domain),
            expect=self.expect,
            verdict=combine(
                (line.verdict for line in lines if line.part),
                (line.verdict for line in lines if not line.part),
            ),
            lines=lines,
            seconds=time.perf_counter() - begin,
        )

    def _trial(self, place: int, quick: bool, seed: int, second: bool = False) -> Trial:
        digest = hashlib.sha256(f"{seed}/{self.id}/{place}".encode()).digest()
        assert isinstance(self.domain, Domain)
        return Trial(self.domain, quick, int.from_bytes(digest[:6], "big"), second)

    def _run(self, evidence: Evidence, trial: Trial, part: bool) -> Line:
        begin = time.perf_counter()
        try:
            with time_limit(self.seconds):
                finding = evidence.examine(trial)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, too, would end a run without a row
            finding = Finding(Verdict.ERROR, f"{self.name}: {explain(error)}")
            if isinstance(error, OutOfTime) or time.perf_counter() - begin > self.seconds:  # cut off in a compiler
                text = f"not done after {self.seconds:g} s; raise Claim(seconds=…) or help it along"
                finding = Finding(Verdict.FAILED, text)
        seconds = time.perf_counter() - begin
        origin = getattr(evidence, "origin", None)
        paths = origin.paths if origin is not None and part else None
        return Line(
            evidence.kind,
            evidence.title,
            finding.verdict,
            finding.detail,
            finding.counterexample,
            seconds,
            part,
            finding.proof,
            "" if paths is None else paths.text,
            finding.shown,
            finding.assumed,
            finding.second,
        )


def explain(error: BaseException) -> str:
    """An error in one paragraph: type, message, notes, and the line of code that raised it."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    frames = traceback.extract_tb(error.__traceback__)
    place = f" [{frames[-1].filename}:{frames[-1].lineno}]" if frames else ""
    remedy = "; a claims file must not end the program" if isinstance(error, SystemExit) else ""
    return f"{type(error).__name__}: {error}{notes}{remedy}{place}"


def _lines(owner: str, field: str, given: Any) -> tuple[Evidence, ...]:
    lines = (given,) if hasattr(given, "examine") else given
    listed = isinstance(lines, Sequence) and not isinstance(lines, str)
    if wrong := [line for line in lines if not hasattr(line, "examine")] if listed else [given]:
        raise TypeError(f"{owner}: {field} {shown(wrong[0])} must be made by {_KINDS}, or be a list of these")
    return tuple(lines)


def _parts(lines: Sequence[Evidence]) -> Sequence[Evidence]:
    """The lines that state something: all, but simulations where there is something else."""
    return [line for line in lines if not isinstance(line, Simulation)] or lines


def _best(parts: Sequence[Evidence]) -> Verdict:
    """The best that the parts can give together."""
    return combine(getattr(line, "best", Verdict.PROVED) for line in parts)
