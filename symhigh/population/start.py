"""Where the iterate starts and where the target lies: the law of (X₀, X*) over the modes of K.

First room of the pipeline. In mode i the limit needs ``V11 = d X_i²``, ``V12 = d X_i X*_i``, ``V22 = d X*_i²``
(*The High Line*, arXiv 2405.19585, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, flag, instance, parameter
from symhigh.population.edge import CLOSE, edge_power
from symhigh.population.spectrum import Array, Spectrum
from symhigh.symbols import D2, V00, V10, V11, V12, V20, V22, lam


@dataclass(frozen=True, eq=False)
class Start:
    """Squared norms ``x0 = ‖X₀‖²``, ``x_star = ‖X*‖²`` and ``overlap = <X₀, X*>``, spread evenly over the modes.

    ``|overlap| ≤ √(x0 x_star)``. With ``random=True`` every simulated run draws its own Gaussian pair with these
    second moments; otherwise one delocalised deterministic pair is used by all runs. Numbers or, for closed
    forms, SymPy expressions.
    """

    x0: Any = 0
    x_star: Any = 1
    overlap: Any = 0
    random: bool = False
    profile: sp.Expr = sp.S.One
    vectors_given: tuple[Array, Array] | None = None

    def __post_init__(self) -> None:
        for name, meaning in (("x0", "the squared norm of X0"), ("x_star", "the squared norm of X*")):
            object.__setattr__(
                self, name, parameter("Start", name, getattr(self, name), positive=False, meaning=meaning)
            )
        meaning = "the inner product <X0, X*>"
        object.__setattr__(
            self, "overlap", parameter("Start", "overlap", self.overlap, positive=None, meaning=meaning)
        )
        object.__setattr__(
            self,
            "random",
            flag("Start", "random", self.random, meaning="whether every run draws its own start"),
        )
        instance("Start", "profile", self.profile, sp.Expr, "a power of symhigh.symbols.lam")
        gap = self.x0 * self.x_star - self.overlap**2
        if gap.is_number and float(gap) < -1e-12 * float(self.x0 * self.x_star):
            raise ValueError(
                f"Start(overlap={self.overlap}): |overlap| must be <= sqrt(x0*x_star) = "
                f"{float(sp.sqrt(self.x0 * self.x_star)):.6g} (Cauchy-Schwarz)"
            )

    @classmethod
    def power_law(cls, delta: Any) -> Start:
        """``X₀ = 0`` and ``d X*_i² = λ_i^{-δ}`` (High Line, Prop. 4.4)."""
        power = parameter(
            "Start.power_law", "delta", delta, positive=False, meaning="the exponent of the target"
        )
        return cls(0, 1, 0, profile=lam ** (-power))

    @classmethod
    def from_vectors(cls, X0: Any, X_star: Any) -> Start:
        """The start of one problem of fixed dimension: two vectors of shape (d,).

        In the basis of the covariance where the spectrum came from one, else in its eigenbasis.
        """
        first, second = (
            array("Start.from_vectors", name, given, meaning="a vector of shape (d,)")
            for name, given in (("X0", X0), ("X_star", X_star))
        )
        if first.shape != second.shape:
            raise ValueError(
                f"Start.from_vectors: X0 has shape {first.shape}, X_star {second.shape}; "
                "both must be vectors of one length d"
            )
        return cls(
            float(first @ first), float(second @ second), float(first @ second), vectors_given=(first, second)
        )

    @property
    def distance(self) -> sp.Expr:
        """``‖X₀ - X*‖²`` where it is spread evenly (``profile = 1``)."""
        return self.x0 - 2 * self.overlap + self.x_star

    @property
    def dimension(self) -> int | None:
        """The d of a start given by vectors."""
        return None if self.vectors_given is None else self.vectors_given[0].size

    @property
    def exponent(self) -> float:
        """δ of a start that follows ``λ^{-δ}``; 0 where it is spread evenly."""
        return 0.0 if self.profile == 1 else -float(self.profile.as_base_exp()[1])

    def distance_is_infinite(self, spectrum: Spectrum) -> bool:
        """Whether ``∫ λ^{-δ} dμ`` diverges at λ = 0: ‖X₀ - X*‖² is infinite then, and stays so."""
        return self.exponent > 0 and edge_power(spectrum) <= self.exponent + CLOSE

    def modes(self, spectrum: Spectrum) -> tuple[Array, Array, Array]:
        """``(V11, V12, V22)`` at the nodes of the spectrum, three float arrays of shape (N,).

        Raises ``ValueError`` where ``E x*² = ∫ λ^{1-δ} dμ`` is infinite.
        """
        values, _ = spectrum.numeric("solve")
        if self.exponent > 0 and (power := edge_power(spectrum)) + 1 <= self.exponent + CLOSE:
            raise ValueError(
                f"Start.power_law(delta={self.exponent:g}): E x*^2 = ∫ λ^(1-delta) dμ, and with it the risk, is "
                f"infinite on this spectrum, whose mass below λ falls like λ^{power:.6g}; delta must be below "
                f"{power + 1:.6g}"
            )
        if self.vectors_given is not None:
            d, place = spectrum.given, spectrum.members
            X0, X_star = self._in_eigenbasis(spectrum, d)
            v11, v12, v22 = d * X0**2, d * X0 * X_star, d * X_star**2
            if place is None:
                return v11, v12, v22
            place, count = np.sort(place), np.bincount(place)
            return tuple(np.bincount(place, weights=m) / count for m in (v11, v12, v22))  # type: ignore[return-value]
        scale = self.profile_at(values)
        return tuple(float(m) * scale for m in self._moments())  # type: ignore[return-value]

    def mode_values(self, spectrum: Spectrum) -> dict[sp.Symbol, Array]:
        """Every state and coefficient that a limit may start from, at the nodes of the spectrum; X0 is X itself."""
        v11, v12, v22 = self.modes(spectrum)
        return {V11: v11, V12: v12, V22: v22, D2: v11 - 2 * v12 + v22, V10: v11, V00: v11, V20: v12}

    def further(self, spectrum: Spectrum) -> Mapping[sp.Symbol, Array]:
        """Further numbers that a system wants of each node of the spectrum, beside the moments; none here."""
        return {}

    def mode_size(self, spectrum: Spectrum) -> Array:
        """The size of a mode's states, V11 + V22, which tolerances are relative to."""
        v11, _, v22 = self.modes(spectrum)
        return v11 + v22

    def vectors(
        self, spectrum: Spectrum, d: int, rng: np.random.Generator | None = None
    ) -> tuple[Array, Array]:
        """``(X₀, X*)`` in the eigenbasis at dimension d, two arrays of shape (d,), in the order of the eigenvalues.

        Deterministic pairs alternate ``X₀_i = √(x0/d) (ρ ± √(1-ρ²))`` against ``X*_i = √(x_star/d)``: the averages
        over neighbouring modes are exact, and no coordinate is large. ``rng`` is used for random starts only.
        """
        if self.vectors_given is not None:
            X0, X_star = self._in_eigenbasis(spectrum, d)
            return X0.copy(), X_star.copy()
        m11, m12, m22 = map(float, self._moments())
        root = np.sqrt(self.profile_at(spectrum.eigenvalues(d)) / d)
        rho = m12 / np.sqrt(m11 * m22) if m11 * m22 > 0 else 0.0
        across = np.sqrt(max(0.0, 1 - rho**2))
        if self.random:
            if rng is None:
                raise ValueError("Start(random=True).vectors: rng is needed to draw the start")
            along, normal = rng.standard_normal((2, d))
        else:
            along, normal = np.ones(d), np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
        return np.sqrt(m11) * root * (rho * along + across * normal), np.sqrt(m22) * root * along

    def _moments(self) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        moments = (self.x0, self.overlap, self.x_star)
        if any(m.free_symbols for m in moments):
            raise ValueError(
                "Start: give numbers for x0, x_star and overlap to integrate or simulate; symbols are "
                "for closed forms"
            )
        return moments

    def profile_at(self, values: Array) -> Array:
        """How much of the start's energy a mode of each eigenvalue carries, against the even spread."""
        if self.profile == 1:
            return np.ones(values.size)
        if (values == 0).any():
            raise ValueError("Start.power_law: needs a spectrum without zero eigenvalues")
        return values ** (-self.exponent)

    def _in_eigenbasis(self, spectrum: Spectrum, d: int) -> tuple[Array, Array]:
        assert self.vectors_given is not None
        X0, X_star = self.vectors_given
        if X0.size != d or spectrum.given != d or spectrum.quantile is not None:
            raise ValueError(
                f"Start.from_vectors: vectors of length {X0.size} need a spectrum of {X0.size} eigenvalues "
                f"and d={X0.size}; the spectrum has {spectrum.given}, d={d}"
            )
        if spectrum.basis is not None:
            X0, X_star = spectrum.basis.T @ X0, spectrum.basis.T @ X_star
        if spectrum.members is None:
            return X0, X_star
        order = np.argsort(spectrum.members, kind="stable")  # eigenvalues(d) has equal ones side by side
        return X0[order], X_star[order]
