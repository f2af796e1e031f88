"""Quadrature nodes: canonical form, calculus, printing and digits."""

from __future__ import annotations

import pickle

import mpmath as mp
import pytest
import sympy as sp

from symhigh.derivation.gaussian import GaussianMean, Sigmoid, Softplus, expect, explicit, recognise
from symhigh.symbols import B11, B12, B22, eps, omega, x, x_star
from tests.derivation.gaussian.reference import expectation

COV = sp.Matrix([[B11, B12], [B12, B22]])
AT = {B11: sp.Rational(13, 10), B12: sp.Rational(2, 5), B22: sp.Rational(7, 10)}


def sigmoid(u: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-u))


LOSS = -x * sigmoid(x_star) + sp.log(1 + sp.exp(x))
SLOPE = sp.diff(LOSS, x)


def dimensions(expr: sp.Expr) -> list[int]:
    return sorted(node.dimension for node in expr.atoms(GaussianMean))


def test_logistic_needs_the_fewest_integrals() -> None:
    assert dimensions(expect(LOSS, COV)) == [1, 1]
    assert dimensions(expect(SLOPE**2, COV)) == [1, 1, 2]
    assert dimensions(expect(sp.diff(SLOPE, x), COV)) == [1]
    assert dimensions(expect((x - x_star) * SLOPE, COV)) == [1, 1]


def test_conditioning_lowers_the_dimension() -> None:
    assert dimensions(expect(sp.Max(0, x) * sigmoid(x_star), COV)) == [1, 1]
    assert dimensions(expect(sigmoid(x) * sp.erf(x_star) * x_star, COV)) == [1]
    noisy = sp.Matrix([[B11, B12, 0], [B12, B22, 0], [0, 0, omega**2]])
    assert dimensions(expect(sp.sqrt(1 + (x - x_star - eps) ** 2), noisy)) == [1]


def test_equal_nodes_are_equal() -> None:
    u, v = sp.symbols("u v", real=True)
    first = expect(sigmoid(x) * sp.tanh(x_star), COV)
    second = expect(sigmoid(v) * sp.tanh(u), [[B22, B12], [B12, B11]], (u, v))
    assert first == second
    assert hash(first) == hash(second)
    assert pickle.loads(pickle.dumps(first)) == first
    assert first.func(*first.args) == first


def test_odd_summands_are_dropped() -> None:
    z = sp.Symbol("z", real=True)
    node = GaussianMean(Softplus(2 * z), (z,), [[B11]])
    assert GaussianMean(Softplus(2 * z) - 2 * z + sp.tanh(z) ** 3, (z,), [[B11]]) == node
    odd_together = GaussianMean(x * sp.atan(x_star) + x * sp.cos(x_star) ** 3, (x, x_star), COV)
    assert odd_together == GaussianMean(x * sp.atan(x_star), (x, x_star), COV)
    assert dimensions(expect(sp.log(sp.cosh(x - x_star)), COV)) == [1]
    assert str(expect(sp.log(sp.cosh(x - x_star)), COV)).startswith("E[Softplus(2*_z1)")


def test_bound_variables_stay_bound() -> None:
    node = expect(sigmoid(x) * sigmoid(x_star), COV)
    assert node.free_symbols == {B11, B12, B22}
    (z,) = expect(sigmoid(x) ** 2, [[B11]]).variables
    assert node.subs(z, 3) == node
    assert node.subs(B11, 0) == expect(sigmoid(x_star) / 2, [[B22]], (x_star,))
    assert node.subs(x, 1) == node


def test_printing() -> None:
    node = expect(sigmoid(x) ** 2, [[B11]])
    assert str(node) == "E[Sigmoid(_z1)**2; _z1 ~ N(0, B11)]"
    assert (
        sp.latex(node)
        == r"\mathbb{E}_{z_{1} \sim \mathcal{N}(0, B_{11})}\left[\sigma^{2}\left(z_{1}\right)\right]"
    )


@pytest.mark.parametrize(
    "expr", [sp.tanh(x) ** 2, sp.sqrt(1 + x**2), sp.tanh(x) * sp.sign(x), sp.log(1 + sp.exp(x))]
)
def test_derivative_in_a_variance(expr: sp.Expr) -> None:
    """Price against central differences of order 1e-8 at 30 digits: error ~ 1e-16 of the third derivative."""
    node = expect(expr, [[B11]])
    h = sp.Rational(1, 10**8)
    at = AT[B11]
    slope = (node.subs(B11, at + h).evalf(30) - node.subs(B11, at - h).evalf(30)) / (2 * h)
    assert abs(node.diff(B11).subs(B11, at).evalf(20) - slope) < 1e-14


@pytest.mark.slow
def test_derivative_in_the_correlation() -> None:
    node = expect(sp.exp(sp.cos(x)) * sp.exp(sp.cos(x_star)), COV)
    h = sp.Rational(1, 10**4)
    slope = (
        node.subs(B12, AT[B12] + h).subs(AT).evalf(14) - node.subs(B12, AT[B12] - h).subs(AT).evalf(14)
    ) / (2 * h)
    assert abs(node.diff(B12).subs(AT).evalf(9) - slope) < 1e-7


