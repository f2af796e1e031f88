"""Planted twins of a claim: statements that are near it and wrong, and must be refuted.

Stands above the lines of evidence, any of which it turns round. A twin shows that a condition or a constant is sharp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from symhigh.ledger.domain import Domain
from symhigh.ledger.evidence import Evidence, Trial
from symhigh.ledger.paths import Origin
from symhigh.ledger.verdict import Finding, Verdict


@dataclass(frozen=True)
class MustFail:
    """A planted twin: a statement that is near the claim's and wrong; see :func:`must_fail`."""

    kind: ClassVar[str] = "twin"
    best: ClassVar[Verdict] = Verdict.VERIFIED
    line: Evidence
    domain: Domain | None
    title: str
    origin: Origin | None = field(default=None, compare=False)

    def examine(self, trial: Trial) -> Finding:
        """Verified where the twin is refuted, its counterexample being the margin; failed where it is not."""
        there = Trial(self.domain or trial.domain, trial.quick, trial.seed)
        found = self.line.examine(there)
        shown = found.shown
        if found.verdict is Verdict.REFUTED:
            values = dict(found.counterexample)
            margin = f", by {values['left']} against {values['right']}" if "left" in values else ""
            return Finding(Verdict.VERIFIED, f"fails, as it must{margin}", found.counterexample, None, shown)
        if found.verdict in (Verdict.PROVED, Verdict.VERIFIED, Verdict.CONSISTENT):
            return Finding(Verdict.REFUTED, "the twin holds, so the claim is not sharp as stated", (), None, shown)
        return found


def must_fail(line: Any, domain: Any = None, *, title: str = "") -> MustFail:
    """A planted twin of a claim: ``line``, on ``domain`` if given, states something wrong that must be refuted.

    It shows that a condition or a constant is sharp, and by what margin the twin fails.
    """
    if not hasattr(line, "examine"):
        raise TypeError(f"must_fail({line!r}): give a line of evidence, made by symbolic, numeric or integrated")
    held = None if domain is None else domain if isinstance(domain, Domain) else Domain(domain)
    return MustFail(line, held, title or line.title, getattr(line, "origin", None))
