"""Whether the moments exist that a limit needs: by the orders of noise laws, and at poles of a slope."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from symhigh.derivation.growth import check_moments, growth
from symhigh.problem.noise import MIXING, Component
from symhigh.problem.problem import Label
from symhigh.symbols import eps, x, x_star

R = sp.Rational


def heavy(*orders: Any) -> tuple[Component, ...]:
    return tuple(Component(R(1, len(orders)), sp.S.Zero, MIXING, sp.exp(-MIXING), sp.sympify(n)) for n in orders)


def check(loss: Any, noise: tuple[Component, ...] = (), *factors: sp.Expr) -> None:
    check_moments((Label(sp.S.One, sp.sympify(loss)),), noise, factors or None)


@pytest.mark.parametrize(("orders", "power"), [((5,), 4), ((5, sp.oo), 4), ((sp.oo, 9, 5), 4), ((R(9, 2),), 4)])
def test_moments_below_the_least_order_exist(orders: tuple[Any, ...], power: int) -> None:
    check(sp.Abs(x - eps) ** R(power, 2), heavy(*orders))
    check(sp.Abs(eps) ** power, heavy(*orders))  # a slope of zero
    for beyond in (min(orders), min(orders) + R(1, 2)):
        with pytest.raises(ValueError, match=r"the risk E f is infinite .*, as it grows like \|eps\|\^.* while only "):
            check(sp.Abs(x - eps) ** beyond, heavy(*orders))


def test_a_square_of_a_slope_may_be_infinite_where_the_risk_is_not() -> None:
    loss = sp.Abs(x - eps) ** R(5, 2)
    check(loss, heavy(R(31, 10)))
    with pytest.raises(ValueError, match=r"E f'\^2 is infinite for .* like \|eps\|\^3 while only moments below 3"):
        check(loss, heavy(3))
    check(loss, heavy(3), 1 / sp.sqrt(1 + eps**2))  # what a factor takes off the slope
    check(loss, (Component(sp.S.One, sp.S.Zero, sp.S.One, order=sp.Integer(2)),))  # of normal laws all moments exist
    check(x**6, heavy(2))  # the noise does not enter
    two = (Label(R(1, 2), x**2), Label(R(1, 2), loss))
    with pytest.raises(ValueError, match="is infinite"):
        check_moments(two, heavy(3))
    check_moments(two, heavy(3), (sp.S.One, sp.S.Zero))
    with pytest.raises(ValueError, match="is infinite"):
        check_moments(two, heavy(3), (sp.S.Zero, sp.S.One))


def test_exponential_growth_is_told_from_powers() -> None:
    with pytest.raises(ValueError, match=r"the risk E f is infinite .* grows like \|eps\|\^999 while"):
        check((x - eps) ** 999, heavy(3))
    for loss in ((x - eps) ** 1000, sp.exp(x - eps), sp.exp(eps - x), sp.cosh(x - eps)):
        with pytest.raises(ValueError, match=r"may be infinite for the loss .*, as it grows exponentially in eps"):
            check(loss, heavy(3))


@pytest.mark.parametrize(
    ("expr", "power"),
    [
        (eps**2 + 10**6 * eps, 2), (eps + 10**6 * x, 1), (sp.Max(0, -eps) ** 3 + sp.Max(0, eps), 3),
        (sp.Max(0, eps) ** 3 + sp.Max(0, -eps), 3), (x * x_star, 0), (eps**3 / (1 + eps**2) - eps, -1),
        (x_star * eps**4 + x, 4), (sp.Max(0, sp.Abs(eps) - 5), 1),
    ],
    ids=str,
)  # fmt: skip
def test_the_larger_exponent_of_both_sides(expr: sp.Expr, power: int) -> None:
    assert growth(expr) == power


@pytest.mark.parametrize("u", [x, 2 * x - 3, x + x_star, sp.Abs(x - eps), 5 - x, 3 - 7 * x * (1 + x_star**2)], ids=str)
def test_a_slope_may_grow_more_slowly_than_an_inverse_root(u: sp.Expr) -> None:
    u = sp.Abs(u)
    for power in (R(1, 100), R(1, 4), R(49, 100), R(1, 2)):
        with pytest.raises(ValueError, match=r"its slope grows like \|u\|\^-.* vanishes, so E f'\^2 is infinite"):
            check(u**power)
    for power in (R(51, 100), R(2, 3), sp.S.One, R(3, 2), sp.Integer(2)):
        check(u**power)
    check(sp.sqrt(u), (), sp.sqrt(u))
    check(sp.log(u), (), u ** R(3, 5))
    with pytest.raises(ValueError, match=r"\|u\|\^-1 where"):
        check(sp.log(u))


def test_poles_of_one_side_and_in_angles() -> None:
    with pytest.raises(ValueError, match=r"E f'.2 is infinite"):
        check(sp.Piecewise((sp.sqrt(x), x > 0), (0, True)))
    with pytest.raises(ValueError, match=r"E f'.2 is infinite"):
        check(sp.Piecewise((sp.sqrt(-x), x < 0), (0, True)))
    for angle in (x, 2 * x - x_star + 1):
        for loss in (sp.tan(angle), sp.sec(angle), sp.log(sp.cos(angle))):
            with pytest.raises(ValueError, match=r"its slope grows like \|u\|\^-[12] where"):
                check(loss)
    check(1 / (1 + x**2))
    check(sp.sqrt(1 + (x - x_star) ** 2))
    check(x_star / (2 + x_star))  # no pole in x
    check(sp.sin(x) * x / (3 + sp.sin(x)))


def test_what_has_no_slope() -> None:
    f = sp.Function("f")
    for loss in (f(x), f(x - x_star) ** 2, sp.DiracDelta(x - x_star), x**2 + sp.DiracDelta(x_star)):
        with pytest.raises(ValueError, match="it has no first derivative in x, by which SGD could move"):
            check(loss)
    check(f(x_star) * x)
