"""From a problem and a rule to the limit: the driver of the derivation.

Passes, in order: one step of SGD to order 1/d (:mod:`~symhigh.derive.one_step`), the loss's expectations
(:mod:`~symhigh.derive.statistics`), the rule's memory and rate (:mod:`~symhigh.derive.memory`), the closure of
the averages over modes, and, where the equations allow it, the reduction to one state a mode
(:mod:`~symhigh.derive.reduction`). Source: *The High Line* (arXiv 2405.19585), section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import sympy as sp

from symhigh.derive.averages import Averages
from symhigh.derive.memory import greedy_rate, limit_of_memory
from symhigh.derive.one_step import Mean, one_step
from symhigh.derive.reduction import reduce_to_error
from symhigh.derive.statistics import statistics
from symhigh.problem import Problem
from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.rule import Memory, Rule
from symhigh.symbols import (
    B11,
    B12,
    V11,
    V12,
    V22,
    c1,
    c2,
    d,
    distance,
    gamma,
    gradient_noise,
    lam,
    risk,
)
from symhigh.system import Family, LimitSystem, Reduction, Scalar, ScalarState

X_I = sp.Symbol("X_i", real=True)
X_STAR_I = sp.Symbol("X_star_i", real=True)


def derive(problem: Problem, rule: Rule, reduce: bool = True) -> LimitSystem:
    """The exact limit, as d → ∞ at fixed time t = steps/d, of one-pass SGD on ``problem`` under ``rule``.

    Returns a :class:`~symhigh.system.LimitSystem`. Each mode of K carries ``V11 = d X_i²`` and ``V12 = d X_i X*_i``
    (High Line, (9)); where loss and rate see B only through ``E(x - x*)²``, as for least squares, the system
    reduces itself to one state a mode, ``D2 = V11 - 2 V12 + V22`` (8), unless ``reduce=False``.

    Assumptions: Gaussian data with bounded ``‖K‖``, ``‖X₀‖, ‖X*‖ = O(1)``, a loss whose derivative has at most
    polynomial growth, memory increments of order 1/d.

    Raises ``TypeError`` for wrong argument types and ``ValueError`` for a rule whose limit does not exist.
    """
    if not isinstance(problem, Problem):
        raise TypeError(
            f"derive(problem={problem!r}): problem must be a symhigh.Problem, such as least_squares()"
        )
    if not isinstance(rule, Rule):
        raise TypeError(f"derive(rule={rule!r}): rule must be a symhigh rule, such as AdaGradNorm(eta, b)")
    noise = problem.law.components if problem.noisy else ()
    parts = _derive(problem.outcomes, noise, rule.memory, rule.rate, rule.objective, bool(reduce))
    family, reductions, scalars, states, outputs = parts
    parameters = MappingProxyType({**problem.values, **rule.values})
    return LimitSystem(problem, rule, family, reductions, scalars, states, parameters, outputs)


_Parts = tuple[
    Family, tuple[Reduction, ...], tuple[Scalar, ...], tuple[ScalarState, ...], MappingProxyType[str, sp.Expr]
]


@lru_cache(maxsize=64)
def _derive(
    outcomes: tuple[Label, ...],
    noise: tuple[Component, ...],
    memory: tuple[Memory, ...],
    rate: sp.Expr | None,
    objective: sp.Expr | None,
    reduce: bool,
) -> _Parts:
    """The derivation proper, on canonical symbols only: no number that the user gave enters."""
    averages = Averages()
    stats = statistics(outcomes, noise)
    drift_11, drift_12 = _drift_of_modes()

    if objective is not None:
        distance_drift = averages.of(drift_11 - 2 * drift_12)
        risk_drift = c1 / 2 * averages.of(lam * drift_11) + c2 * averages.of(lam * drift_12)
        rate = greedy_rate(objective, {distance: distance_drift, risk: risk_drift})
    assert rate is not None

    states = tuple(limit_of_memory(m, outcomes, noise) for m in memory)
    scalars = [
        Scalar(c1, stats.c1),
        Scalar(c2, stats.c2),
        Scalar(gradient_noise, stats.gradient_noise),
        Scalar(risk, stats.risk),
        Scalar(gamma, rate),
    ]
    definitions = {V11: d * X_I**2, V12: d * X_I * X_STAR_I, V22: d * X_STAR_I**2}
    family = Family((V11, V12), (lam, V22), (drift_11, drift_12), MappingProxyType(definitions))
    # A = E (x - x*) f' by Stein's lemma; the distance grows beyond the rate 2A/(tau I)
    alignment = c1 * (B11 - B12) + c2 * (B12 - averages.of(lam * V22))
    outputs = {
        "risk": risk,
        "learning_rate": gamma,
        "distance": averages.of(V11 - 2 * V12 + V22),
        "overlap": averages.of(V12),
        "norm": averages.of(V11),
        "distance_threshold": 2 * alignment / (averages.of(lam) * gradient_noise),
    }
    used_in = [*outputs.values(), *(s.expression for s in scalars), *(s.rhs for s in states)]
    parts = (family, averages.reductions(used_in), tuple(scalars), states, MappingProxyType(outputs))
    return _inline_numbers(*(reduce_to_error(*parts) if reduce else parts))


def _inline_numbers(
    family: Family,
    reductions: tuple[Reduction, ...],
    scalars: tuple[Scalar, ...],
    states: tuple[ScalarState, ...],
    outputs: Mapping[str, sp.Expr],
) -> _Parts:
    """Scalars that are numbers, such as least squares' ``c1 = 1``, put in place of their names."""
    numbers = {s.name: s.expression for s in scalars if s.expression.is_number}
    return (
        replace(family, rhs=tuple(r.subs(numbers) for r in family.rhs)),
        reductions,
        tuple(Scalar(s.name, s.expression.subs(numbers)) for s in scalars if s.name not in numbers),
        tuple(replace(s, rhs=s.rhs.subs(numbers)) for s in states),
        MappingProxyType({key: e.subs(numbers) for key, e in outputs.items()}),
    )


def _drift_of_modes() -> tuple[sp.Expr, sp.Expr]:
    """``dV11/dt`` and ``dV12/dt`` of one mode, with c₁, c₂, I for the expectations of the loss."""
    step = one_step(1, 1)
    (F,), (z, z_star) = step.gradients, step.predictions
    names = {
        Mean(sp.diff(F, z)): c1,
        Mean(sp.diff(F, z_star)): c2,
        Mean(F**2): gradient_noise,
        **{step.overlaps[0, 0]: V11, step.overlaps[0, 1]: V12, step.overlaps[1, 1]: V22},
    }
    return step.drift[0, 0].subs(names), step.drift[0, 1].subs(names)
