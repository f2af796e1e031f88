"""Parts of a Gaussian expectation against plain quadrature and linear algebra, at what is special about each."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from scipy.stats import norm

from symhigh.derivation.gaussian import GaussianMean, Sigmoid, Softplus, expect, mean_gradient
from symhigh.derivation.gaussian import rules as line_rules
from symhigh.derivation.gaussian.basis import sign_basis
from symhigh.derivation.gaussian.cells import _union, cells, in_cells, on_side
from symhigh.derivation.gaussian.conditional import along, conditional
from symhigh.derivation.gaussian.crossings import changes, crossings
from symhigh.derivation.gaussian.digits import integrate
from symhigh.derivation.gaussian.forms import affine_parts, spanned
from symhigh.derivation.gaussian.jumps import branchwise, jumps
from symhigh.derivation.gaussian.kinks import split
from symhigh.derivation.gaussian.lazy import lazy_cse
from symhigh.derivation.gaussian.moments import moment
from symhigh.derivation.gaussian.node import _canonical, bound_variable
from symhigh.derivation.gaussian.pieces import Pieces, hidden, shown
from symhigh.derivation.gaussian.smooth import explicit, recognise
from symhigh.derivation.gaussian.symmetry import vanishes
from symhigh.derivation.gaussian.tails import Hazard, LogErfc
from symhigh.derivation.gaussian.terms import collect_terms
from symhigh.symbols import B11, B12, B22
from tests.derivation.gaussian.reference import THREE, TWO, expectation

R, S = sp.Rational, sp.S
u, v, w = sp.symbols("u v w", real=True)
a, b, s = sp.symbols("a b s", positive=True)


# --- moments of higher powers beyond a threshold ----------------------------------------------------------------
@pytest.mark.parametrize(
    ("power", "form", "at"),
    [((4, 0), (0, 1), R(1, 3)), ((5, 1), (0, 1), R(-1, 2)), ((0, 4), (1, 0), R(2, 3)), ((3, 3), (1, -1), R(1, 4)),
     ((2, 4), (1, 1), R(3, 5)), ((4, 1), (2, 1), S(0)), ((1, 5), (1, -2), R(-3, 4)), ((0, 7), (0, 1), R(1, 2))],
)  # fmt: skip
def test_powers_beyond_a_line(power: tuple[int, int], form: tuple[int, int], at: sp.Expr) -> None:
    found = moment({power: S(3)}, [(tuple(map(S, form)), at)], TWO)
    line = form[0] * u + form[1] * v - at
    whole = 3 * u ** power[0] * v ** power[1] * sp.sign(line)
    second, _ = expectation(whole, (u, v), [list(r) for r in TWO], [line], 11)
    assert float(found) == pytest.approx(float(second), rel=1e-11, abs=1e-11)


# --- one variable given the others ------------------------------------------------------------------------------
@pytest.mark.parametrize("k", [0, 1, 2])
def test_one_variable_given_the_others(k: int) -> None:
    variables = (u, v, w)
    found = conditional(variables[k], variables, THREE)
    C = np.array(THREE, dtype=float)
    others = [i for i in range(3) if i != k]
    weights = np.linalg.solve(C[np.ix_(others, others)], C[others, k])
    prediction = found.prediction.subs(found.meaning)
    assert [float(sp.diff(prediction, variables[i])) for i in others] == pytest.approx(weights)
    assert float(found.variance.subs(found.meaning)) == pytest.approx(C[k, k] - weights @ C[others, k])
    assert found.others == tuple(variables[i] for i in others)
    assert np.array(found.law, float) == pytest.approx(C[np.ix_(others, others)])
    assert found.express(variables[k] ** 2 + variables[others[0]]) == (
        (found.prediction + found.rest) ** 2 + variables[others[0]]
    )
    named = conditional(u, (u, v), ((a, b), (b, s)))
    assert sp.simplify(named.variance.subs(named.meaning) - (a - b**2 / s)) == 0
    assert sp.simplify(named.prediction.subs(named.meaning) - b / s * v) == 0
    alone = conditional(u, (u, v), ((a, S(0)), (S(0), s)))
    assert (alone.prediction, alone.variance.subs(alone.meaning), alone.law) == (0, a, ((s,),))


@pytest.mark.parametrize(
    ("expr", "order"),
    [
        (sp.Abs(u**2 - v), [v, u]), (sp.Abs(u * v - 1), [u, v]), (sp.Abs(u**3 - v), [v]), (sp.Abs(u - v), [u, v]),
        (sp.Abs(u**2 + v**2 - 1), [u, v]), (sp.Abs(sp.sin(u) - v), [v]), (sp.exp(u), []),
        (sp.Abs(u) + sp.Abs(v), [u, v]),
        (sp.Abs(u * v**2 - 1), [u, v]), (sp.Abs(v * u**2 - u - 3), [v, u]),
    ],
    ids=str,
)  # fmt: skip
def test_the_variable_of_the_simplest_boundary_comes_first(expr: sp.Expr, order: list[sp.Symbol]) -> None:
    assert list(along(expr, (u, v))) == order


# --- sign changes -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("low", "high"), [(10.0, 12.0), (-7.0, -6.5), (-1.0, 30.0), (0.25, 0.5)])
def test_only_points_of_the_interval_are_looked_at(low: float, high: float) -> None:
    places = [low + (high - low) * share for share in (0.11, 0.47, 0.52, 0.93)]
    seen: list[float] = []

    def f(z: float) -> float:
        seen.append(z)
        return math.prod(z - place for place in places)

    assert crossings(f, low, high, 1e-13) == pytest.approx(places, abs=1e-9)
    assert min(seen) >= low
    assert max(seen) <= high


def test_zeros_on_the_grid_at_the_ends_and_touched() -> None:
    middle = 1.5
    assert crossings(lambda z: z - middle, -1.0, 4.0, 1e-13) == pytest.approx([middle])
    assert crossings(lambda z: middle - z, -1.0, 4.0, 1e-13) == pytest.approx([middle])
    for root in (-1.0, 4.0):  # a zero at an end is none inside
        assert crossings(lambda z, root=root: z - root, -1.0, 4.0, 1e-13) == []
    assert crossings(lambda z: (z - middle) ** 2, -1.0, 4.0, 1e-13) == []
    found = crossings(lambda z: (z - middle) ** 2 - 1e-5, -1.0, 4.0, 1e-13)
    assert found == pytest.approx([middle - 1e-5**0.5, middle + 1e-5**0.5], abs=1e-9)
    assert crossings(lambda z: 1.0, -1.0, 4.0, 1e-13) == []
    steep = crossings(lambda z: math.tanh(1e6 * (z - 0.3)), -1.0, 4.0, 1e-12)
    assert steep == pytest.approx([0.3], abs=1e-11)
    states = changes(lambda z: "left" if z < 0.3 else "right", -1.0, 4.0, 1e-9)
    assert states == pytest.approx([0.3], abs=1e-9)
    assert changes(lambda z: (z > 0.3, z > 0.3 + 1e-4), -1.0, 4.0, 1e-9) == pytest.approx([0.3, 0.3 + 1e-4], abs=1e-8)


# --- cells ------------------------------------------------------------------------------------------------------
def test_eight_boundaries_are_cut_and_nine_are_not() -> None:
    eight = sum(sp.Abs(u - k * v**2) for k in range(1, 9))
    found = cells(eight, (u, v))
    for x, y in ((-1.0, 0.5), (0.3, 0.4), (2.0, 0.6), (5.0, 0.7)):
        at = {u: sp.Float(x), v: sp.Float(y)}
        here = [form for form, sides in found if all(side * boundary.subs(at) > 0 for boundary, side in sides)]
        assert [float(form.subs(at)) for form in here] == pytest.approx([float(eight.subs(at))])
    with pytest.raises(ValueError, match="it has more than 8 boundaries"):
        cells(eight + sp.Abs(u - 9 * v**2), (u, v))


PIECES = [
    sp.Max(u, v, 1), sp.Min(u, 2 * v, -1, u + v), sp.Abs(sp.Max(u, 0) - v), sp.Max(0, sp.Abs(u) - 1) * sp.sign(v),
    sp.Piecewise((u, (u > 0) & (v > 0)), (v, u < -1), (3, True)), sp.Heaviside(v - u) * u + sp.Heaviside(u - v) * v,
    sp.Piecewise((u, u >= v), (sp.Max(u, -v), True)), sp.sign(sp.Min(u, v)) * u,
    sp.Piecewise((1, sp.Or(u > 1, v > 1)), (0, True)), sp.Abs(u - v) - sp.Abs(v - u) + u,
]  # fmt: skip


@pytest.mark.parametrize("expr", PIECES, ids=str)
def test_cells_and_signs_are_the_expression_at_every_point(expr: sp.Expr) -> None:
    whole, forms = in_cells(expr, (u, v)), cells(expr, (u, v))
    parts = split(expr, (u, v))
    for x, y in itertools.product((-2.3, -0.73, 0.4, 1.3, 2.9), (-1.9, -0.34, 0.6, 1.7)):
        at = {u: sp.Float(x), v: sp.Float(y)}
        value = float(expr.subs(at))
        assert float(whole.subs(at)) == pytest.approx(value)
        here = [form for form, sides in forms if all(side * boundary.subs(at) > 0 for boundary, side in sides)]
        assert [float(sp.sympify(form).subs(at)) for form in here] == pytest.approx([value])
        total = sum((sp.prod([sp.sign(t) for t in signs]) * g).subs(at) for signs, g in parts.items())
        assert float(total) == pytest.approx(value)


def test_cells_are_joined_where_they_share_a_boundary_and_nothing_else_parts_them() -> None:
    assert _union(((u, 1), (v, 1)), ((u, -1), (v, 1))) == ((v, 1),)
    assert _union(((u, 1),), ((u, -1),)) == ()
    assert _union(((u, 1), (v, 1)), ((u, -1), (v, -1))) is None
    assert _union(((u, 1), (v, 1)), ((u, 1), (v, -1))) == ((u, 1),)
    assert _union(((u - 1, 1),), ((u, -1),)) is None
    assert on_side(sp.Max(u, v, w), u - v, 1, (u, v, w)) == sp.Max(u, w)
    assert on_side(sp.Max(u, v, w), u - v, -1, (u, v, w)) == sp.Max(v, w)
    assert on_side(sp.Min(u, v, w), u - v, 1, (u, v, w)) == sp.Min(v, w)
    assert on_side(sp.Min(u, v, w), u - v, -1, (u, v, w)) == sp.Min(u, w)
    assert on_side(sp.Heaviside(v - u), u - v, 1, (u, v)) == 0
    assert on_side(sp.sign(v - u), u - v, 1, (u, v)) == -1
    assert on_side(sp.Abs(v - u), u - v, 1, (u, v)) == u - v
    assert on_side(u < v, u - v, 1, (u, v)) == sp.false
    assert on_side(u <= v, u - v, -1, (u, v)) == sp.true
    assert on_side(sp.Abs(u), v, 1, (u, v)) == sp.Abs(u)


def test_conditions_of_many_cells_are_those_of_their_sides() -> None:
    clipped = sp.Max(-a, sp.Min(a, u)) ** 2
    whole = in_cells(clipped, (u,))
    values = {x: float(whole.subs({a: R(3, 2), u: x})) for x in (-3, -1, 0.5, 2)}
    assert values == pytest.approx({-3: 2.25, -1: 1, 0.5: 0.25, 2: 2.25})


# --- derivatives in law -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "expr",
    [sp.sign(u) * v**2, sp.Heaviside(u - v - R(1, 2)) * sp.exp(v / 2), sp.Max(u, 0) * sp.sign(v - 1),
     sp.Piecewise((u**2, u > v), (v, True)), sp.sign(u * v), sp.Heaviside(v - u**2), sp.sign(u) * sp.tanh(v),
     sp.Abs(u) * v, sp.Piecewise((1, sp.Abs(u) < 1), (0, True)) * (u + 2)],
    ids=str,
)  # fmt: skip
def test_mean_gradients_are_moments_by_the_inverse(expr: sp.Expr) -> None:
    """``E ∂G = S⁻¹ E v G``, the averages taken on a grid of cells of normal probability."""
    found = mean_gradient(expr, (u, v), TWO, (u, v))
    L = np.linalg.cholesky(np.array(TWO, float))
    size = 1000
    z = norm.ppf((np.arange(size) + 0.5) / size)
    grid = np.stack(np.meshgrid(z, z + 1e-9, indexing="ij"))
    x, y = np.einsum("ij,jkl->ikl", L, grid)
    value = sp.lambdify((u, v), expr.rewrite(sp.Piecewise) if expr.has(sp.Heaviside, sp.Max) else expr, "numpy")(x, y)
    moments = np.array([(x * value).mean(), (y * value).mean()])
    exact = np.linalg.solve(np.array(TWO, float), moments)
    assert [float(f) for f in found] == pytest.approx(exact, abs=1.2e-2, rel=1.2e-2)


def test_derivatives_within_pieces_keep_the_pieces_of_roots() -> None:
    rooted = 1 / (1 + sp.Abs(u)) ** 2
    slope = branchwise(rooted, u, (u,))
    for at in (R(-3, 2), R(5, 4)):
        assert float(slope.subs(u, at)) == pytest.approx(float(-2 * sp.sign(at) / (1 + abs(at)) ** 3))
    assert jumps(sp.sign(u - 2) * v, (u, v), (u,)) == [u - 2]
    assert jumps(sp.sign(u - 2) * v, (u, v), (v,)) == []
    assert jumps(sp.sign(u - 2) * (u - 2), (u, v), (u,)) == []
    assert set(jumps(sp.Heaviside(u**2 - 2) + sp.Heaviside(v), (u, v), (u, v))) == {u**2 - 2, v}
    assert jumps(sp.Heaviside(sp.sinh(u) - v), (u, v), (u,)) != []
    assert jumps(sp.Max(sp.sinh(u) - v, 0), (u, v), (u,)) == []


# --- nodes ------------------------------------------------------------------------------------------------------
Z = [bound_variable(k) for k in range(3)]


def test_the_order_of_bound_variables_does_not_matter() -> None:
    first, cov = _canonical(sp.tanh(u) * sp.cosh(v), [u, v], sp.Matrix([[2, 1], [1, 3]]))
    second, other = _canonical(sp.tanh(u) * sp.cosh(v), [v, u], sp.Matrix([[3, 1], [1, 2]]))
    assert (first, cov) == (second, other)
    both = ((sp.tanh(u) * sp.tanh(v), [[2, 1], [1, 3]]), (sp.exp(-((u + v) ** 4)), [[b, 0], [0, a]]))
    for integrand, entries in both:
        turned = [[entries[1][1], entries[1][0]], [entries[0][1], entries[0][0]]]
        assert GaussianMean(integrand, (u, v), entries) == GaussianMean(integrand, (v, u), turned)


def test_how_a_node_is_written() -> None:
    plane = GaussianMean(sp.tanh(u) ** 2 * sp.cosh(v) ** R(1, 2), (u, v), [[B11, B12], [B12, B22]])
    assert r"\sim \mathcal{N}(0, B)" in sp.latex(plane)
    names = sp.latex(plane).split(r"\sim")[0]
    direct = str(plane.cov[0, 0]) == "B11"
    assert names.endswith("{z_{1}, z_{2} " if direct else "{z_{2}, z_{1} ")
    other = GaussianMean(sp.tanh(u) ** 2 * sp.cosh(v) ** R(1, 2), (u, v), [[a, B12], [B12, B22]])
    assert r"\mathcal{N}(0, B)" not in sp.latex(other)
    turned = GaussianMean(sp.tanh(v) ** 2 * sp.cosh(u) ** R(1, 2), (u, v), [[B11, B12], [B12, B22]])
    assert r"\sim \mathcal{N}(0, B)" in sp.latex(turned)
    assert sp.latex(turned).split(r"\sim")[0] != names
    assert sp.latex(plane**2).endswith("^{2}")
    assert str(plane).endswith("; _z1, _z2 ~ N(0, ((B11, B12), (B12, B22)))") or direct is False


@pytest.mark.parametrize(
    "g", [1 / (1 + sp.Abs(u)), sp.sqrt(1 + sp.Abs(u - 1)), 1 / (2 + sp.sign(u)) ** 2 * sp.cosh(u / 2) ** R(1, 2),
          sp.log(1 + sp.Abs(u)), sp.Abs(u) ** R(5, 2), sp.Max(u, 1) ** R(1, 2)], ids=str,
)  # fmt: skip
def test_derivatives_of_kinked_nodes_in_the_variance(g: sp.Expr) -> None:
    node = GaussianMean(g, (u,), [[s]])
    f = sp.lambdify(u, g, "mpmath")
    with mp.workdps(25):

        def by_parts(x: Any) -> Any:  # ∂E g/∂s = E g (z² - s)/(2 s²)
            return f(x) * (x * x - 2) / 8 * mp.exp(-x * x / 4) / mp.sqrt(4 * mp.pi)

        exact = mp.quad(by_parts, [-20, -6, -2, -1, 0, 1, 2, 6, 20])
    assert float(sp.diff(node, s).subs(s, 2).evalf(12)) == pytest.approx(float(exact), rel=1e-7)


def test_what_is_known_of_a_node() -> None:
    node = GaussianMean(sp.cosh(u) ** R(1, 2), (u,), [[s]])
    assert node.is_positive
    assert node.is_nonnegative
    assert node.is_finite
    assert node.is_extended_real
    assert GaussianMean(sp.tanh(u) ** 2, (u,), [[s]]).is_positive is None
    assert GaussianMean(sp.tanh(u) ** 2, (u,), [[s]]).is_nonnegative
    assert GaussianMean(sp.tanh(u - 1), (u,), [[s]]).is_nonnegative is None
    assert node.subs(node.variables[0], 5) == node
    assert GaussianMean(3 * a * sp.tanh(u) ** 2, (u,), [[s]]) == 3 * a * GaussianMean(sp.tanh(u) ** 2, (u,), [[s]])
    assert GaussianMean(u**2 * v, (u, v), [[1, 0], [0, 0]]) == 0
    assert GaussianMean(sp.cosh(u) + v, (u, v), [[0, 0], [0, 1]]) == 1
    with pytest.raises(ValueError, match=r"GaussianMean\(cov of shape \(1, 2\)\): needs one row for each of 1"):
        GaussianMean(sp.tanh(u), (u,), [[1, 2]])


def test_pieces_are_hidden_and_shown() -> None:
    whole = 1 + u * sp.Piecewise((sp.cos(u), u > a), (sp.Piecewise((v, v > 0), (1, True)), True))
    kept = hidden(whole)
    assert kept.has(Pieces)
    assert not kept.has(sp.Piecewise)
    assert shown(kept) == whole
    assert hidden(u**2) == u**2
    settled = kept.xreplace({a: sp.S(0)}).xreplace({u: sp.S(2)})
    assert shown(settled, evaluate=True) == 1 + 2 * sp.cos(2)


def test_common_parts_leave_branches_whole() -> None:
    e = sp.exp(u + v)
    piece = sp.Piecewise((sp.log(u) * e, u > 0), (0, True))
    shared, (first, second) = lazy_cse([piece + e, e**2 * sp.sin(e)])
    assert all(not value.has(sp.log) for _, value in shared)
    back = dict(reversed(shared))
    for found, whole in ((first, piece + e), (second, e**2 * sp.sin(e))):
        for _ in shared:
            found = found.xreplace(back)
        assert found == whole
    alone = lazy_cse(e + sp.sin(e))
    assert not isinstance(alone[1], list)


# --- symmetries -------------------------------------------------------------------------------------------------
SYMMETRIC = ((S(1), S(0)), (S(0), S(1)))


@pytest.mark.parametrize(
    ("expr", "cov", "zero"),
    [
        (sp.sign(u) * sp.Abs(v), TWO, True), (sp.sign(u) * sp.Abs(u - v), TWO, True), (sp.sign(u) * v, TWO, False),
        (sp.Abs(u) - sp.Abs(v), SYMMETRIC, True), (sp.Abs(u) - sp.Abs(v), TWO, False),
        (sp.sign(u) * sp.sign(v), SYMMETRIC, True), (sp.Max(u, v) + sp.Min(u, v), TWO, True),
        (sp.Max(u, 0) + sp.Min(u, 0) * R(1001, 1000), TWO, False), (sp.Abs(u) + 10**-12, TWO, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_symmetry_turns_into_its_negative(expr: sp.Expr, cov: Any, zero: bool) -> None:
    assert vanishes(expr, (u, v), cov) is zero


def test_four_variables_are_not_looked_through() -> None:
    names = sp.symbols("p q r t", real=True)
    four = tuple(tuple(S(int(i == j)) for j in range(4)) for i in range(4))
    assert not vanishes(sp.sign(names[0]) * sp.Abs(names[1]), names, four)
    assert vanishes(sp.sign(names[0]) * sp.Abs(names[1]), names[:3], tuple(row[:3] for row in four[:3]))


# --- many digits --------------------------------------------------------------------------------------------------
def test_one_variable_has_the_digits_asked_for() -> None:
    """Also where two variables would be done in doubles."""
    with mp.workdps(40):
        found = integrate(sp.cos(3 * u), [u], sp.Matrix([[1]]), 80)
        assert abs(mp.mpf(str(sp.N(found, 30))) - mp.exp(mp.mpf(-9) / 2)) < mp.mpf(10) ** -24
    plain = integrate(sp.Abs(u**2 + v**2 - 1), [u, v], sp.Matrix([[1, 0], [0, 1]]), 53)  # r² exponential of mean 2
    assert float(plain) == pytest.approx(1 + 4 * math.exp(-0.5) - 2, rel=1e-11)


@pytest.mark.parametrize("precision", [53, 110])
def test_double_exponential_rules_integrate_singular_ends(precision: int) -> None:
    """``E |z|^p = 2^{p/2} Γ((p+1)/2)/√π``, also for powers that are infinite at the cut."""
    arithmetic = line_rules.doubles("f") if precision == 53 else None
    with mp.workprec(precision + 30):
        for power in (mp.mpf(-1) / 4, mp.mpf(1) / 3, mp.mpf(5) / 2):
            exact = 2 ** (power / 2) * mp.gamma((power + 1) / 2) / mp.sqrt(mp.pi)
            if arithmetic is not None:
                found, size = arithmetic.line(lambda z, p=float(power): abs(z) ** p if z else 0.0, [0.0])
                assert found == pytest.approx(float(exact), rel=1e-9 if power < 0 else 1e-13)
                assert size == pytest.approx(found, rel=1e-3)
            else:
                many = line_rules.many_digits("f", precision)
                found, _ = many.line(lambda z, p=power: abs(z) ** p, [mp.mpf(0)])
                assert abs(found / exact - 1) < mp.mpf(10) ** (-20 if power < 0 else -31)


def test_tables_of_nodes_integrate_polynomials_and_halve_their_step() -> None:
    for prec in (0, 120):
        levels = line_rules._table(prec)
        for level in range(3, len(levels)):
            total = 0
            for nodes in levels[: level + 1]:
                for gap, weight in nodes:
                    for x in (1 - gap, gap - 1) if gap != 1 else (0 * gap,):
                        total += weight * x**4
            assert float(total / 2**level) == pytest.approx(2 / 5, rel=1e-9 if level > 3 else 1e-5)
        gaps = [float(gap) for nodes in levels for gap, _ in nodes]
        assert len(set(gaps)) == len(gaps)
        assert gaps[0] == 1
        assert min(gaps) < 2.0 ** -(prec or 60)
    assert len(line_rules._table(0)) == 6
    assert len(line_rules._table(53)) == 6
    assert len(line_rules._table(106)) == 7
    assert len(line_rules._table(212)) == 8


def test_the_trapezoidal_rule_sees_even_and_odd_waves_and_is_quick_where_it_may() -> None:
    arithmetic = line_rules.doubles("f")
    for wave in (math.cos, math.sin):
        for k in (1, 2, 5, 9, 2 * math.pi):
            found, size = arithmetic.line(lambda z, k=k, wave=wave: wave(k * z), [])
            assert found == pytest.approx(math.exp(-k * k / 2) if wave is math.cos else 0, abs=1e-13)
            assert 0 < size < 1
    narrow = arithmetic.line(lambda z: math.exp(-((z - 0.2) ** 2) * 1e3), [])[0]
    exact = math.exp(-0.02 * 1e3 / (1e3 + 0.5)) / math.sqrt(2e3 + 1)
    assert narrow == pytest.approx(exact, rel=1e-10)
    used = line_rules.doubles("f")
    used.line(lambda z: z**2, [])
    assert 3_000_000 - used.left < 300  # few for what is smooth
    floor = line_rules.doubles("f")
    floor.line(lambda z: abs(z - 0.1), [0.2], floor=1e3)
    rough = 3_000_000 - floor.left
    full = line_rules.doubles("f")
    full.line(lambda z: abs(z - 0.1), [0.2])
    assert rough < (3_000_000 - full.left) / 3  # what does not matter is not refined


# --- normal forms -------------------------------------------------------------------------------------------------
def test_products_of_exponentials_and_sigmoids() -> None:
    products = [
        sp.exp(2 * u) * Sigmoid(-u) ** 3, sp.exp(u) * Sigmoid(-u) * sp.tanh(v), sp.exp(-u) * Sigmoid(u) ** 2,
        sp.exp(3 * u) * Sigmoid(-2 * u), sp.exp(u / 2) * Sigmoid(-u), sp.exp(u + v) * Sigmoid(-u) * Sigmoid(-v),
        sp.exp(5 * u) * Sigmoid(-2 * u) ** 2 * u,
    ]  # fmt: skip
    for expr in products:
        found = recognise(expr)
        for at in ({u: R(3, 5), v: R(-4, 3)}, {u: R(-7, 4), v: R(2, 3)}):
            assert abs((explicit(found) - explicit(expr)).subs(at).evalf(25)) < 1e-22
    assert recognise(sp.exp(u) * Sigmoid(-u)) == Sigmoid(u)
    assert recognise(sp.exp(2 * u) * Sigmoid(-u) ** 3) == Sigmoid(u) ** 2 * (1 - Sigmoid(u))
    assert recognise(sp.exp(u / 2) * Sigmoid(-u)).has(sp.exp)


def test_how_named_functions_are_written() -> None:
    assert sp.latex(Sigmoid(u)) == r"\sigma\left(u\right)"
    assert sp.latex(Sigmoid(u) ** 2) == r"\sigma^{2}\left(u\right)"
    assert sp.latex(Softplus(u)) == r"\log\left(1 + e^{u}\right)"
    assert sp.latex(Softplus(u) ** 2) == r"\log\left(1 + e^{u}\right)^{2}"
    assert sp.latex(Hazard(u) ** 3) == r"H^{3}\left(u\right)"
    assert sp.latex(Hazard(u)) == r"H\left(u\right)"
    assert sp.latex(LogErfc(u) ** 2) == r"\left(\log\operatorname{erfc}\left(u\right)\right)^{2}"
    assert sp.latex(LogErfc(u)) == r"\log\operatorname{erfc}\left(u\right)"


def test_terms_of_exponentials_of_quartics_and_of_bases() -> None:
    expr = a**v * sp.exp(u**2 / 4 + u**4) * (1 + v) ** 2 / (1 + u**2) + sp.sinh(u) * sp.cosh(v)
    total = 0
    for term in collect_terms(expr, (u, v)):
        polynomial = sum(c * u**n * v**m for (n, m), c in term.polynomial.items())
        total += polynomial * sp.exp(term.exponent) * sp.prod(term.factors)
    at = {u: R(2, 5), v: R(-3, 7), a: R(5, 2)}
    assert abs((total - expr).subs(at).evalf(25)) < 1e-22


def test_spans_of_factors() -> None:
    span = spanned([sp.tanh(u - v), sp.exp(2 * u - 2 * v + 3), sp.sin(w)], (u, v, w))
    assert span.size == 2
    assert span.holds(sp.cosh(5 * u - 5 * v) * w)
    assert not span.holds(u * v)
    moved = span.express(sp.tanh(u - v) * w**2 + 4 * (u - v))
    back = dict(zip(span.coordinates, (sum(c * z for c, z in zip(f, (u, v, w), strict=True)) for f in span.forms),
                    strict=True))  # fmt: skip
    assert sp.expand(moved.xreplace(back) - sp.tanh(u - v) * w**2 - 4 * (u - v)) == 0
    C = sp.Matrix(THREE)
    forms = sp.Matrix(span.forms)
    assert sp.Matrix(span.covariance(THREE)) == forms * C * forms.T
    assert span.padded(5)[0] == (*span.forms[0], 0, 0)
    wider = span.widened([((S(0), S(0), S(1)), S(0)), ((S(0), S(1), S(0)), S(1))], (u, v, w))
    assert wider.size == 3
    with pytest.raises(ValueError, match="no sign leaves the span"):
        wider.widened([((S(1), S(1), S(1)), S(0))], (u, v, w))
    assert affine_parts(u * v + 3 * w - 1 + sp.sin(u + 2), (u, v, w)) == [3 * w, u, v, u + 2]
    assert affine_parts(sp.S(3), (u,)) == []
    three = sign_basis([(S(1), S(1), S(0)), (S(1), S(1), S(1)), (S(2), S(2), S(0))], 3)
    assert sp.Matrix(three.forward) * sp.Matrix(three.backward) == sp.eye(3)
    assert {(1, 1, 0), (1, 1, 1)} <= set(three.forward)


@pytest.mark.parametrize(
    "expr",
    [sp.exp(u) * sp.cos(v), sp.sin(u) * sp.sin(v), sp.sin(u) ** 2 * v**2, sp.erf(u) * sp.erf(v),
     sp.sign(u) * sp.exp(v)],
    ids=str,
)
def test_closed_forms_of_mixed_kinds(expr: sp.Expr) -> None:
    found = expect(expr, TWO, (u, v))
    assert not found.has(GaussianMean)
    kinks = [u] if expr.has(sp.sign) else []
    second, _ = expectation(expr, (u, v), [list(r) for r in TWO], kinks, 11)
    assert float(found) == pytest.approx(float(second), rel=1e-10)


def test_averages_with_dirac_measures() -> None:
    """By parts: ``E g δ'(u) = -d/du`` of g times the density."""
    for g in (u**2 + 3 * u, sp.exp(u), sp.cos(u + 1)):
        density = sp.exp(-(u**2) / 4) / sp.sqrt(4 * sp.pi)
        for order, sign in ((1, -1), (2, 1), (3, -1)):
            exact = sign * sp.diff(g * density, u, order).subs(u, 0)
            assert abs((expect(g * sp.DiracDelta(u, order), [[2]], (u,)) - exact).evalf(20)) < 1e-17
            scaled = expect(g * sp.DiracDelta(2 * u - 2, order), [[2]], (u,))
            there = sign * sp.diff(g * density, u, order).subs(u, 1) / 2 ** (order + 1)
            assert abs((scaled - there).evalf(20)) < 1e-17
    # the density of u at 1 times E v² given u = 1: v = u/4 + rest, of variance 7/8
    exact = math.exp(-0.25) / math.sqrt(4 * math.pi) * (1 / 16 + 7 / 8)
    assert float(expect(sp.DiracDelta(u - 1) * v**2, TWO, (u, v))) == pytest.approx(exact)
    with pytest.raises(ValueError, match="holds a power or a function of a Dirac delta"):
        expect(sp.DiracDelta(u) ** 2, [[1]], (u,))
