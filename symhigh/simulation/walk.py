"""What one simulated run is to the loop that drives it: a state that takes steps and can be recorded.

Stands between the two simulators (:mod:`~symhigh.simulation.direct`, :mod:`~symhigh.simulation.gram`) and
:func:`~symhigh.simulation.simulate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Protocol

import numpy as np
from sympy import Symbol

from symhigh.integration.solve import check_schedule, parameter_values
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.symbols import V22, lam
from symhigh.system import LimitSystem

START_STREAM = 1
"""Sub-stream of a seed that draws random starts; the samples have sub-stream 0."""


class Walk(Protocol):
    """One run in progress; every array in it belongs to this run alone."""

    mode: Array
    """The limit's states at the last lift, then the memory of the rule."""
    modes: Modes

    def run(self, first: int, steps: int) -> None:
        """Take the steps numbered first, first + 1, …."""

    def lift(self) -> None:
        """Write the limit's states at the iterate into ``mode``."""

    def overlap(self) -> float:
        """``<X, X*>``."""

    def norm(self) -> float:
        """``‖X‖²``."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """What all runs share."""

    system: LimitSystem
    spectrum: Spectrum
    start: Start
    d: int
    t_end: float
    par: Array
    generator: type[np.random.BitGenerator] | None = None


@dataclass(frozen=True, eq=False)
class Modes:
    """The finite problem for the limit's kernels: modes of weights ``w``, square roots ``root`` of eigenvalues."""

    kernels: ModuleType
    coef: Array
    w: Array
    const: Array
    root: Array
    energy: Array

    @property
    def target(self) -> float:
        """B22 = <X*, K X*>, which no step changes."""
        return float((self.w * self.root**2 * self.energy).sum())


def prepare(
    system: LimitSystem,
    spectrum: Spectrum,
    start: Start,
    d: int,
    t_end: float,
    generator: type[np.random.BitGenerator] | None = None,
) -> Experiment:
    """Arguments checked: parameters are numbers, a schedule is allowed."""
    par = parameter_values("simulate", system)
    check_schedule(system, par, t_end)
    return Experiment(system, spectrum, start, d, t_end, par, generator)


def modes_of(
    e: Experiment,
    kernels: ModuleType,
    eigenvalues: Array,
    weights: Array,
    energy: Array,
    more: Mapping[Symbol, Array] = MappingProxyType({}),
) -> Modes:
    """Coefficients of the modes, with ``energy`` the V22 of each, and the averages that do not change."""
    known = {lam: eigenvalues, V22: energy, **more}
    coef = np.array([known[s] for s in e.system.family.coefficients])
    const = np.zeros(len(e.system.reductions))
    kernels.prepare(e.par, coef, weights, const)
    return Modes(kernels, coef, weights, const, np.sqrt(eigenvalues), energy)


def starting_mode(e: Experiment, modes: Modes) -> Array:
    """Room for the limit's states, with the rule's memory as it is before the first step."""
    base = len(e.system.family.states) * modes.w.size
    mode = np.zeros(base + len(e.system.states))
    modes.kernels.begin(e.par, modes.const, mode[base:])
    return mode
