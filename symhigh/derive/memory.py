"""A rule's memory and rate in the limit.

A pass of the derivation. Source: *The High Line* (arXiv 2405.19585), (9), (15)-(17) and (87)-(92), derived here
from the rules' discrete statements.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from symhigh.derive.statistics import GAUSSIAN, mean_over_sample
from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.rule import Memory
from symhigh.symbols import d, eps, gamma, gradient_noise, gradient_square, sample_loss, tau, x, x_star
from symhigh.system import ScalarState

_STEP = sp.Symbol("step", positive=True)
_SLOPE_SQUARE = sp.Symbol("slope_square", nonnegative=True)


def limit_of_memory(
    memory: Memory, outcomes: tuple[Label, ...], noise: tuple[Component, ...] = GAUSSIAN
) -> ScalarState:
    """The ODE of a memory whose increment at each step is O(1/d).

    ``‖∇f‖² = f'² ‖a‖²`` and ``‖a‖²/d → τ``: each ``a_i²`` has mean ``λ_i + O(1/d)`` given the predictions (Stein),
    and the sum of d nearly independent terms concentrates. So ``d · increment`` tends to a function of the
    sample's ``τ f'²`` and loss, whose mean is the drift by the law of large numbers over many steps.
    """
    scaled = memory.increment.subs({gradient_square: tau * _SLOPE_SQUARE / _STEP, d: 1 / _STEP}) / _STEP
    drift = sp.limit(sp.cancel(scaled), _STEP, 0, "+")
    if not drift.is_finite and (drift.is_infinite or drift.has(sp.oo, sp.zoo, sp.nan)):
        raise ValueError(
            f"rule memory {memory.name}: its increment {memory.increment} is not O(1/d), so it forgets or grows within "
            "O(1) steps and has no limit on the time scale steps/d; scale the increment by 1/d "
            "(gradient_square is of order d)"
        )
    return ScalarState(memory.name, _mean(drift, outcomes, noise), memory.initial)


def _mean(drift: sp.Expr, outcomes: tuple[Label, ...], noise: tuple[Component, ...]) -> sp.Expr:
    """Expectation over the sample; powers of f' up to the second need no new integral."""
    if not drift.has(_SLOPE_SQUARE, sample_loss, x, x_star, eps):
        return drift
    if (
        not drift.has(sample_loss)
        and drift.is_polynomial(_SLOPE_SQUARE)
        and sp.degree(drift, _SLOPE_SQUARE) == 1
    ):
        return sp.expand(drift).subs(_SLOPE_SQUARE, gradient_noise)
    per_label = (
        o.probability * drift.subs({_SLOPE_SQUARE: sp.diff(o.loss, x) ** 2, sample_loss: o.loss})
        for o in outcomes
    )
    return mean_over_sample(sum(per_label, sp.S.Zero), noise)


def greedy_rate(objective: sp.Expr, drifts: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The learning rate that minimises d(objective)/dt, which one step makes quadratic in γ.

    With ``d(objective)/dt = -α γ + β γ²`` it is ``α/(2β)``.
    """
    drift = sp.expand(sum(sp.diff(objective, name) * value for name, value in drifts.items()))
    descent, noise = -drift.coeff(gamma, 1), drift.coeff(gamma, 2)
    if noise == 0:
        raise ValueError(
            f"greedy rule with objective {objective}: its drift has no γ² term, so no best rate exists"
        )
    return sp.cancel(descent / (2 * noise))
