"""The statistic of comparisons on arrays of known law: false alarms, power, what a source of knowledge brings."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom, norm

from symhigh.ledger import judgement
from symhigh.ledger.bands import deviation, skewness
from symhigh.ledger.directions import directions, pooled, thinned
from symhigh.ledger.judgement import Ensemble, Source, judge
from symhigh.ledger.outcome import Comparison

T = np.linspace(0.05, 1.0, 20)
SHAPE = np.sin(2 * T)
EXACT = Source("theory", {"y": np.zeros(T.size)})


def ensemble(rng, n, d, wrong=0.0, bias=0.0, first=0):
    """Brownian runs of variance T/d around ``bias·SHAPE/d``, against a limit that is off by ``wrong·SHAPE``."""
    paths = np.cumsum(rng.standard_normal((n, T.size)) * np.sqrt(np.diff(T, prepend=0.0) / d), axis=1)
    values = 1 + paths + bias * np.cos(T) / d
    return Ensemble(d, tuple(range(first, first + n)), T, {"y": values}, {"y": 1 + wrong * SHAPE})


def trial(rng, source, wrong=0.0, bias=0.0, n=20, alarm=0.05, looked_for=None):
    ensembles = [
        ensemble(rng, n, 400, wrong, bias),
        ensemble(rng, 4 * n, 100, wrong, bias, 1000),
        ensemble(rng, 8 * n, 50, wrong, bias, 2000),
    ]
    shifts = {"rate": {"y": SHAPE if looked_for is None else looked_for}}
    return Comparison.of(judge(ensembles, source, shifts, alarm, 0.0), ensembles, source, alarm, ())


COVARIANCE = {("y", "y"): np.minimum.outer(T, T) / 400}
SOURCES = {
    "companions": (Source("companions"), 300.0),
    "bias known": (EXACT, 0.0),
    "bias and covariance known": (replace(EXACT, covariance=COVARIANCE), 0.0),
}


@pytest.mark.parametrize("name", SOURCES)
def test_false_alarms_are_as_stated(name):
    """At most the stated rate, at a level of 1e-3, and not vacuously few; extrapolated biases leave a margin."""
    source, bias = SOURCES[name]
    rng = np.random.default_rng(11)
    trials, alarm = 300, 0.1
    alarms = sum(not trial(rng, source, bias=bias, alarm=alarm).agrees for _ in range(trials))
    assert (0.003 if name == "companions" else 0.03) * trials < alarms <= binom.isf(1e-3, trials, alarm)


def least(n=20, d=400, alarm=0.05, probability=0.99):
    """The factor of SHAPE that the Neyman-Pearson test finds with the probability, two-sided."""
    covariance = np.minimum.outer(T, T) / (d * n)
    return (norm.isf(alarm / 2) + norm.ppf(probability)) / np.sqrt(SHAPE @ np.linalg.solve(covariance, SHAPE))


@pytest.mark.parametrize("name", ["bias and covariance known", "bias known"])
def test_power_is_near_the_bound(name):
    """Errors 1.2 times what the best of all tests finds are found, and the summary promises no less."""
    source, bias = SOURCES[name]
    rng = np.random.default_rng(12)
    found = [trial(rng, source, wrong=1.2 * least(), bias=bias) for _ in range(100)]
    assert sum(not f.agrees for f in found) >= binom.ppf(1e-3, 100, 0.99)
    assert least() < np.median([f.finds("rate") for f in found]) < 1.2 * least()


def test_power_is_as_promised():
    """Half of the errors that are to be found with probability one half are found; other tests add some."""
    rng = np.random.default_rng(13)
    wrong = np.median([trial(rng, EXACT).finds("rate", 0.5) for _ in range(20)])
    found = sum(not trial(rng, EXACT, wrong=wrong).agrees for _ in range(200))
    low, high = binom.ppf([1e-4, 1 - 1e-4], 200, 0.5)
    assert low <= found <= high + 30


def test_the_power_curve_rises_to_one():
    found = trial(np.random.default_rng(14), EXACT)
    error = found.finds("rate")
    assert found.power("rate", error) == pytest.approx(0.99, abs=1e-6)
    assert found.power("rate", 0.0) < found.power("rate", error / 2) < 0.99 < found.power("rate", 2 * error)
    assert found.finds("rate", 0.5) < error
    with pytest.raises(KeyError, match="knows rate"):
        found.power("noise", 1.0)


def test_shapes_find_what_no_parameter_explains():
    """A slow error at right angles to the shift looked for, in the metric of the covariance."""
    rng = np.random.default_rng(15)
    other = np.where(np.arange(T.size) == 0, 1.0, 0.0)
    found = [trial(rng, EXACT, wrong=0.06, looked_for=other) for _ in range(30)]
    assert sum(not f.agrees for f in found) >= 28
    assert all(f.directions["the slowest shapes in time"].ratio.max() > 1 for f in found if not f.agrees)


def test_a_parameter_that_moves_nothing_is_said_to_be_unseen():
    found = trial(np.random.default_rng(16), EXACT, looked_for=np.zeros(T.size))
    assert found.finds("rate") == np.inf
    assert "sees nothing of rate" in found.summary()


def test_outputs_without_noise_are_compared_to_rounding():
    rng = np.random.default_rng(17)
    still = replace(ensemble(rng, 20, 400), values={"y": np.ones((20, T.size))})
    alike = judge([still], EXACT, {}, 0.01, 1e-6)
    assert alike.outputs["y"].ratio.max() == 0
    assert not alike.directions
    off = judge([replace(still, limit={"y": np.full(T.size, 1 + 1e-5)})], EXACT, {}, 0.01, 1e-6)
    assert off.outputs["y"].ratio.max() > 5


def test_the_integration_is_trusted_relative_to_the_largest_value_of_all_dimensions():
    """An error of 5e-6 is within 1e-6 of ten, the companions' largest value, and not of one."""
    one, ten = (
        replace(
            ensemble(np.random.default_rng(18), 20, d),
            values={"y": np.full((20, T.size), size)}, limit={"y": np.full(T.size, size + 5e-6)},
        )
        for d, size in ((400, 1.0), (100, 10.0))
    )  # fmt: skip
    alone, both = (judge(held, EXACT, {}, 0.01, 1e-6).outputs["y"].ratio.max() for held in ([one], [one, ten]))
    assert alone > 2 > 1 > both > 0.2


