"""From a problem and a rule to the limit: the driver of the derivation.

Passes, in order: one step of SGD to order 1/d (:mod:`~symhigh.derivation.one_step`), the loss's expectations
(:mod:`~symhigh.derivation.statistics`), the rule's memory and rate (:mod:`~symhigh.derivation.memory`), the closure of
the averages over modes, and, where the equations allow it, the reduction to one state a mode
(:mod:`~symhigh.derivation.reduction`). Source: *The High Line* (arXiv 2405.19585), section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import overload

import sympy as sp

from symhigh.derivation.averages import Averages
from symhigh.derivation.memory import Statement, greedy_rate, limits_of_memories, sample_rates, statement_of
from symhigh.derivation.network import NetworkLimit, derive_network
from symhigh.derivation.one_step import Mean, one_step
from symhigh.derivation.reduction import reduce_to_error
from symhigh.derivation.statistics import sampled_mean, statistics
from symhigh.problem import DiagonalNetwork, Problem
from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.rule import Rule
from symhigh.symbols import (
    V00,
    V10,
    V11,
    V12,
    V20,
    V22,
    c1,
    c2,
    d,
    distance,
    gamma,
    gradient_noise,
    lam,
    moved,
    ridge,
    risk,
)
from symhigh.system import Family, LimitSystem, Reduction, Scalar, ScalarState

X_I = sp.Symbol("X_i", real=True)
X_STAR_I = sp.Symbol("X_star_i", real=True)
X_START_I = sp.Symbol("X_start_i", real=True)


@overload
def derive(problem: Problem, rule: Rule, reduce: bool = True) -> LimitSystem: ...
@overload
def derive(problem: DiagonalNetwork) -> NetworkLimit: ...
def derive(
    problem: Problem | DiagonalNetwork, rule: Rule | None = None, reduce: bool = True
) -> LimitSystem | NetworkLimit:
    """The exact limit, as d → ∞ at fixed time t = steps/d, of one-pass SGD on ``problem`` under ``rule``.

    Returns a :class:`~symhigh.system.LimitSystem`. Each mode of K carries ``V11 = d X_i²`` and ``V12 = d X_i X*_i``
    (High Line, (9)), and ``V10 = d X_i X0_i`` where the rule looks at the distance from the start; where loss and rate
    see B only through ``E(x - x*)²``, as for least squares, the system reduces itself to one state a mode,
    ``D2 = V11 - 2 V12 + V22`` (8), unless ``reduce=False``. A :class:`~symhigh.problem.DiagonalNetwork` holds its own
    step and takes no rule; its limit is a :class:`~symhigh.derivation.network.NetworkLimit`.

    Assumptions: Gaussian data with bounded ``‖K‖``, ``‖X₀‖, ‖X*‖ = O(1)``, a loss whose derivative has at most
    polynomial growth, memory increments of order 1/d.

    Raises ``TypeError`` for wrong argument types and ``ValueError`` for a loss without a derivative, too few moments
    of the noise, a rule that does not close, and a rule whose limit does not exist.
    """
    if isinstance(problem, DiagonalNetwork):
        return derive_network(problem)
    if not isinstance(problem, Problem):
        raise TypeError(
            f"derive(problem={problem!r}): problem must be a symhigh.Problem, such as least_squares()"
        )
    if not isinstance(rule, Rule):
        raise TypeError(f"derive(rule={rule!r}): rule must be a symhigh rule, such as AdaGradNorm(eta, b)")
    noise = problem.law.components if problem.noisy else ()
    parts = _derive(problem.outcomes, noise, statement_of(rule), bool(reduce))
    family, reductions, scalars, states, outputs = parts
    parameters = MappingProxyType({**problem.values, **rule.values})
    return LimitSystem(problem, rule, family, reductions, scalars, states, parameters, outputs)


_Parts = tuple[
    Family, tuple[Reduction, ...], tuple[Scalar, ...], tuple[ScalarState, ...], MappingProxyType[str, sp.Expr]
]


@lru_cache(maxsize=64)
def _derive(
    outcomes: tuple[Label, ...], noise: tuple[Component, ...], rule: Statement, reduce: bool
) -> _Parts:
    """The derivation proper, on canonical symbols only: no number that the user gave enters."""
    averages = Averages()
    seen = {distance: averages.of(V11 - 2 * V12 + V22)}
    rates = tuple(g.subs(seen) for g in sample_rates(rule, outcomes)) if rule.sampled else None
    stats = statistics(outcomes, noise, rates)
    drift = _drift_of_modes(rule)
    distance_drift = averages.of(drift[V11] - 2 * drift[V12])
    risk_drift = c1 / 2 * averages.of(lam * drift[V11]) + c2 * averages.of(lam * drift[V12])
    threshold = 2 * greedy_rate(distance, {distance: distance_drift})
    if rates is not None:
        # f' is the effective slope, at rate one; γ is what one sees of the rate, its mean, at which weights decay
        at_one = {gamma: sp.S.One, ridge: gamma * ridge}
        drift = {name: rhs.subs(at_one, simultaneous=True) for name, rhs in drift.items()}
        threshold = gamma * threshold
        rate = sampled_mean(
            sum((o.probability * g for o, g in zip(outcomes, rates, strict=True)), sp.S.Zero), noise
        )
        if rate is sp.oo and rule.ridge != 0:
            raise ValueError(
                f"rule {rule.owner}: the mean of its rate {rule.rate} is infinite, and so is the weight decay of a "
                "step, which is proportional to it; bound the rate, or leave out the weight decay"
            )
    elif rule.rate is not None:
        rate = rule.rate.subs(rule.maxima).subs(seen)
        if rate.has(d):
            raise ValueError(
                f"rule {rule.owner}: its rate {rate} depends on d; a step is rate/d times the gradient, so give a "
                "rate of order one, without d"
            )
    else:
        rate = rule.multiple * greedy_rate(rule.objective, {distance: distance_drift, risk: risk_drift})

    from_start = averages.of(V11 - 2 * V10 + V00)
    moving = averages.of(drift[V11] - 2 * drift[V10]) if rule.moves else sp.S.Zero
    states = tuple(
        replace(s, rhs=s.rhs.subs(seen)) for s in limits_of_memories(rule, outcomes, noise, moving)
    )
    scalars = _in_order(
        *((Scalar(moved, from_start),) if rule.moves else ()),
        *(Scalar(name, lead) for name, lead in rule.leads.values()),
        Scalar(c1, stats.c1),
        Scalar(c2, stats.c2),
        Scalar(gradient_noise, stats.gradient_noise),
        Scalar(risk, stats.risk),
        Scalar(gamma, rate),
    )
    outputs = {
        "risk": risk,
        "learning_rate": gamma,
        "distance": averages.of(V11 - 2 * V12 + V22),
        "overlap": averages.of(V12),
        "norm": averages.of(V11),
        "distance_threshold": threshold,
        **({"moved": moved} if rule.moves else {}),
    }
    used_in = [*outputs.values(), *(s.expression for s in scalars), *(s.rhs for s in states)]
    parts = (_family(drift), averages.reductions(used_in), scalars, states, MappingProxyType(outputs))
    return _inline_numbers(*(reduce_to_error(*parts) if reduce and not rule.moves else parts))


def _in_order(*scalars: Scalar) -> tuple[Scalar, ...]:
    """Each scalar after those that it depends on, else in the order given."""
    waiting, ordered = list(scalars), list[Scalar]()
    while waiting:
        names = {s.name for s in waiting}
        ready = [s for s in waiting if not s.expression.free_symbols & names] or waiting
        ordered.append(ready[0])
        waiting.remove(ready[0])
    return tuple(ordered)


def _family(drift: Mapping[sp.Symbol, sp.Expr]) -> Family:
    """The modes: what moves, what does not, and the definition of both at dimension d."""
    products = {V11: X_I**2, V12: X_I * X_STAR_I, V22: X_STAR_I**2}
    start = {V10: X_I * X_START_I, V20: X_STAR_I * X_START_I, V00: X_START_I**2}
    chosen = {**products, **(start if V10 in drift else {})}
    fixed = tuple(v for v in chosen if v not in drift)
    definitions = {v: d * product for v, product in chosen.items()}
    return Family(tuple(drift), (lam, *fixed), tuple(drift.values()), MappingProxyType(definitions))


def _inline_numbers(
    family: Family,
    reductions: tuple[Reduction, ...],
    scalars: tuple[Scalar, ...],
    states: tuple[ScalarState, ...],
    outputs: Mapping[str, sp.Expr],
) -> _Parts:
    """Scalars that are numbers, such as least squares' ``c1 = 1``, put in place of their names; γ keeps its own."""
    numbers = {s.name: s.expression for s in scalars if s.expression.is_number and s.name != gamma}
    return (
        replace(family, rhs=tuple(r.subs(numbers) for r in family.rhs)),
        reductions,
        tuple(Scalar(s.name, s.expression.subs(numbers)) for s in scalars if s.name not in numbers),
        tuple(replace(s, rhs=s.rhs.subs(numbers)) for s in states),
        MappingProxyType({key: e.subs(numbers) for key, e in outputs.items()}),
    )


def _drift_of_modes(rule: Statement) -> dict[sp.Symbol, sp.Expr]:
    """The drift of a mode's states, with c₁, c₂, I for the expectations of the loss; X0 is one more fixed direction."""
    step = one_step(1, 2 if rule.moves else 1, rule.batch, rule.ridge)
    (F,), (z, z_star, *rest) = step.gradients, step.predictions
    places = {(0, 0): V11, (0, 1): V12, (1, 1): V22, (0, 2): V10, (1, 2): V20, (2, 2): V00}
    names = {
        Mean(sp.diff(F, z)): c1,
        Mean(sp.diff(F, z_star)): c2,
        Mean(F**2): gradient_noise,
        **{Mean(sp.diff(F, z_0)): sp.S.Zero for z_0 in rest},
        **{symbol: places[pair] for pair, symbol in step.overlaps.items()},
    }
    return {places[0, q]: step.drift[0, q].subs(names) for q in range(len(step.predictions))}
