"""What one sample makes of the vectors of a mode: averages, Stein's lemma, increments, and what is unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.invariance import sees_error_alone
from symhigh.derivation.sample import SPREAD, OneSample, sample_of
from symhigh.derivation.state import state
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V11,
    V12,
    V22,
    d,
    eps,
    error_square,
    gradient_square,
    omega,
    tau,
    x,
    x_star,
)

F = x - x_star - eps
P = B11 - 2 * B12 + B22 + omega**2


def sample(problem: sh.Problem, rule: sh.Rule, reduce: bool = False) -> OneSample:
    return sample_of(sh.derive(problem, rule, reduce=reduce))


def test_averages_over_one_sample() -> None:
    one = sample(sh.least_squares(0.5), sh.AdaGradNorm(1, 1))
    assert one.predictions == (x, x_star)
    assert (one.students, one.rated, one.unknown) == (1, False, "")
    assert one.slopes == ((F,),)
    assert sp.expand(one.mean([F**2]) - P) == 0
    assert [sp.expand(e) for e in one.stein([F**3])] == [sp.expand(3 * P), sp.expand(-3 * P)]
    fourth = one.mean([F**4])
    assert sp.expand(fourth - 3 * P**2) == 0
    for at, count in (((0, 0), 12), ((0, 1), -12), ((1, 1), 12)):
        assert sp.expand(one.curvature(fourth, *at) - count * P) == 0
    assert [one.overlap(*pair) for pair in ((0, 0), (1, 0), (1, 1))] == [V11, V12, V22]
    assert [one.weight(*pair) for pair in ((0, 0), (1, 0))] == [V11, V12]
    assert [one.pair(s) for s in (V11, V12, tau)] == [(0, 0), (0, 1), None]
    (increment,) = one.increments(one.statement.memory[0])
    assert sp.expand(increment - (tau + SPREAD) * F**2) == 0
    (slope,) = one.of(one.kicks.step.slopes[0])
    assert slope == F


def test_of_a_reduced_limit_the_error_is_all_that_is_seen() -> None:
    one = sample(sh.least_squares(0.5), sh.Constant(1), reduce=True)
    assert one.predictions == (x,)
    assert one.law.law[0, 0] == error_square
    assert one.overlap(0, 0) == D2
    assert sp.expand(one.mean([(x - eps) ** 2]) - error_square - omega**2) == 0
    assert one.slopes == ((x - eps,),)


@dataclass(frozen=True)
class Wary(sh.Rule):
    """A rate that falls with the sample's gradient."""

    rate = sp.Rational(1, 2) / (1 + gradient_square / d)


def test_of_rates_that_see_a_residual_averages_run_over_that_alone() -> None:
    u, v, w = sp.symbols("u v w", real=True)
    one = sample(sh.MultiIndex((u, v), (w,), (u + v - w - eps) ** 2 / 2, noise=0.5), Wary())
    ((slope,),) = {one.slopes[0]}
    mean, along = one.mean([slope**2]), one.stein([slope**3])
    nodes = {n for e in (mean, *along) for n in e.atoms(GaussianMean)}
    assert {len(n.args[1]) for n in nodes} <= {1}
    law = np.array([[0.9, 0.1, 0.3], [0.1, 0.6, -0.2], [0.3, -0.2, 0.8]])
    point = {tau: 1, omega: 0.5, SPREAD: 0} | {one.law.law[k, j]: law[k, j] for k in range(3) for j in range(3)}
    weights = np.array([1, 1, -1])
    z = np.linspace(-12, 12, 4001)
    r, chance = z * np.sqrt(weights @ law @ weights + 0.25), np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    rate = 0.5 / (1 + 2 * r**2)  # the gradient moves both directions
    bent = 3 * (rate * r) ** 2 * rate * (1 - 2 * r**2) / (1 + 2 * r**2)  # the derivative of (r rate)³
    assert float(mean.xreplace(point).evalf()) == pytest.approx(chance @ (rate * r) ** 2, rel=1e-12)
    for found, weight in zip(along, weights, strict=True):
        assert float(found.xreplace(point).evalf()) == pytest.approx(weight * (chance @ bent), rel=1e-12)


def test_labels_are_averaged_with_their_chances() -> None:
    one = sample(sh.hinge(0.1), sh.Constant(1))
    assert len(one.outcomes) == 2
    assert float(one.mean([sp.Integer(3), sp.Integer(3)]).subs({B11: 2, B12: 1, B22: 1}).evalf()) == pytest.approx(3)
    flipped = one.mean([sp.sign(x_star), -sp.sign(x_star)])  # E of label times sign: 1 - 2 flip
    values = {s: sp.Rational(1, 10) if s.name == "p_flip" else 1 for s in flipped.free_symbols}
    assert float(flipped.subs(values).evalf()) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (sh.SignSGD(1), ""),
        (sh.AdaGrad(1, 1), ""),
        (sh.MiniBatch(sh.AdaGrad(1, 1), 2), "keeps a scalar for every coordinate and averages several samples a step"),
        (sh.StochasticPolyak(2), "with a kink, for which B₁ is not derived"),
        (sh.WeightDecay(sh.StochasticPolyak(), 1), "depends on the sample and moves further vectors"),
        (sh.Averaged(sh.Constant(1)), "depends on d beyond the leading order"),
        (sh.Constant(1), ""),
        (sh.WeightDecay(sh.Constant(1), 1), ""),
        (sh.MiniBatch(sh.AdaGradNorm(1, 1), 3), ""),
    ],
    ids=str,
)
def test_where_the_bias_is_unknown(rule: sh.Rule, words: str) -> None:
    found = sample(sh.least_squares(0.5), rule).unknown
    assert words in found
    assert bool(words) is bool(found)


def test_losses_of_the_error_alone() -> None:
    for problem, alone in (
        (sh.least_squares(1), True), (sh.huber(1, 0.5), True), (sh.logistic_regression(), False),
        (sh.phase_retrieval(), False), (sh.quantile(0.3, 1), True),
    ):  # fmt: skip
        assert sees_error_alone(state(problem, sh.Constant(1))[0]) is alone


def test_slopes_without_a_fourth_moment_are_refused() -> None:
    sample(sh.least_squares(sh.StudentT(9)), sh.Constant(1))
    with pytest.raises(ValueError, match=r"no variance, as E f'\^4 is infinite"):
        sample(sh.least_squares(sh.StudentT(3)), sh.Constant(1))


def test_averages_at_nodes_are_of_smooth_losses_and_gaussian_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    from symhigh.derivation import nodes

    monkeypatch.setattr(nodes, "long", lambda system: True)

    def taken(problem: sh.Problem, rule: sh.Rule | None = None) -> bool:
        return nodes.at_nodes(sh.derive(problem, rule or sh.Constant(1)))

    assert taken(sh.committee(2, 1, "linear"))
    assert taken(sh.committee(2, 1, "linear", 0.5))
    for law in (sh.StudentT(9), sh.Rademacher(1), sh.Laplace(1)):
        assert not taken(sh.committee(2, 1, "linear", law))
    assert not taken(sh.least_squares(0.5), sh.StochasticPolyak())
    assert not taken(sh.absolute_phase_retrieval())
    assert not taken(sh.huber(1, 0.5))
    monkeypatch.setattr(nodes, "long", lambda system: False)
    assert not taken(sh.committee(2, 1, "linear"))
