"""Lowered quadrature nodes: against mpmath, against a dense grid over the whole domain, and across targets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.analyticity import strip
from symhigh.codegen.guard import guarded
from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import expect
from symhigh.symbols import B11, B12, B22, x, x_star

COV = sp.Matrix([[B11, B12], [B12, B22]])
c = sp.Symbol("c", positive=True)


def sigmoid(u: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-u))


def build(expr: sp.Expr, njit: Callable[..., Any] = lambda f: f) -> Callable[..., float]:
    """The expectation of ``expr`` as a function of (B11, B12, B22, c)."""
    source, (call,) = lower_nodes([expect(expr, COV)])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": njit}
    exec(source, space)  # the source is generated here, from an expression written here
    return sp.lambdify((B11, B12, B22, c), call, [space, "math"])


def dense(f: Callable[..., Any], a: float, b: float, r: float, step: float, reach: float = 9.0) -> float:
    """``E f(x, y)`` by the trapezoidal rule in whitened coordinates, with no economy at all."""
    z = np.arange(-reach, reach + step / 2, step)
    weight = np.exp(-z * z / 2) * step / math.sqrt(2 * math.pi)
    first = math.sqrt(a) * z[:, None]
    second = math.sqrt(b) * (r * z[:, None] + math.sqrt(max(1 - r * r, 0.0)) * z[None, :])
    return float(weight @ f(first, second) @ weight)


def logistic(u: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(u / 2))


@pytest.mark.parametrize(
    ("expr", "at"),
    [
        (sigmoid(x) * sigmoid(x_star), (1.3, 0.4, 0.7)),
        (sp.tanh(x) * sp.tanh(x_star), (2.0, -1.2, 0.8)),
        (sp.log(1 + sp.exp(x)), (3.0, 0.0, 1.0)),
        (sp.Max(0, x - c) * sp.Max(0, x_star - c), (1.3, 0.4, 0.7)),
        (sp.sqrt(1 + (x - x_star) ** 2), (1.3, 0.4, 0.7)),
        (sigmoid(x) * sp.Max(0, x_star), (1.3, 0.4, 0.7)),
        (sp.sqrt(1 + sp.Abs(x)), (1.3, 0.4, 0.7)),
        (sp.exp(sp.cos(x)), (4.0, 0.0, 1.0)),
        (sp.atan(x) ** 2 * x_star**2, (2.0, 0.5, 1.0)),
    ],
)
def test_against_mpmath(expr: sp.Expr, at: tuple[float, float, float]) -> None:
    a, b, d = map(sp.Rational, at)
    reference = expect(expr.subs(c, sp.Rational(7, 10)), [[a, b], [b, d]]).evalf(14)
    assert abs(build(expr)(*at, 0.7) - float(reference)) < 1e-11 * max(1.0, abs(float(reference)))


VARIANCES = (1e-8, 1e-3, 0.3, 2.0, 10.0, 60.0, 1e3)
CORRELATIONS = (0.0, 0.3, -0.8, 0.97, -0.995, 0.9999, 1.0, -1.0)


def test_logistic_over_the_whole_domain() -> None:
    value = build(sigmoid(x) * sigmoid(x_star))
    for a, b in itertools.product(VARIANCES[::2], VARIANCES[1::2]):
        for r in CORRELATIONS:
            step = min(0.35, 2 * math.pi**2 / math.sqrt(max(a, b)) / 40)
            second = dense(lambda u, v: logistic(u) * logistic(v), a, b, r, step)
            assert abs(value(a, r * math.sqrt(a * b), b, 1.0) - second) < 1e-10


def test_softplus_over_the_whole_domain() -> None:
    value = build(sp.log(1 + sp.exp(x)))
    for a in VARIANCES:
        z = np.arange(-9, 9, min(0.3, 2 * math.pi**2 / math.sqrt(a) / 40))
        second = (
            np.sum(np.exp(-z * z / 2) * np.logaddexp(0, math.sqrt(a) * z))
            * (z[1] - z[0])
            / math.sqrt(2 * math.pi)
        )
        assert abs(value(a, 0.0, 1.0, 1.0) - second) < 1e-10 * max(1.0, math.sqrt(a))


@pytest.mark.parametrize(
    "expr",
    [
        sp.Max(0, x - c) * sp.Max(0, x_star - c),
        sp.tanh(x) * sp.Max(0, x_star),
        sp.erf(x) * sigmoid(x_star),
        sp.sign(x) * sp.sign(x_star) + sp.Abs(x) * sp.Abs(x_star),
    ],
)
def test_singular_covariances_are_exact(expr: sp.Expr) -> None:
    value = build(expr)
    for a, b, d in [(1, 1, 1), (1, -2, 4), (0, 0, 1), (1, 0, 0), (0, 0, 0)]:
        reference = float(expect(expr.subs(c, sp.Rational(1, 2)), [[a, b], [b, d]]).evalf(13))
        assert abs(value(float(a), float(b), float(d), 0.5) - reference) < 1e-11


def test_rounding_beyond_the_domain_is_harmless() -> None:
    value = build(sp.Abs(x) * sp.Abs(x_star))
    assert abs(value(1.0, 1.0 + 1e-15, 1.0, 1.0) - 1.0) < 1e-7


@pytest.mark.parametrize(
    "expr", [sigmoid(x) * sigmoid(x_star), pytest.param(sp.tanh(x) * sp.sign(x - c), marks=pytest.mark.slow)]
)
def test_targets_agree(expr: sp.Expr) -> None:
    numba = pytest.importorskip("numba")
    njit = numba.njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
    compiled, plain = build(expr, njit), build(expr)
    rng = np.random.default_rng(3)
    for _ in range(40):
        a, b = 10 ** rng.uniform(-8, 1, 2)
        at = (a, rng.uniform(-1, 1) * math.sqrt(a * b), b, 0.4)
        assert abs(compiled(*at) - plain(*at)) < 1e-13


def test_equal_integrands_share_a_function() -> None:
    loss = -x * sigmoid(x_star) + sp.log(1 + sp.exp(x))
    slope = sp.diff(loss, x)
    exprs = [expect(e, COV) for e in (slope**2, sp.diff(slope, x), sp.diff(slope, x_star))]
    source, calls = lower_nodes(exprs)
    assert len({f.func for call in calls for f in call.atoms(sp.core.function.AppliedUndef)}) == 2
    assert (
        source.count("def node_")
        == source.count("@njit") - source[: source.index("def node_")].count("@njit") + 1
    )
    again, _ = lower_nodes(exprs)
    assert again == source


def test_nothing_to_lower() -> None:
    assert lower_nodes([B11 + B12]) == ("", [B11 + B12])


def test_no_overflow_far_out() -> None:
    value = build(sp.log(1 + sp.exp(x)) + sp.log(1 + sp.exp(-x)))
    assert abs(value(2500.0, 0.0, 1.0, 1.0) - 50 * math.sqrt(2 / math.pi)) < 0.1
    assert 0 < build(sigmoid(x) ** 2)(160000.0, 0.0, 1.0, 1.0) < 0.5


def test_strips() -> None:
    z = sp.Symbol("z", real=True)
    for expr, width in [
        (sp.tanh(2 * z), sp.pi / 4),
        (z / (1 + z**2) ** 2, 1),
        (sp.atan(3 * z), sp.Rational(1, 3)),
        (sp.exp(z) * z, sp.oo),
        (sp.log(4 + z**2), 2),
    ]:
        known = strip(expr, z)
        assert known is not None
        assert sp.simplify(known.width - width) == 0 if width != sp.oo else known.width == sp.oo
    assert strip(sp.gamma(z), z) is None
    assert strip(sp.erf(2 * z), z).growth == 4


def test_guards_leave_values_alone() -> None:
    expr = sp.asin(B12 / (sp.sqrt(B11) * sp.sqrt(B22))) * sp.sqrt(B11 * B22 - B12**2)
    source, (call,) = lower_nodes([expr])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # generated here
    f = sp.lambdify((B11, B12, B22), call, [space, "math"])
    assert abs(f(1.3, 0.4, 0.7) - float(expr.subs({B11: 1.3, B12: 0.4, B22: 0.7}))) < 1e-15
    assert f(0.0, 0.0, 1.0) == 0.0
    assert guarded(B11 + B12**2) == B11 + B12**2


@pytest.mark.parametrize("power", [2, 6])
def test_laws_far_wider_than_the_integrand(power: int) -> None:
    """Heavy-tailed mixtures ask for variances of any size; against ``E f = E f(√v z)`` in the variable log z."""
    value, growing = build(sp.tanh(x) ** power), build(sp.sqrt(1 + x**2))
    u, step = np.linspace(-60, 3, 20001, retstep=True)
    for variance in (1e5, 1e9, 1e14):
        z = np.exp(u)
        weight = 2 * z * np.exp(-z * z / 2) * step / math.sqrt(2 * math.pi)
        inner = math.sqrt(variance) * z
        assert value(variance, 0.0, 1.0, 1.0) == pytest.approx(weight @ np.tanh(inner) ** power, rel=1e-11)
        assert growing(variance, 0.0, 1.0, 1.0) == pytest.approx(weight @ np.sqrt(1 + inner**2), rel=1e-11)
