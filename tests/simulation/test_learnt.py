"""Scalars that learn, simulated: the step of the statement, one step at a time, and many against the limit."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.problem import Problem

a, b = sp.symbols("a b", real=True)
LINE = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(x0=0, x_star=1)
PROBLEM = sh.Problem((a * sh.x + b - sh.x_star - 1 - sh.eps) ** 2 / 2, noise=0.5, learnt={a: sh.Learnt(0.5, 2), b: 0})


@pytest.mark.parametrize("rule", [sh.Constant(0.4), sh.MiniBatch(sh.Constant(0.4), 3), sh.Adam(0.3, 2, 1, 1)])
def test_runs_average_to_the_limit(rule: sh.Rule) -> None:
    """Means of 40 runs at d = 400 within 4.5 standard errors and 1/d, at six times and in three outputs."""
    times = np.linspace(0, 3, 6)
    curve = sh.derive(PROBLEM, rule).solve(*LINE, t_end=3, t=times)
    runs = sh.simulate(PROBLEM, rule, *LINE, d=400, t_end=3, seeds=40, t=times)
    for name in ("risk", "a", "b"):
        error = runs.outputs[name].std(axis=0) / np.sqrt(40)
        assert (abs(runs.outputs[name].mean(axis=0) - curve.outputs[name]) < 4.5 * error + 3 / 400).all(), name
        assert np.ptp(curve.outputs[name]) > 0.1


def test_a_wrong_limit_of_a_scalar_is_refuted() -> None:
    """The curve of a second layer that learns at half the speed does not pass for that of the runs."""
    rule = sh.Constant(0.4)
    wrong: Problem = sh.Problem(PROBLEM.loss, 0.5, learnt={a: sh.Learnt(0.5, 1), b: 0})
    runs = sh.simulate(PROBLEM, rule, *LINE, d=400, t_end=3, seeds=20)
    assert sh.compare(sh.derive(PROBLEM, rule).solve(*LINE, t_end=3), runs).agrees
    assert not sh.compare(sh.derive(wrong, rule).solve(*LINE, t_end=3), runs).agrees


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["erf", "relu", "quadratic"])
def test_committees_whose_second_layer_learns(activation: str) -> None:
    """Against direct SGD at d = 500 and 2000."""
    problem = sh.committee(2, 2, activation, noise=0.1, second_layer=[0.8, 0.5], learns=True)
    overlaps = sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 1, 0], [0, 0.1, 0, 1]])
    line, rule = (sh.Spectrum.isotropic(), overlaps), sh.Constant(0.1 if activation == "quadratic" else 0.5)
    curve = sh.derive(problem, rule).solve(*line, t_end=4)
    for d in (500, 2000):
        found = sh.compare(curve, sh.simulate(problem, rule, *line, d=d, t_end=4, seeds=10))
        assert found.agrees, str(found)
