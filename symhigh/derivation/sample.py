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
from symhigh.derivation.kicks import Kicks, Wave, kicks_of, signs_squared
from symhigh.derivation.mean_field import averages_of, energy_of, known_of, rotation_invariant
from symhigh.derivation.memories import sample_rates
from symhigh.derivation.state import Statement, state
from symhigh.derivation.statistics import (
    Sample,
    effective,
    in_pieces,
    mean_over_sample,
    sampled_mean,
    sampled_steins,
    stein_coefficients,
)
from symhigh.rule import Memory
from symhigh.symbols import (
    D2,
    OwnedSymbol,
    d,
    eps,
    error_square,
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
    ``Σ_r factors[p][r]`` times the r-th of ``kicks`` to W_p, of linear steps ``Σ_r factors[p][r] F_r a``, F the slopes.
    ``waves`` are what of a state of a mode moves with the sample alone. Where the rate is ``rated`` by the sample,
    slopes hold it, with :data:`SPREAD`; ``rates`` are its values. Besides, a step moves W_p by
    ``1/d Σ_a pull[p][a] W_a``, such as weight decay and momentum do.
    ``weights[k, l]`` is the average of the weights of two predictions. ``known`` is what an idealised rule knows of the
    system. ``unknown`` says why the bias is not derived, where it is not.
    """

    statement: Statement
    law: Sample
    vectors: tuple[sp.Symbol, ...]
    products: Mapping[tuple[int, int], sp.Expr]
    along: Mapping[tuple[int, int], sp.Expr]
    kicks: Kicks
    factors: tuple[tuple[sp.Expr, ...], ...]
    waves: Mapping[sp.Symbol, Wave]
    outcomes: tuple[Outcome, ...]
    pull: tuple[tuple[sp.Expr, ...], ...]
    weights: Mapping[tuple[int, int], sp.Expr]
    known: Mapping[sp.Symbol, sp.Expr]
    rates: tuple[sp.Expr, ...] | None = None
    unknown: str = ""

    @property
    def rated(self) -> bool:
        """Whether the rate looks at the sample."""
        return self.rates is not None

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

    def pair(self, state: sp.Symbol) -> tuple[int, int] | None:
        """The vectors whose product ``state`` is; None for a cell."""
        return next((pair for pair, name in self.products.items() if name == state), None)

    def of(self, slope: sp.Expr) -> tuple[sp.Expr, ...]:
        """The values of a function of the formal slopes, one an outcome, to leading order."""
        step, found = self.kicks.step, []
        for k, o in enumerate(self.outcomes):
            put = dict(zip(step.slopes, o.slopes, strict=True))
            put[step.rate] = sp.S.One if self.rates is None else self.rates[k]
            found.append(recognise(signs_squared(slope).xreplace(put).subs(SPREAD, 0)))
        return tuple(found)

    def mean(self, values: Sequence[sp.Expr]) -> sp.Expr:
        """``E value``, one value an outcome."""
        return self._average(self._weighted(values))

    def stein(self, values: Sequence[sp.Expr]) -> tuple[sp.Expr, ...]:
        """``E ∂ value/∂z_k`` for every prediction, as measures where the value jumps."""
        weighted, noise = self._weighted(values), self.statement.noise
        try:
            return (sampled_steins if self.rated else stein_coefficients)(weighted, noise, self.law)
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
        mean = sampled_mean if self.rated else mean_over_sample
        return mean(expr, self.statement.noise, self.law)

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

    Raises ``ValueError`` where the size of a random step depends on a coordinate's vectors; and where ``E f'⁴`` is
    infinite: then increments have no variance.
    """
    s, _ = state(system.problem, system.rule)
    kicks, averages = kicks_of(s), averages_of(s)
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
    still = (sp.S.Zero,) * len(kicks.parts)
    return OneSample(
        s, law, vectors, products, along, kicks, tuple(kicks.factors.get(v, still) for v in vectors),
        {D2: kicks.error(*vectors)} if reduced else _waves(kicks, system), seen, kicks.pull(vectors), weights,
        known_of(s, averages), None if rates is None else tuple(r.subs(changes) for r in rates),
        _unknown(kicks, kinked),
    )  # fmt: skip


def _waves(kicks: Kicks, system: MomentSystem) -> dict[sp.Symbol, Wave]:
    """The waves of every state of a mode, products of vectors and cells."""
    moments, found = Moments(kicks.statement, system.field), {}
    for product, name in moments.name.items():
        v, w = sp.Mul.make_args(product) if product.is_Mul else (product.base, product.base)
        found[name] = {slope: moments.of(sp.expand(e)) for slope, e in kicks.product(v, w).items()}
    return found | {m.name: kicks.cell(m.name) for m in kicks.statement.cells}


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


def _unknown(kicks: Kicks, kinked: bool) -> str:
    """Why the bias is not derived: steps that are not linear, a rate of the sample with kinks or memories, a d."""
    s = kicks.statement
    if not rotation_invariant(s) and (beside := _beside(s)):
        what = "keeps a scalar for every coordinate" if s.cells else "is not linear in the gradient"
        return f"{s.owner} {what} and {beside}, for which B₁ is not derived"
    if s.sampled and (kicks.rated or not s.coordinates == s.learnt == s.effective):
        return f"the rate of {s.owner} depends on the sample and moves further vectors, for which B₁ is not derived"
    if s.sampled and s.memory:
        return f"the rate of {s.owner} depends on the sample of the step and on memories, for which B₁ is not derived"
    if kinked:
        return f"the rate of {s.owner} depends on the sample of the step with a kink, for which B₁ is not derived"
    stated = [d * m.increment for m in s.memory] + ([] if s.rate is None else [s.rate])
    if not kicks.exact or any(_scaled(e, s.batch).has(_STEP) for e in stated):
        return f"the statement of {s.owner} depends on d beyond the leading order, for which B₁ is not derived"
    return ""


def _beside(s: Statement) -> str:
    """What a step that moves every coordinate by itself has beside, if anything."""
    if s.sampled:
        return "its rate depends on the sample of the step"
    if s.memory:
        return f"has a memory, {s.memory[0].name}"
    return "" if s.batch == 1 else "averages several samples a step"


def _scaled(expr: sp.Expr, batch: sp.Expr) -> sp.Expr:
    """``expr`` with ``d gradient_square/batch`` for the squared gradient, and 1/d as a symbol."""
    return sp.expand(expr.subs({gradient_square: gradient_square * d / batch}).subs(d, 1 / _STEP))
