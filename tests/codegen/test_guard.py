"""Sums over their own roots, before code is generated: one root is left, with the right sign."""

import pytest
import sympy as sp

from symhigh.codegen.guard import _merged, _over_root

p, q, r = sp.symbols("p q r", positive=True)


@pytest.mark.parametrize("factor", [p - q, q - p, 2 * r * (p - q), r / (q - p)])
@pytest.mark.parametrize("rest", [1 / sp.sqrt(q - p), sp.sqrt(q - p), sp.exp(p) / sp.sqrt(q - p), 1 / sp.sqrt(p + q)])
def test_a_sum_over_its_own_root_is_the_same_number(factor: sp.Expr, rest: sp.Expr) -> None:
    found = _over_root(factor, rest)
    at = {p: sp.Rational(1, 3), q: sp.Rational(5, 7), r: sp.Rational(2, 9)}
    assert abs((found - factor * rest).subs(at).evalf(20)) < 1e-18
    if not rest.has(p + q):
        assert not found.has(p - q), found  # which is not the base of the root


def test_summands_of_one_factor_are_merged() -> None:
    terms = p * sp.erf(r) / sp.sqrt(p - q) - q * sp.erf(r) / sp.sqrt(p - q) + sp.exp(-r)
    assert _merged(terms, frozenset({r})) == sp.sqrt(p - q) * sp.erf(r) + sp.exp(-r)
    assert _merged(p - q, frozenset()) == p - q
