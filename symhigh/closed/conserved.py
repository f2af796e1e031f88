"""Elimination of time: conservation laws of a limit with one memory, and the limit of the learning rate from them.

A rule with one memory s has γ = γ(s). If the drift of an average M divided by that of γ depends on γ alone, then
``M + Φ(γ)`` is conserved, ``Φ' = -(dM/dt)/(dγ/dt)``. For least squares under AdaGrad-Norm and M = D² this gives
the exact limit of the learning rate by Lambert's function (up to constants *The High Line*, arXiv 2405.19585,
Prop. 4.2; exact: new).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.finder import DoesNotApply
from symhigh.closed.linear import LinearLimit, memory_at_rate
from symhigh.symbols import gamma, t


@dataclass(frozen=True)
class ConservationLaw:
    """``moment + potential(γ)`` does not change; ``initial`` is γ at t = 0."""

    moment: sp.Symbol
    potential: sp.Expr
    initial: sp.Expr

    @property
    def turning_point(self) -> sp.Expr:
        """The γ > 0 where the potential is least: the rate at which the moment stops growing and falls."""
        zeros = [z for z in sp.solve(sp.numer(sp.together(sp.diff(self.potential, gamma))), gamma) if z != 0]
        if len(zeros) != 1:
            raise ValueError(f"the potential {self.potential} has {len(zeros)} turning points")
        (zero,) = zeros
        return sp.cancel(zero)


@lru_cache(maxsize=64)
def learning_rate_drift(limit: LinearLimit) -> sp.Expr | None:
    """``dγ/dt`` in terms of γ and averages, the memory eliminated; None where γ is no power of the memory."""
    (memory,) = limit.system.states
    if (value := memory_at_rate(limit)) is None:
        return None
    return sp.powdenest(limit.drift(gamma).subs(memory.name, value), force=True)


@lru_cache(maxsize=64)
def conservation_law(limit: LinearLimit, moment: sp.Symbol) -> ConservationLaw | None:
    """The law for ``moment``, or None where the elimination leaves more than γ."""
    if len(limit.system.states) != 1:
        return None
    (memory,) = limit.system.states
    if memory.name not in limit.rate.free_symbols:
        return None
    if (drift := learning_rate_drift(limit)) is None:
        return None
    slope = sp.cancel(sp.expand(limit.drift(moment)) / drift)
    moving = {r.name for r in limit.system.reductions if r.summand.has(*limit.system.family.states)} | {
        memory.name,
        t,
    }
    if slope.free_symbols & moving:
        return None
    positive = sp.Dummy("gamma", positive=True)
    potential = -sp.integrate(sp.expand(slope.subs(gamma, positive)), positive).subs(positive, gamma)
    return ConservationLaw(moment, sp.expand(potential), limit.rate.subs(memory.name, memory.initial))


def log_linear_solution(a: sp.Expr, c: sp.Expr, total: sp.Expr, branch: int) -> sp.Expr:
    """The solution ``y > 0`` of ``a y - c log y = total``, for a, c > 0, by Lambert's function.

    With ``z = -(a/c) e^{-total/c}`` it is ``y = -(c/a) W(z)``, since ``W e^W = z`` reads ``a y - c log y = total``.
    The left side falls until y = c/a and rises from there. ``branch=-1`` is the solution with y ≥ c/a, since W₋₁ ≤ -1
    on [-1/e, 0); ``branch=0`` the one with y ≤ c/a. They exist where total ≥ c - c log(c/a), that is z ≥ -1/e.
    """
    return -(c / a) * sp.LambertW(-(a / c) * sp.exp(-total / c), branch)


@lru_cache(maxsize=64)
def limiting_rate(law: ConservationLaw, start: sp.Expr) -> sp.Expr:
    """γ when the moment, ``start`` at first, has gone to zero: ``Φ(γ∞) = start + Φ(γ₀)``, γ∞ below the turning point.

    The memory only grows, so γ only falls, and Φ falls until the turning point and rises towards γ = 0. As
    ``Φ(γ∞) > Φ(γ₀)`` for start > 0, the limit lies beyond the turning point wherever the start was: branch -1.
    Raises ``ValueError`` for a potential other than ``A/γ + B log γ``.
    """
    inverse = sp.Dummy("y", positive=True)
    shape = sp.expand(sp.expand_log(law.potential.subs(gamma, 1 / inverse)))
    a, c = shape.coeff(inverse, 1), -shape.coeff(sp.log(inverse), 1)
    if sp.expand(shape - a * inverse + c * sp.log(inverse)) != 0:
        raise DoesNotApply(
            f"the conserved {law.potential} is not A/gamma + B log gamma, which Lambert's function inverts"
        )
    total = start + law.potential.subs(gamma, law.initial)
    return 1 / log_linear_solution(a, c, total, -1)
