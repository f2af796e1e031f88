"""What one simulated run is to the loop that drives it: a state that takes steps and can be recorded.

Stands between the two simulators (:mod:`~symhigh.simulation.direct`, :mod:`~symhigh.simulation.gram`) and
:func:`~symhigh.simulation.simulate`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.codegen.target import LLVM, NUMBA, C, Target, chosen
from symhigh.codegen.trail import LEFT
from symhigh.derivation.state import Statement
from symhigh.integration.doubts import Doubts
from symhigh.population import Population
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem

START_STREAM = 1
"""Sub-stream of a seed that draws random starts; the samples have sub-stream 0."""


class Walk(ABC):
    """One run in progress; every array in it belongs to this run alone."""

    e: Experiment
    target: float
    """B22 = <X*, K X*> of one direction, which no step changes; nan for several."""

    kernels: Any
    """The generated functions, and ``state``, what they are given after their own numbers."""
    state: tuple[Any, ...]

    def __init__(self, e: Experiment) -> None:
        self.e = e
        self.sizes = np.zeros(2)  # when it was recorded first, and last
        self.compiled: Callable[[dict[int, Any]], int] | None = None

    @abstractmethod
    def run(self, first: int, steps: int) -> None:
        """Take the steps numbered first, first + 1, …."""

    @abstractmethod
    def record(self, time: float, out: Array) -> None:
        """Write the outputs of ``Experiment.system`` at the iterate into ``out``."""

    @abstractmethod
    def doubt(self, time: float, doubts: Doubts) -> None:
        """Take in the errors that averages in the outputs have at the iterate."""

    @abstractmethod
    def size(self) -> float:
        """The sum of the squares of all vectors' entries, whose explosion ends a run."""

    def follow(self, stops: Array, out: Array) -> None:
        """Record at the steps ``stops`` into the rows of ``out`` from now on."""
        self.stops, self.out = stops, out
        if self.at_once and out.flags.c_contiguous:
            self.compiled = self.kernels.held("trail", 0, 0, 0, stops, out, self.sizes, *self.state)

    @property
    def at_once(self) -> bool:
        """Whether the generated ``trail`` may go from record to record."""
        return False

    def trail(self, row: int, last: int, done: int) -> int:
        """Record the rows row, …, last - 1; so many steps are done. The first row that was not reached.

        A run ends behind the row at which it left all bounds. What follows the first line is
        :mod:`symhigh.codegen.trail` line by line.
        """
        if self.compiled is not None:
            return self.compiled({0: row, 1: last, 2: done})
        for k in range(row, last):
            if (stop := int(self.stops[k])) > done:
                self.run(done, stop - done)
            done = stop
            self.record(done / self.e.d, self.out[k])
            self.sizes[1] = self.size()
            if k == 0:
                self.sizes[0] = self.sizes[1]
            if self.gone:
                return k + 1
        return last

    @property
    def gone(self) -> bool:
        """Whether the run left all bounds."""
        return not self.sizes[1] < LEFT * max(1.0, self.sizes[0])


@dataclass(frozen=True, eq=False)
class Rows:
    """Samples (n, d) in the eigenbasis of their second moments, and their label noise (n,) in units of ω.

    Drawn with replacement, or, ``shuffled``, in a new order each pass.
    """

    samples: Array
    errors: Array
    shuffled: bool

    def order(self, rng: np.random.Generator) -> Iterator[int]:
        """The rows in the order in which they are taken, without end."""
        n = len(self.errors)
        while True:
            yield from (rng.permutation(n) if self.shuffled else rng.integers(n, size=n)).tolist()


@dataclass(frozen=True, eq=False)
class Experiment:
    """What all runs share; ``system`` is what they record, the mean field or its second moments."""

    system: MomentSystem
    statement: Statement
    population: Population
    d: int
    t_end: float
    par: Array
    generator: type[np.random.BitGenerator] | None = None
    covariance: Array | None = None
    rows: Rows | None = None

    @property
    def given(self) -> bool:
        """Whether samples are handed to the step, rather than drawn by it."""
        return self.covariance is not None or self.rows is not None

    @property
    def target(self) -> Target:
        """What the simulator is generated for; NumPy's generators are called by Numba alone."""
        target = chosen()
        return NUMBA if target in (C, LLVM) and self.generator is not None else target


def constants(e: Experiment, kernels: Any, coef: Array, weights: Array) -> Array:
    """The averages that do not change in time."""
    const = np.zeros(len(e.system.reductions))
    kernels.prepare(e.par, coef, weights, const)
    return const


def starting_memory(e: Experiment, kernels: Any, const: Array) -> Array:
    """The rule's memories before the first step."""
    memory = np.zeros(len(e.system.states))
    kernels.begin(e.par, const, memory)
    return memory
