"""Lines of evidence for a claim by formula: symbolic and numeric; what a line is given, and what it must offer.

Stands between the mathematics and the claims: each line is examined by itself, under a time limit. What it shows
is rendered from the statements that it tests. A constructor also serves as a decorator; the function's
docstring is the line's title where it is words alone, else its name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import sympy as sp

from symhigh.checks import callback, instance, whole
from symhigh.ledger.domain import ANYWHERE, Domain
from symhigh.ledger.maxima import reduce_to_zero
from symhigh.ledger.paths import Origin, origin_of
from symhigh.ledger.relation import Relation, Side, check_at_points
from symhigh.ledger.shown import Shown
from symhigh.ledger.simplification import Decision, decide
from symhigh.ledger.statement import REMEDY, Statement, refuse_floats, statements, states_nothing, symbols_of
from symhigh.ledger.verdict import Finding, Proof, Verdict, combine

_WORDS = re.compile(r"[A-Za-z\s,.;:'’()-]+")


@dataclass(frozen=True)
class Trial:
    """What a line of evidence is given: the claim's domain, whether to be quick, and a seed of its own.

    ``seed`` follows from the claim's id, the line's place and the seed of the whole run; ``second`` asks for a second
    algebra system's word on what is proved.
    """

    domain: Domain = ANYWHERE
    quick: bool = False
    seed: int = 0
    second: bool = False

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


@dataclass(frozen=True)
class Symbolic:
    """Proof by simplification; see :func:`symbolic`."""

    kind: ClassVar[str] = "symbolic"
    best: ClassVar[Verdict] = Verdict.PROVED
    statement: Any
    title: str
    simplify: Callable[[sp.Expr], sp.Expr] | None = None
    points: int = 20
    digits: int = 30
    theorem: str = ""
    origin: Origin | None = field(default=None, compare=False)

    def __call__(self) -> Any:
        """The statement itself, for use in another derivation."""
        return self.statement() if callable(self.statement) else self.statement

    @property
    def stated(self) -> list[Statement]:
        """The statements to be proved; raises what deriving them raises."""
        found = statements(self(), derived=callable(self.statement))
        if not found:
            raise ValueError("the statement is an empty list; nothing would be proved")
        refuse_floats(found)
        if states_nothing(found) and not self._used():
            raise ValueError(f"a function left nothing but numbers, which state nothing; {REMEDY}")
        return found

    def examine(self, trial: Trial) -> Finding:
        """Simplify to zero, look for a counterexample, and simplify harder where neither decides."""
        return self.settle(self.stated, trial)

    def settle(self, stated: Sequence[Statement], trial: Trial) -> Finding:
        """What is found of the statements together: the worst."""
        plain = [s for s in stated if isinstance(s, Relation)]
        found = [self._relations(plain, trial)] if plain else []
        found += [s.settle(trial.domain, trial.seed) for s in stated if not isinstance(s, Relation)]
        verdict = combine(f.verdict for f in found)
        deciding = [f for f in found if f.verdict is verdict]
        proofs = {f.proof for f in found}
        proof = Proof.ASYMPTOTICS if Proof.ASYMPTOTICS in proofs else self._proof()
        return Finding(
            verdict,
            "; ".join([*(f.detail for f in deciding), *([f"cites {self.theorem}"] if self.theorem else [])]),
            next((f.counterexample for f in deciding if f.counterexample), ()),
            proof if verdict is Verdict.PROVED else None,
            tuple(s.shown for s in stated) if not states_nothing(stated) else (_reduced(self.title),),
            trial.domain.assumed(symbols_of(stated)),
            next((f.second for f in found), None),
        )

    def _proof(self) -> Proof:
        """Algebra where nothing of the library stands in the line, and where its source cannot be read."""
        if self.theorem:
            return Proof.THEOREM
        return Proof.DERIVATION if self._used() else Proof.ALGEBRA

    def _used(self) -> bool:
        """Whether something of the library stands in the line."""
        paths = self.origin.paths if self.origin else None
        return bool(paths and paths.used)

    def _relations(self, checked: Sequence[Relation], trial: Trial) -> Finding:
        decisions = [decide(r, self.simplify, trial.domain, hard=False) for r in checked]
        for relation, decision in zip(checked, decisions, strict=True):
            if decision.holds is False and relation.kind is sp.Eq:
                return Finding(Verdict.REFUTED, f"{relation} fails: {decision.reason}")
        with_values = [r for r in checked if r.has_values]
        count = 5 if trial.quick else self.points
        at_points = check_at_points(with_values, trial.domain, count, self.digits, trial.seed)
        if at_points.verdict is Verdict.REFUTED:
            return at_points
        instances = [r.instance for r, d in zip(checked, decisions, strict=True) if not (r.has_values or d.holds)]
        if held := [i for i in instances if i is not None and i.has_values]:
            tried = check_at_points(held, trial.domain, 3, self.digits, trial.seed)
            if tried.verdict is Verdict.REFUTED:
                return tried
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
        second = reduce_to_zero([r.sides for r in checked if r.kind is sp.Eq]) if trial.second else None
        return Finding(Verdict.PROVED, _steps(decisions) + also, second=second)


@dataclass(frozen=True)
class Numeric:
    """Comparison to many digits at random points; see :func:`numeric`."""

    kind: ClassVar[str] = "numeric"
    best: ClassVar[Verdict] = Verdict.VERIFIED
    statement: Any
    right: Side | None
    title: str
    points: int = 30
    digits: int = 30
    origin: Origin | None = field(default=None, compare=False)

    def stated_on(self, domain: Domain) -> list[Statement]:
        """The statements to be tested; ``ValueError`` where one has no value at a point."""
        if self.right is None:
            found = statements(self.statement, derived=False)
        else:
            found = statements(Relation(self.statement, self.right, arguments=tuple(domain.ranges)), derived=False)
        if unknown := [r for r in found if isinstance(r, Relation) and not r.has_values]:
            raise ValueError(
                f"{unknown[0]} has an unknown function under an integral or at a compound argument, so it "
                "has no value at a point; give it as a formula"
            )
        return found

    def examine(self, trial: Trial) -> Finding:
        """Verified to so many digits at all points, or refuted by the first that fails."""
        return self.settle(self.stated_on(trial.domain), trial)

    def settle(self, stated: Sequence[Statement], trial: Trial) -> Finding:
        """What is found of the statements together: the worst."""
        count = min(10, self.points) if trial.quick else self.points
        plain = [s for s in stated if isinstance(s, Relation)]
        found = [check_at_points(plain, trial.domain, count, self.digits, trial.seed)] if plain else []
        for other in stated:
            if not isinstance(other, Relation):
                found.append(getattr(other, "watch", other.settle)(trial.domain, trial.seed))
        verdict = combine(f.verdict for f in found)
        worst = next(f for f in found if f.verdict is verdict)
        shown, assumed = tuple(s.shown for s in stated), trial.domain.assumed(symbols_of(stated))
        return Finding(verdict, worst.detail, worst.counterexample, None, shown, assumed)


# --- constructors, also decorators ------------------------------------------------------------------------
def symbolic(
    statement: Any = None,
    right: Any = None,
    *,
    title: str = "",
    simplify: Callable[[sp.Expr], sp.Expr] | None = None,
    theorem: str = "",
) -> Any:
    """Symbolic evidence: a residual that must vanish, an equation, an inequality, or a list of these.

    Given as such, as ``left, right``, or as a function without arguments that derives it. The library
    brings the residual to zero under the symbols' assumptions by expansion, cancellation and targeted
    simplification, then by ``simplify``, the author's own step, if given. What is proved is also checked to
    30 digits at random points of the claim's domain, so a branch or a missing assumption cannot slip
    through; what is false ends with a counterexample. Unknown functions are given random values.

    Sums, limits, order symbols, ``asymptotic(…)`` and ``iff(…)`` may stand among the statements. ``theorem`` names a
    theorem whose hypotheses the statements are; its conclusion is then cited, not proved here.

    A plain ``sp.Eq(left, right)`` may be decided by SymPy before it arrives, and is then refused: give both sides, or
    ``evaluate=False``.
    """
    origin = _caller()
    callback("symbolic", "simplify", simplify, "a function of an expression")
    instance("symbolic", "theorem", theorem, str, "the name of a theorem, text")
    given = statement if right is None else Relation(_exact(statement), _exact(right))
    return _make(
        "symbolic", lambda s, name, o: Symbolic(s, name, simplify, theorem=theorem, origin=o), given, title, origin
    )


def numeric(
    left: Any, right: Side | None = None, *, title: str = "", points: int = 30, digits: int = 30
) -> Numeric:
    """Numeric evidence: ``left = right`` to ``digits`` digits at random points of the claim's domain.

    A side is a SymPy expression, or a function of the domain's symbols in their order that computes with
    mpmath at its current precision. With one argument, a residual, an equation, an inequality or a list of
    these. Points include near-degenerate ones; one that fails, at every working precision, refutes.
    """
    whole("numeric", "points", points, least=1, meaning="how many points are drawn")
    whole("numeric", "digits", digits, least=1, most=1000, meaning="the digits to which sides agree")
    instance("numeric", "title", title, str, "a title in words, text")
    return Numeric(left, right, title or title_of(left), points, digits, _caller())


def _exact(side: Any) -> Any:
    return sp.Integer(side) if isinstance(side, int) and not isinstance(side, bool) else side


def _caller() -> Origin:
    frame = sys._getframe(2)
    return Origin(frame.f_code.co_filename, frame.f_lineno)


def _make(
    owner: str, build: Callable[[Any, str, Origin | None], Any], subject: Any, title: str, origin: Origin
) -> Any:
    """Evidence of a subject, or the decorator that makes it of a function."""
    instance(owner, "title", title, str, "a title in words, text")
    if subject is None:
        return lambda function: build(function, title or title_of(function), origin_of(function))
    return build(subject, title or title_of(subject), origin_of(subject) or origin)


def title_of(subject: Any) -> str:
    """A function's docstring where it is words alone, else its name in words; nothing for a formula, shown itself.

    Numbers and formulas in a title would be read as tested, and are not.
    """
    if not callable(subject) or isinstance(subject, sp.Basic):
        return ""
    text = (getattr(subject, "__doc__", None) or "").strip().partition("\n\n")[0]
    if text and _WORDS.fullmatch(text):
        return " ".join(text.split()).rstrip(".")
    name = getattr(subject, "__name__", "")
    return "" if name == "<lambda>" else name.replace("_", " ").strip()


def _reduced(title: str) -> Shown:
    return Shown(f"the residual of “{title}” is 0 as its function returns it")


def _steps(decisions: Sequence[Decision]) -> str:
    return ", ".join(dict.fromkeys(d.reason for d in decisions))
