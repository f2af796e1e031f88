"""What a curve predicts for runs at dimension d: its limit at the d modes and at the times of the runs.

Stands below the comparison. The limit equations hold for any measure of modes, so they are solved for the d
modes, or the shares of each class, that were simulated: rounding a population to d coordinates is no error of the
limit. No interpolation in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.derivation.close.density import DensitySystem
from symhigh.derivation.close.particles import ParticleSystem
from symhigh.integration.curve import Curve
from symhigh.integration.network import NetworkCurve, solve_network
from symhigh.integration.particle_system import solve_by_particles
from symhigh.integration.solve import solve
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.simulation.finite import finite_problem, finite_spectrum
from symhigh.simulation.runs import Runs
from symhigh.system import MomentSystem

RTOL = 1e-8
"""Relative tolerance of every solution here, unless the curve's own is tighter."""
NUMERICAL = 100 * RTOL
"""Error allowed for the integration, relative to the largest value of an output."""
DENSITY_RTOL, DENSITY = 1e-6, 1e-5
"""The same for the density of a network."""
_OF_PARTICLES = 8.0
"""Standard errors of particles by which a curve must differ from its system's solution to count as another one."""

Given = tuple[Any, ...]
"""What states a population: a spectrum and a start or overlaps, or network classes."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Outputs of a limit, (T,) each, the standard ``errors`` that particles leave in them, and why they end early."""

    t: Array
    outputs: Mapping[str, Array]
    errors: Mapping[str, Array]
    message: str = ""


@dataclass(frozen=True, eq=False)
class Reference:
    """A curve that can be evaluated at other dimensions; ``shifts`` is what it differs from its system's solution."""

    curve: Curve | NetworkCurve
    system: MomentSystem
    given: Given
    names: tuple[str, ...]
    shifts: Mapping[str, tuple[Array, Array]]

    @classmethod
    def of(cls, curve: Curve | NetworkCurve, names: Sequence[str]) -> Reference:
        """Where the curve is not its system's solution, the curve that was given is the one that is compared."""
        none = (np.empty(0), np.empty(0))
        plain = cls(curve, system_of(curve), population_of(curve), tuple(names), dict.fromkeys(names, none))
        if curve.t[-1] == 0:  # it diverged at its start
            return plain
        exact, given, shifts = plain.solve(plain.given, curve.t), outputs_of(curve), {}
        for name in names:
            rows = min(exact.t.size, np.asarray(given[name]).size)
            gap = np.asarray(given[name])[:rows] - exact.outputs[name][:rows]
            size = np.abs(exact.outputs[name]).max(initial=0.0)
            rtol = getattr(curve, "rtol", 1e-5)
            allowed = np.full(rows, (plain.numerical + 10 * rtol) * size)
            if name in exact.errors:
                allowed = NUMERICAL * size + _OF_PARTICLES * exact.errors[name][:rows]
            shifts[name] = exact.t[:rows], np.where(np.abs(gap) > allowed, gap, 0.0)
        return cls(curve, plain.system, plain.given, plain.names, shifts)

    @property
    def numerical(self) -> float:
        """Error allowed for the integration, relative to the largest value of an output."""
        return DENSITY if isinstance(self.curve, NetworkCurve) else NUMERICAL

    def finite(self, runs: Runs, own: bool = False) -> Given:
        """The curve's population at the dimension of the runs.

        That of the runs where ``own`` says so, or where the curve's start is fixed vectors of another length.
        """
        origin = runs.population.origin
        return finite(origin if own or _is_fixed_elsewhere(self.given, runs.d) else self.given, runs.d)

    def at(self, runs: Runs, own: bool = False) -> Solution:
        """The prediction at ``runs.t`` and ``runs.d``."""
        return self.shifted(self.solve(self.finite(runs, own), runs.t))

    def shifted(self, found: Solution) -> Solution:
        """The system's solution, and by how much the curve that was given differs from it, linear in between."""
        shifts = {n: self.shifts[n] for n in self.names if self.shifts[n][0].size}
        outputs = {n: v + (np.interp(found.t, *shifts[n]) if n in shifts else 0) for n, v in found.outputs.items()}
        return Solution(found.t, outputs, found.errors, getattr(self.curve, "message", "") or found.message)

    def solve(self, given: Given, t: Array, system: MomentSystem | None = None, **options: Any) -> Solution:
        """The solution of the curve's system, or of another one, on a finite population at times ``t``."""
        chosen = self.system if system is None else system
        end = float(max(t[-1], self.curve.t[-1]))
        curve: Curve | NetworkCurve
        if isinstance(chosen, DensitySystem):
            curve = solve_network(chosen, given[0], end, t, rtol=DENSITY_RTOL, **options)
        else:
            assert isinstance(self.curve, Curve)
            if isinstance(chosen, ParticleSystem):
                count = self.curve.statistics["particles"]
                curve = solve_by_particles(chosen, *given, t_end=end, t=t, particles=count, **options)
            else:
                curve = solve(chosen, given[0], given[1], end, t, min(RTOL, self.curve.rtol), **options)
        values = outputs_of(curve)
        errors = getattr(curve, "errors", {})
        return Solution(
            curve.t,
            {n: np.asarray(values[n]) for n in self.names},
            {n: np.asarray(errors[n]) for n in self.names if n in errors},
            getattr(curve, "message", ""),
        )


def system_of(curve: Curve | NetworkCurve) -> MomentSystem:
    """The limit that a curve solves."""
    return curve.limit if isinstance(curve, NetworkCurve) else curve.system


def population_of(curve: Curve | NetworkCurve) -> Given:
    """What the population of a curve was stated by."""
    if isinstance(curve, NetworkCurve):
        return (curve.classes,)
    return (curve.spectrum,) if curve.start is None else (curve.spectrum, curve.start)


def outputs_of(curve: Curve | NetworkCurve) -> Mapping[str, Array]:
    """The outputs of a curve that can be compared."""
    return curve.outputs


def finite(given: Given, d: int) -> Given:
    """A population as simulations at dimension d have it."""
    match given:
        case (NetworkClasses() as classes,):
            counts = classes.counts(d)
            kept = counts > 0
            columns = (classes.lam, classes.theta_star, classes.u, classes.v, counts / d)
            return (NetworkClasses(*(c[kept] for c in columns)),)
        case (Spectrum() as spectrum, Start() as start):
            return finite_problem(spectrum, start, d)
        case (Spectrum() as spectrum, Overlaps() as overlaps):
            return finite_spectrum(spectrum, d), overlaps
    shown = ", ".join(type(part).__name__ for part in given)
    raise TypeError(
        f"compare: a population stated by {shown} has no counterpart at d = {d}; give a Spectrum with a Start "
        "or Overlaps, or NetworkClasses"
    )


def _is_fixed_elsewhere(given: Given, d: int) -> bool:
    vectors = getattr(given[-1], "vectors_given", None)
    return vectors is not None and vectors[0].size != d
