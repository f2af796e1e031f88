"""Enclosures: the ordinary evaluation lies inside, planted wrong numbers lie outside, what has none is refused."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed import ball_means, enclosure
from symhigh.closed.balls import Evaluator, NotEnclosed
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


u, v = sp.symbols("u v", real=True)
C11, C12, C22 = R(6, 5), R(-1, 2), R(9, 10)
SIGNS = C12 / sp.sqrt(C11 * C22)
OVER_TWO = [
    (sp.erf(u) * sp.erf(v), 2 / sp.pi * sp.asin(2 * C12 / sp.sqrt((1 + 2 * C11) * (1 + 2 * C22)))),
    (sp.exp(u / 3 + 2 * v / 3), sp.exp((C11 + 4 * C12 + 4 * C22) / 18)),
    (sp.cos(u + v) * u**2, (C11 - (C11 + C12) ** 2) * sp.exp(-(C11 + 2 * C12 + C22) / 2)),
    (sp.sign(u) * v**3, 3 * sp.sqrt(2 / sp.pi) * C22 * SIGNS * sp.sqrt(C22) * (1 - SIGNS**2 / 3)),
    (sp.Abs(v) * u**2, sp.sqrt(2 * C22 / sp.pi) * C11 * (1 + SIGNS**2)),
]  # fmt: skip
"""Integrands, and their averages by hand: of signs, of exponentials, by characteristic functions, by conditioning."""


@pytest.mark.parametrize(("integrand", "value"), OVER_TWO, ids=str)
def test_gaussian_averages_over_two_variables_hold_their_closed_forms(
    balls: None, integrand: sp.Expr, value: sp.Expr
) -> None:
    digits = 4
    node = GaussianMean(integrand, [u, v], [[C11, C12], [C12, C22]])
    assert node.dimension == 2
    found = enclose(node, {}, digits)
    assert found.radius <= abs(found.middle) * mpmath.mpf(10) ** -digits
    assert holds(found, value, 30)
    assert not holds(found, value * (1 + R(1, 10) ** (digits + 1)), 30)


def test_an_average_over_two_variables_that_takes_too_long_is_refused(
    balls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ball_means, "_EFFORT", 2)
    with pytest.raises(NotEnclosed, match=r"needs more than \d+ values of "):
        enclose(GaussianMean(sp.tanh(u) * sp.tanh(v), [u, v], [[2, 1], [1, 2]]), {}, 4)


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
    z = sp.Symbol("z", real=True)
    three = GaussianMean(sp.tanh(x + y * z) ** 2, [x, y, z], sp.ones(3) + sp.eye(3))
    kinks = GaussianMean(sp.Max(x, y) ** 3 * sp.Abs(y), [x, y], [[2, 1], [1, 2]])
    flat = GaussianMean(sp.tanh(x) * sp.tanh(y) ** 3, [x, y], [[s, s**2], [s**2, s**3]])
    for expr, reason in [
        (three, "over three and more variables are not enclosed, only over one or two"),
        (kinks, "pieces in both"),
        (flat, "not proved to be positive definite"),
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


@pytest.mark.parametrize(
    ("integrand", "bound"),
    [
        (R(7, 2), (3.5, 0, 0)),
        (x, (1, 1, 0)),
        (3 * x + 2, (5, 1, 0)),
        (x**3 * sp.tanh(x) * 2, (2, 3, 0)),
        (sp.erfc(x), (2, 0, 0)),
        (sp.atan(x) * x, (2, 1, 0)),
        (sp.sech(x), (1, 0, 0)),
        (sp.Max(x**2, 4), (5, 2, 0)),
        (sp.Min(2 * x, 3), (5, 1, 0)),
        (sp.Piecewise((x, x > 0), (2 * x**3, True)), (3, 3, 0)),
        (sp.Abs(3 * x), (3, 1, 0)),
        (sp.asinh(x), (1, 1, 0)),
        (Softplus(2 * x), (3, 1, 0)),
        (Hazard(x), (4, 1, 0)),
        (Hazard(3 * x), (8, 1, 0)),
        (LogErfc(x), (4, 2, 0)),
        (LogErfc(3 * x), (16, 2, 0)),
        (sp.exp(-(x**2)), (1, 0, 0)),
        (sp.exp(x / 2), (3, 0, 0.5)),
        (x**2 * sp.exp(2 * x), (27, 2, 2)),
        (sp.exp(x) * sp.exp(2 * x), (81, 0, 3)),
        (sp.log(4 + x**2), (5.25, 2, 0)),
        ((1 + x**2) ** R(3, 2), (5, 4, 0)),
        ((3 * x) ** R(4, 1), (81, 4, 0)),
        ((2 + x**2) ** R(-3, 2), (1.25, 0, 0)),
        ((2 + sp.exp(x)) ** 2, (121, 0, 2)),
        ((2 + sp.exp(x)) ** R(3, 2), (122, 0, 2)),
        (LogErfc(sp.cos(x)), (4, 0, 0)),
    ],
    ids=str,
)
def test_bounds_of_growth_are_those_of_the_rules(integrand: sp.Expr, bound: tuple[float, ...]) -> None:
    assert growth(sp.sympify(integrand), x, lambda e: abs(float(e))) == pytest.approx(bound, rel=1e-15)


Q = sp.Symbol("q", real=True)
COMPARISONS = [
    (Q < 1, (True, False, None, False)),
    (Q <= 1, (True, False, None, True)),
    (Q > 1, (False, True, None, False)),
    (Q >= 1, (False, True, None, True)),
    (sp.Eq(Q, 1), (False, False, None, True)),
    (sp.Ne(Q, 1), (True, True, None, False)),
    (sp.And(Q > 0, Q < 1), (True, False, None, False)),
    (sp.And(Q > 0, Q < 5), (True, True, True, True)),
    (sp.Or(Q < 0, Q > 1), (False, True, None, False)),
    (sp.Or(Q < 5, Q > 1), (True, True, True, True)),
    (sp.Not(Q < 1, evaluate=False), (False, True, None, True)),
    (sp.true, (True,) * 4),
    (sp.false, (False,) * 4),
]


@pytest.mark.parametrize(("condition", "answers"), COMPARISONS, ids=str)
def test_conditions_hold_on_whole_balls(balls: None, condition: sp.Basic, answers: tuple[bool | None, ...]) -> None:
    from flint import acb, arb

    for ball, answer in zip((arb(0.5, 0.25), arb(2, 0.25), arb(1, 0.25), arb(1)), answers, strict=True):
        assert Evaluator({Q: acb(ball)}).holds(condition) is answer


def test_a_choice_that_is_open_holds_both_values(balls: None) -> None:
    from flint import acb, arb

    step, open_ball = sp.Piecewise((2, Q < 1), (5, True)), acb(arb(1, 0.25))
    found = Evaluator({Q: open_ball})(step).real
    assert found.contains(2)
    assert found.contains(5)
    assert not found.contains(1)
    assert Evaluator({Q: open_ball}, analytic=True)(step).real.is_nan()
    assert Evaluator({Q: acb(0.5)}, analytic=True)(step).real == 2
    with pytest.raises(NotEnclosed, match="is no comparison"):
        Evaluator({}).holds(sp.Symbol("p"))
    with pytest.raises(NotEnclosed, match="compares what is not real"):
        Evaluator({Q: acb(0.5, 2)}).holds(Q < 1)


def test_functions_with_a_cut_are_analytic_to_the_right_of_it(balls: None) -> None:
    from flint import acb, arb

    for middle, answer in ((2, True), (-0.5, False), (0.1, False)):
        found = Evaluator({Q: acb(arb(middle, 0.25))}, analytic=True)(sp.asinh(Q))
        assert found.real.is_nan() is not answer
        assert not Evaluator({Q: acb(arb(middle, 0.25))})(sp.asinh(Q)).real.is_nan()
    assert Evaluator({}, analytic=True)(sp.LambertW(sp.Integer(3), 0)).real.contains(arb(3).lambertw())


def test_steep_averages_are_enclosed(balls: None) -> None:
    for factor in (5, 20):  # E exp(k √(7/5) z) = exp(7 k²/10)
        found = enclose(GaussianMean(sp.exp(factor * x), [x], [[s]]), AT)
        with mpmath.workdps(50):
            assert abs(found.middle / mpmath.exp(mpmath.mpf(7) * factor**2 / 10) - 1) < mpmath.mpf(10) ** -28
    many = enclose(GaussianMean(x**40, [x], [[s]]), AT)
    with mpmath.workdps(50):
        assert abs(many.middle / (mpmath.fac2(39) * mpmath.mpf("1.4") ** 20) - 1) < mpmath.mpf(10) ** -28


def test_what_stands_where_it_cannot_be_enclosed_is_named(balls: None) -> None:
    z, k = sp.Symbol("z", positive=True), sp.Symbol("k")
    root, mean = Root(z**2 - 2, z, 0, sp.oo), GaussianMean(sp.tanh(x) ** 2, [x], [[s]])
    for expr, reason in (
        (sp.Integral(root * x, (x, 0, 1)), "a root under an integral"),
        (sp.Integral(mean * x, (x, 0, 1)), "an average under an integral"),
        (sp.Sum(1 / k**2, (k, 1, sp.oo)), "is no finite sum"),
        (sp.Integral(sp.exp(-x), (x, 0, sp.oo)), "is no integral between two numbers"),
        (Root(z**2 - 2, z, 2, 3), "sign|interval"),
    ):
        with pytest.raises(NotEnclosed, match=reason):
            enclose(expr, AT)


@pytest.mark.parametrize(
    ("middle", "radius", "words"),
    [
        (1, mpmath.mpf(0), r"Ball\(middle=1\): middle must be a finite mpmath.mpf"),
        (mpmath.mpf("inf"), mpmath.mpf(0), "middle must be a finite"),
        (mpmath.mpf(1), 0.5, r"Ball\(radius=0.5\): radius must be a finite"),
        (mpmath.mpf(1), mpmath.mpf(-1), "radius must be >= 0"),
    ],
)
def test_a_ball_is_of_finite_numbers(middle: object, radius: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Ball(middle, radius)
