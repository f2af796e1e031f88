"""Quadrature for spectral measures: densities turned into nodes, and many eigenvalues compressed to few.

Serves :mod:`symhigh.population.spectrum`. What limits ask of a measure are averages of λ^k e^{-2λu}, u the time on the
clock Γ = ∫γ dt (*The High Line*, arXiv 2405.19585, (64)-(66)), so the error of a rule is measured on them, for k = 0,
1, 2 and all u up to a horizon at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rule = tuple[Array, Array]
"""Nodes and weights."""

HORIZON = 1e20
"""The largest clock Γ that measures are resolved for, unless another is asked for."""
RTOL = 1e-12
"""What averages are right to, unless another accuracy is asked for."""
RTOL_LEAST = 1e-14
"""The smallest relative error that doubles can keep."""
_SMALLEST = 1e-40
"""Averages that have fallen below this part of their start need no relative accuracy."""
_ENDS = 3.65, 5.8
"""Where ``exp(-exp(y))`` is no more than the spacing of doubles at one, and than ``LEAST``."""
LEAST = 1e-150
"""The smallest eigenvalue: starts that follow a power of λ, down to λ^{-2}, stay finite there."""


def error_between(exact: Rule, other: Rule, horizon: float = HORIZON) -> float:
    """Largest relative difference of ``∫ λ^k e^{-2λu} dμ``, k = 0, 1, 2, over 0 ≤ u ≤ horizon."""
    top = max(exact[0].max(), other[0].max())
    clocks = _clocks(top, horizon)
    return _difference(_averages(exact, top, clocks), _averages(other, top, clocks))


def _clocks(top: float, horizon: float) -> Array:
    """Values of ``2 u λ_max``, two a decade."""
    last = min(max(2 * horizon * float(top), 10.0), 1e300)
    return np.concatenate([[0.0], np.geomspace(1e-2, last, 5 + 2 * int(np.log10(last)))])


def _averages(rule: Rule, top: float, clocks: Array) -> Array:
    v = rule[0] / top
    powers = np.stack([rule[1], rule[1] * v, rule[1] * v**2])
    return np.stack([powers @ np.exp(-u * v) for u in clocks], axis=1)


def _difference(exact: Array, other: Array) -> float:
    return float((np.abs(exact - other) / np.maximum(exact, _SMALLEST)).max())


# --- densities -----------------------------------------------------------------------------------------------
def rule_of_density(
    density: Callable[[Array], Array], low: float, high: float, rtol: float, horizon: float, mass: float = 0.0
) -> Rule:
    """Nodes and weights of ``density`` on (low, high), right to ``rtol`` for clocks up to ``horizon``.

    The trapezoidal rule in y, of step h, after

        λ = low + (high - low)/(1 + exp(y + e^{y-Y} - e^{-y})),     Y = log(2 (high - low) horizon) + 3.

    Towards ``high``, and closer to ``low`` than the horizon sees, the map is double-exponential (Takahasi and Mori,
    Publ. RIMS 9, 1974), so what the density does there is resolved; in between λ - low falls like e^{-y}, and e^{-2λu}
    is analytic for |Im y| < π/2: the error is about e^{-π²/h} at a cost of log(horizon)/h nodes. With low > 0 averages
    die out exponentially, and the horizon is where they have. Halving h keeps the nodes; the difference of the two
    rules is the error of the coarser, which is returned. ``mass`` is the total, if known, of a density that reaches
    below ``LEAST``: what lies there is put into the smallest node.
    """
    step = np.pi**2 / np.log(10 / rtol)
    while step > 0.02:
        rule = _weighted(density, low, high, horizon, step, mass)
        if error_between(_weighted(density, low, high, horizon, step / 2, mass), rule, horizon) <= rtol:
            return rule
        step *= 0.8
    raise ArithmeticError(
        f"Spectrum.from_density: not resolved to rtol={rtol:g}; the density is too rough, split it or loosen rtol"
    )


@dataclass(frozen=True, eq=False)
class Tabulated:
    """A quantile function, linear between ``edges`` at the levels ``reached``."""

    reached: Array
    edges: Array

    def __call__(self, p: Array) -> Array:
        return np.asarray(np.interp(p, self.reached, self.edges))


@dataclass(frozen=True)
class Power:
    """The quantile function ``p^exponent`` on (0, 1), of the density ``λ^{1/exponent - 1}/exponent``."""

    exponent: float

    def __call__(self, p: Array) -> Array:
        return np.asarray(p**self.exponent)


@dataclass(frozen=True, eq=False)
class WithAtom:
    """A quantile function whose law has mass ``1 - share`` at 0, and ``share`` of the law of ``inside``."""

    share: float
    inside: Callable[[Array], Array]

    def __call__(self, p: Array) -> Array:
        rest = 1 - self.share
        return np.where(p < rest, 0.0, self.inside(np.maximum(p - rest, 0.0) / self.share))


def quantile_of_density(
    density: Callable[[Array], Array], low: float, high: float
) -> Callable[[Array], Array]:
    """The quantile function of ``density`` on (low, high), linear inside cells of 0.004 in y."""
    nodes, weights = _weighted(density, low, high, HORIZON, 0.004)
    edges = np.concatenate([[low], (nodes[1:] + nodes[:-1]) / 2, [high]])
    reached = np.concatenate([[0.0], np.cumsum(weights)])
    return Tabulated(reached, edges)


def _weighted(
    density: Callable[[Array], Array], low: float, high: float, horizon: float, step: float, mass: float = 0.0
) -> Rule:
    nodes, measure = _graded(low, high, horizon, step)
    try:
        heights = np.broadcast_to(np.asarray(density(nodes), dtype=float), nodes.shape)
    except Exception as error:  # the density is a function of the user
        raise ValueError(
            f"Spectrum.from_density(density): density must map an array to an array of its shape; {error}"
        ) from error
    weights = heights * measure
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(
            "Spectrum.from_density: the density must be finite, >= 0 and not zero inside (low, high)"
        )
    kept = weights > 0
    nodes, weights = nodes[kept], weights[kept]
    weights[0] += max(0.0, mass - weights.sum())
    return nodes, weights / weights.sum()


def _graded(low: float, high: float, horizon: float, step: float) -> Rule:
    """Nodes, increasing, and weights of the map above for the density one."""
    reach = horizon if low == 0 else min(horizon, -np.log(_SMALLEST) / (2 * low))
    width = high - low
    last = np.log(max(2 * width * reach, 1.0)) + 3
    y = np.arange(np.floor(-_ENDS[0] / step), np.ceil((last + _ENDS[1]) / step) + 1)[::-1] * step
    power, slope = y + np.exp(y - last) - np.exp(-y), 1 + np.exp(y - last) + np.exp(-y)
    small = np.exp(-np.abs(power))
    nodes = np.where(power > 0, low + width * small / (1 + small), high - width * small / (1 + small))
    weights = step * width * slope * small / (1 + small) ** 2
    inside = (nodes > max(low, LEAST)) & (nodes < high)
    return nodes[inside], weights[inside]


def rule_of_histogram(edges: Array, mass: Array, rtol: float, horizon: float) -> Rule:
    """Nodes and weights of a density that is constant in each bin: graded in the first, Gauss-Legendre in the others.

    Points are added to all bins until the averages agree to ``rtol`` with those of twice as many.
    """
    share = mass / mass.sum()
    first, *others = np.flatnonzero(share)
    nodes, weights = rule_of_density(np.ones_like, edges[first], edges[first + 1], rtol, horizon)
    begun = nodes, share[first] * weights

    def rule(points: int) -> Rule:
        x, w = np.polynomial.legendre.leggauss(points)
        low, high = edges[others][:, None], edges[1:][others][:, None]
        places = low + (high - low) * (x + 1) / 2
        return (
            np.concatenate([begun[0], places.ravel()]),
            np.concatenate([begun[1], (share[others][:, None] * w / 2).ravel()]),
        )

    points = 2
    while points < 256 and error_between(rule(2 * points), rule(points), horizon) > rtol:
        points *= 2
    return rule(points)


# --- eigenvalues ---------------------------------------------------------------------------------------------
def compress(values: Array, weights: Array, rtol: float, horizon: float) -> tuple[Array, Array, float]:
    """Fewer nodes for the same averages, to relative ``rtol``, and the error measured: a Gauss rule an octave.

    The p-point Gauss rule of the discrete measure inside an octave matches its moments up to 2p - 1; p grows until the
    measured error is below ``rtol``. Equal values are merged, and zero is kept apart.
    """
    nodes, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, weights=weights)
    octave = np.where(nodes > 0, np.floor(np.log2(np.where(nodes > 0, nodes, 1.0))), -np.inf)
    starts = np.flatnonzero(np.concatenate([[True], octave[1:] != octave[:-1]]))
    cells = list(zip(np.split(nodes, starts[1:]), np.split(mass, starts[1:]), strict=True))
    clocks = _clocks(nodes[-1], horizon)
    exact = _averages((nodes, mass), nodes[-1], clocks)
    for most in (12, 24):
        recurrences = [_Recurrence.of(v, w, most) for v, w in cells]
        for points in range(2 if most == 12 else 13, most + 1):
            rules = [r.rule(points) for r in recurrences]
            found = np.concatenate([r[0] for r in rules]), np.concatenate([r[1] for r in rules])
            if found[0].size >= nodes.size:
                return nodes, mass, 0.0
            if (error := _difference(exact, _averages(found, nodes[-1], clocks))) <= rtol:
                return *found, error
    return nodes, mass, 0.0


def gauss_of(values: Array, weights: Array, points: int) -> Rule:
    """The Gauss rule with ``points`` nodes of a discrete measure; the measure itself where it has no more atoms."""
    return _Recurrence.of(values, weights, points).rule(points)


class _Recurrence:
    """The three-term recurrence of a discrete measure's orthogonal polynomials, which holds all its Gauss rules.

    By Lanczos with full orthogonalisation; the p-point rule is read off the leading p × p block. Source: Golub and
    Welsch (Math. Comp. 23, 1969).
    """

    def __init__(self, measure: Rule, diagonal: Array, beside: Array) -> None:
        self.measure, self.diagonal, self.beside = measure, diagonal, beside

    @classmethod
    def of(cls, values: Array, weights: Array, points: int) -> _Recurrence:
        count = min(points, values.size)
        diagonal, beside = np.zeros(count), np.zeros(count)
        if values.size > 1:
            scaled = (2 * values - values[0] - values[-1]) / (values[-1] - values[0])
            basis = np.empty((count, values.size))
            vector = np.sqrt(weights / weights.sum())
            for k in range(count):
                basis[k] = vector
                vector = scaled * basis[k]
                diagonal[k] = vector @ basis[k]
                for _ in range(2):
                    vector = vector - (vector @ basis[: k + 1].T) @ basis[: k + 1]
                beside[k] = np.linalg.norm(vector)
                vector = vector / beside[k] if beside[k] > 0 else vector
        return cls((values, weights), diagonal, beside)

    def rule(self, points: int) -> Rule:
        values, weights = self.measure
        if values.size <= points:
            return values, weights
        beside = np.diag(self.beside[: points - 1], 1)
        nodes, vectors = np.linalg.eigh(np.diag(self.diagonal[:points]) + beside + beside.T)
        half = (values[-1] - values[0]) / 2
        return values[0] + half * (1 + nodes), weights.sum() * vectors[0] ** 2
