"""Searching and replacing part by part against SymPy's own, which walk through trees."""

import pytest
import sympy as sp

from symhigh.closed.formula import Formula
from symhigh.closed.nodes import Average, Root
from symhigh.closed.sharing import parts, replaced
from symhigh.symbols import lam

x, y, a = sp.symbols("x y a", positive=True)
HALVES = sp.Tuple(sp.Tuple(1, sp.Float(2.5)), sp.Tuple(sp.Rational(1, 2), sp.Rational(1, 2)))
ROOT = Root(Average(lam / (2 * lam - x), HALVES) - a, x, 0, 2)
EXPRESSIONS = (
    x, sp.Integer(2), x**2 + sp.sin(x * y), ROOT, (1 + ROOT) ** 2 / (ROOT + a * y) + sp.erf(ROOT), Average(a * lam**x),
    Root(y - ROOT * a, y, 0, ROOT), sp.Piecewise((x, x > y), (ROOT, True)),
)  # fmt: skip
RULES = (
    {x: y, y: x}, {a: sp.Rational(1, 3), x: 2, y: sp.Float(0.25)}, {ROOT: y}, {lam: x}, {sp.Float(2.5): 3, a: 1}, {},
)  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
def test_is_what_sympy_finds(expr):
    for rule in RULES:
        given = {key: sp.sympify(value) for key, value in rule.items()}
        assert replaced(expr, given) == expr.xreplace(given)
    for kinds in ((sp.Symbol,), (Root, sp.Float), (Average,)):
        assert parts(expr, *kinds) == expr.atoms(*kinds)


@pytest.mark.parametrize("zero", [Root(x**2 - a, x, 0, sp.oo) ** 2 - a, sp.LambertW(a) * sp.exp(sp.LambertW(a)) - a])
def test_what_rounding_would_lose_is_found(zero: sp.Expr) -> None:
    """Roots and Lambert's function are put in as numbers first; 10^-200 beside what cancels is no zero."""
    for at in (2, 4):
        assert float(Formula(zero + sp.Rational(1, 10**200)).evaluate(a=at)) == pytest.approx(1e-200, rel=1e-14)


def test_parts_that_double_at_every_level():
    """2^60 occurrences of x, through which no walk comes to an end."""
    expr = x
    for _ in range(60):
        expr = sp.Add(sp.sin(expr), sp.cos(expr), evaluate=False)
    assert parts(expr, sp.Symbol) == {x}
    assert parts(replaced(expr, {x: y}), sp.Symbol) == {y}
