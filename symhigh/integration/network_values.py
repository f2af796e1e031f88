"""Population values of an iterate (u, v) of a diagonal network in d dimensions, for diagonal and general K.

Shared by the SDE and by direct simulation. Definitions as in ``NetworkCurve``: sums are per coordinate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, expression, shown
from symhigh.closed.network import numeric
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork, theta_star, u, v
from symhigh.symbols import lam

Array = np.ndarray[Any, Any]
Statistic = Callable[[Array, Array, Array, Array], Array]
"""A function φ(u, v, θ*, λ) of arrays that broadcast."""


def statistic(owner: str, name: str, phi: Statistic | sp.Expr) -> Statistic:
    """``phi`` as a function of the arrays u, v, θ*, λ; a SymPy expression may hold these symbols only."""
    arguments = (u, v, theta_star, lam)
    if callable(phi) and not isinstance(phi, (sp.Basic, type)):
        return phi
    form = expression(owner, name, phi, "a function of u, v, θ*, λ, or a SymPy expression in them")
    if foreign := sorted(map(str, form.free_symbols - set(arguments))):
        raise ValueError(
            f"{owner}({name}={shown(form)}): foreign symbols {foreign}; use u, v, theta_star, lam"
        )
    found: Statistic = numeric(arguments, form)
    return found


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The d coordinates of a run: ``lam`` = K_ii, ``target`` = θ*, starts ``u``, ``v`` (d,), and K, None if
    diagonal."""

    lam: Array
    target: Array
    u: Array
    v: Array
    covariance: Array | None

    def pull(self, error: Array) -> Array:
        """``K error`` for errors of shape (…, d)."""
        return np.asarray(error * self.lam if self.covariance is None else error @ self.covariance)


def coordinates(classes: NetworkClasses, d: int, covariance: Any = None) -> Coordinates:
    """Spread ``classes`` over d coordinates; with ``covariance`` (d, d), its diagonal takes the place of
    λ."""
    values, target, first, second = classes.coordinates(d)
    if covariance is None:
        return Coordinates(values, target, first, second, None)
    matrix = array("coordinates", "covariance", covariance, ndim=2, meaning="the covariance of the data")
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T, atol=1e-10):
        raise ValueError(
            f"coordinates(covariance of shape {matrix.shape}): covariance must be a finite symmetric "
            f"{d} x {d} matrix"
        )
    return Coordinates(np.diagonal(matrix).copy(), target, first, second, (matrix + matrix.T) / 2)


def derivatives(effective: sp.Expr) -> tuple[Any, list[Any], list[list[Any]]]:
    """``θ(u, v)``, its two slopes and its 2 × 2 second derivatives, as functions of arrays."""
    pair = (u, v)
    bends = [[numeric(pair, sp.diff(effective, s, r)) for r in pair] for s in pair]
    return numeric(pair, effective), [numeric(pair, sp.diff(effective, s)) for s in pair], bends


@dataclass(frozen=True, eq=False)
class Record:
    """Population values of an iterate (u, v): a mapping of names to numbers, for arrays (…, d)."""

    at: Coordinates
    network: DiagonalNetwork
    extra: Mapping[str, Statistic] = field(default_factory=dict)

    def __call__(self, first: Array, second: Array) -> dict[str, Array]:
        value, slopes, bends = derivatives(self.network.parametrization.effective)
        theta = value(first, second)
        square = sum(slope(first, second) ** 2 for slope in slopes)
        second_order = bends[0][0](first, second) + bends[1][1](first, second)
        error = theta - self.at.target
        pull = self.at.pull(error)
        mean = {
            "risk": np.mean(error * pull, axis=-1) / 2 + self.network.numbers()[1] ** 2 / 2,
            "curvature": np.mean(self.at.lam * square + pull * second_order, axis=-1),
            "distance": np.mean(error**2, axis=-1),
            "l1": np.mean(np.abs(theta), axis=-1),
        }
        for name, phi in self.extra.items():
            seen = phi(first, second, self.at.target, self.at.lam)
            mean[name] = np.mean(np.broadcast_to(seen, first.shape), axis=-1)
        return mean


def square_root(owner: str, covariance: Array) -> Array:
    """The symmetric square root of a covariance; raises ``ValueError`` where an eigenvalue is negative."""
    values, basis = np.linalg.eigh(covariance)
    if values[0] < -1e-10 * max(values[-1], 1.0):
        raise ValueError(f"{owner}(covariance): it has the eigenvalue {values[0]:g}; all must be >= 0")
    return np.asarray((basis * np.sqrt(np.maximum(values, 0.0))) @ basis.T)


def largest_curvature(network: DiagonalNetwork, at: Coordinates, first: Array, second: Array) -> float:
    """The largest eigenvalue of ``d ∇²R`` in the 2d parameters, at one iterate (u, v), each (d,).

    Blockwise where K is diagonal: ``∇²R`` has one 2 × 2 block a coordinate. By Lanczos otherwise,
    matrix-free.
    """
    value, slope_functions, bend_functions = derivatives(network.parametrization.effective)
    slopes = [np.broadcast_to(f(first, second), first.shape) for f in slope_functions]
    bends = [[np.broadcast_to(f(first, second), first.shape) for f in row] for row in bend_functions]
    pull = at.pull(value(first, second) - at.target)
    if at.covariance is None:
        a, b, c = (at.lam * slopes[i] * slopes[j] + pull * bends[i][j] for i, j in ((0, 0), (0, 1), (1, 1)))
        return float(np.max((a + c) / 2 + np.sqrt((a - c) ** 2 / 4 + b**2)))
    from scipy.sparse.linalg import LinearOperator, eigsh

    size = first.size

    def product(x: Array) -> Array:
        parts = x.reshape(2, size)
        along = at.pull(slopes[0] * parts[0] + slopes[1] * parts[1])
        rows = [
            slopes[i] * along + pull * (bends[i][0] * parts[0] + bends[i][1] * parts[1]) for i in range(2)
        ]
        return np.concatenate(rows)

    operator = LinearOperator((2 * size, 2 * size), matvec=product, dtype=float)
    start = np.concatenate(slopes) + 1e-3
    return float(eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)[0])
