"""Powers of d taken out of Max and Min, so that limits as d → ∞ need no search; quotients without their false poles.

Serves the limits of memories and rates (:mod:`symhigh.derivation.memories`).
"""

from __future__ import annotations

import sympy as sp


def conjugated(quotient: sp.Expr) -> sp.Expr:
    """``(a √w + b)/c`` as ``((a² w - b²)/c)/(a √w - b)`` where something of c cancels: so its zeros cost no digits."""
    roots = [p for p in quotient.atoms(sp.Pow) if p.exp == sp.S.Half]
    if len(roots) != 1:
        return quotient
    w, root = roots[0].base, sp.Dummy("root")
    linear, bottom = sp.fraction(sp.together(quotient.xreplace({roots[0]: root})))
    linear = sp.expand(linear)
    if bottom.has(root) or not linear.is_polynomial(root) or sp.degree(linear, root) != 1:
        return quotient
    a, b = sp.Poly(linear, root).all_coeffs()
    shared = sp.gcd(a, b)
    a, b = sp.cancel(a / shared), sp.cancel(b / shared)
    left = sp.cancel((a**2 * w - b**2) / bottom)
    if sp.expand(sp.denom(left) - bottom) == 0:
        return quotient
    return shared * left / (a * roots[0] - b)


def homogeneous(expr: sp.Expr, step: sp.Symbol) -> sp.Expr:
    """``Max(a step^p, b step^p)`` as ``step^p Max(a, b)``, everywhere in ``expr``; ``step`` is positive."""

    def taken_out(kink: sp.Expr) -> sp.Expr:
        factors = [a.as_independent(step, as_Add=False) for a in map(sp.factor_terms, kink.args) if a != 0]
        powers = {power for _, power in factors}
        if len(powers) != 1:
            return kink
        zero = [sp.S.Zero] if sp.S.Zero in kink.args else []
        return powers.pop() * kink.func(*zero, *(coefficient for coefficient, _ in factors))

    return expr.replace(lambda e: isinstance(e, sp.Max | sp.Min) and e.has(step), taken_out)
