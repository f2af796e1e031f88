"""The Volterra form of a limit with linear modes: the risk alone, through the clock Γ(t) = ∫₀ᵗ γ.

A pass after the derivation, from the modes' equation by variation of constants. Source: *The High Line*
(arXiv 2405.19585), (64)-(66), derived here from the derived limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.meanfield import Reduction
from symhigh.problem.learnt import refuse_learnt
from symhigh.symbols import D2, OwnedSymbol, error_square, gamma, gradient_noise, lam, risk, t
from symhigh.system import MomentSystem

CLOCK = OwnedSymbol("u", nonnegative=True)
"""A stretch of the clock Γ."""
_S = OwnedSymbol("s", nonnegative=True)


@dataclass(frozen=True, eq=False)
class VolterraForm:
    """``R(t) = F(Γ(t)) + least + ∫₀ᵗ γ_s² 𝒦(Γ(t) - Γ(s)) R(s) ds``.

    ``forcing`` and ``kernel`` are averages over the modes of functions of λ, of the starting D² and of the clock
    stretch :data:`CLOCK`; ``least`` is the risk at the target. ``mode`` is D² of one mode, I and γ functions of time.
    """

    forcing: Reduction
    kernel: Reduction
    least: sp.Expr
    mode: sp.Expr

    def equation(self) -> sp.Eq:
        """The equation in undefined functions ``R``, ``Gamma``, ``gamma``, ``F`` and ``K``."""
        R, clock, rate, F, K = (sp.Function(n) for n in ("R", "Gamma", "gamma", "F", "K"))
        memory = sp.Integral(rate(_S) ** 2 * K(clock(t) - clock(_S)) * R(_S), (_S, 0, t))
        return sp.Eq(R(t), F(clock(t)) + self.least + memory)


def volterra(system: MomentSystem) -> VolterraForm:
    """The Volterra form of ``system``.

    In the clock ``du = γ dt`` a mode obeys ``dD²/du = -aλD² + λγI``, so ``D²(t) = e^{-aλΓ(t)} D²(0) + ∫₀ᵗ
    e^{-aλ(Γ(t)-Γ(s))} λγ_s² I(s) ds``; that is checked by differentiation. The risk is ``share·Q + least`` with
    ``Q = ∫ λ D² dμ``, and I is a multiple of the risk.

    Raises ``ValueError`` where the modes are not linear in D², or I is not a multiple of the risk.
    """
    refuse_learnt("volterra", system.problem.learnt, "of which the risk is a function too", "use solve")
    where = f"volterra: {system.problem.name} has no Volterra form; it needs linear modes, E f'^2 in proportion to R"
    if system.family.states != (D2,):
        raise ValueError(where)
    (rhs,) = system.family.rhs
    pull = sp.cancel(-sp.diff(rhs, D2) / (lam * gamma))
    push = sp.expand(rhs + pull * lam * gamma * D2)
    h, noise = system.unfolded(risk), system.unfolded(gradient_noise)
    ratio = sp.cancel(noise / h)
    if not pull.is_number or not ratio.is_number or push.has(D2):
        raise ValueError(where)
    share, least = sp.Poly(h, error_square).all_coeffs()

    clock, rate, level = (sp.Function(n) for n in ("Gamma", "gamma", "I"))
    decay = sp.exp(-pull * lam * CLOCK)
    source = push.subs({gradient_noise: level(_S), gamma: rate(_S)})
    memory = sp.Integral(decay.subs(CLOCK, clock(t) - clock(_S)) * source, (_S, 0, t))
    mode = decay.subs(CLOCK, clock(t)) * D2 + memory
    _check(mode, rhs, clock, rate, level)
    kernel = sp.cancel(share * lam * push.subs(gradient_noise, ratio) / gamma**2) * decay
    return VolterraForm(
        Reduction(sp.Symbol("F"), share * lam * D2 * decay), Reduction(sp.Symbol("K"), kernel), least, mode
    )


def _check(mode: sp.Expr, rhs: sp.Expr, clock: sp.Expr, rate: sp.Expr, level: sp.Expr) -> None:
    """Differentiate the solution and put it into the mode's equation."""
    moved = sp.diff(mode, t).subs(sp.Derivative(clock(t), t), rate(t))
    meant = rhs.subs(D2, mode).subs({gamma: rate(t), gradient_noise: level(t)})
    if not _vanishes(moved - meant):
        raise AssertionError(f"variation of constants does not solve {rhs}")


def _vanishes(residual: sp.Expr) -> bool:
    """Whether a sum of integrals over one interval is zero, the integrands brought under one sign."""
    merged, outside = sp.S.Zero, sp.S.Zero
    for term in sp.Add.make_args(sp.expand(residual)):
        constant, integral = term.as_independent(sp.Integral)
        if integral == 1:
            outside += constant
        else:
            merged += constant * integral.function
    return bool(sp.simplify(merged) == 0 and sp.simplify(outside) == 0)
