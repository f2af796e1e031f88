"""What the limit needs to know of a loss: h, I, c₁, c₂ as functions of the covariance B of (x, x_star).

Second pass of the derivation. Source: *The High Line* (arXiv 2405.19585), section 2, and Stein's lemma; the average
over the label noise is :mod:`symhigh.derivation.mixture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.derivation.gaussian import expect
from symhigh.derivation.gaussian.kinks import KINKS, split
from symhigh.derivation.gaussian.smooth import recognise
from symhigh.derivation.growth import check_moments
from symhigh.derivation.mixture import mixed
from symhigh.derivation.residual import mean_over_residual, of_residual, slope_over_residual
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
    is that of ``(c1, c2) = B⁻¹ (E x G, E x_star G)``, but exact for singular B too. With ``factors``, one per
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
    if factors is not None and (form := of_residual(mean_slope)) is not None:
        c1 = slope_over_residual(form, noise)
        return Statistics(risk, sampled_mean(square, noise), c1, -c1)
    return Statistics(
        risk,
        mean_over_sample(square, noise),
        *(_by_moments(mean_slope, noise) if factors is not None else _by_derivatives(mean_slope, noise)),
    )


def _by_derivatives(slope: sp.Expr, noise: tuple[Component, ...]) -> tuple[sp.Expr, sp.Expr]:
    """``(c1, c2) = (E ∂G/∂x, E ∂G/∂x_star)``."""
    return mean_over_sample(_derivative(slope, x), noise), mean_over_sample(_derivative(slope, x_star), noise)


def _by_moments(slope: sp.Expr, noise: tuple[Component, ...]) -> tuple[sp.Expr, sp.Expr]:
    """``(c1, c2) = B⁻¹ (E x G, E x_star G)``, at regular B, for slopes with curved kinks; by derivatives for others."""
    parts = split(slope, SAMPLE)
    if not any(_kinked(g) for g in parts.values()):
        return _by_derivatives(slope, noise)
    first, second = mean_over_sample(x * slope, noise), mean_over_sample(x_star * slope, noise)
    determinant = B11 * B22 - B12**2
    return (B22 * first - B12 * second) / determinant, (B11 * second - B12 * first) / determinant


def sampled_mean(expr: sp.Expr, noise: tuple[Component, ...]) -> sp.Expr:
    """:func:`mean_over_sample` under a rate that depends on the sample: over the residual where that is all it sees."""
    form = of_residual(expr)
    return mean_over_sample(expr, noise) if form is None else mean_over_residual(form, noise)


def mean_over_sample(expr: sp.Expr, noise: tuple[Component, ...] = GAUSSIAN) -> sp.Expr:
    """``E expr`` over (x, x_star, ε), with (x, x_star) of covariance B."""
    if not expr.has(eps):
        return _mean(expr, sp.S.Zero)
    return sp.Add(*(c.probability * mixed(_mean(*_given(expr, c)), c) for c in noise))


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
        if _jumps(recognise(outcome.loss), x):
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


def _derivative(slope: sp.Expr, variable: sp.Symbol) -> sp.Expr:
    """``∂ slope/∂ variable`` as a measure: with Dirac's δ where the slope jumps."""
    if not slope.has(*KINKS) or not _jumps(slope, *SAMPLE):
        return sp.diff(slope, variable)
    parts = split(slope, SAMPLE)
    if any(_kinked(g) for g in parts.values()):
        raise ValueError(
            f"slope {slope}: it jumps across a curved boundary, for which no derivative in law is implemented; only "
            "boundaries linear in x, x_star and eps are"
        )
    return sp.Add(
        *(sp.diff(g * sp.prod([sp.sign(u) for u in signs]), variable) for signs, g in parts.items())
    )


def _kinked(expr: sp.Expr) -> bool:
    """Whether ``expr`` has a kink as the sample varies."""
    return any(kink.has(*SAMPLE) for kink in expr.atoms(*KINKS))


def _jumps(expr: sp.Expr, *variables: sp.Symbol) -> bool:
    """Whether ``expr`` is discontinuous, as ``variables`` vary, across a boundary of one of its pieces."""
    boundaries: set[sp.Expr] = set()
    for kink in expr.atoms(sp.sign, sp.Heaviside):
        boundaries.add(kink.args[0])
    for piecewise in expr.atoms(sp.Piecewise):
        boundaries |= {r.lhs - r.rhs for r in piecewise.atoms(sp.core.relational.Relational)}
    return any(_jumps_at(expr, b, variables) for b in boundaries)


def _jumps_at(expr: sp.Expr, boundary: sp.Expr, variables: tuple[sp.Symbol, ...]) -> bool:
    """Compare the two sides of a boundary at two unrelated points on it."""
    variable = next((s for s in variables if boundary.has(s)), None)
    if variable is None:
        return False
    crossing = sp.solve(boundary, variable)
    others = sorted((expr.free_symbols | boundary.free_symbols) - {variable}, key=str)
    for seed in (sp.Rational(3, 7), sp.Rational(8, 5)):
        point = {s: seed + sp.Rational(i, 11) for i, s in enumerate(others)}
        for root in crossing:
            place, step = root.subs(point), sp.Rational(1, 10**12)
            left, right = (expr.subs(point).subs(variable, place + side) for side in (-step, step))
            if abs(sp.N(right - left, 20)) > 1e-9:
                return True
    return False
