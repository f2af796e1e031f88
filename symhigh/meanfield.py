"""The one truth of a derivation: a mean-field Itô SDE of one coordinate, coupled to the others through averages.

Stands between derivation and the closures that make a solvable system of it (moments, a density, particles).
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sympy as sp


def read_only(entries: Mapping[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping of ``entries`` that cannot be changed."""
    return MappingProxyType(dict(entries))


# read-only mappings hold the parts of results, which go to other processes and into caches
copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))


@dataclass(frozen=True)
class Family:
    """Modes i = 1 … N with one right-hand side.

    ``states`` evolve as ``d states/dt = rhs``; ``coefficients`` are constant in time and differ from mode to
    mode. ``definitions`` gives each state and each coefficient of the start in terms of a coordinate's entries times
    √d: its average over the coordinates of a mode is the state of a simulation, and the start of the limit. Errors of a
    state in ``sizes`` are measured beside the root of the product of what stands there, states or coefficients.
    """

    states: tuple[sp.Symbol, ...]
    coefficients: tuple[sp.Symbol, ...]
    rhs: tuple[sp.Expr, ...]
    definitions: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict, hash=False)
    sizes: Mapping[sp.Symbol, tuple[sp.Symbol, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Reduction:
    """``name = sum_i w_i summand_i``, the weighted average of ``summand`` over the modes of the family."""

    name: sp.Symbol
    summand: sp.Expr


@dataclass(frozen=True)
class Scalar:
    """``name = expression`` of reductions, scalar states, parameters, t and scalars before it."""

    name: sp.Symbol
    expression: sp.Expr


@dataclass(frozen=True)
class ScalarState:
    """A scalar that evolves: ``d name/dt = rhs``, ``name(0) = initial`` (of parameters and reductions)."""

    name: sp.Symbol
    rhs: sp.Expr
    initial: sp.Expr


@dataclass(frozen=True, eq=False)
class MeanField:
    """``dv = drift dt + covariance^(1/2) dB`` for the vectors v of one coordinate, as the dimension grows.

    ``coordinates`` are the vectors' entries, of order one (a linear model's is ``√d X_i``); ``learnt`` are those
    that the predictions are made of; ``cells`` have no noise;
    ``coefficients`` are constant in time: λ, the target's entry, constant directions. ``covariance`` is the rate of
    quadratic covariation of the coordinates, ``noise`` a factor of it where one is known, a column a Brownian motion.
    ``effective`` are the weights that the data see, one a student, in terms of the coordinates. Coordinates meet only
    in ``couplings``, ``name = Σ_i w_i E summand_i``; ``scalars``, in their order, are functions of couplings, of the
    memories ``states`` and of each other. ``begins`` says where vectors and constant directions start in terms of X,
    zero where it says nothing; ``cell_starts`` likewise.
    """

    coordinates: tuple[sp.Symbol, ...]
    learnt: tuple[sp.Symbol, ...]
    cells: tuple[sp.Symbol, ...]
    coefficients: tuple[sp.Symbol, ...]
    targets: tuple[sp.Symbol, ...]
    effective: tuple[sp.Expr, ...]
    drift: tuple[sp.Expr, ...]
    covariance: sp.ImmutableMatrix
    noise: sp.ImmutableMatrix | None
    cell_drift: tuple[sp.Expr, ...]
    couplings: tuple[Reduction, ...]
    scalars: tuple[Scalar, ...]
    states: tuple[ScalarState, ...]
    outputs: dict[str, sp.Expr]
    begins: dict[sp.Symbol, sp.Expr]
    cell_starts: dict[sp.Symbol, sp.Expr]
    rotation_invariant: bool
    assumptions: tuple[str, ...]

    @property
    def family(self) -> Family:
        """The coordinates as a family of modes with one right-hand side, their noise apart."""
        return Family((*self.coordinates, *self.cells), self.coefficients, (*self.drift, *self.cell_drift))

    def generator(self, f: sp.Expr) -> sp.Expr:
        """``lim E[df]/dt`` for a function f of the coordinates, by Itô's formula."""
        return generator(f, dict(zip(self.coordinates, self.drift, strict=True)), self.covariance)


def generator(f: sp.Expr, drift: dict[sp.Symbol, sp.Expr], covariance: sp.ImmutableMatrix) -> sp.Expr:
    """``Σ b_i ∂_i f + (1/2) Σ A_ij ∂_i ∂_j f``."""
    names = tuple(drift)
    first = sum((drift[v] * sp.diff(f, v) for v in names), sp.S.Zero)
    second = sum(
        (covariance[i, j] * sp.diff(f, v, w) for i, v in enumerate(names) for j, w in enumerate(names)), sp.S.Zero
    )
    return first + second / 2