def test_derivative_in_a_parameter_of_the_integrand_alone() -> None:
    """``E log(1 + e^{a x}) `` has the derivative ``E x σ(a x)`` in a; with a open there are no digits yet."""
    a = sp.Symbol("a", positive=True)
    node = expect(sp.log(1 + sp.exp(a * x)), sp.eye(1), (x,))
    (inner,) = node.atoms(GaussianMean)
    assert inner.evalf(15) == inner
    slope = mp.quad(lambda u: u / (1 + mp.exp(-u / 2)) * mp.exp(-(u**2) / 2), [-mp.inf, mp.inf]) / mp.sqrt(2 * mp.pi)
    assert abs(node.diff(a).subs(a, sp.Rational(1, 2)).evalf(15) - slope) < 1e-13


def test_derivative_in_a_parameter_and_through_the_covariance() -> None:
    a = sp.Symbol("a", positive=True)
    node = expect(sp.sqrt(1 + a**2 * x**2), [[a]])
    scaled = expect(sp.sqrt(1 + x**2), [[a**3]])
    at = {a: sp.Rational(6, 5)}
    assert abs(node.diff(a).subs(at).evalf(15) - scaled.diff(a).subs(at).evalf(15)) < 1e-13


def test_stein_and_price_agree_on_distributions() -> None:
    """E of a second derivative with Dirac measures is the derivative of the closed form."""
    for g in (
        sp.Abs(x) * x_star**2,
        sp.Abs(x) * sp.Abs(x_star),
        sp.sign(x) * x_star,
        sp.Max(0, x - 1) * x_star,
    ):
        closed = expect(g, COV)
        for entry, curvature in ((B11, sp.diff(g, x, 2) / 2), (B12, sp.diff(g, x, x_star))):
            assert abs((closed.diff(entry) - expect(curvature, COV)).subs(AT).evalf(20)) < 1e-17


@pytest.mark.parametrize(
    ("expr", "kinks"),
    [
        (sigmoid(x) ** 2, []),
        (sp.sqrt(1 + x**2), []),
        (sp.tanh(sp.Max(0, x)), [x]),
        (sp.sqrt(1 + sp.Abs(x - 1)), [x - 1]),
    ],
)
def test_digits_on_a_line(expr: sp.Expr, kinks: list[sp.Expr]) -> None:
    second, _ = expectation(expr, (x,), [[AT[B11]]], kinks, 60)
    with mp.workdps(25):
        assert abs(mp.mpf(expect(expr, [[AT[B11]]]).evalf(20)) - second) < 1e-17


@pytest.mark.parametrize(
    ("expr", "kinks"),
    [
        (sigmoid(x) * sigmoid(x_star), []),
        (sp.Max(0, x - 1) * sp.Max(0, x_star - 1), [x - 1, x_star - 1]),
        (sp.tanh(x) * sp.Max(0, x_star), [x_star]),
    ],
)
def test_digits_in_the_plane(expr: sp.Expr, kinks: list[sp.Expr]) -> None:
    cov = [[AT[B11], AT[B12]], [AT[B12], AT[B22]]]
    second, _ = expectation(expr, (x, x_star), cov, kinks, 11)
    assert abs(mp.mpf(expect(expr, cov).evalf(12)) - second) < 1e-11


def test_normal_forms_are_identities() -> None:
    u = sp.Symbol("u", real=True)
    forms = [
        1 / (1 + sp.exp(u)),
        sp.exp(u) / (1 + sp.exp(u)),
        sp.exp(2 * u) / (1 + sp.exp(u)) ** 3,
        sp.log(1 + sp.exp(-u)),
        sp.exp(-u) / (1 + sp.exp(-u)) ** 2,
        1 / sp.cosh(u) ** 2,
        sp.log(sp.cosh(u)),
        sp.log(1 - 1 / (1 + sp.exp(u))),
        sp.sech(u) ** 2,
        sp.coth(u),
        sp.erfc(u),
    ]
    for form in forms:
        for value in (sp.Rational(-7, 3), sp.Rational(5, 4)):
            assert abs((explicit(recognise(form)) - form).subs(u, value).evalf(30)) < 1e-28
    assert recognise(forms[4]) == Sigmoid(u) * (1 - Sigmoid(u))
    assert recognise(forms[3]) == Softplus(u) - u


def test_bad_covariance_shape() -> None:
    with pytest.raises(ValueError, match="one row for each"):
        GaussianMean(sp.tanh(x), (x,), COV)


@pytest.mark.parametrize(
    "integrand",
    [
        sp.Piecewise((sp.exp(-x) - sp.exp(-1), x > 1), (0, True)),  # a kink
        sp.Piecewise((1 / x, x > 1), (0, True)),  # a jump
        sp.Min(1, 1 / sp.Abs(x)) * sp.cos(x),
    ],
)
def test_the_derivative_in_the_variance_sees_where_pieces_meet(integrand: sp.Expr) -> None:
    v, h = sp.Symbol("v", positive=True), sp.Rational(1, 10**4)
    node = GaussianMean(integrand, (x,), sp.Matrix([[v]]))
    difference = (node.subs(v, 1 + h).evalf(20) - node.subs(v, 1 - h).evalf(20)) / (2 * h)
    assert float(sp.diff(node, v).subs(v, 1).evalf(15)) == pytest.approx(float(difference), rel=1e-7)
