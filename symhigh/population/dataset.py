"""Rows with labels: what SGD passes over several times, and the least squares problem that they pose.

A population of its own kind, beside spectra and starts. With rows a_i and labels b_i, the mean loss over the rows,

    L(X) = (1/2n) Σ (<a_i, X> - b_i)² = ½ (X - X̂)ᵀH(X - X̂) + L̂,    H = AᵀA/n,

is least squares with covariance H, target X̂ = H⁺Aᵀb/n and the label noise ``ω² = 2L̂`` of residuals that are
uncorrelated with the rows. Nothing is estimated by it: it is what a step on a row drawn at random sees.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symhigh.checks import array
from symhigh.population.data import read_rows
from symhigh.population.dimension import EffectiveDimensionWarning
from symhigh.population.spectrum import Array, Spectrum
from symhigh.population.start import Start


@dataclass(frozen=True, eq=False)
class Dataset:
    """n samples of d features, ``rows`` (n, d), with ``labels`` (n,); n may be below or above d.

    Features should be scaled so that ``tr H = O(d)``, as for the limits: a rate γ moves X by γ/d times the gradient of
    a row. Columns are taken as they are; subtract their means first where samples are to be centred.
    """

    rows: Array
    labels: Array

    def __post_init__(self) -> None:
        rows = read_rows("Dataset", self.rows)
        labels = array("Dataset", "labels", self.labels, meaning="a number a row")
        if labels.shape != rows.shape[:1]:
            raise ValueError(f"Dataset: labels has shape {labels.shape}, rows {rows.shape}; give one label a row")
        if rows.shape[0] < 2 or rows.shape[1] < 2:
            raise ValueError(f"Dataset(rows of shape {rows.shape}): needs at least 2 rows and 2 features")
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "labels", labels)

    def __repr__(self) -> str:
        return f"Dataset({self.n} rows of {self.d} features, least mean loss {self.least:.6g})"

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.rows.shape[0])

    @property
    def d(self) -> int:
        """How many features a row has."""
        return int(self.rows.shape[1])

    @cached_property
    def spectrum(self) -> Spectrum:
        """The eigenvalues of ``H = AᵀA/n``, zero ones included, with their eigenvectors; see ``Spectrum.from_data``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EffectiveDimensionWarning)  # what solves or simulates says it
            return Spectrum.from_data(self.rows)

    @cached_property
    def nodes(self) -> Array:
        """The node of ``spectrum`` that each eigenvector belongs to, shape (d,); equal eigenvalues share one."""
        members = self.spectrum.members
        return np.arange(self.d) if members is None else np.sort(members)

    @property
    def eigenvalues(self) -> Array:
        """The eigenvalues of H, shape (d,), ascending; zeros are exact."""
        return np.asarray(self.spectrum.values[self.nodes], dtype=float)

    @cached_property
    def basis(self) -> Array:
        """The eigenvectors of H as columns, shape (d, d), in the order of ``eigenvalues``."""
        spectrum = self.spectrum
        assert spectrum.basis is not None
        order = slice(None) if spectrum.members is None else np.argsort(spectrum.members, kind="stable")
        return spectrum.basis[:, order]

    @cached_property
    def minimiser(self) -> Array:
        """X̂, the minimiser of the mean loss of least norm, shape (d,)."""
        values, basis = self.eigenvalues, self.basis
        along = basis.T @ (self.rows.T @ self.labels) / self.n
        return np.asarray(basis @ np.divide(along, values, out=np.zeros_like(along), where=values > 0))

    @cached_property
    def residuals(self) -> Array:
        """``b - AX̂``, shape (n,); zero to rounding, and then exactly zero, where the rows are interpolated."""
        found = self.labels - self.rows @ self.minimiser
        rounding = 1e3 * max(self.n, self.d) * np.finfo(float).eps * np.abs(self.labels).max(initial=0.0)
        return np.where(np.abs(found).max() > rounding, found, 0.0)

    @property
    def least(self) -> float:
        """The least mean loss, ``|b - AX̂|²/(2n)``."""
        return float(self.residuals @ self.residuals) / (2 * self.n)

    @property
    def noise(self) -> float:
        """ω, the root mean square of the residuals: the label noise that the limit sees."""
        return float(np.sqrt(2 * self.least))

    def start(self, X0: Any = None) -> Start:
        """The start of SGD from ``X0``, shape (d,), zero by default, with X̂ as the target."""
        return Start.from_vectors(self.origin("Dataset.start", X0), self.minimiser)

    def origin(self, owner: str, X0: Any) -> Array:
        """``X0`` as a vector of shape (d,); zero where it is None."""
        if X0 is None:
            return np.zeros(self.d)
        found = array(owner, "X0", X0, meaning="the first iterate")
        if found.shape != (self.d,):
            raise ValueError(f"{owner}: X0 has shape {found.shape}, the rows have {self.d} features")
        return found

    def loss(self, X: Any) -> float:
        """The mean loss at X, shape (d,)."""
        residual = self.rows @ self.origin("Dataset.loss", X) - self.labels
        return float(residual @ residual) / (2 * self.n)

    def alignment(self, X: Any = None) -> float:
        """``E r²‖a‖²/(E r² E‖a‖²)`` at X (the minimiser by default) over the rows, r the residual; 1 where r is zero.

        The limit takes it to be 1. It is above 1 where long rows carry large residuals: gradients are then larger than
        the limit has them, by that factor.
        """
        at = self.minimiser if X is None else self.origin("Dataset.alignment", X)
        squares = (self.rows @ at - self.labels) ** 2 if X is not None else self.residuals**2
        lengths = (self.rows**2).sum(axis=1)
        whole = float(squares.mean() * lengths.mean())
        return float((squares * lengths).mean()) / whole if whole > 0 else 1.0
