"""Runs against a linear theory: means whose bias and variance are predicted, and tests of the predictions themselves.

Stands beside :mod:`symhigh.ledger.bands`, whose bands come from the runs alone; works on arrays. With ``V/d`` the
predicted covariance of one run and ``b/d`` the predicted bias, a weighted average ``w`` of n runs at dimension d minus
limit and bias is Gaussian of variance ``wᵀVw/(dn)``, to leading order. What the next order is comes from companions at
the smallest dimension ``d_s``, where it is largest: a variance off by a share c there is off by ``c d_s/d`` at d, a
bias off by β there is off by ``β (d_s/d)²``. Three things can be wrong, each looked at by itself: the limit
(:func:`mean_test`), V (:func:`variance_test`), and b (:func:`bias_test`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.ledger.bands import Deviation, deviation, extrapolation_weights, skewness
from symhigh.population.spectrum import Array

_SHARE = 0.01
"""Principal components of less than this share of the largest are not asked for their variance:"""
_MOST = 6
"""nor are more than this; a theory to leading order has the large ones."""
_SINGLE = 3
"""Components that are looked at one by one, and in pairs."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Run minus prediction, (n, m) an ensemble, at the times of all outputs that weighted averages look at.

    ``doubts`` (m,) are standard errors of the limit by ensemble, ``rounding`` (m,) its numerical error, ``covariance``
    (m, m) that of one run at ``dims[0]``, and ``shifts`` (m,) the change of the limit for an error in a parameter.
    """

    errors: Sequence[Array]
    dims: Sequence[int]
    doubts: Sequence[Array]
    rounding: Array
    covariance: Array
    shifts: Mapping[str, Array]

    def weighted(self, w: Array) -> list[Array]:
        """Weighted averages (n, k) of the errors, for weights (k, m)."""
        return [e @ w.T for e in self.errors]

    def signal(self, parameter: str) -> float:
        """The largest shift of any weighted average of the mean, in its standard errors, by a relative error of one."""
        shift = self.shifts[parameter] / np.sqrt(np.diag(self.covariance))
        values, vectors = np.linalg.eigh(correlation(self.covariance))
        square = (vectors.T @ shift) ** 2 / np.maximum(values, 1e-10 * values[-1])
        return float(np.sqrt(len(self.errors[0]) * square.sum()))


def correlation(covariance: Array) -> Array:
    """The matrix of correlations."""
    size = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(size, size))


def mean_test(entries: Entries, w: Array, alarm: float, next_bias: bool) -> Deviation:
    """Weighted averages (k, m) of the mean at the largest d, whose variance is predicted.

    ``alarm`` is shared by all k. ``next_bias`` says that the bias taken off is one to leading order, at all dimensions.
    """
    from scipy.special import ndtri

    parts, dims = entries.weighted(w), entries.dims
    ratio, count = dims[-1] / dims[0], len(parts[0])
    predicted = np.einsum("ki,ij,kj->k", w, entries.covariance, w)
    if len(parts) > 1:
        seen = parts[-1].var(axis=0, ddof=1) * ratio
        predicted = predicted + np.abs(seen - predicted) * ratio
    standard = np.sqrt(predicted / count + (np.abs(w) @ entries.doubts[0]) ** 2)
    quantile = float(ndtri(1 - alarm / (2 * len(w))))
    quantiles = quantile + skewness(parts, dims) * (quantile**2 - 1) / (6 * np.sqrt(count))
    remainder = np.abs(parts[-1].mean(axis=0)) * ratio**2 if next_bias and len(parts) > 1 else np.zeros(len(w))
    error = parts[0].mean(axis=0)
    band = quantiles * standard + remainder + np.abs(w) @ entries.rounding
    return Deviation(error, band, standard, remainder, error, standard)


def likelihood_test(entries: Entries, alarm: float, next_bias: bool, least: float) -> Deviation:
    """The likelihood ratio of the predicted mean against any other, over all times and outputs; over its quantile.

    With the covariance predicted it is the sum of the squares of the principal components, each in its standard
    errors, and follows the χ² law of their number. Components of less than ``least`` of the largest are not known well
    enough to be in it. What a component may be off by, beside its standard error, is taken off it beforehand.
    """
    from scipy.special import chdtri

    size = np.sqrt(np.diag(entries.covariance))
    values, vectors = np.linalg.eigh(correlation(entries.covariance))
    kept = values >= least * values[-1]
    w = (vectors[:, kept] / np.sqrt(values[kept])).T / size
    found = mean_test(entries, w, alarm, next_bias)
    left = np.maximum(np.abs(found.error) - found.remainder - np.abs(w) @ entries.rounding, 0.0)
    ratio = np.array([np.sum((left / found.standard_error) ** 2)])
    none = np.zeros(1)
    return Deviation(ratio, np.array([chdtri(len(w), alarm)]), none, none, ratio, none)


def variance_test(entries: Entries, alarm: float) -> Deviation:
    """Variances against the predicted ones, ``ratio - 1``, extrapolated to leading order in 1/d.

    First of the largest principal components together, then of single ones, then the correlations of pairs of these.
    Squares of few Gaussian values are far from Gaussian, so their standard errors are those predicted, widened by the
    excess that the smallest companion shows, and quantiles are expanded to the next cumulant (Cornish and Fisher).
    """
    from scipy.special import ndtri

    size = np.sqrt(np.diag(entries.covariance))
    values, vectors = np.linalg.eigh(correlation(entries.covariance))
    kept = np.flatnonzero(values >= _SHARE * values[-1])[::-1][:_MOST]
    w = (vectors[:, kept] / np.sqrt(values[kept])).T / size
    pairs = [(a, b) for b in range(min(_SINGLE, len(kept))) for a in range(b)]
    parts = []
    for e, d in zip(entries.weighted(w), entries.dims, strict=True):
        u = (e - e.mean(axis=0)) * np.sqrt(d / entries.dims[0] * len(e) / (len(e) - 1))
        square = u**2 - 1
        crossed = [u[:, a] * u[:, b] for a, b in pairs]
        parts.append(np.column_stack([square.mean(axis=1), square[:, :_SINGLE], *crossed]))
    dims, count = np.array(entries.dims), len(parts[0])
    singles = min(_SINGLE, len(kept))
    gaussian = np.array([2 / len(kept), *[2.0] * singles, *[1.0] * len(pairs)])
    excess = np.maximum(parts[-1].var(axis=0, ddof=1) - gaussian, 0.0)
    each = np.array([(gaussian + excess * dims[-1] / d) / (len(p) - 1) for p, d in zip(parts, dims, strict=True)])
    full, pair = extrapolation_weights(entries.dims), np.zeros(len(dims))
    pair[:2] = extrapolation_weights(entries.dims[:2])
    q = float(ndtri(1 - alarm / (2 * gaussian.size)))
    skew = np.sqrt([8 / len(kept), *[8.0] * singles, *[0.0] * len(pairs)])
    tail = np.array([0.0, *[0.0] * singles, *[6.0] * len(pairs)])
    quantile = q + skew * (q**2 - 1) / (6 * np.sqrt(count)) + tail * (q**3 - 3 * q) / (24 * count)
    means = np.array([p.mean(axis=0) for p in parts])
    error, remainder = pair @ means, np.abs((pair - full) @ means)
    standard = np.sqrt(full**2 @ each)
    return Deviation(error, quantile * standard + remainder, standard, remainder, means[0], np.sqrt(pair**2 @ each))


def bias_test(entries: Entries, w: Array, alarm: float) -> Deviation:
    """d times the bias that is left of weighted averages at the companions, extrapolated to leading order in 1/d."""
    dims = entries.dims[1:]
    parts = [d * e for d, e in zip(dims, entries.weighted(w)[1:], strict=True)]
    means = [p.mean(axis=0) for p in parts]
    rounding = np.abs(w) @ entries.rounding * dims[0] + np.abs(means[0] - means[-1])
    return deviation(parts, dims, rounding, alarm, skewness(parts, dims))
