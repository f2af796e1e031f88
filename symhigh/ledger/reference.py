"""What a curve predicts for runs at dimension d: its limit at the d modes and at the times of the runs.

Stands below the comparison. The limit equations hold for any measure of modes, so they are solved for the d
modes that were simulated: rounding a spectrum to d eigenvalues is no error of the limit. No interpolation
in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from symhigh.integration import Curve
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.simulation import Runs
from symhigh.simulation.gram import eigenspaces, start_in

RTOL = 1e-8
"""Relative tolerance of every solution here, unless the curve's own is tighter."""
NUMERICAL = 100 * RTOL
"""Error allowed for the integration, relative to the largest value of an output."""


@dataclass(frozen=True, eq=False)
class FiniteStart(Start):
    """The mode moments of a start at finite d, one entry a mode of the spectrum that goes with it."""

    moments: tuple[Array, Array, Array] = field(default_factory=lambda: (np.zeros(1),) * 3)

    def modes(self, spectrum: Spectrum) -> tuple[Array, Array, Array]:
        return self.moments


def finite_problem(spectrum: Spectrum, start: Start, d: int) -> tuple[Spectrum, FiniteStart]:
    """The modes that a simulation at dimension d has, equal eigenvalues taken together.

    Averages over an eigenspace move by the same linear equation as its modes. A random start is taken at
    its expectation.
    """
    spaces = eigenspaces(spectrum, d)
    if spaces is None:
        values, weights = spectrum.eigenvalues(d), np.full(d, 1 / d)
    else:
        values, weights = spaces.values, spaces.count / d
    finite = Spectrum(values, weights)
    if start.random:
        moments = start.modes(finite)
    elif spaces is None:
        X0, X_star = start.vectors(spectrum, d)
        moments = d * X0**2, d * X0 * X_star, d * X_star**2
    else:
        alpha, beta, s = start_in(spaces, start, spectrum, d, np.random.default_rng(0))
        moments = (alpha**2 + beta**2) / weights, alpha * s / weights, s**2 / weights
    return finite, FiniteStart(moments=moments)


def reference(
    curve: Curve, runs: Runs, what: Sequence[str], own: bool = False
) -> tuple[dict[str, Array], str]:
    """Outputs ``what`` of the curve at ``runs.t`` and dimension ``runs.d``; and why they stop early, or "".

    The modes are those of the curve's spectrum and start at that dimension; those of the runs where ``own``
    says so, or where the curve's start is fixed vectors of another length. What the curve's own values
    differ from its system's solution, if they do, is added, linear in between: the curve that was given is
    the one that is compared.
    """
    rtol = min(RTOL, curve.rtol)
    end = float(max(runs.t[-1], curve.t[-1]))
    exact = curve.system.solve(curve.spectrum, curve.start, end, t=curve.t, rtol=rtol)
    given = runs if own or _is_fixed_elsewhere(curve.start, runs.d) else curve
    spectrum, start = finite_problem(given.spectrum, given.start, runs.d)
    here = curve.system.solve(spectrum, start, end, t=runs.t, rtol=rtol)
    values = {}
    for name in what:
        shift = np.asarray(curve.outputs[name])[: exact.t.size] - exact.outputs[name][: curve.t.size]
        size = np.abs(exact.outputs[name]).max()
        shift = np.where(np.abs(shift) > (NUMERICAL + 10 * curve.rtol) * size, shift, 0.0)
        values[name] = here.outputs[name] + np.interp(here.t, exact.t[: shift.size], shift)
    return values, curve.message or here.message


def _is_fixed_elsewhere(start: Start, d: int) -> bool:
    return start.vectors_given is not None and start.vectors_given[0].size != d
