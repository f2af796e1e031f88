"""The statistics of comparisons against formulas written out, entry by entry, with SciPy's laws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, norm, skew
from scipy.stats import t as student

from symhigh.ledger import judgement
from symhigh.ledger.bands import Deviation, deviation, extrapolation_weights, skewness
from symhigh.ledger.directions import directions, shrunk, thinned
from symhigh.ledger.judgement import BIAS, RATIO, VARIANCE, Source
from symhigh.ledger.outcome import (
    Comparison,
    _percent,
    asked,
    checked_alarm,
    checked_companions,
    independent,
)
from symhigh.ledger.predicted import Entries, bias_test, likelihood_test, mean_test, variance_test
from symhigh.ledger.slope import ErrorSlope, _fit
from symhigh.ledger.verdict import Verdict, combine, is_against, is_unfinished

DIMS = (200, 100, 50)
ROOT = np.array([[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [-0.2, 0.3, 1.5]])
COVARIANCE = ROOT @ ROOT.T
W = np.array([[1.0, -0.5, 0.25], [0.0, 2.0, 1.0]])


def entries(dims: tuple[int, ...] = DIMS, runs: int = 12) -> Entries:
    rng = np.random.default_rng(1)
    errors = [rng.standard_normal((runs + k, 3)) @ ROOT.T * np.sqrt(dims[0] / d) + 0.3 for k, d in enumerate(dims)]
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


# --- what a comparison says -------------------------------------------------------------------------------
def compared(error: float, band: float, spread: float = 0.5, **given: Any) -> Comparison:
    def one(e: float, b: float) -> Deviation:
        return Deviation(*(np.array([0.1 * v, v]) for v in (e, b)), np.zeros(2), np.zeros(2), np.zeros(2),
                         np.full(2, spread))  # fmt: skip

    fields: dict[str, Any] = {"responses": {"rate": {"risk": np.array([0.0, 4.0])}}} | given
    return Comparison(np.array([1.0, 3.0]), {"risk": one(error, band)}, (64, 16), (8, 9), 0.02, **fields)


def test_agreement_ends_where_the_band_does() -> None:
    assert compared(2.0, 2.0).agrees
    assert compared(-2.0, 2.0).agrees
    assert not compared(2.0001, 2.0).agrees
    assert not compared(1.0, 2.0, problems=("a run diverged",)).agrees
    assert not replace(compared(1.0, 2.0), t=np.array([])).agrees
    assert not compared(1.0, 2.0, directions={"x": compared(3.0, 2.0).deviations["risk"]}).agrees
    found = compared(1.0, 4.0)
    assert (found.ratio, found.sup_error, found.band) == (0.25, 0.1, 0.4)
    assert found.worst == ("risk", 1.0, 0.25)
    nothing = replace(found, deviations={})
    assert (nothing.worst[0], nothing.worst[2], nothing.ratio) == ("", np.inf, np.inf)
    assert np.isnan(nothing.sup_error)


def test_power_and_what_is_found_are_those_of_a_gaussian_shift() -> None:
    found = compared(1.0, 2.0)
    assert found.power("rate", 0.5) == pytest.approx(norm.cdf((4 * 0.5 - 2.0) / 0.5))
    assert found.power("rate", -0.6) == pytest.approx(norm.cdf((2.4 - 2.0) / 0.5))
    for p in (0.5, 0.9, 0.99):
        assert found.finds("rate", p) == pytest.approx((2.0 + norm.ppf(p) * 0.5) / 4)
        assert found.power("rate", found.finds("rate", p)) == pytest.approx(p)
    still = compared(1.0, 2.0, 0.0)
    assert [still.power("rate", e) for e in (0.4, 0.5, 0.6)] == [0, 0, 1]
    signal = replace(found, signals={"rate": 8.0})
    assert signal.bound("rate", 0.9) == pytest.approx((norm.isf(0.01) + norm.ppf(0.9)) / 8)
    assert np.isnan(found.bound("rate"))
    for ask in (found.finds, found.bound, lambda p: found.power(p, 1.0)):
        with pytest.raises(KeyError, match="'mass': this comparison knows rate"):
            ask("mass")
    with pytest.raises(KeyError, match="knows no parameter"):
        compared(1.0, 2.0, responses={}).finds("rate")


def test_the_summary_says_what_was_tested_and_what_would_be_found() -> None:
    one = compared(1.0, 2.0).deviations["risk"]
    tests = {VARIANCE: one, RATIO: one, BIAS: one, "rate over all times": compared(1.0, 4.0).deviations["risk"]}
    text = compared(1.0, 2.0, directions=tests, method="theory", fluctuations="more theory").summary()
    assert text.startswith("agrees: risk deviates by 0.50 of its band, 0.1 of 0.2 at t = 1; ")
    assert "; variance 1.10 of the predicted, 0.50 of what is allowed; " in text
    assert "; likelihood ratio over all times 0.50 of what is allowed; " in text
    assert "; predicted bias off by 0.50 of what is allowed; rate over all times: 0.25 of what is allowed; " in text
    assert "; would find with probability .99 an error of 79 % in rate (0.5: 50 %, 0.9: 66 %); " in text
    assert text.endswith(
        "bias removed by theory; fluctuations told by more theory; d = 64/16, 8/9 runs, false alarms at most 0.02"
    )
    assert compared(3.0, 2.0, problems=("x",)).summary().startswith("disagrees: x; risk deviates by 1.50")
    assert "sees nothing of rate" in compared(1.0, 2.0, responses={"rate": {"risk": np.zeros(2)}}).summary()
    assert "at best" in compared(1.0, 2.0, signals={"rate": 8.0}).summary()
    assert "at best" not in compared(1.0, 2.0, signals={"rate": 1.0}).summary()
    assert [_percent(e) for e in (9e-5, 1e-4, 0.0123, 0.999, 1.0)] == [
        "less than 0.01 %", "0.01 %", "1.2 %", "1e+02 %", "more than 100 %"
    ]  # fmt: skip


CURVE, RUNS = ("risk", "norm"), ("risk", "distance")


@pytest.mark.parametrize(
    ("ask", "kind", "words"),
    [
        (lambda: asked("f", 3, 0.1, CURVE, RUNS, (1, 2, 3)), TypeError, r"f\(what=3\): give the name of an output"),
        (lambda: asked("f", ["risk", 3], 0.1, CURVE, RUNS, (1, 2, 3)), TypeError, "or a list of names"),
        (lambda: asked("f", (), 0.1, CURVE, RUNS, (1, 2, 3)), ValueError, "name at least one output of risk"),
        (lambda: asked("f", "norm", 0.1, CURVE, RUNS, (1, 2, 3)), ValueError, "runs has no such output; both have"),
        (lambda: asked("f", "distance", 0.1, CURVE, RUNS, (1, 2, 3)), ValueError, "the curve has no such output"),
        (lambda: asked("f", ["risk"] * 2, 0.1, CURVE, RUNS, (1, 2, 3)), ValueError, "risk stands there twice"),
        (lambda: asked("f", "risk", 0.1, CURVE, RUNS, (1, 2)), ValueError, r"f\(runs\): 2 runs; at least 3 seeds"),
        (lambda: independent("f", "runs", (1, 2, 1)), ValueError, r"f\(runs\): seed 1 repeats"),
        (lambda: checked_alarm("f", 1.0), ValueError, r"f\(alarm=1.0\): alarm must be < 1"),
        (lambda: checked_alarm("f", 0.0), ValueError, "alarm must be finite and > 0"),
        (lambda: checked_companions("f", 64, (1, 2, 3), []), ValueError, r"give two, at different .* below d = 64"),
        (lambda: checked_companions("f", 64, (1, 2, 3), [(32, (4, 5, 6))]), ValueError, "give two"),
        (lambda: checked_companions("f", 64, (1,), [(9, (1,))] * 3, 1), ValueError, "give one or two"),
        (lambda: checked_companions("f", 64, (1,), [(16, (4, 5, 6)), (32, (7,))]), ValueError, "larger one first"),
        (lambda: checked_companions("f", 64, (1,), [(64, (4, 5, 6))], 1), ValueError, "below d = 64"),
        (lambda: checked_companions("f", 64, (1,), [(32, (4, 5, 1))], 1), ValueError, "seed 1 has been used at"),
        (lambda: checked_companions("f", 64, (1,), [(32, (4, 5, 6)), (16, (7, 8, 6))]), ValueError, "seed 6 has been"),
        (lambda: checked_companions("f", 64, (1,), [(32, (4, 5))], 1), ValueError, "companions at d = 32.: 2 runs"),
    ],
)  # fmt: skip
def test_what_comparisons_refuse(ask: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        ask()


def test_what_comparisons_take() -> None:
    assert asked("f", "risk", 0.5, CURVE, RUNS, (1, 2, 3)) == (("risk",), 0.5)
    checked_companions("f", 64, (1, 2, 3), [(32, (4, 5, 6)), (16, (7, 8, 9))])
    checked_companions("f", 64, (1, 2, 3), [(32, (4, 5, 6))], 1)


# --- slopes and verdicts ----------------------------------------------------------------------------------
def test_a_slope_is_the_least_squares_fit_of_means_with_students_interval() -> None:
    dims, alarm = (100, 300, 1200), 0.05
    rng = np.random.default_rng(5)
    logs = [-0.5 * np.log(d) + 0.1 * rng.standard_normal(n) for d, n in zip(dims, (5, 6, 9), strict=True)]
    slope, half = _fit(dims, logs, alarm)
    x = np.log(dims)
    assert slope == pytest.approx(np.polyfit(x, [log.mean() for log in logs], 1)[0])
    lever = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    variance = sum(((log - log.mean()) ** 2).sum() for log in logs) / 17
    size = np.sqrt(sum(part**2 * variance / log.size for part, log in zip(lever, logs, strict=True)))
    assert half == pytest.approx(student.isf(alarm / 2, 17) * size)
    found = ErrorSlope(-0.5, (-0.6, -0.4), -0.4, dims, np.ones(3), alarm)
    assert found.agrees
    assert replace(found, expected=-0.6).agrees
    assert not replace(found, expected=-0.61).agrees
    assert not replace(found, expected=-0.39).agrees


SUPPORT = [Verdict.SKIPPED, Verdict.CONSISTENT, Verdict.VERIFIED, Verdict.PROVED]


def test_a_claim_has_its_weakest_support_and_any_refutation() -> None:
    for weak in range(1, 4):
        for strong in range(weak, 4):
            assert combine([SUPPORT[strong], SUPPORT[weak]]) is SUPPORT[weak]
            assert combine([SUPPORT[strong], Verdict.SKIPPED, SUPPORT[weak]]) is SUPPORT[weak]
    assert combine([Verdict.SKIPPED]) is Verdict.SKIPPED
    assert combine([Verdict.PROVED], [Verdict.CONSISTENT, Verdict.SKIPPED]) is Verdict.PROVED
    for against in (Verdict.REFUTED, Verdict.ERROR, Verdict.FAILED):
        assert combine([Verdict.PROVED, against]) is combine([Verdict.PROVED], [against]) is against
        assert is_against(against)
        assert is_unfinished(against) is (against is not Verdict.REFUTED)
    assert combine([Verdict.FAILED, Verdict.REFUTED]) is Verdict.REFUTED
    assert not any(map(is_against, SUPPORT))
    assert not any(map(is_unfinished, SUPPORT))
    with pytest.raises(ValueError, match="no verdict to combine"):
        combine([], [Verdict.PROVED])
