"""The mean-field solver against exact Gaussians, a stationary law, a fixed-step reference, and its own
order."""

import numpy as np
import pytest
from scipy.special import digamma, polygamma

from symhigh.codegen.densities import solver_kernels
from symhigh.integration.fokker_planck import MeanFieldModel, frame_grid, solve_fokker_planck

ONE = np.ones(1)


def linear(slope: float, spread: float) -> MeanFieldModel:
    """dξ = (1 − slope ξ) dt + sqrt(2 spread) dB, with R = E ξ²: no exponential terms."""
    none = np.empty((1, 0))
    return MeanFieldModel(
        in_xi=np.empty(0), in_alpha=np.empty(0), drift_constant=ONE, drift_slope=-slope * ONE, drift_terms=none,
        spread_constant=spread * ONE, spread_rate=0 * ONE, error_constant=0 * ONE, error_slope=ONE, error_terms=none,
        share=ONE, alpha=0 * ONE, alpha_rate=0 * ONE, offset=0.0,
    )  # fmt: skip


def log_gamma(k: float) -> MeanFieldModel:
    """dξ = (k − e^ξ) dt + √2 dB: the stationary law of e^ξ is Gamma(k)."""
    column = np.ones((1, 1))
    return MeanFieldModel(
        in_xi=np.array([1.0]), in_alpha=np.zeros(1), drift_constant=k * ONE, drift_slope=0 * ONE, drift_terms=-column,
        spread_constant=ONE, spread_rate=0 * ONE, error_constant=0 * ONE, error_slope=0 * ONE, error_terms=column,
        share=ONE, alpha=0 * ONE, alpha_rate=0 * ONE, offset=0.0,
    )  # fmt: skip


def test_linear_drift_and_constant_noise_give_the_exact_gaussian():
    slope, spread, times = 0.7, 0.3, np.array([0.0, 0.05, 0.5, 2.0, 8.0])
    found = solve_fokker_planck(linear(slope, spread), np.array([2.0]), times, rtol=1e-9)
    mean = 1 / slope + (2.0 - 1 / slope) * np.exp(-slope * times)
    variance = spread * (1 - np.exp(-2 * slope * times)) / slope
    points, mass = found.points()[:, 0], found.mass[:, 0]
    assert np.allclose((points * mass).sum(1), mean, atol=1e-9)
    assert np.allclose(((points - mean[:, None]) ** 2 * mass).sum(1), variance, atol=1e-9)
    assert np.allclose(found.risk, mean**2 + variance, atol=1e-8)
    exact = np.exp(-((points[1:] - mean[1:, None]) ** 2) / (2 * variance[1:, None]))
    exact /= np.sqrt(2 * np.pi * variance[1:, None])
    assert np.abs(found.density()[1:, 0] / exact - 1)[:, 20:-20].max() < 1e-6


def test_without_noise_the_point_follows_the_ordinary_equation():
    """e^{−ξ} of dξ = (k − e^ξ) dt is linear: e^{−ξ(t)} = 1/k + (e^{−ξ(0)} − 1/k) e^{−kt}."""
    model, times = log_gamma(0.8), np.array([0.0, 0.3, 1.0, 4.0])
    still = MeanFieldModel(**{**model.__dict__, "spread_constant": 0 * ONE})
    found = solve_fokker_planck(still, np.array([-0.5]), times, rtol=1e-9)
    exact = -np.log(1 / 0.8 + (np.exp(0.5) - 1 / 0.8) * np.exp(-0.8 * times))
    assert np.allclose(found.centre[:, 0], exact, atol=1e-8)
    assert np.all(found.scale == 0)


@pytest.mark.parametrize("k", [20.0, 3.0, 1.5])
def test_stationary_law_is_the_log_gamma_law(k):
    """Mean ψ(k), variance ψ'(k), E e^{2ξ} = k(k+1): a skew law with an exponential tail of rate k."""
    found = solve_fokker_planck(log_gamma(k), np.array([1.0]), np.array([0.0, 60.0]), rtol=1e-6)
    points, mass = found.points()[-1, 0], found.mass[-1, 0]
    mean = points @ mass
    assert mean == pytest.approx(digamma(k), abs=3e-5)
    assert (points - mean) ** 2 @ mass == pytest.approx(polygamma(1, k), rel=1e-4)
    assert found.risk[-1] == pytest.approx(k * (k + 1), rel=1e-4)


