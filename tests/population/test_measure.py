"""Spectra as measures: compressed eigenvalues, densities, histograms, against the measures they stand for."""

import mpmath
import numpy as np
import pytest
from scipy.special import ive

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.population.measure import error_between, gauss_of


def test_gauss_rule_of_a_discrete_measure_matches_its_moments():
    rng = np.random.default_rng(0)
    values, weights = np.sort(rng.uniform(1, 2, 500)), rng.uniform(size=500)
    nodes, mass = gauss_of(values, weights, 6)
    assert nodes.size == 6
    assert (mass > 0).all()
    for k in range(12):
        np.testing.assert_allclose(mass @ nodes**k, weights @ values**k, rtol=1e-13)


def test_twenty_thousand_eigenvalues_become_a_few_hundred_nodes_with_the_same_curve():
    lam = ((np.arange(20_000) + 0.5) / 20_000) ** 1.25
    full = sh.Spectrum.from_eigenvalues(lam)
    for rtol in (1e-4, 1e-8):
        small = full.compressed(rtol)
        assert small.values.size < 300
        measured = error_between((full.values, full.weights), (small.values, small.weights))
        assert measured == pytest.approx(small.error, rel=1e-6)
        assert measured <= rtol
    system = sh.derive(sh.least_squares(0.1), sh.AdaGradNorm(1, 1))
    times = np.geomspace(0.1, 1e3, 20)
    curves = [system.solve(s, sh.Start.power_law(0.5), 1e3, t=times, rtol=1e-7) for s in (full, small)]
    np.testing.assert_allclose(curves[1].risk, curves[0].risk, rtol=1e-6)


def test_compression_merges_equal_values_and_keeps_zero():
    small = sh.Spectrum.from_eigenvalues(np.repeat([0.0, 1.0, 2.0], [5, 3, 2])).compressed()
    np.testing.assert_array_equal(small.values, [0, 1, 2])
    np.testing.assert_allclose(small.weights, [0.5, 0.3, 0.2], rtol=1e-15)


def test_density_of_marchenko_pastur_gives_its_moments():
    """Moments of the law for ratio r: 1, 1 + r, 1 + 3r + r²."""
    r = 0.3
    low, high = (1 - np.sqrt(r)) ** 2, (1 + np.sqrt(r)) ** 2
    spectrum = sh.Spectrum.from_density(lambda x: np.sqrt((high - x) * (x - low)) / x, low, high)
    np.testing.assert_allclose(
        [spectrum.moment(k) for k in (1, 2, 3)], [1, 1 + r, 1 + 3 * r + r**2], rtol=1e-10
    )
    np.testing.assert_allclose(spectrum.eigenvalues(2000).mean(), 1, rtol=1e-3)


@pytest.mark.parametrize("beta", [-0.5, 0.2, 0.7])
def test_density_with_a_power_at_zero_gives_the_power_law(beta):
    """E λ^k = (1-β)/(1-β+k), and the Laplace transform far out is that of the whole power law."""
    spectrum = sh.Spectrum.from_density(lambda x: x**-beta, 0, 1)
    np.testing.assert_allclose(
        [spectrum.moment(k) for k in (1, 2)], [(1 - beta) / (1 - beta + k) for k in (1, 2)], rtol=1e-9
    )
    law = sh.Spectrum.power_law(beta)
    assert error_between((law.values, law.weights), (spectrum.values, spectrum.weights)) < 1e-8


@pytest.mark.parametrize(
    ("beta", "rtol", "horizon"),
    [(0.2, 1e-12, 1e20), (0.9, 1e-8, 1e10), (-1.0, 1e-5, 1e4), (0.97, 1e-10, 1e12)],
)
def test_power_law_is_right_to_the_error_asked_for_up_to_the_horizon(beta, rtol, horizon):
    """``∫ λ^k e^{-2λu} dμ = (1-β) (2u)^{-a} γ(a, 2u)``, a = k + 1 - β, by mpmath at 30 digits."""
    law = sh.Spectrum.power_law(beta, rtol, horizon)
    for u in np.geomspace(1e-3, horizon, 24):
        for k in (0, 1, 2):
            with mpmath.workdps(30):
                a = k + 1 - mpmath.mpf(beta)
                exact = (1 - mpmath.mpf(beta)) * (2 * u) ** -a * mpmath.gammainc(a, 0, 2 * u)
            found = law.weights @ (law.values**k * np.exp(-2 * law.values * u))
            assert abs(found / float(exact) - 1) < rtol + 2e-13
    assert law.error == rtol


