"""A function of one real variable cut into cells on which it is smooth.

Serves the averages over the residual (:mod:`symhigh.derivation.residual`). The line is cut at zero; on each half,
written in ``u = ±r > 0``, absolute values disappear, and what is left of Max, Min, signs and conditions changes at
roots of polynomials in u. A root that may lie outside a cell is clamped to it: the empty cell then contributes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise

import mpmath
import sympy as sp
from sympy.core.relational import Equality, Relational, Unequality

from symhigh.derivation.gaussian import KINKS


class NotCut(Exception):
    """A boundary is no single root that can be found and compared."""


@dataclass(frozen=True)
class Cell:
    """``form``, in ``variable = side · r``, holds for ``low < side · r < high``."""

    side: int
    variable: sp.Symbol
    low: sp.Expr
    high: sp.Expr
    form: sp.Expr

    def at(self, u: sp.Expr) -> sp.Expr:
        """The form at a value of ``side · r``; at 0 its limit from inside."""
        value = self.form.subs(self.variable, u)
        undefined = value.has(sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity)
        return sp.limit(self.form, self.variable, 0, "+") if undefined and u == 0 else value

    @property
    def touches_zero(self) -> bool:
        """Whether the cell is known to reach r = 0."""
        return bool(self.low.is_nonpositive)

    @property
    def smooth(self) -> bool:
        """Whether all kinks of the form were found, and it is bounded at the origin."""
        kinked = any(k.has(self.variable) for k in self.form.atoms(*KINKS))
        return not kinked and not (self.touches_zero and self.power_at_zero < 0)

    @cached_property
    def power_at_zero(self) -> float:
        """The exponent p of ``form ~ u^p`` as u → 0, read off two small values with all else at generic ones."""
        others = sorted(self.form.free_symbols - {self.variable}, key=str)
        point = {s: sp.Rational(71 + 20 * k, 107) for k, s in enumerate(others)}
        value = sp.lambdify(self.variable, self.form.xreplace(point), "mpmath", docstring_limit=0)
        with mpmath.workdps(300):
            near, far = (abs(value(mpmath.mpf(10) ** -n)) for n in (60, 30))
            if near == 0 or far == 0 or not (mpmath.isfinite(near) and mpmath.isfinite(far)):
                return 0.0
            return round(float(mpmath.log(near / far, 10)) / -30, 6)

    def times(self, factor: sp.Expr) -> Cell:
        return replace(self, form=_tidy(self.form * factor))

    def differentiated(self) -> Cell:
        """The derivative in r."""
        return replace(self, form=_tidy(self.side * sp.diff(self.form, self.variable)))


@lru_cache(maxsize=512)
def cells_of(form: sp.Expr, r: sp.Symbol) -> tuple[Cell, ...]:
    """``form`` on its cells; one cell, the whole line with all kinks inside, where a boundary is not found."""
    found: list[Cell] = []
    for side in (1, -1):
        u = sp.Dummy("u", positive=True)
        try:
            pieces = _cut(form.xreplace({r: side * u}), u, sp.S.Zero, sp.oo)
        except NotCut:
            return (Cell(1, r, sp.S.NegativeInfinity, sp.oo, form),)
        found += [Cell(side, u, low, high, _tidy(piece)) for low, high, piece in pieces if low != high]
    return tuple(found)


_Pieces = list[tuple[sp.Expr, sp.Expr, sp.Expr]]
_Turns = tuple[list[sp.Expr], list[sp.Basic]]
"""Increasing points at which a switch turns, and what it is before, between and after them."""


def _cut(form: sp.Expr, u: sp.Symbol, low: sp.Expr, high: sp.Expr) -> _Pieces:
    """Cut at the boundary of an innermost switch, and go on with what is left on both sides."""
    switch = next(iter(sorted(_innermost(form, u), key=sp.default_sort_key)), None)
    if switch is None:
        return [(low, high, form)]
    turns, values = _turns(switch, u)
    ends = [low, *(sp.Max(low, sp.Min(high, turn)) for turn in turns), high]
    return [
        piece
        for (first, last), value in zip(pairwise(ends), values, strict=True)
        for piece in _cut(form.xreplace({switch: value}), u, first, last)
    ]


def _innermost(form: sp.Expr, u: sp.Symbol) -> set[sp.Basic]:
    """Kinks and conditions that depend on u and hold no other such."""
    switches = {k for k in form.atoms(*KINKS) if k.has(u) and not isinstance(k, sp.Piecewise)}
    switches |= {c for p in form.atoms(sp.Piecewise) for c in p.atoms(Relational) if c.has(u)}
    return {s for s in switches if not any(t != s and s.has(t) for t in switches)}


def _turns(switch: sp.Basic, u: sp.Symbol) -> _Turns:
    if isinstance(switch, sp.Max | sp.Min):
        first = next(a for a in switch.args if a.has(u))
        rest = switch.func(*(a for a in switch.args if a != first))
        pair = (first, rest) if isinstance(switch, sp.Max) else (rest, first)
        return _by_sign(first - rest, u, lambda s: pair[0] if s == 1 else pair[1])
    if isinstance(switch, sp.Abs):
        return _by_sign(switch.args[0], u, lambda s: s * switch.args[0])
    if isinstance(switch, sp.sign):
        return _by_sign(switch.args[0], u, sp.Integer)
    if isinstance(switch, sp.Heaviside):
        return _by_sign(switch.args[0], u, lambda s: sp.Integer(s == 1))
    if isinstance(switch, Equality | Unequality):
        return [], [sp.false if isinstance(switch, Equality) else sp.true]
    assert isinstance(switch, Relational)
    return _by_sign(switch.gts - switch.lts, u, lambda s: sp.true if s == 1 else sp.false)


def _by_sign(gap: sp.Expr, u: sp.Symbol, value: Callable[[int], sp.Basic]) -> _Turns:
    """The points at which ``gap`` changes its sign, and ``value`` of the sign around them."""
    sign = 1
    turns: list[sp.Expr] = []
    for part in sp.Mul.make_args(sp.factor(gap)):
        factor, power = part.as_base_exp()
        if power.is_even:
            continue
        if not _sign(factor):
            if turns or u not in factor.free_symbols:
                raise NotCut
            turns = _roots(factor, u)
            factor = sp.Poly(factor, u).LC()
        sign *= _sign(factor)
    if not sign:
        raise NotCut
    signs = [sign * (-1) ** (len(turns) - k) for k in range(len(turns) + 1)]
    return turns, [value(s) for s in signs]


def _roots(factor: sp.Expr, u: sp.Symbol) -> list[sp.Expr]:
    """Increasing real roots of a polynomial of degree one or two; a double one where there are none."""
    if not factor.is_polynomial(u):
        raise NotCut
    match sp.Poly(factor, u).all_coeffs():
        case [b, c]:
            return [-c / b]
        case [a, b, c] if _sign(a):
            half = sp.sqrt(sp.Max(0, sp.expand(b**2 - 4 * a * c))) / (2 * a) * _sign(a)
            return [-b / (2 * a) - half, -b / (2 * a) + half]
        case _:
            raise NotCut


def _sign(expr: sp.Expr) -> int:
    """1 or -1 where the sign is known, else 0."""
    return 1 if expr.is_positive else -1 if expr.is_negative else 0


def _tidy(form: sp.Expr) -> sp.Expr:
    """Quotients cancelled, roots of squares taken."""
    simple = sp.powsimp(sp.powdenest(form))
    return (
        sp.cancel(simple)
        if simple.is_rational_function()
        else sp.together(simple)
        if simple.has(sp.Pow)
        else simple
    )
