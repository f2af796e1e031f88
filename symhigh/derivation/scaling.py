"""Powers of d taken out of Max and Min, so that their limits as d → ∞ need no search.

Serves the limits of memories and rates (:mod:`symhigh.derivation.memories`).
"""

from __future__ import annotations

import sympy as sp


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
