"""Renewal equations: solutions against integrated limits, inverse Laplace transforms, and their own definition."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import numeric
from symhigh.closed.volterra import RenewalEquation, RootSum, Z, renewal_equation
from symhigh.symbols import lam, t, tau

g, omega, l1, l2 = sp.symbols("g omega lambda_1 lambda_2", positive=True)
SPECTRA = [[1.2], [0.5, 1.5], [0.4, 0.9, 1.6, 2.0], list(np.linspace(0.2, 2.0, 9))]
START = sh.Start(x0=0.5)


def integrated(noise, rate, values, times):
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    spectrum = sh.Spectrum.from_eigenvalues(values)
    return system.solve(spectrum, START, times[-1], t=times, rtol=1e-12, atol=1e-60).risk


def renewal(noise, rate, values):
    return renewal_equation(
        sh.least_squares(noise), sh.Constant(rate), sh.Spectrum.from_eigenvalues(values), START
    )


@pytest.mark.parametrize("values", SPECTRA, ids=len)
@pytest.mark.parametrize("noise", [0, 0.7])
def test_sum_of_exponentials_against_integration(noise: float, values: list[float]) -> None:
    times = [0.0, 1.0, 8.0]
    exact = renewal(noise, 0.6, values).solution()
    found = [float(exact.evaluate(t=s)) for s in times]
    assert found == pytest.approx(integrated(noise, 0.6, values, times).tolist(), rel=1e-10)


@pytest.mark.parametrize("values", SPECTRA[1:], ids=len)
def test_inverse_laplace_transform_is_the_solution(values: list[float]) -> None:
    equation = renewal(0.7, 0.6, values)
    with mpmath.workdps(30):
        transform = numeric(equation.transform().expr, (Z,))
        inverse = mpmath.invertlaplace(transform, mpmath.mpf(2), method="talbot", degree=24)
        assert abs(inverse / equation.solution().evaluate(25, t=2) - 1) < 1e-12


@pytest.mark.parametrize("values", SPECTRA[:3], ids=len)
def test_resolvent_solves_its_equation(values: list[float]) -> None:
    """``r = K + K*r`` and ``R = F + r*F`` at t = 1.5, by quadrature."""
    equation, end = renewal(0.7, 0.6, values), 1.5
    places, weights = np.polynomial.legendre.leggauss(12)
    places, weights = end * (places + 1) / 2, end * weights / 2
    kernel, forcing = (sp.lambdify(t, e) for e in (equation.kernel_at(), equation.forcing_at()))
    exact = equation.resolvent()
    resolvent = [float(exact.evaluate(t=float(s))) for s in places]
    assert float(exact.evaluate(t=end)) - kernel(end) == pytest.approx(
        sum(w * kernel(end - s) * r for w, s, r in zip(weights, places, resolvent, strict=True)), rel=1e-11
    )
    solved = forcing(end) + sum(
        w * forcing(end - s) * r for w, s, r in zip(weights, places, resolvent, strict=True)
    )
    assert solved == pytest.approx(float(equation.solution().evaluate(t=end)), rel=1e-12)
    if len(values) > 2:
        with pytest.raises(ValueError, match=r"use Formula\.evaluate"):
            exact.python()


@pytest.mark.parametrize("values", SPECTRA[1:], ids=len)
@pytest.mark.parametrize("noise", [0, 0.7])
def test_long_time_is_the_renewal_limit(noise: float, values: list[float]) -> None:
    equation = renewal(noise, 0.6, values)
    rho, floor, size = (
        float(f().evaluate()) for f in (equation.exponent, equation.floor, equation.amplitude)
    )
    late = 12.0 / rho if noise else 150.0 / rho
    gap = integrated(noise, 0.6, values, [late])[0] - floor
    assert gap == pytest.approx(size * np.exp(-rho * late), rel=1e-3 if noise else 1e-8)


def test_above_the_threshold_the_risk_grows_with_the_exponent() -> None:
    equation = renewal(0.3, 2.4, [0.5, 0.9, 1.6])
    rho = float(equation.exponent().evaluate())
    risk = integrated(0.3, 2.4, [0.5, 0.9, 1.6], [20.0, 25.0])
    assert rho < 0
    assert np.log(risk[1] / risk[0]) / 5 == pytest.approx(-rho, rel=1e-6)
    for broken in (equation.floor, equation.amplitude):
        with pytest.raises(ValueError, match="is broken"):
            broken().evaluate()


def test_at_the_threshold_the_risk_stays_at_half_tau_times_the_distance() -> None:
    """γ = 2/τ conserves D² and ends in equipartition: R → τD²(0)/2, for every spectrum."""
    values = [0.5, 1.0, 1.5]
    at = renewal(0, 2, values)
    assert float(at.critical_limit().evaluate()) == pytest.approx(0.75)
    assert integrated(0, 2.0, values, [200.0])[0] == pytest.approx(0.75, rel=1e-9)
    with pytest.raises(ValueError, match="is broken"):
        renewal(0, 1, values).critical_limit().evaluate()
    with pytest.raises(ValueError, match="level = 0"):
        renewal(1, 2, values).critical_limit()


def test_open_spectrum_gives_the_equations_of_the_paper() -> None:
    equation = renewal_equation(sh.least_squares(omega), sh.Constant(g))
    assert sp.simplify(equation.mass - g * tau / 2) == 0
    assert sp.simplify(equation.floor().expr - omega**2 / (2 - g * tau)) == 0
    with pytest.raises(ValueError, match="finitely many modes"):
        equation.solution()


def test_marchenko_pastur_has_an_amplitude_where_its_exponent_is_isolated() -> None:
    spectrum = sh.Spectrum.marchenko_pastur(0.5)
    strong = renewal_equation(sh.least_squares(0.5), sh.Constant(1.9), spectrum, START)
    rho, size, floor = (float(f().evaluate()) for f in (strong.exponent, strong.amplitude, strong.floor))
    system, late = sh.derive(sh.least_squares(0.5), sh.Constant(1.9)), 12.0 / rho
    gap = system.solve(spectrum, START, late, t=[late], rtol=1e-12).risk[0] - floor
    assert gap == pytest.approx(size * np.exp(-rho * late), rel=1e-3)
    weak = renewal_equation(sh.least_squares(), sh.Constant(0.2), spectrum, START)
    assert float(weak.exponent().evaluate()) == pytest.approx(0.4 * (1 - 0.5**0.5) ** 2)
    with pytest.raises(ValueError, match="is broken"):
        weak.amplitude().evaluate()


def test_two_symbolic_eigenvalues_are_explicit() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([l1, l2])
    root = renewal_equation(sh.least_squares(), sh.Constant(g), spectrum).exponent().expr
    residual = sum(g**2 * v**2 / (2 * g * v - root) for v in (l1, l2)) / 2 - 1
    assert sp.simplify(residual) == 0


def test_mini_batches() -> None:
    rule, spectrum = sh.MiniBatch(sh.Constant(0.6), 3), sh.Spectrum.from_eigenvalues([0.5, 1.5])
    exact = renewal_equation(sh.least_squares(0.7), rule, spectrum, START).solution()
    curve = sh.derive(sh.least_squares(0.7), rule).solve(spectrum, START, 3.0, t=[3.0], rtol=1e-11)
    assert float(exact.evaluate(t=3)) == pytest.approx(curve.risk[0], rel=1e-9)


def test_an_equation_of_ones_own() -> None:
    """R = 1 + ∫ R/2 e^{-(t-s)} ds has the solution 2 - e^{-t/2}."""
    own = RenewalEquation(sp.S.Zero, sp.S.Half, lam, sp.S.One, Modes((sp.S.One,), (sp.S.One,)))
    assert sp.simplify(own.solution().expr - (2 - sp.exp(-t / 2))) == 0
    assert sp.simplify(own.resolvent().expr - sp.exp(-t / 2) / 2) == 0


def test_derivative_by_time() -> None:
    exact = renewal(0, 0.6, SPECTRA[2]).solution()
    slope = float(exact.expr.diff(t).subs(t, 1).evalf(20))
    step = float(exact.evaluate(30, t=sp.Rational(1001, 1000)) - exact.evaluate(30, t=sp.Rational(999, 1000)))
    assert slope == pytest.approx(step / 2e-3, rel=1e-5)


def test_what_has_no_form_is_said() -> None:
    with pytest.raises(ValueError, match="must be constant"):
        renewal_equation(sh.least_squares(), sh.AdaGradNorm(1, 1))
    spectrum = sh.Spectrum.from_eigenvalues([1, 2])
    with pytest.raises(ValueError, match="start="):
        renewal_equation(sh.least_squares(), sh.Constant(g), spectrum).solution()
    three = sh.Spectrum.from_eigenvalues([l1, 2 * l1, 3 * l1])
    with pytest.raises(ValueError, match="must be numbers"):
        renewal_equation(sh.least_squares(), sh.Constant(g), three).resolvent()


def test_one_root_is_typeset_without_a_sum() -> None:
    one, two = (renewal(0, 0.6, values).solution().latex() for values in ([1.2], [0.4, 0.9, 1.6]))
    assert r"\sum" not in one
    assert r"\sum" in two
    x = sp.Symbol("x", positive=True)
    assert sp.latex(RootSum(x, x - 1, x, sp.Tuple(0, 2))) == r"\left. x \right|_{x : x - 1 = 0}"
    assert sp.latex(RootSum(x, x**2 - 3 * x + 2, x, sp.Tuple(0, sp.Rational(3, 2), 3))).startswith(r"\sum_{x : ")
