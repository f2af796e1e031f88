"""SGD on the rows of a data set, several times over or once: the simulator beside the limit of several passes.

The step is that of direct simulation, generated from the same statement; it is handed rows in the eigenbasis of
``H = AᵀA/n`` in place of Gaussian samples, and the rows' residuals in place of label noise. This is SGD on the rows as
they are, for every rule that is invariant under rotations: a change of basis, and no approximation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from symhigh.checks import callback, flag, instance, real, steps_of, threads_of
from symhigh.checks import seeds as seeds_of
from symhigh.integration.passes import Quadratic, check_rule, problem_of, quadratic
from symhigh.meanfield import MeanField
from symhigh.population import Dataset
from symhigh.population.spectrum import Array
from symhigh.rule import Rule
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.runner import prepare, recorded_steps, run_all
from symhigh.simulation.runs import Runs
from symhigh.simulation.walk import Rows
from symhigh.telling import telling


@telling
def simulate_passes(
    data: Dataset,
    rule: Rule,
    t_end: float,
    seeds: int | Sequence[int] = 10,
    t: object = None,
    *,
    X0: object = None,
    test: object = None,
    shuffled: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Runs:
    """Run ``rule`` on least squares over the rows of ``data`` to ``t_end`` (d·t_end steps), once per seed.

    Returns :class:`Runs`, with the outputs of :func:`symhigh.solve_passes`: ``risk`` is the mean loss over the rows,
    ``test_risk`` that on ``test``, another :class:`Dataset`, (K, X_star) or (K, X_star, ω).

    Parameters
    ----------
    seeds, t, threads, progress
        As for ``simulate``: a number n for the seeds 0 … n-1, or the seeds; times to record, 101 by default.
    X0
        The first iterate, shape (d,); zero by default.
    shuffled
        Take all rows in a new order each pass, rather than draw them with replacement. The limit is that of drawing
        with replacement; in a first pass, t ≤ n/d, shuffled rows are one-pass SGD on fresh samples.
    """
    instance("simulate_passes", "data", data, Dataset, "rows with labels")
    instance("simulate_passes", "rule", rule, Rule, "a learning-rate rule")
    end = real("simulate_passes", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    steps_of("simulate_passes", data.d, end)
    chosen = seeds_of("simulate_passes", seeds)
    callback("simulate_passes", "progress", progress, "a function of the fraction done")
    mixed = flag("simulate_passes", "shuffled", shuffled, meaning="whether each pass takes all rows in a new order")
    steps, workers = recorded_steps("simulate_passes", t, end, data.d), threads_of("simulate_passes", threads)
    first = data.origin("simulate_passes", X0)
    other = None if test is None else quadratic("simulate_passes", test, data.d)

    population = (data.spectrum, data.start(first))
    _, experiment = prepare(problem_of(data), rule, population, data.d, end, "direct")
    check_rule("simulate_passes", experiment.system)
    errors = data.residuals / data.noise if data.noise > 0 else data.residuals
    experiment = replace(experiment, rows=Rows(data.rows @ data.basis, errors, mixed))
    extra = {} if other is None else {"test_risk": _loss(other, data.basis, experiment.system.field)}
    return run_all(DirectWalk, experiment, chosen, steps, workers, progress, extra)


def _loss(other: Quadratic, basis: Array, field: MeanField) -> Callable[[DirectWalk], float]:
    """The loss on other data at the iterate of a run, whose entries are times √d and along the eigenvectors."""
    place, d, turned = field.coordinates.index(field.learnt[0]), len(basis), other.turned(basis)

    def value(walk: DirectWalk) -> float:
        found = turned(walk.y[place * d : (place + 1) * d] / np.sqrt(d))
        return found if np.isfinite(found) else np.nan

    return value
