"""Strips of analyticity and what they make of a rule, against the places of poles, branch points and growth."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

from symhigh.codegen.analyticity import Strip, is_centred, more_digits, strip
from symhigh.codegen.quadrature import _order, _peaked, _separated, _singular, _steepens, is_nested
from symhigh.derivation.gaussian import Hazard, LogErfc, Sigmoid, Softplus

z, y = sp.symbols("z y", real=True)
a, c = sp.symbols("a c", positive=True)
half = sp.Rational(1, 2)


@pytest.mark.parametrize(
    ("expr", "width", "growth", "rate", "order"),
    [
        (c**2, sp.oo, 0, 0, 0),
        (3 + z - z**4, sp.oo, 0, 0, 0),
        (sp.exp(3 * z), sp.oo, 0, 3, 0),
        (sp.exp(-2 * z + 1), sp.oo, 0, 2, 0),
        (sp.exp(-5 * z**2 + z), sp.oo, 5, 1, 0),
        (Sigmoid(2 * z + 1), sp.pi / 2, 0, 0, 1),
        (Softplus(-3 * z), sp.pi / 3, 0, 0, 1),
        (sp.tanh(-2 * z + c), sp.pi / 4, 0, 0, 1),
        (sp.atan(a * z), 1 / a, 0, 0, 1),
        (sp.asinh(4 * z), sp.Rational(1, 4), 0, 0, 1),
        (sp.erf(3 * z), sp.oo, 9, 0, 0),
        (Hazard(2 * z), sp.Rational(199, 200), 0, 0, 1),
        (LogErfc(z), sp.Rational(199, 100), 0, 0, 1),
        (sp.log(9 + z**2), 3, 0, 0, 1),
        (sp.sqrt(1 + 4 * z**2), half, 0, 0, 1),
        ((z**2 + z + 1) ** -3, sp.sqrt(3) / 2, 0, 0, 3),
        ((4 - 2 * z + z**2) ** sp.Rational(-3, 2), sp.sqrt(3), 0, 0, 2),
        ((1 + z**2) ** c, 1, 0, 0, 1),
        (sp.tanh(z) ** 3, sp.pi / 2, 0, 0, 3),
        (sp.erf(2 * z) ** 2, sp.oo, 8, 0, 0),
        (sp.exp(2 * z) * sp.exp(-(z**2)) ** 2, sp.oo, 2, 2, 0),
        (z * sp.tanh(z) * sp.atan(2 * z) * sp.erf(z), half, 1, 0, 2),
        (sp.tanh(z) ** 2 + sp.atan(2 * z) + sp.exp(5 * z) + sp.erf(2 * z), half, 4, 5, 2),
    ],
    ids=str,
)  # fmt: skip
def test_the_strip_of_what_is_known(expr: sp.Expr, width: sp.Expr, growth: int, rate: int, order: int) -> None:
    known = strip(expr, z)
    assert known is not None
    assert known.width == width or sp.simplify(known.width - width) == 0
    assert (known.growth, known.rate, known.order) == (growth, rate, order)
    assert _order(expr, z) == order


@pytest.mark.parametrize(
    "expr",
    [sp.gamma(z), sp.exp(z**3), sp.exp(sp.tanh(z)), sp.exp(z**2), sp.sqrt(z), sp.log(z), sp.log(z**2 - 1), 1 / (1 + z),
     (1 + z**4) ** -1, sp.tanh(z) ** -1, sp.tanh(z) ** half, c**z, z**z, sp.tanh(z**2), sp.tanh(sp.tanh(z)),
     sp.tanh(z) + sp.gamma(z), sp.tanh(z) * sp.gamma(z), sp.gamma(z) ** 2],
    ids=str,
)  # fmt: skip
def test_what_is_not_known_beforehand(expr: sp.Expr) -> None:
    assert strip(expr, z) is None
    assert _order(expr, z) == 1


def test_zeros_of_erfc_lie_just_outside_the_strip_of_its_logarithm() -> None:
    zero = mpmath.findroot(mpmath.erfc, -1.35 + 2j)
    assert 0 < zero.imag - float(strip(LogErfc(z), z).width) < 0.002  # type: ignore[union-attr]


def test_strips_of_sums_and_products() -> None:
    one, two = Strip(sp.Integer(2), sp.Integer(3), sp.Integer(5), 1), Strip(sp.Integer(4), sp.Integer(1), sp.S.One, 4)
    assert one * two == Strip(sp.Integer(2), sp.Integer(4), sp.Integer(6), 5)
    assert one | two == Strip(sp.Integer(2), sp.Integer(3), sp.Integer(5), 4)
    assert Strip() == Strip(sp.oo, sp.S.Zero, sp.S.Zero, 0)


@pytest.mark.parametrize("order", range(12))
def test_what_a_pole_costs(order: int) -> None:
    """The logarithm of (e^3.3)^(m-1)/(m-1)!, nothing for a simple pole or none."""
    exact = mpmath.log(mpmath.exp(3.3) ** (order - 1) / mpmath.factorial(order - 1)) if order > 1 else 0
    assert more_digits(order) == pytest.approx(max(0.0, float(exact)), abs=1e-12)


@pytest.mark.parametrize(
    ("expr", "centred"),
    [
        (sp.tanh(3 * z) ** 2 * (1 + z) ** 3, True),
        (sp.sqrt(1 + z**2) * sp.exp(-c * z**2), True),
        (sp.log(2 + z**2) + sp.atan(z), True),
        (sp.tanh(z + 1), False),
        (sp.tanh(c) * sp.tanh(z), True),
        (1 / (1 + z + z**2), False),
        (1 / (1 + z**4), False),
        (sp.exp(sp.tanh(z)), False),
        (sp.tanh(z) / (1 + (z - 1) ** 2), False),
        (z**3 + z, True),
    ],
    ids=str,
)
def test_centred_are_functions_of_multiples_and_of_squares(expr: sp.Expr, centred: bool) -> None:
    assert is_centred(expr, z) is centred


def test_which_rule_takes_an_average() -> None:
    for expr, variables, nested in (
        (sp.tanh(z), [z], False),
        (sp.Max(z, 0), [z], True),
        (sp.Heaviside(z - 1), [z], True),
        (1 / (z - 3), [z], True),
        (sp.exp(-(z**4) + z**2), [z], True),
        (sp.exp(-(z**2) + z), [z], False),
        (sp.tanh(z) * sp.atan(y), [z, y], False),
        (sp.tanh(z + y), [z, y], True),
    ):
        assert is_nested(expr, variables) is nested, expr
    assert _singular(1 / (z - 3), [z])
    assert not _singular(1 / (z**2 + 3), [z])
    assert _steepens(sp.erf(c * z), z)
    assert not _steepens(sp.erf(2 * z), z)
    assert not _steepens(sp.tanh(c * z), z)
    assert [_peaked(e, z) for e in (sp.exp(-(z**4)), sp.exp(-(z**2)), sp.tanh(z), sp.exp(z) ** 2 * sp.exp(z**3))] == [
        True, False, False, True,
    ]  # fmt: skip
    assert _separated(z**2 * sp.tanh(y), (z, y)) == (z**2, sp.tanh(y))
    assert _separated(sp.tanh(y), (z, y)) == (1, sp.tanh(y))
    assert _separated(sp.tanh(y * z), (z, y)) is None
    assert _separated(sp.tanh(z), (z,)) is None
