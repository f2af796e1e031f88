"""Bickley's function against quadrature and its recurrences, at whole orders and between them."""

import mpmath
import pytest
import sympy as sp

from symhigh.closed.entrywise import Bickley

h = sp.Symbol("h", positive=True)


@pytest.mark.parametrize("order", [-1, 0, 1, 2, sp.Rational(11, 10), sp.Rational(-1, 3)])
@pytest.mark.parametrize("at", [sp.Rational(3, 10), sp.Rational(17, 5)])
def test_against_quadrature(order: sp.Expr, at: sp.Expr) -> None:
    with mpmath.workdps(40):
        k, x = mpmath.mpmathify(order), mpmath.mpmathify(at)
        reach = mpmath.acosh(120 / x + 1)
        expected = mpmath.quad(
            lambda t: mpmath.exp(-x * mpmath.cosh(t)) * mpmath.cosh(t) ** -k, mpmath.linspace(0, reach, 9)
        )
        found = Bickley(order, at).evalf(30)._mpf_
        assert abs(mpmath.mpf(found) - expected) < mpmath.mpf(10) ** -28 * expected


def test_whole_orders_are_those_of_the_functions_of_macdonald() -> None:
    at = sp.Rational(7, 5)
    for order, of in ((0, 0), (-1, 1)):
        assert abs(Bickley(order, at).evalf(30) - sp.besselk(of, at).evalf(30)) < sp.Float(10) ** -28
    assert sp.diff(Bickley(2, h), h) == -Bickley(1, h)