def test_what_is_not_finite_ends_the_comparison():
    rng = np.random.default_rng(18)
    runs = ensemble(rng, 20, 400)
    runs.values["y"][3, 12:] = np.nan
    assert judge([runs], EXACT, {}, 0.01, 0.0).t.size == 12
    short = replace(ensemble(rng, 20, 400), limit={"y": np.ones(7)})
    assert judge([short], EXACT, {}, 0.01, 0.0).t.size == 7


def test_covariance_is_pooled_over_dimensions():
    rng = np.random.default_rng(19)
    errors = [ensemble(rng, n, d).values["y"] for n, d in ((4000, 100), (8000, 50))]
    found, freedom = pooled(errors, (100, 50))
    assert freedom == 11998
    np.testing.assert_allclose(found, np.minimum.outer(T, T), atol=0.05)


def test_directions_are_the_best_ones():
    """No weights have a larger signal in units of their noise; shapes are orthogonal."""
    covariance = np.minimum.outer(T, T)
    found = directions(covariance, {"rate": SHAPE})
    (best,) = found["rate"]
    signal = (best @ SHAPE) ** 2 / (best @ covariance @ best)
    assert signal == pytest.approx(SHAPE @ np.linalg.solve(covariance, SHAPE), rel=1e-9)
    between = found[""] @ covariance @ found[""].T
    np.testing.assert_allclose(between - np.diag(np.diag(between)), 0, atol=1e-12)


def test_thinning_keeps_the_ends():
    assert thinned(np.arange(100), 5).tolist() == [0, 25, 50, 74, 99]
    assert thinned(np.arange(3), 5).tolist() == [0, 1, 2]


def test_skewness_grows_the_band():
    """Of a χ² law with d degrees of freedom, √(8/d), from ensembles at two dimensions."""
    rng = np.random.default_rng(20)
    errors = [rng.chisquare(d, (n, 2)) / d for n, d in ((2000, 200), (8000, 50))]
    found = skewness(errors, (200, 50))
    np.testing.assert_allclose(found, 0.2, atol=0.06)
    assert skewness([rng.standard_normal((500, 50))], (200,)).mean() < 0.05
    plain, wide = (deviation([errors[0][:30]], (200,), 0.0, 0.01, s) for s in (0.0, 0.5))
    assert (wide.band > 1.05 * plain.band).all()


def test_skewed_means_raise_no_more_alarms_than_stated():
    """χ² with 8 degrees of freedom, 12 runs, one value: Student's law alone alarms too often on one side."""
    rng = np.random.default_rng(21)
    draws = rng.chisquare(8, (4000, 12, 1)) / 8 - 1
    alarm, rates = 0.004, []
    for skew in (0.0, 1.0):
        seen = sum(deviation([e], (100,), 0.0, alarm, skew).ratio.max() > 1 for e in draws)
        rates.append(seen)
    assert rates[1] <= binom.isf(1e-3, 4000, alarm) < rates[0]


def test_the_error_of_particles_widens_the_band():
    """A limit that is off by its own standard error: alarms as stated where it is told, and many where it is not."""
    rng = np.random.default_rng(22)
    size, trials, alarms = 0.02, 200, {True: 0, False: 0}
    for _ in range(trials):
        runs = ensemble(rng, 20, 4000)
        off = {"y": runs.limit["y"] + size * rng.standard_normal() * np.ones(T.size)}
        for told in alarms:
            doubt = {"y": np.full(T.size, size)} if told else {}
            found = judge([replace(runs, limit=off, doubt=doubt)], EXACT, {}, 0.05, 0.0)
            alarms[told] += max(d.ratio.max() for d in (*found.outputs.values(), *found.directions.values())) > 1
    assert alarms[True] <= binom.isf(1e-3, trials, 0.05)
    assert alarms[False] > 0.5 * trials


def test_what_a_leading_bias_leaves_falls_like_the_square_of_the_dimension() -> None:
    errors = [np.full((3, 2), 0.1), np.array([[0.2, -0.4], [0.4, -0.4]])]
    assert judgement._next_order(errors, (100, 50)) == pytest.approx(np.array([0.3, 0.4]) / 4)
    assert judgement._next_order(errors[:1], (100,)).tolist() == [0, 0]


@pytest.mark.parametrize(("bad", "last"), [(None, np.inf), (0, -1.0), (1, 0.5), (2, 1.0)])
def test_the_last_time_that_can_be_compared(bad: int | None, last: float) -> None:
    values = {"risk": np.ones((2, 3)), "norm": np.ones((2, 3))}
    if bad is not None:
        values["norm"][1, bad] = np.nan
    ensemble = SimpleNamespace(t=np.array([0.5, 1.0, 2.0]), values=values, limit={k: np.ones(3) for k in values})
    assert judgement.Ensemble.usable.fget(ensemble) == last
    short = SimpleNamespace(**vars(ensemble) | {"limit": {k: np.ones(2) for k in values}})
    assert judgement.Ensemble.usable.fget(short) == min(last, 1.0)
