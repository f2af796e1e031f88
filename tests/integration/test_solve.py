"""Curves against SciPy, closed solutions, and themselves at other tolerances; refusals and early ends."""

import importlib

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.target import NUMPY
from symhigh.integration.solve import solve
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from tests.scenarios import ISOTROPIC, SCENARIOS, START, TWO_HALVES, Scenario


@pytest.mark.parametrize("name", SCENARIOS)
def test_against_scipy(name: str) -> None:
    """The generated stepper at 1e-9 against solve_ivp at 1e-11 on the reference right-hand side."""
    from scipy.integrate import solve_ivp

    s = SCENARIOS[name]
    system = sh.derive(s.problem, s.rule)
    curve = system.solve(s.spectrum, s.start, s.t_end, rtol=1e-9)
    f, y0, observe = reference(s)
    exact = solve_ivp(f, (0, s.t_end), y0, method="DOP853", rtol=1e-11, atol=1e-14, t_eval=curve.t)
    outputs = np.array([observe(t, y) for t, y in zip(exact.t, exact.y.T, strict=True)])
    for k, output in enumerate(system.outputs):
        scale = np.abs(outputs[:, k]).max()
        assert np.abs(curve.outputs[output] - outputs[:, k]).max() < 1e-7 * scale, output


def reference(s: Scenario):  # type: ignore[no-untyped-def]
    """Right-hand side, start and outputs of a limit from the NumPy target, for SciPy's integrators."""
    from symhigh.integration.modes import population_of, starting_modes
    from symhigh.integration.schedules import parameter_values

    system = sh.derive(s.problem, s.rule)
    kernels, par = limit_kernels(system, NUMPY), parameter_values("test", system)
    coef, states, _ = starting_modes(system, population_of(system, s.spectrum, s.start))
    w = s.spectrum.weights.astype(float)
    const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
    kernels.prepare(par, coef, w, const)
    kernels.begin(par, const, memory)

    def f(t: float, y: np.ndarray) -> np.ndarray:
        dy = np.empty_like(y)
        kernels.rhs(t, y, dy, par, coef, w, const)
        return dy

    def observe(t: float, y: np.ndarray) -> np.ndarray:
        out = np.empty(len(system.outputs))
        kernels.observe(t, y, out, par, coef, w, const)
        return out

    return f, np.concatenate([states.ravel(), memory]), observe


def test_isotropic_constant_rate_in_closed_form() -> None:
    """R(t) = (R(0) - R∞) e^{-γ(2-γ)t} + R∞ with R∞ = ω²/(2-γ) (High Line, section 3)."""
    g, omega = 0.6, 0.7
    curve = sh.derive(sh.least_squares(omega), sh.Constant(g)).solve(ISOTROPIC, sh.Start(), 30, rtol=1e-10)
    floor = omega**2 / (2 - g)
    exact = (curve.risk[0] - floor) * np.exp(-g * (2 - g) * curve.t) + floor
    assert np.abs(curve.risk / exact - 1).max() < 1e-9


def test_relative_accuracy_deep_into_the_decay() -> None:
    curve = sh.derive(sh.least_squares(), sh.Constant(1)).solve(ISOTROPIC, sh.Start(), 40)
    assert np.abs(curve.risk / (0.5 * np.exp(-curve.t)) - 1).max() < 1e-3
    assert curve.risk[-1] < 1e-17


@pytest.mark.parametrize("stepper", [EXPLICIT, IMPLICIT], ids=lambda stepper: stepper.name)
def test_relative_accuracy_where_squares_underflow(stepper) -> None:
    """The risk ``e^{-t}/2`` down to 1e-217, and no failure where it leaves the doubles."""
    system = sh.derive(sh.least_squares(), sh.Constant(1))
    times = [100.0, 360.0, 500.0, 900.0]
    curve = system.solve(ISOTROPIC, sh.Start(), 900, t=times, rtol=1e-6, stepper=stepper, target=NUMPY)
    assert curve.complete
    np.testing.assert_allclose(curve.risk[:3], 0.5 * np.exp(-curve.t[:3]), rtol=1e-3)
    assert abs(curve.risk[3]) < 1e-280


def test_reduced_and_full_systems_agree() -> None:
    for name in ("least squares, line search", "Huber, schedule"):
        s = SCENARIOS[name]
        small, full = (
            sh.derive(s.problem, s.rule, reduce=r).solve(s.spectrum, s.start, s.t_end) for r in (True, False)
        )
        for output in small.outputs:
            assert np.abs(small.outputs[output] - full.outputs[output]).max() < 1e-7
        assert full.overlap[0] == pytest.approx(0.3)


def test_error_follows_the_tolerance() -> None:
    system = sh.derive(sh.logistic_regression(), sh.AdaGradNorm(2, 1))
    exact = system.solve(TWO_HALVES, START, 5, rtol=1e-12).risk
    errors = [
        np.abs(system.solve(TWO_HALVES, START, 5, rtol=r).risk - exact).max() for r in (1e-4, 1e-6, 1e-8)
    ]
    assert errors[0] > 10 * errors[1] > 100 * errors[2]
    assert errors[2] < 1e-8


