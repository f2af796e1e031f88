"""Spectra as measures: compressed eigenvalues, densities, histograms, against the measures they stand for."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.problem.measure import error_between, gauss_of


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
        assert error_between((full.values, full.weights), (small.values, small.weights)) <= rtol
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


def test_histogram_of_one_bin_is_the_uniform_law():
    spectrum = sh.Spectrum.from_histogram([0.5, 1.0, 1.5], [3, 3])
    np.testing.assert_allclose([spectrum.moment(k) for k in (1, 2)], [1, 13 / 12], rtol=1e-14)
    np.testing.assert_allclose(spectrum.eigenvalues(4), [0.625, 0.875, 1.125, 1.375])


def test_bad_measures_are_refused():
    with pytest.raises(ValueError, match="below high"):
        sh.Spectrum.from_density(np.ones_like, 2, 1)
    with pytest.raises(ValueError, match=">= 0 and not zero"):
        sh.Spectrum.from_density(lambda x: -x, 0, 1)
    with pytest.raises(ValueError, match="increasing edges"):
        sh.Spectrum.from_histogram([1, 0.5], [1])
