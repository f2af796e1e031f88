"""Closed forms against plain quadrature, golden answers, singular covariances, and what is refused."""

from __future__ import annotations

import random
import time

import mpmath as mp
import pytest
import sympy as sp

from symhigh.derivation.gaussian import GaussianMean, expect
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit
from symhigh.symbols import B11, B12, B22, eps, omega, x, x_star
from tests.derivation.gaussian.reference import expectation
from tests.derivation.gaussian.table import TABLE, VALUES, c, s

COV = sp.Matrix([[B11, B12], [B12, B22]])
NOISY = sp.Matrix([[B11, B12, 0], [B12, B22, 0], [0, 0, omega**2]])
pi, sqrt, erf, asin, acos = sp.pi, sp.sqrt, sp.erf, sp.asin, sp.acos


def covariance(seed: int, gap: int = 0) -> dict[sp.Symbol, sp.Expr]:
    """A random covariance; with a ``gap``, of correlation ±(1 - 10^-gap)."""
    draw = random.Random(seed)
    a, b = (sp.Rational(draw.randint(45, 160), 100) for _ in range(2))
    rho = sp.Rational(draw.randint(-95, 95), 100)
    if gap:
        rho = sp.sign(rho + sp.Rational(1, 200)) * (1 - sp.Rational(1, 10**gap))
    return {B11: a**2, B12: rho * a * b, B22: b**2}


def compare(expr: sp.Expr, kinks: list[sp.Expr], seed: int, gap: int, digits: int) -> None:
    start = time.process_time()
    closed = expect(expr, COV)
    assert time.process_time() - start < 5
    assert not closed.has(GaussianMean), "no closed form found"
    cov = covariance(seed, gap)
    value = closed.subs(VALUES).subs(cov).evalf(digits + 5)
    held = tuple(v for v in (x, x_star) if v in expr.free_symbols)
    entries = [
        [cov[COV[i, j]] for j in range(2) if (x, x_star)[j] in held]
        for i in range(2)
        if (x, x_star)[i] in held
    ]
    second, size = expectation(expr.subs(VALUES), held, entries, [k.subs(VALUES) for k in kinks], digits)
    with mp.workdps(digits + 5):
        assert abs(mp.mpf(value) - second) <= mp.mpf(10) ** (-digits) * size * 100


@pytest.mark.parametrize("row", range(len(TABLE)))
def test_table_to_eleven_digits(row: int) -> None:
    compare(*TABLE[row], seed=row, gap=0 if row % 3 else 6, digits=11)


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0, 12])
@pytest.mark.parametrize("row", range(len(TABLE)))
def test_table_to_thirty_digits(row: int, gap: int) -> None:
    compare(*TABLE[row], seed=1000 + row, gap=gap, digits=30)


def test_the_table_is_long_enough() -> None:
    assert len({e for e, _ in TABLE}) >= 60


RHO = B12 / (sqrt(B11) * sqrt(B22))
P = (B11 - 2 * B12 + B22 + omega**2) / 2
GOLDEN = [
    (x**2 * x_star**2, B11 * B22 + 2 * B12**2),
    (x**4, 3 * B11**2),
    (sp.exp(s * x), sp.exp(s**2 * B11 / 2)),
    (sp.cos(s * x), sp.exp(-(s**2) * B11 / 2)),
    (sp.Abs(x), sqrt(2 * B11 / pi)),
    (sp.Max(0, x) ** 2, B11 / 2),
    (sp.sign(x) * sp.sign(x_star), 2 / pi * asin(RHO)),
    (
        sp.Max(0, x) * sp.Max(0, x_star),
        sqrt(B11 * B22) / (2 * pi) * (sqrt(1 - RHO**2) + RHO * (pi - acos(RHO))),
    ),
    (erf(x) * erf(x_star), 2 / pi * asin(2 * B12 / sqrt((1 + 2 * B11) * (1 + 2 * B22)))),
    ((x**2 - x_star**2) ** 2 / 4, (3 * B11**2 - 2 * B11 * B22 - 4 * B12**2 + 3 * B22**2) / 4),
    (
        (sp.Abs(x) - sp.Abs(x_star)) ** 2 / 2,
        (B11 + B22) / 2 - 2 / pi * (sqrt(B11 * B22 - B12**2) + B12 * asin(RHO)),
    ),
]


