"""The best momentum against values integrated elsewhere, against the root of the secular equation, and its bounds."""

import numpy as np
import pytest
from scipy.optimize import minimize

import symhigh as sh
from symhigh.closed.best_momentum import _gradient, inverse


@pytest.mark.parametrize(("values", "decay", "gain"), [([1, 0.1], 0.51449, 1.268), ([1, 0.01], 0.203361, 3.129)])
def test_golden(values: list[float], decay: float, gain: float) -> None:
    spectrum = sh.Spectrum.from_eigenvalues(values)
    found = sh.best_momentum(spectrum)
    assert found.decay == pytest.approx(decay, abs=5e-6)
    assert found.decay / sh.best_rate(spectrum).decay == pytest.approx(gain, abs=5e-4)
    if values[1] == 0.1:
        assert (found.direct, found.gamma, found.friction) == pytest.approx((1.536, 1.177, 0.728), abs=6e-4)


def exponent(gamma: float, friction: float, direct: float, values: np.ndarray) -> float:
    """The slowest eigenvalue of (D², χ, ξ) of two or more modes of equal weight, by the equations written by hand."""
    n = len(values)
    flow = np.zeros((3 * n, 3 * n))
    for i, v in enumerate(values):
        level = np.zeros(3 * n)
        level[0::3] = values / n
        flow[3 * i : 3 * i + 3, 3 * i : 3 * i + 3] = [
            [-2 * direct * v, -2 * gamma, 0], [v, -direct * v - friction, -gamma], [0, 2 * v, -2 * friction],
        ]  # fmt: skip
        flow[3 * i : 3 * i + 3] += np.outer([direct**2 * v, -direct * v, v], level)
    return float(-np.linalg.eigvals(flow).real.max())


@pytest.mark.parametrize("seed", range(2))
def test_the_exponent_is_the_slowest_eigenvalue_and_no_neighbour_is_faster(seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0.1, 2, 3)
    found = sh.best_momentum(sh.Spectrum.from_eigenvalues(values))
    assert exponent(*found[:3], values) == pytest.approx(found.decay, rel=1e-6)
    searched = minimize(lambda z: -exponent(*np.exp(z), values), np.log(found[:3]) + 0.2, method="Nelder-Mead")
    assert -searched.fun == pytest.approx(found.decay, rel=1e-4)
    assert -searched.fun <= found.decay * (1 + 1e-7)


def test_one_eigenvalue_is_sgd_and_marchenko_pastur_is_exact() -> None:
    assert sh.best_momentum(sh.Spectrum.isotropic(2)) == (0, 1, 0.5, 1)
    found = sh.best_momentum(sh.Spectrum.marchenko_pastur(0.4))
    assert found == pytest.approx((0.4, 0.6, 1, 0.6), rel=1e-9)


def test_units_of_the_eigenvalues() -> None:
    """λ → 5λ divides direct by 5 and gamma by 5, and leaves friction and exponent."""
    one, five = (sh.best_momentum(sh.Spectrum.from_eigenvalues([s, 0.3 * s])) for s in (1, 5))
    assert (five.gamma * 5, five.friction, five.direct * 5, five.decay) == pytest.approx(one, rel=1e-9)


def secular(gamma: float, friction: float, direct: float, values: np.ndarray, weights: np.ndarray) -> float:
    """The exponent of momentum with a direct step, by the root of its secular equation in :func:`sh.limits`."""
    spectrum = sh.Spectrum.from_eigenvalues(values, weights)
    found = sh.limits(sh.least_squares(), sh.Momentum(gamma, friction, direct), spectrum)
    return float(found["rate"].evaluate())


def test_weights_count() -> None:
    values, weights = [1.4, 0.6, 0.2], [0.2, 0.5, 0.3]
    found = sh.best_momentum(sh.Spectrum.from_eigenvalues(values, weights))
    assert secular(*found[:3], np.array(values), np.array(weights)) == pytest.approx(found.decay, rel=1e-8)
    two = sh.best_momentum(sh.Spectrum.from_eigenvalues([2.0, 2.0]))
    assert two.decay == pytest.approx(1, rel=1e-6)


def unfolded(z: np.ndarray, low: float) -> tuple[float, float, float]:
    k = 1 - low * z[0] + np.exp(z[1])
    return float(z[0]), float((k + np.exp(z[2])) / low), float(k)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_the_inverse(seed: int) -> None:
    """Against central differences of log Ψ; and Ψ against its definition, written out."""
    rng = np.random.default_rng(seed)
    values, weights = rng.uniform(0.1, 1, 4), rng.dirichlet(np.ones(4))
    low, z = float(values.min()), rng.uniform(0.2, 1.5, 3)
    gradient = _gradient(values, weights, low, lambda at: unfolded(at, low))
    sides = [
        [np.log(inverse(values, weights, *unfolded(z + side * h, low))) for side in (1, -1)] for h in 1e-5 * np.eye(3)
    ]
    assert gradient(z) == pytest.approx([(up - down) / 2e-5 for up, down in sides], rel=1e-7, abs=1e-9)
    G, C, k = unfolded(z, low)
    by_hand = sum(
        w * v**2 * (G**2 + C**2 / (v * C - k)) / (2 * (k - 1 + v * G)) for v, w in zip(values, weights, strict=True)
    )
    assert inverse(values, weights, G, C, k) == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize("least", [0.0, 1e-16, 1e-14])
def test_eigenvalues_that_are_zero_beside_the_largest_are_refused(least: float) -> None:
    spectrum = sh.Spectrum.from_eigenvalues([1, least], [0.5, 0.5])
    for best in (sh.best_momentum, sh.best_rate):
        with pytest.raises(ValueError, match=rf"{best.__name__}\(spectrum=.*the smallest eigenvalue is .*must be > 0"):
            best(spectrum)
    assert sh.best_rate(sh.Spectrum.from_eigenvalues([1, 1.1e-14], [0.5, 0.5])).rate > 1


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"best_momentum.*> 0"):
        sh.best_momentum(sh.Spectrum.power_law(0.2))
    with pytest.raises(TypeError, match=r"best_momentum\(spectrum"):
        sh.best_momentum(3)  # type: ignore[arg-type]
