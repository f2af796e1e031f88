"""Direct simulation of one-pass SGD, with the step kernel generated from the statement of problem and rule.

Source of the mathematics: *The High Line* (arXiv 2405.19585), section 2; :mod:`symhigh.codegen.step` says why working
in the eigenbasis of K loses nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import (
    array,
    callback,
    choice,
    mapping,
    output_times,
    real,
    shown,
    steps_of,
    threads_of,
    whole,
)
from symhigh.checks import seeds as seeds_of
from symhigh.codegen.gram import refusal
from symhigh.derivation import derive
from symhigh.derivation.limit import mean_field_of
from symhigh.integration.modes import check_coordinates, diagonal, population_of
from symhigh.integration.network_values import square_root
from symhigh.integration.schedules import check_schedule, parameter_values
from symhigh.population import Overlaps, Spectrum
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.simulation.capacity import check_capacity
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.gram import GramWalk, eigenspaces
from symhigh.simulation.one_run import Result, collect, observable, one_run
from symhigh.simulation.runs import Runs
from symhigh.simulation.walk import Experiment
from symhigh.system import MomentSystem
from symhigh.telling import at_work, stage

_LOOK = 0.05
"""Seconds between looks at how far runs are."""
_METHODS: dict[str, type[DirectWalk] | type[GramWalk]] = {"direct": DirectWalk, "gram": GramWalk}


def simulate(
    problem: Problem | MomentSystem,
    rule: Any,
    spectrum: Any = None,
    start: Any = None,
    d: Any = None,
    t_end: Any = None,
    seeds: int | Sequence[int] = 10,
    method: str = "auto",
    t: Any = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    generator: type[np.random.BitGenerator] | None = None,
    *,
    covariance: Any = None,
    observables: Mapping[str, Callable[..., Array] | sp.Expr] | None = None,
) -> Runs:
    """Run ``rule`` on ``problem`` at dimension ``d`` to time ``t_end`` (d·t_end steps) once per seed.

    Returns :class:`Runs`. Positional arguments after the rule are the population, as for ``solve``: a spectrum and a
    start, a spectrum and overlaps, or network classes, ``simulate(problem, rule, classes, d=…, t_end=…)``. A derived
    system may stand for problem and rule: ``simulate(system, spectrum, start, d=…, t_end=…)``.

    Parameters
    ----------
    seeds
        A number n, for the seeds 0 … n-1, or the seeds themselves. A seed gives the same bits whatever the
        number of threads and the other seeds.
    method
        ``"direct"`` draws all d coordinates of every sample; ``"gram"`` steps the exact Gram chain, at a cost that
        depends on the number of distinct eigenvalues only, so d may be 10^9; ``"auto"`` takes the chain where there is
        one and K has few eigenvalues. All have the same law (:mod:`symhigh.codegen.gram`), but not the same bits for a
        seed.
    t
        Times to record, increasing in [0, t_end]; 101 equally spaced ones by default. An iterate is recorded at the
        nearest whole step; ``Runs.t`` holds the exact times.
    threads
        How many runs proceed at once, by default one per core.
    generator
        One of NumPy's bit generators, such as ``numpy.random.Philox``, to draw the samples with; by default the
        package's own (:mod:`symhigh.codegen.normal`), ten times as fast.
    covariance
        A covariance (d, d) in place of the diagonal one, for coordinates that are not an eigenbasis; O(d²) a step.
    observables
        Further outputs: functions of a network's (u, v, θ*, λ), or expressions in a coordinate's entries, averaged
        over the coordinates.

    Memory is O(d) a thread, or O(distinct eigenvalues) for the chain. A diverging run ends with what it has. A
    keyboard interrupt keeps the runs and times that hold the most of what was computed, and warns of runs left out.
    """
    if isinstance(problem, MomentSystem):
        if start is not None:
            raise TypeError(
                f"simulate(start={shown(start)}): after a system and its population give d=… and t_end=… by name"
            )
        system, spectrum, start = problem, rule, spectrum
        problem, rule = system.problem, system.rule
    size = whole("simulate", "d", d, least=2, most=2**40, meaning="the dimension")
    end = real("simulate", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    steps_of("simulate", size, end)
    chosen = seeds_of("simulate", seeds)
    choice("simulate", "method", method, ("auto", *_METHODS))
    callback("simulate", "progress", progress, "a function of the fraction done")
    observed = mapping("simulate", "observables", observables, "{name: function}")
    if generator is not None and not (
        isinstance(generator, type) and issubclass(generator, np.random.BitGenerator)
    ):
        raise TypeError(
            f"simulate(generator={shown(generator)}): generator must be a class of NumPy's bit generators, such as "
            "numpy.random.Philox"
        )
    steps, workers = recorded_steps("simulate", t, end, size), threads_of("simulate", threads)
    given = (spectrum,) if start is None else (spectrum, start)
    walk_of, experiment = prepare(
        problem, rule, given, size, end, method, generator, covariance, observed=bool(observed)
    )
    extra = {name: observable(name, phi, experiment.system) for name, phi in observed.items()}
    return run_all(walk_of, experiment, chosen, steps, workers, progress, extra)


def recorded_steps(owner: str, t: Any, end: float, d: int) -> Array:
    """The numbers of the steps nearest to the times ``t``, by default 101 equal ones in [0, end]."""
    return np.unique(np.rint(output_times(owner, t, end, 101) * d).astype(np.int64))


def run_all(
    walk_of: type[DirectWalk] | type[GramWalk],
    experiment: Experiment,
    seeds: tuple[int, ...],
    steps: Array,
    threads: int,
    progress: Callable[[float], None] | None,
    extra: Mapping[str, Callable[[DirectWalk], float]],
) -> Runs:
    """One run a seed, ``threads`` at a time, recorded at ``steps``; ``extra`` are further outputs of a run."""
    if walk_of is DirectWalk:
        check_capacity(experiment, min(threads, len(seeds)))
    walk_of.load(experiment)
    stop = threading.Event()
    names = (*experiment.system.outputs, *extra)
    results = [Result(len(steps), len(names)) for _ in seeds]
    with at_work("simulate", speaks=progress is None), ThreadPoolExecutor(min(threads, len(seeds))) as pool:
        jobs = [
            pool.submit(one_run, walk_of, experiment, seed, steps, result, stop, extra)
            for seed, result in zip(seeds, results, strict=True)
        ]
        try:
            looked = 0.0
            for job in jobs:
                while not job.done():
                    if time.perf_counter() - looked > _LOOK:
                        done = sum(r.rows for r in results) / (len(results) * len(steps))
                        stage(f"{done:.0%} done")
                        if progress is not None:
                            progress(done)
                        looked = time.perf_counter()
                    time.sleep(0.002)
        except BaseException as fault:
            stop.set()
            if not isinstance(fault, KeyboardInterrupt):
                raise
    for job in jobs:
        job.result()
    if progress is not None and not stop.is_set():
        progress(1.0)
    return collect(results, experiment, names, seeds, steps, interrupted=stop.is_set())


def again(
    runs: Runs, d: int, seeds: int | Sequence[int], t: Any = None, population: Sequence[Any] | None = None
) -> Runs:
    """The same experiment at another dimension, with other seeds or times (by default the same times).

    ``population`` replaces the spectrum and start, spectrum and overlaps, or classes. Raises ``ValueError`` for
    runs with a covariance (d, d) or on rows of data, which belong to one dimension.
    """
    if runs.rotated:
        raise ValueError(
            f"again(d={d}): these runs have samples of their own, of a covariance or of rows at d = {runs.d}; simulate "
            f"anew with those of d = {d}"
        )
    grid = runs.t if t is None else t
    first, *rest = runs.population.origin if population is None else population
    return simulate(runs.problem, runs.rule, first, rest[0] if rest else None, d, runs.t_end, seeds, t=grid)


def prepare(
    problem: Problem,
    rule: Rule | None,
    population: Sequence[Any],
    d: int,
    t_end: float,
    method: str = "auto",
    generator: type[np.random.BitGenerator] | None = None,
    covariance: Any = None,
    observed: bool = False,
) -> tuple[type[DirectWalk] | type[GramWalk], Experiment]:
    """The simulator of an experiment, and what its runs share; arguments of :func:`simulate`, checked."""
    statement, field = mean_field_of(problem, rule)
    par = parameter_values("simulate", field)
    check_schedule(field, par, t_end)
    table = population_of(field, *population, owner="simulate")
    root = None if covariance is None else _root_of(covariance, d)
    if root is not None and not diagonal(root):
        check_coordinates("simulate", "covariance", field)
    return _chosen(method, Experiment(field, statement, table, d, t_end, par, generator, root), observed)


def _chosen(
    method: str, direct: Experiment, observed: bool
) -> tuple[type[DirectWalk] | type[GramWalk], Experiment]:
    """The simulator asked for; ``"auto"`` takes the Gram chain where its step is clearly the cheaper one."""
    if method == "direct":
        return DirectWalk, direct
    why = refusal(direct.statement)
    if direct.covariance is not None or observed:
        why = why or "covariance and observables need every coordinate"
    spectrum = direct.population.origin[0]
    if method == "auto":
        spaces = eigenspaces(spectrum, direct.d) if not why and isinstance(spectrum, Spectrum) else None
        crowded = isinstance(direct.population.origin[-1], Overlaps)
        if spaces is None or 16 * spaces.values.size > direct.d or (crowded and spaces.count.min() < 8):
            return DirectWalk, direct
    elif why:
        raise ValueError(f"simulate(method='gram'): {why}; use method='direct'")
    moments = derive(direct.system.problem, direct.system.rule, reduce=False)
    return GramWalk, replace(direct, system=moments)


def _root_of(covariance: Any, d: int) -> Array:
    """The symmetric square root of a covariance (d, d); raises ``ValueError`` where it is none."""
    matrix = array("simulate", "covariance", covariance, ndim=2, meaning="the covariance of the data")
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T, atol=1e-10):
        raise ValueError(
            f"simulate(covariance of shape {matrix.shape}): covariance must be a finite symmetric {d} x {d} matrix"
        )
    return square_root("simulate", matrix)
