"""What a curve predicts for runs at dimension d: its limit at the d modes and at the times of the runs.

Stands below the comparison. The limit equations hold for any measure of modes, so they are solved for the d
modes that were simulated: rounding a spectrum to d eigenvalues is no error of the limit. No interpolation
in time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symhigh.integration import Curve
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.simulation import Runs
from symhigh.simulation.finite import finite_problem

RTOL = 1e-8
"""Relative tolerance of every solution here, unless the curve's own is tighter."""
NUMERICAL = 100 * RTOL
"""Error allowed for the integration, relative to the largest value of an output."""


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
    spectrum, start = finite_of(curve, runs, own)
    here = curve.system.solve(spectrum, start, end, t=runs.t, rtol=rtol)
    values = {}
    for name in what:
        shift = np.asarray(curve.outputs[name])[: exact.t.size] - exact.outputs[name][: curve.t.size]
        size = np.abs(exact.outputs[name]).max()
        shift = np.where(np.abs(shift) > (NUMERICAL + 10 * curve.rtol) * size, shift, 0.0)
        values[name] = here.outputs[name] + np.interp(here.t, exact.t[: shift.size], shift)
    return values, curve.message or here.message


def finite_of(curve: Curve, runs: Runs, own: bool = False) -> tuple[Spectrum, Start]:
    """The modes at the runs' dimension, as :func:`reference` takes them."""
    given = runs if own or _is_fixed_elsewhere(curve.start, runs.d) else curve
    return finite_problem(given.spectrum, given.start, runs.d)


def _is_fixed_elsewhere(start: Start, d: int) -> bool:
    return start.vectors_given is not None and start.vectors_given[0].size != d
