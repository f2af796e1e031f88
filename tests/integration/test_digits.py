"""Digits that an integration keeps: inside steps, near the target, near the start; and that it always comes back."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import sympy as sp
from scipy.linalg import expm

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.frames import MOVED, OPPOSITE, START, TARGET, framed
from symhigh.integration.stepper import EXPLICIT, IMPLICIT

ISO = sh.Spectrum.isotropic()


@pytest.mark.parametrize("rtol", [1e-8, 1e-9, 1e-10])
def test_outputs_inside_steps_at_the_stability_limit(rtol: float) -> None:
    """Least squares over eigenvalues (1e-3, 1, 100) against the exact matrix exponential."""
    lam, w, g, omega = np.array([1e-3, 1, 100.0]), np.ones(3) / 3, 0.01, 0.3
    drift = np.zeros((4, 4))
    drift[:3, :3] = -2 * g * np.diag(lam) + g * g * np.outer(lam, w * lam)
    drift[:3, 3] = g * g * lam * omega**2
    times = np.sort(np.random.default_rng(0).uniform(0, 100, 60))
    exact = [(w * lam) @ (expm(drift * s) @ np.ones(4))[:3] / 2 + omega**2 / 2 for s in times]
    system = sh.derive(sh.least_squares(omega), sh.Constant(g))
    curve = system.solve(sh.Spectrum.from_eigenvalues(lam), sh.Start(), 100, t=times, rtol=rtol, target=NUMPY)
    assert np.abs(curve.risk / exact - 1).max() < 5 * rtol


@pytest.mark.parametrize(("eta", "b"), [(1.81, 1.8), (1, 0.3), (0.5, 2), (3, 1)])
def test_outputs_inside_steps_that_grow(eta: float, b: float) -> None:
    system, times = sh.derive(sh.least_squares(1), sh.AdaGradNorm(eta, b)), np.linspace(0.05, 20, 80)
    fine = system.solve(ISO, sh.Start(), 20, t=times, rtol=1e-12, target=NUMPY)
    curve = system.solve(ISO, sh.Start(), 20, t=times, target=NUMPY)
    for name in ("risk", "distance", "learning_rate"):
        assert np.abs(curve.outputs[name] / fine.outputs[name] - 1).max() < 1e-7, name


@pytest.mark.parametrize("rule", [sh.DoG(0.1, 1), sh.DAdaptation(0.4, 0.1)])
def test_rules_that_know_their_start_keep_the_digits_of_modes_at_rest(rule: sh.Rule) -> None:
    """The mode of λ = 100 rests at a small distance long before that of λ = 1 arrives."""
    system, times = sh.derive(sh.least_squares(0.3), rule), np.linspace(0.05, 20, 400)
    spectrum = sh.Spectrum.from_eigenvalues([1e-3, 1, 100])
    fine = system.solve(spectrum, sh.Start(), 20, t=times, rtol=1e-12)
    for rtol in (1e-8, 1e-10):
        curve = system.solve(spectrum, sh.Start(), 20, t=times, rtol=rtol)
        for name in ("risk", "distance", "learning_rate"):
            assert np.abs(curve.outputs[name] / fine.outputs[name] - 1).max() < 10 * rtol, name


@pytest.mark.parametrize("rtol", [1e-6, 1e-8, 1e-10])
def test_outputs_inside_steps_of_the_implicit_method(rtol: float) -> None:
    system, times = sh.derive(sh.least_squares(0.3), sh.Constant(0.5)), np.geomspace(1e-3, 1e3, 400)
    law, start = sh.Spectrum.power_law(0.2), sh.Start.power_law(0.4)
    fine = system.solve(law, start, 1e3, t=times, rtol=1e-12, stepper=EXPLICIT)
    curve = system.solve(law, start, 1e3, t=times, rtol=rtol, stepper=IMPLICIT)
    assert np.abs(curve.risk / fine.risk - 1).max() < rtol


def test_an_erf_student_close_to_its_target() -> None:
    """Values by integration of D2 with 30 digits."""
    system = sh.derive(sh.erf_student(), sh.Constant(0.5))
    curve = system.solve(ISO, sh.Start(1, 1, 0.99), 150, t=[60, 80, 100, 150], target=NUMPY)
    np.testing.assert_allclose(curve.risk, [4.0497e-10, 3.36893e-11, 2.90399e-12, 6.3466e-15], rtol=1e-5)


@pytest.mark.parametrize(
    ("problem", "slope"),
    [
        (sh.relu_student(), 0.25),
        (sh.absolute_phase_retrieval(), 0.5),
        pytest.param(sh.tanh_student(), None, marks=pytest.mark.slow),
        (sh.student(sp.sin), None),
    ],
)
def test_a_small_risk_has_its_digits_until_the_curve_stops(problem: sh.Problem, slope: float | None) -> None:
    """Near the target the risk over D², minus a term in D, is a constant, which is known for losses with a kink."""
    system, times = sh.derive(problem, sh.Constant(0.2)), np.linspace(0, 300, 601)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        curve = system.solve(ISO, sh.Start(1, 1, 0.99), 300, t=times)
    assert curve.complete or any("cancel to rounding" in str(w.message) for w in seen)
    assert (curve.risk > 0).all()
    assert curve.risk[-1] < 2e-12
    late = curve.distance < 1e-5
    share, root = curve.risk[late] / curve.distance[late], np.sqrt(curve.distance[late])
    if slope is not None:
        fit = np.polynomial.Polynomial.fit(root, share, 2)
        assert np.abs(share / fit(root) - 1).max() < 2e-5
        assert fit(0.0) == pytest.approx(slope, rel=1e-5)
    else:
        assert np.abs(np.diff(np.log(share), 4)).max() < 16e-5  # which adds up 16 of its errors


@pytest.mark.parametrize("overlap", [0.4, -0.4, 0.02])
def test_phase_retrieval_reaches_its_target_with_all_digits(overlap: float) -> None:
    """The decay is ``R ~ e^{-rt}``, r of the linearised equations, over eight orders of magnitude; no sign is lost."""
    system = sh.derive(sh.phase_retrieval(), sh.Constant(0.1))
    start, times = sh.Start(0.5, 1, overlap), [80.0, 90.0, 100.0, 110.0, 120.0]
    curve = system.solve(ISO, start, 120, t=times, target=NUMPY)
    rates = np.diff(np.log(curve.risk)) / 10
    np.testing.assert_allclose(rates, rates[-1], rtol=1e-5)
    finer = system.solve(ISO, start, 120, t=times, rtol=1e-11, target=NUMPY)
    np.testing.assert_allclose(curve.risk, finer.risk, rtol=3e-6)
    assert curve.statistics["steps"] < 150


def test_frames_are_the_same_equations() -> None:
    """Right-hand sides of a mode, and outputs, at random states: the frame's against the family's own."""
    from symhigh.codegen.kernels import limit_kernels
    from symhigh.integration.frames import into
    from symhigh.integration.schedules import parameter_values

    rng = np.random.default_rng(5)
    dog = sh.DoG(0.1, 1)
    cases = ((sh.Constant(0.3), TARGET), (sh.Constant(0.3), OPPOSITE), (dog, START), (dog, MOVED))
    for rule, frame in cases:
        system = sh.derive(sh.logistic_regression(), rule, reduce=False)
        family, par, w = system.family, parameter_values("test", system), np.array([0.3, 0.7])
        X = rng.normal(size=(3, 2))
        known = {
            "lambda": [1.2, 0.6],
            "V11": X[0] ** 2,
            "V12": X[0] * X[1],
            "V22": X[1] ** 2,
            "V10": X[0] * X[2],
        }
        known |= {"V20": X[1] * X[2], "V00": X[2] ** 2}
        coef = np.array([known[s.name] for s in family.coefficients], dtype=float)
        states = np.array([known[s.name] for s in family.states])
        memory = np.full(len(system.states), 50.0)

        def at(chosen, y):  # type: ignore[no-untyped-def]
            kernels, const = limit_kernels(chosen, NUMPY), np.zeros(len(chosen.reductions))
            kernels.prepare(par, coef, w, const)  # noqa: B023
            full, out = np.concatenate([y.ravel(), memory]), np.zeros(len(chosen.outputs))  # noqa: B023
            dy = np.empty_like(full)
            kernels.rhs(0.0, full, dy, par, coef, w, const)  # noqa: B023
            kernels.observe(0.0, full, out, par, coef, w, const)  # noqa: B023
            return dy[: y.size].reshape(y.shape), out

        own, outputs = at(system, states)
        moved, again = at(framed(system, frame), into(system, frame, coef, states))
        step = 1e-6
        np.testing.assert_allclose(again, outputs, rtol=1e-10)
        linear = (into(system, frame, coef, states + step * own) - into(system, frame, coef, states)) / step
        np.testing.assert_allclose(moved, linear, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("rule", "rates"),
    [
        (sh.DoG(1e-7, 1), [7.775e-8, 1.4565e-7, 7.3881e-7, 3.82054e-6]),
        (sh.DoG(1e-12, 1), [7.775e-13, 1.4565e-12, 7.3881e-12, 3.8206e-11]),
        (sh.DAdaptation(1, 1e-6), [1e-6, 1.17312e-6, 2.31026e-5, 1.527917e-3]),
    ],
    ids=lambda r: repr(r) if isinstance(r, sh.Rule) else "",
)
def test_rules_that_begin_tiny_come_back(rule: sh.Rule, rates: list[float]) -> None:
    """Running maxima are integrated as what they are ahead of: tens of steps, where there were tens of thousands."""
    curve = sh.derive(sh.least_squares(1), rule).solve(ISO, sh.Start(), 20, t=[1, 3, 10, 20], target=NUMPY)
    np.testing.assert_allclose(curve.learning_rate, rates, rtol=5e-5)
    assert curve.statistics["steps"] < 300


def test_a_small_distance_from_a_start_that_is_not_zero_is_kept() -> None:
    """``‖X - X0‖²`` beside ``‖X0‖² = 1``: noiseless, and all modes alike, it depends on ``‖X0 - X*‖`` alone."""
    system, times = sh.derive(sh.least_squares(1), sh.DoG(1e-7, 1)), [1, 3, 10, 20]
    far = system.solve(ISO, sh.Start(1, 2, 1), 20, t=times, target=NUMPY)
    near = system.solve(ISO, sh.Start(0, 1, 0), 20, t=times, target=NUMPY)
    np.testing.assert_allclose(far.learning_rate, near.learning_rate, rtol=1e-6)


def test_a_budget_that_is_used_up_says_so() -> None:
    system = sh.derive(sh.least_squares(1), sh.Constant(0.5))
    with pytest.warns(
        RuntimeWarning, match=r"stopped at t = .*: 30 steps were tried \(budget=30\); loosen rtol"
    ):
        curve = system.solve(ISO, sh.Start(), 500, rtol=1e-12, budget=30, target=NUMPY)
    assert not curve.complete
    with pytest.raises(ValueError, match=r"solve\(budget=0\)"):
        system.solve(ISO, sh.Start(), 1, budget=0)