def test_dense_output_does_not_depend_on_the_grid() -> None:
    system = sh.derive(sh.least_squares(1), sh.AdaGradNorm(1, 0.3))
    coarse = system.solve(ISOTROPIC, sh.Start(), 10, t=[0, 2.5, 10])
    fine = system.solve(ISOTROPIC, sh.Start(), 10, t=np.linspace(0, 10, 1001))
    assert coarse.risk == pytest.approx(fine.risk[[0, 250, 1000]], rel=1e-13)


def test_divergence_ends_with_what_there_is() -> None:
    system = sh.derive(sh.least_squares(), sh.Constant(2.5))
    with pytest.warns(RuntimeWarning, match=r"diverged at t = .*learning rate 2\.5 is above 2"):
        curve = system.solve(ISOTROPIC, sh.Start(), 1000)
    assert not curve.complete
    assert 0 < curve.t.size < 201
    assert curve.risk == pytest.approx(0.5 * np.exp(1.25 * curve.t), rel=1e-5)


def test_divergence_before_the_first_output_time_is_told() -> None:
    system = sh.derive(sh.least_squares(), sh.Constant(2.5))
    with pytest.warns(RuntimeWarning, match="before the first output time"):
        curve = system.solve(ISOTROPIC, sh.Start(), 1000, t=[900.0, 1000.0], target=NUMPY)
    assert "0 times, stopped: diverged" in repr(curve)


def test_excess_risk_vanishes_at_the_target() -> None:
    start = sh.Start(1, 1, 1)
    for problem, least in ((sh.least_squares(0.5), 0.125), (sh.huber(1.0), 0.0), (sh.phase_retrieval(), 0.0)):
        curve = sh.derive(problem, sh.Constant(0.1)).solve(ISOTROPIC, start, 0.1)
        assert curve.excess_risk[0] == pytest.approx(0, abs=1e-12)
        assert curve.risk[0] - curve.excess_risk[0] == pytest.approx(least, abs=1e-12)


def test_symbols_are_bound_before_solving() -> None:
    eta = sp.Symbol("eta")
    system = sh.derive(sh.least_squares(), sh.AdaGradNorm(eta, 1))
    with pytest.raises(ValueError, match="eta have no value"):
        system.solve(ISOTROPIC, sh.Start(), 1)
    bound = system.bind({eta: 2}).solve(ISOTROPIC, sh.Start(), 1)
    direct = sh.derive(sh.least_squares(), sh.AdaGradNorm(2, 1)).solve(ISOTROPIC, sh.Start(), 1)
    assert (bound.risk == direct.risk).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t_end": 0}, "t_end must be finite and > 0"),
        ({"t_end": np.nan}, "t_end must be finite"),
        ({"rtol": -1}, "rtol must be finite and > 0"),
        ({"t": [2, 1]}, "must increase"),
        ({"t": [0, 99]}, "must increase within"),
        ({"spectrum": sh.Spectrum.isotropic(sp.Symbol("lam", positive=True))}, "still has symbols"),
        ({"start": sh.Start(x0=sp.Symbol("r", positive=True))}, "give numbers"),
    ],
)
def test_refusals(change: dict, message: str) -> None:
    arguments = {"spectrum": ISOTROPIC, "start": sh.Start(), "t_end": 1.0} | change
    with pytest.raises(ValueError, match=message):
        solve(sh.derive(sh.least_squares(), sh.Constant(1)), **arguments)


def test_negative_schedule_is_refused() -> None:
    system = sh.derive(sh.least_squares(), sh.Schedule(1 - sh.t))
    assert system.solve(ISOTROPIC, sh.Start(), 1).complete
    with pytest.raises(ValueError, match="must be finite and >= 0"):
        system.solve(ISOTROPIC, sh.Start(), 2)


def test_interrupted_curve_keeps_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("symhigh.integration.solve"), "_BUDGET", 3)
    calls = []

    def stop(fraction: float) -> None:
        calls.append(fraction)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.warns(RuntimeWarning, match="interrupted at t ="):
        curve = sh.derive(sh.least_squares(1), sh.Constant(0.5)).solve(
            ISOTROPIC, sh.Start(), 50, progress=stop
        )
    assert not curve.complete
    assert 1 < curve.t.size < 201


def test_noise_far_above_the_start_is_no_divergence() -> None:
    """Least squares on an isotropic spectrum: D' = -(2g - g²) D + g² w² from D = 1, w of any size."""
    rate, t = 0.5, np.array([0.0, 0.1, 1.0, 4.0])
    for noise in (1e8, 1e20, 1e60):
        system = sh.derive(sh.least_squares(noise=noise), sh.Constant(sp.Rational(1, 2)))
        spectrum, start = sh.Spectrum.isotropic(), sh.Start(1, 1, 0)
        for _ in range(2):  # by the driver, and as a plain course
            curve = system.solve(spectrum, start, 4, t=t)
            decay = np.exp(-(2 * rate - rate**2) * t)
            right = 2 * decay + rate * noise**2 / (2 - rate) * (1 - decay)
            assert curve.complete
            np.testing.assert_allclose(curve.distance, right, rtol=1e-7)
    with pytest.warns(RuntimeWarning, match="diverged at t = 3"):
        sh.derive(sh.least_squares(), sh.Constant(4)).solve(spectrum, start, 40)
