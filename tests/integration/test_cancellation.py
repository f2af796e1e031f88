"""Averages near the target in small moments: against the same averages at 50 digits, and curves against their rates."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.gaussian import Sigmoid
from symhigh.integration.cancellation import _DIFFERENCES, resolved
from symhigh.symbols import B11, B12, B22

X, Y = sh.x, sh.x_star
Q, P, B = sp.symbols("Q P B", real=True)
STUDENTS = {
    "relu": (sp.Max(X, 0) - sp.Max(Y, 0)) ** 2 / 2,
    "abs": (sp.Abs(X) - sp.Abs(Y)) ** 2 / 2,
    "erf": (sp.erf(X) - sp.erf(Y)) ** 2 / 2,
    "sin": (sp.sin(X) - sp.sin(Y)) ** 2 / 2,
    "tanh": (sp.tanh(X / 2) - sp.tanh(Y / 2)) ** 2 / 2,
}
AT = {Q: sp.Rational(3, 10**20), P: -sp.Rational(1, 10**10) / 7, B: sp.Rational(13, 10)}


def scalars(loss: sp.Expr) -> dict[str, sp.Expr]:
    system = sh.derive(sh.Problem(loss), sh.Constant(sp.Rational(1, 2)), reduce=False)
    found = {s.name.name: s.expression for s in system.scalars}
    return {"risk": found["risk"], "I": found["I"], "pull": found["c1"] + found["c2"]}


@cache
def at_once(step: float = 0.15) -> dict[str, Any]:
    """Risk and E f_x² of the tanh student over a grid in whitened coordinates, its errors being exponentially small."""
    q, p, b = (mp.mpf(v.p) / v.q for v in (AT[Q], AT[P], AT[B]))
    grid = [mp.mpf(step) * k for k in range(-90, 91)]
    weight = [mp.exp(-(z**2) / 2) * step / mp.sqrt(2 * mp.pi) for z in grid]
    risk = square = mp.mpf(0)
    for z, w in zip(grid, weight, strict=True):
        y = mp.sqrt(b) * z
        before = mp.tanh(y / 2)
        for s, v in zip(grid[::3], weight[::3], strict=True):  # u is tiny: polynomial in s
            u = p / mp.sqrt(b) * z + mp.sqrt(q - p**2 / b) * s
            now = mp.tanh((u + y) / 2)
            gap = now - before
            risk += w * 3 * v * gap**2 / 2
            square += w * 3 * v * (gap * (1 - now**2) / 2) ** 2
    return {"risk": risk, "I": square}


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("name", STUDENTS)
def test_small_averages_have_their_digits(name: str, side: int) -> None:
    if side < 0 and name != "abs":  # others see the sign of X
        return
    averages = {B11: Q + 2 * P + B, B12: side * (P + B), B22: B}
    exact = {symbol: e.xreplace(AT) for symbol, e in averages.items()}
    for kind, expr in scalars(STUDENTS[name]).items():
        if kind == "pull" and side < 0:
            continue
        found = resolved(expr, averages, (Q, P), side)
        assert found is not None
        if name == "tanh":
            if kind == "pull":
                continue
            with mp.workdps(50):
                right = at_once()[kind]
            value = float(found.xreplace(AT))
        else:
            right = sp.N(expr.xreplace(exact), 50)
            value = float(sp.lambdify((Q, P, B), found, "math")(*(float(AT[s]) for s in (Q, P, B))))
        digits = 1e-12 if name == "tanh" else 1e-4 if kind == "pull" else 1e-5  # the pull meets P, below √Q
        assert value == pytest.approx(float(right), rel=digits, abs=0)


@pytest.mark.parametrize("kind", [sp.tanh, Sigmoid, sp.sin, sp.cos], ids=str)
@pytest.mark.parametrize("factor", [sp.Rational(3, 2), -sp.Rational(2, 5)])
def test_differences_of_functions_have_their_digits(kind: Any, factor: sp.Rational) -> None:
    """``f(k (u + y)) - f(k y)`` at u = 1e-20, against 60 digits."""
    u, y = sp.symbols("u y", real=True)
    at = {u: sp.Rational(1, 10**20), y: sp.Rational(7, 9)}
    plain = (lambda v: 1 / (1 + sp.exp(-v))) if kind is Sigmoid else kind
    exact = (plain(factor * (u + y)) - plain(factor * y)).xreplace(at).evalf(60)
    found = sp.lambdify((u, y), _DIFFERENCES[kind](factor, u, y), "math")(1e-20, 7 / 9)
    assert found == pytest.approx(float(exact), rel=1e-13, abs=0)


@pytest.mark.parametrize(("name", "rate"), [("relu", 0.375), ("abs", 0.75)])
def test_a_student_decays_at_its_rate_for_many_orders_of_magnitude(name: str, rate: float) -> None:
    """Near the target c₁ is the share of x on which the student moves, and I is ``2 c₁² Q`` or ``c₁ Q``."""
    end = 36 / rate
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve = sh.derive(sh.Problem(STUDENTS[name]), sh.Constant(sp.Rational(1, 2))).solve(
            sh.Spectrum.isotropic(), sh.Start(1, 1, sp.Rational(99, 100)), end, t=[0, end - 10, end], rtol=1e-10
        )
    assert curve.risk[2] < 1e-16
    assert np.log(curve.risk[1] / curve.risk[2]) == pytest.approx(10 * rate, rel=1e-6)


def test_an_average_that_is_not_known_without_cancellation_stays() -> None:
    """Functions of both predictions have no difference that is known."""
    expr = scalars((sp.tanh(X * Y) - sp.tanh(Y**2)) ** 2)["risk"]
    assert resolved(expr, {B11: Q + 2 * P + B, B12: P + B, B22: B}, (Q, P), 1) is None
