"""Direct simulation: every step draws all d coordinates of its sample.

One of the two simulators; :mod:`symhigh.codegen.step` holds its mathematics.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from symhigh.codegen.normal import apart, stream
from symhigh.codegen.simulators import step_kernels
from symhigh.codegen.target import Target
from symhigh.integration.doubts import Doubts
from symhigh.integration.modes import all_columns, cell_starts
from symhigh.population.spectrum import Array
from symhigh.simulation.general_covariance import recorder
from symhigh.simulation.walk import START_STREAM, Experiment, Walk, constants, starting_memory
from symhigh.symbols import lam

_BLOCK = 256
"""Samples of a general covariance are drawn this many at a time."""
_SMALL = 4096
"""The dimension up to which runs share what is the same for all, and copy it: beyond, they make it one by one."""


@dataclass(frozen=True, eq=False)
class _Beginning:
    """What a run has before its first step: its functions, all that moves in ``y``, and what does not move."""

    kernels: Any
    y: Array
    coef: Array
    root: Array
    w: Array
    const: Array
    target: float


def _begun(e: Experiment, target: Target, seed: int) -> _Beginning:
    d, field, s = e.d, e.system.field, e.statement
    kernels = step_kernels(e.system, s, e.given, target)
    values, columns = e.population.at(d, np.random.default_rng([seed, START_STREAM]))
    if e.covariance is not None:
        values = (e.covariance**2).sum(axis=1)
    columns, cells = all_columns(e.system, columns), cell_starts(e.system)
    coef = np.array([values if c == lam else columns[c] for c in field.coefficients], dtype=float)
    w, root = np.full(d, 1.0 / d), np.ones(d) if e.given else np.sqrt(values)
    const = constants(e, kernels, coef, w)
    rows = [columns[v] for v in field.coordinates] + [np.full(d, cells[c]) for c in field.cells]
    y = np.concatenate([*rows, starting_memory(e, kernels, const)]).astype(float)
    lasting = float((w * values * columns[field.targets[0]] ** 2).sum()) if s.single else np.nan
    return _Beginning(kernels, y, coef, root, w, const, lasting)


@lru_cache(maxsize=4)
def _shared(e: Experiment, target: Target) -> _Beginning:
    """That of every run, where no seed has a part in it."""
    return _begun(e, target, 0)


class DirectWalk(Walk):
    """One run in ``R^d``, in the eigenbasis of K; O(d) memory."""

    def __init__(self, e: Experiment, seed: int) -> None:
        super().__init__(e)
        d, s = e.d, e.statement
        alike = d <= _SMALL and not e.given and not e.population.random
        begun = _shared(e, e.target) if alike else _begun(e, e.target, seed)
        self.kernels, self.w, self.const, self.target = begun.kernels, begun.w, begun.const, begun.target
        self.y, self.coef, self.root, self.a = apart(begun.y, begun.coef, begun.root, np.zeros(d))
        self.recorder = None if e.covariance is None else recorder(e.system, s, e.covariance @ e.covariance)
        self.push = np.zeros((len(s.students), d))
        self.extra = np.zeros((len(s.normals), d))
        self.rng = stream(seed, 0, generator=e.generator)
        if e.given:
            self.samples = np.random.default_rng([seed, 1])
        self.order = None if e.rows is None else e.rows.order(self.samples)
        moved = (self.y, self.a, self.push, self.extra, e.par, self.coef, self.w, self.const, self.root)
        self.state = (self.rng, *moved)
        self.step = None if e.given else self.kernels.held("run", 0, 0, *self.state)

    @staticmethod
    def load(e: Experiment) -> None:
        """Generate the kernels once, before threads ask for them."""
        step_kernels(e.system, e.statement, e.given, e.target)

    @property
    def at_once(self) -> bool:
        return self.step is not None

    def run(self, first: int, steps: int) -> None:
        if self.step is not None:
            self.step({0: first, 1: steps})
            return
        batch = int(self.e.statement.batch.subs(self.e.system.parameters))
        for begin in range(first, first + steps, _BLOCK):
            count = min(_BLOCK, first + steps - begin)
            self.kernels.run(begin, count, self.rng, *self.draw(count * batch), *self.state[1:])

    def draw(self, count: int) -> tuple[Array, Array]:
        """So many samples, and the standard normals of their label noise, or what rows have in its place."""
        if self.e.rows is not None and self.order is not None:
            chosen = np.fromiter(self.order, dtype=np.int64, count=count)
            return self.e.rows.samples[chosen], self.e.rows.errors[chosen]
        assert self.e.covariance is not None
        drawn = self.samples.standard_normal((count, self.e.d)) @ self.e.covariance
        return drawn, self.samples.standard_normal(count)

    def record(self, time: float, out: Array) -> None:
        if self.recorder is None:
            self.kernels.observe(time, self.y, out, self.e.par, self.coef, self.w, self.const)
            return
        split = self.y.size - len(self.e.system.states)
        out[:] = self.recorder(time, self.y[:split].reshape(-1, self.e.d), self.coef, self.y[split:])

    def doubt(self, time: float, doubts: Doubts) -> None:
        if self.recorder is None:
            doubts.look(self.e.system, self.kernels, time, self.y, (self.e.par, self.coef, self.w, self.const), time)
            return
        split = self.y.size - len(self.e.system.states)
        self.recorder(time, self.y[:split].reshape(-1, self.e.d), self.coef, self.y[split:], doubts)

    def size(self) -> float:
        vectors = self.y[: len(self.e.system.field.coordinates) * self.e.d]
        return float(vectors @ vectors) / self.e.d
