"""Statements "this holds exactly where that does": an equivalence of two orders, tested on both sides of its boundary.

Stands beside the relations. Every pair of random points on different sides is joined by a line, the boundary is
found on it by bisection, and both relations are looked at closely before and behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import mpmath
import sympy as sp

from symhigh.ledger.domain import Domain, Point
from symhigh.ledger.relation import Relation
from symhigh.ledger.shown import Shown, show
from symhigh.ledger.verdict import Finding, Proof, Verdict

_ORDERS = (sp.StrictGreaterThan, sp.StrictLessThan, sp.GreaterThan, sp.LessThan)
MARGIN = sp.Rational(1, 1000)
"""How closely before and behind the boundary both relations are compared, as a share of the line."""


@dataclass(frozen=True)
class Equivalence:
    """``first`` holds exactly where ``second`` does; see :func:`iff`."""

    kind: ClassVar[str] = "equivalence"
    first: sp.Rel
    second: sp.Rel
    title: str = ""

    @property
    def sides(self) -> tuple[sp.Expr, ...]:
        """The sides of both relations."""
        return (*self.first.args, *self.second.args)

    @property
    def shown(self) -> Shown:
        """The statement as it is tested."""
        one, other = (Relation(r.lhs, r.rhs, r.func).shown for r in (self.first, self.second))
        if not (one.latex and other.latex):
            return show(one.text, "⇔", other.text)
        return Shown(
            f"{one.text} ⇔ {other.text}",
            rf"{one.latex} \iff {other.latex}",
        )

    def __str__(self) -> str:
        return self.shown.text

    def settle(self, domain: Domain, seed: int) -> Finding:
        """Refuted at a point where one holds and the other does not; proved where the gaps differ by a factor > 0.

        Orders with such gaps of which one alone is strict differ on their boundary, which no random point meets.
        """
        found = self.watch(domain, seed)
        if found.verdict is not Verdict.VERIFIED:
            return found
        ratio = sp.factor(sp.together(_gap(self.first) / _gap(self.second)))
        positive = ratio.is_positive or sp.factor(domain.slack(ratio)).is_positive
        if positive and _strict(self.first) is _strict(self.second):
            return Finding(Verdict.PROVED, f"the gaps differ by a positive factor; {found.detail}", proof=Proof.ALGEBRA)
        if positive and not domain.where:
            return Finding(Verdict.FAILED, "one order is strict and the other is not, so they part on their boundary")
        return found

    def watch(self, domain: Domain, seed: int, count: int = 30) -> Finding:
        """Both relations at random points, and close to the boundary between points on different sides of it."""
        symbols = sorted({s for side in self.sides for s in side.free_symbols}, key=str)
        points = list(domain.points(symbols, count, seed))
        held = []
        for point in points:
            one, other = self._both(point)
            if one is not other:
                return self._refuted(point, one)
            held.append(other)
        crossed = 0
        for (here, a), (there, b) in pairwise(zip(points, held, strict=True)):
            if a is b:
                continue
            for point in self._beside_the_boundary(here, there, a):
                if not all(c.xreplace(point) == True for c in domain.where):  # noqa: E712 - SymPy's true
                    continue
                one, other = self._both(point)
                if one is not other:
                    return self._refuted(point, one)
                crossed += 1
        if not crossed:
            why = f"{'both' if held[0] else 'neither'} held at all {count} points"
            if len(set(held)) > 1:
                why = f"{' and '.join(map(str, domain.where))} leaves the boundary out"
            return Finding(Verdict.FAILED, f"not tested: {why}; widen the domain so that it reaches both sides")
        return Finding(Verdict.VERIFIED, f"{count} points, and {crossed} within {MARGIN} of the boundary")

    def examine(self, trial: Any) -> Finding:
        """The statement as evidence of its own."""
        found = self.settle(trial.domain, trial.seed)
        assumed = trial.domain.assumed(s for side in self.sides for s in side.free_symbols)
        return replace(found, shown=(self.shown,), assumed=assumed)

    @cached_property
    def _gaps(self) -> tuple[Relation, Relation]:
        """What is positive where an order holds, compared with zero."""
        return Relation(_gap(self.first), sp.S.Zero), Relation(_gap(self.second), sp.S.Zero)

    def _both(self, point: Point) -> tuple[bool, bool]:
        gaps = self._gaps
        return _holds(gaps[0], _strict(self.first), point), _holds(gaps[1], _strict(self.second), point)

    def _refuted(self, point: Point, one: bool) -> Finding:
        values = tuple((s.name, str(sp.nsimplify(v) if v.is_Rational else v)) for s, v in point.items())
        return Finding(
            Verdict.REFUTED,
            f"{self} fails: the {'first' if one else 'second'} holds and the other does not",
            (*values, ("left", str(one)), ("right", str(not one))),
        )

    def _beside_the_boundary(self, here: Point, there: Point, start: bool) -> list[Point]:
        low, high = sp.S.Zero, sp.S.One
        for _ in range(20):
            middle = (low + high) / 2
            if _holds(self._gaps[1], _strict(self.second), _between(here, there, middle)) is start:
                low = middle
            else:
                high = middle
        shares = (low - MARGIN, high + MARGIN)
        return [_between(here, there, s) for s in shares if 0 < s < 1]


def iff(first: sp.Rel, second: sp.Rel, *, title: str = "") -> Equivalence:
    """Evidence, or a statement within ``symbolic``, that two orders hold at the same points of the domain.

    Give orders that SymPy has not decided, such as ``less(left, right)``. The domain must reach both sides.
    """
    for given in (first, second):
        if not isinstance(given, _ORDERS):
            raise TypeError(f"iff({given!r}): give an order such as symhigh.ledger.less(left, right)")
    return Equivalence(first, second, title)


def _gap(order: sp.Rel) -> sp.Expr:
    """What is positive where the order holds."""
    return order.gts - order.lts


def _strict(order: sp.Rel) -> bool:
    return isinstance(order, sp.StrictGreaterThan | sp.StrictLessThan)


def _holds(gap: Relation, strict: bool, point: Point) -> bool:
    with mpmath.workdps(40):
        value = gap.values(point, 40)[0]
        if mpmath.im(value):
            return False
        return bool(value > 0 if strict else value >= 0)


def _between(here: Point, there: Point, share: sp.Expr) -> Point:
    return {s: here[s] + share * (there[s] - here[s]) for s in here}
