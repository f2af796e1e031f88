"""The march of the Volterra equation against the trapezoidal rule written out, and the grids that it takes."""

from __future__ import annotations

import numpy as np
import pytest

import symhigh as sh
from symhigh.integration.volterra import _equation, _march, _reach, _romberg, solve_volterra

THREE = sh.Spectrum.from_eigenvalues([1.5, 0.6, 0.1], [0.3, 0.3, 0.4])
START = sh.Start(0.5, 1, 0.2)
RATE, NOISE = 0.8, 0.3


def equation(rule: sh.Rule):  # type: ignore[no-untyped-def]
    return _equation(sh.derive(sh.least_squares(NOISE), rule), THREE, START)


def test_a_march_is_the_trapezoidal_rule() -> None:
    """``Q(u) = F(u) + ∫ K(u - s) γ (Q + ω²) ds`` at a constant rate, as one triangular system."""
    reach, steps = 2.5, 300
    h, lam, w = reach / steps, THREE.values.astype(float), THREE.weights
    u = h * np.arange(steps + 1)
    energy = START.x0 - 2 * START.overlap + START.x_star
    forcing = np.exp(-2 * np.outer(u, lam)) @ (w * lam) * float(energy)
    kernel = np.exp(-2 * np.outer(u, lam)) @ (w * lam**2)
    rule = np.zeros((steps + 1, steps + 1))
    for n in range(1, steps + 1):
        rule[n, : n + 1] = h * kernel[n::-1]
        rule[n, [0, n]] /= 2
    exact = np.linalg.solve(np.eye(steps + 1) - RATE * rule, forcing + RATE * NOISE**2 * rule.sum(axis=1))
    Q, rate, time = _march(equation(sh.Constant(RATE)), reach, steps)
    np.testing.assert_allclose(Q, exact, rtol=1e-12)
    np.testing.assert_allclose(rate, RATE, rtol=1e-15)
    np.testing.assert_allclose(time, u / RATE, rtol=1e-12, atol=1e-15)


def test_the_clock_reaches_two_per_cent_beyond_the_end() -> None:
    for end in (0.3, 5.0, 40.0):
        assert _reach(equation(sh.Constant(RATE)), end) == pytest.approx(1.02 * RATE * end, rel=1e-9)
    falling = equation(sh.Schedule(1 / (1 + sh.t)))
    assert _reach(falling, 5.0) == pytest.approx(1.02 * np.log(6.0), rel=1e-4)


def test_extrapolated_grids_have_the_values_of_the_limit() -> None:
    at = np.array([0.0, 0.21, 1.0, 2.9])
    problem = equation(sh.Constant(RATE))
    found = _romberg(lambda steps: _march(problem, 2.5, steps), 2.5, 64, at)
    curve = sh.derive(sh.least_squares(NOISE), sh.Constant(RATE)).solve(THREE, START, 3.0, t=at, rtol=1e-12)
    np.testing.assert_allclose([problem.risk(Q) for Q in found[0]], curve.risk, rtol=1e-8)
    np.testing.assert_allclose(found[1], RATE, rtol=1e-12)
    with pytest.raises(ArithmeticError, match=r"the grid ends at t = 3\.125; the clock is not resolved"):
        _romberg(lambda steps: _march(problem, 2.5, steps), 2.5, 64, np.array([0.0, 3.2]))


def test_grids_are_halved_until_they_agree() -> None:
    system = sh.derive(sh.least_squares(NOISE), sh.AdaGradNorm(1.5, 0.5))
    for rtol, steps in ((1e-4, 2048), (1e-10, 2048), (2e-12, 4096)):
        found = solve_volterra(system, THREE, START, 12.0, t=[1.0, 12.0], rtol=rtol)
        assert found.statistics["steps"] == steps, rtol
    with pytest.raises(ArithmeticError, match=r"leave all bounds at t = .*; or t_end = 50 is too long for a grid"):
        solve_volterra(sh.derive(sh.least_squares(NOISE), sh.Constant(9.0)), THREE, START, 50.0)
