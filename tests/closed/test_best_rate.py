"""The best constant rate against values integrated elsewhere, and against a search over rates by the secular
equation."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import symhigh as sh


@pytest.mark.parametrize(("values", "weights", "rate", "decay"), [
    ([1.0], None, 1.0, 1.0), ([1, 0.1], None, 2.64239049, 0.40575266), ([1, 0.5], None, 1.45302894, 0.89692818),
    ([2, 1, 0.3, 0.05], [0.1, 0.4, 0.3, 0.2], 2.43178571, 0.21715425),
])  # fmt: skip
def test_golden(values: list[float], weights: list[float] | None, rate: float, decay: float) -> None:
    found = sh.best_rate(sh.Spectrum.from_eigenvalues(values, weights))
    assert found == pytest.approx((rate, decay), abs=1e-8)


def exponent(gamma: float, values: np.ndarray, weights: np.ndarray) -> float:
    """ρ(γ) by bisection below the first pole, written out."""
    top = 2 * gamma * values.min()

    def gap(rho: float) -> float:
        return float(gamma**2 * weights @ (values**2 / (2 * gamma * values - rho)) - 1)

    low = -10.0
    return float(brentq(gap, low, top * (1 - 1e-13)))


@pytest.mark.parametrize("seed", range(8))
def test_no_other_constant_rate_is_faster(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.uniform(0.05, 2, 5), rng.dirichlet(np.ones(5))
    found = sh.best_rate(sh.Spectrum.from_eigenvalues(values, weights))
    assert exponent(found.rate, values, weights) == pytest.approx(found.decay, rel=1e-9)
    threshold = 2 / float(weights @ values)
    best = minimize_scalar(lambda g: -exponent(g, values, weights), bounds=(1e-3 * threshold, threshold * 0.999),
                           method="bounded", options={"xatol": 1e-10})  # fmt: skip
    assert -best.fun <= found.decay * (1 + 1e-9)
    assert best.x == pytest.approx(found.rate, rel=1e-4)


def test_a_curve_decays_at_that_exponent() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([1.0, 0.1])
    rate, decay = sh.best_rate(spectrum)
    curve = sh.derive(sh.least_squares(), sh.Constant(rate)).solve(spectrum, sh.Start(), 90, t=[60, 90], rtol=1e-11)
    assert np.log(curve.risk[0] / curve.risk[1]) / 30 == pytest.approx(decay, rel=1e-6)


def test_a_spectrum_that_reaches_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"best_rate.*> 0"):
        sh.best_rate(sh.Spectrum.power_law(0.2))
