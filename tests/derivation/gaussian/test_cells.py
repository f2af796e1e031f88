"""Boundaries of cells: where an expression may change its form, factor by factor, whatever numbers it holds."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.gaussian.cells import (
    TooManyPieces,
    boundaries,
    cells,
    in_cells,
    is_finite,
    normalised,
    on_side,
)
from symhigh.symbols import x, x_star

y = x_star
a = sp.Symbol("a", positive=True)


@pytest.mark.parametrize(
    ("boundary", "expected"),
    [
        (0.3 * x**2 + 0.7 * x + 1.0, [0.3 * x**2 + 0.7 * x + 1.0]),
        (x**2 - 0.3 * y, [x**2 - 0.3 * y]),
        (a * (x**2 - y) * (2 * x - y), [x**2 - y, x - y / 2]),
        (x**2 + 1, []),
        (x**2, []),
        ((x**2 - y) ** 3, [x**2 - y]),
        (sp.tanh(x - 1), [x - 1]),
        ((x - 1) / (y + 2), [x - 1, y + 2]),
        (x / y - 1, [x - y, y]),
        (a, []),
    ],
    ids=str,
)
def test_a_boundary_comes_factor_by_factor(boundary: sp.Expr, expected: list[sp.Expr]) -> None:
    """The same zeros: at points where no factor vanishes the boundary does not either, and on a factor it does."""
    found = boundaries(sp.Heaviside(boundary), (x, y))
    assert len(found) == len(expected)
    for factor in expected:
        assert any(sp.simplify(sp.expand(f / factor)).is_number for f in found), (factor, found)


def test_polynomials_of_decimal_numbers_end_whatever_they_are() -> None:
    rng = np.random.default_rng(1)
    for _ in range(12):
        c = [round(float(v), 2) for v in rng.uniform(-1, 1, 6)]
        expr = c[0] + c[1] * x + c[2] * y + c[3] * x**2 + c[4] * x * y + c[5] * y**2
        for factor in boundaries(sp.Heaviside(expr), (x, y)):
            at = {y: 0.7}
            roots = np.roots([float(v) for v in sp.Poly(factor.xreplace(at), x).all_coeffs()])
            assert all(abs(complex(expr.xreplace(at).subs(x, root))) < 1e-9 for root in roots)


def test_a_damped_and_capped_rate_in_decimals_has_its_limit() -> None:
    found = sh.derive(sh.least_squares(0.5), sh.StochasticPolyak(0.8, 0.7, 0.01))
    assert found.outputs["risk"].free_symbols


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (sp.Abs(x), {(1, x), (-1, -x)}),
        (sp.Max(x, 2 * y), {(1, x), (-1, 2 * y)}),
        (sp.Heaviside(-x) * y, {(1, sp.S.Zero), (-1, y)}),
        (sp.Piecewise((y, x < 1), (x, True)), {(1, x), (-1, y)}),
    ],
)
def test_a_cell_has_the_form_of_its_side(expr: sp.Expr, expected: set[tuple[int, sp.Expr]]) -> None:
    assert {(sides[0][1], form) for form, sides in cells(expr, (x, y))} == expected


def test_cells_joined_are_the_expression() -> None:
    expr = sp.Abs(x) + sp.Max(0, x - 1) * sp.sign(y) + sp.Piecewise((x, y > x), (0, True))
    whole = in_cells(expr, (x, y))
    rng = np.random.default_rng(2)
    for u, v in rng.normal(size=(40, 2)):
        at = {x: sp.Float(u), y: sp.Float(v)}
        assert float(whole.subs(at)) == pytest.approx(float(expr.subs(at)), abs=1e-14)
    assert in_cells(sp.Max(0, x) + sp.Max(0, -x) - sp.Abs(x), (x,)) == 0
    many = sum(sp.Abs(x - k * y**2) for k in range(1, 11))
    with pytest.raises(TooManyPieces, match="more than 8 boundaries between its pieces; average its summands"):
        cells(many, (x, y))


def test_boundaries_are_normalised_up_to_a_positive_factor() -> None:
    assert normalised(2 * x - 4 * y, (x, y)) == (x - 2 * y, 1)
    assert normalised(4 * y - 2 * x, (x, y)) == (x - 2 * y, -1)
    one, other = normalised(3 * x**2 - 3 * y, (x, y)), normalised(y - x**2, (x, y))
    assert one[0] == other[0]
    assert one[1] == -other[1]
    assert on_side(sp.Abs(4 * y - 2 * x), x - 2 * y, 1, (x, y)) == 2 * x - 4 * y
    assert on_side(sp.Eq(x, 1), x - 1, 1, (x,)) is sp.false
    assert on_side(sp.Ne(x, 1), x - 1, 1, (x,)) is sp.true


@pytest.mark.parametrize(
    ("expr", "plain", "integrable"),
    [
        (sp.exp(x) + sp.Abs(x) * 3, True, True), (1 / x, False, False), (1 / (1 + x**2), True, True),
        (sp.log(1 + x**2), True, True), (sp.log(sp.Abs(x)), False, True), (sp.sqrt(sp.Abs(x)), True, True),
        (1 / sp.sqrt(sp.Abs(x)), False, True), (1 / sp.Abs(x), False, False), (sp.tan(x), False, False),
        (sp.Piecewise((1 / x, x > 1), (0, True)), False, False), (a / 2, True, True), (sp.sqrt(x), False, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_finite_everywhere_is_known_by_its_form(expr: sp.Expr, plain: bool, integrable: bool) -> None:
    assert (is_finite(expr, (x,)), is_finite(expr, (x,), integrable=True)) == (plain, integrable)
