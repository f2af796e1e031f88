"""The explicit stepper: its order, its dense output between steps."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from symhigh import Schedule, Spectrum, Start, derive, least_squares, t
from symhigh.codegen.control import DENSE_ROWS
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import dense_rows, explicit_source, rows_needed
from symhigh.codegen.target import NUMBA, NUMPY, C
from tests.codegen.test_c import needs_compiler


@pytest.mark.parametrize(
    "target",
    [pytest.param(C, marks=needs_compiler), pytest.param(NUMBA, marks=pytest.mark.slow), NUMPY], ids=lambda t: t.name,
)  # fmt: skip
def test_curve_between_steps_agrees_with_solve_ivp(target):
    """Least squares under a schedule, two eigenvalues, at times that no step hits.

    Numba compiles the stepper for six seconds: its curves are compared in tests/integration/test_fluctuations.py, too.
    """
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


def one_step(h: float, many: bool = False) -> SimpleNamespace:
    """A step of ``y' = -2y + sin t`` from t = 0.3, beside its exact solution: what the generated functions leave."""
    space: dict[str, Any] = {}
    tableau = dormand_prince_8()
    exec(NUMPY.header + "\n\n" + explicit_source(tableau, many), space)  # generated here

    def rhs(t, y, out, *_):
        out[:] = -2 * y + np.sin(t)

    def scales(y, new, out, rtol, floor, *_):
        out[:] = floor + rtol * np.maximum(abs(y), abs(new))

    def exact(t):
        return (2 * np.sin(t) - np.cos(t)) / 5 + np.array([1.0, -2.0]) * np.exp(-2 * t)

    limit = SimpleNamespace(rhs=rhs, scales=scales, refused=lambda *_: False, par=None, coef=None, w=None, const=None)
    t, y, floor = 0.3, exact(0.3), np.full(2, 1e-9)
    K, work = np.zeros((rows_needed(tableau), 2)), np.zeros((DENSE_ROWS + dense_rows(tableau), 2))
    rhs(t, y, K[0])
    if many:  # whatever is taken in a loop over a table is not what is tested
        space["combine"] = None
    error = space["attempt"](t, h, y, K, work, 1e-9, floor, limit)
    space["densify"](t, h, y, K, work, limit)
    inside = np.array([space["interpolate"](s, y, work, out := np.zeros(2)) or out for s in (0.0, 0.31, 0.8, 1.0)])
    new, doubt = work[1].copy(), space["doubt"](t, h, y, K, work, 1e-9, floor, limit)
    return SimpleNamespace(**locals())


def test_a_step_and_its_inside_are_exact_to_their_orders() -> None:
    """Errors of order 9 at the end and 8 inside, as seen by halving; the estimates are what they were."""
    for h, at_end, inside, error, doubt in (
        (0.4, 5.273e-9, 1.69e-7, 53.2939, 60.4558), (0.2, 1.387e-11, 7.556e-10, 0.176793, 0.256983)
    ):  # fmt: skip
        step = one_step(h)
        at = 0.3 + h * np.array([0.0, 0.31, 0.8, 1.0])
        slope = -2 * step.exact(at[1]) + np.sin(at[1])
        assert np.abs(step.new - step.exact(0.3 + h)).max() == pytest.approx(at_end, rel=0.03)
        assert np.abs(step.inside - np.array([step.exact(s) for s in at])).max() == pytest.approx(inside, rel=0.03)
        assert (step.error, step.doubt) == pytest.approx((error, doubt), rel=1e-4)
        assert np.abs(step.work[3] - slope).max() < inside
        assert np.abs(step.work[2] - slope).max() < 20 * inside / 0.4


def test_combinations_that_are_written_out_have_the_bits_of_the_tables() -> None:
    one, many = one_step(0.4), one_step(0.4, many=True)
    assert (one.error, one.doubt) == (many.error, many.doubt)
    for name in ("K", "work", "inside", "new"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name), err_msg=name)
