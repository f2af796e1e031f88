"""Rules refuse parameters outside their range, and say which and why."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.registry import RULES
from symhigh.rule.averaged import LAG, X, d, t
from symhigh.symbols import gradient_square, sample_loss


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sh.Constant(-0.1), "gamma must be > 0"),
        (lambda: sh.Constant(np.nan), "gamma must be finite"),
        (lambda: sh.AdaGradNorm(0, 1), "eta must be > 0"),
        (lambda: sh.AdaGradNorm(1, -1), r"AdaGradNorm\(b=-1\): b must be > 0, the starting accumulator"),
        (lambda: sh.AdaGradNorm(1, sp.Symbol("b", negative=True)), "b must be > 0"),
        (lambda: sh.DoG(1, 1e-160), r"DoG\(b=1.0.*e-160\): b\*\*2 is about 1e-320, beyond what doubles hold"),
        (lambda: sh.DoG(1e-160, 1), r"DoG\(r0=1.0.*e-160\): r0\*\*2 is about 1e-320"),
        (lambda: sh.AdaGrad(1, 1e160), r"AdaGrad\(b=1.0.*e\+160\): b\*\*2 is about 1e\+320"),
        (lambda: sh.RMSprop(1, 1, 1e-160), r"RMSprop\(b=.*beyond what doubles hold"),
        (lambda: sh.Adam(1, 1, 1, 1e-160), r"Adam\(b=.*beyond what doubles hold"),
        (lambda: sh.Schedule(sp.Integer(-1)), "must be >= 0"),
        (lambda: sh.Schedule(sp.exp(-sp.Symbol("t"))), "use symhigh.t"),
    ],
)
def test_refusals(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


def test_numbers_and_symbols_are_taken() -> None:
    eta = sp.Symbol("eta")
    assert sh.AdaGradNorm(eta, np.float64(0.5)).values == {
        sh.rule.adagrad_norm.ETA: eta,
        sh.rule.adagrad_norm.B0: sp.Float(0.5),
    }


def test_parameters_that_are_not_used_are_not_among_the_values() -> None:
    names = lambda rule: {s.name for s in rule.values}  # noqa: E731
    assert names(sh.StochasticPolyak()) == {"c_P"}
    assert names(sh.StochasticPolyak(2)) == {"c_P", "g_max"}
    assert names(sh.StochasticPolyak(2, least=0.1)) == {"c_P", "g_max", "f_least"}


@pytest.mark.parametrize(
    ("rule", "rate"),
    [
        (sh.AdaGradNorm(0.9, 0.6), 0.9 / 0.6),
        (sh.RMSpropNorm(0.9, 0.6, 0.8), 0.9 / 0.6),
        (sh.DelayedAdaGradNorm(0.9, 0.6, 0.5), 0.9 / 0.6),
        (sh.DelayedAdaGradNorm(0.9, 0.6, 1), 0.9 / 0.6**2),
    ],
    ids=str,
)
def test_the_first_rate_is_the_one_stated(rule: sh.Rule, rate: float) -> None:
    start = {m.name: m.initial for m in rule.memory}
    assert float(rule.rate.xreplace(start).xreplace(rule.values)) == pytest.approx(rate, rel=1e-14)


def test_what_parameter_free_rules_remember_at_the_start() -> None:
    dog, adaptation = sh.DoG(0.2, 0.3), sh.DAdaptation(2, 0.1)
    first = [{m.name.name: float(m.initial.xreplace(r.values)) for m in r.memory} for r in (dog, adaptation)]
    assert sorted(first[0].values()) == pytest.approx(sorted([0.2**2, 0.3**2]))
    assert 0.0 in first[1].values()
    assert 0.1 in first[1].values()


def test_the_lag_of_an_average_is_that_of_the_mean_of_all_iterates() -> None:
    """``L = t (A - X)`` before and after a step, with ``A⁺ = (t A + X/d)/(t + 1/d)``, exactly at every d."""
    rule, mean = sh.Averaged(sh.Constant(0.3)), sp.Symbol("mean")
    after = (t * mean + X / d) / (t + 1 / d)
    lag = rule.step[LAG].xreplace({LAG: t * (mean - X)})
    assert sp.simplify(lag - (t + 1 / d) * (after - rule.step[X])) == 0


def test_a_sample_that_is_learnt_has_no_rate() -> None:
    """d max(0, f - f₀)/(c ‖∇f‖²), at most the cap."""
    rows = ((0.5, None, 2.0, 1.5), (0.5, None, 0.25, 0.0), (0, None, 2.0, 2.0), (0.5, 0.3, 2.0, 0.3))
    for least, cap, loss, rate in rows:
        rule = sh.StochasticPolyak(cap, 0.25, least)
        at = {**rule.values, sample_loss: loss, gradient_square: 40.0, d: 10}
        assert float(rule.rate.xreplace(at)) == pytest.approx(min(rate * 10 / (0.25 * 40), cap or 9.0))


def test_what_is_not_given_by_name() -> None:
    """The values that the command line and files take where none is given; None where one must be."""
    found = {f"{n} {p.name}": p.default for n, e in RULES.items() for p in e.parameters}
    needed = ("mini-batch m", "weight-decay kappa", "modulated factor", "warm-up duration", "averaged decay",
              "clipped c", "clipped-coordinates c", "noisy-gradient sigma", "drifting speed",
              "schedule expr")  # fmt: skip
    others = {
        "schedule-free beta": 0.9, "momentum direct": 0.0, "rmsprop-norm forgetting": "sum", "dog r0": 0.1,
        "d-adaptation d0": 0.1, "cosine t_end": 10.0, "cosine floor": 0.0, "delayed-adagrad-norm power": 0.5,
        "stochastic-polyak damping": 0.5, "stochastic-polyak least": 0.0, "distance-threshold fraction": 0.5,
        "risk-threshold fraction": 0.5,
    }  # fmt: skip
    assert {name for name, value in found.items() if value is None} == set(needed)
    assert {name: value for name, value in found.items() if value not in (None, 1)} == others


def test_what_is_not_given_in_python() -> None:
    sgd = sh.Constant(1)
    assert (sh.MiniBatch(sgd).m, sh.WeightDecay(sgd).kappa, sh.Modulated(sgd).factor, sh.WarmUp(sgd).duration) == (
        1, 0, 1, 1
    )  # fmt: skip
    assert (sh.NoisyGradient(sgd).sigma, sh.Drifting(sgd).speed) == (0, 0)
    rule = sh.StochasticPolyak()
    assert (rule.cap, rule.damping, rule.least) == (None, sp.S.Half, 0)
    assert sh.Momentum(1, 2).direct == 0
