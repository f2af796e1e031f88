"""Direct simulation: every step draws all d coordinates of its sample.

One of the two simulators; :mod:`symhigh.codegen.step` holds its mathematics.
"""

from __future__ import annotations

import numpy as np

from symhigh.codegen.normal import apart, stream
from symhigh.codegen.simulators import step_kernels
from symhigh.integration.doubts import Doubts
from symhigh.integration.modes import all_columns, cell_starts
from symhigh.population.spectrum import Array
from symhigh.simulation.general_covariance import recorder
from symhigh.simulation.walk import START_STREAM, Experiment, Walk, constants, starting_memory
from symhigh.symbols import lam

_BLOCK = 256
"""Samples of a general covariance are drawn this many at a time."""


class DirectWalk(Walk):
    """One run in ``R^d``, in the eigenbasis of K; O(d) memory."""

    def __init__(self, e: Experiment, seed: int) -> None:
        super().__init__(e)
        d, field, s = e.d, e.system.field, e.statement
        self.kernels = step_kernels(e.system, s, e.given, e.target)
        values, columns = e.population.at(d, np.random.default_rng([seed, START_STREAM]))
        if e.covariance is not None:
            values = (e.covariance**2).sum(axis=1)
        columns, cells = all_columns(e.system, columns), cell_starts(e.system)
        self.coef = np.array([values if c == lam else columns[c] for c in field.coefficients], dtype=float)
        self.w = np.full(d, 1.0 / d)
        self.const = constants(e, self.kernels, self.coef, self.w)
        memory = starting_memory(e, self.kernels, self.const)
        rows = [columns[v] for v in field.coordinates] + [np.full(d, cells[c]) for c in field.cells]
        y, root = np.concatenate([*rows, memory]).astype(float), np.ones(d) if e.given else np.sqrt(values)
        self.y, self.coef, self.root, self.a = apart(y, self.coef, root, np.zeros(d))
        self.recorder = None if e.covariance is None else recorder(e.system, s, e.covariance @ e.covariance)
        self.push = np.zeros((len(s.students), d))
        self.extra = np.zeros((len(s.normals), d))
        self.rng = stream(seed, 0, generator=e.generator)
        self.samples = np.random.default_rng([seed, 1])
        self.order = None if e.rows is None else e.rows.order(self.samples)
        moved = (self.y, self.a, self.push, self.extra, e.par, self.coef, self.w, self.const, self.root)
        self.state = (self.rng, *moved)
        self.step = None if e.given else self.kernels.held("run", 0, 0, *self.state)
        self.target = float((self.w * values * columns[field.targets[0]] ** 2).sum()) if s.single else np.nan

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
