"""The result of direct simulation: population values at the iterates of independent runs.

Stands between simulation and whatever reads runs (comparison, figures, files).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from symhigh.checks import choice, real
from symhigh.integration.outputs import Outputs
from symhigh.population import NetworkClasses, Population, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.rule import Rule


@dataclass(frozen=True, eq=False)
class Runs(Outputs):
    """Outputs of n independent runs at T times: arrays of shape (n, T), one per output.

    ``t`` (T,) are the times of the recorded iterates, steps/d exactly. A run that diverged holds NaN from there
    on; ``messages`` says for each seed where and why, empty where nothing happened. ``last`` holds the last iterates of
    a network, each of shape (n, d); ``rotated`` tells that a covariance, or rows of data, took the place of the
    diagonal one.
    """

    t: Array
    outputs: Mapping[str, Array]
    d: int
    seeds: tuple[int, ...]
    problem: Problem
    rule: Rule
    population: Population
    t_end: float
    target: Array
    messages: Mapping[int, str]
    complete: bool = True
    last: Mapping[str, Array] = field(default_factory=dict)
    observed: tuple[str, ...] = ()
    rotated: bool = False

    @property
    def extra(self) -> Mapping[str, Array]:
        """The observables that were asked for."""
        return {name: self.outputs[name] for name in self.observed}

    @property
    def spectrum(self) -> Spectrum:
        """The spectrum, where the population is stated by one."""
        return self.population.origin[0]

    @property
    def start(self) -> Start:
        """The start, or the overlaps, beside the spectrum."""
        return self.population.origin[1]

    @property
    def classes(self) -> NetworkClasses:
        """The classes of a network."""
        return self.population.origin[0]

    @property
    def u(self) -> Array:
        """The last iterates' first parameter, (n, d), of a network."""
        return self.last["u"]

    @property
    def v(self) -> Array:
        """The last iterates' second parameter, (n, d), of a network."""
        return self.last["v"]

    @property
    def excess_risk(self) -> Array:
        """The risk minus its minimum over X, at each run's own target, shape (n, T)."""
        from symhigh.integration.minimum import minimal_risk_at

        least = {b22: minimal_risk_at(self.problem, b22) for b22 in set(self.target.tolist())}
        return self.risk - np.array([least[b22] for b22 in self.target.tolist()])[:, None]

    def quantiles(self, what: str = "risk", low: float = 0.1, high: float = 0.9) -> tuple[Array, Array]:
        """The pointwise ``low`` and ``high`` quantiles over the runs, two arrays of shape (T,)."""
        name = choice("Runs.quantiles", "what", what, (*self.outputs, "excess_risk"))
        levels = [
            real(
                "Runs.quantiles",
                label,
                level,
                least=0.0,
                below=1.0 + 1e-15,
                meaning="a level between 0 and 1",
            )
            for label, level in (("low", low), ("high", high))
        ]
        if not self.t.size:
            return np.empty(0), np.empty(0)
        with warnings.catch_warnings():  # times that no run reached
            warnings.simplefilter("ignore", RuntimeWarning)
            lower, upper = np.nanquantile(getattr(self, name), levels, axis=0)
        return lower, upper

    def __repr__(self) -> str:
        return (
            f"Runs({len(self.seeds)} runs, d={self.d}, "
            + (f"t = {self.t[0]:g} … {self.t[-1]:g}, " if self.t.size else "")
            + f"{self.t.size} times"
            + (f", {len(self.messages)} diverged" if self.messages else "")
            + ")"
        )
