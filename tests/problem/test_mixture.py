"""Data with classes: what is refused, and how a problem takes them up."""

import pytest
import sympy as sp

import symhigh as sh

mu, nu = sp.symbols("mu nu", real=True)


def test_directions_come_after_the_targets_in_the_order_of_the_means():
    data = sh.Mixture([0.25, 0.25, 0.5], [nu, mu - nu / 2, 0])
    assert data.directions == (nu, mu)
    assert data.labels == (0, 1, 2)
    assert sh.Problem((sh.x - sh.y) ** 2 / 2, data=data).targets == (nu, mu)
    assert sh.Problem((sh.x - sh.x_star - sh.y) ** 2 / 2, data=data).targets == (sh.x_star, nu, mu)
    assert sh.Problem(sh.x**2 / 2, data=sh.Mixture([1], [sh.x_star])).targets == (sh.x_star,)


def test_outcomes_are_the_classes():
    third = sp.Rational(1, 3)
    problem = sh.Problem(sh.x * sh.y, data=sh.Mixture([third, 1 - third], [mu, -mu], [1, -1]))
    assert [(o.probability, o.loss, o.mean, o.label) for o in problem.outcomes] == [
        (third, sh.x, mu, 1), (2 * third, -sh.x, -mu, -1),
    ]  # fmt: skip
    assert problem.bound({}) == problem


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5, 0.4], [mu, -mu]), "weights must be > 0 and sum to one"),
        (([1.5, -0.5], [mu, -mu]), "weights must be > 0"),
        (([0.5, 0.5], [mu]), "give one of each a class"),
        (([0.5, 0.5], [mu, mu**2]), "linear combination of directions with numbers"),
        (([0.5, 0.5], [mu, mu + 1]), "linear combination"),
        (([0.5, 0.5], [mu, nu * mu]), "linear combination"),
        (([0.5, 0.5], [0, 0]), "all means are 0"),
        (([0.5, 0.5], [mu, -mu], [1, sp.I]), "labels must be real numbers"),
        (([mu, 1 - mu], [mu, -mu]), "weights must be real numbers"),
        (([], []), "give one of each a class"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        sh.Mixture(*arguments)


def test_text_and_other_types_are_refused():
    for bad in ("mu", None, 3):
        with pytest.raises(TypeError, match="means"):
            sh.Mixture([1], bad)
    with pytest.raises(TypeError, match="means"):
        sh.Mixture([1], ["mu"])
    with pytest.raises(TypeError, match="data"):
        sh.Problem(sh.x**2, data=[mu])


def test_a_problem_has_labels_or_classes_and_a_linear_model():
    data = sh.Mixture([1], [mu])
    with pytest.raises(ValueError, match="classes have labels of their own"):
        sh.Problem(sh.x * sh.y, labels={1: 1}, data=data)
    with pytest.raises(ValueError, match=r"network has one student|models are linear"):
        sh.Problem(sh.x**2, model=sh.PRODUCT, data=data)
