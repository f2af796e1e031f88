"""The stationary covariance and bias: closed forms, long times of the equations in time, and long direct runs."""

import math

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from tests.integration.test_fluctuations import FAR, HALVES

LEAST = sh.least_squares(0.3)


def test_a_constant_rate_has_the_closed_forms():
    system = sh.derive(LEAST, sh.Constant(0.5))
    exact, bands = system.limits(HALVES, FAR), system.fluctuations(HALVES, FAR, sp.oo)
    assert bands.t.tolist() == [math.inf]
    for name in ("risk", "distance"):
        assert bands.variance(name, 1)[0] == pytest.approx(exact[f"{name}_variance"].evaluate(), rel=1e-9)
    assert bands.bias("risk", 1)[0] == pytest.approx(exact["risk_bias"].evaluate(), rel=1e-9)
    assert bands.values[0, 0] == pytest.approx(exact["risk"].evaluate(), rel=1e-9)


RULES = {
    "momentum": (LEAST, sh.Momentum(1, 1, 0.3), 60),
    "a memory": (LEAST, sh.RMSpropNorm(0.5, 1, 1), 60),
    "huber": (sh.huber(0.8, 0.5), sh.Constant(0.5), 60),
    "cells": (LEAST, sh.RMSprop(0.5, 1, 0.5), 80),
    "signs": (sh.huber(0.8, 0.5), sh.SignSGD(0.5), 60),
    "an average": (LEAST, sh.Averaged(sh.Constant(0.5), 0.5), 60),
}


QUICK = "momentum", "a memory"


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in RULES])
def test_the_rest_is_where_the_equations_in_time_go(name):
    problem, rule, end = RULES[name]
    system = sh.derive(problem, rule)
    rest, late = system.fluctuations(HALVES, FAR, math.inf), system.fluctuations(HALVES, FAR, end, [end])
    for name in {"risk", "learning_rate", "distance", "norm"} & set(rest.names):
        assert rest.variance(name, 1)[0] == pytest.approx(late.variance(name, 1)[0], rel=1e-4, abs=1e-10), name
        assert rest.bias(name, 1)[0] == pytest.approx(late.bias(name, 1)[0], rel=1e-4, abs=1e-10), name


def test_what_does_not_rest_is_refused():
    def rest(rule, start=FAR, spectrum=HALVES, **more):
        return sh.derive(LEAST, rule).fluctuations(spectrum, start, math.inf, **more)

    with pytest.raises(ValueError, match=r"still moves, by .* as where a rate falls for ever"):
        rest(sh.AdaGradNorm(1, 1))
    with pytest.raises(ValueError, match=r"the limit stops at t = .*, before it comes to rest"):
        rest(sh.Constant(3))
    with pytest.raises(ValueError, match="a random start keeps the variance of its target for ever"):
        rest(sh.Constant(0.5), sh.Start(0.5, 1, 0.3, random=True))
    with pytest.raises(ValueError, match="some deviations do not fade"):
        rest(sh.Constant(0.5), spectrum=sh.Spectrum.from_eigenvalues([1, 0]))
    with pytest.raises(ValueError, match="at rest there is one time"):
        rest(sh.Constant(0.5), t=[1])
    with pytest.raises(ValueError, match="the rate is a function of time; give a finite t_end"):
        rest(sh.Schedule((1 + sp.exp(-sh.t)) / 4))


@pytest.mark.slow
def test_long_runs_of_momentum_stray_as_predicted():
    """Times 30, 33, … 60 of 400 runs at d = 400: 11 nearly independent draws each, so the variance is known to 2 %."""
    bands, t = sh.derive(LEAST, sh.Momentum(1, 1, 0.3)).fluctuations(HALVES, FAR, math.inf), np.arange(30.0, 61, 3)
    runs = sh.simulate(LEAST, sh.Momentum(1, 1, 0.3), HALVES, FAR, 400, 60, 400, "gram", t)
    for name in ("risk", "distance", "norm"):
        values = getattr(runs, name)
        assert values.var() == pytest.approx(bands.variance(name, 400)[0], rel=0.08)
        shift = values.mean() - bands.values[0, bands.names.index(name)] - bands.bias(name, 400)[0]
        assert abs(shift) < 4 * values.std() / np.sqrt(values.size)
