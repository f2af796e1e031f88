"""The best constant momentum of noiseless least squares, for every spectrum.

A finder of closed forms for a spectrum alone, beside :mod:`symhigh.closed.best_rate`. For momentum with a direct step,
rates γ₃ and γ₂ and friction δ, the secular equation of the risk's exponent ρ is ``∫ φ dμ = 1``, φ the square integral
of the impulse response of one mode shifted by r = ρ/2. In ``G = γ₂/r``, ``k = δ/r - 1``, ``C = (γ₃ + γ₂(δ - r))/r²``
it reads ``r Ψ = 1`` with

    Ψ(G, C, k) = ∫ λ² [G² + C²/(λC - k)] / (2(k - 1 + λG)) dμ      where λC > k, k - 1 + λG > 0,

so the best exponent is 2/min Ψ, a minimum over three numbers without a root in it. Source: symhigh's own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from symhigh.checks import instance
from symhigh.closed.best_rate import best_rate
from symhigh.population import Spectrum
from symhigh.population.measure import Array
from symhigh.telling import telling

_FURTHEST = 25.0
"""Logarithms of the two distances from the edge of stability are kept below this."""


class BestMomentum(NamedTuple):
    """Rates and friction of ``Momentum(gamma, friction, direct)`` of the fastest decay, and that exponent."""

    gamma: float
    friction: float
    direct: float
    decay: float


@telling
def best_momentum(spectrum: Spectrum) -> BestMomentum:
    """The constants of ``Momentum(gamma, friction, direct)`` at which noiseless least squares decays fastest.

    The risk then decays like ``e^{-decay t}``, t = steps/d. No momentum decays faster than ``e^{-t}``. With one
    eigenvalue λ the best is SGD at the rate 1/λ: ``gamma`` is 0, and any friction serves. With more, momentum with a
    direct step is always faster than :func:`best_rate`; the heavy ball, direct = 0, never is.

    Raises ``ValueError`` for a symbolic spectrum, and for one that reaches zero. The minimum is found from many starts;
    that it is the only one is not proved. Source: symhigh's own, ``derivations/algorithms/best_momentum.py``.
    """
    owner = "best_momentum"
    instance(owner, "spectrum", spectrum, Spectrum, "a Spectrum, such as Spectrum.isotropic()")
    values, weights = spectrum.numeric(owner)
    if not values.min() > 1e-14 * values.max():
        raise ValueError(
            f"{owner}(spectrum={spectrum.name}): the smallest eigenvalue is {values.min():g}; it must be > 0, since "
            "modes at zero are never learnt. Leave them out, or ask limits() for the power law of the decay"
        )
    if values.size == 1:
        return BestMomentum(0.0, 1.0, 1 / float(values[0]), 1.0)
    scale = float(values.max())
    G, C, k = _least(values / scale, weights, best_rate(spectrum).rate * scale)
    r = 1 / inverse(values / scale, weights, G, C, k)
    return BestMomentum(r**2 * (C - G * k) / scale, r * (k + 1), r * G / scale, 2 * r)


def inverse(values: Array, weights: Array, G: float, C: float, k: float) -> float:
    """Ψ, twice the inverse of the exponent."""
    return float(weights @ (values**2 * (G**2 + C**2 / (values * C - k)) / (2 * (k - 1 + values * G))))


def _least(values: Array, weights: Array, rate: float) -> tuple[float, float, float]:
    """G, C and k of the least Ψ: from many starts, then to rest by Newton's method."""
    from scipy.optimize import minimize, root

    low = float(values.min())

    def unfolded(z: Array) -> tuple[float, float, float]:
        k = 1 - low * z[0] + np.exp(z[1])
        return float(z[0]), float((k + np.exp(z[2])) / low), float(k)

    def value(z: Array) -> float:
        return float(np.log(inverse(values, weights, *unfolded(z))))

    gradient = _gradient(values, weights, low, unfolded)
    bounds = [(0, None), (-_FURTHEST, _FURTHEST), (-_FURTHEST, _FURTHEST)]
    places = product((0.7 * rate, 2 * rate), (-1.0, 0.5), (-1.0, 2.0))
    found = [
        minimize(value, np.array(z), jac=gradient, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15})
        for z in places
    ]
    best = min((f for f in found if np.isfinite(f.fun)), key=lambda f: f.fun)
    if np.abs(best.x[1:]).max() < _FURTHEST - 1:  # inside: the gradient vanishes
        rest = root(gradient, best.x, tol=1e-15)
        if np.isfinite(rest.x).all() and value(rest.x) <= best.fun + 1e-12:
            return unfolded(rest.x)
    return unfolded(best.x)


def _gradient(
    values: Array, weights: Array, low: float, unfolded: Callable[[Array], tuple[float, float, float]]
) -> Callable[[Array], Array]:
    """The gradient of log Ψ in the unbounded coordinates."""

    def gradient(z: Array) -> Array:
        G, C, k = unfolded(z)
        above, below = values * C - k, k - 1 + values * G
        top = values**2 * (G**2 + C**2 / above) / 2
        total = weights @ (top / below)
        by_G = weights @ (values**2 * G / below - values * top / below**2)
        by_C = weights @ (values**2 * (2 * C * above - values * C**2) / (2 * above**2 * below))
        by_k = weights @ (values**2 * C**2 / (2 * above**2 * below) - top / below**2)
        first, second = np.exp(z[1]), np.exp(z[2])
        through = by_k + by_C / low
        return np.array([by_G - low * through, first * through, second * by_C / low]) / total

    return gradient
