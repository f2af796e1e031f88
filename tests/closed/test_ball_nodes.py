"""Balls of single nodes: what they hold at real, complex and open arguments, under a quadrature and at its ends."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
import sympy as sp

from symhigh.closed.ball_means import reach_of, tail_of
from symhigh.closed.ball_nodes import _root
from symhigh.closed.balls import Evaluator, NotEnclosed
from symhigh.closed.enclosure import Ball, enclose
from symhigh.closed.growth import growth
from symhigh.closed.nodes import Average, Choice, Root
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit
from symhigh.derivation.gaussian.tails import Hazard, LogErfc
from symhigh.symbols import lam

flint = pytest.importorskip("flint", reason="python-flint, the extra “enclosures”, is not installed")
acb, arb = flint.acb, flint.arb

s = sp.Symbol("s", positive=True)
x, y = sp.symbols("x y", real=True)
z = sp.Symbol("z")
R = sp.Rational
OPEN = acb(arb(0, 0.25))
"""A ball around zero."""


def at(value: Any, expr: sp.Expr, analytic: bool = False) -> Any:
    """The ball of an expression in z."""
    return Evaluator({z: value}, analytic)(expr)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (z**3, lambda w: w**3),
        (z ** R(1, 2), mpmath.sqrt),
        (z ** R(-1, 2), lambda w: 1 / mpmath.sqrt(w)),
        (z ** R(2, 3), lambda w: mpmath.power(w, mpmath.mpf(2) / 3)),
        (z**-2, lambda w: w**-2),
        (sp.exp(z), mpmath.exp),
        (sp.log(z), mpmath.log),
        (sp.I * z + 3, lambda w: mpmath.mpc(0, 1) * w + 3),
        (sp.besselj(2, z), lambda w: mpmath.besselj(2, w)),
        (sp.uppergamma(R(3, 2), z), lambda w: mpmath.gammainc(1.5, w)),
        (sp.expint(3, z), lambda w: mpmath.expint(3, w)),
        (sp.polygamma(2, z), lambda w: mpmath.psi(2, w)),
        (sp.factorial(z), mpmath.factorial),
        (sp.acosh(z), mpmath.acosh),
        (sp.Sum(z**x, (x, -1, 3)), lambda w: sum(w**k for k in range(-1, 4))),
        (sp.Catalan * z, lambda w: mpmath.catalan * w),
    ],
    ids=lambda v: str(v) if isinstance(v, sp.Basic) else None,
)
@pytest.mark.parametrize("analytic", [False, True])
def test_balls_at_a_complex_number(expr: sp.Expr, value: Any, analytic: bool) -> None:
    found = at(acb(1.25, 0.5), expr, analytic)
    with mpmath.workdps(30):
        exact = mpmath.mpmathify(value(mpmath.mpc(1.25, 0.5)))
    assert complex(found.mid()) == pytest.approx(complex(exact), rel=1e-13)
    assert found.rad() < 1e-12


def test_sizes_and_signs() -> None:
    assert at(acb(3, 4), sp.Abs(z)) == 5
    assert at(acb(-2, 1), sp.Abs(z), analytic=True) == acb(2, -1)  # -z, which is analytic there
    assert at(acb(-2), sp.Abs(z)) == 2
    assert at(OPEN, sp.Abs(z), analytic=True).real.is_nan()
    assert at(OPEN, sp.Abs(z)).real.contains(0)
    for value, sign, step in ((-2, -1, 0), (3, 1, 1)):
        for analytic in (False, True):
            assert at(acb(value), sp.sign(z), analytic) == sign
            assert at(acb(value), sp.Heaviside(z), analytic) == step
    for expr, holds in ((sp.sign(z), (-1, 0, 1)), (sp.Heaviside(z), (0, R(1, 2), 1)), (sp.Heaviside(z, 5), (0, 1, 5))):
        found = at(OPEN, expr)
        assert all(found.real.contains(arb(int(v.p)) / int(v.q)) for v in map(sp.sympify, holds))
        assert at(OPEN, expr, analytic=True).real.is_nan()
    assert not at(OPEN, sp.Heaviside(z)).real.contains(2)
    assert at(acb(0), sp.Heaviside(z, 5)).real.contains(5)
    many = sp.Max(z, 1, 3, evaluate=False), sp.Min(z, 1, 3, evaluate=False)
    assert [at(acb(2), e) for e in many] == [3, 1]
    assert [at(acb(7), e, True) for e in many] == [7, 1]
    assert at(acb(arb(3, 1)), many[0], True).real.is_nan()


def test_choices_and_pieces() -> None:
    choice = Choice(z, 2, 7)
    assert [at(acb(v), choice) for v in (-1, 0, 1)] == [7, 7, 2]
    either = at(OPEN, choice).real
    assert [either.contains(v) for v in (1, 2, 7, 8)] == [False, True, True, False]
    assert at(OPEN, choice, analytic=True).real.is_nan()
    pieces = sp.Piecewise((1, z < -5), (2, z < 1), (3, True))
    assert [at(acb(v), pieces) for v in (-6, 0, 1, 2)] == [1, 2, 3, 3]
    assert at(OPEN, pieces, analytic=True) == 2
    with pytest.raises(NotEnclosed, match=r"no case of .* is proved to hold") as reason:
        at(acb(3), sp.Piecewise((1, z < -5), (2, z < 1)))
    assert reason.value.wide
    three = at(acb(arb(0, 9)), pieces).real
    assert three.contains(1)
    assert three.contains(3)


def test_averages_over_a_spectrum_see_the_other_values() -> None:
    measure = sp.Tuple(sp.Tuple(R(1, 2), 3), sp.Tuple(R(1, 4), R(3, 4)))
    found = at(acb(2), Average(z * lam**2 + sp.Abs(lam), measure))
    assert found == 0.25 * (2 * 0.25 + 0.5) + 0.75 * (2 * 9 + 3)
    whole = GaussianMean(sp.cos(x), [x], [[Average(lam, measure)]])  # e^{-v/2}, v = 19/8
    assert abs(enclose(whole, {}).middle - mpmath.exp(-mpmath.mpf(19) / 16)) < 1e-15


def test_integrals_between_two_numbers() -> None:
    for body, low, high, value in ((x**2, -1, 2, 3), (sp.Abs(x), -1, 2, 2.5), (s * x, s, 2 * s, 1.5)):
        found = enclose(sp.Integral(body, (x, low, high)), {s: sp.Integer(1)})
        assert abs(found.middle - value) < 1e-25
    for integral in (sp.Integral(x, x), sp.Integral(x * y, (x, 0, 1), (y, 0, 1)), sp.Integral(x, (x, -sp.oo, 0))):
        with pytest.raises(NotEnclosed, match="is no integral between two numbers"):
            enclose(integral, {})


def test_sums_over_whole_numbers() -> None:
    k, n = sp.symbols("k n")
    assert enclose(sp.Sum(k**2, (k, 3, 3)), {}).contains(9)
    assert enclose(sp.Sum(k**2 + s, (k, 1, 0)), {s: R(1, 3)}).contains(0)
    for total in (sp.Sum(k * n, (k, 1, 2), (n, 1, 2)), sp.Sum(k, (k, 1, n)), sp.Sum(k, (k, R(1, 2), 3))):
        with pytest.raises(NotEnclosed, match="is no finite sum"):
            enclose(total, {n: sp.Integer(4)})


# --- roots --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("equation", "low", "high", "exact"),
    [
        (z**2 - 2, 0, sp.oo, sp.sqrt(2)),
        (2 - z**2, 1, 2, sp.sqrt(2)),
        (sp.exp(z) - 5, 0, 3, sp.log(5)),
        (z**3 - s, sp.sqrt(s) / 2, 2 * s, R(3, 2) ** R(1, 3)),
        (10**9 * (z - R(1, 7)), 0, 1, R(1, 7)),
    ],
    ids=str,
)
def test_a_root_lies_in_its_ball(equation: sp.Expr, low: Any, high: Any, exact: sp.Expr) -> None:
    found = enclose(3 * Root(equation, z, low, high), {s: R(3, 2)})
    with mpmath.workdps(50):
        assert abs(found.middle / 3 - mpmath.mpmathify(exact.evalf(45))) < mpmath.mpf(10) ** -29
    assert found.radius <= found.middle * mpmath.mpf(10) ** -30


def test_a_root_at_an_end_of_its_interval_is_not_proved_inside() -> None:
    for low, high in ((1, 3), (0, 1)):
        with pytest.raises((NotEnclosed, ValueError), match=r"is not proved to lie|no sign change"):
            enclose(Root(z - 1, z, low, high), {})
    inside = Root((z - 1) * (1 + z**2), z, R(999, 1000), R(1001, 1000))
    assert enclose(inside, {}).contains(1)


@pytest.mark.parametrize(
    ("equation", "interval", "guess", "words"),
    [
        (z**2 - 2, (0, 3), R(3, 2), "no change of sign"),
        (z**2 - 2, (0, sp.oo), R(13, 10), "no change of sign"),
        ((z - 1) ** 2 / 10**30, (0, 3), sp.Integer(1), "no change of sign"),
        (-((z - 1) ** 2) / 10**30, (0, 3), sp.Integer(1), "no change of sign"),
        (1 / (z - R(5, 7)), (0, 3), R(5, 7), "no change of sign"),
        (z**2 - 2, (R(3, 2), 3), sp.sqrt(2), "is not proved to lie in its interval"),
        (z**2 - 2, (0, R(7, 5)), sp.sqrt(2), "is not proved to lie in its interval"),
        (z**2 - 2, (R(3, 2), sp.oo), sp.sqrt(2), "is not proved to lie in its interval"),
        (z**2 - 2, (sp.sqrt(2), 3), sp.sqrt(2), "is not proved to lie in its interval"),
    ],
    ids=str,
)
def test_a_wrong_evaluation_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, equation: sp.Expr, interval: Any, guess: sp.Expr, words: str
) -> None:
    monkeypatch.setattr(Root, "_eval_evalf", lambda self, prec: guess.evalf(prec))
    for bits in (64, 400):
        monkeypatch.setattr(flint.ctx, "prec", bits)  # early versions of python-flint have no workprec
        with pytest.raises(NotEnclosed, match=words) as reason:
            _root(Evaluator({}), Root(equation, z, *interval))
        assert reason.value.wide


def test_a_root_that_is_known_to_few_digits_is_enclosed_as_closely(monkeypatch: pytest.MonkeyPatch) -> None:
    near = R(round(2**40.5), 2**40)
    monkeypatch.setattr(Root, "_eval_evalf", lambda self, prec: near.evalf(prec))
    found = _root(Evaluator({}), Root(z**2 - 2, z, 0, sp.oo)).real
    assert (found * found).contains(2)
    assert found.rad() < 2.0**-35


# --- averages -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("bits", [64, 163, 1000])
@pytest.mark.parametrize("slope", [0.0, 0.5, 30.0])
@pytest.mark.parametrize("power", [0, 1, 7, 60])
def test_where_an_average_is_cut_off(bits: int, slope: float, power: int) -> None:
    """The two conditions under which the bound of the tails holds, and no further than needed."""
    reach = reach_of(bits, slope, power)
    assert reach / 2 >= slope + power / reach
    assert reach**2 / 2 >= bits * mpmath.log(2)
    assert reach <= (2 * bits * mpmath.log(2)) ** 0.5 + 2 * slope + 2 * power**0.5 + 2


@pytest.mark.parametrize("slope", [0.0, 0.7])
@pytest.mark.parametrize("deviation", [0.3, 2.0])
@pytest.mark.parametrize("power", [0, 1, 4])
def test_the_bound_of_what_is_cut_off(slope: float, deviation: float, power: int) -> None:
    """Above what quadrature gives, and not four times above it."""
    reach = reach_of(20, slope, power)
    exact = 2 * mpmath.quad(
        lambda v: (1 + deviation * v) ** power * mpmath.exp(slope * v) * mpmath.npdf(v), [reach, reach + 3, reach + 20]
    )
    assert exact <= float(tail_of(power, arb(slope), arb(deviation), arb(reach))) <= 4 * exact


@pytest.mark.parametrize(
    ("integrand", "exact"),
    [
        (sp.exp(3 * x), lambda v: mpmath.exp(mpmath.mpf(9) * v / 2)),
        (x**6, lambda v: 15 * v**3),
        (sp.Abs(x), lambda v: mpmath.sqrt(2 * v / mpmath.pi)),
        (sp.cos(2 * x), lambda v: mpmath.exp(-2 * v)),
        (sp.Heaviside(x - 1), lambda v: mpmath.ncdf(-1 / mpmath.sqrt(v))),
    ],
    ids=lambda v: str(v) if isinstance(v, sp.Basic) else None,
)
def test_averages_in_closed_form(integrand: sp.Expr, exact: Any) -> None:
    node = GaussianMean.__new__(GaussianMean, integrand, [x], [[s]])
    found = enclose(node, {s: R(7, 5)}, 20)
    with mpmath.workdps(40):
        value = exact(mpmath.mpf(7) / 5)
        assert abs(found.middle - value) <= abs(value) * mpmath.mpf(10) ** -19
        assert found.radius <= abs(value) * mpmath.mpf(10) ** -19


def test_an_average_is_enclosed_where_its_growth_shows_with_more_bits_alone() -> None:
    """``e^{kx}`` with k = 1, which a ball of few bits cannot tell from a division by zero."""
    small = R(1, 10**80)
    zero = sp.cos(s) ** 2 + sp.sin(s) ** 2 - 1
    found = enclose(GaussianMean(sp.exp(x * small / (zero + small)), [x], [[1]]), {s: sp.Integer(2)}, 15)
    assert abs(found.middle - mpmath.exp(0.5)) < 1e-14


def test_averages_that_are_not_enclosed() -> None:
    three = GaussianMean(sp.tanh(x + y * s) ** 2, [x, y, s], sp.ones(3) + sp.eye(3))
    for analytic in (False, True):
        with pytest.raises(NotEnclosed, match="over three and more variables"):
            Evaluator({}, analytic)(three)
    one, root = GaussianMean(sp.tanh(x) ** 2, [x], [[1]]), Root(z**2 - 2, z, 0, 2)
    for inner, words in ((one, "an average under an integral"), (root, "a root under an integral")):
        assert Evaluator({})(inner).is_finite()
        with pytest.raises(NotEnclosed, match=words) as reason:
            Evaluator({}, True)(inner)
        assert not reason.value.wide
    with pytest.raises(NotEnclosed, match="the spectrum is open"):
        enclose(Average(lam), {})
    wide = GaussianMean(sp.exp(x / z), [x], [[1]])
    with pytest.raises(NotEnclosed, match=r"tails of .* are not bounded|is not proved") as reason:
        at(OPEN, wide)
    assert reason.value.wide


def test_the_precision_is_left_as_it_was() -> None:
    before = flint.ctx.prec
    enclose(sp.sqrt(s), {s: sp.Integer(2)}, 60)
    with pytest.raises(NotEnclosed):
        enclose(sp.sqrt(-s), {s: sp.Integer(2)})
    assert flint.ctx.prec == before
    many = enclose(sp.sqrt(s), {s: sp.Integer(2)}, 5000)
    assert many.digits >= 5000


def test_zero_and_what_no_precision_settles() -> None:
    zero = sp.cos(s) ** 2 + sp.sin(s) ** 2 - 1
    found = enclose(zero, {s: sp.Integer(2)}, 25)
    assert found.contains(0)
    assert found.radius <= mpmath.mpf(10) ** -25
    assert found.digits == 0
    with pytest.raises(NotEnclosed, match=r"is not enclosed to 10 digits with \d{4,5} bits"):
        enclose(sp.Piecewise((1, zero < 0), (2, True)), {s: sp.Integer(2)}, 10)
    with pytest.raises(NotEnclosed, match="is not enclosed"):
        enclose(1 / zero, {s: sp.Integer(2)}, 10)
    with pytest.raises(NotEnclosed, match="no enclosure of zeta"):
        enclose(sp.zeta(s, 3), {s: sp.Integer(2)})


def test_ends_of_a_ball_belong_to_it() -> None:
    ball = Ball(mpmath.mpf(-2), mpmath.mpf("0.5"))
    assert (ball.lower, ball.upper) == (-2.5, -1.5)
    assert [ball.contains(v) for v in (-2.5, -1.5, -2.5000001, -1.4999999)] == [True, True, False, False]
    assert ball.digits == 0
    assert Ball(mpmath.mpf(-2), mpmath.mpf(0)).contains(-2)
    assert Ball(mpmath.mpf(-2000), mpmath.mpf("0.5")).digits == 3
    assert Ball(mpmath.mpf(0), mpmath.mpf("0.5")).digits == 0
    assert Ball(mpmath.mpf(0), mpmath.mpf(0)).digits == Ball(mpmath.mpf(3), mpmath.mpf(0)).digits > 10_000
    assert str(Ball(mpmath.mpf(1) / 3, mpmath.mpf(10) ** -9)) == "0.33333333 ± 1.0e-9"


# --- bounds of growth ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("function", [sp.sin, sp.cos, sp.tanh, sp.erf, sp.sign, sp.Heaviside, Sigmoid, sp.sech])
def test_bounded_functions_are_bounded_by_one(function: Any) -> None:
    assert growth(function(3 * x), x, lambda e: abs(float(e))) == (1, 0, 0)
    assert growth(5 * function(x) * x, x, lambda e: abs(float(e))) == (5, 1, 0)


@pytest.mark.parametrize(
    "integrand",
    [
        sp.exp(sp.exp(x)), sp.exp(x**2), sp.exp(x**3), sp.log(2 + x), sp.log(x**2), 1 / (x**2 + x), (2 + x) ** R(-1, 2),
        sp.log(x**2 - 1), x ** sp.sqrt(2), x**s,
    ],
    ids=str,
)  # fmt: skip
def test_what_may_grow_without_bound_is_refused(integrand: sp.Expr) -> None:
    with pytest.raises(ValueError, match=r"grows too fast|is not proved to stay away from zero|is not known here"):
        growth(integrand, x, lambda e: abs(float(e)))


def test_bounds_hold_products_and_powers_of_balls() -> None:
    """With balls the bound of an exponential is ``C = e^a``, as ``|u| <= a (1 + |x|)``."""
    size, power, rate = growth(x * sp.exp(2 * x) / (4 + sp.exp(x)) ** 2, x, lambda e: arb(int(e.p)) / int(e.q))
    assert (power, rate) == (1, 2)
    assert float(size) == pytest.approx(float(mpmath.exp(2)) * (1 + 1 / 16), rel=1e-12)


@pytest.mark.parametrize(
    ("integrand", "size"),
    [
        (sp.log(2 + sp.exp(-(x**2))), 3 + 0.5),
        (Softplus(3 * sp.tanh(x)), 1 + 3),
        (Hazard(3 * sp.tanh(x)), 2 + 2 * 3),
        (LogErfc(3 * sp.tanh(x)), 1 + 2 * 3 + 9),
        ((4 + 3 * sp.tanh(x) ** 2) ** R(3, 2), 1 + 7**2),
        ((4 + 3 * sp.tanh(x) ** 2) ** R(-3, 2), 1 + 1 / 16),
        ((4 + 3 * sp.tanh(x) ** 2) ** -1, 1 + 1 / 4),
        (sp.Max(sp.tanh(x), sp.cos(x), 3), 5),
        (sp.Piecewise((sp.tanh(x), x < 0), (2, True)), 3),
        (sp.exp(-sp.Abs(x)), 1),
        (sp.exp(sp.tanh(x)), 9),
    ],
    ids=str,
)
def test_bounded_integrands_have_constant_bounds(integrand: sp.Expr, size: float) -> None:
    found = growth(integrand, x, lambda e: abs(float(e)))
    for v in (-9, R(-1, 5), 0, R(3, 10), 8):
        assert abs(sp.N(explicit(integrand).subs(x, v), 20)) <= found[0] * mpmath.exp(found[2] * abs(v))
    assert found[0] == pytest.approx(size, rel=1e-15)
    assert found[1] == 0
    assert found[2] == (1 if integrand.has(sp.tanh) and integrand.func is sp.exp else 0)


def test_powers_and_rates_of_parts_are_the_largest() -> None:
    def bound(e: sp.Expr) -> Any:
        return growth(e, x, lambda c: abs(float(c)))

    assert bound(x**2 + sp.exp(x) + x**5)[1:] == (5, 1)
    assert bound(sp.Max(x**3, sp.exp(2 * x)))[1:] == (3, 2)
    assert bound(sp.Piecewise((x**3, x > 0), (sp.exp(2 * x) * x, True)))[1:] == (3, 2)
    assert bound(LogErfc(2 * x**2))[:2] == (1 + 4 + 4, 4)
    assert bound(Softplus(2 * x**2))[:2] == (3, 2)
    assert bound(sp.Abs(2 * x**2)) == (2, 2, 0)
    assert bound((1 + sp.exp(2 * x)) ** R(3, 2))[2] == 4
