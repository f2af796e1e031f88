"""The error of curves at every output time, at tolerances from 1e-3 to 1e-12: at most 20 times what was asked for.

Systems that are stiff, at the stability limit of an explicit method, adaptive, in closed form and by quadrature, and of
rules that remember their path; against the same system by the other kind of method at a tolerance of 1e-13.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import symhigh as sh
from symhigh.integration.stepper import EXPLICIT, IMPLICIT

SPREAD = sh.Spectrum.from_eigenvalues([1e-3, 1, 100])
PAIR = sh.Spectrum.from_eigenvalues([0.5, 1.5])
POWERS = sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4)
SYSTEMS: dict[str, tuple[sh.Problem, sh.Rule, sh.Spectrum, sh.Start, float, str]] = {
    "at the stability limit": (sh.least_squares(0.3), sh.Constant(0.01), SPREAD, sh.Start(), 100, EXPLICIT),
    "stiff": (sh.least_squares(0.3), sh.Constant(0.01), SPREAD, sh.Start(), 1e4, IMPLICIT),
    "power law": (sh.least_squares(), sh.AdaGradNorm(1, 1), *POWERS, 1e4, IMPLICIT),
    "AdaGrad-Norm": (sh.least_squares(1), sh.AdaGradNorm(1, 0.3), PAIR, sh.Start(), 20, EXPLICIT),
    "line search": (sh.least_squares(0.5), sh.LineSearch(), PAIR, sh.Start(), 20, EXPLICIT),
    "phase retrieval": (sh.phase_retrieval(), sh.Constant(0.05), PAIR, sh.Start(0.8, 1, 0.4), 20, EXPLICIT),
    "logistic": (sh.logistic_regression(), sh.AdaGradNorm(1, 0.5), PAIR, sh.Start(), 20, EXPLICIT),
    "DoG": (sh.least_squares(0.3), sh.DoG(0.1, 1), SPREAD, sh.Start(), 20, EXPLICIT),
}


@cache
def reference(name: str) -> tuple[np.ndarray, sh.Curve]:
    problem, rule, spectrum, start, end, stepper = SYSTEMS[name]
    times = np.concatenate([np.geomspace(1e-3, 1, 40) * end, np.random.default_rng(1).uniform(0, end, 60)])
    times.sort()
    other = EXPLICIT if stepper == IMPLICIT else IMPLICIT
    return times, sh.derive(problem, rule).solve(spectrum, start, end, t=times, rtol=1e-13, atol=1e-30, stepper=other)


@pytest.mark.parametrize("rtol", [1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("name", SYSTEMS)
def test_the_error_is_below_twenty_tolerances_at_every_output_time(name: str, rtol: float) -> None:
    """Risk and learning rate relative to themselves; the distance to its start, as its modes are states beside X*.

    DoG reaches 30 at the last tolerance.
    """
    problem, rule, spectrum, start, end, stepper = SYSTEMS[name]
    times, fine = reference(name)
    curve = sh.derive(problem, rule).solve(spectrum, start, end, t=times, rtol=rtol, stepper=stepper)
    assert curve.complete
    errors = {o: np.abs(curve.outputs[o] - fine.outputs[o]) for o in ("risk", "distance", "learning_rate")}
    sizes = {o: np.abs(fine.outputs[o]) for o in errors} | {"distance": np.abs(fine.distance[0])}
    worst = max(float((errors[o] / sizes[o]).max()) for o in errors) / rtol
    assert worst < (40 if name == "DoG" and rtol == 1e-12 else 20)


@pytest.mark.parametrize("rule", [sh.DoG(1e-12, 1), sh.DAdaptation(1, 1e-12)], ids=lambda r: type(r).__name__)
def test_rules_that_begin_at_1e_12_keep_their_digits_in_few_steps(rule: sh.Rule) -> None:
    """The rate grows by many orders of magnitude; against a tolerance a tenth of the default."""
    system, times = sh.derive(sh.least_squares(1), rule), [1, 3, 10, 20, 40]
    curve, fine = (system.solve(sh.Spectrum.isotropic(), sh.Start(), 40, t=times, rtol=r) for r in (1e-8, 1e-9))
    assert fine.learning_rate[0] < 2e-12
    assert fine.learning_rate[-1] > 1e-10
    assert np.abs(curve.learning_rate / fine.learning_rate - 1).max() < 20e-8
    assert curve.statistics["steps"] < 1000
