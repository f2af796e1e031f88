"""The band on synthetic ensembles: extrapolation, false-alarm rate, power, points without noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from symhigh.ledger.bands import deviation, extrapolation_weights

DIMS = (256, 128, 64)
T = np.linspace(0.0, 1.0, 60)


def ensemble(rng, runs, d, spread, memory, wrong=0.0):
    """Errors of runs at dimension d, (runs, T): a skewed, autocorrelated process, bias β(t)/d + O(1/d²).

    Lognormal with coefficient of variation ``spread √(256/d)``; its logarithm is autoregressive, with
    coefficient ``memory``.
    """
    noise = rng.standard_normal((runs, T.size))
    for k in range(1, T.size):
        noise[:, k] = memory * noise[:, k - 1] + np.sqrt(1 - memory**2) * noise[:, k]
    width = spread * np.sqrt(256 / d)
    bias = 5 * np.sin(3 * T) / d + 40 * T / d**2
    return np.exp(width * noise - width**2 / 2) - 1 + bias + wrong


def test_extrapolation_removes_the_powers_it_should():
    h = 1 / np.array(DIMS, dtype=float)
    np.testing.assert_allclose(extrapolation_weights(DIMS[:2]), [2, -1])
    np.testing.assert_allclose(extrapolation_weights(DIMS), [8 / 3, -2, 1 / 3])
    odd = (101, 50, 25)
    for power in (1, 2):
        assert abs(extrapolation_weights(odd) @ (1 / np.array(odd, dtype=float)) ** power) < 1e-14
    assert extrapolation_weights(odd).sum() == pytest.approx(1)
    assert abs(extrapolation_weights(DIMS[:2]) @ h[:2] ** 2) > 1e-6


@pytest.mark.parametrize(("runs", "spread", "memory"), [(5, 0.25, 0.9), (20, 0.05, 0.0), (20, 0.5, 0.9)])
def test_false_alarms_are_at_most_as_stated(runs, spread, memory):
    """Counted against a binomial at the stated rate, at a level of 1e-3.

    The exact guarantee is for the three-dimension statistic that the band is built on; both are counted.
    """
    rng = np.random.default_rng(7)
    trials, alarm = 600, 0.05
    alarms = inner = 0
    for _ in range(trials):
        found = deviation([ensemble(rng, runs, d, spread, memory) for d in DIMS], DIMS, 0.0, alarm)
        alarms += bool((found.ratio > 1).any())
        free_of_both = np.abs(found.error) - found.remainder  # |L| - |L - Q| <= |Q|
        inner += bool((free_of_both > found.band - found.remainder).any())
    most = int(binom.isf(1e-3, trials, alarm))
    assert alarms <= inner <= most


def test_the_inner_statistic_is_not_vacuous():
    """Q itself, on Gaussian noise without memory, exceeds its bound about as often as stated."""
    rng = np.random.default_rng(3)
    trials, alarm, exceeded = 400, 0.2, 0
    weights = extrapolation_weights(DIMS)
    for _ in range(trials):
        errors = [rng.standard_normal((10, T.size)) / np.sqrt(d) for d in DIMS]
        found = deviation(errors, DIMS, 0.0, alarm)
        exceeded += bool(
            (np.abs(weights @ [e.mean(axis=0) for e in errors]) > found.band - found.remainder).any()
        )
    low, high = binom.ppf([5e-4, 1 - 5e-4], trials, alarm)
    assert low * 0.7 < exceeded <= high


def test_wrong_limits_are_caught_once_they_exceed_the_band():
    rng = np.random.default_rng(5)
    caught = [
        (
            deviation([ensemble(rng, 20, d, 0.1, 0.9, wrong=0.6) for d in DIMS], DIMS, 0.0, 0.01).ratio > 1
        ).any()
        for _ in range(40)
    ]
    assert all(caught)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_bias_alone_is_never_an_alarm(power):
    """Without noise a bias in one power of 1/d, first to third, is covered by the remainder."""
    errors = [np.full((4, 3), (32.0 / d) ** power) for d in DIMS]
    found = deviation(errors, DIMS, 1e-12, 0.01)
    assert (found.ratio <= 1 + 1e-9).all()


def test_an_error_that_does_not_shrink_is_an_alarm_without_noise():
    found = deviation([np.full((4, 3), 1e-3) for _ in DIMS], DIMS, 1e-6, 0.01)
    assert (found.ratio > 1).all()
    np.testing.assert_allclose(found.error, 1e-3)


def test_points_without_variance():
    zero = [np.zeros((4, 2)) for _ in DIMS]
    found = deviation(zero, DIMS, 0.0, 0.01)
    assert (found.ratio == 0).all()
    assert (deviation([z + 1e-9 for z in zero], DIMS, 0.0, 0.01).ratio > 1e9).all()
    assert (deviation([z + 1e-9 for z in zero], DIMS, 1e-8, 0.01).ratio < 1).all()


def test_smaller_dimensions_with_more_runs_cost_little_noise():
    """d, d/4, d/8 with n, 4n, 8n runs: the noise of Q is 1.67 standard errors of the mean at d."""
    rng = np.random.default_rng(8)
    dims, n = (800, 200, 100), 400
    errors = [rng.standard_normal((n * 800 // d, 200)) / np.sqrt(d) for d in dims]
    found = deviation(errors, dims, 0.0, 0.01)
    assert found.standard_error.mean() * np.sqrt(800 * n) == pytest.approx(1.67, abs=0.02)


def test_a_known_bias_needs_one_dimension():
    """The t-test of the mean itself: exact false alarms at every size of the sample."""
    rng = np.random.default_rng(9)
    draws = rng.standard_normal((3000, 5, 1))
    alarms = sum(deviation([e], (100,), 0.0, 0.05).ratio.max() > 1 for e in draws)
    low, high = binom.ppf([5e-4, 1 - 5e-4], 3000, 0.05)
    assert low <= alarms <= high
    assert deviation([draws[0]], (100,), 0.0, 0.05).remainder == 0


def test_the_spread_tells_what_is_found():
    """A shift by the band is found half of the time, by the band and 2.33 spreads 99 times of 100."""
    rng = np.random.default_rng(10)
    noise = rng.standard_normal((3000, 30, 1))
    plain = [deviation([e], (100,), 0.0, 0.01) for e in noise]
    for quantile, chance in ((0.0, 0.5), (2.326, 0.99)):
        shift = np.mean([f.band + quantile * f.spread for f in plain])
        found = sum(deviation([e + shift], (100,), 0.0, 0.01).ratio.max() > 1 for e in noise)
        low, high = binom.ppf([1e-4, 1 - 1e-4], 3000, chance)
        assert low - 45 <= found <= high + 45
