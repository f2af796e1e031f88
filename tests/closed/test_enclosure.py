"""Enclosures: the ordinary evaluation lies inside, planted wrong numbers lie outside, what has none is refused."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed import enclosure
from symhigh.closed.balls import NotEnclosed
from symhigh.closed.enclosure import Ball, enclose
from symhigh.closed.growth import growth
from symhigh.closed.nodes import Average, Choice, Root
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus
from symhigh.derivation.gaussian.tails import Hazard, LogErfc
from symhigh.symbols import lam

s = sp.Symbol("s", positive=True)
x = sp.Symbol("x", real=True)
R = sp.Rational
AT = {s: R(7, 5)}


@pytest.fixture
def balls() -> None:
    pytest.importorskip("flint", reason="python-flint, the extra “enclosures”, is not installed")


def holds(found: Ball, value: sp.Expr, digits: int = 28) -> bool:
    """Whether a ball holds a value that is known to so many digits."""
    with mpmath.workdps(60):
        number = value.evalf(digits + 12)._to_mpmath(200)
        slack = abs(number) * mpmath.mpf(10) ** -digits
        return bool(found.lower - slack <= number <= found.upper + slack)


ELEMENTARY = [
    sp.sqrt(s), s ** R(1, 3), s ** sp.sqrt(2), sp.exp(-s), sp.log(s), sp.sin(s), sp.atan(s), sp.asinh(s), sp.tanh(s),
    sp.erf(s), sp.erfc(30 * s), sp.gamma(s), sp.loggamma(s), sp.digamma(s), sp.polygamma(1, s), sp.zeta(1 + s),
    sp.besselj(0, s), sp.besselk(1, s), sp.expint(2, s), sp.uppergamma(R(1, 2), s), sp.lowergamma(R(1, 2), s),
    sp.LambertW(s), sp.LambertW(-s / 10, -1), sp.factorial(s), sp.Abs(1 - s), sp.Max(s, 2), sp.Min(s, 2),
    sp.sign(1 - s), sp.Heaviside(1 - s),
    sp.Piecewise((s, s < 1), (s**2, True)), Choice(s - 1, s, 2), sp.pi * s + sp.E - sp.EulerGamma,
    Sigmoid(s), Softplus(-s), LogErfc(s), Hazard(s), sp.Sum(1 / (sp.Symbol("k") + s), (sp.Symbol("k"), 1, 7)),
    sp.Integral(sp.exp(-s * x**2), (x, 0, 2)), sp.sqrt(2) * sp.sqrt(3) - sp.sqrt(6) + s,
]  # fmt: skip


@pytest.mark.parametrize("expr", ELEMENTARY, ids=str)
def test_the_value_to_many_digits_lies_inside(balls: None, expr: sp.Expr) -> None:
    found = enclose(expr, AT)
    value = expr.xreplace(AT)
    assert holds(found, value.doit() if value.has(sp.Sum) else value)
    assert found.radius <= abs(found.middle) * mpmath.mpf(10) ** -30


MEANS = [
    sp.log(1 + sp.exp(x)), sp.tanh(x) ** 2, sp.exp(x / 3) / (1 + x**2), sp.log(2 + x**2), sp.sqrt(1 + x**2),
    Hazard(x), LogErfc(x), sp.Piecewise((x**2 / 2, sp.Abs(x) < 1), (sp.Abs(x) - R(1, 2), True)), (1 + x**2) ** R(-3, 2),
    sp.Max(0, x - 1) ** 2, sp.cos(x) * x**4,
]  # fmt: skip


@pytest.mark.parametrize("integrand", MEANS, ids=str)
def test_gaussian_averages_agree_with_quadrature_to_many_digits(balls: None, integrand: sp.Expr) -> None:
    node = GaussianMean(integrand, [x], [[s]])
    with mpmath.workdps(30):
        body = sp.lambdify(x, integrand.rewrite(sp.erfc).rewrite(sp.exp), "mpmath")
        spread = mpmath.sqrt(mpmath.mpf(7) / 5)
        cuts = sorted(side * c / spread for c in (0, 1, 2, 4, 8, 14) for side in (-1, 1) if c or side > 0)
        expected = mpmath.quad(lambda z: body(spread * z) * mpmath.npdf(z), cuts)
        found = enclose(node, AT)
        assert abs(found.middle - expected) <= abs(expected) * mpmath.mpf(10) ** -24
        assert found.radius <= abs(found.middle) * mpmath.mpf(10) ** -30


@pytest.mark.parametrize("integrand", MEANS, ids=str)
def test_growth_bounds_the_function(integrand: sp.Expr) -> None:
    size, power, rate = growth(integrand, x, lambda e: abs(float(e)))
    body = sp.lambdify(x, integrand.rewrite(sp.erfc).rewrite(sp.exp), "mpmath")
    for at in (-30, -7.5, -1, -0.1, 0.0, 0.3, 1.0, 2.5, 12, 40):
        assert abs(body(mpmath.mpf(at))) <= size * (1 + abs(at)) ** power * mpmath.exp(rate * abs(at))


@pytest.mark.parametrize("integrand", [sp.exp(x**2 / 5), sp.gamma(x), 1 / x, sp.log(x - 1)], ids=str)
def test_what_is_not_bounded_is_refused(integrand: sp.Expr) -> None:
    with pytest.raises(ValueError, match=r"not proved|grows|not known"):
        growth(integrand, x, lambda e: abs(float(e)))


def test_roots_are_enclosed_by_a_proven_change_of_sign(balls: None) -> None:
    z = sp.Symbol("z", positive=True)
    root = Root(z**2 - s, z, 0, sp.oo)
    assert holds(enclose(root, AT), sp.sqrt(R(7, 5)))
    secular = Root(Average(lam**2 / (2 * lam - z)) - 1, z, 0, 1)
    secular = secular.xreplace({a: Average(a.summand, sp.Tuple(sp.Tuple(R(3, 2), R(1, 2)), sp.Tuple(R(1, 4), R(1, 4))))
                                for a in secular.atoms(Average)})  # fmt: skip
    found = enclose(secular, {})
    residual = secular.equation.xreplace({secular.unknown: sp.Float(found.middle, 40)})
    assert abs(residual.evalf(30)) < 1e-25
    assert not found.contains(found.middle + 1e-20)


def test_a_pole_is_no_root(balls: None) -> None:
    z = sp.Symbol("z", positive=True)
    with pytest.raises(ValueError, match=r"sign|pole|root"):
        enclose(Root(1 / (z - R(5, 7)), z, 0, 2), {})


def test_what_has_no_enclosure_is_named(balls: None) -> None:
    y = sp.Symbol("y", real=True)
    two = GaussianMean(sp.tanh(x) * sp.tanh(y), [x, y], [[2, 1], [1, 2]])
    for expr, reason in [
        (two, "over one"),
        (sp.Symbol("q"), "q has no value"),
        (sp.hyper((1, 2), (3,), s), "hyper"),
        (Average(lam), "spectrum is open"),
        (sp.sqrt(-s), "not real"),
        (GaussianMean(sp.exp(x**2 / 5), [x], [[s]]), "too fast"),
    ]:
        with pytest.raises(NotEnclosed, match=reason):
            enclose(expr, AT)


def test_formulas_of_limits_are_enclosed_and_evaluation_lies_inside(balls: None) -> None:
    found = sh.limits(
        sh.least_squares(0.3), sh.Momentum(0.4, 1, 0.2), sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(0.5, 1, 0.2)
    )
    assert {"risk", "rate", "threshold"} <= set(found)
    for name, formula in found.items():
        values = {symbol.name: 1000 for symbol in formula.symbols}
        ball = formula.enclose(40, **values)
        value = formula.evaluate(30, **values)
        assert abs(value - ball.middle) <= abs(value) * mpmath.mpf(10) ** -29, name
        assert not value or not ball.contains(value * (1 + mpmath.mpf(10) ** -20)), name


def test_a_broken_assumption_is_refused_before_anything_is_enclosed(balls: None) -> None:
    gamma = sp.Symbol("gamma", positive=True)
    formula = sh.Formula(1 / (2 - gamma), (sp.StrictLessThan(gamma, 2),))
    assert formula.enclose(gamma=1).contains(1)
    with pytest.raises(ValueError, match=r"gamma < 2 is broken"):
        formula.enclose(gamma=3)


def test_a_ball_is_exact_and_prints() -> None:
    ball = Ball(mpmath.mpf(1), mpmath.mpf(2) ** -90)
    assert ball.lower < 1 < ball.upper
    assert ball.contains(1)
    assert not ball.contains(1 + mpmath.mpf(2) ** -50)
    assert ball.digits == 27
    assert str(ball) == "1.0 ± 8.08e-28"


def test_without_python_flint_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enclosure, "available", lambda: False)
    with pytest.raises(ImportError, match=r"symhigh\[enclosures\]"):
        enclose(sp.Integer(1), {})
