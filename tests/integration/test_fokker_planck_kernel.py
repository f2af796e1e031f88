"""The kernels of the mean-field solver, run as plain Python: against sums, quadratures and dense matrices."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from symhigh.codegen.cache import load
from symhigh.codegen.densities import Coupled, solver_kernels
from symhigh.codegen.density_kernel import KERNEL
from symhigh.codegen.target import NUMBA, NUMPY, Target
from symhigh.integration.fokker_planck import frame_grid
from tests.codegen.test_c import COMPILED

kernel: Any = load(f"{NUMPY.header}\n\n{KERNEL}")
"""Every function of the solver as the Python function that it is translated from."""

GRID, CELLS = frame_grid(31)
CLASSES, CHANNELS = 3, 2
IN_XI, IN_ALPHA = np.array([0.5, -0.5, 1.0]), np.array([0.2, -0.3, 0.1])
RNG = np.random.default_rng(7)
FLAT = RNG.uniform(0.2, 1.0, (4, CHANNELS, CLASSES)) * np.array([1.0, -1.0, 1.0, 0.5])[:, None, None]
TERMS = RNG.normal(size=(CHANNELS, CLASSES, 3)) * np.array([1.0, 1.0, 0.0])
BEGIN = np.array([0.1, -0.2, 0.3])
LAW = np.exp(-((GRID - np.array([[0.1], [-0.3], [0.2]])) ** 2) / 2) * CELLS
LAW /= LAW.sum(axis=1, keepdims=True)
ROW = RNG.normal(size=(CLASSES, 6))
STATE = np.array([0.3, -0.4, 0.1, 0.5, 0.8, 0.0, 0.7, 0.4, 1.5])
"""Means, variances (the last class is a point), clocks of the channels, one memory."""


def model(sums: Any, const: Any = None) -> Any:
    return Coupled(
        kernel.squared_error, forces, FLAT, TERMS, BEGIN, IN_XI, IN_ALPHA, ROW, const, sums, GRID, CELLS
    )


def forces(time: float, sums: Any, memory: Any, par: Any, const: Any, out: Any) -> None:
    """The second channel, and the rate of the memory."""
    out[0] = sums[0] + par[0] * time
    out[1] = const[0] - memory[0]


@pytest.mark.parametrize("s", [1e-9, 0.3, 2.5])
def test_exponentials_less_one_are_right_to_rounding(s: float) -> None:
    in_xi = np.array([0.5, -0.5, 1.0, -1.0, 3.0, -0.7])
    bump = np.full((in_xi.size, GRID.size), np.nan)
    kernel.exponential_bumps(in_xi, s, GRID, bump)
    exact = [[float(mpmath.expm1(mpmath.mpf(a) * s * y)) for y in GRID] for a in in_xi]
    np.testing.assert_allclose(bump, exact, rtol=1e-13)


def test_weighted_sums() -> None:
    bump, first, second = RNG.normal(size=(3, GRID.size)), np.empty(3), np.empty(3)
    found = kernel.weighted_sums(LAW[0], GRID, bump, first, second)
    np.testing.assert_allclose(found, [LAW[0] @ GRID, LAW[0] @ GRID**2], rtol=1e-13)
    np.testing.assert_allclose(first, bump @ LAW[0], rtol=1e-12)
    np.testing.assert_allclose(second, bump @ (LAW[0] * GRID), rtol=1e-12)


def square(m: float, s: float, alpha: float, row: Any, law: Any) -> float:
    """``share E e²`` of ``e = a + b ξ + Σ c_j exp(in_xi_j ξ + in_alpha_j α)`` at ξ = m + s y."""
    xi = m + s * GRID
    e = row[1] + row[2] * xi + np.exp(np.outer(xi, IN_XI) + IN_ALPHA * alpha) @ row[3:]
    return float(row[0] * (law @ e**2))


def test_averages_of_squared_errors_and_what_is_kept() -> None:
    sums, kept = np.full(1, np.nan), np.full((CLASSES, 11), np.nan)
    kernel.averages_at(model(sums), STATE, LAW, kept)
    alpha = BEGIN + FLAT[3].T @ STATE[6:8]
    total = sum(
        square(STATE[k], math.sqrt(STATE[3 + k]), alpha[k], ROW[k], LAW[k]) for k in range(CLASSES)
    )
    assert sums[0] == pytest.approx(total, rel=1e-12)
    for k in range(CLASSES):
        bumps = np.expm1(np.outer(IN_XI, math.sqrt(STATE[3 + k]) * GRID))
        expected = [np.exp(IN_XI * STATE[k] + IN_ALPHA * alpha[k]), bumps @ LAW[k], bumps @ (LAW[k] * GRID),
                    [LAW[k] @ GRID, LAW[k] @ GRID**2]]  # fmt: skip
        np.testing.assert_allclose(kept[k], np.concatenate(expected), rtol=1e-12, atol=1e-15)
    out = np.empty(1)
    kernel.risk_of_squares(0.0, np.array([2.0]), None, None, np.array([0.5]), out)
    assert out[0] == 2.5


@pytest.mark.parametrize("z", [-800.0, -3.0, -1.1e-5, -9e-6, 0.0, 9e-6, 1.1e-5, 0.5, 699.0, 701.0])
def test_bernoullis_function(z: float) -> None:
    with mpmath.workdps(30):
        exact = float(mpmath.mpf(z) / mpmath.expm1(z)) if z else 1.0
    assert kernel.bernoulli(z) == pytest.approx(exact, rel=1e-12, abs=1e-300)


def drift(k: int, values: Any, alpha: Any, xi: Any) -> Any:
    """The drift of a class at ξ under the channels' values."""
    exponentials = np.exp(np.multiply.outer(xi, IN_XI) + IN_ALPHA * alpha[k])
    return values @ FLAT[0, :, k] + values @ FLAT[1, :, k] * xi + exponentials @ (values @ TERMS[:, k])