def test_starts_that_follow_a_power_are_finite_at_every_node():
    for beta, delta in ((0.2, 1.79), (0.97, 1.02)):
        assert np.isfinite(sh.Start.power_law(delta).modes(sh.Spectrum.power_law(beta))[2]).all()


def test_nodes_follow_the_accuracy_and_the_horizon():
    sizes = [
        sh.Spectrum.power_law(0.2, rtol, horizon).values.size
        for rtol, horizon in ((1e-4, 1e3), (1e-4, 1e12), (1e-10, 1e12))
    ]
    assert 20 < sizes[0] < sizes[1] < sizes[2] < 300


def test_hard_edge_of_marchenko_pastur_against_bessel_functions():
    """At ratio one: ``∫ e^{-sλ} dμ = e^{-2s} (I₀(2s) + I₁(2s))``, which a rule uniform in θ misses at large s."""
    law = sh.Spectrum.marchenko_pastur(1.0)
    s = np.geomspace(1e-2, 1e8, 21)
    found = np.exp(-np.outer(s, law.values)) @ law.weights
    np.testing.assert_allclose(found, ive(0, 2 * s) + ive(1, 2 * s), rtol=2e-12)
    coarse = sh.Spectrum.marchenko_pastur(1.0, nodes=law.values.size)
    assert abs(np.exp(-1e8 * coarse.values) @ coarse.weights / found[-1] - 1) > 0.5


@pytest.mark.parametrize("ratio", [0.3, 0.99, 1.0, 2.5])
def test_quantiles_are_those_of_the_density(ratio):
    """Means over 2000 quantiles are the moments 1, 1 + r; a share 1 - 1/r of them is zero."""
    found = sh.Spectrum.marchenko_pastur(ratio).eigenvalues(2000)
    assert (np.diff(found) >= 0).all()
    assert (found == 0).mean() == pytest.approx(max(0.0, 1 - 1 / ratio), abs=1e-3)
    np.testing.assert_allclose([found.mean(), (found**2).mean()], [1, 1 + ratio], rtol=1e-3)


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_equal_eigenvalues_are_merged_and_the_curve_is_that_of_all_modes():
    """Vectors keep their coordinates, whatever the order of the list; the unmerged measure is the second route."""
    rng = np.random.default_rng(3)
    values = np.array([2.0, 1.0, 2.0, 0.5, 1.0, 2.0])
    X0, X_star = rng.standard_normal((2, 6)) / np.sqrt(6)
    merged, start = sh.Spectrum.from_eigenvalues(values), sh.Start.from_vectors(X0, X_star)
    np.testing.assert_array_equal(merged.values, [2, 1, 0.5])
    np.testing.assert_allclose(merged.weights, [1 / 2, 1 / 3, 1 / 6], rtol=1e-15)
    system = sh.derive(sh.huber(0.8, 0.3), sh.AdaGradNorm(1, 1))
    curves = [
        system.solve(s, start, 2.0, rtol=1e-10, target=NUMPY)
        for s in (merged, sh.Spectrum(values, np.full(6, 1 / 6)))
    ]
    np.testing.assert_allclose(curves[0].risk, curves[1].risk, rtol=1e-9)
    np.testing.assert_allclose(curves[0].distance, curves[1].distance, rtol=1e-9)
    # the finite problem pairs every coordinate with its own eigenvalue
    first, second = start.vectors(merged, 6)
    pairs = sorted(zip(merged.eigenvalues(6), first, second, strict=True))
    assert pairs == sorted(zip(values, X0, X_star, strict=True))


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_eigenvectors_survive_merging():
    K = np.diag([1.0, 3.0, 1.0])
    spectrum = sh.Spectrum.from_covariance(K)
    X = np.array([1.0, 2.0, 3.0])
    v11 = sh.Start.from_vectors(X, X).modes(spectrum)[0]
    assert spectrum.values.size == 2
    assert spectrum.weights @ (spectrum.values * v11) == pytest.approx(X @ K @ X)


