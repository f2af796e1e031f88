"""The best momentum against values integrated elsewhere, against the root of the secular equation, and its bounds."""

import numpy as np
import pytest
from scipy.optimize import minimize

import symhigh as sh


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


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"best_momentum.*> 0"):
        sh.best_momentum(sh.Spectrum.power_law(0.2))
    with pytest.raises(TypeError, match=r"best_momentum\(spectrum"):
        sh.best_momentum(3)  # type: ignore[arg-type]
