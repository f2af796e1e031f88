"""A population: the weighted table of coordinates that a limit is posed on and a simulation starts from.

Second room of the pipeline. A row is a coordinate: its eigenvalue, and the entries, times √d, of the learnt vectors and
of the targets. Where only second moments are stated, a node of the spectrum gets as few rows as have them exactly: a
Cholesky factor of the moments times orthogonal patterns of signs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import shown, whole
from symhigh.population.classes import NetworkClasses
from symhigh.population.overlaps import Overlaps
from symhigh.population.spectrum import Array, Spectrum
from symhigh.population.start import Start
from symhigh.symbols import lam

Columns = Mapping[sp.Symbol, Array]


@dataclass(frozen=True, eq=False)
class Population:
    """N nodes of weight ``weights`` (N,), of eigenvalue ``eigenvalues`` (N,), each of R rows of equal weight.

    ``columns`` gives the entries of each learnt vector and target, of shape (N, R); ``sampler(d, rng)`` the eigenvalues
    and entries of one finite problem, each of shape (d,). ``origin`` is what the user gave.
    """

    weights: Array
    eigenvalues: Array
    columns: Columns
    sampler: Callable[[int, np.random.Generator | None], tuple[Array, Columns]]
    origin: tuple[Any, ...]

    @classmethod
    def of(
        cls, learnt: Sequence[sp.Symbol], targets: Sequence[sp.Symbol], *given: Any, owner: str = "solve"
    ) -> Population:
        """From ``(spectrum, start)``, ``(spectrum, overlaps)`` or ``(classes,)``; raises ``TypeError`` for others."""
        match given:
            case (Population() as population,):
                return population
            case (Spectrum() as spectrum, Start() as start) if len(learnt) == len(targets) == 1:
                v11, v12, v22 = start.modes(spectrum)
                gram = np.array([[v22, v12], [v12, v11]]).transpose(2, 0, 1)
                names = (*targets, *learnt)
                sampler = partial(_pair, spectrum, start, names)
                return cls._of_moments(spectrum, names, gram, sampler, given, owner, start.further(spectrum))
            case (Spectrum() as spectrum, Overlaps() as overlaps) if len(overlaps.values) == len(learnt) + len(targets):
                order = [*range(len(learnt), len(overlaps.values)), *range(len(learnt))]  # targets first
                matrix = overlaps.values[np.ix_(order, order)]
                gram = np.broadcast_to(matrix, (spectrum.numeric(owner)[0].size, *matrix.shape))
                names = (*targets, *learnt)
                sampler = partial(_patterns, spectrum, names, cholesky(matrix[None])[0])
                return cls._of_moments(spectrum, names, gram, sampler, given, owner)
            case (NetworkClasses() as classes,) if len(learnt) == 2:
                names = (*learnt, *targets)
                values = (classes.u, classes.v, classes.theta_star)
                columns = {s: value[:, None] for s, value in zip(names, values, strict=True)}
                return cls(classes.weight, classes.lam, columns, partial(_classes, classes, names), given)
        names = ("classes",) if len(given) == 1 and {str(s) for s in learnt} == {"u", "v"} else ("spectrum", "start")
        said = ", ".join(f"{name}={shown(g)}" for name, g in zip(names, (*given, None, None), strict=False))
        raise TypeError(f"{owner}({said}): {_wanted(learnt, targets)}")

    @classmethod
    def _of_moments(
        cls, spectrum: Spectrum, names: tuple[sp.Symbol, ...], gram: Array,
        sampler: Callable[..., tuple[Array, Columns]], given: tuple[Any, ...], owner: str,
        further: Columns = MappingProxyType({}),
    ) -> Population:  # fmt: skip
        values, weights = spectrum.numeric(owner)
        entries = cholesky(gram) @ patterns(len(names))
        columns = {s: np.ascontiguousarray(entries[:, k]) for k, s in enumerate(names)}
        columns |= {s: np.broadcast_to(v[:, None], entries[:, 0].shape) for s, v in further.items()}
        return cls(weights, values, columns, sampler, given)

    def column(self, symbol: sp.Symbol) -> Array:
        """The entries of a vector, or λ, of shape (N, R)."""
        if symbol == lam:
            return np.broadcast_to(self.eigenvalues[:, None], next(iter(self.columns.values())).shape)
        return self.columns[symbol]

    def with_columns(self, expressions: Mapping[sp.Symbol, sp.Expr]) -> Columns:
        """The columns, and further ones that are expressions in them."""
        shape = next(iter(self.columns.values())).shape
        return dict(self.columns) | {
            s: np.broadcast_to(evaluate(e, self.columns), shape) for s, e in expressions.items()
        }

    def at(self, d: int, rng: np.random.Generator | None = None) -> tuple[Array, Columns]:
        """The eigenvalues and entries of one problem of dimension d, each of shape (d,); ``rng`` for random starts."""
        return self.sampler(whole("population", "d", d, least=1, meaning="the dimension"), rng)

    @property
    def random(self) -> bool:
        """Whether :meth:`at` may draw: where the start is random, or the sampler is somebody's own."""
        known = isinstance(self.sampler, partial) and self.sampler.func in (_pair, _patterns, _classes)
        return not known or any(isinstance(given, Start) and given.random for given in self.origin)

    def finite(self, d: int) -> Population:
        """The problem of dimension d as a population of its own, one node a coordinate; for starts not random."""
        values, columns = self.at(d)
        return Population(
            np.full(d, 1.0 / d), values, {s: c[:, None] for s, c in columns.items()}, self.sampler, self.origin
        )


