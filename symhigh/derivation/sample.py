"""One sample as fluctuations see it: slopes, increments of memories, and expectations of products of them.

Serves :mod:`symhigh.derivation.fluctuations`. Expectations are those of :mod:`symhigh.derivation.gaussian`; a mean of
second derivatives is a derivative of the mean in the covariance (Price), one of first derivatives is Stein's lemma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.close.moments import Moments
from symhigh.derivation.expectations import sample_of as predictions_of
from symhigh.derivation.gaussian import KINKS, recognise
from symhigh.derivation.growth import check_moments, growth
from symhigh.derivation.mean_field import averages_of, energy_of, known_of, rotation_invariant
from symhigh.derivation.memories import sample_rates
from symhigh.derivation.one_step import one_step
from symhigh.derivation.state import Statement, state
from symhigh.derivation.statistics import Sample, effective, in_pieces, mean_over_sample, stein_coefficient
from symhigh.rule import Memory
from symhigh.symbols import (
    D2,
    OwnedSymbol,
    d,
    eps,
    error_square,
    g,
    gamma,
    gradient_square,
    sample_loss,
    tau,
    x,
)
from symhigh.system import MomentSystem

SPREAD = OwnedSymbol("data_spread", real=True)
"""``‖a‖²/d - τ``, of order ``d^{-1/2}``."""
_STEP = OwnedSymbol("step", positive=True)


@dataclass(frozen=True)
class Outcome:
    """One value of the label: its probability, the effective slope and the slope of each learnt direction, the loss."""

    probability: sp.Expr
    slopes: tuple[sp.Expr, ...]
    gradients: tuple[sp.Expr, ...]
    loss: sp.Expr

    def subs(self, changes: Mapping[sp.Expr, sp.Expr]) -> Outcome:
        """The same with symbols replaced."""
        slopes, gradients = (tuple(f.subs(changes) for f in fs) for fs in (self.slopes, self.gradients))
        return Outcome(self.probability.subs(changes), slopes, gradients, self.loss.subs(changes))


@dataclass(frozen=True, eq=False)
class OneSample:
    """What one sample makes of the ``vectors`` W of a statement, students first, then targets, then all others.

    The predictions z are Gaussian, of covariance ``law.law``; ``products[p, q]`` is the state or coefficient
    ``d W_p W_q`` of a mode, ``along[p, k]`` that average with the weights of the k-th prediction for W_q. A step adds
    ``Σ_r kicks[p][r] F_r a`` to W_p, F the slopes. Where the rate is ``rated`` by the sample, slopes hold it, with
    :data:`SPREAD`. Besides, a step moves W_p by ``1/d Σ_a pull[p][a] W_a``, such as weight decay and momentum do.
    ``weights[k, l]`` is the average of the weights of two predictions. ``known`` is what an idealised rule knows of the
    system. ``unknown`` says why the bias is not derived, where it is not.
    """

    statement: Statement
    law: Sample
    vectors: tuple[sp.Symbol, ...]
    products: Mapping[tuple[int, int], sp.Expr]
    along: Mapping[tuple[int, int], sp.Expr]
    kicks: tuple[tuple[sp.Expr, ...], ...]
    outcomes: tuple[Outcome, ...]
    pull: tuple[tuple[sp.Expr, ...], ...]
    weights: Mapping[tuple[int, int], sp.Expr]
    known: Mapping[sp.Symbol, sp.Expr]
    rated: bool = False
    unknown: str = ""

    @property
    def predictions(self) -> tuple[sp.Symbol, ...]:
        """z."""
        return self.law.directions

    @property
    def students(self) -> int:
        """How many of the vectors are learnt."""
        return len(self.law.students)

    @property
    def drawn(self) -> tuple[sp.Symbol, ...]:
        """What differs from sample to sample."""
        return self.law.variables

    def overlap(self, p: int, q: int) -> sp.Expr:
        """``V_pq`` of a mode."""
        return self.products[min(p, q), max(p, q)]

    def weight(self, k: int, l: int) -> sp.Expr:
        """``V_kl`` of the weights of two predictions in a mode."""
        return self.weights[min(k, l), max(k, l)]

    def pair(self, state: sp.Symbol) -> tuple[int, int]:
        """The vectors whose product ``state`` is."""
        return next(pair for pair, name in self.products.items() if name == state)

    def mean(self, values: Sequence[sp.Expr]) -> sp.Expr:
        """``E value``, one value an outcome."""
        return self._average(self._weighted(values))

    def stein(self, values: Sequence[sp.Expr]) -> tuple[sp.Expr, ...]:
        """``E ∂ value/∂z_k`` for every prediction, as measures where the value jumps."""
        weighted, noise = self._weighted(values), self.statement.noise
        try:
            return tuple(stein_coefficient(weighted, z, noise, self.law) for z in self.predictions)
        except ValueError:  # jumps across curved boundaries: by moments, at a regular covariance
            moments = sp.Matrix([self._average(z * weighted) for z in self.predictions])
            return tuple(self.law.law.inv() * moments)

    def curvature(self, mean: sp.Expr, k: int, l: int) -> sp.Expr:
        """``E ∂_k ∂_l value`` from its mean."""
        return (2 if k == l else 1) * sp.diff(mean, self.law.law[k, l])

    def _weighted(self, values: Sequence[sp.Expr]) -> sp.Expr:
        total = sp.Add(*(o.probability * v for o, v in zip(self.outcomes, values, strict=True)))
        return total if len(self.outcomes) == 1 else sp.expand(total)

    def _average(self, expr: sp.Expr) -> sp.Expr:
        return mean_over_sample(expr, self.statement.noise, self.law)

    @cached_property
    def slopes(self) -> tuple[tuple[sp.Expr, ...], ...]:
        """The slopes of each learnt direction, one an outcome."""
        return tuple(tuple(o.slopes[p] for o in self.outcomes) for p in range(self.students))

    def increments(self, memory: Memory) -> tuple[sp.Expr, ...]:
        """``d · increment`` of a memory for each outcome, in :data:`SPREAD`, to leading order.

        A batch's is the mean of these over its samples, where the increment is affine in the squared gradient.
        """
        scaled = _scaled(d * memory.increment, self.statement.batch)
        if scaled.has(_STEP):
            scaled = sp.limit(scaled, _STEP, 0, "+")
        values = []
        for o in self.outcomes:
            square = (tau + SPREAD) * sp.Add(*(f**2 for f in o.gradients))
            values.append(scaled.subs({gradient_square: square, sample_loss: o.loss}).subs(self.known))
        return tuple(values)


def sample_of(system: MomentSystem) -> OneSample:
    """The sample of ``system``.

    Raises ``ValueError`` where a step is not linear in vectors and gradient, or draws noise of its own; and where
    ``E f'⁴`` is infinite: then increments have no variance.
    """
    s, _ = state(system.problem, system.rule)
    kicks, averages = _kicks(s), averages_of(s)
    rates = sample_rates(s, energy_of(s, averages)) if s.sampled else None
    outcomes = _outcomes(s, rates)
    _check_fourth_moments(s, outcomes)
    reduced = D2 in system.family.states
    changes = {
        **(dict.fromkeys(s.aims, sp.S.Zero) if reduced else {}),
        **({tau: tau + SPREAD} if rates is not None else {}),
    }
    seen = tuple(o.subs(changes) for o in outcomes)
    law = Sample((x,), (), sp.ImmutableMatrix([[error_square]])) if reduced else predictions_of(s)
    kinked = rates is not None and any(f.has(*KINKS) for o in seen for f in o.slopes)
    vectors = s.learnt if reduced else tuple(dict.fromkeys((*s.learnt, *s.targets, *s.coordinates, *s.coefficients)))
    one = {(0, 0): D2}
    products, along, weights = (one, one, one) if reduced else _products(s, system, vectors)
    still = (sp.S.Zero,) * len(s.students)
    pull, exact = _pull(s, vectors)
    return OneSample(
        s, law, vectors, products, along, tuple(kicks.get(v, still) for v in vectors), seen, pull, weights,
        known_of(s, averages), rates is not None, _unknown(s, kinked, exact),
    )  # fmt: skip


def _kicks(s: Statement) -> dict[sp.Symbol, tuple[sp.Expr, ...]]:
    """What multiplies ``F_r a`` in the change of each vector; refused where a step holds other noise."""
    own = f"fluctuations: the rule {s.owner}"
    if s.normals:
        raise ValueError(
            f"{own} draws noise of its own ({s.normals[0]}), which the covariance of one step does not hold yet; "
            "simulate an ensemble for its spread"
        )
    if s.cells or not rotation_invariant(s) or (kicks := one_step(s).kicks) is None:
        what = f"keeps a scalar for every coordinate, {s.cells[0].name}" if s.cells else "is not linear in the gradient"
        raise ValueError(
            f"{own} {what}; the covariance of one step is derived for steps that are linear in vectors and gradient, "
            "with factors equal for all coordinates; simulate an ensemble for its spread"
        )
    return kicks


def _pull(s: Statement, vectors: tuple[sp.Symbol, ...]) -> tuple[tuple[tuple[sp.Expr, ...], ...], bool]:
    """What multiplies each vector in the change of each, times d; and whether no change holds d in another way.

    Refused where a rate that differs from sample to sample multiplies a vector: the covariance lacks that term.
    """
    changes = {v: sp.expand((new - v) * d) for v, new in s.vectors}
    exact = not any(change.has(d) for change in changes.values())
    own = {v: change.subs(dict.fromkeys(s.gradients, 0)) for v, change in changes.items()}
    if s.sampled and (moved := [v.name for v, change in own.items() if change.has(g)]):
        raise ValueError(
            f"fluctuations: the rate of {s.owner} looks at the sample of the step and multiplies more than its "
            f"gradient in the step of {moved[0]}, which the covariance of one step does not hold yet; simulate an "
            "ensemble for its spread"
        )
    rows = [tuple(sp.diff(own.get(v, sp.S.Zero), w).subs(g, gamma) for w in vectors) for v in vectors]
    return tuple(rows), exact


def _outcomes(s: Statement, rates: tuple[sp.Expr, ...] | None) -> tuple[Outcome, ...]:
    found = []
    for k, o in enumerate(s.outcomes):
        loss = recognise(o.loss)
        slopes = tuple(sp.diff(loss, student) for student in s.students)
        moved = slopes
        if rates is not None:
            pieces = in_pieces(o.loss)
            moved = tuple(effective(rates[k], sp.diff(pieces, student)) for student in s.students)
        found.append(Outcome(recognise(o.probability), moved, slopes, loss))
    return tuple(found)


def _check_fourth_moments(s: Statement, outcomes: tuple[Outcome, ...]) -> None:
    order, heavy = min((c.order for c in s.noise), default=sp.oo), any(c.density != 1 for c in s.noise)
    try:
        if s.single:
            check_moments(s.outcomes, s.noise, tuple(o.slopes[0] for o in outcomes))
        elif heavy and any(f.has(eps) and growth(f**4) >= order for o in outcomes for f in o.slopes):
            raise ValueError("noise law: E f'^4 is infinite")
    except ValueError as error:
        raise ValueError(
            "fluctuations: the increments of a step have no variance, as E f'^4 is infinite for the loss "
            f"{s.outcomes[0].loss}; use a loss with a bounded slope such as huber, or noise with more moments"
        ) from error


def _products(
    s: Statement, system: MomentSystem, vectors: tuple[sp.Symbol, ...]
) -> tuple[dict[tuple[int, int], sp.Expr], ...]:
    """The names of a mode's products of two vectors; products of vectors and weights of predictions; of two weights."""
    moments, weights = Moments(s, system.field), (*s.effective, *s.targets)
    pairs = combinations_with_replacement(range(len(vectors)), 2)
    along = {
        (p, k): moments.of(sp.expand(v * weight)) for p, v in enumerate(vectors) for k, weight in enumerate(weights)
    }
    both = {
        (k, l): moments.of(sp.expand(v * w)) for k, v in enumerate(weights) for l, w in enumerate(weights) if k <= l
    }
    return {(p, q): moments.name[vectors[p] * vectors[q]] for p, q in pairs}, along, both


