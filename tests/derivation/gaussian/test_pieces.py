"""Expectations of functions in pieces pass through SymPy's own simplification unharmed."""

import pickle

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

from symhigh.derivation.gaussian import GaussianMean

z, w = sp.symbols("z w", real=True)
a = sp.Symbol("a", positive=True)
BRANCH = sp.erf(a / z) - sp.exp(-((a / z) ** 2)) / z
HALF_LINE = GaussianMean(sp.Piecewise((BRANCH, z > 0), (0, True)), [z], [[2]])


def reference(value: float) -> float:
    branch = sp.lambdify(z, BRANCH.subs(a, value), "scipy")
    found, _ = quad(lambda x: branch(x) * np.exp(-x * x / 4) / np.sqrt(4 * np.pi), 0, np.inf, epsabs=1e-13)
    return float(found)


@pytest.mark.parametrize("change", [sp.simplify, sp.piecewise_fold, sp.factor, sp.expand, sp.together, sp.powsimp])
def test_what_rewrites_expressions_leaves_conditions_where_their_variable_is_bound(change) -> None:  # type: ignore[no-untyped-def]
    outside = sp.Piecewise((w * HALF_LINE, w > 1), (w**2 + HALF_LINE**2, True))
    for expr in (3 * HALF_LINE, w * HALF_LINE + HALF_LINE**2, outside):
        found = change(expr)
        assert found.free_symbols == expr.free_symbols
        assert found.subs({a: 0.7, w: 0.4}).evalf() == pytest.approx(
            float(expr.subs({HALF_LINE: reference(0.7), w: 0.4})), rel=1e-12
        )


def test_pieces_are_shown_as_they_are_and_take_values() -> None:
    assert HALF_LINE.integrand.is_Piecewise
    assert HALF_LINE.integrand.args[1] == (0, True)
    assert "Piecewise" in str(HALF_LINE)
    assert "begin{cases}" in sp.latex(HALF_LINE)
    assert pickle.loads(pickle.dumps(HALF_LINE)) == HALF_LINE
    both = GaussianMean(sp.Piecewise((sp.cosh(z), z > a), (z**2, True)), [z], [[1]])
    assert float(both.subs(a, 0.5)) == pytest.approx(float(both.xreplace({a: sp.Float(0.5)})), rel=1e-13)
    chosen = GaussianMean(sp.Piecewise((z**4, a > 1), (sp.sqrt(1 + z**2), True)), [z], [[1]])
    assert chosen.subs(a, 2) == GaussianMean(z**4, [z], [[1]])
    assert not chosen.subs(a, 1).integrand.has(sp.Piecewise)
