"""Comparisons with the linear theory: its covariances between times, mistakes planted in it, and its bound."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm, solve_continuous_lyapunov

import symhigh as sh
from symhigh.ledger import comparison, theory
from symhigh.ledger.judgement import Source
from symhigh.ledger.theory import predicted

HALVES, START = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(0.5, 1, 0.2)
TIMES = np.linspace(0, 3, 13)[1:]
PROBLEM, RULE = sh.least_squares(0.5), sh.AdaGradNorm(1, 1)


def test_covariances_between_times_at_rest():
    """Cov(R(s + τ), R(s)) = λᵀ e^{Jτ} C λ/4 with C of the Lyapunov equation, for least squares by hand."""
    lam, w, rate, noise = np.array([1.5, 0.5]), np.array([0.5, 0.5]), 0.4, 0.3
    u = w * lam
    J = -2 * rate * np.diag(lam) + rate**2 * np.outer(u, lam)
    rho = np.linalg.solve(-J, rate**2 * u * noise**2)
    q = lam * rho
    P = q.sum() + noise**2
    sigma = 4 * rate**2 * (P * np.diag(q) + np.outer(q, q))
    sigma += -4 * rate**3 * P * (np.outer(q, u) + np.outer(u, q)) + 2 * rate**4 * P**2 * np.outer(u, u)
    C = solve_continuous_lyapunov(J, -sigma)
    times = np.array([60.0, 60.5, 62.0])
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    bands = system.fluctuations(HALVES, sh.Start(), 62, times, joint=True)
    exact = [[lam @ expm(J * abs(s - t)) @ C @ lam / 4 for t in times] for s in times]
    np.testing.assert_allclose(bands.two_times("risk", "risk", 1), exact, rtol=1e-4)


@pytest.fixture(scope="module")
def experiment():
    runs = sh.simulate(PROBLEM, RULE, HALVES, START, 400, 3, 300, "gram", TIMES)
    return sh.derive(PROBLEM, RULE).solve(HALVES, START, 3.1), runs, comparison.companions_of(runs)


MISTAKES = {
    "none": lambda source: source,
    "half the covariance": lambda source: replace(
        source, covariance={pair: 0.5 * c for pair, c in source.covariance.items()}
    ),
    "cross covariance of the wrong sign": lambda source: replace(
        source, covariance={(a, b): c if a == b else -c for (a, b), c in source.covariance.items()}
    ),
    "bias of the wrong sign": lambda source: replace(source, bias={n: -4 * b for n, b in source.bias.items()}),
}


def test_where_there_is_no_linear_theory_companions_say_why():
    runs = sh.simulate(PROBLEM, RULE, HALVES, START, 8, 0.5, 2, t=[0.5])
    found = predicted(Source("companions"), runs, ["gain"])
    assert found.fluctuations == "companions, as there is no linear theory: gain is no output of the derived limit"


def test_a_theory_that_takes_too_long_leaves_the_comparison_to_companions(monkeypatch):
    monkeypatch.setattr(theory, "SECONDS", 1e-3)
    problem = sh.huber(0.7, noise=0.5)
    runs = sh.simulate(problem, RULE, HALVES, START, 64, 0.5, 12, t=[0.25, 0.5])
    found = sh.compare(sh.derive(problem, RULE).solve(HALVES, START, 0.6), runs)
    assert found.method == "companions"
    assert "the linear theory takes more than 0.001 s of work (system.fluctuations does it)" in found.summary()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_the_theory_are_refuted(monkeypatch, experiment, name):
    usual = comparison.predicted
    monkeypatch.setattr(comparison, "predicted", lambda *given: MISTAKES[name](usual(*given)))
    curve, runs, smaller = experiment
    found = sh.compare(curve, runs, ("risk", "learning_rate"), companions=smaller)
    assert found.method == found.fluctuations == "the linear theory"
    assert found.agrees is (name == "none"), found.summary()
    if name == "none":
        assert found.bound("eta") < found.finds("eta") < 1.2 * found.bound("eta")


@pytest.mark.slow
def test_two_thousand_runs_find_four_permille_in_the_rate_and_a_tenth_in_the_covariance(monkeypatch):
    """d = 1000, risk and distance of least squares; the true statement passes."""
    spectrum, problem = sh.Spectrum.from_eigenvalues([0.5, 1, 2]), sh.least_squares(0.7)
    grid = np.linspace(0, 5, 26)[1:]
    runs = sh.simulate(problem, sh.Constant(0.8), spectrum, START, 1000, 5, 2000, "gram", grid)
    curve, off = (sh.derive(problem, sh.Constant(g)).solve(spectrum, START, 5) for g in (0.8, 0.8 * 1.004))
    found = sh.compare(curve, runs, ("risk", "distance"))
    assert found.agrees, found.summary()
    assert found.finds("gamma_0") < 0.004
    assert not sh.compare(off, runs, ("risk", "distance")).agrees
    usual = comparison.predicted
    for factor in (0.9, 1.1):

        def scaled(*given, factor=factor):
            source = usual(*given)
            return replace(source, covariance={pair: factor * c for pair, c in source.covariance.items()})

        monkeypatch.setattr(comparison, "predicted", scaled)
        wrong = sh.compare(curve, runs, ("risk", "distance"))
        assert not wrong.agrees, (factor, wrong.summary())


@pytest.mark.slow
def test_logistic_regression_is_found_wrong_as_its_bound_allows():
    """30 runs at d = 1000; what is promised is within 1.2 of the Neyman-Pearson bound, and 1.3 times it is found."""
    spectrum, problem, rule = sh.Spectrum.from_eigenvalues([0.5, 1, 2]), sh.logistic_regression(), sh.Constant(1)
    runs = sh.simulate(problem, rule, spectrum, START, 1000, 5, 30, "gram", np.linspace(0, 5, 26)[1:])
    found = sh.compare(sh.derive(problem, rule).solve(spectrum, START, 5), runs, "risk")
    assert found.agrees, found.summary()
    promised, bound = found.finds("gamma_0"), found.bound("gamma_0")
    assert bound < promised < 1.25 * bound
    off = sh.derive(problem, sh.Constant(1 + 1.3 * promised)).solve(spectrum, START, 5)
    assert not sh.compare(off, runs, "risk").agrees
