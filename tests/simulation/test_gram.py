"""The exact Gram chain has the law of direct simulation: two-sample tests, starts, sizes beyond direct reach."""

from dataclasses import dataclass

import numpy as np
import pytest
import sympy as sp
from scipy.stats import ks_2samp

import symhigh as sh
from symhigh.rule import Rule
from symhigh.simulation.gram import GramWalk, eigenspaces, start_in
from symhigh.simulation.runner import _root_of, prepare
from symhigh.symbols import G, X, g
from symhigh.symbols import d as DIMENSION
from tests.scenarios import SCENARIOS

FALSE_ALARM = 1e-4
"""Chance that a test of equal laws fails for equal laws, Bonferroni over its Kolmogorov-Smirnov tests."""

# eigenspaces of dimensions 1, 2, 3, 4: every case of the χ² law
TRAIL = sp.Symbol("TRAIL", real=True)
SMALL = sh.Spectrum.from_eigenvalues([2.0, 0.3, 1.0, 0.6], [0.1, 0.2, 0.3, 0.4])


def agree(problem, rule, spectrum, start, d, seeds=600, t_end=2.0):
    times = np.array([0.0, 0.3, 1.0, t_end])
    direct, chain = (
        sh.simulate(problem, rule, spectrum, start, d, t_end, seeds, method=m, t=times)
        for m in ("direct", "gram")
    )
    np.testing.assert_array_equal(direct.t, chain.t)
    names = [
        name
        for name in ("risk", "learning_rate", "overlap", "norm")
        if np.ptp(getattr(direct, name)[:, 1:]) > 0
    ]
    p = [
        ks_2samp(getattr(direct, name)[:, k], getattr(chain, name)[:, k]).pvalue
        for name in names
        for k in range(1, direct.t.size)
    ]
    assert min(p) > FALSE_ALARM / len(p)
    return direct, chain


@pytest.mark.parametrize(
    "name", ["least squares, AdaGrad-Norm", "logistic, sampled, line search", "Huber, schedule"]
)
def test_law_equals_that_of_direct_simulation(name):
    s = SCENARIOS[name]
    direct, chain = agree(s.problem, s.rule, s.spectrum, s.start, d=24)
    np.testing.assert_allclose(chain.risk[:, 0], direct.risk[:, 0], rtol=1e-12)  # one deterministic start


@pytest.mark.parametrize(
    "start", [sh.Start(0.5, 1, 0.3), sh.Start(0.5, 1, 0.3, random=True), sh.Start(1, 0)], ids=str
)
def test_law_in_eigenspaces_of_few_dimensions(start):
    agree(sh.least_squares(0.5), sh.AdaGradNorm(1.5, 1), SMALL, start, d=10)


@pytest.mark.parametrize(
    "rule",
    [
        sh.DoG(0.1, 0.5),
        sh.DAdaptation(0.5, 0.1),
        sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(1.5, 1), 0.3), 3),
    ],
    ids=str,
)
def test_law_of_rules_that_look_at_the_start_decay_the_weights_or_take_batches(rule):
    """X0 is a third vector; eigenspaces of one to five dimensions."""
    spectrum = sh.Spectrum.from_eigenvalues([2.0, 0.3, 1.0, 0.6, 1.4], np.arange(1, 6) / 15)
    direct, chain = agree(sh.least_squares(0.5), rule, spectrum, sh.Start(0.5, 1, 0.3), d=15)
    if "moved" in direct.outputs:
        assert (
            min(ks_2samp(direct.moved[:, k], chain.moved[:, k]).pvalue for k in (1, 2, 3)) > FALSE_ALARM / 3
        )
        np.testing.assert_allclose(chain.moved[:, 0], 0, atol=1e-15)


