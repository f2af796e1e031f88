"""The exact mean of least squares at finite d: against matrices, against simulation, against the derived limit."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.stats import norm

import symhigh as sh

SPECTRUM, START = sh.Spectrum.from_eigenvalues([0.5, 1.0, 2.0]), sh.Start(0.5, 1, 0.2)
TIMES = np.array([0.0, 0.25, 1.0, 3.0])


def by_matrices(K, X0, X_star, steps, g, noise, m=1, kappa=0.0):
    """Second moments of (X, X*) as full matrices, one step after the other; another basis, no eigenvalue known.

    Y = (X, X*) has the joint second moment S; the step is X⁺ = X - (g/d)(a aᵀ(X - X*) - a ε + κ X), and
    ``E a aᵀ A a aᵀ = 2 K A K + K tr(KA)`` for symmetric A.
    """
    d = len(K)
    eye = np.eye(d)
    XX, XS, SS = np.outer(X0, X0), np.outer(X0, X_star), np.outer(X_star, X_star)
    keep = (1 - g * kappa / d) * eye - g / d * K
    for _ in range(steps):
        M = XX - XS - XS.T + SS
        drawn = (K @ M @ K + (np.trace(K @ M) + noise**2) * K) * (g / d) ** 2 / m
        mixed = keep @ XS @ (g / d * K)
        XX = keep @ XX @ keep + mixed + mixed.T + (g / d) ** 2 * K @ SS @ K + drawn
        XS = keep @ XS + g / d * K @ SS
    M = XX - XS - XS.T + SS
    return {
        "risk": (np.trace(K @ M) + noise**2) / 2,
        "distance": np.trace(M),
        "overlap": np.trace(XS),
        "norm": np.trace(XX),
    }


@pytest.mark.filterwarnings("ignore::symhigh.population.dimension.EffectiveDimensionWarning")
@pytest.mark.parametrize(("m", "kappa"), [(1, 0.0), (3, 0.0), (1, 0.4), (2, 0.3)])
def test_against_full_matrices(m, kappa):
    """A dense covariance, in its own basis, few effective dimensions: terms of order 1/d² count here."""
    rng = np.random.default_rng(4)
    A = rng.standard_normal((5, 7))
    K, X0, X_star = A @ A.T / 7, rng.standard_normal(5), rng.standard_normal(5)
    rule = (
        sh.MiniBatch(sh.WeightDecay(sh.Constant(0.4), kappa), m)
        if kappa
        else sh.MiniBatch(sh.Constant(0.4), m)
    )
    start = sh.Start.from_vectors(X0, X_star)
    found = sh.exact_mean(
        sh.least_squares(0.3), rule, sh.Spectrum.from_covariance(K), start, 5, 4.0, t=[0, 1, 4]
    )
    for row, steps in enumerate((0, 5, 20)):
        expected = by_matrices(K, X0, X_star, steps, 0.4, 0.3, m, kappa)
        for name, value in expected.items():
            assert found.outputs[name][row] == pytest.approx(value, rel=1e-12), (name, steps)


CASES = {
    "constant": (sh.least_squares(0.7), sh.Constant(0.8)),
    "schedule": (sh.least_squares(0.7), sh.Schedule(1 / (1 + sh.t))),
    "batch": (sh.least_squares(sh.Laplace(0.4)), sh.MiniBatch(sh.Constant(0.9), 2)),
    "decay, warm-up": (
        sh.least_squares(sh.Rademacher(0.5)),
        sh.WarmUp(sh.WeightDecay(sh.Constant(0.5), 0.3), 1),
    ),
    "heavy tails": (sh.least_squares(sh.StudentT(5)), sh.Constant(0.3)),
    "scaled": (sh.Problem(3 * (sh.x - sh.x_star - 2 * sh.eps) ** 2, noise=0.2), sh.Constant(0.1)),
}


PLAIN = ("constant", "scaled", "heavy tails")
"""Batches and a schedule under other laws of noise are more than these, which by_matrices and the limit hold, too."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in PLAIN else []) for n in CASES])
def test_against_simulation_at_small_d(name):
    """At d = 24 the bias is large: the mean of the runs is the exact one, and away from the limit.

    False alarms: 4 outputs at 3 times, two-sided at 1e-3 in all.
    """
    problem, rule = CASES[name]
    runs = sh.simulate(problem, rule, SPECTRUM, START, 24, 3.0, 3000, t=TIMES)
    found = sh.exact_mean(problem, rule, SPECTRUM, START, 24, 3.0, t=TIMES)
    np.testing.assert_array_equal(found.t, runs.t)
    np.testing.assert_allclose(found.learning_rate, runs.learning_rate[0], rtol=1e-12)
    most = norm.isf(1e-3 / 24)
    for output in ("risk", "distance", "overlap", "norm"):
        values = runs.outputs[output]
        np.testing.assert_allclose(values[:, 0], found.outputs[output][0], rtol=1e-9)
        error = values[:, 1:].std(axis=0, ddof=1) / np.sqrt(len(values))
        assert (np.abs(values[:, 1:].mean(axis=0) - found.outputs[output][1:]) <= most * error).all(), output


