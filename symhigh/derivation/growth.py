"""Whether the moments that a limit needs exist: ``E f`` and ``E f'²``.

A check of the derivation. ``E |ε|^p`` is finite for p below the order of the noise's law, ``E e^{p|ε|}`` for
Gaussian and bounded noise; and ``E |u|^p`` for a Gaussian u is finite for p > -1, so a slope may grow more slowly
than ``|u|^{-1/2}`` only.
"""

from __future__ import annotations

import sympy as sp

from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.symbols import eps, x, x_star

_FAR = (sp.Integer(10) ** 30, sp.Integer(10) ** 60)
_EXPONENTIAL = 1000
_DIGITS = 300


def check_moments(
    outcomes: tuple[Label, ...], noise: tuple[Component, ...], factors: tuple[sp.Expr, ...] | None = None
) -> None:
    """Raise ``ValueError`` for a slope that does not exist, or where the risk or ``E f'²`` is infinite."""
    order = min((c.order for c in noise), default=sp.oo)
    heavy = any(c.density != 1 for c in noise)
    for k, o in enumerate(outcomes):
        slope = sp.diff(o.loss, x)
        if slope.has(sp.Derivative) or o.loss.has(sp.DiracDelta):
            raise ValueError(
                f"loss {o.loss}: it has no first derivative in x, by which SGD could move; use a continuous loss of "
                "known functions"
            )
        slope *= 1 if factors is None else factors[k]
        _check_poles(o.loss, slope)
        if not (heavy and o.loss.has(eps)):
            continue
        for what, expr in (("the risk E f", o.loss), ("E f'^2", slope**2)):
            power = growth(expr)
            if power >= _EXPONENTIAL:
                raise ValueError(
                    f"noise law: {what} may be infinite for the loss {o.loss}, as it grows exponentially in eps; use "
                    "Gaussian or Rademacher noise, or a loss of polynomial growth"
                )
            if power >= order:
                raise ValueError(
                    f"noise law: {what} is infinite for the loss {o.loss}, as it grows like |eps|^{power} while only "
                    f"moments below {order} exist; use more degrees of freedom, or a loss with a bounded slope "
                    "such as huber"
                )


def _check_poles(loss: sp.Expr, slope: sp.Expr) -> None:
    """Look where affine denominators of the slope vanish, in x or in an angle: is ``f'²`` integrable there?"""
    in_cosines = slope.rewrite((sp.tan, sp.cot, sp.sec, sp.csc), sp.cos)
    bases = {p.base for p in in_cosines.atoms(sp.Pow) if p.exp.is_negative}
    for base in sorted(bases, key=sp.default_sort_key):
        u = base.args[0] if isinstance(base, sp.Abs) else base
        u = u.args[0] - sp.pi / 2 if isinstance(u, sp.cos) else u
        if not u.has(x) or not u.is_polynomial(x) or sp.degree(u, x) != 1:
            continue
        line = sp.Poly(u, x)
        root = -line.coeff_monomial(1) / line.coeff_monomial(x)
        point = _generic(slope.free_symbols | root.free_symbols)
        here = slope.subs({s: v for s, v in point.items() if s != x})
        near, far = (
            max(abs(here.subs(x, sp.N((root + side / f).subs(point), _DIGITS))) for side in (1, -1))
            for f in reversed(_FAR)
        )
        power = sp.log(far / near) / sp.log(_FAR[1] / _FAR[0]) if near != 0 and far != 0 else sp.S.Zero
        if float(power) <= -0.5 + 1e-3:
            raise ValueError(
                f"loss {loss}: its slope grows like |u|^{float(power):.3g} where u = {u} vanishes, so E f'^2 is "
                "infinite; use a loss whose slope is bounded there"
            )


def _generic(symbols: set[sp.Symbol]) -> dict[sp.Symbol, sp.Expr]:
    """Unrelated values of symbols, all in (0, 1): none is a number at which a parameter is special."""
    return {s: sp.Rational(7 + 3 * k, 11 + 3 * k) for k, s in enumerate(sorted(symbols, key=str))}


def growth(expr: sp.Expr) -> sp.Rational:
    """The exponent p of ``|expr| ~ |ε|^p`` as ε → ±∞, the larger of the two; for algebraic growth.

    Read off two far points of ε, with everything else at fixed generic values.
    """
    fixed = _generic(expr.free_symbols - {eps}) | {x: sp.Rational(3, 7), x_star: sp.Rational(5, 9)}
    powers = []
    for side in (1, -1):
        near, far = (abs(sp.N(expr.subs(fixed).subs(eps, side * place), 120)) for place in _FAR)
        powers.append(sp.S.Zero if near == 0 or far == 0 else sp.log(far / near) / sp.log(_FAR[1] / _FAR[0]))
    return sp.nsimplify(round(float(max(powers)), 6), rational=True)
