"""The best constant learning rate of noiseless least squares, for every spectrum.

A finder of closed forms for a spectrum alone. At a constant rate γ the risk decays like ``e^{-ρt}`` with ρ the root of
``γ² ∫ λ²/(2γλ - ρ) dμ = 1`` (High Line, section 3). With ``x = ρ/γ`` that is ``γ = 1/∫ λ²/(2λ - x) dμ``, so
``ρ(x) = x/∫ λ²/(2λ - x) dμ``, which is stationary where ``∫ λ²(λ - x)/(2λ - x)² dμ = 0``: the left side is positive at
x = 0 and falls, and its root in (0, 2 λ_min) is the best. Where it stays positive up to 2 λ_min, as for densities that
vanish at their lower edge, the best decay sticks to the edge.
"""

from __future__ import annotations

from typing import NamedTuple

from symhigh.checks import instance
from symhigh.population import Spectrum
from symhigh.telling import telling


class BestRate(NamedTuple):
    """The constant rate at which noiseless least squares decays fastest, and that exponent, per unit of time."""

    rate: float
    decay: float


@telling
def best_rate(spectrum: Spectrum) -> BestRate:
    """The best constant learning rate γ* of noiseless least squares on ``spectrum``, and its exponent ρ*.

    The risk then decays like ``e^{-ρ* t}``, t = steps/d; no other constant rate decays faster. Eigenvalues must be
    positive: a mode at zero is never learnt, and a spectrum that reaches zero decays slower than any exponential.

    Raises ``ValueError`` for a symbolic spectrum, and for one that reaches zero. Source: symhigh's own, from High Line,
    section 3.
    """
    from scipy.optimize import brentq

    instance("best_rate", "spectrum", spectrum, Spectrum, "a Spectrum, such as Spectrum.isotropic()")
    values, weights = spectrum.numeric("best_rate")
    least = float(values.min()) if spectrum.quantile is None else float(spectrum.lambda_min)
    if not least > 1e-14 * float(values.max()):
        raise ValueError(
            f"best_rate(spectrum={spectrum.name}): the smallest eigenvalue is {least:g}; it must be > 0, since modes "
            "at zero are never learnt. Leave them out, or ask limits() for the power law of the decay"
        )

    def slope(share: float) -> float:
        x = 2 * least * share
        return float(weights @ (values**2 * (values - x) / (2 * values - x) ** 2)) / float(weights @ values)

    top = 1 - 1e-15
    # an atom at the edge makes the slope -∞ there; a density that vanishes at the edge can leave it positive
    share = float(brentq(slope, 0.0, top, xtol=1e-16, rtol=8.9e-16)) if slope(top) < 0 else 1.0
    x = 2 * least * share
    gap = 2 * values - x
    if (gap <= 0).any():
        raise ArithmeticError(f"best_rate(spectrum={spectrum.name}): the best exponent is at the edge of a point mass")
    rate = 1 / float(weights @ (values**2 / gap))
    return BestRate(rate, rate * x)
