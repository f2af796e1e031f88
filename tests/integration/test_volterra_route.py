"""The Volterra route against the integrated modes and against exact solutions."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.integration.volterra import _equation, _march, _pass_on, solve_volterra

THREE = sh.Spectrum.from_eigenvalues([1.5, 0.6, 0.1], [0.3, 0.3, 0.4])


@pytest.mark.parametrize(
    "rule",
    [sh.Constant(0.8), sh.AdaGradNorm(1.5, 0.5), sh.Polyak(), sh.Schedule(1 / (1 + sh.t))],
    ids=lambda rule: type(rule).__name__,
)
def test_two_routes_to_one_curve(rule):
    system, start, times = (
        sh.derive(sh.least_squares(0.3), rule),
        sh.Start(0.5, 1, 0.2),
        np.array([0.0, 0.13, 1.7, 6.0, 12.0]),
    )
    curve = system.solve(THREE, start, 12.0, t=times, rtol=1e-11)
    found = solve_volterra(system, THREE, start, 12.0, t=times, rtol=1e-8)
    np.testing.assert_allclose(found.risk, curve.risk, rtol=3e-8)
    np.testing.assert_allclose(found.learning_rate, curve.learning_rate, rtol=3e-8)


def test_isotropic_constant_rate_has_the_exponential_of_the_closed_form():
    """K = I: R(t) = (R(0) - R_∞) e^{-γ(2-γ)t} + R_∞ with R_∞ = ω²/(2-γ)."""
    rate, noise = 0.7, 0.6
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    found = solve_volterra(system, sh.Spectrum.isotropic(), sh.Start(), 8.0, rtol=1e-9)
    floor = noise**2 / (2 - rate)
    exact = ((1 + noise**2) / 2 - floor) * np.exp(-rate * (2 - rate) * found.t) + floor
    np.testing.assert_allclose(found.risk, exact, rtol=1e-8)


def test_the_march_is_of_second_order():
    equation = _equation(sh.derive(sh.least_squares(0.3), sh.AdaGradNorm(1, 1)), THREE, sh.Start())
    ends = [_march(equation, 3.0, steps)[:, -1] for steps in (100, 200, 400, 800)]
    gaps = np.diff(ends, axis=0)
    np.testing.assert_allclose(np.log2(np.abs(gaps[:-1] / gaps[1:])), 2.0, atol=0.05)


def test_block_history_is_the_full_sum():
    """Fast history against the O(N²) sum, on random numbers."""
    rng = np.random.default_rng(2)
    source, kernel, history = rng.standard_normal(1000), rng.standard_normal(1000), np.zeros(1000)
    for n in range(64, 1000, 64):
        _pass_on(source, kernel, history, n)
    low = np.arange(1000) // 64 * 64
    exact = [source[: low[n]] @ kernel[n - np.arange(low[n])] for n in range(1000)]
    np.testing.assert_allclose(history, exact, atol=1e-11)


def test_what_the_risk_does_not_determine_is_refused():
    with pytest.raises(ValueError, match="use solve"):
        solve_volterra(sh.derive(sh.least_squares(), sh.LineSearch()), THREE, sh.Start(), 1.0)
    with pytest.raises(ValueError, match="least-squares limit"):
        solve_volterra(sh.derive(sh.phase_retrieval(), sh.Constant(0.1)), THREE, sh.Start(), 1.0)


def test_an_exploding_risk_is_said_so():
    with pytest.raises(ArithmeticError, match="leave all bounds"):
        solve_volterra(
            sh.derive(sh.least_squares(), sh.Constant(9.0)), sh.Spectrum.isotropic(), sh.Start(), 60.0
        )
