"""The mean of four signs: by a double integral that shares nothing, at degenerate corners, generated."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import FourSigns, GaussianMean, expect

U = sp.symbols("u1:5", real=True)


def correlations(seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).standard_normal((4, 5))
    cov = root @ root.T
    size = np.sqrt(np.diag(cov))
    return np.asarray(cov / np.outer(size, size))


def by_conditioning(r: np.ndarray) -> float:
    """Given (u1, u2), two signs with means: ``E sign sign = 4 P - …`` by the bivariate normal law of SciPy."""
    from scipy.stats import multivariate_normal, norm

    nodes, weights = np.polynomial.legendre.leggauss(24)
    z, w = (nodes + 1) * 4.2, weights * 4.2
    weights_of = r[2:, :2] @ np.linalg.inv(r[:2, :2])
    rest = r[2:, 2:] - weights_of @ r[:2, 2:]
    density = multivariate_normal([0, 0], r[:2, :2])
    law = multivariate_normal([0, 0], rest)
    total = 0.0
    for a, wa in zip(z, w, strict=True):
        for b, wb in zip(z, w, strict=True):
            for sign in (1, -1):
                mean = weights_of @ np.array([a, sign * b])
                both = law.cdf(mean)
                one, two = (
                    norm.cdf(mean[0] / math.sqrt(rest[0, 0])),
                    norm.cdf(mean[1] / math.sqrt(rest[1, 1])),
                )
                inner = 4 * both - 2 * one - 2 * two + 1
                total += 2 * sign * wa * wb * density.pdf([a, sign * b]) * inner
    return total


def value(node: sp.Expr) -> float:
    source, (call,) = lower_nodes([node])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # the source is generated here
    return float(sp.lambdify((), call, [{**space, "FourSigns": space["four_signs"]}, "math"])())


@pytest.mark.parametrize("seed", [0, 1])
def test_against_conditioning(seed: int) -> None:
    r = correlations(seed)
    node = FourSigns(*(sp.Float(float(r[i, j])) for i in range(4) for j in range(i + 1, 4)))
    assert float(node) == pytest.approx(by_conditioning(r), abs=2e-5)
    exact = [sp.Rational(float(r[i, j])) for i in range(4) for j in range(i + 1, 4)]
    names = sp.symbols("r1:7", real=True)
    source, (call,) = lower_nodes([FourSigns(*names)])
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # the source is generated here
    fast = space["four_signs"](*map(float, exact))
    assert call.func is FourSigns
    assert fast == pytest.approx(float(node), abs=1e-13)


def test_corners() -> None:
    half = sp.Rational(1, 2)
    third = math.asin(0.5) * 2 / math.pi
    assert float(FourSigns(1, half, 0, half, 0, 0)) == pytest.approx(0, abs=1e-12)
    assert float(FourSigns(1, half, half, half, half, half)) == pytest.approx(third, abs=1e-12)
    assert float(FourSigns(half, 0, 0, 0, 0, half)) == pytest.approx(third**2, abs=1e-14)


def test_open_correlations_wait_for_their_numbers() -> None:
    r = sp.Symbol("r", real=True)
    node = FourSigns(r, 0, 0, 0, 0, r)
    assert node.evalf(20) == node
    assert abs(node.subs(r, sp.Rational(1, 2)).evalf(20) - sp.Rational(1, 9)) < 1e-18


def test_four_half_spaces_need_no_quadrature_node() -> None:
    law = sp.Matrix(4, 4, lambda i, j: 1 if i == j else sp.Rational(1, 3 + i + j))
    relu = sp.Max(0, U[2]) * sp.Max(0, U[3])
    mean = expect(relu * sp.Heaviside(U[0]) * sp.Heaviside(U[1]), law, U)
    assert mean.has(FourSigns)
    assert not mean.has(GaussianMean)
    draws = np.random.default_rng(4).multivariate_normal(
        np.zeros(4), np.array(law.tolist(), dtype=float), 400_000
    )
    sample = np.prod(np.maximum(draws[:, 2:], 0), axis=1) * np.all(draws[:, :2] > 0, axis=1)
    assert abs(value(mean) - sample.mean()) < 5 * sample.std() / math.sqrt(sample.size)


def test_derivatives_in_every_correlation_are_those_by_differences() -> None:
    """Price's theorem in each of the six, by central differences to 30 digits."""
    r = sp.symbols("r:6", real=True)
    place = [sp.Rational(n, 20) for n in (3, -2, 5, 4, -1, 2)]
    at, step = dict(zip(r, place, strict=True)), sp.Rational(1, 10**8)
    value = FourSigns(*r)
    for s in r:
        slope = sp.diff(value, s).subs(at).evalf(20)
        ends = [value.subs({**at, s: at[s] + side * step}).evalf(40) for side in (1, -1)]
        assert abs(slope - (ends[0] - ends[1]) / (2 * step)) < 1e-12
