"""The statement of scalars that learn, and the mistakes in it that are refused by name."""

from typing import Any

import pytest
import sympy as sp

import symhigh as sh

a, b = sp.symbols("a b", real=True)
LOSS = (a * sh.x - sh.x_star) ** 2 / 2


def test_a_number_is_a_start_of_speed_one() -> None:
    assert sh.Problem(LOSS, learnt={a: 2}) == sh.Problem(LOSS, learnt={a: sh.Learnt(2, 1)})
    assert sh.Problem(LOSS, learnt={a: 2}) != sh.Problem(LOSS, learnt={a: sh.Learnt(2, 3)})


def test_bound_keeps_the_scalars() -> None:
    s = sp.Symbol("s", positive=True)
    problem = sh.Problem(LOSS, learnt={a: sh.Learnt(s, 2 * s)})
    assert dict(problem.bound({s: sp.Integer(3)}).learnt) == {a: sh.Learnt(3, 6)}
    committee = sh.committee(2, 1, second_layer=s, learns=True)
    assert [v.start for _, v in committee.bound({s: sp.Integer(3)}).learnt] == [3, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"learnt": {sp.Symbol("a", positive=True): 1}}, "without a sign"),
        ({"learnt": {a: float("nan")}}, "start"),
        ({"learnt": {a: 1}, "parameters": {a: 1}}, "in parameters already"),
        ({"learnt": {a: 1, b: 1}}, "does not depend on b"),
        ({"learnt": {a: a}}, "may not depend on a"),
        ({"learnt": {a: 1}, "noise": a}, "may not depend on a"),
        ({"learnt": {a: 1}, "noise": sh.Laplace(a**2)}, "may not depend on a"),
        ({"learnt": {a: 1}, "labels": {1: a, 0: 1 - a}}, "probabilities may depend on sh.x_star only"),
        ({"learnt": {a: 1, sh.x: 1}}, "without a sign"),
    ],
)
def test_mistakes_are_refused_by_name(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sh.Problem(LOSS.xreplace({a: next(iter(given["learnt"]))}), **given)


@pytest.mark.parametrize("given", [{"a": 1}, [a], {a: "1"}])
def test_types_are_refused_by_name(given: Any) -> None:
    with pytest.raises(TypeError, match=r"learnt|start"):
        sh.Problem(LOSS, learnt=given)


def test_a_scalar_learns_forward() -> None:
    with pytest.raises(ValueError, match=r"Learnt\(speed=0\): speed must be > 0"):
        sh.Learnt(0, 0)


def test_a_foreign_symbol_is_told_where_it_may_go() -> None:
    with pytest.raises(ValueError, match="where they start in learnt"):
        sh.Problem(LOSS)


def test_committee_states_its_loss() -> None:
    x1, x2, y1, w1, w2 = sp.symbols("x_1 x_2 y_1 a_1 a_2", real=True)
    problem = sh.committee(2, 1, "quadratic", second_layer=[1, 2], teacher=3, learns=True, speed=4)
    assert sp.expand(problem.loss - (w1 * x1**2 + w2 * x2**2 - 3 * y1**2 - sh.eps) ** 2 / 2) == 0
    assert dict(problem.learnt) == {w1: sh.Learnt(1, 4), w2: sh.Learnt(2, 4)}
    assert not sh.committee(2, 1, "quadratic", second_layer=[1, 2]).learnt


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"students": 0}, "students"),
        ({"activation": "gelu"}, "activation"),
        ({"second_layer": [1]}, "give one number, or one a unit, 2"),
        ({"learns": True, "speed": 0}, "speed"),
    ],
)
def test_mistakes_in_a_committee(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sh.committee(**{"students": 2, "targets": 1, **given})


def test_a_file_states_scalars() -> None:
    problem = sh.Problem(LOSS, learnt={a: sh.Learnt(1, 2)})
    experiment = sh.Experiment(problem, sh.Constant(0.5), (sh.Spectrum.isotropic(), sh.Start()), 1)
    text = experiment.to_toml()
    assert sh.Experiment.from_toml(text).problem == experiment.problem
