"""Relations between proved bounds: what holds says its radius, a difference below all digits compared is found."""

from __future__ import annotations

import mpmath
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.enclosure import Ball
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.ledger.domain import Domain
from symhigh.ledger.enclosed import gap_of, settled
from symhigh.ledger.evidence import Trial

a = sp.Symbol("a", positive=True)


def test_a_ball_settles_an_order_only_where_it_excludes_zero() -> None:
    above, around, zero = (Ball(mpmath.mpf(m), mpmath.mpf(r)) for m, r in ((1, 0.5), (0, 0.5), (0, 0)))
    assert settled(sp.Gt, above) is True
    assert settled(sp.Le, above) is False
    assert settled(sp.Ne, above) is True
    assert settled(sp.Ge, around) is None
    assert settled(sp.Ge, zero) is True
    assert settled(sp.Gt, zero) is False
    assert settled(sp.Eq, around) is True
    assert settled(sp.Eq, above) is False


@pytest.mark.parametrize(
    ("middle", "radius", "told"),
    [
        (1, 0.5, {sp.Gt, sp.Ge, sp.Ne}), (-1, 0.5, {sp.Lt, sp.Le, sp.Ne}), (0, 0, {sp.Ge, sp.Le}),
        (1, 0, {sp.Gt, sp.Ge, sp.Ne}),
    ],
)  # fmt: skip
def test_orders_that_hold(middle: float, radius: float, told: set[type]) -> None:
    gap = Ball(mpmath.mpf(middle), mpmath.mpf(radius))
    assert {kind for kind in (sp.Gt, sp.Ge, sp.Lt, sp.Le, sp.Ne) if settled(kind, gap)} == told
    across = Ball(mpmath.mpf(middle), mpmath.mpf(2))
    assert all(settled(kind, across) is None for kind in (sp.Gt, sp.Ge, sp.Lt, sp.Le, sp.Ne))


def test_a_line_says_within_what_it_is_enclosed() -> None:
    pytest.importorskip("flint", reason="python-flint, the extra “enclosures”, is not installed")
    found = sh.numeric(sp.log(a) + sp.log(a + 1), sp.log(a**2 + a)).examine(Trial())
    assert found.verdict is sh.VERIFIED
    assert "enclosed within" in found.detail


def test_a_side_without_an_enclosure_leaves_the_digits_to_speak() -> None:
    found = sh.numeric(lambda at: at + 1, a + 1).examine(Trial(domain=Domain({a: (1, 2)})))
    assert found.verdict is sh.VERIFIED
    assert "enclosed" not in found.detail


def test_a_difference_below_the_digits_compared_is_refuted_by_a_ball() -> None:
    pytest.importorskip("flint", reason="python-flint, the extra “enclosures”, is not installed")
    found = sh.numeric(a + sp.Integer(10) ** -33 - a, sp.Integer(0)).examine(Trial())
    assert found.verdict is sh.REFUTED
    beyond = sh.numeric(a + sp.Integer(10) ** -45, a).examine(Trial())
    assert beyond.verdict is sh.REFUTED
    assert "fails: left - right is 1.0e-45" in beyond.detail
    assert "proved by ball arithmetic" in beyond.detail


def test_averages_of_two_variables_are_left_to_their_digits() -> None:
    x, y = sp.symbols("x y", real=True)
    half = sp.Rational(1, 2)
    two = GaussianMean(sp.tanh(x) * sp.tanh(y), [x, y], [[1, half], [half, 1]])
    assert gap_of(two, sp.S.Zero, {}, 10) is None
    assert gap_of(GaussianMean(sp.tanh(x) ** 2, [x], [[1]]), two, {}, 10) is None
