"""Spectra of the data covariance K, as probability measures on the eigenvalue λ.

First room of the pipeline. In the limit d → ∞ only the measure matters: an average over the d modes becomes
``sum_i w_i (…)`` over the nodes held here, weights being fractions of d. A continuous measure is held as a
quadrature rule, and by its quantile function, from which the d eigenvalues of a finite problem are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import parameter, real, whole
from symhigh.problem.measure import Array as Array
from symhigh.problem.measure import compress, rule_of_density


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A measure ``sum_i weights_i δ(values_i)`` on eigenvalues; build it with one of the class methods.

    ``values`` and ``weights`` have shape (N,); they are floats, or SymPy objects where the user gave symbols
    (then only closed forms can use them). ``quantile`` is set for continuous measures. ``basis`` (d, d) holds
    eigenvectors, one a column, where the spectrum came from a covariance matrix. ``ratio`` is that of a
    Marchenko-Pastur law, by which closed forms know it exactly.
    """

    values: Array
    weights: Array
    quantile: Callable[[Array], Array] | None = None
    basis: Array | None = None
    name: str = "spectrum"
    ratio: float | None = None

    @classmethod
    def isotropic(cls, lam: Any = 1) -> Spectrum:
        """All eigenvalues equal to ``lam > 0``, a number or a SymPy expression."""
        value = parameter(
            "Spectrum.isotropic", "lam", lam, positive=True, meaning="the eigenvalue of K = lam I"
        )
        return cls.from_eigenvalues([value])

    @classmethod
    def from_eigenvalues(cls, values: Any, weights: Any = None) -> Spectrum:
        """Eigenvalues ≥ 0, not all zero, with ``weights`` > 0 that sum to one (equal weights by default).

        Without weights, a list of d eigenvalues is the spectrum of a d×d covariance.
        """
        owner = "Spectrum.from_eigenvalues"
        vals = _array(owner, "values", values)
        if weights is None:
            share = sp.Rational(1, vals.size) if vals.dtype == object else 1.0 / vals.size
            wts = np.full(vals.size, share, dtype=vals.dtype)
        else:
            wts = _array(owner, "weights", weights)
        if wts.shape != vals.shape:
            raise ValueError(
                f"{owner}: weights has shape {wts.shape}, values has {vals.shape}; they must match"
            )
        if vals.dtype == object or wts.dtype == object:
            vals, wts = vals.astype(object), wts.astype(object)
            for v in vals:
                parameter(owner, "values", v, positive=False, meaning="an eigenvalue")
            total = sp.simplify(sum(sp.sympify(w, strict=True) for w in wts))  # a short sum of fractions
            if total.is_number and abs(float(total) - 1) > 1e-9:
                raise ValueError(f"{owner}: weights must sum to one, they sum to {total}")
            return cls(vals, wts)
        if (bad := vals[(vals < 0) | ~np.isfinite(vals)]).size:
            raise ValueError(
                f"{owner}: eigenvalue {bad[0]:g} is not allowed; a covariance has eigenvalues >= 0, finite"
            )
        if not vals.any():
            raise ValueError(f"{owner}: all eigenvalues are zero; at least one must be > 0")
        if (wts <= 0).any() or abs(wts.sum() - 1) > 1e-9:
            raise ValueError(
                f"{owner}: weights must be > 0 and sum to one, they sum to {wts.sum():.12g}; "
                "divide them by their sum"
            )
        return cls(vals, wts)

    @classmethod
    def from_covariance(cls, K: Any) -> Spectrum:
        """The spectrum of a symmetric positive semi-definite (d, d) matrix; keeps its eigenvectors."""
        matrix = np.asarray(K, dtype=float)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"Spectrum.from_covariance: K has shape {matrix.shape}, it must be square")
        scale = np.abs(matrix).max()
        if not np.isfinite(scale) or np.abs(matrix - matrix.T).max() > 1e-10 * scale:
            raise ValueError("Spectrum.from_covariance: K must be finite and symmetric; use (K + K.T)/2")
        values, basis = np.linalg.eigh(matrix)
        if values[0] < -1e-10 * scale:
            raise ValueError(
                f"Spectrum.from_covariance: K has the eigenvalue {values[0]:g}, all must be >= 0"
            )
        spectrum = cls.from_eigenvalues(np.maximum(values, 0.0))
        return cls(spectrum.values, spectrum.weights, basis=basis)

    @classmethod
    def power_law(cls, beta: Any) -> Spectrum:
        """Density ``(1 - β) λ^{-β}`` on (0, 1), with β < 1 (High Line, Prop. 4.4).

        Nodes are Gauss-Legendre in ``log λ`` on panels that reach ``λ = e^{-400}``, so horizons up to t = 10^20
        are resolved; what lies below is put into the last node.
        """
        b = float(beta)
        if not b < 1:
            raise ValueError(
                f"Spectrum.power_law(beta={beta}): beta must be < 1, else the density has no unit mass"
            )
        edges = np.concatenate([np.linspace(0.0, 60.0, 41), 60.0 * (400.0 / 60.0) ** (np.arange(1, 11) / 10)])
        nodes, weights = np.polynomial.legendre.leggauss(12)
        half = np.diff(edges)[:, None] / 2
        s = (edges[:-1, None] + half * (nodes + 1)).ravel()
        mass = ((1 - b) * np.exp(-(1 - b) * s).reshape(half.size, -1) * half * weights).ravel()
        keep = mass > 0
        s, mass = s[keep], mass[keep]
        return cls(
            np.exp(-s),
            mass / mass.sum(),
            quantile=lambda p: p ** (1 / (1 - b)),
            name=f"power law, beta={b:g}",
        )

    @classmethod
    def marchenko_pastur(cls, ratio: Any, nodes: int = 256) -> Spectrum:
        """Marchenko-Pastur law of ``Z Z^T/n`` with ``ratio = d/n``; an atom at 0 where the ratio exceeds one.

        With ``λ = 1 + r + 2 √r cos θ`` the density is ``(2/π) sin²θ/λ dθ``; the midpoint rule in θ converges
        geometrically.
        """
        r = real(
            "Spectrum.marchenko_pastur", "ratio", ratio, above=0.0, meaning="d/n, dimension over samples"
        )
        n = whole(
            "Spectrum.marchenko_pastur", "nodes", nodes, least=2, meaning="the number of quadrature nodes"
        )
        theta = np.pi * (np.arange(n) + 0.5) / n
        values = 1 + r + 2 * np.sqrt(r) * np.cos(theta)
        weights = 2 * np.sin(theta) ** 2 / values / n
        weights *= min(1.0, 1 / r) / weights.sum()
        order = np.argsort(values)
        values, weights = values[order], weights[order]
        if r > 1:
            values, weights = np.append(0.0, values), np.append(1 - 1 / r, weights)
        fine = _distribution(values, weights, r)
        return cls(values, weights, quantile=fine, name=f"Marchenko-Pastur, ratio={r:g}", ratio=r)

    @classmethod
    def from_density(
        cls, density: Callable[[Array], Array], low: float, high: float, rtol: float = 1e-10
    ) -> Spectrum:
        """A continuous spectrum on (low, high), 0 ≤ low < high; ``density`` maps arrays to arrays, of any total mass.

        Nodes are added until averages of λ e^{-2λu} and λ² e^{-2λu} are right to ``rtol`` for all u ≥ 0.
        """
        top = real("Spectrum.from_density", "high", high, above=0.0, meaning="the upper end of the spectrum")
        if not 0 <= low < top:
            raise ValueError(f"Spectrum.from_density(low={low}): low must be >= 0 and below high={high}")
        values, weights = rule_of_density(density, float(low), top, rtol)
        return cls(values, weights, quantile=_distribution(values, weights, 1.0), name="density")

    @classmethod
    def from_histogram(cls, edges: Any, counts: Any) -> Spectrum:
        """A spectrum that is uniform inside each bin: ``edges`` (n + 1,) ≥ 0 and increasing, ``counts`` (n,) ≥ 0.

        Eight Gauss points a bin, exact for averages of polynomials of degree 15.
        """
        owner = "Spectrum.from_histogram"
        cut, mass = _array(owner, "edges", edges), _array(owner, "counts", counts)
        if (
            cut.size != mass.size + 1
            or cut[0] < 0
            or np.diff(cut).min() <= 0
            or mass.min() < 0
            or not mass.sum() > 0
        ):
            raise ValueError(f"{owner}: needs n + 1 increasing edges >= 0 and n counts >= 0, not all zero")
        x, w = np.polynomial.legendre.leggauss(8)
        half = np.diff(cut)[:, None] / 2
        values, weights = (
            (cut[:-1, None] + half * (x + 1)).ravel(),
            (mass[:, None] / mass.sum() * w / 2).ravel(),
        )
        values, weights = values[weights > 0], weights[weights > 0]
        share = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
        return cls(values, weights, quantile=lambda p: np.interp(p, share, cut), name="histogram")

    def compressed(self, rtol: float = 1e-8) -> Spectrum:
        """A spectrum of few nodes with the same limit: averages of λ^k e^{-2λu}, k = 1, 2, agree to ``rtol`` for u ≥ 0.

        For many eigenvalues and starts that are spread evenly or follow a power of λ; equal eigenvalues are merged.
        Eigenvectors, and starts given by vectors, belong to the eigenvalues themselves and cannot be used with it.
        """
        values, weights = self.numeric("Spectrum.compressed")
        tolerance = real("Spectrum.compressed", "rtol", rtol, above=0.0, meaning="the relative error allowed")
        return Spectrum(
            *compress(values, weights, tolerance), quantile=self.quantile, name=f"{self.name}, compressed"
        )

    # --- what later rooms ask ---------------------------------------------------------------------------
    @property
    def is_symbolic(self) -> bool:
        """Whether symbols remain, so that only closed forms can use this spectrum."""
        return bool(
            self.values.dtype == object
            and any(sp.sympify(v).free_symbols for v in (*self.values, *self.weights))
        )

    def numeric(self, owner: str) -> tuple[Array, Array]:
        """``(values, weights)`` as float arrays; ``ValueError`` where symbols remain."""
        if self.is_symbolic:
            raise ValueError(
                f"{owner}(spectrum=…): the spectrum still has symbols; give numbers for its eigenvalues"
            )
        return self.values.astype(float), self.weights.astype(float)

    def moment(self, k: int) -> Any:
        """``∫ λ^k dμ``: τ for k = 1, κ₂ for k = 2."""
        return (self.weights * self.values**k).sum()

    @property
    def lambda_min(self) -> Any:
        """The smallest eigenvalue of positive weight (the left edge, up to quadrature, if continuous)."""
        return min(self.values) if not self.is_symbolic else sp.Min(*self.values)

    def eigenvalues(self, d: int) -> Array:
        """The d eigenvalues, ascending, of a finite problem with this spectrum.

        A discrete measure gives each value its share of d (:func:`apportion`); a continuous one the quantiles
        ``(i - 1/2)/d``.
        """
        size = whole("Spectrum.eigenvalues", "d", d, least=2, meaning="the dimension")
        if self.quantile is not None:
            return np.asarray(self.quantile((np.arange(size) + 0.5) / size), dtype=float)
        values, weights = self.numeric("simulate")
        return np.repeat(values, apportion(weights, size))


