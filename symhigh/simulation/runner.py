"""Direct simulation of one-pass SGD, with the step kernel generated from the statement of problem and rule.

Source of the mathematics: *The High Line* (arXiv 2405.19585), section 2; :mod:`symhigh.codegen.step` says why working
in the eigenbasis of K loses nothing.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from symhigh.checks import callback, choice, instance, output_times, real, shown, steps_of, whole
from symhigh.checks import seeds as seeds_of
from symhigh.derivation import derive
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.gram import GramWalk, eigenspaces
from symhigh.simulation.runs import Runs
from symhigh.simulation.walk import Experiment, Walk, prepare
from symhigh.system import LimitSystem

_METHODS: dict[str, type[DirectWalk] | type[GramWalk]] = {"direct": DirectWalk, "gram": GramWalk}


def simulate(
    problem: Problem,
    rule: Rule,
    spectrum: Spectrum,
    start: Start,
    d: int,
    t_end: float,
    seeds: int | Sequence[int] = 10,
    method: str = "auto",
    t: Any = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
    generator: type[np.random.BitGenerator] | None = None,
) -> Runs:
    """Run SGD at dimension ``d`` to time ``t_end`` (d·t_end steps) once per seed; returns :class:`Runs`.

    Parameters
    ----------
    seeds
        A number n, for the seeds 0 … n-1, or the seeds themselves. A seed gives the same bits whatever the
        number of threads and the other seeds.
    method
        ``"direct"`` draws all d coordinates of every sample; ``"gram"`` steps the exact Gram chain, at a cost that
        depends on the number of distinct eigenvalues only, so d may be 10^9; ``"auto"`` takes the chain where K has
        few of them. All have the same law (:mod:`symhigh.codegen.gram`), but not the same bits for a seed.
    t
        Times to record, increasing in [0, t_end]; 101 equally spaced ones by default. An iterate is recorded at the
        nearest whole step; ``Runs.t`` holds the exact times.
    threads
        How many runs proceed at once, by default one per core.
    generator
        One of NumPy's bit generators, such as ``numpy.random.Philox``, to draw the samples with; by default the
        package's own (:mod:`symhigh.codegen.normal`), ten times as fast.

    Memory is O(d) a thread, or O(distinct eigenvalues) for the chain. A diverging run ends with what it has. A
    keyboard interrupt returns the times that every run had reached.
    """
    instance("simulate", "spectrum", spectrum, Spectrum, "a symhigh.Spectrum, such as Spectrum.isotropic()")
    instance("simulate", "start", start, Start, "a symhigh.Start, such as Start()")
    size = whole("simulate", "d", d, least=2, most=2**40, meaning="the dimension")
    end = real("simulate", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    steps_of("simulate", size, end)
    chosen = seeds_of("simulate", seeds)
    choice("simulate", "method", method, ("auto", *_METHODS))
    callback("simulate", "progress", progress, "a function of the fraction done")
    if generator is not None and not (
        isinstance(generator, type) and issubclass(generator, np.random.BitGenerator)
    ):
        raise TypeError(
            f"simulate(generator={shown(generator)}): generator must be a class of NumPy's bit generators, such as "
            "numpy.random.Philox"
        )
    steps = np.unique(np.rint(output_times("simulate", t, end, 101) * size).astype(np.int64))
    workers = whole(
        "simulate",
        "threads",
        (os.cpu_count() or 1) if threads is None else threads,
        least=1,
        meaning="the number of threads",
    )
    system = derive(problem, rule)
    experiment = prepare(system, spectrum, start, size, end, generator)
    walk_of = _walk_of(method, spectrum, size)
    walk_of.load(system)

    stop = threading.Event()
    results = [_Result(len(steps), len(system.outputs)) for _ in chosen]
    with ThreadPoolExecutor(min(workers, len(chosen))) as pool:
        jobs = [
            pool.submit(_one_run, walk_of, experiment, seed, steps, result, stop)
            for seed, result in zip(chosen, results, strict=True)
        ]
        try:
            while not all(job.done() for job in jobs):
                if progress is not None:
                    progress(sum(r.rows for r in results) / (len(results) * len(steps)))
                time.sleep(0.002 if progress is None else 0.05)
        except KeyboardInterrupt:
            stop.set()
    for job in jobs:
        job.result()
    return _collect(results, experiment, chosen, steps, interrupted=stop.is_set())


class _Result:
    """What one run leaves: the limit's outputs, overlap and norm at each recorded step."""

    def __init__(self, times: int, outputs: int) -> None:
        self.outputs = np.full((times, outputs), np.nan)
        self.overlap = np.full(times, np.nan)
        self.norm = np.full(times, np.nan)
        self.target = np.nan
        self.rows = 0
        self.message = ""