def test_the_frame_follows_mean_and_variance() -> None:
    """dm = E b - slope s E y and ds² = 2 slope s² + 2 D, with the slope of the regression of b on ξ under the law."""
    out, sums, work = np.full(9, np.nan), np.zeros(1), np.empty((CLASSES, 11))
    kernel.frame_rates(model(sums, np.array([0.9])), np.array([0.6]), 0.7, STATE, LAW, work, out)
    alpha = BEGIN + FLAT[3].T @ STATE[6:8]
    values = np.array([1.0, sums[0] + 0.6 * 0.7])
    np.testing.assert_allclose(out[6:], [*values, 0.9 - 1.5], rtol=1e-14)
    for k in range(CLASSES):
        m, s = STATE[k], math.sqrt(STATE[3 + k])
        y, law, half = GRID, LAW[k], values @ FLAT[2, :, k]
        b = drift(k, values, alpha, m + s * y)
        y1, spread = law @ y, law @ y**2 - (law @ y) ** 2
        if s:
            slope = (law @ (b * y) - law @ b * y1) / (s * spread)
        else:
            slope = (drift(k, values, alpha, m + 1e-6) - drift(k, values, alpha, m - 1e-6)) / 2e-6
        assert out[k] == pytest.approx(law @ b - slope * s * y1, rel=1e-11)
        assert out[3 + k] == pytest.approx(2 * slope * s**2 + 2 * half, rel=1e-8)


def generator(k: int, x0: Any, x1: Any, h: float, law: Any) -> Any:
    """The matrix of rates between cells (Scharfetter and Gummel), by quadratures and Bernoulli's function."""
    middle = (x0 + x1) / 2
    alpha, values = BEGIN + FLAT[3].T @ middle[6:8], np.array([1.0, (x1[7] - x0[7]) / h])
    q, m = middle[3 + k], middle[k]
    s, half = math.sqrt(q), values @ FLAT[2, :, k]
    centre = drift(k, values, alpha, m)

    def b(y: Any) -> Any:
        return drift(k, values, alpha, m + s * y) - centre

    y1 = law @ GRID
    slope = (law @ (b(GRID) * GRID) - law @ b(GRID) * y1) / (law @ GRID**2 - y1**2)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    rates = np.zeros((GRID.size, GRID.size))
    for i in range(GRID.size - 1):
        width = GRID[i + 1] - GRID[i]
        y = GRID[i] + width * (nodes + 1) / 2
        pull = (b(y) - law @ b(GRID) - slope * (y - y1)) / s - half / q * y
        gain, spread = width / 2 * (weights @ pull), half / q
        up, down = (spread * float(z / mpmath.expm1(z)) for z in (-gain / spread, gain / spread))
        rates[i + 1, i] += up / (width * CELLS[i])
        rates[i, i] -= up / (width * CELLS[i])
        rates[i, i + 1] += down / (width * CELLS[i + 1])
        rates[i + 1, i + 1] -= down / (width * CELLS[i + 1])
    return rates


