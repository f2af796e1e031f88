"""Companions of an experiment: the same one at smaller dimensions, from which the finite-d bias is estimated.

Stands below the comparison. The bias of an average over runs is β(t)/d + O(1/d²), with β a functional of
the measure of modes; an experiment on half of the modes, chosen evenly, has the same β to leading order.
"""

from __future__ import annotations

import warnings

import numpy as np

from symhigh.population import Spectrum, Start
from symhigh.simulation import Runs, simulate


def companions(runs: Runs) -> tuple[Runs, Runs]:
    """Runs at d/2 and d/4, as many seeds each, none of them used twice; 5/16 of the cost of ``runs``.

    Problems given mode by mode (fixed vectors, or a list of about d eigenvalues) are thinned: of any two
    modes that are neighbours in the spectrum one is kept, by chance.
    """
    if runs.d < 8:
        raise ValueError(
            f"compare(runs at d={runs.d}): d must be >= 8, for companions at d/2 and d/4 to exist"
        )
    count, first = len(runs.seeds), max(runs.seeds) + 1
    half = _half_of(runs, range(first, first + count))
    return half, _half_of(half, range(first + count, first + 2 * count))


def _half_of(runs: Runs, seeds: range) -> Runs:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # divergence is reported by the comparison
        if not _is_given_by_modes(runs):
            return runs.again(d=runs.d // 2, seeds=seeds, t=runs.t)
        spectrum, start = thinned(runs.spectrum, runs.start, runs.d)
        return simulate(runs.problem, runs.rule, spectrum, start, runs.d // 2, runs.t_end, seeds, t=runs.t)


def _is_given_by_modes(runs: Runs) -> bool:
    many = runs.spectrum.quantile is None and 16 * runs.spectrum.values.size > runs.d
    return runs.start.vectors_given is not None or many


def thinned(spectrum: Spectrum, start: Start, d: int) -> tuple[Spectrum, Start]:
    """Spectrum and start of ``d // 2`` modes, one of each pair of neighbours; each mode as it was."""
    values = spectrum.eigenvalues(d)
    order = np.argsort(values, kind="stable")
    pairs = 2 * np.arange(d // 2)
    keep = order[pairs + np.random.default_rng(d).integers(0, 2, pairs.size)]
    half = Spectrum.from_eigenvalues(values[keep])
    if start.vectors_given is None:
        return half, start
    X0, X_star = start.vectors(spectrum, d)
    grow = np.sqrt(d / keep.size)
    return half, Start.from_vectors(grow * X0[keep], grow * X_star[keep])
