"""Spectra of the data covariance K, as probability measures on the eigenvalue λ.

First room of the pipeline. In the limit d → ∞ only the measure matters: an average over the d modes becomes
``sum_i w_i (…)`` over the nodes held here, weights being fractions of d. A continuous measure is held as a
quadrature rule, and by its quantile function, from which the d eigenvalues of a finite problem are taken.
One file: one class and its constructors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, array_or_expressions, parameter, real, refuse_type, whole
from symhigh.notation import html_table
from symhigh.population.data import MOST_WORK, read_rows, stable_rate
from symhigh.population.dimension import EffectiveDimensionWarning, warn_of_few_dimensions
from symhigh.population.eigenvalues import apportion, precision, settled, without_rounding
from symhigh.population.measure import (
    HORIZON,
    LEAST,
    RTOL,
    RTOL_LEAST,
    Power,
    Tabulated,
    WithAtom,
    compress,
    quantile_of_density,
    rule_of_density,
    rule_of_histogram,
)
from symhigh.population.measure import Array as Array


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A measure ``sum_i weights_i δ(values_i)`` on eigenvalues; build it with one of the class methods.

    ``values`` and ``weights`` have shape (N,); they are floats, or SymPy objects where the user gave symbols
    (then only closed forms can use them). ``quantile`` is set for continuous measures. ``members`` (d,) is the node of
    each eigenvalue that the spectrum was made from, where equal ones were merged; ``basis`` (d, d) holds eigenvectors,
    one a column in that order, where it came from a covariance matrix. ``ratio`` is that of a Marchenko-Pastur law, by
    which closed forms know it exactly. ``error`` is what rules and compressed spectra are right to, see
    :meth:`from_density`; 0 where the measure is exact. ``dimension`` is the d of a spectrum that stands for one finite
    problem, made from a covariance; ``stable_rate`` is set by :meth:`from_data`.
    """

    values: Array
    weights: Array
    quantile: Callable[[Array], Array] | None = None
    basis: Array | None = None
    name: str = "spectrum"
    ratio: float | None = None
    members: Array | None = None
    error: float = 0.0
    dimension: int | None = None
    stable_rate: float | None = None

    def __repr__(self) -> str:
        kind = "continuous, " if self.quantile is not None else ""
        if any(isinstance(v, sp.Basic) for v in (*self.values, *self.weights)):
            shown = [*map(str, self.values[:6]), *["…"] * (self.values.size > 6)]
            return f"Spectrum({self.name}: {', '.join(shown)})"
        low, high, mean = float(min(self.values)), float(max(self.values)), float(self.weights @ self.values)
        return f"Spectrum({self.name}: {kind}{self.values.size} nodes, {low:.4g} … {high:.4g}, mean {mean:.6g})"

    def _repr_html_(self) -> str:
        if self.is_symbolic:
            shown = zip(map(str, self.values[:12]), map(str, self.weights[:12]), strict=True)
            return html_table(("eigenvalue", "share"), [*shown, *[("…", "…")] * (self.values.size > 12)])
        values, weights = self.numeric("Spectrum")
        low, high = float(values.min()), float(values.max())
        mean, square = float(weights @ values), float(weights @ values**2)
        rows = [
            ("law", self.name), ("nodes", f"{values.size}{', continuous' if self.quantile is not None else ''}"),
            ("eigenvalues", f"{low:.6g} … {high:.6g}"), ("tr K/d", f"{mean:.6g}"), ("tr K²/d", f"{square:.6g}"),
            ("condition number", f"{high / low:.6g}" if low > 0 else "∞"),
        ]  # fmt: skip
        return html_table(("spectrum", ""), rows)

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

        Without weights, a list of d eigenvalues is the spectrum of a d×d covariance. Equal values become one node,
        in the place of the first: modes of one eigenvalue obey one linear equation, and so does their average.

        Values within ``d eps max(values)`` of zero are what rounding leaves of zero: negative ones become zero, and in
        a list without weights positive ones too where a gap separates them from the others (with a warning, unless
        there are negative ones). Weights keep the smallest values as they are.
        """
        owner = "Spectrum.from_eigenvalues"
        vals = array_or_expressions(
            owner, "values", values, meaning="the eigenvalues of a covariance", least=-np.inf
        )
        if weights is None:
            share = sp.Rational(1, vals.size) if vals.dtype == object else 1.0 / vals.size
            wts = np.full(vals.size, share, dtype=vals.dtype)
        else:
            wts = array_or_expressions(owner, "weights", weights, meaning="the share of each eigenvalue")
        if wts.shape != vals.shape:
            raise ValueError(f"{owner}: weights has shape {wts.shape}, values {vals.shape}; they must match")
        if vals.dtype == object or wts.dtype == object:
            vals, wts = vals.astype(object), wts.astype(object)
            total = sp.simplify(sum(sp.sympify(w, strict=True) for w in wts))  # a short sum of fractions
            if total.is_number and abs(float(total) - 1) > 1e-9:
                raise ValueError(f"{owner}: weights must sum to one, they sum to {total}")
            return cls(vals, wts)
        vals = settled(owner, vals, precision(values), listed=weights is None)
        if (wts <= 0).any() or abs(wts.sum() - 1) > 1e-9:
            raise ValueError(
                f"{owner}: weights must be > 0 and sum to one, they sum to {wts.sum():.12g}; "
                "divide them by their sum"
            )
        _, first, place = np.unique(vals, return_index=True, return_inverse=True)
        if first.size == vals.size:
            return cls(vals, wts)
        members = np.argsort(np.argsort(first))[place]
        return cls(vals[np.sort(first)], np.bincount(members, weights=wts), members=members)

    @classmethod
    def from_covariance(cls, K: Any) -> Spectrum:
        """The spectrum of a symmetric positive semi-definite (d, d) matrix; keeps its eigenvectors.

        Eigenvalues of at most ``d eps ‖K‖``, eps of the type of K, are what rounding leaves of zero, and become zero;
        and those that are no larger than the most negative one. Warns
        (:class:`EffectiveDimensionWarning`) where few directions carry the trace.
        """
        matrix = array("Spectrum.from_covariance", "K", K, ndim=2, meaning="a covariance matrix")
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"Spectrum.from_covariance: K has shape {matrix.shape}, it must be square")
        scale = np.abs(matrix).max()
        if np.abs(matrix - matrix.T).max() > 1e-10 * scale:
            raise ValueError("Spectrum.from_covariance: K must be finite and symmetric; use (K + K.T)/2")
        values, basis = np.linalg.eigh(matrix / 2 + matrix.T / 2)
        spectrum = cls.from_eigenvalues(without_rounding("Spectrum.from_covariance", values, precision(K)))
        found = replace(spectrum, basis=basis, dimension=values.size)
        warn_of_few_dimensions("Spectrum.from_covariance", found)
        return found

    @classmethod
    def from_data(cls, rows: Any) -> Spectrum:
        """The spectrum of ``K = rows.T @ rows/n``, the second moments of n samples of d features, shape (n, d).

        Its limit is that of Gaussian samples with this K. ``stable_rate`` of the result is the least upper bound of the
        constant rates at which SGD on these very rows converges in mean square, from their fourth moments; None where
        it takes long, n d² > 1e9, see :func:`~symhigh.population.data.stable_rate`. Subtract the columns' means first
        where samples are to be centred.
        """
        samples = read_rows("Spectrum.from_data", rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EffectiveDimensionWarning)  # said below, with the stable rate
            found = cls.from_covariance(samples.T @ samples / len(samples))
        quick = samples.size * samples.shape[1] <= MOST_WORK
        found = replace(found, stable_rate=stable_rate(samples) if quick else None, name="data")
        warn_of_few_dimensions("Spectrum.from_data", found)
        return found

    @classmethod
    def power_law(cls, beta: Any, rtol: float = RTOL, horizon: float = HORIZON) -> Spectrum:
        """Density ``(1 - β) λ^{-β}`` on (0, 1), with β < 1 (High Line, Prop. 4.4).

        Nodes are those of :meth:`from_density`.
        """
        meaning = "the exponent of the density, which has unit mass for beta < 1 only"
        b = real("Spectrum.power_law", "beta", beta, least=-100.0, below=1.0, meaning=meaning)
        accuracy = _accuracy("power_law", rtol, horizon)
        mass = 1.0 if LEAST ** (1 - b) > 1e-14 else 0.0
        values, weights = rule_of_density(lambda v: (1 - b) * v**-b, 0.0, 1.0, *accuracy, mass)
        name, quantile = f"power law, beta={b:g}", Power(1 / (1 - b))
        return cls(values, weights, quantile=quantile, name=name, error=accuracy[0])

    @classmethod
    def marchenko_pastur(
        cls, ratio: Any, nodes: int | None = None, rtol: float = RTOL, horizon: float = HORIZON
    ) -> Spectrum:
        """Marchenko-Pastur law of ``Z Z^T/n`` with ``ratio = d/n``; an atom at 0 where the ratio exceeds one.

        The density is ``√((λ₊ - λ)(λ - λ₋))/(2π r λ)`` on (λ₋, λ₊), ``λ± = (1 ± √r)²``. Nodes are those of
        :meth:`from_density`; with ``nodes``, as many of the midpoint rule in θ, ``λ = 1 + r + 2 √r cos θ``, which is
        exact for polynomials and slow near ratio one.
        """
        owner = "Spectrum.marchenko_pastur"
        r = real(
            owner, "ratio", ratio, above=0.0, least=1e-12, below=1e12, meaning="d/n, dimension over samples"
        )
        accuracy = _accuracy("marchenko_pastur", rtol, horizon)
        low, high, share = (1 - np.sqrt(r)) ** 2, (1 + np.sqrt(r)) ** 2, min(1.0, 1 / r)

        def density(v: Array) -> Array:
            return np.sqrt(np.maximum((high - v) * (v - low), 0.0)) / v

        if nodes is None:
            values, weights = rule_of_density(density, low, high, *accuracy)
        else:
            n = whole(owner, "nodes", nodes, least=2, meaning="the number of quadrature nodes")
            theta = np.pi * (np.arange(n)[::-1] + 0.5) / n
            values = 1 + r + 2 * np.sqrt(r) * np.cos(theta)
            weights = np.sin(theta) ** 2 / values
        weights = weights * share / weights.sum()
        if r > 1:
            values, weights = np.append(0.0, values), np.append(1 - share, weights)
        quantile = WithAtom(share, quantile_of_density(density, low, high))
        name, error = f"Marchenko-Pastur, ratio={r:g}", accuracy[0] if nodes is None else np.nan
        return cls(values, weights, quantile=quantile, name=name, ratio=r, error=error)

    @classmethod
    def from_density(
        cls,
        density: Callable[[Array], Array],
        low: float,
        high: float,
        rtol: float = RTOL,
        horizon: float = HORIZON,
    ) -> Spectrum:
        """A continuous spectrum on (low, high), 0 ≤ low < high; ``density`` maps arrays to arrays, of any total mass.

        As many nodes as averages of λ^k e^{-2λu}, k = 0, 1, 2, need to be right to ``rtol`` for 0 ≤ u ≤ ``horizon``, by
        a nested pair of rules. u is the clock Γ(t) = ∫γ dt, so t_end times the largest rate is a safe horizon; the cost
        grows like its logarithm, and not with d. Densities may be infinite, but integrable, at zero.
        """
        top = real(
            "Spectrum.from_density",
            "high",
            high,
            above=0.0,
            below=1e100,
            meaning="the upper end of the spectrum",
        )
        bottom = real(
            "Spectrum.from_density", "low", low, least=0.0, below=top, meaning="the lower end, below high"
        )
        if not callable(density):
            refuse_type(
                "Spectrum.from_density", "density", density, "a function of arrays", "the density of λ"
            )
        accuracy = _accuracy("from_density", rtol, horizon)
        values, weights = rule_of_density(density, bottom, top, *accuracy)
        quantile = quantile_of_density(density, bottom, top)
        return cls(values, weights, quantile=quantile, name="density", error=accuracy[0])

    @classmethod
    def from_histogram(
        cls, edges: Any, counts: Any, rtol: float = RTOL, horizon: float = HORIZON
    ) -> Spectrum:
        """A spectrum that is uniform inside each bin: ``edges`` (n + 1,) ≥ 0 and increasing, ``counts`` (n,) ≥ 0.

        Nodes are chosen for ``rtol`` and ``horizon`` as in :meth:`from_density`, and compressed.
        """
        owner = "Spectrum.from_histogram"
        cut = array(owner, "edges", edges, meaning="the edges of the bins")
        mass = array(owner, "counts", counts, meaning="what each bin holds")
        mass = mass / max(1.0, float(mass.max()) / 1e300)  # only shares of the sum count
        wrong = cut.size != mass.size + 1 or cut[0] < 0 or np.diff(cut).min() <= 0
        if wrong or mass.min() < 0 or not mass.sum() > 0:
            raise ValueError(f"{owner}: needs n + 1 increasing edges >= 0 and n counts >= 0, not all zero")
        tolerance, end = _accuracy("from_histogram", rtol, horizon)
        fine = rule_of_histogram(cut, mass, tolerance / 2, end)
        values, weights, _ = compress(*fine, tolerance / 2, end)
        share = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
        return cls(values, weights, quantile=Tabulated(share, cut), name="histogram", error=tolerance)

    def compressed(self, rtol: float = 1e-8, horizon: float = HORIZON) -> Spectrum:
        """A spectrum of few nodes with the same limit: averages of λ^k e^{-2λu}, k = 0, 1, 2, agree to ``rtol``.

        For all u up to ``horizon``, see :meth:`from_density`; ``error`` of the result is the difference measured. For
        many eigenvalues and starts that are spread evenly or follow a power of λ. Eigenvectors, and starts given by
        vectors, belong to the eigenvalues themselves and cannot be used with it.
        """
        given = self.numeric("Spectrum.compressed")
        values, weights, error = compress(*given, *_accuracy("compressed", rtol, horizon))
        name = f"{self.name}, compressed"
        return Spectrum(
            values, weights, quantile=self.quantile, name=name, ratio=self.ratio, error=error + self.error
        )

    # --- what later rooms ask ---------------------------------------------------------------------------
    @property
    def given(self) -> int:
        """How many eigenvalues the spectrum was made from: the d of vectors that go with it."""
        return int(self.values.size if self.members is None else self.members.size)

    @property
    def is_symbolic(self) -> bool:
        """Whether symbols remain, so that only closed forms can use this spectrum."""
        return bool(
            self.values.dtype == object
            and any(isinstance(v, sp.Basic) and v.free_symbols for v in (*self.values, *self.weights))
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
        size = whole("Spectrum.eigenvalues", "d", d, least=2, most=2**32, meaning="the dimension")
        if self.quantile is not None:
            return np.asarray(self.quantile((np.arange(size) + 0.5) / size), dtype=float)
        values, weights = self.numeric("simulate")
        return np.repeat(values, apportion(weights, size))


def _accuracy(owner: str, rtol: Any, horizon: Any) -> tuple[float, float]:
    return (
        real(
            f"Spectrum.{owner}",
            "rtol",
            rtol,
            above=0.0,
            least=RTOL_LEAST,
            below=1.0,
            meaning="the relative error allowed",
        ),
        real(
            f"Spectrum.{owner}", "horizon", horizon, above=0.0, below=1e60, meaning="the largest clock ∫γ dt"
        ),
    )
