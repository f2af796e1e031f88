"""Smooth functions with names of their own, what is known of their forms, and averages to many digits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
import sympy as sp

from symhigh.derivation.gaussian import digits, kinks
from symhigh.derivation.gaussian.digits import NotConverged, _edge, _Nested, _stepped, integrate
from symhigh.derivation.gaussian.rules import doubles
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit, is_positive, is_smooth, recognise
from symhigh.derivation.gaussian.tails import Hazard, LogErfc, tail_of

u, v = sp.symbols("u v", real=True)
a = sp.Symbol("a", positive=True)
n = sp.Symbol("n")
R, S = sp.Rational, sp.S


# --- forms --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expr", "answer"),
    [
        (S(3), True), (u**3 * sp.exp(u), True), (sp.tanh(u) + sp.erf(v), True), (1 / (1 + sp.exp(u)), True),
        (sp.log(2 + u**2), True), (sp.sqrt(1 + u**2), True), (sp.log(a + sp.exp(u)), True), (Softplus(u) ** 2, True),
        (1 / u, False), (sp.sqrt(u), False), (sp.log(u), False), (sp.Abs(u), False), ((1 + u**2) ** u, False),
        (sp.exp(sp.Abs(u)), False), (1 / (1 + sp.Abs(u)), False), (u ** R(3, 2), False), (sp.gamma(u), False),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_known_to_be_smooth(expr: sp.Expr, answer: bool) -> None:
    assert is_smooth(expr) is answer


@pytest.mark.parametrize(
    ("expr", "answer"),
    [
        (1 + sp.erf(u), True), (1 - sp.erf(u), True), (2 - sp.tanh(u), True), (1 + 2 * sp.tanh(u), False),
        (R(1, 2) - sp.erf(u), False), (1 - Sigmoid(u), True), (1 - 2 * Sigmoid(u), False), (2 - Sigmoid(u), True),
        (-1 + 2 * Sigmoid(u), False), (a * (1 + sp.erf(u)), True), (u * (1 + sp.erf(u)), False), (u, False), (a, True),
        (1 + sp.erf(u) + u, False), (1 + u, False),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_known_to_be_positive(expr: sp.Expr, answer: bool) -> None:
    assert is_positive(expr) is answer


RECOGNISED = [
    (1 / (1 + sp.exp(u)), 1 - Sigmoid(u)),
    (1 / (1 + sp.exp(-u)) ** 3, Sigmoid(u) ** 3),
    (sp.log(1 + sp.exp(2 * u)), Softplus(2 * u)),
    (sp.log(sp.cosh(u)), Softplus(2 * u) - u - sp.log(2)),
    (1 / sp.cosh(u) ** 4, (1 - sp.tanh(u) ** 2) ** 2),
    (sp.sech(u) ** 2, 1 - sp.tanh(u) ** 2),
    (sp.coth(u), 1 / sp.tanh(u)),
    (sp.csch(u), 1 / sp.sinh(u)),
    (sp.exp(u) / (1 + sp.exp(u)), Sigmoid(u)),
    (sp.exp(2 * u) / (1 + sp.exp(u)) ** 2, Sigmoid(u) ** 2),
    (sp.exp(u) / (1 + sp.exp(u)) ** 2, Sigmoid(u) * (1 - Sigmoid(u))),
    (sp.log(1 / (1 + sp.exp(-u))), -Softplus(-u)),
    (sp.log(1 - 1 / (1 + sp.exp(-u))), -Softplus(u)),
    (sp.log(1 + sp.erf(u)), LogErfc(-u)),
    (sp.log(3 - 3 * sp.erf(u)), sp.log(3) + LogErfc(u)),
    (1 / (1 - sp.erf(u)), Hazard(u) * sp.exp(u**2)),
    (1 / (2 + 2 * sp.erf(u)) ** 2, Hazard(-u) ** 2 * sp.exp(2 * u**2) / 4),
    (sp.erfc(u), 1 - sp.erf(u)),
    (sp.sign(u) ** 2, S(1)),
    (sp.sign(u) ** 3, sp.sign(u)),
    (sp.Heaviside(u) ** 2, sp.Heaviside(u)),
    (sp.sign(1 + sp.tanh(u)), S(1)),
    (sp.sign(sp.erf(u) - 1), S(-1)),
    (sp.Mod(u, 3), u - 3 * sp.floor(u / 3)),
    (sp.frac(u), u - sp.floor(u)),
    (sp.ceiling(u), sp.floor(u) + 1),
    (sp.floor(-u), -sp.floor(u) - 1),
]


@pytest.mark.parametrize(("expr", "expected"), RECOGNISED, ids=lambda e: str(e))
def test_normal_forms(expr: sp.Expr, expected: sp.Expr) -> None:
    found = recognise(expr)
    assert sp.expand(found - expected) == 0
    for at in (R(-7, 5), R(3, 10), R(9, 4)):
        values = [complex(sp.N(explicit(e).subs(u, at), 20)) for e in (expr, found)]
        assert values[0] == pytest.approx(values[1], rel=1e-14)


def test_what_stays_as_it_is() -> None:
    for expr in (1 / sp.cosh(u) ** 3, sp.log(2 + sp.exp(u)), 1 / (2 + sp.exp(u)), sp.exp(u) * u):
        assert recognise(expr) == expr
    assert recognise(sp.sign(sp.Max(u, 0)) ** 2) == sp.sign(sp.Max(u, 0)) ** 2  # 0 where the sign stays 0
    assert tail_of(2 - 2 * sp.erf(u)) == (2, u)
    assert tail_of(2 + 2 * sp.erf(u)) == (2, -u)
    assert [tail_of(e) for e in (1 + sp.erf(u) / 2, -1 + sp.erf(u), 1 + u, sp.erf(u))] == [None] * 4


def test_named_functions_at_their_ends() -> None:
    assert (Sigmoid(0), Sigmoid(sp.oo), Softplus(0), Hazard(0), LogErfc(0)) == (R(1, 2), 1, sp.log(2), 1, 0)
    assert Sigmoid(-u) == 1 - Sigmoid(u)
    assert Softplus(-u) == Softplus(u) - u
    assert all(f(u).is_positive for f in (Sigmoid, Softplus, Hazard))
    assert all(f(n).is_positive is None for f in (Sigmoid, Softplus, Hazard))
    for function in (Sigmoid, Softplus, Hazard, LogErfc):
        plain = explicit(function(u))
        for at in (R(-3, 2), R(4, 5)):
            slope = sp.diff(function(u), u).subs(u, at).evalf(20)
            assert float(slope) == pytest.approx(float(sp.diff(plain, u).subs(u, at).evalf(20)), rel=1e-14)
            assert float(function(at).evalf(20)) == pytest.approx(float(plain.subs(u, at).evalf(20)), rel=1e-14)


@pytest.mark.parametrize("at", [-30.0, -2.5, -0.1, 0.0, 0.7, 4.9, 5.1, 26.0])
def test_functions_of_doubles_and_of_many_digits(at: float) -> None:
    with mpmath.workdps(40):
        t = mpmath.mpf(at)
        exact = {
            "Sigmoid": 1 / (1 + mpmath.exp(-t)), "Softplus": mpmath.log(1 + mpmath.exp(t)),
            "Hazard": mpmath.exp(-t * t) / mpmath.erfc(t), "LogErfc": mpmath.log(mpmath.erfc(t)),
        }  # fmt: skip
        for name, value in exact.items():
            precision = 1e-13 if name == "Hazard" else 4e-15
            assert digits._FLOATS[name](at) == pytest.approx(float(value), rel=precision, abs=1e-300)
            assert abs(digits._NAMED[name](t) - value) <= abs(value) * mpmath.mpf(10) ** -25
    assert digits._FLOATS["sqrt"](-4.0) == 2j
    assert [digits._FLOATS["sign"](x) for x in (-2.0, 0.0, 3.0)] == [-1, 0, 1]


# --- averages to many digits --------------------------------------------------------------------------------
TWO = sp.Matrix([[2, 1], [1, 3]])


@pytest.mark.parametrize(
    ("expr", "variables", "cov", "value"),
    [
        (sp.cos(u), [u], sp.Matrix([[2]]), mpmath.exp(-1)),
        (sp.Abs(u - 1), [u], sp.Matrix([[1]]), None),
        (u**2 * v**2, [u, v], TWO, 8),
        (sp.sign(u) * sp.sign(v), [u, v], TWO, 2 / mpmath.pi * mpmath.asin(1 / mpmath.sqrt(6))),
        (sp.Heaviside(u - 1), [u], sp.Matrix([[1]]), mpmath.ncdf(-1)),
        (sp.Heaviside(u) * v, [u, v], TWO, 1 / mpmath.sqrt(4 * mpmath.pi)),
        (sp.Max(u, v), [u, v], TWO, mpmath.sqrt(3 / (2 * mpmath.pi))),
        (sp.floor(u), [u], sp.Matrix([[1]]), mpmath.mpf(-1) / 2),
        (sp.Abs(u) * sp.Abs(v), [u, v], sp.Matrix([[1, 1], [1, 1]]), 1),
    ],
    ids=str,
)  # fmt: skip
def test_averages_to_many_digits(expr: sp.Expr, variables: Any, cov: sp.Matrix, value: Any) -> None:
    if value is None:  # E|z - 1| = 2 φ(1) + 1 - 2 Φ(-1)
        value = 2 * mpmath.npdf(1) + 1 - 2 * mpmath.ncdf(-1)
    assert float(integrate(expr, variables, cov, 53)) == pytest.approx(float(value), rel=1e-12)


def test_thirty_digits_on_a_line() -> None:
    found = integrate(sp.Abs(u - 1) * sp.exp(u), [u], sp.Matrix([[1]]), 110)  # √e E|z|
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(str(found)) - mpmath.sqrt(2 * mpmath.e / mpmath.pi)) < mpmath.mpf(10) ** -30


def test_boundaries_in_whitened_coordinates() -> None:
    factor = [[2.0, 0.0], [0.5, 3.0]]
    edge = _edge(u - 2 * v + 1, [u, v], factor, ["math"], float)
    assert (edge.last, edge.slopes, edge.offset) == (1, (1.0, -6.0), 1.0)
    assert _edge(u + 1, [u, v], factor, ["math"], float).last == 0
    curved = _edge(u**2 - v, [u, v], factor, ["math"], float)
    assert (curved.last, curved.slopes, curved.at(2.0, 1.0)) == (1, None, 3.0)
    level = _edge(u - 4 * v, [u, v], factor, ["math"], float)  # 2 z₀ - 4 (z₀/2 + 3 z₁) = -12 z₁
    assert level.slopes == (0.0, -12.0)
    arithmetic = doubles("f")
    nested = _Nested(lambda *z: 1.0, [edge], [], factor, arithmetic)
    assert nested.on_line(edge, 1, [0.5]) == [pytest.approx((1 + 0.5) / 6)]
    assert nested.on_line(level, 0, []) == []
    assert nested.point([1.0, 2.0]) == [2.0, 6.5]
    assert nested.flat == [False, False]
    assert _Nested(lambda *z: 1.0, [], [], [[1.0, 0.0], [1.0, 0.0]], arithmetic).flat == [False, True]
    # a + b z₀ + c z₁ = 0 and d + e z₀ + f z₁ = 0 at z₀ = (a f - d c)/(e c - b f)
    cross = (1 * -1 - 4 * 3) / (5 * 3 - 2 * -1)
    assert nested.meeting((2.0, 3.0), 1.0, (5.0, -1.0), 4.0, 0, []) == pytest.approx(cross)
    assert nested.meeting((2.0, 3.0), 1.0, (2.0, 3.0), 4.0, 0, []) is None
    # 1 + 2 z₀ + 3 z₁ + 5 z₂ = 0 and 4 + z₀ - z₁ + 2 z₂ = 0 on the line z₀ = 1/2: 5 z₂ = -2 - 3 z₁, 2 z₂ = z₁ - 9/2
    third = nested.meeting((2.0, 3.0, 5.0), 1.0, (1.0, -1.0, 2.0), 4.0, 1, [0.5])
    assert third == pytest.approx((2 * -2 + 5 * 4.5) / (5 + 2 * 3))
    assert nested.value(SimpleNamespace(at=lambda x, y: 1 / (x - 2)), [1.0, 0.0]) == 1  # type: ignore[arg-type]
    assert nested.value(SimpleNamespace(at=lambda x, y: x * 1j), [1.0, 0.0]) == 1  # type: ignore[arg-type]
    assert nested.value(SimpleNamespace(at=lambda x, y: x), [1.0, 0.0]) == 2.0  # type: ignore[arg-type]


def test_steps_are_at_integers() -> None:
    assert _stepped(sp.floor(2 * u) + sp.Mod(v, 3) + sp.frac(u)) == sorted([2 * u, v / 3, u], key=sp.default_sort_key)
    nested = _Nested(lambda *z: 1.0, [], [], [[1.0]], doubles("what it is"))
    nested.end = 2.0
    step: Any = SimpleNamespace(slopes=(2.0,), offset=0.5, last=0)
    assert nested.on_steps(step, 0, []) == pytest.approx([(k - 0.5) / 2 for k in range(-3, 5)])
    with pytest.raises(NotConverged, match="mean of what it is: it jumps more than 400 times"):
        nested.on_steps(SimpleNamespace(slopes=(101.0,), offset=0.0, last=0), 0, [])  # type: ignore[arg-type]
    with pytest.raises(NotConverged, match="for affine arguments only"):
        nested.on_steps(SimpleNamespace(slopes=None, offset=0.0, last=0), 0, [])  # type: ignore[arg-type]


# --- kinks --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "expr",
    [
        sp.Abs(u) * v, sp.Max(u, v + 1), sp.Min(u, 2, v), sp.Heaviside(u - v) * u**2, sp.sign(u) * sp.sign(v) * u,
        sp.Piecewise((u, u > 1), (v, u > v), (2, True)), sp.Abs(sp.Abs(u) - 1), sp.Max(0, u) ** 2 * sp.Abs(v),
        sp.Piecewise((1, (u > 0) & (v > 0)), (u, (u < -1) | (v > 2)), (v, True)), sp.Abs(u**2 - 1), u * v + 1,
        sp.Piecewise((u, sp.Not(u < v)), (0, True)),
    ],
    ids=str,
)  # fmt: skip
def test_signs_times_smooth_parts_are_the_expression(expr: sp.Expr) -> None:
    """At points of every piece."""
    parts = kinks.split(expr, (u, v))
    for x, y in ((-2.3, -0.4), (-1.7, 2.6), (-0.6, -1.3), (0.3, 0.8), (0.7, -2.2), (1.6, 0.4), (2.9, 3.1), (1.1, 2.4)):
        at = {u: sp.Float(x), v: sp.Float(y)}
        total = sum(
            (sp.prod([sp.sign(s) for s in signs]) * part).subs(at) for signs, part in parts.items()
        )
        assert float(total) == pytest.approx(float(expr.subs(at)), rel=1e-12, abs=1e-12)
    assert all(is_smooth(part) for part in parts.values())


def test_cross_entropy_in_either_spelling_is_one_loss() -> None:
    """``-p log σ(x) - (1 - p) log(1 - σ(x))`` is softplus(x) - p x."""
    p = 1 / (1 + sp.exp(-v))
    q = 1 / (1 + sp.exp(-u))
    entropy = recognise(-p * sp.log(q) - (1 - p) * sp.log(1 - q))
    at = {u: R(7, 10), v: R(-2, 5)}
    expected = (sp.log(1 + sp.exp(u)) - p * u).subs(at)
    assert float(explicit(entropy).subs(at).evalf()) == pytest.approx(float(expected.evalf()), rel=1e-14)
