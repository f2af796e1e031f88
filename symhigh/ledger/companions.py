"""Companions of an experiment: the same one at smaller dimensions, with more runs.

Stands below the comparison. The bias of an average over runs is β(t)/d + O(1/d²), with β a functional of the measure
of modes, and d times the covariance of a run tends to a functional too; an experiment on a part of the modes, chosen
evenly, has the same to leading order.
"""

from __future__ import annotations

import warnings

import numpy as np

from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.simulation.runner import again
from symhigh.simulation.runs import Runs

_MANY = 16
"""Effective dimensions, tr K over the largest eigenvalue, that the smallest companion shall keep."""


_GENTLE = (2, 4)
"""By what to divide d for the companions, where (4, 8) would leave few effective dimensions, or diverges."""
Plan = tuple[tuple[int, int, range], ...]
"""Divisor, dimension and seeds of each companion."""


def plan(d: int, effective: float, seeds: tuple[int, ...], gentle: bool = False) -> Plan:
    """What to simulate: k times as many runs at d/k, k = 4 and 8, or 2 and 4; no seed is used twice."""
    levels = (4, 8) if effective >= 8 * _MANY and d >= 64 and not gentle else _GENTLE
    found, first = [], max(seeds) + 1
    for level in levels:
        count = level * len(seeds)
        found.append((level, d // level, range(first, first + count)))
        first += count
    return tuple(found)


def enough(d: int) -> None:
    """Refuses dimensions without companions."""
    if d < 8:
        raise ValueError(f"compare(runs at d={d}): d must be >= 8, for companions at d/2 and d/4 to exist")


def companions(runs: Runs, count: int = 2) -> tuple[Runs, ...]:
    """Runs at d/4 with four times as many seeds, and at d/8 with eight times as many; ⅜ of the cost of ``runs``.

    At d/2 and d/4, with twice and four times as many, where K has few effective dimensions or a class few coordinates,
    or where runs that small diverge. Only the last ``count``. Problems given mode by mode (fixed vectors, or a list of
    about d eigenvalues) are thinned: of any two modes that are neighbours in the spectrum one is kept, by chance.
    """
    enough(runs.d)
    effective = effective_dimension(runs)
    classes = runs.population.origin[0]
    crowded = isinstance(classes, NetworkClasses) and runs.d < 8 * _MANY * classes.size
    found = tuple(_smaller(runs, *each) for each in plan(runs.d, effective, runs.seeds, crowded)[-count:])
    if any(r.messages for r in found) and not runs.messages:
        gentle = plan(runs.d, effective, runs.seeds, gentle=True)
        found = tuple(_smaller(runs, *each) for each in gentle[-count:])
    return found


def effective_dimension(runs: Runs) -> float:
    """``tr K/λ_max`` at the runs' dimension: the limit needs it to be large."""
    values, weights = runs.population.eigenvalues, runs.population.weights
    return float(runs.d * (weights @ values) / values.max())


def _smaller(runs: Runs, level: int, d: int, seeds: range) -> Runs:
    given = runs.population.origin
    if _is_given_by_modes(runs):
        spectrum, start = given
        for halvings in range(level.bit_length() - 1):
            spectrum, start = thinned(spectrum, start, runs.d >> halvings)
        given = (spectrum, start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # divergence is reported by the comparison
        return again(runs, d, seeds, population=given)


def _is_given_by_modes(runs: Runs) -> bool:
    spectrum, last = runs.population.origin[0], runs.population.origin[-1]
    if not isinstance(spectrum, Spectrum):
        return False
    many = spectrum.quantile is None and 16 * spectrum.values.size > runs.d
    return many or getattr(last, "vectors_given", None) is not None


def thinned(spectrum: Spectrum, start: Start | Overlaps, d: int) -> tuple[Spectrum, Start | Overlaps]:
    """Spectrum and start of ``d // 2`` modes, one of each pair of neighbours; each mode as it was."""
    values = spectrum.eigenvalues(d)
    order = np.argsort(values, kind="stable")
    pairs = 2 * np.arange(d // 2)
    keep = order[pairs + np.random.default_rng(d).integers(0, 2, pairs.size)]
    half = Spectrum.from_eigenvalues(values[keep])
    if isinstance(start, Overlaps) or start.vectors_given is None:
        return half, start
    X0, X_star = start.vectors(spectrum, d)
    grow = np.sqrt(d / keep.size)
    return half, Start.from_vectors(grow * X0[keep], grow * X_star[keep])
