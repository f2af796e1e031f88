"""Averages of functions in pieces: right values by independent routes, zeros, budgets, both generated targets."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import GaussianMean, expect
from symhigh.derivation.gaussian.digits import NotConverged
from symhigh.derivation.gaussian.rules import doubles
from symhigh.symbols import x, x_star

y = x_star
half, third = sp.Rational(1, 2), sp.Rational(1, 3)
NARROW = [[sp.Rational(5, 8), sp.Rational(1, 10)], [sp.Rational(1, 10), 1]]
WIDE = [[1, half], [half, 2]]

LINE = [
    (sp.Piecewise((1 / x, x > 1), (0, True)), lambda z: 1 / z if z > 1 else 0, [1]),
    (sp.Heaviside(x - 1) / x, lambda z: 1 / z if z > 1 else 0, [1]),
    (sp.Max(0, x - 1) / x, lambda z: (z - 1) / z if z > 1 else 0, [1]),
    (sp.Piecewise((sp.sqrt(x), x > 0), (sp.sqrt(-x), True)), lambda z: mp.sqrt(abs(z)), [0]),
    (sp.Piecewise((sp.log(1 - x), x < 0), (sp.log(1 + x), True)), lambda z: mp.log(1 + abs(z)), [0]),
    (
        sp.Piecewise((1 / (2 - x), x < 1), (x**2, True)) * y**2,
        lambda z: (1 / (2 - z) if z < 1 else z * z) * (mp.mpf("0.984") + (mp.mpf("0.16") * z) ** 2),
        [1],
    ),
    (sp.sign(x**3 - x - 1), lambda z: mp.sign(z**3 - z - 1), [mp.findroot(lambda z: z**3 - z - 1, 1.3)]),
    (
        sp.floor(2 * x - third),
        lambda z: mp.floor(2 * z - mp.mpf(1) / 3),
        [mp.mpf(k + third) / 2 for k in range(-20, 20)],
    ),
]


@pytest.mark.parametrize(
    ("expr", "plain", "cuts"), LINE, ids=lambda v: str(v) if isinstance(v, sp.Expr) else ""
)
def test_on_a_line(expr: sp.Expr, plain: Callable[[Any], Any], cuts: list[Any]) -> None:
    """Against Gauss-Legendre panels between the cuts."""
    width = mp.sqrt(mp.mpf(5) / 8)
    marks = sorted({*cuts, *range(-9, 10)})
    second = mp.quad(
        lambda z: plain(z) * mp.npdf(z, 0, width),
        marks,
        method="gauss-legendre" if cuts != [0] else "tanh-sinh",
    )
    assert float(expect(expr, NARROW)) == pytest.approx(float(second), abs=2e-11)


PLANE = [
    (sp.Max(x * y, half), 1.000266389222),
    (sp.Abs(x * y - 1), 1.210435293459),
    (sp.Abs(x**2 - y), 1.615971050387),
    (sp.sign(x**2 + y**2 - 1), 0.383322540435),
    (sp.Piecewise((x * y, x**2 + y**2 < 1), (0, True)), 0.003283890698),
    (sp.Piecewise((1, x * y < third), (0, True)), 0.588701995771),
    (sp.Piecewise((sp.cos(x), y < sp.sin(3 * x)), (y**2, True)), 1.303265329856),
    (sp.sqrt(sp.Abs(x)) * sp.Abs(y) ** sp.Rational(3, 2), 1.245403518313),
    (sp.Piecewise((1, x**2 - x * y + y**2 < 2), (0, True)), 0.568191471832),
]


@pytest.mark.parametrize(("expr", "right"), PLANE, ids=lambda v: str(v) if isinstance(v, sp.Expr) else "")
def test_across_curved_boundaries(expr: sp.Expr, right: float) -> None:
    """Values of nested Gauss-Legendre rules with breakpoints at the boundary, made outside this package."""
    node = expect(expr, WIDE)
    assert float(node) == pytest.approx(right, abs=3e-12)
    assert generated(node) == pytest.approx(right, abs=3e-12)


def generated(node: sp.Expr, njit: Callable[..., Any] = lambda f: f) -> float:
    """The value by the generated source."""
    source, (call,) = lower_nodes([node])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": njit}
    exec(source, space)  # the source is generated here, from an expression written here
    return float(sp.lambdify((), call, [space, "math"])())


def by_panels(f: Callable[[Any, Any], Any], cut: Callable[[float], list[float]], cov: Any) -> float:
    """Nested Gauss-Legendre rules, the inner one between the cuts of the line x = const."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    a, b, d = (float(v) for v in (cov[0][0], cov[0][1], cov[1][1]))
    total = 0.0
    edges = np.linspace(-9, 9, 25)
    for low, high in pairwise(edges):
        for z, w in zip(low + (high - low) * (nodes + 1) / 2, weights * (high - low) / 2, strict=True):
            u, mean, width = math.sqrt(a) * z, b / math.sqrt(a) * z, math.sqrt(d - b * b / a)
            marks = sorted({-9.0, 0.0, 9.0, *(t for c in cut(u) if -9 < (t := (c - mean) / width) < 9)})
            for p, q in pairwise(marks):
                s = p + (q - p) * (nodes + 1) / 2
                inner = np.exp(-s * s / 2) * f(u, mean + width * s)
                total += w * math.exp(-z * z / 2) * float(weights @ inner) * (q - p) / 2
    return total / (2 * math.pi)