def test_histogram_of_a_covariance_gives_its_curve():
    """A hundred bins over the eigenvalues of a sample covariance, against the eigenvalues themselves."""
    Z = np.random.default_rng(0).standard_normal((400, 1600))
    values = np.linalg.eigvalsh(Z @ Z.T / 1600)
    counts, edges = np.histogram(values, bins=100)
    histogram = sh.Spectrum.from_histogram(edges, counts, rtol=1e-8)
    assert histogram.values.size < 150
    system = sh.derive(sh.least_squares(0.5), sh.AdaGradNorm(1, 1))
    curves = [
        system.solve(s, sh.Start(), 20, target=NUMPY)
        for s in (histogram, sh.Spectrum.from_eigenvalues(values).compressed())
    ]
    np.testing.assert_allclose(curves[0].risk, curves[1].risk, rtol=1e-3)


def test_histograms_of_two_bins_are_right_to_the_tolerance():
    """``∫ λ^k e^{-2λu}`` over bins of constant density, by hand; few points a bin where few are asked for."""
    sizes = []
    for rtol in (1e-3, 1e-12):
        law = sh.Spectrum.from_histogram([0.5, 1.0, 3.0, 7.0], [3, 0, 1], rtol=rtol)
        for u in (0.0, 0.1, 1.0, 4.0):
            if u == 0:
                exact = 1.0
            else:
                first = (np.exp(-1.0 * u) - np.exp(-2.0 * u)) / (2 * u) / 0.5
                second = (np.exp(-6.0 * u) - np.exp(-14.0 * u)) / (2 * u) / 4.0
                exact = 0.75 * first + 0.25 * second
            assert law.weights @ np.exp(-2 * law.values * u) == pytest.approx(exact, rel=3 * rtol)
        assert law.weights @ law.values == pytest.approx(0.75 * 0.75 + 0.25 * 5, rel=3 * rtol)
        sizes.append(law.values.size)
        assert ((law.values < 1) | (law.values > 3)).all()
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("points", [1, 2, 3, 5])
def test_gauss_rules_of_few_atoms(points):
    """Nodes and weights by the Hankel moments, and the measure itself where it has no more atoms."""
    values, weights = np.array([0.3, 1.0, 1.7, 4.0]), np.array([0.4, 0.1, 2.0, 0.5])
    nodes, mass = gauss_of(values, weights, points)
    assert nodes.size == min(points, 4)
    for k in range(2 * nodes.size):
        assert mass @ nodes**k == pytest.approx(weights @ values**k, rel=1e-12)
    assert (np.diff(nodes) > 0).all()
    assert (mass > 0).all()
    one = gauss_of(np.array([2.0]), np.array([3.0]), 4)
    assert (one[0].tolist(), one[1].tolist()) == ([2.0], [3.0])


def test_quantiles_of_tables_powers_and_atoms():
    from symhigh.population.measure import Power, Tabulated, WithAtom, quantile_of_density

    p = np.array([0.0, 0.25, 0.5, 0.9, 1.0])
    assert Tabulated(np.array([0.0, 0.5, 1.0]), np.array([1.0, 2.0, 6.0]))(p) == pytest.approx([1, 1.5, 2, 5.2, 6])
    assert Power(2.0)(p) == pytest.approx(p**2)
    assert WithAtom(0.6, Power(1.0))(p) == pytest.approx([0, 0, 1 / 6, 5 / 6, 1])
    uniform = quantile_of_density(lambda x: 0 * x + 3, 1.0, 3.0)
    assert uniform(p) == pytest.approx(1 + 2 * p, abs=1e-3)
    root = quantile_of_density(lambda x: x, 0.0, 2.0)
    assert root(p) == pytest.approx(2 * np.sqrt(p), abs=2e-3)


def test_errors_between_rules_are_the_largest_of_three_averages():
    from symhigh.population.measure import _averages, _clocks, error_between

    one, other = (np.array([1.0, 0.5]), np.array([0.5, 0.5])), (np.array([1.0, 0.5]), np.array([0.5, 0.4]))
    assert error_between(one, one) == 0
    late = error_between(one, other, 3.0)  # far out the smaller mode is all there is
    assert late == pytest.approx(0.5 * 0.1 * np.exp(-10 * 0.5) / (0.5 * np.exp(-10) + 0.25 * np.exp(-5)), rel=0.3)
    clocks = _clocks(2.0, 100.0)
    assert clocks[0] == 0
    assert clocks[1] == pytest.approx(1e-2)
    assert clocks[-1] == pytest.approx(400.0)
    assert np.diff(np.log10(clocks[1:])).max() < 0.6
    assert _clocks(1.0, 1e-9)[-1] == pytest.approx(10)
    found = _averages((np.array([2.0, 1.0]), np.array([0.3, 0.7])), 2.0, np.array([0.0, 3.0]))
    v, w = np.array([1.0, 0.5]), np.array([0.3, 0.7])
    assert found == pytest.approx(np.array([[(w * v**k * np.exp(-u * v)).sum() for u in (0, 3)] for k in range(3)]))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.5, 2.0), (1e-6, 3.0)])
