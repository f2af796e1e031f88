"""Asymptotic matching in time: series in ``h = t^{-1/2}`` and log t for a noisy limit whose learning rate dies out.

The mode equation and the memory's equation are expanded in h and solved order by order; nothing is guessed but the
form of the series, and the orders left unsolved show where it ends: the start enters at t^{-3/2}, by a constant that
is not determined. Where the spectrum reaches 0 by a power law, what the start leaves dies out more slowly than that,
and is added. Leading order of γ: *The High Line* (arXiv 2405.19585), Prop. 4.1's setting; the next orders are new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.formula import Formula, positive
from symhigh.closed.linear import LinearLimit, memory_at_rate
from symhigh.closed.modes import Modes
from symhigh.closed.power_law import PowerLaw
from symhigh.derivation.volterra import CLOCK
from symhigh.symbols import D2, OwnedSymbol, error_square, gamma, gradient_noise, lam, omega, t, tau

_H = OwnedSymbol("h", positive=True)
_LOG = OwnedSymbol("L", real=True)


@dataclass(frozen=True)
class SlowLearning:
    """γ and Q for large t: the coefficients of t^{-1/2}, t^{-1} and log t/t^{3/2}; what is left is O(t^{-3/2})."""

    rates: tuple[sp.Expr, sp.Expr, sp.Expr]
    errors: tuple[sp.Expr, sp.Expr, sp.Expr]

    @property
    def rate(self) -> sp.Expr:
        """γ as a function of t."""
        return _series(self.rates)

    @property
    def error(self) -> sp.Expr:
        """Q as a function of t."""
        return _series(self.errors)


def _series(coefficients: tuple[sp.Expr, ...]) -> sp.Expr:
    first, second, logarithm = coefficients
    return first / sp.sqrt(t) + second / t + logarithm * sp.log(t) / (t * sp.sqrt(t))


@lru_cache(maxsize=64)
def dying_rate(limit: LinearLimit, modes: Modes) -> SlowLearning | None:
    """Noisy limit of a rule with one memory, where γ falls like ``t^{-1/2}``; None where it does not.

    With L = log t, ``γ = h(g₀ + g₁h + g₂Lh²)``, ``D²_λ = h(δ₀ + δ₁h + δ₂Lh²)``, ``Q = ∫ λD²``, and ``d/dt = -(h³/2) ∂_h
    + h² ∂_L``: orders h², h³, h⁴L of a mode fix the δ, orders 1, h, h² of the memory's equation the g. Zero modes, if
    any, stay.
    """
    if len(limit.system.states) != 1 or (value := memory_at_rate(limit)) is None:
        return None
    (memory,) = limit.system.states
    g0, d0, q0 = sp.symbols("g0 delta0 q0", positive=True)
    g1, g2, d1, d2, q1, q2 = sp.symbols("g1 g2 delta1 delta2 q1 q2", real=True)
    rate, mode, error = (
        _H * (a + b * _H + c * _LOG * _H**2) for a, b, c in ((g0, g1, g2), (d0, d1, d2), (q0, q1, q2))
    )
    noise = limit.slope * error + limit.floor

    (rhs,) = limit.system.family.rhs
    balance = sp.expand(_time_derivative(mode) - rhs.subs({D2: mode, gamma: rate, gradient_noise: noise}))
    errors: dict[sp.Symbol, sp.Expr] = {}
    shares: dict[sp.Symbol, sp.Expr] = {}
    for power, logs, unknown, average in ((2, 0, d0, q0), (3, 0, d1, q1), (4, 1, d2, q2)):
        (found,) = sp.solve(balance.coeff(_LOG, logs).coeff(_H, power).subs(errors), unknown)
        errors[unknown] = found
        shares[average] = modes.mean(sp.expand(sp.cancel(lam * found))).subs(shares)

    numerator = sp.numer(sp.together(value.subs(gamma, 1 / gamma)))
    if not numerator.is_polynomial(gamma) or sp.degree(numerator, gamma) != 2:
        return None
    held = sp.series(value.subs(gamma, rate), _H, 0, 1).removeO()
    growth = limit.expanded(memory.rhs).subs({gamma: rate, error_square: error})
    drift = sp.expand(_time_derivative(held) - growth)
    level = sp.Dummy("omega", positive=True)
    (lead,) = sp.solve(drift.coeff(_H, 0).subs(omega, level), g0)
    known = {g0: lead.subs(level, omega)}
    for power, unknown in ((1, g1), (2, g2)):
        (found,) = sp.solve(drift.coeff(_H, power).coeff(_LOG, 0).subs(shares).subs(known), unknown)
        known[unknown] = sp.simplify(found)
    first, second, third = (sp.simplify(sp.expand(e.subs(known))) for e in shares.values())
    return SlowLearning((known[g0], known[g1], known[g2]), (first, second, third))


def dying_on_power_law(limit: LinearLimit, law: PowerLaw) -> dict[str, Formula] | None:
    """γ and excess risk for large t where the modes reach 0 by a power law; None where γ does not fall like t^{-1/2}.

    The excess is the noise's series as with a gap, and the forcing ``C Γ^{s-2}`` at the clock Γ = ∫γ ~ 2g₀√t that the
    noise alone sets: modes below 1/Γ still hold their start. For s = β + δ < 3/2 the terms of order t^{-1/2} and
    t^{(s-2)/2} both exceed what is left out, of relative order t^{(s-2)/2} and log t/√t. The memory adds up the
    forcing, which moves γ by ``γ'(memory) ∫ growth``; not for s = 0, where that is of the order left out.
    """
    slow = dying_rate(limit, Modes())
    value = memory_at_rate(limit) if slow is not None else None
    if slow is None or value is None:
        return None
    (memory,) = limit.system.states
    lead, following = (c.subs(tau, law.mean) for c in slow.rates[:2])
    tail = law.forcing.subs(CLOCK, 2 * lead * sp.sqrt(t))
    noise, lag = (limit.share * c.subs(tau, law.mean) for c in slow.errors[:2])
    growth = sp.diff(limit.expanded(memory.rhs), error_square).subs(tau, law.mean) / limit.share
    slope = sp.diff(limit.rate, memory.name).subs(memory.name, value.subs(gamma, lead / sp.sqrt(t)))
    rate = lead / sp.sqrt(t) + following / t
    if law.s != 0:
        rate += sp.simplify(slope * growth * sp.powsimp(tail) * t * 2 / law.s)  # tail ~ t^{s/2 - 1}
    where = positive(omega, t, *(p for p in limit.system.rule.values if p.is_positive))
    words = f"for large t, up to a relative error O(t^({(law.s - 2) / 2}) + log t/sqrt(t))"
    return {
        "learning_rate_asymptotic": Formula(rate, where, "new", f"the learning rate {words}"),
        "excess_risk_asymptotic": Formula(
            noise / sp.sqrt(t) + tail + lag / t, where, "new", f"the excess risk {words}"
        ),
    }


def _time_derivative(expr: sp.Expr) -> sp.Expr:
    """d/dt of a function of h = t^{-1/2} and L = log t."""
    return sp.diff(expr, _H) * (-(_H**3) / 2) + sp.diff(expr, _LOG) * _H**2
