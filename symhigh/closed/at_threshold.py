"""Rules that hold an objective where it neither falls nor grows: the modes level out, the objective stays for ever.

Read off the limit's structure. A mode moves by ``dD²_λ/dt = λγ (γI - p D²_λ)`` (normal form of
:mod:`symhigh.closed.linear`), so the distance stays at ``γI = p ∫λD² dμ/τ`` and the risk at ``γI = p ∫λ²D² dμ/κ₂``: in
both cases γI/p is a weighted mean of the D²_λ, every mode moves towards that mean, and all D²_λ with λ > 0 tend to one
level ℓ. The conserved objective gives it, ``ℓ = D²(0)`` or ``ℓ = Q(0)/τ``, and then ``Q = τℓ``, ``γ = pℓ/I``. New.
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.symbols import D2, error_square, gamma, lam, tau


def threshold_share(limit: LinearLimit) -> tuple[sp.Expr, sp.Symbol] | None:
    """``(c, objective)`` where γ is c times the rate at which that average stays, the distance or Q; None for no c."""
    distance = limit.system.outputs["distance"]
    for objective in (distance, error_square):
        drift = sp.Poly(limit.drift(objective), gamma)
        staying = -drift.coeff_monomial(gamma) / drift.coeff_monomial(gamma**2)
        share = sp.cancel(limit.rate / limit.expanded(staying))
        if share.free_symbols <= set(limit.system.rule.values):
            return share, objective
    return None


def level_out(limit: LinearLimit, modes: Modes, objective: sp.Symbol) -> dict[str, Formula]:
    """The limits at the threshold of ``objective`` itself."""
    conserved = modes.mean(lam * D2) / tau if objective == error_square else modes.mean(D2)
    noise = limit.slope * tau * conserved + limit.floor
    where = positive(modes.edge)
    excess = limit.share * tau * conserved
    formulas = {
        "learning_rate": (limit.pull * conserved / noise, "the limit of the learning rate"),
        "risk": (limit.least + excess, "the limiting risk"),
        "excess_risk": (excess, "the limiting excess risk"),
    }
    return {name: Formula(sp.cancel(expr), where, "new", text) for name, (expr, text) in formulas.items()}
