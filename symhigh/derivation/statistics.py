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
from symhigh.problem.noise import Component, Gaussian
from symhigh.problem.problem import Label
from symhigh.symbols import B11, B12, B22, eps, omega, x, x_star

SAMPLE = (x, x_star, eps)
COVARIANCE = sp.Matrix([[B11, B12, 0], [B12, B22, 0], [0, 0, omega**2]])
GAUSSIAN = Gaussian().components


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


@lru_cache(maxsize=128)
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
    return Statistics(
        mean_over_sample(sp.Add(*(p * f for p, f in laws)), noise),
        mean_over_sample(sp.Add(*(p * s**2 for (p, _), s in zip(laws, slopes, strict=True))), noise),
        *_mean_gradient(mean_slope, noise),
    )


def mean_over_sample(expr: sp.Expr, noise: tuple[Component, ...] = GAUSSIAN) -> sp.Expr:
    """``E expr`` over (x, x_star, ε), with (x, x_star) of covariance B."""
    if not expr.has(eps):
        return _mean(expr, sp.S.Zero)
    return sp.Add(*(c.probability * mixed(_mean(*_given(expr, c)), c) for c in noise))


def _mean_gradient(slope: sp.Expr, noise: tuple[Component, ...]) -> tuple[sp.Expr, sp.Expr]:
    """``(c1, c2) = (E ∂G/∂x, E ∂G/∂x_star)``."""
    if not slope.has(eps):
        return _gradient(slope, sp.S.Zero)
    means = [(c, _gradient(*_given(slope, c))) for c in noise]
    first, second = (sp.Add(*(c.probability * mixed(pair[k], c) for c, pair in means)) for k in (0, 1))
    return first, second


def _gradient(slope: sp.Expr, variance: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    used = [i for i, s in enumerate(SAMPLE) if slope.has(s)]
    rows = COVARIANCE.subs(omega**2, variance).extract(used, used).tolist()
    wanted = [s for s in (x, x_star) if slope.has(s)]
    found = dict(zip(wanted, mean_gradient(slope, [SAMPLE[i] for i in used], rows, wanted), strict=True))
    return found.get(x, sp.S.Zero), found.get(x_star, sp.S.Zero)


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


def check_loss(outcomes: tuple[Label, ...]) -> None:
    """Refuse a loss that jumps in x: its derivative, by which SGD moves, misses the jumps."""
    for outcome in outcomes:
        if jumps(recognise(outcome.loss), SAMPLE, (x,)):
            raise ValueError(
                f"loss {outcome.loss}: it jumps as x varies, so it has no first derivative and SGD does not descend "
                "it; use a continuous loss, such as its hinge or a smooth link"
            )


def _given(expr: sp.Expr, component: Component) -> tuple[sp.Expr, sp.Expr]:
    """``expr`` in terms of centred noise, and that noise's variance."""
    centred = component.centre if component.variance == 0 else component.centre + eps
    return expr.xreplace({eps: centred}) if centred != eps else expr, component.variance


def _mean(expr: sp.Expr, variance: sp.Expr) -> sp.Expr:
    used = [i for i, s in enumerate(SAMPLE) if expr.has(s)]
    if not used:
        return expr
    law = COVARIANCE.subs(omega**2, variance).extract(used, used)
    return expect(expr, law, tuple(SAMPLE[i] for i in used))
