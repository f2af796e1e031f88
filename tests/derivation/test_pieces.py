"""Losses in pieces, with curved boundaries and with atoms in their noise: statistics, curves, simulation."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.quadrature import lower_nodes
from symhigh.codegen.target import NUMPY
from symhigh.derivation.gaussian import expect, mean_gradient
from symhigh.derivation.statistics import statistics
from symhigh.symbols import B11, B12, B22, omega

x, y = sh.x, sh.x_star
r = x - y - sh.eps
half = sp.S.Half
BEYOND = half + sp.log(sp.Abs(r))
FAIR = [
    sp.Abs(r) - sp.log(1 + sp.Abs(r)),
    sp.Piecewise((-r - sp.log(1 - r), r < 0), (r - sp.log(1 + r), True)),
    sp.Max(r, -r) - sp.log(1 + sp.Max(r, -r)),
]
LOG_HUBER = [
    sp.Piecewise((r**2 / 2, sp.Abs(r) <= 1), (BEYOND, True)),
    sp.Piecewise((r**2 / 2, (r <= 1) & (r >= -1)), (BEYOND, True)),
    sp.Piecewise((half + sp.log(-r), r < -1), (r**2 / 2, r <= 1), (half + sp.log(r), True)),
]
AT = {B11: 1, B12: half, B22: sp.Rational(6, 5), omega: half}


def numbers(loss: sp.Expr) -> list[float]:
    stats = statistics(sh.Problem(loss, 1).outcomes)
    return [float(getattr(stats, k).subs(AT)) for k in ("risk", "gradient_noise", "c1", "c2")]


@pytest.mark.parametrize("writings", [FAIR, LOG_HUBER], ids=["Fair", "log-Huber"])
def test_one_loss_in_three_writings(writings: list[sp.Expr]) -> None:
    first, *others = (numbers(loss) for loss in writings)
    for other in others:
        assert other == pytest.approx(first, abs=1e-12)


TRUNCATED = [
    sp.Piecewise((r**2 / 2, sp.Abs(r) <= 1), (half, True)),
    sp.Piecewise((half, sp.Abs(r) > 1), (r**2 / 2, True)),
    sp.Piecewise((r**2 / 2, (r <= 1) & (r >= -1)), (half, True)),
    sp.Piecewise((r**2 / 2, sp.Max(r, -r) <= 1), (half, True)),
    sp.Min(r**2 / 2, half),
]


def test_a_slope_that_jumps_where_an_absolute_value_passes_a_bound() -> None:
    """``c₁ = E r f'/P = E r² 1{|r| < 1}/P`` by Stein's lemma, whichever way the square is cut off."""
    P = 1 - 1 + 1.2 + 0.25
    z = 1 / math.sqrt(P)
    inside = math.erf(z / math.sqrt(2))
    c1 = inside - 2 * z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    noise = P * c1
    risk = noise / 2 + (1 - inside) / 2
    for loss in TRUNCATED:
        assert numbers(loss) == pytest.approx([risk, noise, c1, -c1], abs=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        sp.Piecewise((r**2 / 2, sp.Abs(r) <= 1), (0, True)), sp.Heaviside(sp.Abs(x) - 1), sp.sign(sp.Abs(r) - 1),
        sp.Piecewise((x**2, sp.Abs(x - y) < 1), (1, True)),
        sp.Piecewise((x, sp.Max(x, -x) < 1), (2 * sp.sign(x), True)),
        sp.Piecewise((x**2, sp.Abs(x) < 1), (2, True)) + y**2,
    ],
    ids=str,
)  # fmt: skip
def test_a_loss_that_jumps_at_an_absolute_value_is_refused(loss: sp.Expr) -> None:
    with pytest.raises(ValueError, match="it jumps as x varies, so it has no first derivative"):
        sh.derive(sh.Problem(loss, 1 if loss.has(sh.eps) else 0), sh.Constant(1))


def test_fair() -> None:
    system = sh.derive(sh.Problem(FAIR[1], noise=1), sh.Constant(0.5))
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), 8, t=[0, 2, 4, 6, 8])
    assert curve.risk == pytest.approx([0.4478, 0.3750, 0.3328, 0.3102, 0.2986], abs=6e-5)


CURVED = [
    sp.Abs(x * y - 1),
    pytest.param(sp.Max(x * y, half), marks=pytest.mark.slow),
    pytest.param(sp.Max(x**2 + y**2 - 1, 0), marks=pytest.mark.slow),
    sp.Abs(x**2 - y),
    pytest.param(sp.Abs(x**3 - y), marks=pytest.mark.slow),
    pytest.param(
        sp.Piecewise((x**2 + y**2, x**2 + y**2 < 1), (2 * sp.sqrt(x**2 + y**2) - 1, True)),
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("loss", CURVED, ids=str)
def test_derivatives_across_curved_boundaries(loss: sp.Expr) -> None:
    """``(c1, c2) = B⁻¹ (E x f', E x* f')``, which needs no derivative of the jump."""
    stats = statistics(sh.Problem(loss).outcomes)
    cov = sp.Matrix([[AT[B11], AT[B12]], [AT[B12], AT[B22]]])
    slope = sp.diff(loss, x)
    moments = sp.Matrix([float(expect(v * slope, cov)) for v in (x, y)])
    right = cov.inv() * moments
    assert float(stats.c1.subs(AT)) == pytest.approx(float(right[0]), abs=1e-10)
    assert float(stats.c2.subs(AT)) == pytest.approx(float(right[1]), abs=1e-10)


def hyperbola(rho: float) -> tuple[float, float]:
    """``E x f'`` and ``E x* f'`` of |x x* - 1/2|: its slope jumps at s² = d² + 1, with sum s and difference d over √2.

    ``E s² sign`` and ``E sign`` given d are formulas, so one smooth integral over d is left.
    """
    own = cross = 0.0
    for z, weight in zip(*np.polynomial.hermite_e.hermegauss(80), strict=True):
        d2 = (1 - rho) * z * z
        u = math.sqrt((d2 + 1) / (1 + rho))
        sign = 2 * math.erfc(u / math.sqrt(2)) - 1
        s2 = (1 + rho) * (sign + 4 * u * math.exp(-u * u / 2) / math.sqrt(2 * math.pi))
        own += weight * (s2 + d2 * sign) / 2
        cross += weight * (s2 - d2 * sign) / 2
    return cross / math.sqrt(2 * math.pi), own / math.sqrt(2 * math.pi)


def parabola(rho: float) -> tuple[float, float]:
    """The same of |x² - x*|, with x* = ρ x + √(1 - ρ²) z given x: ``E sign`` and ``E z sign`` given x are formulas."""
    own = other = 0.0
    width = math.sqrt(1 - rho**2)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    cuts = [-9, -5, -3, -1]
    for middle in (0.0, rho):
        cuts += [middle + side * width * k for k in (0, 3, 9) for side in (-1, 1)] + [middle + 0.05]
    cuts = sorted({*cuts, 2, 3, 5, 9})
    for a, b in pairwise(cuts):
        for t, w in zip((a + b + (b - a) * nodes) / 2, weights * (b - a) / 2, strict=True):
            u = (t * t - rho * t) / width
            law = w * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)
            sign, z_sign = math.erf(u / math.sqrt(2)), -2 * math.exp(-u * u / 2) / math.sqrt(2 * math.pi)
            own += law * t * 2 * t * sign
            other += law * 2 * t * (rho * t * sign + width * z_sign)
    return own, other


@pytest.mark.parametrize(
    ("loss", "right", "rho"),
    [
        pytest.param(sp.Abs(x * y - half), hyperbola, 0.9, marks=pytest.mark.slow),
        pytest.param(sp.Abs(x * y - half), hyperbola, 1 - 1e-7, marks=pytest.mark.slow),
        (sp.Abs(x**2 - y), parabola, 0.9),
        pytest.param(sp.Abs(x**2 - y), parabola, 1 - 1e-7, marks=pytest.mark.slow),
    ],
    ids=["xy", "xy, close", "x²", "x², close"],
)
def test_curved_boundaries_between_variables_that_are_almost_the_same(
    loss: sp.Expr, right: Callable[[float], tuple[float, float]], rho: float
) -> None:
    """Given x*, the law of x is a peak of width √(1 - ρ²) along the boundary."""
    own, other = right(rho)
    expected = [(own - rho * other) / (1 - rho**2), (other - rho * own) / (1 - rho**2)]
    stats = statistics(sh.Problem(loss).outcomes)
    source, calls = lower_nodes([stats.c1, stats.c2])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # the source is generated here, from an expression written here
    generated = [sp.lambdify((B11, B12, B22), call, [space, "math"])(1.0, rho, 1.0) for call in calls]
    at = {B11: 1, B12: sp.Rational(rho), B22: 1}
    assert [float(e.subs(at)) for e in (stats.c1, stats.c2)] == pytest.approx(generated, rel=1e-10)
    assert generated == pytest.approx(expected, rel=1e-9 + 1e-15 / (1 - rho))


def test_a_square_of_a_delta_is_refused_by_name() -> None:
    """The slope of (x x* - 1/2)² Heaviside has a delta times zero, whose square no average can hold."""
    gap = x * y - half
    with pytest.raises(ValueError, match=r"power or a function of a Dirac delta; write Heaviside .* as a Piecewise"):
        sh.derive(sh.Problem(gap**2 * sp.Heaviside(gap)), sh.Constant(0.1))


def test_the_jump_may_lie_on_a_plane_between_infinite_branches() -> None:
    """A jump between branches that only hold in their cells: Stein's lemma in one dimension."""
    u = sp.Symbol("u", real=True)
    g = sp.Piecewise((2 / u, u > 1), (u, True))
    (value,) = mean_gradient(g, (u,), ((sp.Integer(2),),), (u,))
    assert float(value) == pytest.approx(float(expect(u * g, [[2]], (u,))) / 2, abs=1e-12)