@pytest.mark.parametrize("row", range(len(GOLDEN)))
def test_golden_answers(row: int) -> None:
    expr, answer = GOLDEN[row]
    derived = expect(expr, COV)
    for seed in (1, 2, 3):
        at = {**covariance(seed), **VALUES}
        assert abs((derived - answer).subs(at).evalf(30)) < 1e-24


def test_clipped_sgd() -> None:
    r = x - x_star - eps
    slope = sp.Max(-c, sp.Min(c, r))
    inside = sp.Piecewise((1, sp.Abs(r) < c), (0, True))
    z = c / sqrt(2 * P)
    noise = 2 * P * (erf(z / sqrt(2)) - sqrt(2 / pi) * z * sp.exp(-(z**2) / 2)) + c**2 * sp.erfc(
        c / (2 * sqrt(P))
    )
    mean_slope = erf(c / (2 * sqrt(P)))
    at = {**covariance(4), **VALUES, omega: sp.Rational(1, 3)}
    for derived, answer in [
        (expect(slope**2, NOISY), noise),
        (expect(inside, NOISY), mean_slope),
        # Stein: E[x f'] = (B11 - B12) E 1{|r| < c}, E[ε f'] = -ω² E 1{|r| < c}
        (expect(x * slope, NOISY), (B11 - B12) * mean_slope),
        (expect(eps * slope, NOISY), -(omega**2) * mean_slope),
        (expect((x - x_star) * slope, NOISY), (B11 - 2 * B12 + B22) * mean_slope),
    ]:
        assert not derived.has(GaussianMean)
        assert abs((derived - answer).subs(at).evalf(30)) < 1e-25


def test_hermite_link_is_polynomial() -> None:
    link = (x**2 - 1) - (x_star**2 - 1)
    assert sp.expand(expect(link**2, COV) - (2 * B11**2 - 4 * B12**2 + 2 * B22**2 + (B11 - B22) ** 2)) == 0


def test_expectation_of_a_gradient_step_is_steins_lemma() -> None:
    for g in (sp.tanh(x) * x_star**2, sp.log(1 + sp.exp(x)) * sp.exp(-x_star), erf(x) * sp.cos(x_star / 2)):
        left = expect(x * g, COV)
        right = B11 * expect(sp.diff(g, x), COV) + B12 * expect(sp.diff(g, x_star), COV)
        at = covariance(5)
        assert abs(left.subs(at).evalf(10) - right.subs(at).evalf(10)) < 1e-8


SINGULAR = [
    sp.Abs(x - x_star),
    x**2 * x_star**2,
    sp.sign(x) * sp.sign(x_star),
    sp.Max(0, x) * sp.Max(0, x_star),
    erf(x) * erf(x_star),
    sp.exp(x - 2 * x_star),
    sp.cos(x) * x_star,
    1 / (1 + sp.exp(-x)) ** 2 * x_star,
]


@pytest.mark.parametrize("expr", SINGULAR)
def test_singular_covariance_is_the_reduced_problem(expr: sp.Expr) -> None:
    for ratio in (sp.Rational(3, 2), sp.Rational(-1, 2)):
        both = expect(expr, [[1, ratio], [ratio, ratio**2]])
        alone = expect(expr.subs(x_star, ratio * x), [[1]])
        assert abs(both.evalf(15) - alone.evalf(15)) < 1e-13
    reduced = expect(expr.subs(x, 0), [[2]], (x_star,))
    assert abs(expect(expr, [[0, 0], [0, 2]]).evalf(15) - reduced.evalf(15)) < 1e-13


