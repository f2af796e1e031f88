"""Where the modes of a limit start: a system's definitions on the rows of a population.

Stands between populations and everything that integrates or simulates.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import sympy as sp

from symhigh.derivation.mean_field import DIAGONAL
from symhigh.population import Overlaps, Population, Spectrum, Start
from symhigh.population.population import Columns, evaluate
from symhigh.population.spectrum import Array
from symhigh.symbols import lam
from symhigh.system import MomentSystem


def population_of(system: MomentSystem, *given: object, owner: str = "solve") -> Population:
    """The population that ``given`` states for the vectors of ``system``; ``ValueError`` for a K that mixes entries."""
    bases = [g.basis for g in given if isinstance(g, Spectrum) and g.basis is not None]
    if bases and not diagonal(bases[0]):
        check_coordinates(owner, "spectrum with eigenvectors", system)
    return Population.of(system.field.learnt, system.field.targets, *given, owner=owner)


def diagonal(matrix: Array) -> bool:
    """Whether every row has one entry that is not rounding."""
    size = np.abs(matrix)
    return bool(((size > 1e-10 * size.max()).sum(axis=1) <= 1).all())


def check_coordinates(owner: str, given: str, system: MomentSystem) -> None:
    """Refuse a K that is not diagonal for a rule that moves every coordinate by itself."""
    if DIAGONAL in system.field.assumptions:
        rule = type(system.rule).__name__
        raise ValueError(
            f"{owner}({given}): {rule} moves every coordinate by itself, so its limit needs K diagonal in the "
            "coordinates, and this K is not; a limit would need the joint law of the coordinates that K mixes. Give "
            "the diagonal of K, or a rule that is invariant under rotations"
        )


Start_ = tuple[Population, Array, Array, Array]
_FEW, _DOUBLE = 64, np.dtype(np.float64)


def modes_of(system: MomentSystem, spectrum: object, start: object) -> Start_:
    """The population and :func:`starting_modes`; of few modes they are kept, for as long as their numbers stay."""
    content = contents(spectrum, start)
    if content is None:
        return _modes_of(system, spectrum, start)
    population, coef, states, size = _kept(system, spectrum, start, content)
    return population, coef.copy(), states.copy(), size.copy()


def contents(spectrum: object, start: object) -> tuple[bytes, ...] | None:
    """The numbers in the arrays of a spectrum and a start, if these are few floats; else None."""
    if not isinstance(spectrum, Spectrum) or spectrum.values.size > _FEW:
        return None
    if not isinstance(start, (Start, Overlaps)):
        return None
    own = start.vectors_given or () if isinstance(start, Start) else (start.values,)
    arrays = (spectrum.values, spectrum.weights, *own)
    return None if any(a.dtype != _DOUBLE for a in arrays) else tuple(a.tobytes() for a in arrays)


def _modes_of(system: MomentSystem, spectrum: object, start: object) -> Start_:
    population = population_of(system, spectrum, start)
    return population, *starting_modes(system, population)


@lru_cache(maxsize=64)
def _kept(system: MomentSystem, spectrum: object, start: object, content: tuple[bytes, ...]) -> Start_:
    return _modes_of(system, spectrum, start)


def all_columns(system: MomentSystem, columns: Columns) -> Columns:
    """The entries of every vector and constant direction, those of further vectors as the rule starts them."""
    field = system.field
    further = (*field.coordinates, *(c for c in field.coefficients if c != lam))
    shape = next(iter(columns.values())).shape
    starts = {s: field.begins.get(s, sp.S.Zero) for s in further if s not in columns}
    return {**columns, **{s: np.broadcast_to(evaluate(e, columns), shape) for s, e in starts.items()}}


def cell_starts(system: MomentSystem) -> dict[sp.Symbol, float]:
    """The value of every cell before the first step."""
    return {c: float(e.subs(system.parameters)) for c, e in system.field.cell_starts.items()}


def starting_modes(system: MomentSystem, population: Population) -> tuple[Array, Array, Array]:
    """Coefficients, states and their sizes at the nodes, of shapes (coefficients, N), (states, N) and (N,)."""
    columns, cells = all_columns(system, population.columns), cell_starts(system)
    count, shape = population.weights.size, next(iter(columns.values())).shape

    def value(symbol: sp.Symbol) -> Array:
        if symbol == lam:
            return population.eigenvalues
        if symbol in cells:
            return np.full(count, cells[symbol])
        defined = evaluate(system.family.definitions[symbol], columns)
        return np.asarray(np.broadcast_to(defined, shape).mean(axis=1))

    coef = np.array([value(s) for s in system.family.coefficients])
    states = np.array([value(s) for s in system.family.states])
    field = system.field
    size = sum((columns[s] ** 2).mean(axis=1) for s in (*field.learnt, *field.targets))
    return coef, states, np.asarray(size)
