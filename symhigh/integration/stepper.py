"""The two steppers that a limit can be integrated with, an integration under way, and when one hands over to the other.

Stands between generated kernels and :func:`~symhigh.integration.solve.solve`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.codegen.control import CLOCK, DENSE_ROWS
from symhigh.codegen.explicit import dense_rows, dormand_prince_8, rows_needed
from symhigh.codegen.kernels import implicit_kernels, limit_kernels
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.target import Target
from symhigh.integration.events import Step
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem


@dataclass(frozen=True)
class Stepper:
    """A way to integrate: where its kernels come from, and how many states' worth of memory ``advance`` needs."""

    name: str
    kernels: Callable[[MomentSystem, Target], Any]
    stages: int
    work: int


_DP8, _RODAS = dormand_prince_8(), rodas_5p()

EXPLICIT = Stepper("explicit", limit_kernels, stages=rows_needed(_DP8), work=DENSE_ROWS + dense_rows(_DP8))
"""Dormand-Prince 8(5,3): for smooth curves over times that are not long against the fastest mode."""

IMPLICIT = Stepper("implicit", implicit_kernels, stages=len(_RODAS.c), work=DENSE_ROWS + len(_RODAS.dense))
"""Rodas5P, order 5, L-stable: its steps grow with the time scale that still moves, whatever the spectrum."""


def outlasts(t: float, h: float, end: float, rtol: float) -> bool:
    """Whether at step h the explicit stepper would need more steps to the end than the implicit one needs in all.

    The implicit method's steps are set by accuracy: some hundreds at 1e-6, growing like ``rtol^(-1/5)``.
    """
    return bool((end - t) / h > most_steps(rtol))


def most_steps(rtol: float) -> float:
    """How many steps to the end the explicit stepper takes on."""
    return float(1500 * (1e-6 / rtol) ** 0.2)


class March:
    """An integration under way: a stepper's kernels, and the arrays that :mod:`symhigh.codegen.control` describes.

    ``data`` is (par, coef, w, const), ``limits`` is (rtol, floor, bound, size). The first ``row`` of ``rows``, one an
    output time, are written.
    """

    def __init__(
        self, system: MomentSystem, target: Target, stepper: Stepper, times: Array, y: Array,
        data: tuple[Array, ...], limits: tuple[float, Array, Array, Array], kernels: Any,
    ) -> None:  # fmt: skip
        self.system, self.target, self.stepper, self.kernels = system, target, stepper, kernels
        self.times, self.y, self.data, self.limits = times, y, data, limits
        self.rows, self.row, self.clock = np.zeros((times.size, len(system.outputs))), 0, np.zeros(CLOCK)
        self.K, self.work = np.zeros((stepper.stages, y.size)), np.zeros((stepper.work, y.size))
        self.limit = kernels.record(data)
        self._held: tuple[tuple[Any, ...], Callable[[dict[int, Any]], Any]] | None = None

    def advance(self, end: float, look: bool, budget: int) -> int:
        """At most ``budget`` attempts at a step; returns the status."""
        given = (self.times, self.rows, self.y, self.K, self.work, self.clock, self.limit, *self.limits)
        if self._held is None or any(a is not b for a, b in zip(given, self._held[0], strict=True)):
            times, rows, y, K, work, clock, limit, *limits = given
            arguments = (end, times, self.row, rows, y, K, work, clock, limit, *limits, look, budget)
            self._held = given, self.kernels.held("advance", *arguments)
        status, self.row = self._held[1]({0: end, 2: self.row, len(given) + 2: look, len(given) + 3: budget})
        return int(status)

    def hand_over(self, stepper: Stepper) -> None:
        """Carry on with another stepper, which takes over the step just made."""
        made = self.work[1]
        self.stepper, self.kernels = stepper, stepper.kernels(self.system, self.target)
        self.K, self.work = np.zeros((stepper.stages, made.size)), np.zeros((stepper.work, made.size))
        self.work[1] = made
        self.limit = self.kernels.record(self.data)

    def hand_down(self, target: Target) -> None:
        """Carry on with the same stepper on another target; the step just made goes on to it."""
        self.target, self.kernels = target, self.stepper.kernels(self.system, target)
        self.limit = self.kernels.record(self.data)

    @property
    def present(self) -> Array:
        """The state at ``clock[0]``, inside a step where one is looked into."""
        return self.work[1] if self.clock[5] > 0 else self.y

    def settle(self) -> None:
        """Make the step just made the state."""
        if self.clock[5] > 0:
            self.clock[0], self.clock[1], self.clock[5] = self.clock[5], self.clock[6], 0.0
            self.y = self.work[1].copy()

    def resume(self, system: MomentSystem, y: Array, data: tuple[Array, ...], pace: float) -> None:
        """Begin anew at the present time with other equations, from y, with steps of ``pace``; 0 is to be chosen."""
        if system is not self.system:
            self.system, self.kernels = system, self.stepper.kernels(system, self.target)
        self.y, self.data, self.clock[1], self.clock[5] = y, data, pace, 0.0
        self.limit = self.kernels.record(data)
        self.kernels.rhs(self.clock[0], self.y, self.K[0], *self.data)

    def step(self) -> Step:
        """The step just made, with the solution inside it."""
        t, h, kernels = float(self.clock[0]), float(self.clock[1]), self.kernels
        kernels.densify(t, h, self.y, self.K, self.work, self.limit)
        self.clock[10] = 1.0

        def at(s: float) -> Array:
            out = np.empty_like(self.y)
            kernels.interpolate(s, self.y, self.work, out)
            return out

        def slope(t: float, y: Array) -> Array:
            out = np.empty_like(y)
            kernels.rhs(t, y, out, *self.data)
            return out

        return Step(t, h, at, self.observe, slope)

    def observe(self, t: float, y: Array) -> Array:
        """The outputs at (t, y)."""
        out = np.zeros(self.rows.shape[1])
        self.kernels.observe(t, y, out, *self.data)
        return out

    def write(self, step: Step, until: float) -> None:
        """The outputs inside ``step`` up to the time ``until``."""
        if self.row < self.times.size and self.times[self.row] <= until:
            rtol, floor, _, _ = self.limits
            self.row = self.kernels.fill(
                until, self.times, self.row, self.rows, step.t, step.h, self.y, self.K, self.work, self.clock,
                self.limit, rtol, floor,
            )  # fmt: skip

    def halt(self, step: Step, at: float) -> None:
        """End inside ``step``, with one more output row."""
        self.write(step, at)
        self.times, self.rows = self.times[: self.row], self.rows[: self.row]
        self.y, self.clock[0] = step.at((at - step.t) / step.h), at
        if not (self.row and self.times[-1] == at):
            self.times = np.append(self.times, at)
            self.rows = np.vstack([self.rows, step.observe(at, self.y)])
            self.row += 1