def test_no_closed_form_along_any_line() -> None:
    """Both orders of integration, a boundary that no formula solves, against nested panels."""
    expr = sp.Piecewise((sp.cos(y) * sp.exp(x / 3), y**3 + y < sp.cos(x)), (sp.sqrt(1 + y**2), True))
    node = expect(expr, WIDE)
    assert node.atoms(GaussianMean)
    cut = lambda u: [float(r.real) for r in np.roots([1, 0, 1, -math.cos(u)]) if abs(r.imag) < 1e-12]  # noqa: E731
    second = by_panels(
        lambda u, v: np.where(v**3 + v < math.cos(u), np.cos(v) * math.exp(u / 3), np.sqrt(1 + v * v)),
        cut,
        WIDE,
    )
    other = expect(expr.xreplace({x: y, y: x}), [[2, half], [half, 1]])
    for value in (float(node), float(other), generated(node), generated(other)):
        assert value == pytest.approx(second, abs=1e-9)


@pytest.mark.parametrize(
    "expr",
    [
        sp.Piecewise((1 / x, x**3 - x > 2), (x**2, True)),
        pytest.param(sp.Piecewise((sp.cos(y), x * y < third), (y**2, True)), marks=pytest.mark.slow),
    ],
)
def test_targets_agree(expr: sp.Expr) -> None:
    numba = pytest.importorskip("numba")
    njit = numba.njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
    node = expect(expr, WIDE)
    assert generated(node, njit) == pytest.approx(generated(node), abs=1e-13)


ZEROS = [
    (sp.sign(x**2 - 1) * sp.sign(y - x), WIDE),
    (sp.Piecewise((x, x**2 + y**2 < 1), (0, True)), WIDE),
    (sp.Piecewise((x * y, x**2 + y**2 < 1), (0, True)), [[1, 0], [0, 2]]),
    (sp.Piecewise((x**2 - y**2, x**2 + y**2 < 1), (0, True)), [[2, half], [half, 2]]),
    (sp.sign(sp.Abs(x) - sp.Abs(y)), [[2, half], [half, 2]]),
    (sp.Piecewise((1, x > 1), (-1, x < -1), (0, True)) * y**2, WIDE),
    (sp.floor(x) + half, WIDE),
    (sp.frac(x) - half, WIDE),
]


@pytest.mark.parametrize(("expr", "cov"), ZEROS, ids=str)
def test_zeros_are_zero(expr: sp.Expr, cov: Any) -> None:
    assert expect(expr, cov) == 0


def test_steps_have_closed_means() -> None:
    assert expect(sp.floor(x), WIDE) == -half
    assert expect(sp.ceiling(x), WIDE) == half
    assert expect(sp.Mod(x, 2), WIDE) == 1


def test_steps_without_end_are_refused_by_name() -> None:
    node = expect(sp.floor(x) ** 2, WIDE)
    with pytest.raises(ValueError, match="floor, ceiling, frac and Mod"):
        lower_nodes([node])
    with pytest.raises(NotConverged, match="jumps more than"):
        float(expect(sp.floor(10**6 * x) ** 2, WIDE))


def test_the_budget_names_what_was_too_much() -> None:
    arithmetic = doubles("a jump that nobody said")
    arithmetic.left = 5000
    with pytest.raises(NotConverged, match=r"mean of a jump that nobody said: the budget .* evalf\(n\)"):
        arithmetic.line(lambda z: float(z > 0.1234), [0.0])


@pytest.mark.parametrize("gap", [3, 7])
def test_nearly_singular_with_a_wave(gap: int) -> None:
    """relu(x) relu(y) cos y, zero at ρ = 1, against one integral over y with the closed conditional mean of relu(x)."""
    rho = 1 - sp.Rational(1, 10**gap)
    with mp.workdps(40):
        r, s = mp.mpf(rho.p) / rho.q, mp.sqrt(1 - (mp.mpf(rho.p) / rho.q) ** 2)

        def given(v: Any) -> Any:
            m = r * v
            return m * mp.ncdf(m / s) + s * mp.npdf(m / s)

        marks = [0, s, 4 * s, 12 * s, 1, 2, 4, 8, 14]
        second = mp.quad(lambda v: v * mp.cos(v) * given(v) * mp.npdf(v), sorted(marks))
    value = float(expect(sp.Max(0, x) * sp.Max(0, y) * sp.cos(y), [[1, rho], [rho, 1]]))
    assert value == pytest.approx(float(second), abs=1e-14)