def _unknown(s: Statement, kinked: bool, exact: bool) -> str:
    """Why the bias is not derived: a rate of the sample with kinks or memories, a statement in d."""
    if s.sampled and not s.coordinates == s.learnt == s.effective:
        return f"the rate of {s.owner} depends on the sample and moves further vectors, for which B₁ is not derived"
    if s.sampled and s.memory:
        return f"the rate of {s.owner} depends on the sample of the step and on memories, for which B₁ is not derived"
    if kinked:
        return f"the rate of {s.owner} depends on the sample of the step with a kink, for which B₁ is not derived"
    stated = [d * m.increment for m in s.memory] + ([] if s.rate is None else [s.rate])
    if not exact or any(_scaled(e, s.batch).has(_STEP) for e in stated):
        return f"the statement of {s.owner} depends on d beyond the leading order, for which B₁ is not derived"
    return ""


def _scaled(expr: sp.Expr, batch: sp.Expr) -> sp.Expr:
    """``expr`` with ``d gradient_square/batch`` for the squared gradient, and 1/d as a symbol."""
    return sp.expand(expr.subs({gradient_square: gradient_square * d / batch}).subs(d, 1 / _STEP))


def sees_error_alone(s: Statement) -> bool:
    """Whether each sample depends on ``x - x_star`` only, not just its expectations.

    Compared at unrelated points, to thirty digits.
    """
    (student,), (aim,) = s.students, s.aims
    of_rule = [e for e in (s.rate, *(m.increment for m in s.memory)) if e is not None and e.has(student, aim)]
    for expr in (*(e for o in s.outcomes for e in (o.loss, o.probability)), *of_rule):
        for shift in (sp.Rational(5, 7), -sp.Rational(13, 11)):
            others = expr.free_symbols - {student, aim}
            at = {v: sp.Rational(7 + 2 * k, 9) for k, v in enumerate(sorted(others, key=str))}
            pair = [
                sp.N(expr.subs({**at, student: sp.Rational(2, 3) + a, aim: sp.Rational(-1, 4) + a}), 40)
                for a in (sp.S.Zero, shift)
            ]
            if abs(pair[0] - pair[1]) > sp.Float(10) ** -30 * (1 + abs(pair[0])):
                return False
    return True
