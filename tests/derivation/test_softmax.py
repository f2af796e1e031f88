"""Softmax regression: two classes are logistic regression; three against quadrature, sampling and simulation."""

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.expectations import sample_of
from symhigh.derivation.invariance import differences
from symhigh.derivation.state import state

LINE = sh.Spectrum.from_eigenvalues([1.5, 0.5])
MEANS = sp.symbols("m_1:4", real=True)


def two_outputs(x: sh.Curve) -> sh.Overlaps:
    """Students ± X/2 and teachers ± X*/2, whose differences are X and X*."""
    first = np.array([[x.outputs["norm"][0], x.outputs["overlap"][0]], [x.outputs["overlap"][0], 1.0]]) / 4
    return sh.Overlaps(np.kron(first, [[1, -1], [-1, 1]]))


def test_two_classes_are_logistic_regression() -> None:
    """One output is logistic regression; of two the difference is, at twice the rate. To 1e-10 at all times."""
    logistic = lambda rate: sh.derive(sh.logistic_regression(sampled=True), sh.Constant(rate)).solve(  # noqa: E731
        LINE, sh.Start(0.3, 1, 0.2), t_end=3, rtol=1e-11
    )
    wanted = logistic(0.8)
    norms = [[wanted.outputs["norm"][0], wanted.outputs["overlap"][0]], [wanted.outputs["overlap"][0], 1.0]]
    one = sh.derive(sh.softmax(2, reference=True), sh.Constant(0.8)).solve(
        LINE, sh.Overlaps(norms), t_end=3, rtol=1e-11
    )
    assert one.risk == pytest.approx(wanted.risk, abs=1e-10)
    both = sh.derive(sh.softmax(2), sh.Constant(0.4)).solve(LINE, two_outputs(wanted), t_end=3, rtol=1e-11)
    assert both.risk == pytest.approx(wanted.risk, abs=1e-10)


def values(system: sh.MomentSystem, law: np.ndarray[Any, Any]) -> dict[str, float]:
    """The scalars of a limit where the predictions have this covariance."""
    entries = {f"B_{p + 1}_{q + 1}": law[p, q] for p in range(len(law)) for q in range(p, len(law))}
    found = {}
    for s in system.scalars:
        at = {v: sp.Float(entries[v.name]) for v in s.expression.free_symbols if v.name in entries}
        source, (expr,) = lower_nodes([s.expression.xreplace(at)])
        scope: dict[str, Any] = {}
        exec("import math, numpy\nfrom numba import njit\n" + source, scope)
        if not expr.free_symbols:
            found[s.name.name] = float(eval(str(expr), scope))
    return found


@pytest.mark.slow
def test_expectations_of_three_classes_by_quadrature() -> None:
    """The covariance of slopes under sampled labels, and the risk, by a Gauss-Hermite rule in four dimensions."""
    root = np.random.default_rng(3).standard_normal((4, 4))
    law = root @ root.T / 8
    found = values(sh.derive(sh.softmax(3, reference=True), sh.Constant(1)), law)
    z, w = np.polynomial.hermite_e.hermegauss(36)
    grid = np.array(np.meshgrid(*[z] * 4, indexing="ij")).reshape(4, -1)
    weight = np.prod(np.array(np.meshgrid(*[w / w.sum()] * 4, indexing="ij")).reshape(4, -1), axis=0)
    x = np.linalg.cholesky(law) @ grid
    odds = np.exp(np.vstack([x, np.zeros((2, x.shape[1]))]))[[0, 1, 4, 2, 3, 5]]
    own, label = odds[:3] / odds[:3].sum(axis=0), odds[3:] / odds[3:].sum(axis=0)
    for p in range(2):
        for q in range(p, 2):
            product = own[p] * own[q] - own[p] * label[q] - own[q] * label[p] + (p == q) * label[p]
            assert found[f"I_{p + 1}_{q + 1}"] == pytest.approx(weight @ product, abs=1e-8)
    assert found["risk"] == pytest.approx(weight @ -(label * np.log(own)).sum(axis=0), abs=1e-8)


