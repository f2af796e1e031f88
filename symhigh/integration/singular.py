"""Rates that are infinite at t = 0 but integrable, such as ``t^(-1/4)``: time is stretched where it begins.

Between a limit and its integration. With ``t = s^p`` a rate ``γ ~ t^-a`` enters as ``γ dt = p s^(p(1-a)-1) ds`` and
gradient noise as ``γ² dt``, both smooth for p large enough. Integrable means that ∫γ² exists, so a < 1/2: beyond, the
first steps alone move the iterate without bound as d → ∞.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import mpmath
import sympy as sp

from symhigh.symbols import OwnedSymbol, gamma, t
from symhigh.system import MomentSystem

POWER = OwnedSymbol("stretch", positive=True)
TINY = sp.Float("1e-290")
NEAR, FAR = 60, 80
"""Two times near zero, powers of ten, at which a rate's growth is read off."""


def generic(k: int) -> float:
    """A positive number for the k-th symbol without a value."""
    return (7 + 3 * k) / (11 + 3 * k)


def exponent_at_zero(expr: sp.Expr, values: dict[sp.Symbol, float]) -> float:
    """The a of ``expr ~ t^-a`` as t → 0, read off two times; symbols without a value are generic positive numbers."""
    if not expr.has(t):
        return 0.0
    symbols, others = tuple(sorted(expr.free_symbols - {t}, key=str)), itertools.count()
    f = _precisely(expr, symbols)
    with mpmath.workdps(200):
        at = [mpmath.mpf(values[s] if s in values else generic(next(others))) for s in symbols]
        near, far = (abs(f(mpmath.mpf(10) ** -n, *at)) for n in (FAR, NEAR))
        if not (mpmath.isfinite(near) and mpmath.isfinite(far)) or near == 0 or far == 0:
            return 0.0
        return round(float(mpmath.log(near / far, 10)) / (FAR - NEAR), 9)


@lru_cache(maxsize=64)
def _precisely(expr: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., mpmath.mpf]:
    """An expression as a function of t and symbols, in as many digits as mpmath works with."""
    return sp.lambdify((t, *symbols), expr, "mpmath", dummify=True)  # owners share names


def rate_exponent(system: MomentSystem, values: dict[sp.Symbol, float]) -> float:
    """The exponent of the learning rate at t = 0, positive where it is infinite; refused where ∫γ² is infinite.

    Raises ``ValueError`` that names the schedule.
    """
    rate = next((s.expression for s in system.scalars if s.name == gamma), sp.S.Zero)
    a = exponent_at_zero(rate, values)
    if a >= 0.5 - 1e-6:
        raise ValueError(
            f"Schedule(expr={rate}): the learning rate grows like t^-{a:.4g} as t -> 0. Gradient noise adds up like "
            "the integral of its square, which is infinite there: the first steps alone move the iterate without bound "
            "as d grows; use a power below 1/2, or begin later, as in 1/(t + 1)"
        )
    return max(a, 0.0)


def stretching(a: float) -> int:
    """The least p for which ``γ² dt`` vanishes at s = 0 and whole powers of s stand for those of t."""
    power = Fraction(a).limit_denominator(60)
    p = 2 * power.denominator
    while p * (1 - 2 * a) < 2:
        p += power.denominator
    return p


def stretched(system: MomentSystem) -> MomentSystem:
    """``system`` in the time s, ``t = s^POWER``, with POWER its last parameter."""
    clock, pace = sp.Max(t**POWER, TINY), POWER * t ** (POWER - 1)
    put = {t: clock}
    return replace(
        system,
        family=replace(system.family, rhs=tuple(pace * e.xreplace(put) for e in system.family.rhs)),
        scalars=tuple(replace(s, expression=s.expression.xreplace(put)) for s in system.scalars),
        states=tuple(replace(s, rhs=pace * s.rhs.xreplace(put)) for s in system.states),
        outputs={name: e.xreplace(put) for name, e in system.outputs.items()},
        parameters={**system.parameters, POWER: sp.S.One},
    )
