"""Every loss is the function that its name promises: values at points, labels with their probabilities.

The definitions below are written with SciPy, of the same prediction, target and noise.
"""

import numpy as np
import pytest
import sympy as sp
from scipy.special import erf, eval_hermitenorm, expit, factorial
from scipy.stats import norm

import symhigh as sh
from symhigh.problem import losses
from symhigh.problem.losses.squares import LINKS
from symhigh.problem.model import u, v
from symhigh.registry import LAWS, LOSSES

POINTS = np.array(
    [(0.7, -0.4, 0.3), (-1.3, 0.8, -0.2), (2.6, 1.9, 0.0), (0.2, 2.4, 1.1), (-0.4, -1.7, 0.6), (2.0, -0.5, 0.1)]
)


def relu(u):
    return np.maximum(u, 0)


def huber(r, c):
    return np.where(np.abs(r) <= c, r**2 / 2, c * np.abs(r) - c**2 / 2)


def sure(loss):
    return {None: (lambda s: np.ones_like(s), loss)}


def signs(loss, flip):
    return {
        1: (lambda s: np.where(s > 0, 1 - flip, flip), lambda x, s, e: loss(x)),
        -1: (lambda s: np.where(s < 0, 1 - flip, flip), lambda x, s, e: loss(-x)),
    }


def square(link, teacher=None):
    return sure(lambda x, s, e: (link(x) - (teacher or link)(s) - e) ** 2 / 2)


def matching(x):
    return x * norm.cdf(x) + norm.pdf(x)


