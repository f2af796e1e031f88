"""Which moments of the label noise a loss needs, and whether its law has them.

A check of the derivation. ``E |ε|^p`` is finite for p below the law's order; a limit needs ``E f`` and ``E f'²``.
"""

from __future__ import annotations

import sympy as sp

from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.symbols import eps, x, x_star

_FAR = (sp.Integer(10) ** 30, sp.Integer(10) ** 60)


def check_moments(
    outcomes: tuple[Label, ...], noise: tuple[Component, ...], factors: tuple[sp.Expr, ...] | None = None
) -> None:
    """Raise ``ValueError`` where the risk or ``E f'²`` is infinite because the noise has heavy tails."""
    order = min((c.order for c in noise), default=sp.oo)
    if order == sp.oo or not any(o.loss.has(eps) for o in outcomes):
        return
    for k, o in enumerate(outcomes):
        slope = sp.diff(o.loss, x) * (1 if factors is None else factors[k])
        for what, expr in (("the risk E f", o.loss), ("E f'^2", slope**2)):
            power = growth(expr)
            if power >= order:
                raise ValueError(
                    f"noise law: {what} is infinite for the loss {o.loss}, as it grows like |eps|^{power} while only "
                    f"moments below {order} exist; use more degrees of freedom, or a loss with a bounded slope "
                    "such as huber"
                )


def growth(expr: sp.Expr) -> sp.Rational:
    """The exponent p of ``|expr| ~ |ε|^p`` as ε → ±∞, the larger of the two; for algebraic growth.

    Read off two far points of ε, with everything else at fixed generic values.
    """
    fixed = {s: sp.Rational(7 + 2 * k, 11) for k, s in enumerate(sorted(expr.free_symbols - {eps}, key=str))}
    fixed |= {x: sp.Rational(3, 7), x_star: sp.Rational(5, 9)}
    powers = []
    for side in (1, -1):
        near, far = (abs(sp.N(expr.subs(fixed).subs(eps, side * place), 120)) for place in _FAR)
        powers.append(sp.S.Zero if near == 0 or far == 0 else sp.log(far / near) / sp.log(_FAR[1] / _FAR[0]))
    return sp.nsimplify(round(float(max(powers)), 6), rational=True)
