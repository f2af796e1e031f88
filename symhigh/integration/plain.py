"""Plain curves, whose equations stay the same from 0 to the end: integrated by one call of compiled code.

Serves :func:`~symhigh.integration.solve.solve`, from the second curve of the same objects on, and scans. The driver of
``solve`` is the reference: a curve that is not plain after all is given back to it, and it has the same bits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from symhigh.codegen.control import CLOCK
from symhigh.codegen.course import MARKS
from symhigh.codegen.lower import averages
from symhigh.integration.frames import NEAR, SMALL
from symhigh.integration.lags import with_lags
from symhigh.integration.stepper import EXPLICIT, most_steps
from symhigh.integration.timetable import timetable
from symhigh.population.spectrum import Array
from symhigh.symbols import V10, V11, V12, V22, gamma
from symhigh.symbols import t as clock_symbol
from symhigh.system import MomentSystem

SPARE = 50
"""Attempts at a step that a curve has beside its budget."""
_FIRST, _MOST, _PATIENCE = 100, 2000, 0.2
"""Attempts at a step in a first curve, and in any, and seconds that a curve may take, before the driver has it."""
_SLACK = 1e-3
"""How much earlier than the driver a plain course sees that other coordinates are called for."""


@dataclass(frozen=True, eq=False)
class Plain:
    """What ``courses`` is told of a system: which states are never negative, and the places of risk and target."""

    system: MomentSystem
    kept: Array
    risk: int
    target: int


@lru_cache(maxsize=64)
def plain(system: MomentSystem) -> Plain | None:
    """``system`` as one whose curves may be plain; None where none is, whatever its parameters."""
    states, coefficients = system.family.states, system.family.coefficients
    moves = states == (V11, V12, V10)  # in the start's coordinates first
    if moves or with_lags(system) is not system or timetable(system).switches or averages(system):
        return None
    target = coefficients.index(V22) if states == (V11, V12) and V22 in coefficients else -1
    kept = np.array([float(bool(s.is_nonnegative)) for s in states])
    return Plain(system, kept, list(system.outputs).index("risk"), target)


def has_clock(system: MomentSystem) -> bool:
    """Whether the learning rate is written in terms of time, so that its schedule is to be checked."""
    return any(s.name == gamma and s.expression.has(clock_symbol) for s in system.scalars)


class Batch(NamedTuple):
    """Curves to be integrated, and where their results go; the arguments of ``courses`` from ``pars`` on."""

    pars: Array
    which: Array
    coefs: Array
    weights: Array
    starts: Array
    sizes: Array
    times: Array
    keep: Array
    out: Array
    marks: Array

    @classmethod
    def of(
        cls, system: MomentSystem, pars: Array, which: Array, modes: tuple[Array, ...], times: Array, keep: Array
    ) -> Batch:
        """With room; ``modes`` are coefficients (M, C, N), weights (M, N), states (M, S, N), sizes (M, N)."""
        coefs, weights, states, sizes = map(np.ascontiguousarray, modes)
        out = np.empty((keep.size, len(pars), times.size))
        marks = np.zeros((len(pars), MARKS + 2 * len(system.outputs)))
        return cls(pars, which, coefs, weights, states.reshape(len(states), -1), sizes, times, keep, out, marks)


class Lane:
    """A batch with the room that one thread works in."""

    def __init__(self, plan: Plain, kernels: Any, batch: Batch) -> None:
        system = plan.system
        n, length = batch.weights.shape[1], batch.starts.shape[1] + len(system.states)
        limit = kernels.record((
            np.zeros(batch.pars.shape[1]), np.zeros(batch.coefs.shape[1:]), np.zeros(n),
            np.zeros(len(system.reductions)),
        ))  # fmt: skip
        rows = np.zeros((batch.times.size, len(system.outputs)))
        y, floor, bound, size = np.zeros((4, length))
        K, work, clock = np.zeros((EXPLICIT.stages, length)), np.zeros((EXPLICIT.work, length)), np.zeros(CLOCK)
        self.batch = batch
        given = (
            0, 0, 1.0, 1e-8, -1.0, 1, 1.0, plan.target, NEAR * (1 + _SLACK), SMALL * (1 - _SLACK), plan.risk,
            *batch[:6], plan.kept, *batch[6:], rows, y, K, work, clock, limit, floor, bound, size,
        )  # fmt: skip
        self._given, self._call, self._most = given, kernels.held("courses", *given), _FIRST

    def run(self, first: int, last: int, end: float, rtol: float, atol: float | None, budget: int) -> None:
        """Integrate the curves first, …, last - 1 to ``end``.

        One that takes long ends as if its budget were used up, so that the keyboard need not wait for it; it is
        :func:`spent` only beyond ``budget``.
        """
        absolute, most = -1.0 if atol is None else atol, min(self._most, budget + SPARE)
        began = time.perf_counter()
        self._call({0: first, 1: last, 2: end, 3: rtol, 4: absolute, 5: most, 6: most_steps(rtol)})
        marks = self.batch.marks[last - 1]  # of one curve, as of any
        pace = (time.perf_counter() - began) / (last - first) / max(float(marks[3] + marks[4]), 1.0)
        self._most = int(min(_MOST, max(_FIRST, _PATIENCE / pace)))


def spent(marks: Array, budget: int) -> Array:
    """Which of the curves that were given up have used up their budget, from rows of marks."""
    return np.asarray(marks[..., 3] + marks[..., 4] > budget + SPARE)
