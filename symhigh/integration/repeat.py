"""A curve of objects that have been solved before: nothing is checked or prepared twice.

Serves :func:`~symhigh.integration.solve.solve`. What the driver found for a system, a spectrum and a start holds for as
long as their numbers do; so the next curve, with other times and tolerances, is one call of compiled code.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from symhigh.codegen.compiler import NoCompiler
from symhigh.codegen.control import REACHED, SPENT
from symhigh.codegen.course import BACK, MARKS
from symhigh.codegen.kernels import course_kernels
from symhigh.codegen.target import LLVM, C, Target
from symhigh.integration.curve import Curve
from symhigh.integration.edges import settled_outputs
from symhigh.integration.modes import contents, modes_of
from symhigh.integration.plain import Batch, Lane, Plain, has_clock, plain, spent
from symhigh.integration.schedules import check_schedule, parameters_of
from symhigh.integration.singular import rate_exponent
from symhigh.integration.stops import why
from symhigh.population import Overlaps, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem

_MOST_TIMES, _MOST_LANES = 4096, 8


def again(
    system: MomentSystem, spectrum: Any, start: Any, target: Target, end: float, times: Array, rtol: float,
    atol: float | None, budget: int,
) -> Curve | None:  # fmt: skip
    """The curve, where the same objects have been solved before and it is plain; else None."""
    if target not in (C, LLVM) or times.size > _MOST_TIMES or (content := contents(spectrum, start)) is None:
        return None
    repeat = _repeat(system, target, spectrum, start, content)
    if not repeat.begun:  # the first curve is the driver's, with all its checks
        repeat.begun = True
        return None
    if (plan := plain(system)) is None or not _has_smooth_rate(system, end):
        return None
    if len(repeat.lanes) > _MOST_LANES:
        repeat.lanes.clear()
    free = repeat.lanes.setdefault(times.size, [])
    try:
        lane = free.pop() if free else repeat.lane(plan, times.size)
    except NoCompiler:
        return None
    found = _curve(repeat, lane, end, times, rtol, atol, budget)
    free.append(lane)
    return found


def _curve(
    repeat: Repeat, lane: Lane, end: float, times: Array, rtol: float, atol: float | None, budget: int
) -> Curve | None:
    batch, system = lane.batch, repeat.system
    batch.times[:] = times
    lane.run(0, 1, end, rtol, atol, budget)
    marks = batch.marks[0]
    status, row, now, steps, rejected, evaluations, negative = marks[:MARKS].tolist()
    if status == BACK or (status == SPENT and not spent(marks, budget)):
        return None
    rows, message = int(row), ""
    if status != REACHED:
        width = len(system.outputs)
        ends = (marks[MARKS + width :], marks[MARKS : MARKS + width]) if rows else None
        message = why(int(status), system, ends, float(times[rows - 1]) if rows else 0.0, now, budget)
        times = times[:rows]
    values = batch.out[:, 0, :rows].copy()
    outputs: dict[str, Array] = dict(zip(system.outputs, values, strict=True))
    if negative or repeat.infinite:
        outputs = settled_outputs(outputs, system, repeat.spectrum, repeat.start)
    counts = {"steps": int(steps), "rejected": int(rejected), "evaluations": int(evaluations)}
    return Curve(
        times, outputs, system, repeat.spectrum, repeat.start, rtol, not message, message, counts, {}
    )


class Repeat:
    """A system on modes that stay, and the lanes for its curves that are free, by their number of times."""

    def __init__(self, system: MomentSystem, target: Target, spectrum: Spectrum, start: Start | Overlaps) -> None:
        self.system, self.target, self.spectrum, self.start = system, target, spectrum, start
        self.begun, self.lanes = False, dict[int, list[Lane]]()
        self.infinite = isinstance(start, Start) and start.distance_is_infinite(spectrum)

    def lane(self, plan: Plain, count: int) -> Lane:
        """Room for one curve of ``count`` times."""
        population, *modes = modes_of(self.system, self.spectrum, self.start)
        coef, states, size = (part[None] for part in modes)
        pars, keep = np.array([parameters_of(self.system)]), np.arange(float(len(self.system.outputs)))
        arrays, kernels = (coef, population.weights[None], states, size), course_kernels(self.system, self.target)
        if kernels.target is not self.target:
            raise NoCompiler("the right-hand side was not compiled")
        batch = Batch.of(self.system, pars, np.zeros(1), arrays, np.zeros(count), keep)
        return Lane(plan, kernels, batch)


@lru_cache(maxsize=64)
def _repeat(
    system: MomentSystem, target: Target, spectrum: Spectrum, start: Start | Overlaps, content: tuple[bytes, ...]
) -> Repeat:
    return Repeat(system, target, spectrum, start)


@lru_cache(maxsize=256)
def _has_smooth_rate(system: MomentSystem, end: float) -> bool:
    """Whether the rate is finite from the start on; refused where a schedule is not to be had up to ``end``."""
    if not has_clock(system):
        return True
    par = np.array(parameters_of(system))
    check_schedule(system, par, end)
    return not rate_exponent(system, dict(zip(system.parameters, par.tolist(), strict=True))) > 0
