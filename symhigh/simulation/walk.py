"""What one simulated run is to the loop that drives it: a state that takes steps and can be recorded.

Stands between the two simulators (:mod:`~symhigh.simulation.direct`, :mod:`~symhigh.simulation.gram`) and
:func:`~symhigh.simulation.simulate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symhigh.codegen.target import NUMBA, C, Target, chosen
from symhigh.derivation.state import Statement
from symhigh.integration.doubts import Doubts
from symhigh.population import Population
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem

START_STREAM = 1
"""Sub-stream of a seed that draws random starts; the samples have sub-stream 0."""


class Walk(Protocol):
    """One run in progress; every array in it belongs to this run alone."""

    target: float
    """B22 = <X*, K X*> of one direction, which no step changes; nan for several."""

    def run(self, first: int, steps: int) -> None:
        """Take the steps numbered first, first + 1, …."""

    def record(self, time: float, out: Array) -> None:
        """Write the outputs of ``Experiment.system`` at the iterate into ``out``."""

    def doubt(self, time: float, doubts: Doubts) -> None:
        """Take in the errors that averages in the outputs have at the iterate."""

    def size(self) -> float:
        """The sum of the squares of all vectors' entries, whose explosion ends a run."""


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
    by_reference: bool = False
    """Whether the reference takes the first steps of the chain, which wait for no compiler then."""

    @property
    def given(self) -> bool:
        """Whether samples are handed to the step, rather than drawn by it."""
        return self.covariance is not None or self.rows is not None

    @property
    def target(self) -> Target:
        """What the simulator is generated for; NumPy's generators are called by Numba, not by C."""
        target = chosen()
        return NUMBA if target is C and self.generator is not None else target


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
