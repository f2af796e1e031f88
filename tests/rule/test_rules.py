"""Rules refuse parameters outside their range, and say which and why."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sh.Constant(-0.1), "gamma must be > 0"),
        (lambda: sh.Constant(np.nan), "gamma must be finite"),
        (lambda: sh.AdaGradNorm(0, 1), "eta must be > 0"),
        (lambda: sh.AdaGradNorm(1, -1), r"AdaGradNorm\(b=-1\): b must be > 0, the starting accumulator"),
        (lambda: sh.AdaGradNorm(1, sp.Symbol("b", negative=True)), "b must be > 0"),
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
