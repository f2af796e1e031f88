"""Quadrature for spectral measures: densities turned into nodes, and many eigenvalues compressed to few.

Serves :mod:`symhigh.problem.spectrum`. What limits ask of a measure are averages of λ^k e^{-2λu}, u the time on the
clock Γ (*The High Line*, arXiv 2405.19585, (64)-(66)), so the error of a rule is measured on them, for all u at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_CLOCKS = np.concatenate([[0.0], np.geomspace(1e-2, 1e12, 43)])
"""Values of ``2 u λ_max`` at which rules are compared."""


def error_between(first: tuple[Array, Array], second: tuple[Array, Array]) -> float:
    """Largest relative difference of ``∫ λ^k e^{-2λu} dμ``, k = 1, 2, over u ≥ 0, down to 1e-30 of their start."""
    top = max(first[0].max(), second[0].max())
    worst = 0.0
    for k in (1, 2):
        for a in _CLOCKS / top:
            one, two = (float(w @ (v**k * np.exp(-a * v))) for v, w in (first, second))
            scale = max(one, 1e-30 * top**k)
            worst = max(worst, abs(one - two) / scale)
    return worst


def compress(values: Array, weights: Array, rtol: float) -> tuple[Array, Array]:
    """Fewer nodes for the same averages, to relative ``rtol``: a Gauss rule in each octave of eigenvalues.

    The p-point Gauss rule of the discrete measure inside an octave matches its moments up to 2p - 1; p grows until the
    measured error is below ``rtol``. Equal values are merged, and zero is kept apart.
    """
    nodes, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=weights)
    octave = np.where(nodes > 0, np.floor(np.log2(np.where(nodes > 0, nodes, 1.0))), -np.inf)
    starts = np.flatnonzero(np.concatenate([[True], octave[1:] != octave[:-1]]))
    cells = list(zip(np.split(nodes, starts[1:]), np.split(mass, starts[1:]), strict=True))
    for points in range(2, 25):
        rules = [gauss_of(v, w, points) for v, w in cells]
        found = np.concatenate([r[0] for r in rules]), np.concatenate([r[1] for r in rules])
        if found[0].size >= nodes.size:
            break
        if error_between((nodes, mass), found) <= rtol:
            return found
    return nodes, mass


def gauss_of(values: Array, weights: Array, points: int) -> tuple[Array, Array]:
    """The Gauss rule with ``points`` nodes of a discrete measure, by Lanczos with full orthogonalisation.

    The measure itself where it has no more atoms than that. Source: Golub and Welsch (Math. Comp. 23, 1969).
    """
    if values.size <= points:
        return values, weights
    centre, half = (values[0] + values[-1]) / 2, (values[-1] - values[0]) / 2
    scaled = (values - centre) / half
    basis = np.empty((points, values.size))
    diagonal, beside = np.empty(points), np.zeros(points)
    vector = np.sqrt(weights)
    total = float(np.linalg.norm(vector))
    vector = vector / total
    for k in range(points):
        basis[k] = vector
        vector = scaled * basis[k]
        diagonal[k] = vector @ basis[k]
        for _ in range(2):
            vector = vector - (vector @ basis[: k + 1].T) @ basis[: k + 1]
        beside[k] = np.linalg.norm(vector)
        vector = vector / beside[k]
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return centre + half * nodes, (total * vectors[0]) ** 2


def rule_of_density(
    density: Callable[[Array], Array], low: float, high: float, rtol: float
) -> tuple[Array, Array]:
    """Nodes and weights of ``density`` on (low, high), refined until two nested rules agree to ``rtol``.

    With ``low = 0``: Gauss-Legendre on panels in log λ, down to λ = e^{-60} λ_max (then e^{-400}), so integrable powers
    at zero and long horizons are resolved. Otherwise the midpoint rule in θ, ``λ = c - r cos θ``, which converges
    geometrically also where the density starts or ends like a square root.
    """
    make = _log_panels if low == 0 else _chebyshev
    before = None
    for level in range(3, 15):
        nodes, measure = make(low, high, level)
        weights = np.asarray(density(nodes), dtype=float) * measure
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
            raise ValueError(
                "Spectrum.from_density: the density must be finite, >= 0 and not zero inside (low, high)"
            )
        kept = weights > 0
        rule = nodes[kept], weights[kept] / weights.sum()
        if before is not None and error_between(before, rule) <= rtol:
            return rule
        before = rule
    raise ArithmeticError(
        f"Spectrum.from_density: not resolved to rtol={rtol:g}; the density is too rough, split it"
    )


def _log_panels(low: float, high: float, level: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(4 + 2 * (level - 3))
    edges = np.concatenate([np.linspace(0.0, 60.0, 41), 60.0 * (400.0 / 60.0) ** (np.arange(1, 11) / 10)])
    half = np.diff(edges)[:, None] / 2
    nodes = high * np.exp(-(edges[:-1, None] + half * (x + 1)).ravel())
    return nodes[::-1], (nodes * (half * w).ravel())[::-1]


def _chebyshev(low: float, high: float, level: int) -> tuple[Array, Array]:
    n = 2 * 3 ** (level - 3) * 4
    theta = np.pi * (np.arange(n) + 0.5) / n
    centre, half = (low + high) / 2, (high - low) / 2
    return centre - half * np.cos(theta), half * np.sin(theta) * np.pi / n
