"""One sample as fluctuations see it: slopes, increments of memories, and expectations of products of them.

Serves :mod:`symhigh.derivation.fluctuations`. Expectations are those of :mod:`symhigh.derivation.gaussian`; a mean of
second derivatives is a derivative of the mean in the covariance (Price), one of first derivatives is Stein's lemma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from symhigh.derivation.gaussian import KINKS, expect, recognise
from symhigh.derivation.growth import check_moments
from symhigh.derivation.memory import sample_rates, statement_of
from symhigh.derivation.several import MultiIndex, overlap
from symhigh.derivation.statistics import effective, in_pieces, mean_over_sample, slope_derivative
from symhigh.problem.noise import Component
from symhigh.rule import Memory
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V00,
    V10,
    V11,
    V12,
    V20,
    V22,
    d,
    eps,
    error_square,
    gradient_square,
    omega,
    sample_loss,
    tau,
    x,
    x_star,
)
from symhigh.system import LimitSystem

SPREAD = sp.Symbol("data_spread", real=True)
"""``‖a‖²/d - τ``, of order ``d^{-1/2}``."""
_STEP = sp.Symbol("step", positive=True)
_PAIRS = {(0, 0): V11, (0, 1): V12, (1, 1): V22, (0, 2): V10, (1, 2): V20, (2, 2): V00}
_LAW = {(0, 0): B11, (0, 1): B12, (1, 1): B22}


@dataclass(frozen=True)
class Outcome:
    """One value of the label: its probability, the effective slope and the slope of each learnt direction, the loss."""

    probability: sp.Expr
    slopes: tuple[sp.Expr, ...]
    gradients: tuple[sp.Expr, ...]
    loss: sp.Expr


@dataclass(frozen=True, eq=False)
class Sample:
    """The law of one sample: ``predictions`` z are Gaussian, of covariance ``covariance(k, l)``.

    The first ``students`` of the vectors W_p are learnt; ``overlap(p, q)`` is the state or coefficient ``d W_p W_q`` of
    a mode. Vectors beyond the predictions, such as the start, are not seen by the loss. Where the rate is ``rated`` by
    the sample, slopes hold it, with :data:`SPREAD`. ``unknown`` says why the bias is not derived, where it is not.
    """

    predictions: tuple[sp.Symbol, ...]
    students: int
    outcomes: tuple[Outcome, ...]
    noise: tuple[Component, ...]
    kind: str
    rated: bool = False
    unknown: str = ""

    @property
    def drawn(self) -> tuple[sp.Symbol, ...]:
        """What differs from sample to sample."""
        return (*self.predictions, eps)

    def overlap(self, p: int, q: int) -> sp.Symbol:
        """``V_pq`` of a mode."""
        low, high = min(p, q), max(p, q)
        if self.kind == "several":
            return overlap("V", low, high)
        return D2 if self.kind == "error" else _PAIRS[low, high]

    def pair(self, state: sp.Symbol) -> tuple[int, int]:
        """The vectors whose product ``state`` is."""
        size = max(3, len(self.predictions))
        pairs = ((p, q) for p in range(size) for q in range(p, size))
        if self.kind == "error":
            return 0, 0
        known = {self.overlap(p, q): (p, q) for p, q in pairs if self.kind == "several" or (p, q) in _PAIRS}
        return known[state]

    def covariance(self, k: int, l: int) -> sp.Symbol:
        """``B_kl = Cov(z_k, z_l)``."""
        low, high = min(k, l), max(k, l)
        if self.kind == "several":
            return overlap("B", low, high)
        return error_square if self.kind == "error" else _LAW[low, high]

    def mean(self, values: Sequence[sp.Expr]) -> sp.Expr:
        """``E value``, one value an outcome."""
        return self._average(self._weighted(values))

    def stein(self, values: Sequence[sp.Expr]) -> tuple[sp.Expr, ...]:
        """``E ∂ value/∂z_k`` for every prediction, as measures where the value jumps."""
        weighted = self._weighted(values)
        if self.kind == "several":
            return tuple(self._average(sp.diff(weighted, z)) for z in self.predictions)
        try:
            return tuple(self._average(slope_derivative(weighted, z)) for z in self.predictions)
        except ValueError:  # jumps across curved boundaries: by moments, at a regular covariance
            size = range(len(self.predictions))
            law = sp.Matrix(len(size), len(size), self.covariance)
            moments = sp.Matrix([self._average(z * weighted) for z in self.predictions])
            return tuple(law.inv() * moments)

    def curvature(self, mean: sp.Expr, k: int, l: int) -> sp.Expr:
        """``E ∂_k ∂_l value`` from its mean."""
        return (2 if k == l else 1) * sp.diff(mean, self.covariance(k, l))

    def _weighted(self, values: Sequence[sp.Expr]) -> sp.Expr:
        total = sp.Add(*(o.probability * v for o, v in zip(self.outcomes, values, strict=True)))
        return total if len(self.outcomes) == 1 else sp.expand(total)

    def _average(self, expr: sp.Expr) -> sp.Expr:
        if self.kind == "several":
            return self._over_directions(expr)
        if self.kind == "error":
            return mean_over_sample(expr, self.noise).xreplace({B11: error_square})
        return mean_over_sample(expr, self.noise)

    def _over_directions(self, expr: sp.Expr) -> sp.Expr:
        size = len(self.predictions)
        variables, total = (*self.predictions, eps), sp.S.Zero
        law = sp.diag(sp.Matrix(size, size, self.covariance), omega**2)
        for term in sp.Add.make_args(sp.expand(expr)):
            used = [i for i, v in enumerate(variables) if term.has(v)]
            total += expect(term, law.extract(used, used), [variables[i] for i in used]) if used else term
        return total

    @cached_property
    def slopes(self) -> tuple[tuple[sp.Expr, ...], ...]:
        """The slopes of each learnt direction, one an outcome."""
        return tuple(tuple(o.slopes[p] for o in self.outcomes) for p in range(self.students))

    def increments(self, memory: Memory, batch: sp.Expr) -> tuple[sp.Expr, ...]:
        """``d · increment`` of a memory for each outcome, in :data:`SPREAD`, to leading order.

        A batch's is the mean of these over its samples, where the increment is affine in the squared gradient.
        """
        scaled = _scaled(d * memory.increment, batch)
        if scaled.has(_STEP):
            scaled = sp.limit(scaled, _STEP, 0, "+")
        values = []
        for o in self.outcomes:
            square = (tau + SPREAD) * sp.Add(*(f**2 for f in o.gradients))
            values.append(scaled.subs({gradient_square: square, sample_loss: o.loss}))
        return tuple(values)


def sample_of(system: LimitSystem) -> Sample:
    """The sample of ``system``.

    Raises ``ValueError`` where ``E f'⁴`` is infinite: then increments have no variance.
    """
    problem = system.problem
    if isinstance(problem, MultiIndex):
        slopes = tuple(sp.diff(problem.loss, s) for s in problem.students)
        outcome = Outcome(sp.S.One, slopes, slopes, problem.loss)
        return Sample(tuple(problem.directions), len(slopes), (outcome,), (), "several")
    noise = problem.law.components if problem.noisy else ()
    statement = statement_of(system.rule)
    rates = sample_rates(statement, problem.outcomes) if statement.sampled else None
    outcomes = []
    for k, o in enumerate(problem.outcomes):
        loss = recognise(o.loss)
        slope = sp.diff(loss, x)
        moved = slope if rates is None else effective(rates[k], sp.diff(in_pieces(o.loss), x))
        outcomes.append(Outcome(recognise(o.probability), (moved,), (slope,), loss))
    try:
        check_moments(problem.outcomes, noise, tuple(o.slopes[0] for o in outcomes))
    except ValueError as error:
        raise ValueError(
            f"fluctuations: the increments of a step have no variance, as E f'^4 is infinite for the loss "
            f"{problem.loss}; use a loss with a bounded slope such as huber, or noise with more moments"
        ) from error
    reduced = D2 in system.family.states
    changes = {
        **({x_star: sp.S.Zero} if reduced else {}),
        **({tau: tau + SPREAD} if rates is not None else {}),
    }
    seen = tuple(
        Outcome(
            o.probability.subs(changes),
            (o.slopes[0].subs(changes),),
            (o.gradients[0].subs(changes),),
            o.loss.subs(changes),
        )
        for o in outcomes
    )
    names, kind = ((x,), "error") if reduced else ((x, x_star), "pair")
    kinked = rates is not None and any(o.slopes[0].has(*KINKS) for o in seen)
    return Sample(names, 1, seen, noise, kind, rates is not None, _unknown(system, kinked))


def _unknown(system: LimitSystem, kinked: bool) -> str:
    """Why the bias is not derived: a rate of the sample with kinks or memories, or a statement in d otherwise."""
    rule, owner = system.rule, type(system.rule).__name__
    if rule.rate is not None and rule.memory and rule.rate.has(gradient_square, sample_loss, x, x_star, eps):
        return f"the rate of {owner} depends on the sample of the step and on memories, for which B₁ is not derived"
    if kinked:
        return f"the rate of {owner} depends on the sample of the step with a kink, for which B₁ is not derived"
    stated = [d * m.increment for m in rule.memory] + ([] if rule.rate is None else [rule.rate])
    if any(_scaled(e, rule.batch).has(_STEP) for e in stated):
        return f"the statement of {owner} depends on d beyond the leading order, for which B₁ is not derived"
    return ""


def _scaled(expr: sp.Expr, batch: sp.Expr) -> sp.Expr:
    """``expr`` with ``d gradient_square/batch`` for the squared gradient, and 1/d as a symbol."""
    return sp.expand(expr.subs({gradient_square: gradient_square * d / batch}).subs(d, 1 / _STEP))


def sees_error_alone(system: LimitSystem) -> bool:
    """Whether each sample of the problem depends on ``x - x_star`` only, not just its expectations.

    Compared at unrelated points, to thirty digits.
    """
    for o in system.problem.outcomes:
        for expr in (o.loss, o.probability):
            for shift in (sp.Rational(5, 7), -sp.Rational(13, 11)):
                others = expr.free_symbols - {x, x_star}
                at = {s: sp.Rational(7 + 2 * k, 9) for k, s in enumerate(sorted(others, key=str))}
                pair = [
                    sp.N(expr.subs({**at, x: sp.Rational(2, 3) + a, x_star: sp.Rational(-1, 4) + a}), 40)
                    for a in (sp.S.Zero, shift)
                ]
                if abs(pair[0] - pair[1]) > sp.Float(10) ** -30 * (1 + abs(pair[0])):
                    return False
    return True
