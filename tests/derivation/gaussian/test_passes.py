"""The passes of a Gaussian expectation one by one, on inputs made by hand, against formulas of linear algebra."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp

from symhigh.derivation.gaussian import basis, covariance, moments, rules, terms
from symhigh.derivation.gaussian.moments import NoClosedForm, _Law, moment, moment_given
from symhigh.derivation.gaussian.tilt import tilted
from symhigh.derivation.growth import growth
from symhigh.symbols import eps, x
from tests.derivation.gaussian.reference import THREE, TWO

R, S = sp.Rational, sp.S
u, v, w = sp.symbols("u v w", real=True)
s, a, b = sp.symbols("s a b", positive=True)


# --- completing the square ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("exponent", "variables", "cov"),
    [
        (-(u**2) / 3 + u / 2 + 1, (u,), ((R(3, 2),),)),
        (-(u**2) + u * v / 3 - v**2 / 2 + u - 2 * v + 1, (u, v), TWO),
        (u * v / 4 - v**2 / 5 + v, (u, v), TWO),
        (-(u**2) / 2 + u * w / 3 - w**2 / 7 + v - w / 2, (u, v, w), THREE),
    ],
)
def test_the_changed_law(exponent: sp.Expr, variables: tuple[sp.Symbol, ...], cov: Any) -> None:
    """``(S⁻¹ - 2A)⁻¹`` and its product with b, and the factor, by NumPy."""
    found = tilted(exponent, variables, cov)
    size = len(variables)
    hessian = np.array(sp.hessian(exponent, variables).tolist(), dtype=float)
    slope = np.array([float(sp.diff(exponent, z).subs(dict.fromkeys(variables, 0))) for z in variables])
    offset = float(exponent.subs(dict.fromkeys(variables, 0)))
    old = np.array(cov, dtype=float)
    new = np.linalg.inv(np.linalg.inv(old) - hessian)
    assert np.array(found.cov, dtype=float) == pytest.approx(new, rel=1e-12)
    assert [float(m) for m in found.mean] == pytest.approx(list(new @ slope), rel=1e-12)
    factor = math.exp(slope @ new @ slope / 2 + offset) / math.sqrt(np.linalg.det(np.eye(size) - old @ hessian))
    assert float(found.constant) == pytest.approx(factor, rel=1e-12)
    assert found.condition is sp.true


def test_a_linear_exponent_moves_the_mean_alone() -> None:
    found = tilted(a * u - 2 * v + b, (u, v), TWO)
    assert found.cov == TWO
    assert found.mean == (2 * a - 1, a / 2 - 2)
    assert sp.expand(sp.log(found.constant).expand(force=True) - (a**2 - a + 2 + b)) == 0
    assert found.condition is sp.true


def test_conditions_and_divergence() -> None:
    assert tilted(a * u**2, (u,), ((s,),)).condition == (1 - 2 * a * s > 0)
    assert tilted(a * u**2, (u, v), ((s, S(0)), (S(0), b))).condition == (1 - 2 * a * s > 0)  # of u alone
    both = tilted(a * u * v, (u, v), ((S(1), S(0)), (S(0), S(1)))).condition
    assert both == (1 - a**2 > 0)
    for exponent in (u**2 / 2, u**2):
        with pytest.raises(ValueError, match=r"the expectation diverges, .* must be > 0"):
            tilted(exponent, (u,), ((S(1),),))
    with pytest.raises(ValueError, match="no rule for complex quadratic exponents"):
        tilted(sp.I * u**2, (u,), ((S(1),),))


# --- covariances --------------------------------------------------------------------------------------------
def test_dependent_variables_are_linear_in_the_others() -> None:
    cov = sp.Matrix([[2, 1], [1, 3]])
    L = sp.Matrix([[1, 0], [0, 1], [2, -3], [0, 0]])
    whole = L * cov * L.T
    kept, dependent = covariance.independent_variables(tuple(map(tuple, whole.tolist())), sp.symbols("z0:4"))
    z = sp.symbols("z0:4")
    assert (kept, dependent) == ([0, 1], {z[2]: 2 * z[0] - 3 * z[1], z[3]: 0})
    uncorrelated = ((S(1), S(0), S(1)), (S(0), S(2), S(0)), (S(1), S(0), S(1)))
    assert covariance.independent_variables(uncorrelated, z[:3]) == ([0, 1], {z[2]: z[0]})
    symbolic = ((a, a * b), (a * b, a * b**2))
    assert covariance.independent_variables(symbolic, z[:2]) == ([0], {z[1]: b * z[0]})
    assert covariance.independent_variables(((a, S(1)), (S(1), b)), z[:2]) == ([0, 1], {})
    zero = ((a, S(0)), (S(0), a - a * b / b))
    assert covariance.independent_variables(zero, z[:2])[0] == [0]
    with pytest.raises(ValueError, match="conditional variance -1 of variable 1 is negative"):
        covariance.independent_variables(((S(1), S(2)), (S(2), S(1))), z[:2])


def test_rounding_is_a_linear_relation() -> None:
    f = sp.Float
    for gap, count in ((0, 1), (1e-12, 2)):
        cov = ((f(1), f(0.3)), (f(0.3), f(0.09) + f(gap)))
        assert len(covariance.independent_variables(cov, (u, v))[0]) == count
    assert covariance._round_off(TWO, [0], 1, S(1)) == 0
    assert covariance._round_off(((f(2), f(1)), (f(1), f(3))), [0], 1, f(1e-17)) == pytest.approx(4e-16 * 6 * 2, abs=0)


@pytest.mark.parametrize(
    ("cov", "error", "words"),
    [
        ([[1, 2], [3]], TypeError, "rows have one length"),
        ("[[1]]", TypeError, "text is never evaluated"),
        ([["1"]], TypeError, "cov"),
        ([[1, 0]], ValueError, r"cov of shape \(1, 2\)\): cov must be a square matrix"),
        ([[]], ValueError, "must be a square matrix"),
        ([[-1]], ValueError, r"cov\[0,0\]=-1\): a variance must be >= 0"),
        ([[1, 0.5], [0.4, 1]], ValueError, "cov must be symmetric"),
    ],
)
def test_what_is_no_covariance(cov: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        covariance.read_covariance(cov)


def test_covariances_are_read_as_given() -> None:
    read = covariance.read_covariance(np.array([[1.0, 0.5], [0.5, 2.0]]))
    assert [[float(e) for e in row] for row in read] == [[1, 0.5], [0.5, 2]]
    product = ((a, (a + b) * a), (a**2 + a * b, b))  # symmetric once multiplied out
    assert covariance.read_covariance(product) == product


# --- terms --------------------------------------------------------------------------------------------------
def test_terms_of_an_integrand() -> None:
    (one,) = terms.collect_terms(a * u**2 * v * sp.exp(u - v**2) * 3, (u, v))
    assert (one.polynomial, one.exponent, one.factors) == ({(2, 1): 3 * a}, u - v**2, ())
    found = {(t.exponent, t.factors): t.polynomial for t in terms.collect_terms((u + 2 * sp.tanh(u)) ** 2, (u,))}
    assert found == {(0, ()): {(2,): 1}, (0, (sp.tanh(u),)): {(1,): 4}, (0, (sp.tanh(u) ** 2,)): {(0,): 4}}
    cosh = {t.exponent: t.polynomial for t in terms.collect_terms(u * sp.cosh(2 * u), (u,))}
    assert cosh == {2 * u: {(1,): S.Half}, -2 * u: {(1,): S.Half}}
    power = {t.exponent: t.polynomial for t in terms.collect_terms(a**u, (u,))}
    assert power == {u * sp.log(a): {(0,): 1}}
    (inverse,) = terms.collect_terms(v / (1 + u**2) ** 2, (u, v))
    assert (inverse.polynomial, inverse.factors) == ({(0, 1): 1}, ((1 + u**2) ** -2,))
    (steep,) = terms.collect_terms(sp.exp(u**4 + u), (u,))
    assert (steep.exponent, steep.factors) == (u, (sp.exp(u**4),))
    assert [terms.is_affine(e, (u, v)) for e in (a, u - 2 * v, u * v, u**2, sp.sin(u))] == [True, True, *[False] * 3]
    assert terms.joined(a * sp.exp(u) * sp.exp(v - u)) == a * sp.exp(v)


# --- bases --------------------------------------------------------------------------------------------------
def test_forms_become_variables() -> None:
    form = (S(1), S(2), S(0))
    found = basis.sign_basis([form], 3)
    assert found.forward[1] == form  # the place of the last variable that it holds
    assert sp.Matrix(found.forward) * sp.Matrix(found.backward) == sp.eye(3)
    polynomial, signs, cov, meaning = found.adapt({(0, 1, 1): a}, [(form, b)], THREE)
    assert signs == [((0, 1, 0), b)]
    assert polynomial == {(1, 0, 1): -a / 2, (0, 1, 1): a / 2}
    assert cov[1][1] == basis.bilinear(form, THREE, form) == 2 + 2 + 4
    assert meaning == {}
    single = basis.sign_basis([(S(0), S(3), S(0)), (S(1), S(1), S(0))], 3)
    assert single.forward == ((1, 1, 0), (0, 1, 0), (0, 0, 1))
    assert basis.bilinear((a, S(1), S(0)), THREE, (S(0), S(1), b)) == a / 2 + a * b / 5 + 1 - b / 3
    named = basis.sign_basis([(S(1), S(-1))], 2).adapt({(0, 0): S(1)}, [], ((a, S(0)), (S(0), b)))
    assert list(named[3].values()) == [a + b]


# --- moments of polynomials and signs -----------------------------------------------------------------------
E1, E2 = (S(1), S(0)), (S(0), S(1))


def by_quadrature(power: tuple[int, int], signs: Any, cov: Any) -> float:
    L = np.linalg.cholesky(np.array(cov, dtype=float))

    def inner(z: float) -> float:
        cuts = sorted({-9.0, 9.0, *(c for form, at in signs if (c := _cut(form, float(at), L, z)) is not None)})
        total = 0.0
        for low, high in pairwise(cuts):
            y, k = np.polynomial.legendre.leggauss(40)
            y, k = low + (high - low) * (y + 1) / 2, k * (high - low) / 2
            total += float(k @ (_value(power, signs, L, z, y) * np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi)))
        return total

    z, weight = np.polynomial.legendre.leggauss(48)
    places = np.concatenate([4.5 * (z - 1), 4.5 * (z + 1)])
    heights = [inner(k) * math.exp(-k * k / 2) / math.sqrt(2 * math.pi) for k in places]
    return float(4.5 * np.concatenate([weight, weight]) @ heights)


def _cut(form: Any, at: float, L: np.ndarray, z: float) -> float | None:
    along = [float(c) for c in np.array(form, dtype=float) @ L]
    cut = (at - along[0] * z) / along[1] if along[1] else None
    return cut if cut is not None and abs(cut) < 9 else None


def _value(power: tuple[int, int], signs: Any, L: np.ndarray, z: float, y: np.ndarray) -> np.ndarray:
    first, second = L[0, 0] * z + 0 * y, L[1, 0] * z + L[1, 1] * y
    value = first ** power[0] * second ** power[1]
    for form, at in signs:
        value = value * np.sign(float(form[0]) * first + float(form[1]) * second - float(at))
    return value


@pytest.mark.parametrize(
    ("power", "signs"),
    [
        ((2, 4), []), ((1, 3), []), ((1, 1), [((S(1), S(-2)), R(1, 3))]), ((2, 1), [((S(1), S(1)), S(0))]),
        ((3, 2), [((S(0), S(1)), R(-1, 2))]), ((0, 0), [((S(0), S(1)), R(1, 2))]),
        ((0, 0), [(E1, S(0)), ((S(1), S(1)), S(0))]), ((1, 1), [(E1, S(0)), ((S(1), S(1)), S(0))]),
        ((2, 2), [(E1, S(0)), (E2, S(0))]), ((1, 2), [(E1, S(0)), (E2, S(0))]), ((1, 0), [(E1, S(0)), (E2, R(1, 2))]),
    ],
)  # fmt: skip
def test_moments_against_quadrature(power: tuple[int, int], signs: Any) -> None:
    try:
        found = float(moment({power: S(1)}, signs, TWO))
    except NoClosedForm:
        assert len(signs) == 2 and any(at != 0 for _, at in signs)  # noqa: PT018
        return
    assert found == pytest.approx(by_quadrature(power, signs, TWO), abs=1e-9, rel=1e-8)


def test_moments_in_symbols() -> None:
    cov = ((a, S(0)), (S(0), b))
    assert moment({(4, 2): S(1)}, [], cov) == 3 * a**2 * b
    assert sp.simplify(moment({(1, 0): S(1)}, [(E1, S(0))], cov) - sp.sqrt(2 * a / sp.pi)) == 0
    assert sp.simplify(moment({(0, 0): S(1)}, [(E1, s)], cov) + sp.erf(s / sp.sqrt(2 * a))) == 0
    assert moments.density(S(0), s) == 1 / (sp.sqrt(2 * sp.pi) * s)
    assert moments.two_signs(S(1), S(2), S(2)) == R(1, 3)  # (2/π) asin(1/2)
    three = ((S(1), S(0), S(0)), (S(0), S(1), S(0)), (S(0), S(0), S(1)))
    odd = [((S(1), S(1), S(0)), S(0)), ((S(1), S(0), S(1)), S(0)), ((S(0), S(1), S(1)), S(0))]
    assert moment({(0, 0, 0): S(1)}, odd, three) == 0
    with pytest.raises(NoClosedForm):
        moment({(0, 0): S(1)}, [(E1, s), ((S(1), S(1)), S(0))], cov)
    six = tuple(tuple(S(int(i == j)) + R(1, 7) for j in range(6)) for i in range(6))
    signs = [(tuple(S(int(i == k)) for i in range(6)), S(0)) for k in range(6)]
    with pytest.raises(NoClosedForm):
        moment({(0,) * 6: S(1)}, signs, six)


def test_a_sign_that_is_sure() -> None:
    law = _Law(TWO, (E1,), S(2))  # given that the first is zero
    assert law.mean({(0, 0): S(1)}, ((E1, S(-1)),)) == 1
    assert law.mean({(0, 0): S(1)}, ((E1, S(1)),)) == -1
    assert law.covariance(E2, E2) == 1 - R(1, 8)


def test_moments_given_a_form() -> None:
    """``v = (1/4) z + rest`` given u = z, with the variance 7/8 left."""
    z = sp.Symbol("z", real=True)
    assert sp.expand(moment_given({(0, 2): S(1)}, [], TWO, [E1], [z]) - (z**2 / 16 + R(7, 8))) == 0
    assert sp.expand(moment_given({(2, 1): a}, [], TWO, [E1], [z]) - a * z**3 / 4) == 0
    found = moment_given({(0, 0): S(1)}, [(E2, b)], TWO, [E1], [z])
    assert sp.simplify(found + sp.erf((b - z / 4) / sp.sqrt(R(7, 4)))) == 0
    assert sp.expand(moment_given({(1, 1): S(1)}, [], TWO, [E1, E2], [z, b]) - z * b) == 0


# --- integrals on a line ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("function", "cuts", "value"),
    [
        (lambda z: z**4, [], 3.0),
        (lambda z: math.cos(3 * z), [], math.exp(-4.5)),
        (abs, [0.0], math.sqrt(2 / math.pi)),
        (lambda z: max(z - 1.5, 0) ** 2, [1.5], None),
        (lambda z: abs(z - 0.3) ** 0.5, [0.3], None),
        (lambda z: 1 / (1 + 400 * z * z), [], None),
        (lambda z: math.exp(4 * z), [], math.exp(8)),
    ],
)
def test_lines_of_doubles(function: Any, cuts: list[float], value: float | None) -> None:
    found, size = rules.doubles("f").line(function, cuts)
    if value is None:
        points = sorted({-12, *cuts, 0, 12, 0.1, -0.1})
        value = float(mpmath.quad(lambda z: function(z) * mpmath.npdf(z), points, maxdegree=9))
    assert found == pytest.approx(value, rel=1e-11)
    assert size >= abs(found) * 0.999


def test_lines_of_many_digits_and_the_budget() -> None:
    with mpmath.workprec(140):
        found, _ = rules.many_digits("f", 110).line(lambda z: mpmath.cos(2 * z), [])
        assert abs(found - mpmath.exp(-2)) < mpmath.mpf(10) ** -31
        found, _ = rules.many_digits("f", 110).line(lambda z: abs(z) * z**2, [mpmath.mpf(0)])
        assert abs(found - 4 / mpmath.sqrt(2 * mpmath.pi)) < mpmath.mpf(10) ** -31
    spent = rules.doubles("what it is")
    spent.left = 10
    with pytest.raises(rules.NotConverged, match=r"mean of what it is: the budget .* before 14 digits"):
        spent.line(math.cos, [])
    spent.left = 1
    spent.count(1)
    assert rules._spread([], 13.0) == pytest.approx([-13 + 26 * k / 5 for k in range(1, 5)])
    assert rules._spread([0.0], 5.0) == []


# --- growth of losses ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expr", "power"),
    [(eps**3 - x, 3), (eps**2 * x + eps, 2), (sp.sqrt(1 + eps**2), 1), (sp.atan(eps), 0), (S(3), 0),
     (sp.Abs(eps) ** R(5, 2), R(5, 2)), (sp.Max(0, -eps) ** 2, 2), (sp.Max(0, eps), 1), (1 / (1 + eps**2), -2)],
    ids=str,
)  # fmt: skip
def test_growth_in_the_noise(expr: sp.Expr, power: Any) -> None:
    assert growth(sp.sympify(expr)) == power


def test_boundaries_are_normalised_by_their_leading_coefficient() -> None:
    from symhigh.derivation.gaussian.cells import normalised

    assert normalised(-2 * u + 4 * a, (u, v)) == (u - 2 * a, -1)
    assert normalised(3 * u - 6 * v + 9, (u, v)) == (u - 2 * v + 3, 1)
    assert normalised(a * v + a, (u, v)) == (v + 1, 1)
    curved, sign = normalised(2 * u**2 - 4, (u, v))
    assert normalised(4 - 2 * u**2, (u, v)) == (curved, -sign)


def test_averages_of_roots_move_with_the_variance() -> None:
    """``E|z|^{1/2} ∝ s^{1/4}``, whose second derivative in z is not integrable."""
    from symhigh.derivation.gaussian.node import GaussianMean

    for power in (R(1, 2), R(3, 2)):
        node = GaussianMean(sp.Abs(u) ** power, (u,), [[s]])
        slope = sp.diff(node, s).subs(s, 2).evalf(12)
        assert float(slope) == pytest.approx(float(node.subs(s, 2).evalf(12)) * float(power) / 4, rel=1e-8)


def test_radicands_are_multiplied_out_and_boundaries_found() -> None:
    from symhigh.derivation.gaussian.basis import _plain, distributed, gathered
    from symhigh.derivation.gaussian.cells import _slope, boundaries

    root = sp.sqrt(u * (u + b))
    assert _plain(root) == sp.sqrt(u**2 + u * b)
    assert _plain((a * (a + b)) ** 2) == (a * (a + b)) ** 2
    assert distributed((a + b) * root) == a * root + b * root
    assert gathered(s * sp.sqrt(a) + 2 * sp.sqrt(a), {s: a + b}) == sp.sqrt(a) * (a + b + 2)
    assert boundaries(sp.Abs(u - v) + 1 / (u + 2), (u, v)) == sorted([u - v, u + 2], key=sp.default_sort_key)
    smooth = sp.erf(u - 3 * v) + sp.exp(-((u - 2 * v) ** 2)) + sp.exp(u)
    assert boundaries(smooth, (u, v)) == []
    assert {sp.expand(e) for e in boundaries(smooth, (u, v), soft=True)} in (
        {u - 3 * v, u - 2 * v}, {u - 3 * v, 2 * v - u}, {u - 3 * v, sp.S.One, u - 2 * v},
    )  # fmt: skip
    assert _slope(u**2 * v, (u, v)) == u**2
    assert _slope(sp.S(3), (u, v)) == 0
    assert _slope(sp.sin(u), (u, v)) == 0