def test_graded_nodes_integrate_the_density_one(low, high):
    from symhigh.population.measure import _graded

    nodes, weights = _graded(low, high, 1e6, 0.25)
    assert (np.diff(nodes) > 0).all()
    assert nodes[0] > low
    assert nodes[-1] < high
    assert weights.sum() == pytest.approx(high - low, rel=1e-9)
    assert weights @ nodes == pytest.approx((high**2 - low**2) / 2, rel=1e-9)
    assert weights @ np.exp(-1e4 * (nodes - low)) == pytest.approx((1 - np.exp(-1e4 * (high - low))) / 1e4, rel=1e-7)
    finer = _graded(low, high, 1e6, 0.125)[0]
    assert np.isin(nodes.round(13), finer.round(13)).mean() > 0.9  # halving keeps the nodes


@pytest.mark.parametrize("beta", [-0.5, 0.2, 0.7])
def test_the_power_of_a_law_at_its_edge(beta):
    from symhigh.population.edge import edge_power

    assert edge_power(sh.Spectrum.power_law(beta)) == pytest.approx(1 - beta, rel=1e-9)
    assert edge_power(sh.Spectrum.marchenko_pastur(1.0)) == pytest.approx(0.5, rel=1e-3)
    assert edge_power(sh.Spectrum.from_eigenvalues([1.0, 2.0])) == np.inf
    assert edge_power(sh.Spectrum.marchenko_pastur(0.3)) == np.inf


def test_histogram_of_one_bin_is_the_uniform_law():
    spectrum = sh.Spectrum.from_histogram([0.5, 1.0, 1.5], [3, 3])
    np.testing.assert_allclose([spectrum.moment(k) for k in (1, 2)], [1, 13 / 12], rtol=1e-14)
    np.testing.assert_allclose(spectrum.eigenvalues(4), [0.625, 0.875, 1.125, 1.375])


def test_bad_measures_are_refused():
    with pytest.raises(ArithmeticError, match="too rough"):
        sh.Spectrum.from_density(lambda x: 1.0 * (x < 0.5), 0, 1)
    with pytest.raises(ValueError, match="horizon must be finite and > 0"):
        sh.Spectrum.power_law(0.2, horizon=0)
    with pytest.raises(ValueError, match="below high"):
        sh.Spectrum.from_density(np.ones_like, 2, 1)
    with pytest.raises(ValueError, match=">= 0 and not zero"):
        sh.Spectrum.from_density(lambda x: -x, 0, 1)
    with pytest.raises(ValueError, match="increasing edges"):
        sh.Spectrum.from_histogram([1, 0.5], [1])


def test_compression_is_right_to_eight_digits_unless_told_otherwise():
    values = np.linspace(0.01, 1, 3000) ** 2
    full, small = sh.Spectrum.from_eigenvalues(values), sh.Spectrum.from_eigenvalues(values).compressed()
    measured = error_between((full.values, full.weights), (small.values, small.weights))
    assert 1e-11 < measured <= 1e-8
    assert small.error == pytest.approx(measured, rel=1e-3)


@pytest.mark.parametrize("low", [1e-5, 1e-2, 0.5])
def test_a_density_with_a_gap_is_right_until_its_averages_are_nothing(low):
    """``∫ e^{-2λu} dλ`` over [low, 1] for the uniform law, until it has fallen to 1e-30 of its start."""
    law = sh.Spectrum.from_density(np.ones_like, low, 1)
    for u in np.geomspace(1e-2, 34 / low, 12):
        exact = (np.exp(-2 * low * u) - np.exp(-2 * u)) / (2 * u * (1 - low))
        assert law.weights @ np.exp(-2 * law.values * u) == pytest.approx(exact, rel=1e-9, abs=0)
