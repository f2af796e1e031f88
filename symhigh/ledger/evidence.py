"""Lines of evidence for a claim: symbolic, numeric, against an integrated limit, and by direct simulation.

Stands between the mathematics and the claims: each line is examined by itself, under a time limit, and says
proved, verified, consistent or refuted. A constructor also serves as a decorator; the function's docstring
names the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import sympy as sp

from symhigh.ledger.domain import ANYWHERE, Domain
from symhigh.ledger.relation import Relation, Side, check_at_points, relations
from symhigh.ledger.simplification import Decision, decide
from symhigh.ledger.verdict import Finding, Verdict


@dataclass(frozen=True)
class Trial:
    """What a line of evidence is given: the claim's domain, whether to be quick, and a seed of its own.

    ``seed`` follows from the claim's name, the line's place and the seed of the whole run.
    """

    domain: Domain = ANYWHERE
    quick: bool = False
    seed: int = 0

    @property
    def rng(self) -> np.random.Generator:
        """A fresh NumPy generator; the same numbers every time."""
        return np.random.default_rng(self.seed)


class Evidence(Protocol):
    """One line of evidence: ``kind`` and ``title`` to show, ``examine`` to run it."""

    kind: ClassVar[str]

    @property
    def title(self) -> str: ...

    def examine(self, trial: Trial) -> Finding: ...


class Agreement(Protocol):
    """What simulation evidence returns: a :class:`~symhigh.ledger.Comparison`, an error slope, …"""

    @property
    def agrees(self) -> bool: ...

    def summary(self) -> str: ...


@dataclass(frozen=True)
class Symbolic:
    """Proof by simplification; see :func:`symbolic`."""

    kind: ClassVar[str] = "symbolic"
    statement: Any
    title: str
    simplify: Callable[[sp.Expr], sp.Expr] | None = None
    points: int = 20
    digits: int = 30

    def __call__(self) -> Any:
        """The statement itself, for use in another derivation."""
        return self.statement() if callable(self.statement) else self.statement

    def examine(self, trial: Trial) -> Finding:
        """Simplify to zero, look for a counterexample, and simplify harder where neither decides."""
        checked = relations(self())
        if not checked:
            raise ValueError("the statement is an empty list; nothing would be proved")
        decisions = [decide(r, self.simplify, trial.domain, hard=False) for r in checked]
        with_values = [r for r in checked if r.has_values]
        count = 5 if trial.quick else self.points
        at_points = check_at_points(with_values, trial.domain, count, self.digits, trial.seed)
        if at_points.verdict is Verdict.REFUTED:
            return at_points
        decisions = [
            decide(r, self.simplify, trial.domain, hard=True) if d.holds is None else d
            for r, d in zip(checked, decisions, strict=True)
        ]
        for relation, decision in zip(checked, decisions, strict=True):
            if decision.holds is False:
                return Finding(Verdict.REFUTED, f"{relation} fails: {decision.reason}")
            if decision.holds is None:
                extra = f"; it holds at {at_points.detail}" if with_values else ""
                return Finding(Verdict.FAILED, f"not decided: {decision.reason}{extra}")
        also = f"; also at {at_points.detail}" if with_values and any(r.symbols for r in with_values) else ""
        return Finding(Verdict.PROVED, _steps(decisions) + also)


@dataclass(frozen=True)
class Numeric:
    """Comparison to many digits at random points; see :func:`numeric`."""

    kind: ClassVar[str] = "numeric"
    statement: Any
    right: Side | None
    title: str
    points: int = 30
    digits: int = 30

    def examine(self, trial: Trial) -> Finding:
        """Verified to so many digits at all points, or refuted by the first that fails."""
        if self.right is None:
            checked = relations(self.statement)
        else:
            checked = [Relation(self.statement, self.right, arguments=tuple(trial.domain.ranges))]
        if unknown := [r for r in checked if not r.has_values]:
            raise ValueError(
                f"{unknown[0]} has an unknown function under an integral or at a compound argument, so it "
                "has no value at a point; give it as a formula"
            )
        return check_at_points(
            checked,
            trial.domain,
            min(10, self.points) if trial.quick else self.points,
            self.digits,
            trial.seed,
        )


@dataclass(frozen=True)
class Integrated:
    """Formula against integrated limits, to a tolerance; see :func:`integrated`."""

    kind: ClassVar[str] = "integrated"
    pairs: Callable[[Trial], Iterable[Sequence[Any]]]
    tolerance: float
    title: str

    def examine(self, trial: Trial) -> Finding:
        """Verified where every pair agrees to the tolerance, refuted by the first that does not."""
        worst, count = 0.0, 0
        for left, right, *where in self.pairs(trial):
            a, b = np.broadcast_arrays(np.asarray(left, dtype=float), np.asarray(right, dtype=float))
            gap = np.abs(a - b) / np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(float).tiny)
            place = np.unravel_index(np.argmax(np.where(np.isfinite(gap), gap, np.inf)), gap.shape)
            if not (gap[place] <= self.tolerance or a[place] == b[place]):
                named = [(str(k), str(v)) for k, v in (where[0].items() if where else ())]
                sides = (("left", f"{a[place]:.16g}"), ("right", f"{b[place]:.16g}"))
                return Finding(
                    Verdict.REFUTED,
                    f"relative difference {gap[place]:.2g}, above {self.tolerance:.2g}",
                    (*named, *sides),
                )
            worst, count = max(worst, float(gap[place])), count + gap.size
        if not count:
            raise ValueError(
                f"integrated evidence {self.title!r} gave no pair of numbers; yield (left, right)"
            )
        return Finding(Verdict.VERIFIED, f"{count} comparisons, largest relative difference {worst:.2g}")


@dataclass(frozen=True)
class Simulation:
    """Direct simulation against the limit; see :func:`simulation`."""

    kind: ClassVar[str] = "simulation"
    experiment: Callable[[Trial], Agreement | Sequence[Agreement]]
    title: str
    in_quick: bool = True

    def examine(self, trial: Trial) -> Finding:
        """Consistent where every comparison agrees, else refuted."""
        if trial.quick and not self.in_quick:
            return Finding(Verdict.SKIPPED, "left out in quick mode")
        found = self.experiment(trial)
        agreements = list(found) if isinstance(found, Sequence) else [found]
        if not agreements or not all(hasattr(a, "agrees") for a in agreements):
            raise TypeError(
                f"simulation evidence {self.title!r} returned {found!r}; return a Comparison, an ErrorSlope, "
                "or a list of them"
            )
        bad = [a for a in agreements if not a.agrees]
        verdict = Verdict.REFUTED if bad else Verdict.CONSISTENT
        return Finding(verdict, "; ".join(a.summary() for a in bad or agreements))


# --- constructors, also decorators ------------------------------------------------------------------------
def symbolic(
    statement: Any = None,
    right: sp.Expr | None = None,
    *,
    title: str = "",
    simplify: Callable[[sp.Expr], sp.Expr] | None = None,
) -> Any:
    """Symbolic evidence: a residual that must vanish, an equation, an inequality, or a list of these.

    Given as such, as ``left, right``, or as a function without arguments that derives it. The library
    brings the residual to zero under the symbols' assumptions by expansion, cancellation and targeted
    simplification, then by ``simplify``, the author's own step, if given. What is proved is also checked to
    30 digits at random points of the claim's domain, so a branch or a missing assumption cannot slip
    through; what is false ends with a counterexample. Unknown functions are given random values.

    ``sp.Eq(left, right)`` evaluates what it can at once and then has nothing to show: prefer a residual, or
    ``evaluate=False``.
    """
    statement = statement if right is None else sp.Eq(statement, right, evaluate=False)
    return _make(lambda s, name: Symbolic(s, name, simplify), statement, title)


def numeric(
    left: Any, right: Side | None = None, *, title: str = "", points: int = 30, digits: int = 30
) -> Numeric:
    """Numeric evidence: ``left = right`` to ``digits`` digits at random points of the claim's domain.

    A side is a SymPy expression, or a function of the domain's symbols in their order that computes with
    mpmath at its current precision. With one argument, a residual, an equation, an inequality or a list of
    these. Points include near-degenerate ones; one that fails, at every working precision, refutes.
    """
    return Numeric(
        left,
        right,
        title or (_title_of(left) if right is None else f"{_title_of(left)} = {_title_of(right)}"),
        points,
        digits,
    )


def integrated(pairs: Any = None, *, tolerance: float = 1e-9, title: str = "") -> Any:
    """Numeric evidence against integrated limits: a function of a :class:`Trial` yielding pairs.

    A pair is ``(left, right)``, numbers or arrays of one shape, to agree relative to the larger within
    ``tolerance``; a third entry, a mapping, names the setting for a counterexample. ``trial.rng`` draws
    settings, ``trial.quick`` asks for fewer.
    """
    return _make(lambda s, name: Integrated(s, tolerance, name), pairs, title)


def simulation(experiment: Any = None, *, title: str = "", in_quick: bool = True) -> Any:
    """Simulation evidence: a function of a :class:`Trial` returning a comparison, an error slope, or a list.

    ``trial.quick`` asks for a smaller experiment, or leaves it out altogether where ``in_quick`` is false;
    ``trial.seed`` is the seed to use.
    """
    return _make(lambda s, name: Simulation(s, name, in_quick), experiment, title)


def _make(build: Callable[[Any, str], Any], subject: Any, title: str) -> Any:
    if subject is None:
        return lambda function: build(function, title or _title_of(function))
    return build(subject, title or _title_of(subject))


def _title_of(subject: Any) -> str:
    if callable(subject) and not isinstance(subject, sp.Basic):
        lines = (getattr(subject, "__doc__", None) or "").strip().splitlines()
        name = getattr(subject, "__name__", "")
        return (
            lines[0].rstrip(".")
            if lines
            else "function"
            if name == "<lambda>"
            else name.replace("_", " ").strip()
        )
    if isinstance(subject, sp.Basic):
        text = str(relations(subject)[0]) if isinstance(subject, sp.Rel) else str(subject)
        return text if len(text) <= 70 else text[:67] + "…"
    return "" if subject is None or isinstance(subject, list | tuple) else str(subject)


def _steps(decisions: Sequence[Decision]) -> str:
    return ", ".join(dict.fromkeys(d.reason for d in decisions))
