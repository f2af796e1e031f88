"""Weighted averages over all times and outputs, in which a wrong limit shows most clearly.

Stands below the comparison; works on arrays. Source of the mathematics: Neyman and Pearson's lemma. Against a shift s
of a Gaussian vector of covariance Σ the most powerful test looks at ``sᵀ Σ⁻¹ e``. Its weights come from companions or
from theory, never from the runs that are tested, so the weighted errors of n runs obey Student's law whatever Σ is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symhigh.population.spectrum import Array

SHAPES = 3
"""How many of the slowest shapes in time are looked at, beside those of the parameters."""


def pooled(errors: Sequence[Array], dims: Sequence[int]) -> tuple[Array, int]:
    """``d`` times the covariance (m, m) of one run, pooled over ensembles (n, m), and its degrees of freedom.

    A fluctuation is of order d^{-1/2}, so ``d·Cov`` is the same at all large d.
    """
    freedom = [len(e) - 1 for e in errors]
    size = errors[0].shape[1]
    total = np.zeros((size, size))
    for e, d, f in zip(errors, dims, freedom, strict=True):
        total += f * d * np.atleast_2d(np.cov(e, rowvar=False))
    return total / sum(freedom), sum(freedom)


def shrunk(covariance: Array, freedom: float) -> Array:
    """An estimated covariance drawn towards its diagonal, by the share m/(m + freedom), so that it can be inverted."""
    share = len(covariance) / (len(covariance) + freedom)
    return (1 - share) * covariance + share * np.diag(np.diag(covariance))


def directions(
    covariance: Array, shifts: Mapping[str, Array], shapes: int = SHAPES, least: float = 1e-10
) -> dict[str, Array]:
    """Weights (k, m) by name: one row for each of ``shifts`` (m,), and under "" the first principal components.

    Principal components of the correlations are smooth in time, so they see what is off for long, whatever it is.
    None counts for less than ``least`` of the largest: a covariance is not known better than that.
    """
    size = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(size, size)
    values, vectors = np.linalg.eigh(correlation)
    values = np.maximum(values, least * values[-1])
    found = {}
    for name, shift in shifts.items():
        scaled = shift / size
        if np.abs(scaled).max() > 0:
            weights = vectors @ ((vectors.T @ scaled) / values)
            found[name] = (weights / np.abs(weights).max() / size)[None, :]
    found[""] = vectors[:, ::-1][:, : min(shapes, len(size))].T / size
    return found


def thinned(candidates: Array, most: int) -> Array:
    """At most ``most`` of the candidates, evenly, the first and the last among them."""
    if candidates.size <= most:
        return candidates
    return candidates[np.unique(np.rint(np.linspace(0, candidates.size - 1, most)).astype(int))]
