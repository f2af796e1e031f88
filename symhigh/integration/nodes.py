"""Averages over the predictions of one sample by one sum over the points of a lattice, all of them at once.

Answers what :mod:`symhigh.derivation.nodes` asks for. For functions that are smooth on the scale of the lattice the sum
converges exponentially as the lattice becomes finer, and a lattice shifted by half a cell has the opposite error
(Trefethen and Weideman, SIAM Review 56, 2014): the difference of the two is the doubt, which decides on the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp
from scipy.special import erf, erfc, expit

from symhigh.derivation.nodes import DEGREE, Nodes
from symhigh.population.spectrum import Array
from symhigh.symbols import eps

_RADIUS = 6.0
"""Standard deviations beyond which there are no points."""
_STEP = 1.1
"""The first step, times the root of half and twice the largest variance: the width of products of four slopes."""
_MOST = 1_000_000
"""Points, at most."""
_FLOOR = 1e-5
"""Variances are taken to be at least this part of the largest, which the averages of smooth functions hardly see."""
_FUNCTIONS = {
    "Sigmoid": expit, "Softplus": lambda u: np.logaddexp(0.0, u), "erf": erf, "erfc": erfc,
}  # fmt: skip


class Averages:
    """``values(law, given)`` are the averages asked for, in their order.

    ``ArithmeticError`` where no lattice of a million points resolves the functions to a relative ``rtol``.
    """

    def __init__(self, nodes: Nodes, rtol: float) -> None:
        self.nodes, self.rtol = nodes, rtol
        symbols = (*nodes.variables, eps, *nodes.given[:-1])
        names = [sp.Dummy() for _ in symbols]
        exprs = [e.xreplace(dict(zip(symbols, names, strict=True))) for e in nodes.exprs]
        roots, weights = np.polynomial.hermite_e.hermegauss(DEGREE // 2)
        noisy = any(e.has(eps) for e in nodes.exprs)
        self._noise = (roots, weights / weights.sum()) if noisy else (np.zeros(1), np.ones(1))
        self._functions: Any = sp.lambdify(names, exprs, [_FUNCTIONS, "numpy"], cse=True)
        self._order = max((len(ks) for *_, ks in nodes.asked), default=0)
        self._widest, self._step, self._points = 0.0, _STEP, np.empty((0, 0))

    def values(self, law: Array, given: Array) -> Array:
        """All averages at one covariance of the variables."""
        largest = float(np.linalg.eigvalsh(law)[-1])
        if not np.isfinite(largest):
            return np.full(len(self.nodes.asked), np.nan)
        if largest > self._widest:
            self._settle(law, given, 1.2 * largest)
        return self._at(self._points, law, given)

    def _settle(self, law: Array, given: Array, widest: float) -> None:
        """A lattice that is fine enough for variances up to ``widest``."""
        wide = law * (widest / float(np.linalg.eigvalsh(law)[-1]))
        self._widest = widest
        while True:
            points, shifted = (self._lattice(shift) for shift in (0.0, 0.5))
            one, two = (self._at(p, wide, given) for p in (points, shifted))
            size = np.abs(one).max(initial=0.0)
            if np.abs(one - two).max(initial=0.0) <= 2 * self.rtol * size:
                self._points = points
                return
            self._step *= 0.85

    def _lattice(self, shift: float) -> Array:
        """Points in a ball, of shape (n, variables)."""
        size, step = len(self.nodes.variables), self._step / np.sqrt(0.5 + 2 * self._widest)
        ball = np.pi ** (size / 2) / float(sp.gamma(sp.Rational(size, 2) + 1)) * (_RADIUS / step) ** size
        if ball > _MOST:
            raise ArithmeticError(
                f"averages over {size} predictions are not resolved by {_MOST} points; simulate an ensemble"
            )
        count = int(np.ceil(_RADIUS / step))
        axis = (np.arange(-count, count + 1) + shift) * step
        points = np.stack([a.ravel() for a in np.meshgrid(*[axis] * size, indexing="ij")], axis=1)
        return np.asarray(points[(points**2).sum(axis=1) <= _RADIUS**2])

    def _at(self, points: Array, law: Array, given: Array) -> Array:
        variances, axes = np.linalg.eigh(law)
        variances = np.maximum(variances, max(_FLOOR * variances[-1], 1e-300))
        root, inverse = ((axes * variances**p) @ axes.T for p in (0.5, -0.5))
        weights = np.exp(-(points**2).sum(axis=1) / 2)
        weights /= weights.sum()
        with np.errstate(all="ignore"):
            values = sum(
                share * self._on(points @ root, np.sqrt(given[-1]) * e, given)
                for e, share in zip(*self._noise, strict=True)
            )
        values = values * weights
        moments = [values.sum(axis=1)]
        dual, precision = points @ inverse, inverse @ inverse
        if self._order > 0:
            moments.append(values @ dual)
        if self._order > 1:
            pairs = (dual[:, :, None] * dual[:, None, :]).reshape(len(points), -1)
            square = values @ pairs
            moments.append(square.reshape(len(values), *precision.shape) - moments[0][:, None, None] * precision)
        if self._order > 2:
            moments.append(self._third(values, dual, precision, moments[1]))
        return np.array([moments[len(ks)][(place, *ks)] for _, place, ks in self.nodes.asked])

    def _on(self, z: Array, noise: float, given: Array) -> Array:
        """The functions at predictions z and one value of the noise, of shape (functions, points)."""
        found = self._functions(*z.T, noise, *given[:-1])
        return np.array([np.broadcast_to(f, len(z)) for f in found])

    def _third(self, values: Array, dual: Array, precision: Array, first: Array) -> Array:
        """``E G ζ_k ζ_l ζ_m`` without what is of first order, where it is asked for."""
        found = np.zeros((len(values), *[len(precision)] * 3))
        wanted: dict[tuple[int, ...], list[int]] = {}
        for _, place, ks in self.nodes.asked:
            if len(ks) == 3:
                wanted.setdefault(ks, []).append(place)
        for (k, l, m), rows in wanted.items():
            paired = ((k, l, m), (l, m, k), (m, k, l))
            lower = sum(precision[a, b] * first[rows, c] for a, b, c in paired)
            found[rows, k, l, m] = values[rows] @ (dual[:, k] * dual[:, l] * dual[:, m]) - lower
        return found
