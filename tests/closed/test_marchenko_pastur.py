"""Averages over a Marchenko-Pastur law in closed form, against quadrature of its density and against integration."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.closed.nodes import Choice
from symhigh.symbols import lam

g, eta, b = sp.symbols("g eta b", positive=True)


def by_quadrature(summand: sp.Expr, ratio: float) -> mpmath.mpf:
    """``∫ summand dμ`` over the bulk from the density ``√((λ₊ - λ)(λ - λ₋))/(2πrλ)``, 30 digits."""
    with mpmath.workdps(30):
        r = mpmath.mpf(ratio)
        q = mpmath.sqrt(r)
        f = sp.lambdify(lam, summand, "mpmath")

        def integrand(angle):
            size = 1 + r + 2 * q * mpmath.cos(angle)
            return f(size) * 2 * mpmath.sin(angle) ** 2 / (mpmath.pi * size)

        return mpmath.quad(integrand, mpmath.linspace(0, mpmath.pi, 9))


@pytest.mark.parametrize("ratio", [0.25, 0.9, 3.5])
@pytest.mark.parametrize(
    "summand",
    [lam**0, lam, lam**4, lam**2 / (2 * lam + 1), (3 + lam) / (lam + 2), lam**3 / (lam - sp.Rational(-1, 7))],
)
def test_means_are_those_of_the_density(ratio: float, summand: sp.Expr) -> None:
    found = MarchenkoPastur(sp.Rational(ratio)).mean(sp.sympify(summand))
    with mpmath.workdps(30):
        assert abs(found.evalf(30) - by_quadrature(summand, ratio)) < mpmath.mpf(10) ** -24


def test_two_poles_are_refused() -> None:
    with pytest.raises(ValueError, match="more than one pole"):
        MarchenkoPastur(sp.Rational(1, 2)).mean(1 / (lam + 1) ** 2)


@pytest.mark.parametrize("ratio", [0.3, 2.5])
@pytest.mark.parametrize("rate", [0.3, 1.2, 1.9])
def test_rate_of_a_constant_step(ratio: float, rate: float) -> None:
    """An isolated rate solves the secular equation and is that of the integrated risk; else it is the bulk's edge."""
    spectrum = sh.Spectrum.marchenko_pastur(ratio)
    law = MarchenkoPastur(sp.Rational(ratio).limit_denominator(10))
    found = float(sh.limits(sh.least_squares(), sh.Constant(g), spectrum)["rate"].evaluate(g=rate))
    edge = 2 * rate * float(law.edge)
    if rate / 2 > float(law.critical):
        assert found < edge
        average = law.mean(rate**2 * lam**2 / (2 * rate * lam - found))
        assert float(average) == pytest.approx(1, rel=1e-12)
        late = np.array([300.0, 310.0]) / found
        curve = sh.derive(sh.least_squares(), sh.Constant(rate)).solve(
            spectrum, sh.Start(), late[1], t=late, rtol=1e-11, atol=1e-290
        )
        assert np.log(curve.risk[0] / curve.risk[1]) / (late[1] - late[0]) == pytest.approx(found, rel=1e-8)
    else:
        assert found == pytest.approx(edge, rel=1e-14)


@pytest.mark.parametrize("rate", [0.4, 1.7])
def test_risk_curve_against_integration(rate: float) -> None:
    problem, start = sh.least_squares(0.4), sh.Start(x0=0.5)
    spectrum, times = sh.Spectrum.marchenko_pastur(0.3), np.array([0.0, 0.5, 3.0, 20.0])
    exact = sh.limits(problem, sh.Constant(g), spectrum, start)["risk_curve"]
    curve = sh.derive(problem, sh.Constant(rate)).solve(spectrum, start, 20.0, t=times, rtol=1e-11)
    with pytest.raises(ValueError, match=r"use Formula\.evaluate"):
        exact.python()
    found = [float(exact.evaluate(g=rate, t=float(s))) for s in times]
    assert found == pytest.approx(curve.risk.tolist(), rel=1e-9)


def test_a_symbolic_memory_keeps_both_cases_open() -> None:
    """SymPy takes Lambert's branch -1 for not real; the choice between root and edge waits for numbers."""
    spectrum, start = sh.Spectrum.marchenko_pastur(0.3), sh.Start()
    rate = sh.limits(sh.least_squares(), sh.AdaGradNorm(eta, b), spectrum, start)["rate"]
    assert rate.expr.has(Choice)
    for e in (0.5, 3.0):  # limits below and above the critical rate
        curve = sh.derive(sh.least_squares(), sh.AdaGradNorm(e, 1)).solve(spectrum, start, 60.0, rtol=1e-11)
        final = float(curve.learning_rate[-1])
        steady = sh.limits(sh.least_squares(), sh.Constant(g), spectrum)["rate"]
        assert float(rate.evaluate(eta=e, b=1)) == pytest.approx(float(steady.evaluate(g=final)), rel=1e-4)
        code: dict = {}
        exec(rate.python("speed"), code)
        assert code["speed"](eta=e, b=1) == pytest.approx(float(rate.evaluate(eta=e, b=1)), rel=1e-12)


def test_no_gap_at_ratio_one() -> None:
    found = sh.limits(sh.least_squares(), sh.LineSearch(), sh.Spectrum.marchenko_pastur(1))
    assert found["learning_rate"].evaluate() == 0
    assert "rate" not in found


def test_a_compressed_law_is_still_the_law() -> None:
    spectrum = sh.Spectrum.marchenko_pastur(0.5)
    found = [
        sh.limits(sh.least_squares(), sh.LineSearch(), s)["learning_rate"].evaluate()
        for s in (spectrum, spectrum.compressed())
    ]
    assert found[0] == found[1]
    assert float(found[0]) == pytest.approx(2 * (1 - np.sqrt(0.5)) ** 2 / 1.5, rel=1e-14)  # the edge


def test_without_a_gap_there_is_no_exponential_rate() -> None:
    """At r = 1 eigenvalues reach down to 0: no rate is given, and asking for it says why."""
    found = sh.limits(sh.least_squares(noise=1), sh.Constant(sp.Rational(1, 2)), sh.Spectrum.marchenko_pastur(1))
    assert found["risk"].expr == sp.Rational(2, 3)
    assert "rate" not in found
    assert "0 > 0" not in repr(found)
    with pytest.raises(KeyError, match="rate: eigenvalues reach down to 0: nothing decays exponentially"):
        found["rate"]