def apportion(weights: Array, total: int) -> Array:
    """Whole numbers that sum to ``total``, within one of ``total * weights``.

    Running totals are rounded, so that what rounding takes from one mode it gives to a neighbour: the measure, not
    one end of it, is kept even where ``total`` is smaller than the number of modes.
    """
    reached = np.rint(np.cumsum(weights) * (total / weights.sum()))
    return np.diff(reached, prepend=0.0).astype(int)


def _distribution(values: Array, weights: Array, ratio: float) -> Callable[[Array], Array]:
    """Quantile function of a discretised measure, linear between the midpoints of its steps."""
    middle = np.cumsum(weights) - weights / 2
    if ratio > 1:
        atom = weights[0]
        return lambda p: np.where(p < atom, 0.0, np.interp(p, middle[1:], values[1:]))
    return lambda p: np.interp(p, middle, values)


def _array(owner: str, name: str, entries: Any) -> Array:
    """A non-empty 1-D array: floats where every entry is a number, SymPy objects otherwise."""
    array = np.asarray(entries)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{owner}: {name} has shape {array.shape}, it must be a non-empty list of numbers")
    if array.dtype == object and all(
        e.is_number if isinstance(e, sp.Expr) else isinstance(e, (int, float)) for e in array
    ):
        array = array.astype(float)
    if array.dtype.kind in "iuf":
        return array.astype(float)
    if array.dtype != object:
        raise TypeError(f"{owner}: {name} must hold numbers or SymPy expressions, not {array.dtype}")
    return array
