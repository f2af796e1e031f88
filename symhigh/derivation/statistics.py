"""What the limit needs to know of a loss: h, I, c₁, c₂ as functions of the covariance B of (x, x_star).

Second pass of the derivation. Source: *The High Line* (arXiv 2405.19585), section 2, and Stein's lemma; the average
over the label noise is :mod:`symhigh.derivation.mixture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.derivation.gaussian import expect, jumps, mean_gradient, recognise
from symhigh.derivation.growth import check_moments
from symhigh.derivation.mixture import mixed
from symhigh.derivation.residual import mean_over_residual, of_residual, slope_over_residual
from symhigh.problem.noise import Component, Gaussian
from symhigh.problem.problem import Label
from symhigh.symbols import B11, B12, B22, eps, x, x_star

GAUSSIAN = Gaussian().components


_LAW = sp.ImmutableMatrix([[B11, B12], [B12, B22]])


@dataclass(frozen=True)
class Sample:
    """The predictions of all directions, students first, and their covariance B."""

    students: tuple[sp.Symbol, ...] = (x,)
    targets: tuple[sp.Symbol, ...] = (x_star,)
    law: sp.ImmutableMatrix = _LAW

    @property
    def directions(self) -> tuple[sp.Symbol, ...]:
        return (*self.students, *self.targets)

    @property
    def variables(self) -> tuple[sp.Symbol, ...]:
        return (*self.directions, eps)

    def covariance(self, variance: sp.Expr) -> sp.Matrix:
        """The covariance of ``variables`` where the noise has this variance."""
        return sp.diag(self.law, variance)


ONE_DIRECTION = Sample()


@dataclass(frozen=True)
class Statistics:
    """Expectations over one sample, with ``(x, x_star) ~ N(0, B)``, noise ε and the label.

    ``risk`` is ``h = E f``; ``gradient_noise`` is ``I = E f'²``; ``c1, c2`` are the two Stein coefficients,
    ``E[f' a] = K (c1 X + c2 X*)``.
    """

    risk: sp.Expr
    gradient_noise: sp.Expr
    c1: sp.Expr
    c2: sp.Expr


@lru_cache(maxsize=512)
def statistics(
    outcomes: tuple[Label, ...],
    noise: tuple[Component, ...] = GAUSSIAN,
    factors: tuple[sp.Expr, ...] | None = None,
) -> Statistics:
    """Expectations of a loss given by its label's outcomes, under label noise of the given law.

    A label drawn given x_star is averaged first, so Stein's lemma acts on ``G(x, x_star, ε) = Σ_j p_j f_j'``:
    ``c1 = E ∂G/∂x`` and ``c2 = E ∂G/∂x_star``. Where G jumps, its derivative has a Dirac measure there; the result
    is that of ``(c1, c2) = B⁻¹ (E x G, E x_star G)``, but exact for singular B too wherever a jump is linear or
    quadratic in x and in x_star. With ``factors``, one per
    outcome, ``f_j'`` is replaced by the effective slope ``factor_j f_j'`` of a rate that looks at the sample.

    Raises ``ValueError`` for a loss without a derivative, and where the law of the noise has too few moments.
    """
    check_loss(outcomes)
    check_moments(outcomes, noise, factors)
    laws = tuple((recognise(o.probability), recognise(o.loss)) for o in outcomes)
    slopes = tuple(sp.diff(f, x) for _, f in laws)
    if factors is not None:
        slopes = tuple(
            effective(g, sp.diff(in_pieces(o.loss), x)) for g, o in zip(factors, outcomes, strict=True)
        )
    weighted = [p * s for (p, _), s in zip(laws, slopes, strict=True)]
    mean_slope = weighted[0] if len(weighted) == 1 else sp.expand(sp.Add(*weighted))
    risk = mean_over_sample(sp.Add(*(p * f for p, f in laws)), noise)
    square = sp.Add(*(p * s**2 for (p, _), s in zip(laws, slopes, strict=True)))
    if factors is not None and (found := of_residual(mean_slope)) is not None:
        slope = slope_over_residual(found, noise)
        return Statistics(risk, sampled_mean(square, noise), slope, -slope)
    return Statistics(
        risk,
        mean_over_sample(square, noise),
        *stein_coefficients(mean_slope, noise),
    )


def sampled_mean(
    expr: sp.Expr, noise: tuple[Component, ...] = GAUSSIAN, sample: Sample = ONE_DIRECTION
) -> sp.Expr:
    """:func:`mean_over_sample` under a rate that depends on the sample: over the residual where that is all it sees."""
    found = of_residual(expr, sample.directions, sample.law)
    return mean_over_sample(expr, noise, sample) if found is None else mean_over_residual(found, noise)


def sampled_steins(slope: sp.Expr, noise: tuple[Component, ...], sample: Sample) -> tuple[sp.Expr, ...]:
    """:func:`stein_coefficients` of an effective slope, over the residual if it can."""
    found = of_residual(slope, sample.directions, sample.law)
    if found is None:
        return stein_coefficients(slope, noise, sample)
    along = slope_over_residual(found, noise)
    return tuple(weight * along for weight in found.weights)


def mean_over_sample(
    expr: sp.Expr, noise: tuple[Component, ...] = GAUSSIAN, sample: Sample = ONE_DIRECTION
) -> sp.Expr:
    """``E expr`` over the predictions, of covariance B, and ε."""
    if _splits(expr, sample) and isinstance(expanded := sp.expand(expr), sp.Add):
        return sp.Add(*(mean_over_sample(term, noise, sample) for term in expanded.args))
    if not expr.has(eps):
        return _mean(expr, sp.S.Zero, sample)
    return sp.Add(*(c.probability * mixed(_mean(*_given(expr, c), sample), c) for c in noise))


def stein_coefficient(
    slope: sp.Expr, variable: sp.Symbol, noise: tuple[Component, ...] = GAUSSIAN, sample: Sample = ONE_DIRECTION
) -> sp.Expr:
    """``E ∂G/∂variable``, with Dirac's measure where the slope G jumps."""
    return stein_coefficients(slope, noise, sample)[sample.directions.index(variable)]


@lru_cache(maxsize=1024)
def stein_coefficients(
    slope: sp.Expr, noise: tuple[Component, ...] = GAUSSIAN, sample: Sample = ONE_DIRECTION
) -> tuple[sp.Expr, ...]:
    """``E ∂G/∂z`` for every prediction z, with Dirac's measure where the slope G jumps."""
    if _splits(slope, sample) and isinstance(expanded := sp.expand(slope), sp.Add):
        parts = [stein_coefficients(term, noise, sample) for term in expanded.args]
        return tuple(sp.Add(*column) for column in zip(*parts, strict=True))
    if not slope.has(eps):
        return _gradient(slope, sp.S.Zero, sample)
    means = [(c, _gradient(*_given(slope, c), sample)) for c in noise]
    return tuple(
        sp.Add(*(c.probability * mixed(gradient[k], c) for c, gradient in means)) for k in range(len(sample.directions))
    )


def _splits(expr: sp.Expr, sample: Sample) -> bool:
    """Whether terms are averaged one by one: of several directions, and nowhere divided by what may be zero."""
    if len(sample.directions) <= 2:
        return False
    powers = (p for p in expr.atoms(sp.Pow) if p.exp.is_negative and p.base.has(*sample.variables))
    return all(p.base.is_positive for p in powers)


@lru_cache(maxsize=1024)
def _gradient(slope: sp.Expr, variance: sp.Expr, sample: Sample) -> tuple[sp.Expr, ...]:
    used = [i for i, s in enumerate(sample.variables) if slope.has(s)]
    wanted = [s for s in sample.directions if slope.has(s)]
    rows = tuple(map(tuple, sample.covariance(variance).extract(used, used).tolist()))
    found = mean_gradient(slope, [sample.variables[i] for i in used], rows, wanted) if wanted else ()
    values = dict(zip(wanted, found, strict=True))
    return tuple(values.get(s, sp.S.Zero) for s in sample.directions)


def in_pieces(loss: sp.Expr) -> sp.Expr:
    """``loss`` as one ``Piecewise`` where it is an expression of several: quotients are taken piece by piece."""
    return sp.piecewise_fold(recognise(loss))


def effective(factor: sp.Expr, slope: sp.Expr) -> sp.Expr:
    """``factor · slope``, piece by piece where both have the loss's pieces."""
    if isinstance(factor, sp.Piecewise) and isinstance(slope, sp.Piecewise):
        pairs = list(zip(factor.args, slope.args, strict=False))
        if len(factor.args) == len(slope.args) and all(g.cond == s.cond for g, s in pairs):
            return sp.Piecewise(*((g.expr * s.expr, s.cond) for g, s in pairs))
    return factor * slope


def check_loss(outcomes: tuple[Label, ...], sample: Sample = ONE_DIRECTION) -> None:
    """Refuse a loss that jumps in a prediction: its derivative, by which SGD moves, misses the jumps."""
    for outcome in outcomes:
        if jumps(recognise(outcome.loss), sample.variables, sample.students):
            raise ValueError(
                f"loss {outcome.loss}: it jumps as x varies, so it has no first derivative and SGD does not descend "
                "it; use a continuous loss, such as its hinge or a smooth link"
            )


def check_scalars(outcomes: tuple[Label, ...], sample: Sample, learnt: tuple[sp.Symbol, ...]) -> None:
    """Refuse a loss that jumps in a scalar that learns, likewise."""
    for outcome in outcomes if learnt else ():
        if jumps(recognise(outcome.loss), (*sample.variables, *learnt), learnt):
            raise ValueError(
                f"loss {outcome.loss}: it jumps as a scalar that learns varies ({', '.join(map(str, learnt))}), so it "
                "has no first derivative there; use a continuous loss"
            )


def _given(expr: sp.Expr, component: Component) -> tuple[sp.Expr, sp.Expr]:
    """``expr`` in terms of centred noise, and that noise's variance."""
    centred = component.centre if component.variance == 0 else component.centre + eps
    return expr.xreplace({eps: centred}) if centred != eps else expr, component.variance


@lru_cache(maxsize=1024)
def _mean(expr: sp.Expr, variance: sp.Expr, sample: Sample) -> sp.Expr:
    """The mean of one term; kept, since every rule asks for those of a loss, and every loss on several directions
    for those of its units.
    """
    used = [i for i, s in enumerate(sample.variables) if expr.has(s)]
    if not used:
        return expr
    law = sample.covariance(variance).extract(used, used)
    return expect(expr, law, tuple(sample.variables[i] for i in used))