def test_a_start_at_zero_is_exact() -> None:
    """At x = 0 the slope of |x x* - 1| is -x*, so c1 = 0 and c2 = -1, by the generated functions."""
    system = sh.derive(sh.Problem(sp.Abs(x * y - 1)), sh.Constant(1), reduce=False)
    kernels = limit_kernels(system, NUMPY)
    y_, dy, coef = np.zeros(2), np.zeros(2), np.array([[1.0], [0.9]])
    par = np.ones(len(system.parameters))
    const, w = np.zeros(len(system.reductions)), np.ones(1)
    kernels.prepare(par, coef, w, const)
    kernels.rhs(0.0, y_, dy, par, coef, w, const)
    assert dy == pytest.approx([0.9, 0.9], abs=1e-12)  # V11: γ² I = E x*², V12: -γ c2 V22


@pytest.mark.slow
def test_a_curved_loss_against_its_simulation() -> None:
    problem, rule = sh.Problem(sp.Abs(x * y - 1)), sh.Constant(0.3)
    spectrum, start = sh.Spectrum.isotropic(), sh.Start(1, 1, 0.3)
    curve = sh.derive(problem, rule).solve(spectrum, start, 2, t=[0, 1, 2])
    runs = sh.simulate(problem, rule, spectrum, start, d=200, t_end=2, seeds=8, t=[0, 1, 2])
    mean, spread = runs.risk.mean(axis=0), runs.risk.std(axis=0) / math.sqrt(8)
    assert np.all(np.abs(mean - curve.risk) < 5 * spread + 10 / 200)


ATOMS = [
    (sh.Problem(sp.Abs(r), sh.Rademacher(0.7)), 0.01, 0.7),
    (sh.huber(0.3, sh.Rademacher(0.7)), 0.0009, 0.165),
    (sh.quantile(0.3, sh.Rademacher(0.7)), 0.0029, 0.35),
]


@pytest.mark.parametrize(("problem", "distance", "risk"), ATOMS, ids=["absolute", "Huber", "quantile"])
def test_atoms_of_the_noise_at_the_target(problem: sh.Problem, distance: float, risk: float) -> None:
    """At D² = 0 no residual is at a kink: the slope is a sign, so D² grows by γ² E f'² at first, whatever c₁."""
    start = sh.Start(x0=1, x_star=1, overlap=1)
    curve = sh.derive(problem, sh.Constant(0.1)).solve(sh.Spectrum.isotropic(), start, 1, t=[0, 1])
    assert curve.distance == pytest.approx([0, distance], abs=1e-7)
    assert curve.risk[0] == pytest.approx(risk, abs=1e-9)
