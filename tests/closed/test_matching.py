"""Learning rates that die out: series in t^{-1/2} with the logarithm, and power-law spectra, against integration."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import t as T
from symhigh.symbols import tau as TAU

eta, b, omega = sp.symbols("eta b omega", positive=True)


def gaps(noise, rule, spectrum, start, times):
    """Integrated minus asymptotic learning rate and excess risk, each an array over ``times``."""
    problem = sh.least_squares(noise)
    found = sh.limits(problem, rule, spectrum, start)
    curve = sh.derive(problem, rule).solve(spectrum, start, times[-1], t=times, rtol=1e-12)
    pairs = (("learning_rate", curve.learning_rate), ("excess_risk", curve.risk - noise**2 / 2))
    return [
        v - np.array([float(found[f"{k}_asymptotic"].evaluate(t=float(s))) for s in times]) for k, v in pairs
    ]


def test_series_with_the_logarithm() -> None:
    found = sh.limits(sh.least_squares(omega), sh.AdaGradNorm(eta, b))
    hand = eta / (omega * sp.sqrt(TAU * T)) - eta**2 / (2 * omega**2 * T)
    hand -= eta * sp.log(T) / (16 * omega * sp.sqrt(TAU) * T * sp.sqrt(T))
    assert sp.simplify(found["learning_rate_asymptotic"].expr - hand) == 0


def test_what_is_left_has_no_logarithm() -> None:
    """Between t = 10⁴ and 10⁶ the gap falls by 10^{-3}; with a logarithm left in it would be 1.5 times that."""
    spectrum = sh.Spectrum.from_eigenvalues([0.5, 1.0, 1.5])
    for gap in gaps(0.7, sh.AdaGradNorm(1.3, 0.2), spectrum, sh.Start(), [1e4, 1e6]):
        assert gap[1] / gap[0] == pytest.approx(1e-3, rel=0.1)


@pytest.mark.parametrize(
    ("s", "rate", "excess"), [(0.0, 1.5, 1.5), (0.4, 1.5, 1.3), (1.0, 1.5, 1.0), (1.4, 1.1, 0.6)]
)
def test_power_laws_under_noise(s: float, rate: float, excess: float) -> None:
    """What is left falls by the predicted powers, up to a logarithm: of γ min(3/2, 5/2 - s), of the excess 3/2 - s/2
    up to s = 1, 2 - s from there.
    """
    beta = 0.2 if s else 0.0
    spectrum, start = sh.Spectrum.power_law(beta), sh.Start.power_law(s - beta) if s else sh.Start()
    for gap, power in zip(
        gaps(0.8, sh.AdaGradNorm(1.3, 0.6), spectrum, start, [1e5, 1e7]), (rate, excess), strict=True
    ):
        assert -np.log(gap[1] / gap[0]) / np.log(100) == pytest.approx(power, abs=0.2)