@pytest.mark.slow
def test_classes_of_a_mixture() -> None:
    """Against direct SGD at d = 500 and 2000; the error among outputs, by drawing a million samples at the end."""
    problem = sh.softmax(3, sh.Mixture([sp.Rational(1, 3)] * 3, MEANS))
    rule, line = sh.Constant(1), (sh.Spectrum.isotropic(), sh.Overlaps(np.diag([0.1] * 3 + [1.0] * 3)))
    curve = sh.derive(problem, rule).solve(*line, t_end=4)
    B = np.array([[curve.outputs[f"overlap_{min(p, q)}_{max(p, q)}"][-1] for q in range(1, 7)] for p in range(1, 7)])
    x = np.random.default_rng(0).multivariate_normal(np.zeros(3), B[:3, :3], size=10**6)
    wrong = np.mean([np.mean(np.argmax(x + B[:3, 3 + k], axis=1) != k) for k in range(3)])
    assert curve.outputs["zero_one_error"][-1] == pytest.approx(wrong, abs=4 * 0.5e-3)
    assert curve.outputs["zero_one_error"][0] == pytest.approx(2 / 3)
    for d in (500, 2000):
        found = sh.compare(curve, sh.simulate(problem, rule, *line, d=d, t_end=4, seeds=10, t=curve.t[::10]))
        assert found.agrees, str(found)


@pytest.mark.slow
def test_three_classes_of_a_teacher() -> None:
    """Means of 30 runs at d = 500 and 2000 within five standard errors and 8/d; a rate of 1.5 for 1 is told apart."""
    problem, line = sh.softmax(3), (sh.Spectrum.isotropic(), sh.Overlaps(np.diag([0.1] * 3 + [1.0] * 3)))
    times = np.linspace(0, 4, 5)
    right, wrong = (sh.derive(problem, sh.Constant(g)).solve(*line, 4, times, rtol=1e-6).risk for g in (1, 1.5))
    for d in (500, 2000):
        runs = sh.simulate(problem, sh.Constant(1), *line, d=d, t_end=4, seeds=30, t=times, method="gram")
        allowed = 5 * runs.risk.std(axis=0) / np.sqrt(30) + 8 / d
        assert (abs(runs.risk.mean(axis=0) - right) < allowed).all()
    assert (abs(runs.risk.mean(axis=0) - wrong) > allowed).any()


def test_differences_alone_need_one_variable_less() -> None:
    """The loss of three outputs is one of two differences, whichever way it is written; one that sees a sum is not."""
    x, z = sp.symbols("x_1:4", real=True), sp.symbols("z_1:3", real=True)
    free = sp.log(sp.Add(*map(sp.exp, x))) - x[0] * sp.tanh(z[0] - z[1]) - x[1] * (1 - sp.tanh(z[0] - z[1]))
    for loss, lost in ((free, (x[2], z[1])), (free + x[0], (z[1],)), (free + z[0], (x[2],))):
        s, _ = state(sh.Problem(loss, students=x, targets=z), sh.Constant(1))
        left = differences(s, sample_of(s))
        assert left.lost == lost
        law = sample_of(s).law
        spread = left.sample.law[0, 0] - (law[0, 0] - (2 * law[0, 2] - law[2, 2] if x[2] in lost else 0))
        assert sp.expand(spread) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"classes": 4}, r"6 correlated variables.*classes must be <= 3"),
        ({"classes": 6, "data": sh.Mixture([sp.Rational(1, 6)] * 6, [MEANS[0]] * 6)}, r"classes must be <= 5"),
        ({"classes": 1}, "classes"),
        ({"classes": 2, "data": sh.Mixture([1], [MEANS[0]])}, "labels must be 0 to 1"),
        ({"classes": 2, "data": sh.Mixture([0.5, 0.5], [MEANS[0], 0], [1, -1])}, "labels must be 0 to 1"),
    ],
)
def test_what_is_beyond_quadrature_is_refused_before_work(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sh.softmax(**given)
