"""Extrapolation of a finite-d bias, and a simultaneous band for what is left.

Stands below the comparison; works on arrays. With ``e_d(t)`` the mean over runs at dimension d minus the
prediction, theory says ``E e_d = β(t)/d + O(1/d²)``. Three dimensions d₁ > d₂ > d₃ give

    L = extrapolation of (e_{d₁}, e_{d₂}) to 1/d = 0, free of the term in 1/d;
    Q = extrapolation of all three, free of the terms in 1/d and 1/d²;

and L - Q estimates what 1/d² leaves in L. Since ``|L| <= |Q| + |L - Q|`` whatever the noise, the band

    |L(t)| <= q · SE(Q)(t) + |L - Q|(t) + tolerance

fails at most as often as ``|Q| <= q · SE(Q)``, for which q is Student's quantile with Welch's degrees of
freedom and Bonferroni's factor over all times and outputs. The noise of Q is small where the smaller dimensions
have more runs: d, d/4, d/8 with n, 4n, 8n runs give 1.7 standard errors of the mean at d, at ⅜ of its cost.
Where the bias is known it is taken off beforehand, and one dimension is enough: L = Q is the mean itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.population.spectrum import Array

_GROUPS = 15
"""Degrees of freedom of the standard error of a prediction by particles."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """What one output shows, arrays of shape (T,): ``error`` L, its ``band``, and the parts of the band."""

    error: Array
    band: Array
    standard_error: Array
    remainder: Array
    raw: Array
    """Mean over the runs at the largest d minus the prediction, bias included."""
    spread: Array
    """Standard deviation of the error, from its band as estimated; a shift of the error by ``band + 2.33 spread`` is
    found with probability .99."""

    @property
    def ratio(self) -> Array:
        """``|error|/band``; above one where the output disagrees. 0 where both vanish."""
        size = np.abs(self.error)
        return np.divide(size, self.band, out=np.where(size > 0, np.inf, 0.0), where=self.band > 0)

    @property
    def place(self) -> int:
        """Index of the largest ratio."""
        return int(np.argmax(self.ratio))


def extrapolation_weights(dims: Sequence[int]) -> Array:
    """Weights that extrapolate values at 1/d to 1/d = 0 by the polynomial through them (Lagrange)."""
    h = 1 / np.asarray(dims, dtype=float)
    return np.array([np.prod([b / (b - a) for j, b in enumerate(h) if j != i]) for i, a in enumerate(h)])


def skewness(errors: Sequence[Array], dims: Sequence[int]) -> Array:
    """The size of the skewness of one run at ``dims[0]``, (T,), less one standard error, from ensembles at all d.

    Errors are nearly Gaussian, with a skewness of order d^{-1/2}: small ensembles tell more of it than large ones.
    """
    total, precision = np.zeros(()), 0.0
    for e, d in zip(errors, dims, strict=True):
        centred = e - e.mean(axis=0)
        variance = (centred**2).mean(axis=0)
        third = np.divide(
            (centred**3).mean(axis=0), variance**1.5, out=np.zeros_like(variance), where=variance**1.5 > 0
        )
        weight = len(e) * dims[0] / d
        total, precision = total + weight * np.sqrt(d / dims[0]) * third, precision + weight
    return np.maximum(np.abs(total) / precision - np.sqrt(6 / precision), 0.0)


def deviation(
    errors: Sequence[Array],
    dims: Sequence[int],
    tolerance: Array | float,
    alarm: float,
    skew: Array | float = 0.0,
    doubts: Sequence[Array] | None = None,
) -> Deviation:
    """The deviation of one output and its band.

    ``errors`` holds an array of shape (runs, T) for each of ``dims``, in descending order: run minus prediction. One
    dimension where the bias has been taken off, else three. ``alarm`` is this output's share of the false-alarm
    rate, over all its times. ``skew`` (T,) is the size of the skewness of one run, by which Student's quantile q grows
    by ``skew (2q² + 1)/(6 √n)`` (Cornish and Fisher's expansion for the studentized mean). ``doubts`` are standard
    errors (T,) of the prediction at each of ``dims``, where it has any; each comes of 16 groups of particles.
    """
    from scipy.special import stdtrit

    full, pair = extrapolation_weights(dims), np.zeros(len(dims))
    pair[:2] = extrapolation_weights(dims[:2])
    mean = np.array([e.mean(axis=0) for e in errors])
    each = np.array([e.var(axis=0, ddof=1) / len(e) for e in errors])
    parts = full[:, None] ** 2 * each
    own = np.zeros_like(parts) if doubts is None else full[:, None] ** 2 * np.asarray(doubts) ** 2
    square = parts.sum(axis=0) + own.sum(axis=0)
    noisy = square > 0
    freedom = np.ones_like(square)
    inverse = sum(p**2 / (len(e) - 1) for p, e in zip(parts, errors, strict=True))
    inverse = inverse + (own**2).sum(axis=0) / _GROUPS
    np.divide(square**2, inverse, out=freedom, where=noisy)
    quantile = np.where(noisy, -stdtrit(freedom, alarm / (2 * max(1, noisy.sum()))), 0.0)
    quantile += skew * (2 * quantile**2 + 1) / (6 * np.sqrt(len(errors[0]))) * noisy
    error, remainder = pair @ mean, np.abs((pair - full) @ mean)
    standard = np.sqrt(square)
    # the band itself varies, its standard error being that of a variance with ``freedom`` degrees
    spread = np.sqrt(pair**2 @ each + own.sum(axis=0) + square * quantile**2 / (2 * freedom))
    return Deviation(error, quantile * standard + remainder + tolerance, standard, remainder, mean[0], spread)
