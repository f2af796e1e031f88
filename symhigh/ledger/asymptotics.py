"""Asymptotic statements: ``left ~ right`` as a variable tends to an end, and remainders ``O(…)``.

Stands beside the relations. Proved by SymPy's limits (Gruntz); where these do not decide, looked at along a
sequence of points that approaches the end, at random values of the other symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import mpmath
import sympy as sp

from symhigh.checks import choice, expression, instance, limit, shown
from symhigh.clock import OutOfTime, time_limit
from symhigh.ledger.domain import Domain, Point
from symhigh.ledger.relation import Relation
from symhigh.ledger.shown import Shown, approach, show
from symhigh.ledger.verdict import Finding, Proof, Verdict
from symhigh.notation import latex

_STAGES = (4, 8, 16, 32, 64)
"""Powers of ten by which the variable approaches its end."""
_CLOSE = mpmath.mpf("1e-2")
"""How near 1 the last ratio must be to count as verified; slower approaches are left undecided."""


@dataclass(frozen=True)
class Asymptotic:
    """``left/right → 1`` as ``variable`` → ``end`` from ``side``; see :func:`asymptotic`."""

    kind: ClassVar[str] = "asymptotic"
    left: sp.Expr
    right: sp.Expr
    variable: sp.Symbol
    end: sp.Expr = sp.oo
    side: str = "+"
    title: str = ""

    @property
    def sides(self) -> tuple[sp.Expr, sp.Expr]:
        """Both sides."""
        return self.left, self.right

    @property
    def shown(self) -> Shown:
        """The statement as it is tested."""
        return show(self.left, "~", self.right, r"\sim", *approach(self.variable, self.end))

    def __str__(self) -> str:
        return self.shown.text

    def settle(self, domain: Domain, seed: int) -> Finding:
        """Proved or refuted by the limit of the ratio; else verified, refuted or left open by its values."""
        found = _limit(self.left / self.right, self.variable, self.end, self.side)
        if found is not None and found.is_number:
            if found == 1:
                return Finding(Verdict.PROVED, "limit of the ratio", proof=Proof.ASYMPTOTICS)
            return Finding(Verdict.REFUTED, f"{self} fails: the ratio tends to {found}", self._example(domain, seed))
        return self.watch(domain, seed)

    def watch(self, domain: Domain, seed: int, count: int = 4) -> Finding:
        """What the ratio does along sequences towards the end, at ``count`` random values of the other symbols."""
        worst = mpmath.mpf(0)
        for point, values in self._sequences(domain, seed, count):
            gaps = [abs(v - 1) for v in values]
            if gaps[-1] <= _CLOSE and gaps[-1] <= gaps[0] + _CLOSE**4:
                worst = max(worst, gaps[-1])
                continue
            settled = abs(values[-1] / values[-2] - 1) if values[-2] else mpmath.inf
            grows = gaps[-1] > gaps[-2] > gaps[-3]
            if settled <= gaps[-1] / 100 or grows:
                shown = (*_named(point), ("ratio", mpmath.nstr(values[-1], 8)))
                return Finding(Verdict.REFUTED, f"{self} fails: the ratio does not tend to 1", shown)
            return Finding(
                Verdict.FAILED,
                f"not decided: at {_place(point)} the ratio is {mpmath.nstr(values[-1], 8)} and still moves",
            )
        return Finding(Verdict.VERIFIED, f"ratios to within {mpmath.nstr(worst, 2)} of 1 at {count} settings")

    def examine(self, trial: Any) -> Finding:
        """The statement as evidence of its own."""
        found = self.settle(trial.domain, trial.seed)
        symbols = self.left.free_symbols | self.right.free_symbols
        assumed = trial.domain.assumed(s for s in symbols if s != self.variable)
        return replace(found, shown=(self.shown,), assumed=assumed)

    def _sequences(self, domain: Domain, seed: int, count: int) -> Iterator[tuple[Point, list[Any]]]:
        ratio = Relation(self.left / self.right, sp.S.Zero)
        ranges = {s: r for s, r in domain.ranges.items() if s != self.variable and not r.has(self.variable)}
        held = Domain(ranges, tuple(c for c in domain.where if not c.has(self.variable)))
        wanted = [s for s in ratio.symbols if s != self.variable]
        for point in held.points(wanted, 3 * count, seed):
            plain = {s: v for s, v in point.items() if s != self.variable}
            yield plain, [ratio.values({**plain, self.variable: _towards(self.end, self.side, n)}, 90)[0]
                          for n in _STAGES]  # fmt: skip
            count -= 1
            if not count:
                return

    def _example(self, domain: Domain, seed: int) -> tuple[tuple[str, str], ...]:
        try:
            point, values = next(self._sequences(domain, seed, 1))
        except Exception:  # the limit has decided; an example is a courtesy
            return ()
        return (*_named(point), ("ratio", mpmath.nstr(values[-1], 8)))


@dataclass(frozen=True)
class Bounded:
    """``left - right`` is of the order of ``order`` as ``variable`` → ``end``: an equation with a remainder O(…)."""

    left: sp.Expr
    right: sp.Expr
    order: sp.Expr
    variable: sp.Symbol
    end: sp.Expr

    @classmethod
    def of(cls, left: sp.Expr, right: sp.Expr, orders: Sequence[sp.Order]) -> Bounded:
        """The statement of an equation whose sides hold order symbols; ``ValueError`` for several different ones."""
        if len(set(orders)) > 1 or len(orders[0].variables) != 1:
            raise ValueError(f"{left} = {right}: one order symbol, in one variable, can be tested")
        (order,) = set(orders)
        return cls(left.removeO(), right.removeO(), order.expr, order.variables[0], order.point[0])

    @property
    def sides(self) -> tuple[sp.Expr, sp.Expr]:
        """Both sides, without the order."""
        return self.left, self.right

    @property
    def shown(self) -> Shown:
        """The statement as it is tested."""
        text, end = approach(self.variable, self.end)
        remainder = rf" + O\left({latex(self.order)}\right)"
        return show(self.left, "=", self.right, "=", f" + O({self.order}){text}", remainder + end)

    def __str__(self) -> str:
        return self.shown.text

    def settle(self, domain: Domain, seed: int) -> Finding:
        """Proved where the limit of difference over order is finite, refuted where it is infinite."""
        found = _limit((self.left - self.right) / self.order, self.variable, self.end, "+")
        if found is not None and found.is_finite:
            return Finding(Verdict.PROVED, "limit of remainder over order", proof=Proof.ASYMPTOTICS)
        if found is not None and found.is_infinite:
            return Finding(Verdict.REFUTED, f"{self} fails: the remainder over its order tends to {found}")
        return Finding(Verdict.FAILED, "not decided: SymPy finds no limit of the remainder over its order")


def asymptotic(
    left: Any, right: Any, variable: sp.Symbol, end: Any = sp.oo, *, side: str = "+", title: str = ""
) -> Asymptotic:
    """Evidence, or a statement within ``symbolic``, that ``left/right → 1`` as ``variable`` tends to ``end``.

    The limit is taken by SymPy; where it cannot decide, the ratio is watched along sequences towards the end, to
    thousands of orders of magnitude. ``side`` says from where a finite end is approached, ``"+"`` or ``"-"``.
    """
    owner, what = "asymptotic", "a side, a SymPy expression"
    sides = [expression(owner, name, side, what) for name, side in (("left", left), ("right", right))]
    instance(owner, "title", title, str, "a title in words, text")
    if not isinstance(variable, sp.Symbol):
        raise TypeError(f"asymptotic(variable={shown(variable)}): give the SymPy symbol that tends to the end")
    if not any(s.has(variable) for s in sides):
        raise ValueError(f"asymptotic(variable={variable}): neither side, left or right, depends on {variable}")
    if sides[1] == 0:
        raise ValueError("asymptotic(right=0): nothing but 0 itself is asymptotic to 0; state the order instead")
    choice(owner, "side", side, ("+", "-"))
    point = limit(owner, "end", end, "where the variable tends to, a number, an expression or an infinity")
    return Asymptotic(sides[0], sides[1], variable, point, side, title)


def _limit(expr: sp.Expr, variable: sp.Symbol, end: sp.Expr, side: str) -> sp.Expr | None:
    """The limit if SymPy finds one within a few seconds of work."""
    try:
        with time_limit(5.0, working=True):
            found = sp.limit(expr, variable, end, side)
            found = found if found.is_number else sp.simplify(found)
    except (OutOfTime, NotImplementedError, ValueError, sp.PoleError, RecursionError):
        return None
    return None if found.has(sp.Limit, sp.AccumBounds, sp.nan) or found.has(variable) else found


def _towards(end: sp.Expr, side: str, power: int) -> sp.Expr:
    if end in (sp.oo, -sp.oo):
        return sp.sign(end) * sp.Integer(10) ** power
    return end + (1 if side == "+" else -1) * sp.Integer(10) ** -power


def _named(point: Point) -> tuple[tuple[str, str], ...]:
    return tuple((s.name, str(v)) for s, v in point.items())


def _place(point: Point) -> str:
    return ", ".join(f"{k} = {v}" for k, v in _named(point)) or "the only setting"
