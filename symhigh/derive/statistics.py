"""What the limit needs to know of a loss: h, I, c₁, c₂ as functions of the covariance B of (x, x_star).

Second pass of the derivation. Source: *The High Line* (arXiv 2405.19585), section 2, and Stein's lemma.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.derive.gaussian import expect
from symhigh.derive.gaussian.smooth import recognise
from symhigh.problem.problem import Label
from symhigh.symbols import B11, B12, B22, eps, omega, x, x_star

SAMPLE = (x, x_star, eps)
COVARIANCE = sp.Matrix([[B11, B12, 0], [B12, B22, 0], [0, 0, omega**2]])


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


@lru_cache(maxsize=64)
def statistics(outcomes: tuple[Label, ...]) -> Statistics:
    """Expectations of a loss given by its label's outcomes.

    A label drawn given x_star is averaged first, so Stein's lemma acts on ``G(x, x_star) = Σ_j p_j f_j'``.
    Where G is continuous, ``c1 = E ∂G/∂x`` and ``c2 = E ∂G/∂x_star``; where it jumps its derivative is no function,
    and ``(c1, c2) = B⁻¹ (E x G, E x_star G)``.
    """
    laws = tuple((recognise(o.probability), recognise(o.loss)) for o in outcomes)
    slopes = tuple((p, sp.diff(f, x)) for p, f in laws)
    mean_slope = sp.expand(sum((p * s for p, s in slopes), sp.S.Zero))
    risk = _mean(sum((p * f for p, f in laws), sp.S.Zero))
    noise = _mean(sum((p * s**2 for p, s in slopes), sp.S.Zero))
    if _jumps(mean_slope):
        first, second, determinant = _mean(x * mean_slope), _mean(x_star * mean_slope), B11 * B22 - B12**2
        return Statistics(
            risk,
            noise,
            (B22 * first - B12 * second) / determinant,
            (B11 * second - B12 * first) / determinant,
        )
    return Statistics(risk, noise, _mean(sp.diff(mean_slope, x)), _mean(sp.diff(mean_slope, x_star)))


def mean_over_sample(expr: sp.Expr) -> sp.Expr:
    """``E expr`` over (x, x_star, ε) at covariance B and noise ω."""
    return _mean(expr)


def _mean(expr: sp.Expr) -> sp.Expr:
    used = [i for i, s in enumerate(SAMPLE) if expr.has(s)]
    if not used:
        return expr
    return expect(expr, COVARIANCE.extract(used, used), tuple(SAMPLE[i] for i in used))


def _jumps(slope: sp.Expr) -> bool:
    """Whether ``slope`` is discontinuous across a linear boundary of one of its pieces."""
    if slope.has(sp.sign, sp.Heaviside):
        return True
    for piecewise in slope.atoms(sp.Piecewise):
        for boundary in piecewise.atoms(sp.core.relational.Relational):
            if _jumps_at(piecewise, boundary.lhs - boundary.rhs):
                return True
    return False


def _jumps_at(piecewise: sp.Expr, boundary: sp.Expr) -> bool:
    """Compare the two sides of a boundary at two unrelated points on it."""
    variable = next((s for s in SAMPLE if boundary.has(s)), None)
    if variable is None:
        return False
    crossing = sp.solve(boundary, variable)
    others = sorted((piecewise.free_symbols | boundary.free_symbols) - {variable}, key=str)
    for seed in (sp.Rational(3, 7), sp.Rational(8, 5)):
        point = {s: seed + sp.Rational(i, 11) for i, s in enumerate(others)}
        for root in crossing:
            place, step = root.subs(point), sp.Rational(1, 10**12)
            left, right = (piecewise.subs(point).subs(variable, place + side) for side in (-step, step))
            if abs(sp.N(right - left, 20)) > 1e-9:
                return True
    return False