def test_mass_is_conserved_and_densities_are_nonnegative():
    for rtol in (1e-2, 1e-5):
        found = solve_fokker_planck(log_gamma(0.9), np.array([3.0]), np.linspace(0, 20, 41), rtol=rtol)
        assert np.abs(found.mass.sum(2) - 1).max() < 1e-12
        assert found.mass.min() >= 0


def test_second_order_in_time_and_in_space():
    """Successive differences fall by 4, to within 2^±0.15."""
    model, start, times = log_gamma(1.5), np.array([2.0]), np.array([0.0, 1.0])
    by_step = [solve_fokker_planck(model, start, times, step=h).risk[-1] for h in (0.02, 0.01, 0.005, 0.0025)]
    by_grid = [
        solve_fokker_planck(model, start, times, nodes=n, step=0.02).risk[-1] for n in (41, 81, 161, 321)
    ]
    for series in (by_step, by_grid):
        gaps = np.abs(np.diff(series))
        assert np.log2(gaps[1] / gaps[2]) == pytest.approx(2.0, abs=0.15)


def test_smaller_tolerances_converge():
    model, start, times = log_gamma(1.5), np.array([2.0]), np.array([0.0, 1.0, 3.0])
    best = solve_fokker_planck(model, start, times, rtol=1e-9).risk
    gaps = [
        np.abs(solve_fokker_planck(model, start, times, rtol=r).risk / best - 1).max()
        for r in (1e-3, 1e-5, 1e-7)
    ]
    assert gaps[0] < 2e-2
    assert gaps[1] < 1e-3
    assert gaps[2] < 5e-5
    assert gaps[0] > gaps[1] > gaps[2]


def test_shifted_solve_against_a_dense_matrix():
    rng = np.random.default_rng(1)
    up, down, right, h = rng.uniform(0, 3, 9), rng.uniform(0, 3, 9), rng.uniform(0, 1, 9), 0.7
    matrix = np.zeros((9, 9))
    for i in range(8):
        matrix[i, i] -= up[i]
        matrix[i + 1, i] += up[i]
        matrix[i + 1, i + 1] -= down[i]
        matrix[i, i + 1] += down[i]
    found = np.empty(9)
    solver_kernels().solve_shifted(up, down, h, right, np.empty(9), found)
    assert np.allclose(found, np.linalg.solve(np.eye(9) - h * matrix, right), rtol=1e-12)


def test_limiter_keeps_mass_and_positivity_and_good_cells():
    rng = np.random.default_rng(2)
    low = rng.uniform(0, 1, 50) ** 4
    low /= low.sum()
    high = low + np.diff(0.02 * rng.standard_normal(51), prepend=0.0)[1:] * 0.5
    high += (low.sum() - high.sum()) / 50
    assert high.min() < 0
    limited = high.copy()
    solver_kernels().limit_to_positive(low, limited)
    assert limited.min() >= -1e-17
    assert limited.sum() == pytest.approx(low.sum(), abs=1e-15)
    flux = 0.4 * np.minimum(low[:-1], low[1:]) * rng.uniform(-1, 1, 49)
    gentle = low - np.concatenate([flux, [0]]) + np.concatenate([[0], flux])
    same = gentle.copy()
    solver_kernels().limit_to_positive(low, same)
    assert np.allclose(same, gentle, atol=1e-16)


def test_grid_integrates_gaussian_moments_to_rounding():
    grid, cells = frame_grid(161)
    gaussian = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * cells
    assert [(gaussian * grid**k).sum() for k in (0, 2, 4, 6)] == pytest.approx([1, 1, 3, 15], rel=1e-12)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"nodes": 160}, "odd"),
    ({"nodes": 11}, "21"),
    ({"rtol": 0.0}, "rtol"),
    ({"step": -1.0}, "step"),
    ({"t": np.array([0.0, 1.0, 1.0])}, "increasing"),
    ({"t": np.array([0.0, np.nan])}, "finite"),
])  # fmt: skip
def test_bad_arguments(arguments, message):
    options = {"t": np.array([0.0, 1.0]), **arguments}
    with pytest.raises(ValueError, match=message):
        solve_fokker_planck(log_gamma(1.0), np.array([0.0]), **options)


def test_explosion_is_reported():
    """dξ = e^ξ dt from 0 explodes at t = 1."""
    model = MeanFieldModel(
        **{**log_gamma(0.0).__dict__, "drift_terms": np.ones((1, 1)), "spread_constant": 0 * ONE}
    )
    with pytest.raises(ArithmeticError, match="no finite solution"):
        solve_fokker_planck(model, np.array([0.0]), np.array([0.0, 2.0]))
