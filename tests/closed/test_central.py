"""The central limit at rest and the exact mean at finite d: against the integrated theory, the recursion, and runs."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.central import _variances
from symhigh.closed.modes import read_modes

HALVES = sh.Spectrum.from_eigenvalues([1.5, 0.5])
NAMES = {
    "risk_variance": lambda bands: bands.variance("risk", 1),
    "distance_variance": lambda bands: bands.variance("distance", 1),
    "risk_distance_covariance": lambda bands: bands.covariance("risk", "distance", 1),
    "risk_bias": lambda bands: bands.bias("risk", 1),
}


@pytest.mark.parametrize(
    ("problem", "rule", "spectrum"),
    [
        (sh.least_squares(0.3), sh.Constant(0.9), HALVES),
        (sh.least_squares(0.5), sh.MiniBatch(sh.Constant(1.2), 3), HALVES),
        (sh.least_squares(0.5), sh.Constant(0.6), sh.Spectrum.marchenko_pastur(0.5)),
        # the noise's fourth cumulant correlates the modes, so f is no constant
        (sh.least_squares(sh.Rademacher(0.5)), sh.Constant(0.7), sh.Spectrum.from_eigenvalues([2, 0.7, 0.3])),
        (sh.Problem(3 * (sh.x - sh.x_star - 2 * sh.eps) ** 2, noise=0.2), sh.Constant(0.1), HALVES),
    ],
)
def test_the_theory_integrated_for_long_comes_to_rest_there(problem, rule, spectrum):
    found = sh.limits(problem, rule, spectrum)
    bands = sh.derive(problem, rule).fluctuations(spectrum, sh.Start(), 150, [150])
    for name, value in NAMES.items():
        assert float(found[name].evaluate()) == pytest.approx(value(bands)[0], rel=2e-4), name


def test_rest_in_symbols():
    """``d Var R = γ²κ₂ R²/2``: every mode an independent Gaussian vector of variance γR."""
    g, omega = sp.symbols("g omega", positive=True)
    found = sh.limits(sh.least_squares(omega), sh.Constant(g))
    kappa, R = next(s for s in found["risk_variance"].symbols if s.name == "kappa_2"), found["risk"].expr
    assert sp.simplify(found["risk_variance"].expr - g**2 * kappa * R**2 / 2) == 0
    assert sp.simplify(found["distance_variance"].expr - 2 * (g * R) ** 2) == 0


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("d", [2, 7, 40])
def test_the_mean_at_rest_is_that_of_the_recursion(batch, d):
    values = np.linspace(0.4, 1.6, d)
    spectrum, rule = sh.Spectrum.from_eigenvalues(values), sh.MiniBatch(sh.Constant(0.45), batch)
    mean = sh.exact_mean(sh.least_squares(0.6), rule, spectrum, sh.Start(), d, 200, [200])
    found = sh.limits(sh.least_squares(0.6), rule, spectrum)
    assert float(found["risk_at_d"].evaluate(d=d)) == pytest.approx(mean.risk[0], rel=1e-10)
    assert float(found["excess_risk_at_d"].evaluate(d=d)) == pytest.approx(mean.excess_risk[0], rel=1e-10)


def test_the_threshold_at_finite_dimension():
    """One dimension: E(1 - γa²)² = 1 at γ = 2/3; just below it the mean converges, just above it explodes."""
    found = sh.limits(sh.least_squares(0.5), sh.Constant(0.1), sh.Spectrum.isotropic())
    assert float(found["threshold_at_d"].evaluate(d=1)) == pytest.approx(2 / 3, rel=1e-12)
    edge = float(sh.limits(sh.least_squares(0.5), sh.Constant(0.1), HALVES)["threshold_at_d"].evaluate(d=4))
    below, above = (
        sh.exact_mean(sh.least_squares(0.5), sh.Constant(f * edge), HALVES, sh.Start(), 4, 200, [100, 200]).risk
        for f in (0.98, 1.02)
    )
    assert below[1] < 1.01 * below[0] + 1
    assert above[1] > 2 * above[0]


def test_the_first_correction_is_the_bias():
    """``d (risk_at_d - risk) → risk_bias``, of order 1/d away."""
    found = sh.limits(sh.least_squares(0.5), sh.MiniBatch(sh.Constant(0.6), 2), sh.Spectrum.marchenko_pastur(0.5))
    gaps = [d * (float(found["risk_at_d"].evaluate(d=d) - found["risk"].evaluate())) for d in (2000, 4000)]
    assert 2 * gaps[1] - gaps[0] == pytest.approx(float(found["risk_bias"].evaluate()), rel=1e-5)


def test_runs_at_rest_have_the_variance():
    """4000 runs of the exact chain: the standard deviation of a variance is 2.2 %."""
    problem, rule, d = sh.least_squares(0.5), sh.Constant(0.8), 100
    runs = sh.simulate(problem, rule, HALVES, sh.Start(), d, 12, 4000, "gram", t=[12])
    found = sh.limits(problem, rule, HALVES)
    variance = float(found["risk_variance"].evaluate()) / d
    assert runs.risk.var() == pytest.approx(variance, rel=0.12)
    exact = float(found["risk_at_d"].evaluate(d=d))
    assert abs(runs.risk.mean() - exact) < 3.5 * np.sqrt(variance / 4000)


def test_where_one_step_has_no_variance_none_is_given():
    found = sh.limits(sh.least_squares(sh.StudentT(3, 0.3)), sh.Constant(0.5), HALVES)
    assert "risk_variance" not in found
    assert "risk_at_d" in found
    assert "risk_variance" not in sh.limits(sh.least_squares(), sh.Constant(0.5), HALVES)


@pytest.mark.parametrize(("rate", "d", "holds"), [
    (0.3, 4, True), (0.9, 4, True), (2.8, 4, False), (3.5, 4, False), (0.3, 1, True), (0.9, 1, False), (1.9, 400, True),
])  # fmt: skip
def test_the_mean_at_rest_holds_below_the_pole_and_the_threshold(rate, d, holds):
    """``Q = S ω²/(1 - S)``, ``S = ∫ γλ/(2 - 2γλ/d) dμ``, where 2γ·1.5 < 2d and S < 1; beyond, it is refused."""
    found = sh.limits(sh.least_squares(0.5), sh.Constant(rate), HALVES)
    terms = [rate * v / (2 - 2 * rate * v / d) / 2 for v in (1.5, 0.5)]
    assert (max(rate * v / d for v in (1.5, 0.5)) < 1 and sum(terms) < 1) == holds
    for name, least in (("risk_at_d", 0.125), ("excess_risk_at_d", 0.0)):
        if holds:
            error = sum(terms) * 0.25 / (1 - sum(terms))
            assert float(found[name].evaluate(d=d)) == pytest.approx(least + error / 2, rel=1e-12)
        else:
            with pytest.raises(ValueError, match="is broken"):
                found[name].evaluate(d=d)


def test_the_mean_at_d_is_given_for_squares_alone():
    cubic = sh.Problem(sh.x**2 / 2 - sh.x * sh.x_star + sh.x_star**2 / 2, noise=0)
    assert "risk_at_d" in sh.limits(cubic, sh.Constant(0.3), HALVES)
    assert "risk_at_d" not in sh.limits(sh.least_squares(0.5), sh.AdaGradNorm(1, 1), HALVES, sh.Start())


@pytest.mark.parametrize("count", [1, 3, 4])
def test_variances_of_correlated_modes_by_linear_algebra(count):
    """``f_i = s/2a + Σ_j w_j λ_j² (b (f_i + f_j) + σ)/(a (λ_i + λ_j))``, and the sums over modes that it gives."""
    values = np.array([2.0, 0.7, 0.3, 1.1])[:count]
    weights = np.array([0.1, 0.2, 0.3, 0.4])[:count] / sum([0.1, 0.2, 0.3, 0.4][:count])
    a, s, b, between = 2.0, 3.0, -0.5, 1 / 3
    share = weights * values**2 / (a * (values[:, None] + values))
    matrix = np.eye(count) - b * np.diag(share.sum(axis=1)) - b * share
    f = np.linalg.solve(matrix, s / (2 * a) + between * share.sum(axis=1))
    joint = (b * (f[:, None] + f) + between) / (a * (values[:, None] + values))
    within = s / (2 * a) * weights.sum()
    expected = {
        "risk_variance": weights @ (values**2 * f),
        "distance_variance": within + (weights * values) @ joint @ (weights * values),
        "risk_distance_covariance": weights @ (values * f),
    }
    modes = read_modes(sh.Spectrum.from_eigenvalues(values, weights), None)
    found = _variances(modes, *map(sp.nsimplify, (2, 3, sp.Rational(-1, 2), sp.Rational(1, 3))))
    assert {name: float(value) for name, (value, _) in found.items()} == pytest.approx(expected, rel=1e-12)


def test_variances_of_independent_modes_and_of_too_many():
    """Where ``σ = -b s/a`` f is the constant s/2a, on any spectrum; else up to four modes are solved."""
    numbers = [sp.Integer(2), sp.Integer(3), sp.Rational(-1, 2)]
    five = read_modes(sh.Spectrum.from_eigenvalues([1, 2, 3, 4, 5]), None)
    assert _variances(five, *numbers, sp.Rational(1, 3)) == {}
    assert _variances(read_modes(None, None), *numbers, sp.Rational(1, 3)) == {}
    found = _variances(five, *numbers, sp.Rational(3, 4))
    assert [value for value, _ in found.values()] == [sp.Rational(3, 4) * m for m in (11, 1, 3)]