@pytest.mark.parametrize("rule", [sh.DoG(0.1, 0.5), sh.DAdaptation(1, 0.1)], ids=str)
def test_rules_that_look_at_the_start_lie_on_their_limit_in_a_million_dimensions(rule):
    problem, start, t = sh.least_squares(0.5), sh.Start(0.5, 1, 0.3), np.array([0, 0.05, 0.1])
    runs = sh.simulate(problem, rule, sh.Spectrum.isotropic(), start, 10**6, 0.1, 2, t=t)
    curve = sh.derive(problem, rule).solve(sh.Spectrum.isotropic(), start, 0.1, t=runs.t)
    for output in ("risk", "learning_rate", "moved"):
        found, limit = getattr(runs, output), getattr(curve, output)
        np.testing.assert_allclose(found, np.tile(limit, (2, 1)), rtol=5e-3, atol=5e-3 * limit.max())


def test_test_has_power_against_a_wrong_number_of_degrees_of_freedom():
    """Two dimensions more in one eigenspace of three must be seen, or agreement above would mean little."""
    problem, rule, start = sh.least_squares(0.5), sh.AdaGradNorm(1.5, 1), sh.Start(0.5, 1, 0.3)
    one, other = (
        sh.simulate(
            problem,
            rule,
            sh.Spectrum.from_eigenvalues([1.0, 0.3], [n / 12, 1 - n / 12]),
            start,
            12,
            2.0,
            600,
            method="gram",
            t=[0, 1.0, 2.0],
        )
        for n in (3, 5)
    )
    assert ks_2samp(one.learning_rate[:, 2], other.learning_rate[:, 2]).pvalue < FALSE_ALARM


@pytest.mark.parametrize("d", [10, 11, 57])
def test_starts_have_the_gram_matrices_of_the_vectors(d):
    start, spaces = sh.Start(0.5, 2.0, 0.4), eigenspaces(SMALL, d)
    alpha, beta, s = start_in(spaces, start, SMALL, d, np.random.default_rng(0))
    X, X_star = start.vectors(SMALL, d)
    for k, value in enumerate(spaces.values):
        inside = SMALL.eigenvalues(d) == value
        gram = [a[inside] @ b[inside] for a, b in ((X, X), (X, X_star), (X_star, X_star))]
        found = [alpha[k] ** 2 + beta[k] ** 2, alpha[k] * s[k], s[k] ** 2]
        np.testing.assert_allclose(found, gram, rtol=1e-12, atol=1e-15)


def test_given_vectors_are_projected_on_the_eigenspaces():
    rng = np.random.default_rng(3)
    X, X_star = rng.standard_normal((2, 9))
    X_star[:3] = 0
    values = np.repeat([0.5, 1.0, 2.0], 3)
    order = rng.permutation(9)
    spectrum, start = (
        sh.Spectrum.from_eigenvalues(values[order]),
        sh.Start.from_vectors(X[order], X_star[order]),
    )
    alpha, beta, s = start_in(eigenspaces(spectrum, 9), start, spectrum, 9, rng)
    for k in range(3):
        x, y = X[3 * k : 3 * k + 3], X_star[3 * k : 3 * k + 3]
        np.testing.assert_allclose(
            [alpha[k] ** 2 + beta[k] ** 2, alpha[k] * s[k], s[k] ** 2], [x @ x, x @ y, y @ y], rtol=1e-12
        )


@dataclass(frozen=True)
class Trailing(Rule):
    """Descent with a vector that trails the iterate, from a start of its own."""

    begin: sp.Expr
    rate = sp.Rational(1, 10)

    @property
    def step(self):
        return {X: X - g / DIMENSION * G, TRAIL: TRAIL + (X - TRAIL) / DIMENSION}

    @property
    def start(self):
        return {TRAIL: self.begin}


def test_further_vectors_start_linearly_in_the_iterate():
    where = sh.Spectrum.from_eigenvalues([1, 2]), sh.Start(1, 1, 0.2), 8, 1.0, 2
    assert sh.simulate(sh.least_squares(), Trailing(2 * X), *where, method="gram").complete
    for begin in (X**2, X + 1):
        with pytest.raises(ValueError, match=r"TRAIL starts at .*, not linear in the iterate"):
            sh.simulate(sh.least_squares(), Trailing(begin), *where, method="gram")


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_the_chain_begins_with_the_risk_of_the_vectors_given():
    rng = np.random.default_rng(5)
    X, X_star = rng.standard_normal((2, 9)) / 3
    root = rng.standard_normal((9, 9)) / 3
    spectrum, start = sh.Spectrum.from_covariance(root @ root.T), sh.Start.from_vectors(X, X_star)
    chain = sh.simulate(sh.least_squares(), sh.Constant(0.1), spectrum, start, 9, 1.0, 1, t=[0.0, 1.0], method="gram")
    assert chain.risk[0, 0] == pytest.approx((X - X_star) @ root @ root.T @ (X - X_star) / 2, rel=1e-12)


