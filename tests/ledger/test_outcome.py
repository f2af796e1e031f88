"""What comparisons and slopes say, what they would have found, what they refuse; how verdicts combine."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from symhigh.clock import OutOfTime, time_limit
from symhigh.ledger.bands import Deviation
from symhigh.ledger.judgement import BIAS, RATIO, VARIANCE
from symhigh.ledger.outcome import (
    Comparison,
    _percent,
    asked,
    checked_alarm,
    checked_companions,
    independent,
)
from symhigh.ledger.slope import ErrorSlope, _fit
from symhigh.ledger.verdict import Verdict, combine, is_against, is_unfinished


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


def test_a_limit_of_time_holds_outside_the_main_thread_too() -> None:
    ended: list[str] = []

    def work(seconds: float, allowed: float) -> None:
        try:
            with time_limit(allowed):
                time.sleep(seconds)
            ended.append("in time")
        except OutOfTime:
            ended.append("out of time")

    for seconds, allowed in ((0.05, 0.01), (0.0, 5.0)):
        thread = threading.Thread(target=work, args=(seconds, allowed))
        thread.start()
        thread.join()
    assert ended == ["out of time", "in time"]
    with pytest.raises(OutOfTime), time_limit(0.02):
        time.sleep(1.0)