def evaluate(expr: sp.Expr, values: Columns) -> Array:
    """``expr`` on arrays."""
    return np.asarray(_function(tuple(values), expr)(*values.values()), dtype=float)


@lru_cache(maxsize=512)
def _function(names: tuple[sp.Symbol, ...], expr: sp.Expr) -> Callable[..., Any]:
    return sp.lambdify(names, expr, np)  # the module: by its name SymPy imports all that NumPy has, f2py included


@lru_cache(maxsize=32)
def patterns(count: int) -> Array:
    """``count`` orthogonal rows of ±1 of the least length that is a power of two (Sylvester's matrices)."""
    rows = np.ones((1, 1))
    while rows.shape[0] < count:
        rows = np.block([[rows, rows], [rows, -rows]])
    order = [0, *sorted(range(1, len(rows)), key=lambda k: -np.count_nonzero(np.diff(rows[k])))]
    return np.asarray(rows[order[:count]])


def cholesky(gram: Array) -> Array:
    """Lower triangular L with ``L Lᵀ = gram`` for positive semidefinite matrices (…, k, k), singular ones included."""
    rest, factor = np.array(gram, dtype=float), np.zeros_like(gram, dtype=float)
    size = np.trace(rest, axis1=-2, axis2=-1)
    for j in range(rest.shape[-1]):
        pivot = rest[..., j, j]
        live = pivot > 1e-15 * size
        root = np.sqrt(np.where(live, pivot, 1.0))
        column = np.where(live[..., None], rest[..., :, j] / root[..., None], 0.0)
        column[..., :j] = 0.0
        factor[..., :, j] = column
        rest = rest - column[..., :, None] * column[..., None, :]
    return factor


def _pair(
    spectrum: Spectrum, start: Start, names: tuple[sp.Symbol, ...], d: int, rng: np.random.Generator | None
) -> tuple[Array, Columns]:
    first, target = start.vectors(spectrum, d, rng)
    root = np.sqrt(d)
    return np.ascontiguousarray(spectrum.eigenvalues(d)), dict(zip(names, (root * target, root * first), strict=True))


def _patterns(
    spectrum: Spectrum, names: tuple[sp.Symbol, ...], factor: Array, d: int, rng: np.random.Generator | None
) -> tuple[Array, Columns]:
    rows = patterns(len(names))
    entries = factor @ rows[:, np.arange(d) % rows.shape[1]]
    return np.ascontiguousarray(spectrum.eigenvalues(d)), {s: entries[k].copy() for k, s in enumerate(names)}


def _classes(
    classes: NetworkClasses, names: tuple[sp.Symbol, ...], d: int, rng: np.random.Generator | None
) -> tuple[Array, Columns]:
    values, target, first, second = classes.coordinates(d)
    return values, dict(zip(names, (first, second, target), strict=True))


def _wanted(learnt: Sequence[sp.Symbol], targets: Sequence[sp.Symbol]) -> str:
    if len(learnt) == len(targets) == 1:
        return "give a Spectrum and a Start"
    if len(targets) == 1 and {str(s) for s in learnt} == {"u", "v"}:
        return "give NetworkClasses"
    return f"give a Spectrum and the Overlaps of all {len(learnt) + len(targets)} directions"