def _one_run(
    walk_of: Callable[[Experiment, int], Walk],
    e: Experiment,
    seed: int,
    steps: Array,
    result: _Result,
    stop: threading.Event,
) -> None:
    """Advance one run from record to record; numbers stay in arrays of this thread alone."""
    walk = walk_of(e, seed)
    modes = walk.modes
    result.target = modes.target
    batch, done = max(1, 20_000_000 // modes.w.size), 0
    for row, step in enumerate(steps):
        while done < step and not stop.is_set():
            count = min(int(step) - done, batch)
            walk.run(done, count)
            done += count
        if stop.is_set():
            return
        walk.lift()
        modes.kernels.observe(
            done / e.d, walk.mode, result.outputs[row], e.par, modes.coef, modes.w, modes.const
        )
        result.overlap[row], result.norm[row] = walk.overlap(), walk.norm()
        result.rows = row + 1
        if not result.norm[row] < 1e12 * max(1.0, result.norm[0]):
            result.message = _why(e.system, result, done / e.d)
            result.outputs[row], result.overlap[row], result.norm[row] = np.nan, np.nan, np.nan
            return


def _walk_of(method: str, spectrum: Spectrum, d: int) -> type[DirectWalk] | type[GramWalk]:
    """The simulator asked for; ``"auto"`` takes the Gram chain where its step is clearly the cheaper one."""
    if method in _METHODS:
        return _METHODS[method]
    spaces = eigenspaces(spectrum, d)
    return GramWalk if spaces is not None and 16 * spaces.values.size <= d else DirectWalk


def _why(system: LimitSystem, result: _Result, time_: float) -> str:
    names = list(system.outputs)
    before = result.outputs[max(0, result.rows - 2)]
    rate, threshold = before[names.index("learning_rate")], before[names.index("distance_threshold")]
    cause = f"; the learning rate {rate:.6g} was above {threshold:.6g}, beyond which the distance grows"
    return f"diverged by t = {time_:.6g}: ||X||^2 left all bounds" + (cause if rate > threshold else "")


def _collect(
    results: list[_Result], e: Experiment, seeds: tuple[int, ...], steps: Array, interrupted: bool
) -> Runs:
    if interrupted:
        shared = min((r.rows for r in results if not r.message), default=len(steps))
        steps = steps[:shared]
    rows = len(steps)
    outputs = {
        name: np.array([r.outputs[:rows, k] for r in results]) for k, name in enumerate(e.system.outputs)
    }
    outputs["overlap"] = np.array([r.overlap[:rows] for r in results])
    outputs["norm"] = np.array([r.norm[:rows] for r in results])
    messages = {seed: r.message for seed, r in zip(seeds, results, strict=True) if r.message}
    if messages:
        seed, text = next(iter(messages.items()))
        warnings.warn(
            f"{len(messages)} of {len(seeds)} runs diverged; seed {seed} {text}", RuntimeWarning, stacklevel=3
        )

    return Runs(
        steps / e.d,
        outputs,
        e.d,
        seeds,
        e.system.problem,
        e.system.rule,
        e.spectrum,
        e.start,
        e.t_end,
        np.array([r.target for r in results]),
        messages,
        not interrupted,
    )
