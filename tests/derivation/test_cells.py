"""Cells of a function of the residual: their forms, where they touch the origin, and how they behave there."""

from __future__ import annotations

import pytest
import sympy as sp

from symhigh.derivation.cells import Cell, _by_sign, cells_of
from symhigh.derivation.gaussian.digits import _Nested
from symhigh.derivation.gaussian.jumps import branchwise, jump, jumps
from symhigh.symbols import x, x_star

u, c = sp.Symbol("u", positive=True), sp.Symbol("c", positive=True)
r = sp.Symbol("r", real=True)


@pytest.mark.parametrize(
    ("form", "low", "power", "smooth"),
    [
        (u**2, 0, 2, True), (1 / u, 0, -1, False), (1 / u, c, -1, True), (sp.sqrt(u), 0, 0.5, True),
        (1 / sp.sqrt(u), 0, -0.5, False), (sp.Integer(1), 0, 0, True), (sp.sin(u) / u, 0, 0, True),
        (sp.Abs(u - c), 0, 0, False), (c / (c + u), 0, 0, True), (1 / u, -c, -1, False),
    ],
    ids=str,
)  # fmt: skip
def test_a_cell_is_smooth_where_its_form_is_and_bounded_at_the_origin(
    form: sp.Expr, low: sp.Expr, power: float, smooth: bool
) -> None:
    cell = Cell(1, u, sp.sympify(low), sp.oo, form)
    assert cell.touches_zero is bool(sp.sympify(low).is_nonpositive)
    assert cell.power_at_zero == power
    assert cell.smooth is smooth


def test_forms_are_cut_at_their_kinks() -> None:
    found = {(cell.side, cell.low, cell.high): cell.form.subs(cell.variable, u) for cell in cells_of(sp.Max(r, c), r)}
    assert found == {(1, sp.S.Zero, c): c, (1, c, sp.oo): u, (-1, sp.S.Zero, sp.oo): c}
    (right, left) = cells_of(r**3, r)
    assert (right.form, left.form) == (right.variable**3, -left.variable**3)
    assert [cell.differentiated().form.subs(cell.variable, u) for cell in (right, left)] == [3 * u**2, 3 * u**2]
    assert right.times(sp.Integer(2)).form == 2 * right.variable**3
    assert Cell(1, u, sp.S.Zero, sp.oo, sp.sin(u) / u).at(sp.S.Zero) == 1


@pytest.mark.parametrize(
    ("expr", "point", "value"),
    [
        (sp.sqrt(sp.Max(0, x)), -1, 0), (sp.sqrt(sp.Max(0, x)), 4, sp.Rational(1, 4)),
        (1 / sp.Max(1, x), sp.Rational(1, 2), 0), (1 / sp.Max(1, x), 2, -sp.Rational(1, 4)),
        (sp.Abs(x) ** 3, -2, -12), (sp.sign(x) * x**2, -2, 4), (sp.Heaviside(x) * x, 3, 1),
    ],
    ids=str,
)  # fmt: skip
def test_derivatives_inside_the_pieces_are_finite_there(expr: sp.Expr, point: sp.Expr, value: sp.Expr) -> None:
    assert branchwise(expr, x, [x]).subs(x, point).doit() == value


def test_jumps_are_the_right_side_minus_the_left() -> None:
    assert jump(sp.sign(x), x, [x]) == 2
    assert jump(sp.Heaviside(x - 1) * x_star, x - 1, [x, x_star]) == x_star
    assert jump(sp.Abs(x), x, [x]).subs(x, 0) == 0
    assert jumps(sp.sign(x) + sp.Abs(x_star), [x, x_star], [x]) == [x]
    assert jumps(sp.Abs(x) + sp.Abs(x_star), [x, x_star], [x, x_star]) == []
    assert jumps(x**2, [x], [x]) == []


def test_curved_boundaries_meet_where_their_order_changes() -> None:
    from types import SimpleNamespace
    from typing import Any

    import mpmath

    edges: Any = [SimpleNamespace(slopes=None, root=lambda z: z), SimpleNamespace(slopes=None, root=lambda z: 1 - z**2)]
    nested: Any = SimpleNamespace(
        end=mpmath.mpf(3), arithmetic=SimpleNamespace(tolerance=mpmath.mpf(10) ** -12),
        on_line=lambda edge, level, outer: [edge.root(outer[-1])],
    )  # fmt: skip
    found = _Nested.meetings(nested, edges, 0, [])
    golden = (5**0.5 - 1) / 2  # z = 1 - z², and where a boundary leaves the reach at z² = 4
    inside = [float(z) for z in found if abs(z) < 2.9]
    assert inside == pytest.approx([-2, -golden - 1, golden, 2], abs=1e-9)


@pytest.mark.parametrize(
    ("gap", "turns", "signs"),
    [
        (u - c, [c], [-1, 1]), (c - u, [c], [1, -1]), (1 / (u - c), [c], [-1, 1]), (1 / (c - u), [c], [1, -1]),
        ((u - c) / (u + c), [c], [-1, 1]), ((u - c) ** 2 + 1, [c, c], [1, -1, 1]), (u**2 - c**2, [c], [-1, 1]),
        (u * (u - c) ** 3, [c], [-1, 1]),
    ],
    ids=str,
)  # fmt: skip
def test_signs_turn_at_roots_and_at_poles(gap: sp.Expr, turns: list[sp.Expr], signs: list[int]) -> None:
    found, around = _by_sign(gap, u, sp.Integer)
    assert ([sp.simplify(turn) for turn in found], [int(s) for s in around]) == (turns, signs)