def test_a_thousand_million_dimensions_lie_on_the_limit():
    """At d = 10^9 a run deviates from the limit by about d^(-1/2); 1e-3 is thirty such widths."""
    problem, rule = sh.least_squares(1), sh.AdaGradNorm(1, 0.3)
    runs = sh.simulate(problem, rule, sh.Spectrum.isotropic(), sh.Start(), 10**9, 2e-4, 2, t=[0, 1e-4, 2e-4])
    curve = sh.derive(problem, rule).solve(sh.Spectrum.isotropic(), sh.Start(), 2e-4, t=runs.t)
    np.testing.assert_allclose(runs.risk, np.tile(curve.risk, (2, 1)), rtol=1e-3)
    np.testing.assert_allclose(runs.learning_rate, np.tile(curve.learning_rate, (2, 1)), rtol=1e-3)


def test_same_seed_same_bits_whatever_the_threads_and_the_record():
    args = (sh.least_squares(1), sh.AdaGradNorm(1, 0.3), SMALL, sh.Start(random=True), 1000, 1.0)
    one = sh.simulate(*args, [3, 5, 8], threads=1, t=[0, 1.0])
    two = sh.simulate(*args, [8, 3], threads=2, t=[0, 0.25, 0.5, 1.0])
    np.testing.assert_array_equal(one.risk[[2, 0], -1], two.risk[:, -1])


def test_a_continuous_spectrum_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match="direct"):
        sh.simulate(
            sh.least_squares(),
            sh.Constant(0.5),
            sh.Spectrum.power_law(0.2),
            sh.Start(),
            100,
            1.0,
            1,
            method="gram",
        )


@pytest.mark.parametrize(
    ("population", "d", "chain"),
    [
        ((sh.Spectrum.from_eigenvalues([1.0, 2.0]), sh.Start()), 32, True),
        ((sh.Spectrum.from_eigenvalues([1.0, 2.0]), sh.Start()), 31, False),
        ((sh.Spectrum.power_law(0.2), sh.Start()), 1000, False),
        ((sh.Spectrum.from_eigenvalues([1.0, 2.0], [1 / 8, 7 / 8]), sh.Overlaps(np.eye(2))), 64, True),
        ((sh.Spectrum.from_eigenvalues([1.0, 2.0], [1 / 8, 7 / 8]), sh.Overlaps(np.eye(2))), 56, False),
    ],
    ids=str,
)
def test_the_chain_is_chosen_where_it_is_clearly_cheaper(population, d, chain):
    walk, _ = prepare(sh.phase_retrieval(), sh.Constant(0.1), population, d, 1.0)
    assert (walk is GramWalk) == chain
    assert prepare(sh.phase_retrieval(), sh.Constant(0.1), population, d, 1.0, "direct")[0] is not GramWalk
    assert prepare(sh.phase_retrieval(), sh.Constant(0.1), population, d, 1.0, observed=True)[0] is not GramWalk


def test_covariances_are_symmetric_and_of_the_dimension():
    good = np.array([[2.0, 0.5], [0.5 + 4e-6, 1.0]])
    np.testing.assert_allclose(_root_of(good, 2) @ _root_of(good, 2), good, atol=2e-5)
    for wrong, d in ((np.eye(3), 2), (np.array([[1.0, 0.5], [0.4, 1.0]]), 2), (np.ones((2, 3)), 2)):
        with pytest.raises(ValueError, match=f"covariance must be a finite symmetric {d} x {d} matrix"):
            _root_of(wrong, d)
