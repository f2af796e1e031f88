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
_AT_ONCE = 4_000
"""Points whose values are held at once: few enough that they stay in the cache of a core."""
_MOST = 3_000_000
"""Points, at most; those outside the ball count, as they are made."""
_FLAT, _FLOOR = 0.05, 1e-5
"""Along axes of less variance functions are nearly polynomials, which few points of Gauss and Hermite average;
variances are taken to be at least the floor, which the averages of smooth functions hardly see."""
_POINTS = 11
_FUNCTIONS = {
    "Sigmoid": expit, "Softplus": lambda u: np.logaddexp(0.0, u), "erf": erf, "erfc": erfc,
}  # fmt: skip


class Averages:
    """``values(law, given)`` are the averages asked for, in their order.

    ``ArithmeticError`` where no lattice of so many points resolves the functions to a relative ``rtol``.
    """

    def __init__(self, nodes: Nodes, rtol: float) -> None:
        self.nodes, self.rtol = nodes, rtol
        symbols = (*nodes.variables, eps, *nodes.given[:-1])
        names = [sp.Dummy() for _ in symbols]
        exprs = [e.xreplace(dict(zip(symbols, names, strict=True))) for e in nodes.exprs]
        roots, weights = np.polynomial.hermite_e.hermegauss(DEGREE // 2)
        noisy = any(e.has(eps) for e in nodes.exprs)
        self._noise = (roots, weights / weights.sum()) if noisy else (np.zeros(1), np.ones(1))
        self._functions: Any = sp.lambdify(names, exprs, [_FUNCTIONS, "numpy"], cse=True, docstring_limit=0)
        self._orders = sorted({ks for *_, ks in nodes.asked}, key=len)
        self._places = [place for _, place, _ in nodes.asked], [self._orders.index(ks) for *_, ks in nodes.asked]
        self._order = np.array([len(ks) for *_, ks in nodes.asked])
        self._widest, self._step = 0.0, _STEP
        self._known: dict[int, tuple[Array, Array]] = {}

    def values(self, law: Array, given: Array) -> Array:
        """All averages at one covariance of the variables."""
        if not np.isfinite(law).all():
            return np.full(len(self.nodes.asked), np.nan)
        largest = float(np.linalg.eigvalsh(law)[-1])
        if largest > self._widest:
            self._settle(law, given, 1.2 * largest)
        return self._at(0.0, law, given)

    def _settle(self, law: Array, given: Array, widest: float) -> None:
        """A lattice that is fine enough for variances up to ``widest``."""
        wide = law * (widest / float(np.linalg.eigvalsh(law)[-1]))
        self._widest = widest
        while True:
            self._known.clear()
            one, two = (self._at(shift, wide, given) for shift in (0.0, 0.5))
            size = np.abs(one)
            allowed = [max(size[self._order <= n].max(), 1e-3 * size.max()) for n in self._order]
            if (np.abs(one - two) <= 2 * self.rtol * np.array(allowed)).all():
                return
            self._step *= 0.85

    def _lattice(self, shift: float, flat: int) -> tuple[Array, Array]:
        """Points of shape (n, variables), the first ``flat`` axes by Gauss and Hermite, and their weights."""
        if shift == 0 and flat in self._known:
            return self._known[flat]
        size, step = len(self.nodes.variables), self._step / np.sqrt(0.5 + 2 * self._widest)
        count = int(np.ceil(_RADIUS / step))
        roots, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
        if len(roots) ** flat * (2 * count + 1) ** (size - flat) > _MOST:
            raise ArithmeticError(
                f"averages over {size} predictions are not resolved by {_MOST} points; simulate an ensemble"
            )
        even = (np.arange(-count, count + 1) + shift) * step
        axes = [roots] * flat + [even] * (size - flat)
        shares = [weights] * flat + [np.exp(-(even**2) / 2)] * (size - flat)
        points = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)
        share = np.prod([a.ravel() for a in np.meshgrid(*shares, indexing="ij")], axis=0)
        near = (points[:, flat:] ** 2).sum(axis=1) <= _RADIUS**2
        found = points[near], share[near] / share[near].sum()
        if shift == 0:
            self._known[flat] = found
        return found

    def _at(self, shift: float, law: Array, given: Array) -> Array:
        variances, axes = np.linalg.eigh(law)
        variances = np.maximum(variances, _FLOOR)
        flat = int((variances < _FLAT).sum())
        points, weights = self._lattice(shift, flat)
        # the lattice stands along the variables, not along the axes, on which functions are narrowest
        left, _, right = np.linalg.svd(axes[: len(axes) - flat, flat:].T)
        turned, precision = left @ right, (axes / variances) @ axes.T
        found = np.zeros((len(self.nodes.exprs), len(self._orders)))
        for first in range(0, len(points), _AT_ONCE):
            some = points[first : first + _AT_ONCE]
            some = np.hstack([some[:, :flat], some[:, flat:] @ turned.T])
            z, dual = some * np.sqrt(variances) @ axes.T, some / np.sqrt(variances) @ axes.T
            hermite: dict[tuple[int, ...], Array] = {(): np.ones(len(some))}
            factors = np.array([_hermite(ks, dual.T, precision, hermite) for ks in self._orders])
            values = self._over_noise(z, given) * weights[first : first + _AT_ONCE]
            found += np.einsum("an,bn->ab", values, factors)  # small products, for which threads take longer
        return found[self._places]

    def _over_noise(self, z: Array, given: Array) -> Array:
        """The functions at predictions z, averaged over the noise, of shape (functions, points)."""
        roots, shares = self._noise
        with np.errstate(all="ignore"):
            found = self._functions(*z.T, np.sqrt(given[-1]) * roots[:, None], *given[:-1])
        return np.array([shares @ np.broadcast_to(f, (len(roots), len(z))) for f in found])


def _hermite(ks: tuple[int, ...], dual: Array, precision: Array, known: dict[tuple[int, ...], Array]) -> Array:
    """Hermite's polynomial ``H_{k…l}`` at points, ``H_{kR} = ζ_k H_R - Σ_{l in R} P_kl H_{R without l}``."""
    if ks not in known:
        k, rest = ks[0], ks[1:]
        value = dual[k] * _hermite(rest, dual, precision, known)
        for place, l in enumerate(rest):
            value = value - precision[k, l] * _hermite(rest[:place] + rest[place + 1 :], dual, precision, known)
        known[ks] = value
    return known[ks]
