"""Starts that no limit has: infinite risks are refused by name, and infinite distances are told."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.population.edge import edge_power


@pytest.mark.parametrize(
    ("spectrum", "power"),
    [
        (sh.Spectrum.power_law(0.2), 0.8),
        (sh.Spectrum.power_law(-0.5, rtol=1e-6, horizon=1e3), 1.5),
        (sh.Spectrum.power_law(0.9).compressed(), 0.1),
        (sh.Spectrum.marchenko_pastur(1), 0.5),
        (sh.Spectrum.from_density(lambda v: (1 + v) / np.sqrt(v), 0, 2), 0.5),
        (sh.Spectrum.from_histogram([0, 0.5, 1], [1, 2]), 1.0),
    ],
)
def test_exponent_at_zero_and_what_it_allows(spectrum, power):
    assert edge_power(spectrum) == pytest.approx(power, abs=1e-6)
    sh.Start.power_law(power + 0.99).modes(spectrum)
    for delta in (power + 1, power + 1.1):
        with pytest.raises(ValueError, match=rf"Start.power_law\(delta={delta:g}\): .* infinite"):
            sh.Start.power_law(delta).modes(spectrum)
    assert sh.Start.power_law(power).distance_is_infinite(spectrum)
    assert not sh.Start.power_law(0.99 * power).distance_is_infinite(spectrum)


@pytest.mark.parametrize(
    "spectrum",
    [
        sh.Spectrum.isotropic(),
        sh.Spectrum.marchenko_pastur(0.5),
        sh.Spectrum.from_density(np.ones_like, 1, 2),
    ],
)
def test_spectra_with_a_gap_allow_every_power(spectrum):
    assert edge_power(spectrum) == np.inf
    assert np.isfinite(sh.Start.power_law(7).modes(spectrum)[2]).all()


@pytest.mark.parametrize("delta", [1.8, 1.9])
def test_solving_names_the_infinite_risk(delta):
    system = sh.derive(sh.least_squares(), sh.Constant(0.3))
    with pytest.raises(ValueError, match="and with it the risk, is infinite"):
        system.solve(sh.Spectrum.power_law(0.2), sh.Start.power_law(delta), 1.0)


def test_an_infinite_distance_is_infinite_and_the_risk_is_not():
    system = sh.derive(sh.least_squares(), sh.Constant(0.3))
    curve = system.solve(sh.Spectrum.power_law(0.2), sh.Start.power_law(1.2), 1.0, t=[0, 1.0])
    assert np.isinf(curve.distance).all()
    assert curve.risk[0] == pytest.approx(0.8 / 0.6 / 2, rel=1e-9)  # ∫ 0.8 λ^{1 - 1.4} dλ / 2


@pytest.mark.parametrize(
    "make",
    [
        lambda b: sh.AdaGradNorm(1, b),
        lambda b: sh.RMSpropNorm(1, b, 1),
        lambda b: sh.DelayedAdaGradNorm(1, b, 0.5),
    ],
)
def test_an_accumulator_beyond_doubles_is_refused(make):
    for b in (1e-160, 1e160, 1e-151):
        with pytest.raises(
            ValueError, match=r"b=.*: b\*\*2 is about 1e.*; b must be between 1e-150 and 1e\+150"
        ):
            make(b)
    make(1e-149)
    with pytest.raises(ValueError, match=r"b\*\*4 is about"):
        sh.DelayedAdaGradNorm(1, 1e-80, 2)


@pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
def test_vectors_need_the_spectrum_of_their_own_length():
    start, spectrum = sh.Start.from_vectors(np.ones(4), np.arange(4.0)), sh.Spectrum.from_eigenvalues([1, 2, 3, 4.0])
    assert [v.tolist() for v in start.vectors(spectrum, 4)] == [[1, 1, 1, 1], [0, 1, 2, 3]]
    for other, d in ((spectrum, 5), (sh.Spectrum.from_eigenvalues([1, 2, 3.0]), 4), (sh.Spectrum.power_law(0.2), 4)):
        with pytest.raises(ValueError, match=rf"vectors of length 4 need a spectrum of 4 .*, d={d}"):
            start.vectors(other, d)
