"""Rates that are numbers, and rates that know the iterate: derived, solved and simulated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.symbols import d, distance, gradient_square, norm, overlap, risk

ISO, NOISE = sh.Spectrum.isotropic(), 0.3
START = sh.Start(1, 1, 0.3)


def stating(rate: Any, *memory: sh.Memory) -> sh.Rule:
    class Own(sh.Rule):
        @property
        def rate(self) -> Any:
            return rate

        @property
        def memory(self) -> tuple[sh.Memory, ...]:
            return memory

    return Own()


@pytest.mark.parametrize("rate", [0.5, sp.Rational(1, 2), np.float64(0.5)])
def test_a_rate_that_is_a_number(rate: Any) -> None:
    curve = sh.derive(sh.least_squares(NOISE), stating(rate)).solve(ISO, START, 2, t=[1, 2], target=NUMPY)
    same = sh.derive(sh.least_squares(NOISE), sh.Constant(0.5)).solve(ISO, START, 2, t=[1, 2], target=NUMPY)
    np.testing.assert_allclose(curve.risk, same.risk, rtol=1e-12)
    runs = sh.simulate(sh.least_squares(NOISE), stating(rate), ISO, START, d=200, t_end=0.1, seeds=1)
    assert (runs.learning_rate == 0.5).all()


@pytest.mark.parametrize("rate", ["0.5", True, float("nan"), [1]])
def test_a_rate_that_is_none(rate: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"Own\(rate="):
        sh.derive(sh.least_squares(NOISE), stating(rate))


RATES = {
    "risk": (1 / (1 + risk), lambda D, o: 1 / (1 + (D + NOISE**2) / 2)),
    "distance": (distance / 2, lambda D, o: D / 2),
    "norm": (sp.Rational(1, 2) / (1 + norm), lambda D, o: 0.5 / (1 + D + 2 * o - 1)),
    "overlap": (1 / (1 + overlap**2), lambda D, o: 1 / (1 + o**2)),
}


@pytest.mark.parametrize("name", RATES)
def test_a_rate_that_knows_the_iterate(name: str) -> None:
    """On K = I: ``dD = -2γD + γ²(D + ω²)`` and ``d<X, X*> = γ(1 - <X, X*>)`` with the rate in D and the overlap."""
    rate, value = RATES[name]

    def rhs(_, y):  # type: ignore[no-untyped-def]
        g = value(*y)
        return [-2 * g * y[0] + g * g * (y[0] + NOISE**2), g * (1 - y[1])]

    found = solve_ivp(rhs, (0, 4), [1.4, 0.3], rtol=1e-11, atol=1e-12, t_eval=[0.5, 2, 4])
    rule, problem = stating(rate), sh.least_squares(NOISE)
    curve = sh.derive(problem, rule).solve(ISO, START, 4, t=[0.5, 2, 4], target=NUMPY)
    np.testing.assert_allclose(curve.risk, (found.y[0] + NOISE**2) / 2, rtol=1e-7)
    np.testing.assert_allclose(curve.learning_rate, [value(*y) for y in found.y.T], rtol=1e-7)
    for method in ("direct", "gram"):
        if name == "distance" or method == "gram":
            runs = sh.simulate(
                problem, rule, ISO, START, d=2000, t_end=4, seeds=4, t=[0.5, 2, 4], method=method
            )
            np.testing.assert_allclose(runs.risk.mean(axis=0), curve.risk, rtol=0.1)
            np.testing.assert_allclose(runs.learning_rate.mean(axis=0), curve.learning_rate, rtol=0.1)


def test_a_memory_that_follows_the_risk() -> None:
    S = sp.Symbol("S", positive=True)
    rule = stating(S / 2, sh.Memory(S, (risk - S) / d, 1))

    def rhs(_, y):  # type: ignore[no-untyped-def]
        g = y[1] / 2
        return [-2 * g * y[0] + g * g * (y[0] + NOISE**2), (y[0] + NOISE**2) / 2 - y[1]]

    found = solve_ivp(rhs, (0, 4), [1.4, 1.0], rtol=1e-11, atol=1e-12, t_eval=[1, 4])
    curve = sh.derive(sh.least_squares(NOISE), rule).solve(ISO, START, 4, t=[1, 4], target=NUMPY)
    np.testing.assert_allclose(curve.learning_rate, found.y[1] / 2, rtol=1e-7)


def test_clipping_at_a_bound_that_knows_the_risk() -> None:
    """``min(1, h/|r|)`` with ``h = 1 + R``: c₁ is that of Huber's loss at the present h."""
    rule = stating(sp.Min(1, (1 + risk) * sp.sqrt(d) / sp.sqrt(gradient_square)))
    system = sh.derive(sh.least_squares(NOISE), rule)
    curve = system.solve(ISO, START, 1, t=[0, 1], target=NUMPY)
    names = [s.name.name for s in system.scalars]
    assert names.index("risk") < names.index("c1")
    assert curve.complete
    assert 0 < curve.learning_rate[0] < curve.learning_rate[1] <= 1


class TestClippedGradient:
    def test_the_memory_sees_the_clipped_gradient(self) -> None:
        rule = sh.ClippedGradient(sh.AdaGradNorm(1, 1), 0.5)
        (memory,) = rule.memory
        assert memory.increment.has(sp.Min)
        problem = sh.least_squares(NOISE)
        curve = sh.derive(problem, rule).solve(ISO, START, 2, t=[1, 2], target=NUMPY)
        runs = sh.simulate(problem, rule, ISO, START, d=4000, t_end=2, seeds=4, t=[1, 2])
        np.testing.assert_allclose(runs.learning_rate.mean(axis=0), curve.learning_rate, rtol=0.03)
        np.testing.assert_allclose(runs.risk.mean(axis=0), curve.risk, rtol=0.1)

    def test_refusals(self) -> None:
        with pytest.raises(ValueError, match="c must be > 0"):
            sh.ClippedGradient(sh.Constant(1), -1)
        with pytest.raises(ValueError, match="greedy rule"):
            sh.ClippedGradient(sh.Polyak(), 1)
        with pytest.raises(TypeError, match="inner must be a symhigh rule"):
            sh.ClippedGradient(1, 1)  # type: ignore[arg-type]
