"""log Φ and its derivatives: names for the normal tail, against mpmath from deep on one side to deep on the other."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from symhigh.codegen.helpers import SHARED
from symhigh.codegen.quadrature import lower_nodes
from symhigh.derivation.gaussian import GaussianMean, Hazard, LogErfc, expect, explicit, recognise
from symhigh.symbols import B11, B12, B22, x, x_star

u = sp.Symbol("u", real=True)
PHI = (1 + sp.erf(x / sp.sqrt(2))) / 2
LOSS = -sp.log(PHI)


def test_recognised_and_written_out_again() -> None:
    assert recognise(sp.log(1 - sp.erf(u))) == LogErfc(u)
    assert recognise(sp.exp(-(u**2)) / (3 + 3 * sp.erf(u))) == Hazard(-u) / 3
    assert recognise(1 / (2 + sp.erf(u))) == 1 / (2 + sp.erf(u))
    for expr in (LOSS, sp.diff(LOSS, x), sp.diff(LOSS, x) ** 2, sp.diff(LOSS, x, 2)):
        again = explicit(recognise(expr))
        assert abs(sp.N((again - expr).subs(x, sp.Rational(-7, 5)), 25)) < 1e-22


@pytest.mark.parametrize("function", [Hazard, LogErfc])
def test_derivatives(function: type[sp.Function]) -> None:
    at, step = sp.Rational(3, 5), sp.Rational(1, 10**8)
    difference = (function(at + step).evalf(40) - function(at - step).evalf(40)) / (2 * step)
    assert abs(difference - sp.diff(function(u), u).subs(u, at).evalf(40)) < 1e-14


@pytest.mark.parametrize("at", [-30.0, -4.0, -0.3, 0.0, 0.49, 0.51, 4.999, 5.0, 5.001, 8.0, 30.0, 1e4])
def test_generated_functions_to_rounding(at: float) -> None:
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(SHARED, space)  # the package's own text
    with mp.workdps(40):
        tail = mp.erfc(mp.mpf(at))
        assert space["log_erfc"](at) == pytest.approx(float(mp.log(tail)), rel=2e-15, abs=1e-300)
        assert space["hazard"](at) == pytest.approx(
            float(mp.exp(-(mp.mpf(at) ** 2)) / tail), rel=1e-13, abs=1e-300
        )


def reference(f: Any, variance: float) -> float:
    """By tanh-sinh in mpmath, on erfc alone."""
    with mp.workdps(25):
        root = mp.sqrt(variance)
        return float(mp.quad(lambda z: mp.npdf(z) * f(root * z), [-20, -9, -4, -1, 0, 1, 4, 9, 20]))


@pytest.mark.parametrize("variance", [1e-8, 0.1, 1.0, 10.0, 1e3])
def test_means_of_the_likelihood(variance: float) -> None:
    """E of ``-log Φ``, of its slope ``-φ/Φ`` and of the slope's square, for predictions up to 30 deviations deep."""
    parts = [
        expect(recognise(e), [[B11]], (x,))
        for e in (LOSS, sp.diff(recognise(LOSS), x), sp.diff(recognise(LOSS), x) ** 2)
    ]
    source, calls = lower_nodes(parts)
    space: dict[str, Any] = {"math": math, "numpy": np, "njit": lambda f: f}
    exec(source, space)  # generated here
    values = [sp.lambdify(B11, call, [space, "math"])(variance) for call in calls]
    below = lambda v: mp.erfc(-v / mp.sqrt(2)) / 2  # noqa: E731
    for value, f in zip(
        values,
        (
            lambda v: -mp.log(below(v)),
            lambda v: -mp.npdf(v) / below(v),
            lambda v: (mp.npdf(v) / below(v)) ** 2,
        ),
        strict=True,
    ):
        assert value == pytest.approx(reference(f, variance), rel=1e-11)


def test_products_with_the_target_need_one_integral() -> None:
    """With a label drawn by ``Φ(x*)``, the slope's mean is a node over x alone, its x* integrated given x."""
    node = expect(recognise(sp.diff(LOSS, x) * (1 + sp.erf(x_star / sp.sqrt(2)))), [[B11, B12], [B12, B22]])
    assert [n.dimension for n in node.atoms(GaussianMean)] == [1, 1]
