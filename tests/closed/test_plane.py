"""The plane of overlaps on flows made by hand: zeros that may be overlaps, Jacobians, assumptions, names, lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.fixed_points import (
    RATE,
    TARGET,
    FixedPoints,
    Plane,
    _broken,
    _name,
    _radius,
    _short,
)
from symhigh.symbols import B11, B12

R, S = sp.Rational, sp.S
a = sp.Symbol("a", positive=True)
w = sp.Symbol("w", real=True)


def plane(flow: Any, risk: Any = S.Zero, target: Any = S.One, **values: Any) -> Plane:
    made = Plane.__new__(Plane)
    made.flow, made.risk = tuple(map(sp.sympify, flow)), sp.sympify(risk)
    made.values = {sp.Symbol(k, positive=True): sp.sympify(v) for k, v in values.items()}
    made.values[TARGET] = sp.sympify(target)
    made.polynomial = all(f.is_polynomial(B11, B12) for f in made.flow)
    made.missing = ""
    return made


# --- zeros --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("point", "answer"), [
    ((1, 0), True), ((0, 0), True), ((1, 1), True), ((1, -1), True), ((4, 2), True), ((4, R(201, 100)), False),
    ((1, R(100001, 100000)), False), ((-R(1, 1000), 0), False), ((sp.I, 0), False), ((1, sp.I), True), ((2, a), True),
    ((sp.sqrt(2) ** 2, sp.sqrt(2)), True), ((a, a), True), ((-a, 0), True),
])  # fmt: skip
def test_what_may_be_overlaps(point: Any, answer: bool) -> None:
    """Real, with ``B11 >= 0`` and ``B12² <= B11 B22``, ends included; what is open may be."""
    at = tuple(map(sp.sympify, point))
    assert plane((B11, B12))._may_be(at) is answer
    assert plane((B11, B12), target=R(1, 4))._may_be((at[0], at[1] / 2)) is answer


def test_zeros_of_polynomials_and_what_is_left_of_them() -> None:
    found = plane((B11 - 4 * B12**2 + 0 * a, B12 * (B12 - R(1, 2)) * (B12 + R(1, 3)) * (B12 - 3)))
    assert set(found.zeros()) == {(0, 0), (1, R(1, 2)), (R(4, 9), -R(1, 3)), (36, 3)}
    assert set(plane(found.flow, target=R(1, 4)).zeros()) == {(0, 0), (1, R(1, 2)), (R(4, 9), -R(1, 3)), (36, 3)}
    assert set(plane(found.flow, target=R(1, 5)).zeros()) == {(0, 0)}
    assert found.missing == ""
    symbol = sp.Symbol("q", positive=True)
    quintic = (B11 - 2, B12**5 - B12 / 10 - symbol / 100)
    given = plane(quintic, q=1)
    assert sorted(float(m) for _, m in given.zeros()) == pytest.approx(
        sorted(z.real for z in np.roots([1, 0, 0, 0, -0.1, -0.01]) if abs(z.imag) < 1e-12), rel=1e-12
    )
    assert given.missing == ""
    opened = plane(quintic, q=symbol)
    assert opened.zeros() == []
    assert "are not explicit; give numbers for all parameters and start=" in opened.missing


def test_zeros_by_search_need_numbers() -> None:
    root = sp.sqrt(B11)
    flow = (root - R(1, 2) + B12 * (B12 - R(1, 5)), B12 - R(1, 5))
    found = plane(flow)
    ((p, m),) = found.zeros()
    assert (float(p), float(m)) == pytest.approx((0.25, 0.2), rel=1e-14)
    assert "by a search from 72 starts; others may exist" in found.missing
    opened = plane((root - a, B12 - R(1, 5)))
    assert opened.zeros() == []
    assert "give numbers and start=… to search" in opened.missing
    line = plane((root - a, B12 * root))
    assert line.zeros() == [(a**2, 0)]


def test_flows_that_do_not_see_the_targets_sign() -> None:
    assert plane((B11 + B12**2, B12 * B11), B12**2).mirrored
    for flow, risk in (((B11 + B12, B12), 0), ((B11, B12**2), 0), ((B11, B12), B12), ((B11, B12 + 1), 0)):
        assert not plane(flow, risk).mirrored
    even = plane((B11 - 1, B12 * (4 * B12**2 - 1)), 3 - B12**2 + B11)
    by_name = {q.name: q for q in even.points()}
    assert set(by_name) == {"no overlap", "aligned", "opposed"}
    assert (by_name["opposed"].B12.expr, by_name["aligned"].B12.expr) == (-R(1, 2), R(1, 2))
    assert by_name["opposed"].risk.expr == by_name["aligned"].risk.expr == R(15, 4)


# --- a point ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "matrix", [((-1, 0), (3, -2)), ((-1, 5), (0, -2)), ((-1, 2), (3, -4)), ((-1, -2), (2, -1)), ((0, 1), (1, 0))]
)
@pytest.mark.parametrize("shift", [0, R(1, 5)])
def test_eigenvalues_of_a_point(matrix: Any, shift: Any) -> None:
    """In a linear flow around (1, shift): those of the matrix, in the order of its diagonal where it is triangular."""
    x, y = B11 - 1, B12 - shift
    flow = [row[0] * x + row[1] * y for row in matrix]
    (found,) = plane(flow, B11 + 7 * B12).points()
    J = np.array(matrix, dtype=float)
    values = [complex(e.expr) for e in found.eigenvalues]
    if J[0, 1] * J[1, 0] == 0:
        assert values == [J[0, 0], J[1, 1]]
    assert sorted(values, key=lambda v: (v.real, v.imag)) == pytest.approx(
        sorted(np.linalg.eigvals(J).astype(complex), key=lambda v: (v.real, v.imag)), rel=1e-12
    )
    assert (found.trace.expr, found.determinant.expr) == (matrix[0][0] + matrix[1][1], round(np.linalg.det(J)))
    assert (found.B11.expr, found.B12.expr, found.risk.expr) == (1, shift, 1 + 7 * shift)
    stable = np.linalg.eigvals(J).real.max() < 0
    assert found.stable(B22=1, q=3) is bool(stable)


@pytest.mark.parametrize("m", [0.0, 0.3, -0.2])
def test_eigenvalues_of_a_point_in_numbers(m: float) -> None:
    """At a float the Jacobian is that of differences of a flow with a root and an arcsine."""
    flow = (sp.sqrt(B11) * B12 - B11**2 + RATE, sp.asin(B12 / 2) - B11 * B12 + B12**2)
    at = plane(flow, sp.sqrt(B11) + B12)
    at.values[RATE] = R(3, 10)
    p = sp.Float(0.8, 30)
    found = at.point(p, sp.Float(m, 30))
    f = sp.lambdify((B11, B12), [e.subs(RATE, 0.3) for e in flow])
    sides = [(np.array(f(0.8 + h, m + k)) - np.array(f(0.8 - h, m - k))) / 2e-6 for h, k in ((1e-6, 0), (0, 1e-6))]
    J = np.array(sides).T
    assert float(found.trace.expr) == pytest.approx(np.trace(J), rel=1e-8)
    assert float(found.determinant.expr) == pytest.approx(np.linalg.det(J), rel=1e-7, abs=1e-8)
    assert sorted(complex(e.expr).real for e in found.eigenvalues) == pytest.approx(
        sorted(np.linalg.eigvals(J).real), rel=1e-7
    )
    assert float(found.risk.expr) == pytest.approx(0.8**0.5 + m, rel=1e-12)
    assert found.B11.assumptions == ()


def test_values_at_zeros_of_other_closed_forms() -> None:
    at = plane((sp.sqrt(B11), B12), target=TARGET)
    assert at.at(sp.sqrt(B11) * sp.sqrt(TARGET) + B12, 4 * TARGET, S.Zero) == 2 * TARGET
    for side in (1, -1):
        assert sp.simplify(at.at(sp.sqrt(B11) * B12, TARGET, side * TARGET) - side * TARGET ** R(3, 2)) == 0
    first, second = at.jacobian(4 * TARGET, S.Zero)[2:]
    assert (sp.simplify(first - 1 / (4 * sp.sqrt(TARGET))), second) == (0, 1)
    coupled = plane((sp.sqrt(B11) + B12, B12 + B11), target=TARGET)
    assert coupled.jacobian(4 * TARGET, S.Zero)[2:] == (None, None)


def test_assumptions_of_a_point() -> None:
    def bounds(at: Plane, p: sp.Expr, m: sp.Expr) -> list[sp.Expr]:
        first, *more = at._assumptions(p, m)
        assert str(first) == "B22 > 0"
        assert all(isinstance(r, sp.GreaterThan) and r.rhs == 0 for r in more)
        return [sp.expand(r.lhs) for r in more]

    at = plane((B11, B12), target=TARGET)
    assert bounds(at, w, S.Zero) == [w]
    assert bounds(at, a, S.Zero) == []
    assert bounds(at, a, w) == [a * TARGET - w**2]
    assert bounds(at, S.One, w) == [TARGET - w**2]
    assert bounds(at, S.One, -TARGET / 2) == [TARGET - TARGET**2 / 4]
    assert bounds(at, sp.sqrt(w - 2), S.Zero) == [w - 2, sp.sqrt(w - 2)]
    assert bounds(at, S(4), S(5)) == [4 * TARGET - 25]
    assert bounds(plane((B11, B12)), S(4), S(1)) == [4 * TARGET - 1]
    assert bounds(plane((sp.sqrt(B11), B12), target=TARGET), TARGET * w**2, S.Zero) == [w]


def test_points_that_the_numbers_break() -> None:
    def point(*relations: Any) -> sh.FixedPoint:
        zero = sh.Formula(S.Zero, relations)
        return sh.FixedPoint("x", zero, zero, zero, (zero, zero), zero, zero)

    root = sp.sqrt(2)
    for left, right, broken in ((1, 2, True), (2, 1, False), (root**2, 2, False), (root, R(3, 2), True), (w, 2, False)):
        relation = sp.GreaterThan(sp.sympify(left), sp.sympify(right), evaluate=False)
        assert _broken(point(relation)) is broken
        assert _broken(point(sp.GreaterThan(w, 0), relation)) is broken
    assert not _broken(point())


# --- words --------------------------------------------------------------------------------------------------
def test_names_of_points() -> None:
    names = [_name(*map(sp.sympify, at)) for at in (
        (0, 0), (1, 0), (1, 2), (1, -2), (a, a), (a, -a), (a, w), (a, -w), (a, 1 - w), (a, w - 1), (a, sp.sqrt(2) - 2),
    )]  # fmt: skip
    assert names[:6] == ["origin", "no overlap", "aligned", "opposed", "aligned", "opposed"]
    assert names[6:8] == ["aligned", "opposed"]
    assert set(names[8:10]) == {"aligned", "opposed"}
    assert names[10] == "opposed"


def test_numbers_and_expressions_are_shown_short() -> None:
    assert [_short(e) for e in (R(1, 3), sp.sqrt(2), S(12345678), a + 1)] == [
        "0.333333", "1.41421", "1.23457e+07", "a + 1",
    ]  # fmt: skip
    for length in (39, 40, 41, 60):
        name = "q" * length
        shown = _short(sp.Symbol(name))
        assert shown == (name if length < 40 else "q" * 37 + "…")


@pytest.mark.parametrize("radius", [
    S.One, S(2), R(1, 2), R(2, 3), 2 / sp.pi, a, 3 * a, a + 1, (w - 1) / (a + 1), sp.sqrt(3) - 2, 2 * (a - 3) * a,
], ids=str)  # fmt: skip
def test_the_radius_of_a_size(radius: sp.Expr) -> None:
    """r with its own sign, of ``n r²``; and the values at the point without overlap that it gives."""
    found = _radius(TARGET * radius**2)
    assert sp.simplify(found - radius) == 0 or sp.simplify(found + radius) == 0
    at = plane((sp.sqrt(B11), B12), target=TARGET)
    value = at.at(B11 + 3 * B12, TARGET * radius**2, S.Zero)
    assert sp.simplify(value - TARGET * radius**2) == 0
    if radius.is_positive:
        assert sp.simplify(at.at(sp.sqrt(B11), TARGET * radius**2, S.Zero) - sp.sqrt(TARGET) * radius) == 0


def test_lists_of_points_say_what_they_hold() -> None:
    first, second = sh.Formula(a), sh.Formula(2 * a)
    one = sh.FixedPoint("aligned", first, second, sh.Formula(S(3)), (first, second), first, second)
    assert one.place == "(a, 2*a)"
    assert one.row == (a, 2 * a, 3, a, 2 * a)
    assert one.subs({a: S(5)}).row == (5, 10, 3, 5, 10)
    assert one.subs({a: S(5)}).trace.expr == 5
    assert one.subs({a: S(5)}).determinant.expr == 10
    turned = one.mirrored()
    assert (turned.name, turned.row) == ("opposed", (a, -2 * a, 3, a, 2 * a))
    assert repr(FixedPoints([one])) == "FixedPoints(aligned at (a, 2*a))"
    assert repr(FixedPoints([one, turned], "more < less")) == (
        "FixedPoints(aligned at (a, 2*a), opposed at (a, -2*a); partial: more < less)"
    )
    assert repr(FixedPoints([])) == "FixedPoints(none)"
    shown = FixedPoints([one], "more < less")._repr_html_()
    assert shown.count("<tr>") == 2
    assert "more &lt; less" in shown
    assert shown.count("<th>") == 6
