"""Zeros in the plane of overlaps, and numbers read off eigenvalues, on functions and matrices made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from symhigh.closed import symmetry
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.planar import _factors, _roots, beside, polynomial_zeros, symmetric_zeros, tidy
from symhigh.closed.searched import _inside, _newton, _refined, searched_zeros
from symhigh.closed.spectral import CriticalRate, SlowestDecay, eigenvalues

p, m, n, a = sp.Symbol("p"), sp.Symbol("m"), sp.Symbol("n", positive=True), sp.Symbol("a", positive=True)
R = sp.Rational


# --- polynomials --------------------------------------------------------------------------------------------
def test_common_zeros_of_polynomials() -> None:
    points, left = polynomial_zeros([p - m**2, p + m - 2], p, m)
    assert (set(points), left) == ({(1, 1), (4, -2)}, [])
    points, left = polynomial_zeros([p**2 + m**2 - 25, m * (p - 3)], p, m)
    assert set(points) == {(5, 0), (-5, 0), (3, 4), (3, -4)}
    points, left = polynomial_zeros([p**2 - a, m - p], p, m)
    assert set(points) == {(sp.sqrt(a), sp.sqrt(a)), (-sp.sqrt(a), -sp.sqrt(a))}
    quintic = p**5 - p - 1
    points, left = polynomial_zeros([quintic, m - p], p, m)
    assert [float(e) for point in points for e in point] == pytest.approx([1.1673039782614187] * 2)
    assert left == []
    points, left = polynomial_zeros([p**5 - p - a, m - p], p, m)
    assert (points, left) == ([], [p**5 - p - a])
    with pytest.raises(DoesNotApply, match="they fill the curve"):
        polynomial_zeros([p * (p - m), (p - m) * m], p, m)


def test_roots_factor_by_factor() -> None:
    left: list[sp.Expr] = []
    assert set(_roots((p - 2) * (p**2 - 3) * (p**2 + 1) / a, p, left)) == {2, sp.sqrt(3), -sp.sqrt(3), sp.I, -sp.I}
    assert left == []
    assert _roots(a * p**7 - p - 1, p, left) == []
    assert left == [a * p**7 - p - 1]
    assert _roots(sp.sqrt(2) * p**5 - p - 1, p, left) == []  # no rational coefficients
    assert len(left) == 2
    assert _factors(a + 1, p, m) == []
    assert set(_factors(a * p * (p + m) / (p + 2), p, m)) == {p, p + m}
    assert tidy(1 / (1 + sp.sqrt(2))) == sp.sqrt(2) - 1
    assert tidy(a**2 - 1) == (a - 1) * (a + 1)


# --- lines of symmetry --------------------------------------------------------------------------------------
def test_zeros_on_lines_of_symmetry() -> None:
    found = symmetric_zeros([p - 3 * n + 2 * m**2 / n, m * (p - n)], p, m, n)
    assert set(found) == {(3 * n, 0), (n, n), (n, -n)}
    assert symmetric_zeros([p - 3 * n, m + 1 + p], p, m, n) == []
    root = symmetric_zeros([sp.sqrt(p) * sp.sqrt(n) - 2 * p, m * (p + 5)], p, m, n)
    assert root == [(n / 4, 0)]


def test_values_beside_the_edge() -> None:
    assert beside(p * m + a, p, m, n, -1) == a - n**2
    angle = sp.sqrt(p * n - m**2) / sp.acos(m / sp.sqrt(p * n))
    assert sp.simplify(beside(angle.rewrite(sp.asin), p, m, n, 1) - n) == 0


# --- a search -----------------------------------------------------------------------------------------------
def test_a_search_finds_what_is_inside() -> None:
    found = searched_zeros([p - R(1, 2), m - R(1, 3)], p, m, sp.Integer(1))
    assert [[float(e) for e in point] for point in found] == [pytest.approx([0.5, 1 / 3], rel=1e-14)]
    assert searched_zeros([p - R(1, 2), m], p, m, sp.Integer(1)) == []  # on a line of symmetry
    assert searched_zeros([p - 1, m - 2], p, m, sp.Integer(1)) == []  # no overlap
    two = searched_zeros([p - 1, m**2 - R(1, 4)], p, m, sp.Integer(2))
    assert sorted(float(y) for _, y in two) == pytest.approx([-0.5, 0.5], rel=1e-14)


def test_newtons_method_stays_inside() -> None:
    found = _newton(lambda r, c: (r**2 - 2, r * c - 0.5), np.array([0.7, 0.1]))
    assert found == pytest.approx([2**0.5, 0.5 / 2**0.5], rel=1e-8)
    assert _newton(lambda r, c: (r * 0 + 1.0, c), np.array([0.7, 0.1])) is None  # no slope
    assert _newton(lambda r, c: (r + 1.0, c - 0.1), np.array([0.7, 0.1])) is None  # outside
    assert [_inside(at) for at in ((1, 0), (1e-5, 0), (2e3, 0), (1, 1), (1, -1), (1e-3, 0.99), (999, -0.99))] == [
        True, False, False, False, False, True, True,
    ]  # fmt: skip
    with mpmath.workdps(40):
        near = _refined(lambda r, c: (r**2 - 2, c - 0.25), (1.41421356, 0.25))
        assert near is not None
        assert abs(near[0] - mpmath.sqrt(2)) < mpmath.mpf(10) ** -30
        assert _refined(lambda r, c: (r**2 - 2, c - 0.25), (1.3, 0.25)) is None
        assert _refined(lambda r, c: (r**2 + 2, c), (1.0, 0.25)) is None


def test_zeros_are_found_once_each_and_to_many_digits() -> None:
    """Four zeros of a circle and a hyperbola in (p, m), n = 2, those outside and on the line of symmetry left out."""
    equations = [p + m - R(7, 10), p * m - R(1, 10)]
    found = searched_zeros(equations, p, m, sp.Integer(2))
    exact = sorted((R(7, 10) + side * sp.sqrt(R(49, 100) - R(2, 5))) / 2 for side in (-1, 1))
    assert sorted(float(x) for x, _ in found) == pytest.approx([float(e) for e in exact], rel=1e-14)
    for x, y in found:
        assert abs(x + y - R(7, 10)) < sp.Float(10, 40) ** -28
        assert abs(x * y - R(1, 10)) < sp.Float(10, 40) ** -28
    many = searched_zeros([sp.sin(3 * p) * sp.cos(m), (m - R(1, 20)) * (m - R(1, 5))], p, m, sp.Integer(1))
    places = {(round(float(x), 8), round(float(y), 8)) for x, y in many}
    assert len(places) == len(many)
    assert {(round(float(np.pi / 3), 8), y) for y in (0.05, 0.2)} <= places


@pytest.mark.parametrize(
    ("function", "start"),
    [
        (lambda r, c: (r - 0.5, 1e-3 * (c - 0.25) ** 2 + 1e-3), (0.6, 0.3)),  # no zero: the second levels out
        (lambda r, c: (1e-3 + r * 0 + (r - 0.5) ** 2, c - 0.25), (0.6, 0.3)),
        (lambda r, c: (r - 0.5, c), (0.6, 0.3)),  # on the line of symmetry
        (lambda r, c: (r - 5e-5, c - 0.25), (0.6, 0.3)),  # too small
        (lambda r, c: (r - 0.5, c - 1.0), (0.6, 0.3)),  # on the edge
        (lambda r, c: (np.nan * r, c), (0.6, 0.3)),
    ],
)
def test_what_newtons_method_does_not_take_for_a_zero(function: Any, start: Any) -> None:
    assert _newton(function, np.array(start)) is None


def test_newtons_method_is_damped_at_the_edge() -> None:
    found = _newton(lambda r, c: (np.log(r / 3), np.arctanh(c) - 2.0), np.array([0.05, -0.9]))
    assert found == pytest.approx([3, np.tanh(2.0)], rel=1e-8)
    steep = _newton(lambda r, c: (r**9 - 1, c**3 - 0.008), np.array([2.0, 0.9]))
    assert steep == pytest.approx([1, 0.2], rel=1e-6)


# --- eigenvalues --------------------------------------------------------------------------------------------
MATRICES: list[Any] = [
    [[-3]], [[-1, 2], [0, -4]], [[-1, -5], [5, -2]], [[-2, 1], [1, -3]],
    [[-2, 1, 0], [0, -3, 1], [R(1, 2), 0, -1]],
]  # fmt: skip


@pytest.mark.parametrize("matrix", MATRICES)
def test_the_slowest_decay(matrix: Any) -> None:
    exact = -np.linalg.eigvals(np.array(matrix, dtype=float)).real.max()
    found = SlowestDecay(sp.Matrix(matrix))
    assert float(found.evalf(20)) == pytest.approx(exact, rel=1e-13)
    assert sorted(float(mpmath.re(e)) for e in eigenvalues(mpmath.matrix(np.array(matrix, dtype=float).tolist()))) == (
        pytest.approx(sorted(np.linalg.eigvals(np.array(matrix, dtype=float)).real), rel=1e-12)
    )


def test_the_critical_rate() -> None:
    drift = sp.Matrix([[-2, R(1, 2), 0], [0, -3, R(1, 4)], [R(1, 5), 0, -1]])
    noise = sp.Matrix([[1, 2, 0], [R(1, 2), 1, 1], [3, 0, 1]])
    rate = float(CriticalRate(drift, noise).evalf(20))
    A, B = (np.array(e.tolist(), dtype=float) for e in (drift, noise))
    top = [np.linalg.eigvals(g * A + g**2 * B).real.max() for g in (0.999 * rate, 1.001 * rate)]
    assert top[0] < 0 < top[1]
    assert CriticalRate(drift, sp.zeros(3)).evalf() == sp.oo


# --- exchanges ----------------------------------------------------------------------------------------------
def flow(loss: Any, targets: sp.Matrix) -> Any:
    u1, u2, t1, t2 = sp.symbols("u1 u2 t1 t2")
    x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2")
    field = SimpleNamespace(learnt=(u1, u2), targets=(t1, t2), coordinates=(u1, u2))
    outcome = SimpleNamespace(loss=loss(x1, x2, y1, y2), probability=sp.S.One)
    problem = SimpleNamespace(directions=(x1, x2, y1, y2), outcomes=(outcome,))
    pairs = [(u1, u1), (u1, u2), (u2, u2), (u1, t1), (u1, t2), (u2, t1), (u2, t2)]
    return SimpleNamespace(system=SimpleNamespace(field=field, problem=problem), pairs=pairs, targets=targets)


def test_exchanges_that_change_nothing() -> None:
    even = flow(lambda x1, x2, y1, y2: (x1**2 + x2**2 - y1**2 - y2**2) ** 2, sp.eye(2))
    odd = flow(lambda x1, x2, y1, y2: (x1**2 + 2 * x2**2 - y1**2 - 2 * y2**2) ** 2, sp.eye(2))
    apart = flow(lambda x1, x2, y1, y2: (x1**2 + x2**2 - y1**2 - y2**2) ** 2, sp.diag(1, 2))
    for given, students, targets in ((even, 1, 1), (odd, 0, 0), (apart, 1, 0)):
        assert len(symmetry.exchanges(given, symmetry.student_swaps(given))) == students
        assert len(symmetry.exchanges(given, symmetry.target_swaps(given))) == targets
    plain = next(symmetry.assignments(even))
    assert plain == dict(zip(even.system.field.learnt, ((t, 1) for t in even.system.field.targets), strict=True))
    assert len(list(symmetry.assignments(even))) == 8
    (joint,) = symmetry.joint_swaps(even, plain)
    assert len(joint) == 4
    assert symmetry.joint_swaps(even, {v: (t, s) for s, (v, (t, _)) in zip((1, -1), plain.items(), strict=True)}) == []
    assert sorted(map(sorted, symmetry.orbits(even, [joint]))) == [[0, 2], [1], [3, 6], [4, 5]]
    assert sorted(map(sorted, symmetry.orbits(even, symmetry.student_swaps(even)))) == [[0, 2], [1], [3, 5], [4, 6]]
    fewer = flow(lambda *z: z[0], sp.eye(2))
    fewer.system.field.targets = fewer.system.field.targets[:1]
    assert list(symmetry.assignments(fewer)) == []
