"""Limits of data with classes, against integrations written out by hand and against runs."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.special import expit

import symhigh as sh
from symhigh.simulation.finite import FiniteStart

mu, nu = sp.symbols("mu nu", real=True)
HALF = sp.Rational(1, 2)
TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5], [0.5, 0.5])
OPPOSITE = sh.Mixture([HALF, HALF], [mu, -mu], [1, -1])
LOGISTIC = sh.Problem(sp.log(1 + sp.exp(-sh.y * sh.x)), data=OPPOSITE, name="logistic loss on two classes")


def test_known_risks_of_two_classes():
    start = FiniteStart(moments=(np.zeros(2), np.zeros(2), np.array([1.0, 2.0])))
    curve = sh.derive(LOGISTIC, sh.Constant(1)).solve(TWO, start, 8.0, [0, 0.5, 1, 2, 4, 6, 8])
    known = [0.69315, 0.56341, 0.48347, 0.39180, 0.30834, 0.26894, 0.24582]
    np.testing.assert_allclose(curve.risk, known, atol=6e-6)


def test_logistic_loss_against_quadrature_written_out():
    lam, w, N = np.array([1.5, 0.5]), np.array([0.5, 0.5]), np.array([1.0, 1.0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def rhs(t, state):
        M, V = state[:2], state[2:]
        z = w @ M + np.sqrt(w @ (lam * V)) * nodes  # y x given either label
        slope = -expit(-z)
        alpha, bend, noise = weights @ slope, weights @ (expit(z) * expit(-z)), weights @ slope**2
        return np.concatenate([-0.7 * (alpha * N + lam * bend * M),
                               -1.4 * (alpha * M + lam * bend * V) + 0.49 * lam * noise])  # fmt: skip

    begin = np.concatenate([[0.1, 0.1], [0.2, 0.2]])
    found = solve_ivp(rhs, (0, 4), begin, t_eval=[1, 2, 4], rtol=1e-10, atol=1e-13).y
    curve = sh.derive(LOGISTIC, sh.Constant(0.7)).solve(TWO, sh.Start(0.2, 1, 0.1), 4.0, [1, 2, 4], rtol=1e-10)
    np.testing.assert_allclose(curve.overlap_1_2, w @ found[:2], rtol=1e-7)
    np.testing.assert_allclose(curve.overlap_1_1, w @ found[2:], rtol=1e-7)
    error = [0.5 * (1 + sp.erf(-(w @ f[:2]) / np.sqrt(2 * (w @ (lam * f[2:])))).evalf()) for f in found.T]
    np.testing.assert_allclose(curve.zero_one_error, np.array(error, float), rtol=1e-7)


def test_three_classes_with_a_target_and_noise_by_hand():
    """(x - x* - y - ε)²/2 on unequal classes: all averages are polynomials, written out over the overlaps of K = I."""
    shares, labels, noise, rate = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, -2.0]), 0.3, 0.6
    data = sh.Mixture([HALF, sp.Rational(3, 10), sp.Rational(1, 5)], [nu, mu - nu / 2, 0], [0, 1, -2])
    problem = sh.Problem((sh.x - sh.x_star - sh.y - sh.eps) ** 2 / 2, noise, data=data)
    first = np.array([[0.5, 0.1, 0.2, -0.1], [0.1, 1.0, 0.3, 0.0], [0.2, 0.3, 0.8, 0.2], [-0.1, 0.0, 0.2, 0.6]])
    means = np.array([[0, 0, 1, 0], [0, 0, -0.5, 1], [0, 0, 0, 0]], float)  # in X, X*, ν, μ
    residual = np.array([1.0, -1.0, 0.0, 0.0])

    def rhs(t, state):
        G = state.reshape(4, 4)
        centre = means @ G @ residual - labels  # E of the residual in each class
        variance = residual @ G @ residual + noise**2
        pull = (shares * centre) @ means + residual  # E r a, in terms of the directions
        drift = np.zeros((4, 4))
        drift[0] = -rate * pull @ G
        change = drift + drift.T
        change[0, 0] += rate**2 * (shares @ centre**2 + variance)
        return change.ravel()

    found = solve_ivp(rhs, (0, 3), first.ravel(), t_eval=[1, 3], rtol=1e-11, atol=1e-13).y.T.reshape(-1, 4, 4)
    system = sh.derive(problem, sh.Constant(rate))
    curve = system.solve(sh.Spectrum.isotropic(), sh.Overlaps(first), 3.0, [1, 3], rtol=1e-10)
    np.testing.assert_allclose(curve.overlap_1_1, found[:, 0, 0], rtol=1e-8)
    np.testing.assert_allclose(curve.overlap_1_4, found[:, 0, 3], rtol=1e-8)
    risk = [shares @ (means @ G @ residual - labels) ** 2 / 2 + (residual @ G @ residual + noise**2) / 2 for G in found]
    np.testing.assert_allclose(curve.risk, risk, rtol=1e-8)


@pytest.mark.parametrize(
    "rule",
    [sh.AdaGradNorm(1, 1), sh.LineSearch(), sh.MiniBatch(sh.Constant(1), 3), sh.SignSGD(0.4)],
    ids=lambda rule: type(rule).__name__,
)
def test_runs_follow_the_limit(rule):
    start, times = sh.Start(0.2, 1, 0.1), [0.5, 1.0, 2.0]
    curve = sh.derive(LOGISTIC, rule).solve(TWO, start, 2.0, times)
    runs = sh.simulate(LOGISTIC, rule, TWO, start, 800, 2.0, 16, t=times)
    for name in ("risk", "zero_one_error", "overlap_1_2"):
        values = runs.outputs[name]
        error = values.std(axis=0, ddof=1) / 4
        assert (np.abs(values.mean(axis=0) - curve.outputs[name]) < 4 * error + 2 / 800).all(), name


def test_runs_of_three_classes_follow_the_limit():
    data = sh.Mixture([HALF, sp.Rational(3, 10), sp.Rational(1, 5)], [nu, mu - nu / 2, 0], [0, 1, -2])
    problem = sh.Problem((sh.x - sh.x_star - sh.y - sh.eps) ** 2 / 2, 0.3, data=data)
    overlaps = sh.Overlaps(np.diag([0.5, 1.0, 0.8, 0.6]) + 0.1)
    curve = sh.derive(problem, sh.Constant(0.6)).solve(TWO, overlaps, 2.0, [1.0, 2.0])
    runs = sh.simulate(problem, sh.Constant(0.6), TWO, overlaps, 800, 2.0, 16, t=[1.0, 2.0])
    gap = np.abs(runs.risk.mean(axis=0) - curve.risk)
    assert (gap < runs.risk.std(axis=0, ddof=1) + 2 / 800).all()


def test_a_wrong_mean_is_found_by_comparison():
    start = sh.Start(0.2, 1, 0.1)
    wrong = sh.Problem(LOGISTIC.loss, data=sh.Mixture([HALF, HALF], [mu, -sp.Rational(9, 10) * mu], [1, -1]))
    runs = sh.simulate(LOGISTIC, sh.Constant(1), TWO, start, 800, 2.0, 20)
    assert sh.compare(sh.derive(LOGISTIC, sh.Constant(1)).solve(TWO, start, 2.0), runs).agrees
    assert not sh.compare(sh.derive(wrong, sh.Constant(1)).solve(TWO, start, 2.0), runs).agrees


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s, a: s.fluctuations(TWO, a, 1.0), "the data have classes"),
        (lambda s, a: s.solve(TWO, a, 1.0).excess_risk, "excess_risk: the least risk"),
        (lambda s, a: sh.limits(s, TWO, a), "no closed form is known"),
        (lambda s, a: sh.simulate(s, TWO, a, d=50, t_end=1.0, method="gram"), "classes have means of their own"),
        (lambda s, a: sh.derive(LOGISTIC, _Looking()), "looks at the prediction x itself"),
    ],
)
def test_what_has_no_answer_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask(sh.derive(LOGISTIC, sh.Constant(1)), sh.Start(0.2, 1, 0.1))


class _Looking(sh.Rule):
    """A rate that looks at the prediction."""

    rate = 1 / (1 + sh.x**2)