def test_random_starts_and_continuous_spectra():
    """The mean over starts too; against direct simulation, two-sided at 1e-3 in all."""
    problem, rule = CASES["constant"]
    where = sh.Spectrum.power_law(0.2), sh.Start(0.5, 1, 0.2, random=True)
    runs = sh.simulate(problem, rule, *where, 40, 3.0, 1500, "direct", TIMES)
    found = sh.exact_mean(problem, rule, *where, 40, 3.0, t=TIMES)
    for output in ("risk", "distance", "overlap", "norm"):
        values = runs.outputs[output]
        error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
        assert (np.abs(values.mean(axis=0) - found.outputs[output]) <= norm.isf(1e-3 / 32) * error).all()


@pytest.mark.parametrize("name", CASES)
def test_the_bias_is_the_distance_from_the_derived_limit(name):
    """Two routes to the limit of the same modes: the recursion's own, and the derived system's."""
    problem, rule = CASES[name]
    system = sh.derive(problem, rule, reduce=False)
    found = sh.exact_mean(problem, rule, SPECTRUM, START, 24, 3.0, t=TIMES)
    limit = system.solve(SPECTRUM, START, 3.0, t=found.t, rtol=1e-10)
    for output in ("risk", "distance", "learning_rate"):
        expected = found.outputs[output] - limit.outputs[output]
        np.testing.assert_allclose(found.bias[output], expected, atol=1e-7)
    assert np.abs(found.bias["risk"]).max() > 1e-3


def test_the_bias_shrinks_like_one_over_d():
    sizes = [
        np.array(sh.exact_mean(*CASES["constant"], SPECTRUM, START, d, 3.0, t=TIMES).bias["risk"])
        for d in (300, 3000, 30000)
    ]
    np.testing.assert_allclose(sizes[0][1:] / sizes[1][1:], 10, rtol=0.05)
    np.testing.assert_allclose(sizes[1][1:] / sizes[2][1:], 10, rtol=0.005)


def test_few_effective_dimensions_shift_the_threshold():
    """One large eigenvalue: SGD explodes at a rate where the limit converges, and the mean says where."""
    spectrum = sh.Spectrum.from_eigenvalues([20.0] + [0.1] * 19)
    problem, rule = sh.least_squares(), sh.Constant(1.4)
    assert sh.derive(problem, rule).solve(spectrum, sh.Start(), 100.0).risk[-1] < 0.1
    with pytest.warns(RuntimeWarning, match="diverged by t"):
        found = sh.exact_mean(problem, rule, spectrum, sh.Start(), 20, 400.0, t=np.arange(0, 400, 0.05))
    assert not found.complete
    assert found.t.size < 4000
    assert found.risk[-1] > 1e3 * found.risk[0]


@pytest.mark.parametrize(
    ("problem", "rule", "words"),
    [
        (sh.huber(1, 0.5), sh.Constant(1), "second moments do not close"),
        (sh.logistic_regression(), sh.Constant(1), "second moments do not close"),
        (sh.least_squares(1), sh.AdaGradNorm(1, 1), "AdaGradNorm depends on the samples"),
        (sh.least_squares(1), sh.LineSearch(), "LineSearch depends on the samples"),
        (sh.least_squares(1), sh.Averaged(sh.Constant(1)), "a step of Averaged moves more than X by its own gradient"),
        (sh.least_squares(1), sh.ScheduleFree(1, 0.5), "a step of ScheduleFree moves more than X"),
        (sh.least_squares(1), sh.Momentum(sh.Constant(1), 1), "a step of Momentum moves more than X"),
        (sh.committee(2, 1), sh.Constant(1), "not linear in one learnt vector"),
        (sh.Problem((sh.x - sh.x_star - sh.eps**2) ** 2 / 2, noise=1), sh.Constant(1), "the loss is not c"),
        (sh.least_squares(noise=sh.StudentT(2)), sh.Constant(1), "has no finite variance"),
        (sh.least_squares(sp.Symbol("omega")), sh.Constant(1), "have no value"),
    ],
)
def test_what_has_no_exact_mean_is_refused(problem, rule, words):
    with pytest.raises(ValueError, match=words):
        sh.exact_mean(problem, rule, SPECTRUM, START, 24, 3.0)


def test_a_negative_schedule_is_refused():
    with pytest.raises(ValueError, match="the learning rate is -"):
        sh.exact_mean(sh.least_squares(), sh.Schedule(1 - sh.t), SPECTRUM, START, 24, 3.0)


def test_nothing_is_dropped_at_the_start() -> None:
    """The mean and its limit begin at the same place, also where no later time is asked for."""
    given = sh.least_squares(0.3), sh.Constant(0.4), sh.Spectrum.from_eigenvalues([1, 2]), sh.Start(0.5, 1, 0.2), 6, 2.0
    for times in ([0.0], [0.0, 2.0]):
        bias = sh.exact_mean(*given, t=times).bias
        assert all(abs(values[0]) < 1e-14 for values in bias.values())
    assert abs(bias["risk"][1]) > 1e-4


def test_the_excess_is_over_the_risk_of_the_noise() -> None:
    """Of a loss c (x - x* - s ε)²/2 that is c s² ω²/2."""
    x, x_star = sh.x, sh.x_star
    for loss, least in (((x - x_star - sh.eps) ** 2 / 2, 0.18), (3 * (x - x_star - 2 * sh.eps) ** 2 / 2, 3 * 4 * 0.18)):
        mean = sh.exact_mean(sh.Problem(loss, noise=0.6), sh.Constant(0.1), sh.Spectrum.isotropic(), sh.Start(), 30, 1)
        np.testing.assert_allclose(mean.risk - mean.excess_risk, least, rtol=1e-12)
