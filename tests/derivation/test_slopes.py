"""First derivatives by structure against SymPy's own."""

import pytest
import sympy as sp

from symhigh.derivation.slopes import slope_in

x, y = sp.symbols("x y", real=True)
p = sp.Symbol("p", positive=True)
f = sp.Function("f")
INNER = 4 * sp.asin(x * y / sp.sqrt((1 + x**2) * (1 + p))) / sp.sqrt(1 + x * p - y**2)
EXPRESSIONS = (
    sp.Integer(3), x, y, x**3 * y - 2 * x, (x + y) ** p, p**x, x**x, 1 / (1 + x**2) * sp.exp(-x * p) * sp.erf(x / p),
    INNER, INNER**2 * sp.log(1 + x**2) + sp.exp(INNER), sp.Piecewise((x**2, x > 0), (-x, True)) * y,
    sp.Abs(x) * y, sp.sign(x) * x, sp.Max(x, y), f(x, y) ** 2, sp.Integral(sp.exp(-x * y), (y, 0, x)), sp.besselj(2, x),
    sp.LambertW(x * p) / x, sp.Derivative(f(x, y), y), sp.polylog(2, x), 0.5 * x**2 + sp.Float("0.25", 30) * x,
)  # fmt: skip


@pytest.mark.parametrize("expr", EXPRESSIONS, ids=str)
@pytest.mark.parametrize("symbol", [x, y, p], ids=str)
def test_is_what_sympy_derives(expr, symbol):
    assert slope_in(expr, symbol) == sp.diff(expr, symbol)
