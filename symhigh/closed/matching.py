"""Asymptotic matching in time: series in ``h = t^{-1/2}`` for a noisy limit whose learning rate dies out.

The mode equation and the memory's equation are expanded in h and solved order by order; nothing is guessed but the
form of the series, and the orders left unsolved show where it ends. Leading order of γ: *The High Line*
(arXiv 2405.19585), Prop. 4.1's setting; the next orders are new.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.linear import LinearLimit
from symhigh.closed.modes import Modes
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam, omega, t

_H = sp.Symbol("h", positive=True)


@dataclass(frozen=True)
class SlowLearning:
    """γ and Q for large t, to second order each; the next terms are O(log t / t^{3/2})."""

    rate: sp.Expr
    error: sp.Expr


@lru_cache(maxsize=64)
def dying_rate(limit: LinearLimit, modes: Modes) -> SlowLearning | None:
    """Noisy limit of a rule with one memory, where γ falls like ``t^{-1/2}``; None where it does not.

    With ``γ = h(g₀ + g₁h)``, ``D²_λ = h(δ₀ + δ₁h)``, ``Q = ∫ λD²`` and d/dt = -(h³/2) d/dh: order h² of a mode
    fixes δ₀, order h³ fixes δ₁; orders 1 and h of the memory's equation fix g₀ and g₁. Zero modes, if any, stay.
    """
    (memory,) = limit.system.states
    g0, d0, q0 = sp.symbols("g0 delta0 q0", positive=True)
    g1, d1, q1 = sp.symbols("g1 delta1 q1", real=True)
    rate, mode, error = _H * (g0 + g1 * _H), _H * (d0 + d1 * _H), _H * (q0 + q1 * _H)
    noise = limit.slope * error + limit.floor

    (rhs,) = limit.system.family.rhs
    orders = _orders(_time_derivative(mode) - rhs.subs({D2: mode, gamma: rate, gradient_noise: noise}), 2, 3)
    (first,) = sp.solve(orders[0], d0)
    (second,) = sp.solve(orders[1].subs(d0, first), d1)
    first_q = modes.mean(sp.expand(lam * first))
    second_q = modes.mean(sp.expand(sp.cancel(lam * second)).subs(q0, first_q))

    (value,) = sp.solve(sp.Eq(gamma, limit.rate), memory.name)
    if sp.degree(sp.numer(sp.together(value.subs(gamma, 1 / gamma))), gamma) != 2:
        return None
    held = sp.series(value.subs(gamma, rate), _H, 0, 0).removeO()
    growth = limit.expanded(memory.rhs).subs({gamma: rate, error_square: error})
    balance = _orders(_time_derivative(held) - growth, 0, 1)
    level = sp.Dummy("omega", positive=True)
    (lead,) = sp.solve(balance[0].subs(omega, level), g0)
    lead = lead.subs(level, omega)
    (following,) = sp.solve(balance[1].subs(q0, first_q), g1)
    known = {g0: lead, g1: sp.simplify(following.subs(g0, lead))}
    gather = {_H: 1 / sp.sqrt(t)}
    series = [sp.simplify(sp.expand(e.subs(known)).subs(known)) for e in (first_q, second_q)]
    return SlowLearning(
        (known[g0] * _H + known[g1] * _H**2).subs(gather), (series[0] * _H + series[1] * _H**2).subs(gather)
    )


def _time_derivative(expr: sp.Expr) -> sp.Expr:
    """d/dt of a function of h = t^{-1/2}."""
    return sp.diff(expr, _H) * (-(_H**3) / 2)


def _orders(expr: sp.Expr, *powers: int) -> list[sp.Expr]:
    expanded = sp.expand(expr)
    return [expanded.coeff(_H, k) for k in powers]
