"""Guarded closed forms: the same numbers inside their domain, the limits at its edge; sums over their own roots."""

import math
from typing import Any

import pytest
import sympy as sp

from symhigh.codegen import guard
from symhigh.codegen.guard import _merged, _over_root, defined, guarded, is_guarded

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


def safe_ratio(a: float, b: float) -> float:
    if b != 0:
        return a / b
    return math.copysign(math.inf, a) if a != 0 else 0.0


SAFE: dict[str, Any] = {
    "safe_ratio": safe_ratio,
    "safe_root": lambda a: math.sqrt(max(a, 0.0)),
    "safe_asin": lambda a: math.asin(min(max(a, -1.0), 1.0)),
}
u, v, w, z = sp.symbols("u v w z", real=True)


def number(expr: sp.Expr, at: dict[sp.Symbol, float]) -> float:
    return float(sp.lambdify(list(at), expr, [SAFE, "math"])(*at.values()))


@pytest.mark.parametrize(
    ("expr", "at", "limit"),
    [
        (sp.exp(-p / v) * sp.exp(q / v), {p: 2, q: 1, v: 0}, 0),
        (sp.exp(-p / v) * sp.exp(q / v) * r, {p: 1, q: 1, v: 0, r: 3}, 3),
        (sp.erf(p / v - q / v), {p: 2, q: 1, v: 0}, 1),
        (sp.erf(p / v - q / v), {p: 1, q: 2, v: 0}, -1),
        (1 + sp.erf(p / sp.sqrt(v + w)), {p: 1, v: 1, w: -1}, 2),
        (sp.asin(u / (sp.sqrt(v) * sp.sqrt(w))), {u: 0, v: 0, w: 1}, 0),
        (sp.asin(u / (sp.sqrt(v) * sp.sqrt(w))), {u: 1.0000001, v: 1, w: 1}, math.pi / 2),
        (sp.exp(-p / v) * (1 / v + q / v**2), {p: 1, q: 2, v: 0}, 0),
        (sp.erf(p) * (v * w - u**2) / sp.sqrt(v * w - u**2), {p: 1, u: 1, v: 1, w: 1}, 0),
        (u * sp.erf(p / sp.sqrt(v * w - u**2)) / (v * w - u**2), {p: 1, u: 0, v: 0, w: 1}, 0),
        (u * sp.sqrt(v * w - u**2), {u: 1.0001, v: 1, w: 1}, 0),
    ],
    ids=str,
)
def test_closed_forms_have_their_limits_at_the_edge(expr: sp.Expr, at: dict[sp.Symbol, float], limit: float) -> None:
    found = guarded(expr)
    assert is_guarded(found)
    assert number(found, at) == pytest.approx(limit, abs=1e-15)
    inside = {s: 0.3 + 0.17 * k for k, s in enumerate(sorted(expr.free_symbols, key=str))}
    inside |= {k: x for k, x in {v: 1.9, w: 1.3}.items() if k in inside}
    assert number(found, inside) == pytest.approx(number(expr, inside), rel=1e-14)


def test_numbers_are_left_alone() -> None:
    root = sp.sqrt(1 + sp.sqrt(2)) / (1 + sp.sqrt(3)) + sp.asin(sp.Rational(1, 3))
    found = guarded(root + sp.sqrt(u + v))
    assert (found - root).func.__name__ == "safe_root"


def test_two_sums_beside_an_exponential_are_multiplied_out() -> None:
    expr = (1 / v + p) * (q / v - r) * sp.exp(-p / v)
    found = guarded(expr)
    assert number(found, {p: 1, q: 2, r: 3, v: 0}) == 0
    assert number(found, {p: 1, q: 2, r: 3, v: 0.7}) == pytest.approx(number(expr, {p: 1, q: 2, r: 3, v: 0.7}))
    alone = (1 / v + p) * sp.tanh(u)
    assert number(guarded(sp.erf(w) * alone), {p: 1, u: 0.5, v: 2.0, w: 0.3}) == pytest.approx(
        number(sp.erf(w) * alone, {p: 1, u: 0.5, v: 2.0, w: 0.3})
    )


def test_only_rational_factors_that_rest_are_merged() -> None:
    moving = frozenset({z})
    terms = z * sp.erf(r) / p + z * sp.erf(r) * q / p + sp.exp(-r) * sp.sqrt(p) - sp.exp(-r) * sp.sqrt(q)
    found = _merged(terms, moving)
    assert sp.expand(found - terms) == 0
    assert len(found.args) == 3  # sums with z erf r are one, roots are no factors
    assert found.has(z * sp.erf(r))


def test_what_moves_is_left_alone() -> None:
    """A root or a denominator with a variable of integration is no variance."""
    moving = frozenset({z})
    for expr in (sp.sqrt(1 - z), sp.exp(-(z**2)) / (1 + z**2), sp.erf(z) * z):
        assert guarded(expr, moving) == expr
    assert guarded(z / v, moving) != z / v
    assert guarded(u / v + sp.sqrt(w)) == u / v + sp.sqrt(w)
    assert not is_guarded(u / v)
    assert guarded(sp.erf(sp.S.One)) == sp.erf(1)


def test_roots_along_whole_lines_are_zero_where_they_are_not_real() -> None:
    expr = defined(u + w * sp.sqrt(1 - u) - (2 - u) ** sp.Rational(3, 2) + sp.sqrt(2))
    for at in (0.3, 1.5, 7.0):
        expected = at + 2 * math.sqrt(max(1 - at, 0)) - max(2 - at, 0) ** 1.5 + math.sqrt(2)
        assert number(expr, {u: at, w: 2.0}) == pytest.approx(expected, rel=1e-14)


def test_what_occurs_many_times_is_guarded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression of two dozen parts, which are thousands as a tree."""
    rebuilt, of = [], guard._of
    monkeypatch.setattr(guard, "_of", lambda expr, args: rebuilt.append(expr) or of(expr, args))
    expr = sp.Symbol("u", real=True) / sp.Symbol("v", positive=True)
    for _ in range(10):
        expr = sp.erf(expr) + expr**2
    assert is_guarded(guarded(expr))
    assert len(rebuilt) < 100
