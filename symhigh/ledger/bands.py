"""Extrapolation of a finite-d bias, and a simultaneous band for what is left.

Stands below the comparison; works on arrays. With ``e_d(t)`` the mean over runs at dimension d minus the
prediction, theory says ``E e_d = β(t)/d + O(1/d²)``. Three dimensions d₁ > d₂ > d₃ give

    L  = extrapolation of (e_{d₁}, e_{d₂}) to 1/d = 0, free of the term in 1/d;
    L' = the same of (e_{d₂}, e_{d₃});
    Q  = extrapolation of all three, free of the terms in 1/d and 1/d².

For d, d/2, d/4: L = 2 e_d - e_{d/2} and L - Q = (L - L')/3, which estimates what 1/d² leaves in L. Since
``|L| <= |Q| + |L - Q|`` whatever the noise, the band

    |L(t)| <= q · SE(Q)(t) + |L - Q|(t) + tolerance

fails at most as often as ``|Q| <= q · SE(Q)``, for which q is Student's quantile with Welch's degrees of
freedom and Bonferroni's factor over all times and outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.population.spectrum import Array


@dataclass(frozen=True, eq=False)
class Deviation:
    """What one output shows, arrays of shape (T,): ``error`` L, its ``band``, and the parts of the band."""

    error: Array
    band: Array
    standard_error: Array
    remainder: Array
    raw: Array
    """Mean over the runs at the largest d minus the prediction, bias included."""

    @property
    def ratio(self) -> Array:
        """``|error|/band``; above one where the output disagrees. 0 where both vanish."""
        size = np.abs(self.error)
        return np.divide(size, self.band, out=np.where(size > 0, np.inf, 0.0), where=self.band > 0)


def extrapolation_weights(dims: Sequence[int]) -> Array:
    """Weights that extrapolate values at 1/d to 1/d = 0 by the polynomial through them (Lagrange)."""
    h = 1 / np.asarray(dims, dtype=float)
    return np.array([np.prod([b / (b - a) for j, b in enumerate(h) if j != i]) for i, a in enumerate(h)])


def deviation(
    errors: Sequence[Array], dims: Sequence[int], tolerance: Array | float, alarm: float
) -> Deviation:
    """The deviation of one output and its band.

    ``errors`` holds three arrays of shape (runs, T), run minus prediction, at ``dims`` in descending order;
    ``alarm`` is this output's share of the false-alarm rate, over all its times.
    """
    from scipy.special import stdtrit

    full, pair = extrapolation_weights(dims), np.append(extrapolation_weights(dims[:2]), 0.0)
    mean = np.array([e.mean(axis=0) for e in errors])
    parts = np.array([w**2 * e.var(axis=0, ddof=1) / len(e) for w, e in zip(full, errors, strict=True)])
    square = parts.sum(axis=0)
    noisy = square > 0
    freedom = np.ones_like(square)
    inverse = sum(p**2 / (len(e) - 1) for p, e in zip(parts, errors, strict=True))
    np.divide(square**2, inverse, out=freedom, where=noisy)
    quantile = -stdtrit(freedom, alarm / (2 * max(1, noisy.sum())))
    error, remainder = pair @ mean, np.abs((pair - full) @ mean)
    standard = np.sqrt(square)
    return Deviation(
        error, np.where(noisy, quantile, 0.0) * standard + remainder + tolerance, standard, remainder, mean[0]
    )
