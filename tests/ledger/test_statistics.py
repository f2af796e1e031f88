"""The statistics of comparisons against formulas written out, entry by entry, with SciPy's laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, norm, skew
from scipy.stats import t as student

from symhigh.ledger import judgement
from symhigh.ledger.bands import Deviation, deviation, extrapolation_weights, skewness
from symhigh.ledger.directions import directions, shrunk, thinned
from symhigh.ledger.judgement import Source
from symhigh.ledger.predicted import Entries, bias_test, likelihood_test, mean_test, variance_test

DIMS = (200, 100, 50)
ROOT = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.2, 0.3, 1.5]])
COVARIANCE = ROOT @ ROOT.T
W = np.array([[1.0, -0.5, 0.25], [0.0, 2.0, 1.0]])


def entries(dims: tuple[int, ...] = DIMS, runs: int = 12) -> Entries:
    rng = np.random.default_rng(1)
    draws = [rng.exponential(size=(runs + k, 3)) ** 3 for k in range(len(dims))]
    errors = [e @ ROOT.T * np.sqrt(dims[0] / d) + 0.3 for e, d in zip(draws, dims, strict=True)]
    doubts = [np.array([0.1, 0.0, 0.2])] * len(dims)
    return Entries(errors, dims, doubts, np.array([0.01, 0.02, 0.0]), COVARIANCE, {"rate": np.array([1.0, -2.0, 0.5])})


def components(e: Entries, least: float) -> np.ndarray:
    """Weights of the principal components of the correlations, in their standard errors, largest last."""
    size = np.sqrt(np.diag(e.covariance))
    values, vectors = np.linalg.eigh(e.covariance / np.outer(size, size))
    return np.array([v / np.sqrt(x) / size for x, v in zip(values, vectors.T, strict=True) if x >= least * values[-1]])


@pytest.mark.parametrize("next_bias", [True, False])
@pytest.mark.parametrize("dims", [DIMS, DIMS[:1]], ids=str)
def test_means_are_measured_in_predicted_errors(dims: tuple[int, ...], next_bias: bool) -> None:
    e, alarm = entries(dims), 0.02
    found = mean_test(e, W, alarm, next_bias)
    for k, w in enumerate(W):
        parts = [errors @ w for errors in e.errors]
        variance = w @ COVARIANCE @ w
        if len(dims) > 1:
            variance += abs(parts[-1].var(ddof=1) * dims[-1] / dims[0] - variance) * dims[-1] / dims[0]
        standard = np.sqrt(variance / 12 + (abs(w) @ e.doubts[0]) ** 2)
        q = norm.isf(alarm / 4)
        skewed = skewness([p[:, None] for p in parts], dims)[0]
        assert skewed > 0.05 or not k
        left = abs(parts[-1].mean()) * (dims[-1] / dims[0]) ** 2 if next_bias and len(dims) > 1 else 0.0
        band = (q + skewed * (q**2 - 1) / (6 * np.sqrt(12))) * standard + left + abs(w) @ e.rounding
        assert found.error[k] == pytest.approx(parts[0].mean())
        assert found.standard_error[k] == pytest.approx(standard)
        assert found.remainder[k] == pytest.approx(left)
        assert found.band[k] == pytest.approx(band)


@pytest.mark.parametrize("least", [1e-6, 0.5])
def test_the_likelihood_ratio_is_a_sum_of_squares_of_components(least: float) -> None:
    e, alarm = entries(DIMS[:1]), 0.05
    w = components(e, least)
    found = likelihood_test(e, alarm, False, least)
    standard = np.sqrt(1 / 12 + (abs(w) @ e.doubts[0]) ** 2)
    left = np.maximum(abs(w @ e.errors[0].mean(axis=0)) - abs(w) @ e.rounding, 0)
    assert found.error == pytest.approx([((left / standard) ** 2).sum()])
    assert found.band == pytest.approx([chi2.isf(alarm, len(w))])
    assert len(w) == (3 if least < 0.1 else 2)
    exact = replace(e, doubts=[np.zeros(3)], rounding=np.zeros(3))  # Hotelling's statistic with the covariance known
    mean = e.errors[0].mean(axis=0)
    statistic = 12 * mean @ np.linalg.inv(COVARIANCE) @ mean
    assert likelihood_test(exact, alarm, False, 1e-6).error == pytest.approx([statistic])


def test_variances_of_components_and_their_correlations_are_extrapolated() -> None:
    e, alarm = entries(), 0.05
    w = components(e, 0.01)[::-1]
    u = []
    for errors, d in zip(e.errors, DIMS, strict=True):
        parts = errors @ w.T
        u.append((parts - parts.mean(axis=0)) / np.sqrt(1 - 1 / len(parts)) * np.sqrt(d / DIMS[0]))
    single = [np.array([v[:, k] ** 2 - 1 for k in range(3)]) for v in u]
    tests = [[*(s.mean(axis=0)[None]), *s, *(v[:, a] * v[:, b] for a, b in ((0, 1), (0, 2), (1, 2)))]
             for s, v in zip(single, u, strict=True)]  # fmt: skip
    full, pair = extrapolation_weights(DIMS), np.array([2.0, -1.0, 0.0])
    gaussian = [2 / 3, 2, 2, 2, 1, 1, 1]
    skewed = [np.sqrt(8 / 3), *[np.sqrt(8)] * 3, 0, 0, 0]
    q = norm.isf(alarm / 14)
    found = variance_test(e, alarm)
    assert found.error.size == 7
    for k in range(7):
        samples = [np.asarray(part[k]) for part in tests]
        means = np.array([s.mean() for s in samples])
        excess = max(samples[-1].var(ddof=1) - gaussian[k], 0)
        errors = [(gaussian[k] + excess * DIMS[-1] / d) / (len(s) - 1) for s, d in zip(samples, DIMS, strict=True)]
        standard = np.sqrt(sum(f**2 * v for f, v in zip(full, errors, strict=True)))
        quantile = q + skewed[k] * (q**2 - 1) / (6 * np.sqrt(12))
        quantile += (6 if k > 3 else 0) * (q**3 - 3 * q) / (24 * 12)
        assert found.raw[k] == pytest.approx(means[0])
        assert found.error[k] == pytest.approx(pair @ means)
        assert found.remainder[k] == pytest.approx(abs((pair - full) @ means))
        assert found.standard_error[k] == pytest.approx(standard)
        assert found.band[k] == pytest.approx(quantile * standard + found.remainder[k])


def test_what_is_left_of_a_bias_is_taken_times_d_at_the_companions() -> None:
    e = entries()
    parts = [d * (errors @ W.T) for d, errors in zip(DIMS[1:], e.errors[1:], strict=True)]
    allowed = abs(W) @ e.rounding * 100 + abs(parts[0].mean(axis=0) - parts[1].mean(axis=0))
    expected = deviation(parts, DIMS[1:], allowed, 0.05, skewness(parts, DIMS[1:]))
    found = bias_test(e, W, 0.05)
    for part in ("error", "band", "standard_error"):
        np.testing.assert_allclose(getattr(found, part), getattr(expected, part))


def test_the_signal_is_that_of_the_best_of_all_weights() -> None:
    e = entries()
    shift = e.shifts["rate"]
    assert e.signal("rate") == pytest.approx(np.sqrt(12 * shift @ np.linalg.inv(COVARIANCE) @ shift))
    best = np.linalg.inv(COVARIANCE) @ shift
    assert e.signal("rate") == pytest.approx(best @ shift / np.sqrt(best @ COVARIANCE @ best / 12))


# --- bands ------------------------------------------------------------------------------------------------
def test_skewness_is_pooled_in_units_of_the_largest_dimension() -> None:
    rng = np.random.default_rng(2)
    errors = [rng.exponential(size=(n, 2)) for n in (40, 80)]
    third = np.array([skew(e) for e in errors])
    weights = np.array([40.0, 80.0 * 4])
    mean = (weights[:, None] * third * np.sqrt([[1.0], [1 / 4]])).sum(axis=0) / weights.sum()
    expected = np.maximum(abs(mean) - np.sqrt(6 / weights.sum()), 0)
    np.testing.assert_allclose(skewness(errors, (400, 100)), expected)
    assert (expected > 0).all()
    assert skewness([np.zeros((5, 2))], (9,)).tolist() == [0, 0]


@pytest.mark.parametrize("doubt", [None, 0.05])
def test_bands_are_students_with_welchs_freedom(doubt: float | None) -> None:
    rng = np.random.default_rng(3)
    errors = [rng.standard_normal((n, 1)) for n in (6, 9, 12)]
    doubts = None if doubt is None else [np.array([doubt])] * 3
    found = deviation(errors, DIMS, 0.125, 0.04, 0.5, doubts)
    full, pair = np.array([8 / 3, -2, 1 / 3]), np.array([2.0, -1.0, 0.0])
    mean = np.array([e.mean() for e in errors])
    each = np.array([e.var(ddof=1) / len(e) for e in errors])
    own = (doubt or 0.0) ** 2
    square = full**2 @ each + own * (full**2).sum()
    freedom = square**2 / sum(
        (f**2 * v) ** 2 / (len(e) - 1) + (f**2 * own) ** 2 / 15 for f, v, e in zip(full, each, errors, strict=True)
    )
    q = student.isf(0.02, freedom)
    q += 0.5 * (2 * q**2 + 1) / (6 * np.sqrt(6))
    remainder = abs((pair - full) @ mean)
    assert found.error == pytest.approx([pair @ mean])
    assert found.remainder == pytest.approx([remainder])
    assert found.standard_error == pytest.approx([np.sqrt(square)])
    assert found.band == pytest.approx([q * np.sqrt(square) + remainder + 0.125])
    spread = pair**2 @ each + own * (full**2).sum() + square * q**2 / (2 * freedom)
    assert found.spread == pytest.approx([np.sqrt(spread)])
    assert found.raw == pytest.approx([mean[0]])


def test_ratios_are_errors_in_bands() -> None:
    zero = np.zeros(4)
    found = Deviation(np.array([1.0, -3.0, 0.0, 2.0]), np.array([2.0, 2.0, 0.0, 0.0]), zero, zero, zero, zero)
    assert found.ratio.tolist() == [0.5, 1.5, 0.0, np.inf]
    assert found.place == 3


# --- directions and places --------------------------------------------------------------------------------
def test_a_covariance_is_shrunk_by_its_size_over_its_freedom() -> None:
    np.testing.assert_allclose(shrunk(COVARIANCE, 9.0), 0.75 * COVARIANCE + 0.25 * np.diag(np.diag(COVARIANCE)))


def test_weights_are_those_of_neyman_and_pearson() -> None:
    shift = np.array([1.0, -2.0, 0.5])
    found = directions(COVARIANCE, {"rate": shift, "none": 0 * shift}, shapes=2)
    best = np.linalg.inv(COVARIANCE) @ shift
    assert set(found) == {"rate", ""}
    np.testing.assert_allclose(found["rate"][0] / found["rate"][0, 0], best / best[0])
    assert np.abs(found["rate"][0] * np.sqrt(np.diag(COVARIANCE))).max() == pytest.approx(1)
    assert found[""].shape == (2, 3)
    first, second = found[""]
    assert first @ COVARIANCE @ first > second @ COVARIANCE @ second
    assert first @ COVARIANCE @ second == pytest.approx(0, abs=1e-12)


def test_places_are_where_runs_fluctuate_and_are_known() -> None:
    rng = np.random.default_rng(4)
    moving = rng.standard_normal((6, 40))
    moving[:, 0] = 1.0
    errors = {"risk": [moving], "still": [np.ones((6, 40))]}
    plain = Source("m")
    ((name, at),) = judgement._entries(errors, 100, plain, 40)
    assert (name, at.tolist()) == ("risk", thinned(np.arange(1, 40), min(judgement.MOST, 20)).tolist())
    for freedom, size in ((2.0, 2), (10.0, 2), (35.0, 7)):
        ((_, at),) = judgement._entries(errors, freedom, plain, 40)
        assert at.size == size
    both = judgement._entries({"risk": [moving], "norm": [moving]}, 40.0, plain, 40)
    assert [at.size for _, at in both] == [4, 4]
    assert judgement._entries(errors, 1.9, plain, 40) == []
    assert judgement._entries({"still": errors["still"]}, 100, plain, 40) == []
    known = Source("m", covariance={("risk", "risk"): np.diag([0.0, 1.0, 1.0])}, marks=np.array([3, 5, 7]))
    ((_, at),) = judgement._entries({"risk": [moving]}, np.inf, known, 40)
    assert at.tolist() == [5, 7]


def test_shares_of_the_false_alarms_add_up_to_one() -> None:
    asked_for = ((True,) * 5, (False, True, False, False, False), (False,) * 5, (True, True, False, True, False))
    for given in asked_for:
        shares = judgement._shares(*given)
        assert sum(shares) + shares.single == pytest.approx(1)
        assert [share > 0 for share in shares] == list(given)
        assert min(shares) >= 0
        assert shares.single > 0