@pytest.mark.parametrize("h", [1e-3, 0.02, 1.0])
def test_a_step_of_the_shape_is_that_of_the_dense_matrix(h: float) -> None:
    """Alexander's method of order two, limited where it is negative; the class without variance stays as it is."""
    later = STATE + h * np.array([0.2, -0.1, 0.3, 0.4, -0.2, 0.0, 1.0, 0.8, 0.1])
    guess = LAW[::-1].copy()
    out = np.full_like(LAW, np.nan)
    kernel.advance_shape(model(None), STATE, later, h, LAW, guess, out)
    gamma = 1 - 1 / math.sqrt(2)
    for k in range(2):
        M = generator(k, STATE, later, h, (LAW[k] + guess[k]) / 2)
        A = np.eye(GRID.size) - gamma * h * M
        stage = np.linalg.solve(A, LAW[k])
        expected = np.linalg.solve(A, LAW[k] + (1 - gamma) * h * M @ stage)
        assert (expected.min() < -1e-8) == (h == 1.0)
        if h == 1.0:
            kernel.limit_to_positive(np.linalg.solve(np.eye(GRID.size) - h * M, LAW[k]), expected)
            expected = np.maximum(expected, 0)
        np.testing.assert_allclose(out[k], expected, rtol=1e-8, atol=1e-14)
        assert out[k].sum() == pytest.approx(1, abs=1e-13)
    np.testing.assert_array_equal(out[2], LAW[2])


def test_errors_of_a_step_are_measured_by_the_distance_from_rest() -> None:
    rates, h = RNG.normal(size=(7, 9)), 0.3
    x, predicted = STATE, STATE + RNG.normal(size=9) * 1e-3
    weights = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]
    apart = abs(x - predicted)
    last, units = rates[6], np.ones(9)
    for k in range(CLASSES):
        half = FLAT[2, :, k] @ last[6:8]
        pull = (last[3 + k] / 2 - half) / x[3 + k] if x[3 + k] > 0 else 0
        lag = last[k] / pull if pull else 1.0
        size = x[3 + k] + lag**2 + 1e-20 * (1 + x[k] ** 2)
        units[k], units[3 + k] = math.sqrt(size), size
    units[8] = abs(x[8]) + abs(h * last[8])
    measured = [0, 1, 2, 3, 4, 5, 8]
    for only in (measured, [0], [3], [5], [8]):
        mask = np.zeros(9)
        mask[only] = 1
        table = np.where(np.arange(7)[:, None] == 6, rates, rates * mask)
        found = kernel.step_error(model(None), x, np.where(mask > 0, predicted, x), table, h)
        inner = abs(h * (np.array(weights) @ table))
        assert found[0] == pytest.approx((inner / units)[measured].max(), rel=1e-12)
        assert found[1] == pytest.approx((apart * mask / units)[measured].max(), rel=1e-9)


@pytest.mark.parametrize("place", [0, 3, 8])
def test_errors_that_are_no_numbers_are_not_passed_over(place: int) -> None:
    """Python's max passes over them, and so would the step."""
    rates = RNG.normal(size=(7, 9))
    rates[2, place] = math.nan
    assert kernel.step_error(model(None), STATE, STATE, rates, 0.3) == (math.inf, math.inf)
    predicted = STATE.copy()
    predicted[place] = math.nan
    assert kernel.step_error(model(None), STATE, predicted, np.ones((7, 9)), 0.3) == (math.inf, math.inf)


@pytest.mark.parametrize("target", [*COMPILED, pytest.param(NUMBA, marks=pytest.mark.slow)], ids=lambda t: t.name)
def test_compiled_functions_compute_what_the_reference_does(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMHIGH_TARGET", target.name)
    compiled = solver_kernels()
    assert compiled.target is target
    at = np.full(3, 0.3), np.full(3, -0.2), RNG.normal(size=(3, GRID.size))
    found, exact = np.full(1, 0.5), np.full(1, 0.5)
    for function, sums in ((compiled.squared_error, found), (kernel.squared_error, exact)):
        function(0.8, 0.1, GRID, at[0], at[2], LAW[0], ROW[0], sums)
    assert found == pytest.approx(exact, rel=1e-13)
    times, result = np.array([0.0, 0.3]), []
    for solver in (compiled, kernel):
        path, rates, mass = np.zeros((2, 6)), np.zeros((2, 6)), np.zeros((2, 2, GRID.size))
        path[0, :2], mass[0] = (0.3, -0.2), LAW[:2]
        told = Coupled(
            solver.squared_error, solver.risk_of_squares, np.ascontiguousarray(FLAT[:, :, :2]),
            np.ascontiguousarray(TERMS[:, :2]), BEGIN[:2].copy(), IN_XI, IN_ALPHA, ROW[:2].copy(), np.array([0.4]),
            np.zeros(1), GRID, CELLS,
        )  # fmt: skip
        steps = solver.advance(told, np.zeros((2, 0)), times, 1e-6, 0.1, path, rates, mass)
        result.append((steps[0], mass))
    assert result[0][0] == result[1][0] > 3
    np.testing.assert_allclose(result[0][1], result[1][1], rtol=1e-9, atol=1e-15)
