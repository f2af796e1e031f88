"""Starts that no limit has: infinite risks are refused by name, and infinite distances are told."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.population.edge import edge_power
from symhigh.symbols import D2, V00, V10, V11, V12, V20, V22


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


def test_a_start_spread_evenly_has_the_moments_it_was_given():
    start, spectrum = sh.Start(x0=2, x_star=3, overlap=1), sh.Spectrum.from_eigenvalues([0.5, 2.0])
    values = start.mode_values(spectrum)
    expected = {V11: 2, V12: 1, V22: 3, D2: 2 - 2 + 3, V10: 2, V00: 2, V20: 1}
    assert {s: v.tolist() for s, v in values.items()} == {s: [v, v] for s, v in expected.items()}
    assert start.mode_size(spectrum).tolist() == [5, 5]
    assert (start.distance, start.dimension, start.exponent) == (3, None, 0.0)
    assert sh.Start.power_law(1.5).exponent == 1.5
    assert sh.Start.power_law(1.5).profile_at(np.array([4.0])).tolist() == [1 / 8]
    with pytest.raises(ValueError, match="rng is needed to draw the start"):
        sh.Start(random=True).vectors(spectrum, 4)


def test_the_two_vectors_of_a_start():
    start, spectrum = sh.Start(x0=2, x_star=3, overlap=1), sh.Spectrum.isotropic()
    first, target = start.vectors(spectrum, 6)
    assert target == pytest.approx(np.full(6, np.sqrt(3 / 6)))
    ratio = first / np.sqrt(2 / 6)
    rho = 1 / np.sqrt(6)
    assert ratio == pytest.approx(np.tile([rho + np.sqrt(1 - rho**2), rho - np.sqrt(1 - rho**2)], 3))
    first, target = sh.Start(x0=0, x_star=3).vectors(spectrum, 6)
    assert not first.any()
    assert target @ target == pytest.approx(3)