def test_singular_covariance_in_symbols() -> None:
    a = sp.Symbol("a", positive=True)
    assert expect(sp.Abs(x - x_star), [[a, a], [a, a]]) == 0
    assert expect(sp.sign(x) * sp.sign(x_star), [[a, -2 * a], [-2 * a, 4 * a]]) == -1
    mean = expect((sp.tanh(x) - sp.tanh(x_star)) ** 2, [[B11, B11], [B11, B11]])
    assert mean == 0


def test_floating_covariance_is_recognised_as_singular() -> None:
    value = expect(sp.Abs(x - 3 * x_star), [[0.9, 0.3], [0.3, 0.1]])
    assert abs(value) < 1e-12
    assert abs(expect(sp.Heaviside(x - 0.7), [[1.3]]) - (1 - sp.erf(0.7 / sp.sqrt(2.6))) / 2) < 1e-14


def test_condition_travels_with_the_closed_form() -> None:
    value = expect(sp.exp(s * x**2), [[B11]])
    assert abs(value.subs({s: sp.Rational(1, 8), B11: 2}) - sqrt(2)) < 1e-15
    assert value.subs({s: 1, B11: 2}) is sp.nan
    with pytest.raises(ValueError, match="diverges"):
        expect(sp.exp(x**2), [[1]])


UNKNOWN = [
    sp.exp(sp.sin(x)),
    sp.gamma(1 + x**2),
    sp.LambertW(sp.exp(x)),
    sp.sqrt(1 + sp.Abs(x)) * sp.exp(x_star),
    sp.Abs(x * x_star - 1),
    sp.log(sp.Abs(x)),
    sp.floor(x) * x_star,
    sp.sign(sp.cos(x)),
    sp.Max(0, x - 1) * sp.Max(0, x_star - 1),
    sp.log(1 + sp.exp(-x * x_star)) ** 2 * x**2,
]


@pytest.mark.parametrize("expr", UNKNOWN)
def test_unknown_expressions_become_nodes_quickly(expr: sp.Expr) -> None:
    start = time.process_time()
    assert expect(expr, COV).has(GaussianMean)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("factor", [sp.tanh(x), Sigmoid(x) ** 2, Softplus(x), sp.tanh(x) * Sigmoid(2 * x)], ids=str)
@pytest.mark.parametrize("power", [1, 2])
def test_bells_times_logistic_functions_have_an_average(factor: sp.Expr, power: int) -> None:
    """Stein's lemma gives a Gaussian factor back the degree that it takes from a monomial, so it must not be asked."""
    integrand = x**power * sp.exp(-(x**2) / 3) * factor
    found = expect(integrand, sp.Matrix([[B11, B12], [B12, B22]])).xreplace({B11: sp.Rational(7, 5)}).evalf(20)
    body = sp.lambdify(x, explicit(integrand), "mpmath")
    with mp.workdps(25):
        wide = mp.sqrt(mp.mpf(7) / 5)
        second = mp.quad(lambda z: body(z) * mp.npdf(z, 0, wide), [-14, -7, -3, 0, 3, 7, 14])
        assert abs(mp.mpf(found) - second) < mp.mpf(10) ** -16


def test_refusals() -> None:
    with pytest.raises(TypeError, match="never evaluated"):
        expect("x**2", [[1]])
    with pytest.raises(ValueError, match="symmetric"):
        expect(x, [[1, 2], [3, 1]])
    with pytest.raises(ValueError, match="semidefinite"):
        expect(x * x_star, [[1, 2], [2, 1]])
    with pytest.raises(ValueError, match="variance must be >= 0"):
        expect(x, [[-1]])
    with pytest.raises(ValueError, match="name its variables"):
        expect(x, sp.eye(4))
    with pytest.raises(ValueError, match="distinct symbols"):
        expect(x, [[1]], (x, x_star))
