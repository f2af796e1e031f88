"""The explicit stepper: its tableau, its order, its dense output between steps."""

import numpy as np
import pytest
from scipy.integrate import DOP853, solve_ivp

from symhigh import Schedule, Spectrum, Start, derive, least_squares, t
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.target import NUMBA, NUMPY


def test_tableau_is_that_of_an_independent_implementation():
    ours = dormand_prince_8()
    pairs = [
        (ours.a, DOP853.A), (ours.b, DOP853.B), (ours.c, DOP853.C), (ours.error_high, DOP853.E5),
        (ours.error_low, DOP853.E3), (ours.a_dense, DOP853.A_EXTRA), (ours.c_dense, DOP853.C_EXTRA),
        (ours.dense, DOP853.D),
    ]  # fmt: skip
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("target", [NUMBA, NUMPY], ids=lambda target: target.name)
def test_curve_between_steps_agrees_with_solve_ivp(target):
    """Least squares under a schedule, two eigenvalues, at times that no step hits."""
    system = derive(least_squares(0.5), Schedule(1 / (1 + t)))
    spectrum, start = Spectrum.from_eigenvalues([1.0, 0.25], [0.4, 0.6]), Start(0, 1)
    times = np.sort(np.random.default_rng(1).uniform(0, 10, 57))
    curve = system.solve(spectrum, start, 10.0, t=times, rtol=1e-10, target=target)
    lam, w = np.array([1.0, 0.25]), np.array([0.4, 0.6])

    def rhs(time, D2):
        rate = 1 / (1 + time)
        return -2 * rate * lam * D2 + 2 * rate**2 * lam * (w @ (lam * D2) + 0.25) / 2

    found = solve_ivp(rhs, (0, 10), np.ones(2), method="Radau", rtol=1e-11, atol=1e-13, t_eval=times)
    np.testing.assert_allclose(curve.risk, (w * lam) @ found.y / 2 + 0.125, rtol=2e-9)
    np.testing.assert_allclose(curve.distance, w @ found.y, rtol=2e-9)
