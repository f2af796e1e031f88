"""Numba kernel of the exact mean: one step of the second moments, in the eigenbasis of K.

Imported only where an exact mean is computed; :mod:`symhigh.simulation.exact_mean` states the recursion.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

from numba import njit


@njit(cache=True, error_model="numpy")
def advance(rates, d, slope, decay, batch, noise, lam, weights, v22, distance, overlap):
    """One step for each entry of ``rates``; ``distance`` (N,) and ``overlap`` (N,) are moved in place."""
    for g in rates:
        total = noise
        for i in range(lam.size):
            total += weights[i] * lam[i] * distance[i]
        pull, push = g * decay / d, g * slope / d
        for i in range(lam.size):
            keep = 1.0 - pull - push * lam[i]
            spread = push * push / batch * lam[i] * (lam[i] * distance[i] + d * total)
            drawn = pull * (pull * v22[i] - 2.0 * keep * (overlap[i] - v22[i]))
            distance[i] = keep * keep * distance[i] + drawn + spread
            overlap[i] = keep * overlap[i] + push * lam[i] * v22[i]
