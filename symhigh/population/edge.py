"""How the mass of a continuous spectrum falls towards λ = 0: what a start may weight it with and stay finite.

Serves :mod:`symhigh.population.start`. Where the mass below λ is ``~ C λ^a``, ``∫ λ^{-p} dμ`` is finite for p < a only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from symhigh.population.spectrum import Spectrum

CLOSE = 1e-6
"""Exponents that agree to this are taken as equal."""
_NEAR = 1e-13, 1e-10
"""Parts of the largest eigenvalue between which the exponent is read."""


def edge_power(spectrum: Spectrum) -> float:
    """The exponent a of a mass ``C λ^a`` below λ; infinite where the spectrum has no mass near 0, or is discrete."""
    if spectrum.quantile is None:
        return np.inf
    top = float(spectrum.quantile(np.ones(1))[0])
    low, high = (_mass_below(spectrum, part * top) for part in _NEAR)
    return np.log(high / low) / np.log(_NEAR[1] / _NEAR[0]) if 0 < low < high else np.inf


def _mass_below(spectrum: Spectrum, size: float) -> float:
    """The level at which the quantile function passes ``size`` > 0, by bisection of its logarithm; 0 below all."""
    assert spectrum.quantile is not None
    low, high = -690.0, 0.0
    if spectrum.quantile(np.exp([low]))[0] >= size:
        return 0.0
    while high - low > 1e-13 * -low:
        middle = (low + high) / 2
        low, high = (low, middle) if spectrum.quantile(np.exp([middle]))[0] >= size else (middle, high)
    return float(np.exp(high))