DEFINITIONS = {
    "least-squares": (sh.least_squares(0.5), square(lambda u: u)),
    "huber": (sh.huber(0.8, 0.5), sure(lambda x, s, e: huber(x - s - e, 0.8))),
    "pseudo-huber": (
        sh.pseudo_huber(0.8, 0.5), sure(lambda x, s, e: 0.64 * (np.hypot(1, (x - s - e) / 0.8) - 1))
    ),
    "quantile": (sh.quantile(0.3, 0.5), sure(lambda x, s, e: np.maximum(0.3 * (s + e - x), -0.7 * (s + e - x)))),
    "erf-student": (sh.erf_student(0.5), square(lambda u: erf(u / np.sqrt(2)))),
    "relu-student": (sh.relu_student(0.5), square(relu)),
    "tanh-student": (sh.tanh_student(0.5), square(np.tanh)),
    "sign-regression": (sh.sign_regression(0.5), square(lambda u: u, np.sign)),
    "hermite-student": (
        sh.hermite_student(3, 0.5), square(lambda u: eval_hermitenorm(3, u) / np.sqrt(factorial(3)))
    ),
    "student": (sh.student(sp.sin, 0.5, sp.atan), square(np.sin, np.arctan)),
    "phase-retrieval": (sh.phase_retrieval(), sure(lambda x, s, e: (x**2 - s**2) ** 2 / 4)),
    "absolute-phase-retrieval": (
        sh.absolute_phase_retrieval(), sure(lambda x, s, e: (np.abs(x) - np.abs(s)) ** 2 / 2)
    ),
    "logistic": (sh.logistic_regression(), sure(lambda x, s, e: np.logaddexp(0, x) - x * expit(s))),
    "logistic-sampled": (
        sh.logistic_regression(sampled=True),
        {k: (lambda s, k=k: expit(k * s), lambda x, s, e, k=k: np.logaddexp(0, -k * x)) for k in (1, -1)},
    ),
    "probit": (sh.probit_regression(), sure(lambda x, s, e: matching(x) - x * norm.cdf(s))),
    "probit-sampled": (
        sh.probit_regression(sampled=True),
        {k: (lambda s, k=k: norm.cdf(k * s), lambda x, s, e, k=k: matching(x) - x * (k == 1)) for k in (1, -1)},
    ),
    "hinge": (sh.hinge(0.1), signs(lambda m: relu(1 - m), 0.1)),
    "squared-hinge": (sh.squared_hinge(0.1), signs(lambda m: relu(1 - m) ** 2 / 2, 0.1)),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_loss_is_the_function_of_its_name(name: str) -> None:
    problem, expected = DEFINITIONS[name]
    x, s, e = POINTS.T
    labels = [value for value, _ in problem.labels] or [None]
    assert sorted(labels, key=str) == sorted(expected, key=str)
    assert problem.noisy == (sh.eps in problem.loss.free_symbols)
    for label, outcome in zip(labels, problem.outcomes, strict=True):
        probability, loss = expected[None if label is None else int(label)]
        values = {**problem.values}
        found = [
            np.array([float(expr.xreplace(values).subs({sh.x: p[0], sh.x_star: p[1], sh.eps: p[2]})) for p in POINTS])
            for expr in (outcome.probability, outcome.loss)
        ]
        np.testing.assert_allclose(found[0], probability(s), rtol=1e-13)
        np.testing.assert_allclose(found[1], loss(x, s, e), rtol=1e-12, atol=1e-15)


def test_no_loss_of_one_direction_is_missing() -> None:
    assert set(LOSSES) - set(DEFINITIONS) == {"committee", "learning-committee", "softmax"}


@pytest.mark.parametrize("name", [n for n in losses.__all__ if n not in ("HUBER_THRESHOLD", "sigmoid", "student")])
def test_losses_are_without_noise_unless_given_and_take_a_model(name: str) -> None:
    given = {"huber": (1,), "pseudo_huber": (1,), "quantile": (0.3,), "hermite_student": (2,)}.get(name, ())
    problem = getattr(losses, name)(*given, model=sh.SQUARES)
    assert problem.model == sh.SQUARES
    assert not any(v != 0 for s, v in problem.values.items() if s.name in ("omega", "p_flip"))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sh.student("tanh"), TypeError, r"student\(link='tanh'"),
        (lambda: sh.student(sp.tanh, teacher=2), TypeError, "teacher=2"),
        (lambda: sh.student(lambda u: 1 / 0), TypeError, "it raises ZeroDivisionError"),
        (lambda: sh.student(lambda u: "u"), TypeError, "text is not read"),
        (lambda: sh.hermite_student(0), ValueError, "degree must be >= 1"),
        (lambda: sh.hermite_student(65), ValueError, "degree must be <= 64"),
        (lambda: sh.hinge(-0.1), ValueError, "flip must be >= 0"),
        (lambda: sh.quantile(0), ValueError, "q must be > 0"),
        (lambda: sh.logistic_regression(sampled=1), TypeError, "sampled"),
    ],
)
def test_refusals(make, error: type, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        make()


LAYERS = {"students": 2, "targets": 2, "activation": "erf", "second_layer": 1, "teacher": 1}


def test_what_is_not_given_by_name() -> None:
    """The values that the command line and files take where none is given."""
    found = {f"{n} {p.name}": p.default for n, e in (*LOSSES.items(), *LAWS.items()) for p in e.parameters}
    assert found == {
        "hinge flip": 0.0, "squared-hinge flip": 0.0, "huber c": 1.0, "pseudo-huber c": 1.0, "quantile q": 0.5,
        "hermite-student degree": 2, "student link": "tanh", "student teacher": "", "gaussian sigma": 0.0,
        "rademacher scale": 1.0, "laplace scale": 1.0, "student-t dof": 3.0, "student-t scale": 1.0,
        **{f"{name} {what}": value for name in ("committee", "learning-committee") for what, value in LAYERS.items()},
        "learning-committee speed": 1.0, "softmax classes": 2,
    }  # fmt: skip
    ones = (sh.Gaussian().sigma, sh.Rademacher().scale, sh.Laplace().scale, sh.StudentT(3).scale)
    assert ones == (1, 1, 1, 1)
    assert (sh.Learnt().start, sh.Learnt().speed) == (0, 1)
    assert [sh.hinge().parameters[0][1], sh.squared_hinge().parameters[0][1]] == [0, 0]
    plain = (sh.least_squares(), sh.huber(1), sh.pseudo_huber(1), sh.quantile(0.3), sh.student(sp.tanh))
    assert all(problem.noise == 0 for problem in plain)
    students = (sh.erf_student(), sh.relu_student(), sh.tanh_student(), sh.sign_regression(), sh.hermite_student(2))
    assert all(problem.noise == 0 for problem in (*students, sh.committee(1, 1), sh.DiagonalNetwork(0.5)))


@pytest.mark.parametrize(
    ("link", "function"),
    [("linear", lambda u: u), ("tanh", np.tanh), ("erf", lambda u: erf(u / np.sqrt(2))), ("relu", relu),
     ("sigmoid", expit), ("sin", np.sin), ("atan", np.arctan), ("abs", np.abs), ("sign", np.sign)],
)  # fmt: skip
def test_links_by_name(link: str, function) -> None:  # type: ignore[no-untyped-def]
    problem = LOSSES["student"].make(link="tanh", teacher=link)
    for p, s, e in POINTS:
        found = float(problem.loss.subs({sh.x: p, sh.x_star: s, sh.eps: e}))
        assert found == pytest.approx((np.tanh(p) - function(s) - e) ** 2 / 2, rel=1e-13, abs=1e-32)
    assert set(LINKS) == {"linear", "tanh", "erf", "relu", "sigmoid", "sin", "atan", "abs", "sign"}
    own = LOSSES["student"].make(link=link)
    at = {sh.x: 0.7, sh.x_star: -0.4, sh.eps: 0.3}
    assert float(own.loss.subs(at)) == pytest.approx((function(0.7) - function(-0.4) - 0.3) ** 2 / 2, rel=1e-13)


@pytest.mark.parametrize(
    ("activation", "function"),
    [("erf", lambda u: erf(u / np.sqrt(2))), ("relu", relu), ("linear", lambda u: u), ("quadratic", np.square)],
)
def test_committees_are_sums_of_units(activation: str, function) -> None:  # type: ignore[no-untyped-def]
    problem = sh.committee(2, 3, activation, 0.1, [0.5, -2], [1, 3, -0.7])
    own, aims = np.array([0.3, -1.2]), np.array([0.8, -0.4, 1.7])
    at = {**dict(zip(problem.students, own, strict=True)), **dict(zip(problem.targets, aims, strict=True)), sh.eps: 0.2}
    made, wanted = np.array([0.5, -2]) @ function(own), np.array([1, 3, -0.7]) @ function(aims)
    assert float(problem.loss.subs(at)) == pytest.approx((made - wanted - 0.2) ** 2 / 2, rel=1e-13)
    assert [str(s) for s in problem.directions] == ["x_1", "x_2", "y_1", "y_2", "y_3"]
    one = sh.committee(1, 1, activation)
    assert float(one.loss.subs({**dict.fromkeys(one.students, 0.3), **dict.fromkeys(one.targets, -1), sh.eps: 0})) == (
        pytest.approx((function(0.3) - function(-1.0)) ** 2 / 2, rel=1e-13)
    )
    assert one.noise == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.committee(0, 1), "students must be >= 1"),
        (lambda: sh.committee(1, 0), "targets must be >= 1"),
        (lambda: sh.committee(65, 1), "students must be <= 64"),
        (lambda: sh.committee(1, 65), "targets must be <= 64"),
        (lambda: sh.committee(2, 1, second_layer=[1]), r"second_layer=\[1\]\): give one number, or one a unit, 2"),
        (lambda: sh.committee(1, 1, learns=True, speed=0), "speed must be > 0"),
        (lambda: sh.powers(65), "depth must be <= 64"),
    ],
)
def test_sizes_out_of_range_are_refused(make, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        make()


def test_ends_of_the_ranges_are_taken() -> None:
    assert len(sh.committee(64, 64, "linear").directions) == 128
    assert sh.powers(64).effective.subs({u: 2, v: 1}) == 2**64 - 1
    assert sp.degree(sh.hermite_student(64).loss, sh.x) == 128
    assert sh.hermite_student(1).loss == sh.least_squares().loss
