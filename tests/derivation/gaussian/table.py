"""Expressions with closed-form Gaussian expectations, and where their kinks lie: one table for several tests."""

from __future__ import annotations

import sympy as sp

from symhigh.symbols import x, x_star

c = sp.Symbol("c", positive=True)
s = sp.Symbol("s", real=True)
VALUES = {c: sp.Rational(7, 10), s: sp.Rational(3, 5)}
"""Values of the parameters in numerical checks."""

_y = x_star
_clip = sp.Max(-c, sp.Min(c, x - _y))
_relu = sp.Max(0, x)
_relu_star = sp.Max(0, _y)


def _normal(u: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(u / sp.sqrt(2))) / 2


POLYNOMIALS = [
    x**2,
    x**4,
    x * _y,
    x**2 * _y**2,
    x**3 * _y,
    (x - _y) ** 4,
    x**4 * _y**4,
    (x**2 - 1) * (_y**2 - 1),
    x**3 * _y**3 - 3 * x * _y,
    (1 + x + _y) ** 5,
]
EXPONENTIALS = [
    sp.exp(s * x),
    sp.exp(x - _y),
    x * sp.exp(s * _y),
    (x**2 + _y) * sp.exp(s * x + _y / 2),
    sp.exp(-(x**2)),
    sp.exp(-((x - _y) ** 2) / 2),
    x**2 * sp.exp(-c * x**2 + s * _y),
    sp.exp(-(x**2) - x * _y - _y**2),
    _y**2 * sp.exp(-((x - 1) ** 2)),
    sp.cosh(s * x),
    sp.sinh(x) * _y,
    2**x,
    x * _y * sp.exp(-c * (x**2 + _y**2)),
    sp.exp(c * x**2 / 40),
]
WAVES = [
    sp.cos(s * x),
    sp.sin(x) * sp.sin(_y),
    x * sp.sin(_y),
    sp.cos(x + s),
    x**2 * sp.cos(x - _y),
    sp.sin(x) ** 2,
    sp.exp(s * x) * sp.cos(_y),
    sp.exp(-(x**2)) * sp.cos(_y),
    sp.sin(x) * _y**3,
    sp.cos(x) * sp.cos(_y) + x * _y,
]
KINKED = [
    (sp.Abs(x), [x]),
    (sp.Abs(x) ** 3, [x]),
    (sp.sign(x) * _y, [x]),
    (sp.sign(x) * sp.sign(_y), [x, _y]),
    (sp.Heaviside(x) * sp.Heaviside(_y), [x, _y]),
    (_relu, [x]),
    (_relu**2, [x]),
    (_relu * _relu_star, [x, _y]),
    (_relu * _y, [x]),
    (_relu**2 * _relu_star**2, [x, _y]),
    (sp.Heaviside(x) * _y**2, [x]),
    (sp.Abs(x) * sp.Abs(_y), [x, _y]),
    ((sp.Abs(x) - sp.Abs(_y)) ** 2, [x, _y]),
    (sp.Abs(x - _y), [x - _y]),
    (sp.Max(x, _y), [x - _y]),
    (sp.Min(x, _y) ** 2, [x - _y]),
    (sp.Max(x, _y, 0), [x, _y, x - _y]),
    (_clip, [x - _y - c, x - _y + c]),
    (_clip**2, [x - _y - c, x - _y + c]),
    (_clip * x, [x - _y - c, x - _y + c]),
    (sp.Max(0, 1 - x), [x - 1]),
    (sp.Max(0, 1 - x) ** 2 * _y, [x - 1]),
    (sp.Abs(x - c), [x - c]),
    (sp.Abs(x - c) * _y**2, [x - c]),
    (sp.Heaviside(x - c) * sp.Heaviside(x - s), [x - c, x - s]),
    (sp.Piecewise((x**2, x < s), (x * _y, x < 2), (_y, True)), [x - s, x - 2]),
    (sp.Piecewise((x**2 / 2, sp.Abs(x - _y) < c), (c, True)), [x - _y - c, x - _y + c]),
    (sp.Piecewise((_y**2, (x > 0) & (_y > 0)), (0, True)), [x, _y]),
    (sp.Abs(x**2 - 1), [x - 1, x + 1]),
    (sp.Abs(x**2 - _y**2), [x - _y, x + _y]),
    (sp.sign(x) * _y**3, [x]),
    (x * sp.sign(x - c) * sp.sign(x + c), [x - c, x + c]),
]
ERRORS = [
    sp.erf(x) ** 2,
    sp.erf(x) * sp.erf(_y),
    x * sp.erf(_y),
    _normal(x + s),
    _normal(x) * _y**2,
    (sp.erf(x / sp.sqrt(2)) - sp.erf(_y / sp.sqrt(2))) ** 2,
    sp.erf(x) * x * _y**2,
    sp.erfc(x - c),
    x * sp.exp(-(x**2)) * sp.erf(_y),
]
MIXED = [
    (sp.exp(s * x) * sp.Heaviside(x - c), [x - c]),
    (sp.exp(s * _y) * _relu, [x]),
    (sp.exp(-(x**2)) * sp.Abs(_y), [_y]),
    (sp.erf(x) * sp.sign(_y), [_y]),
    (sp.erf(x) * _relu_star, [_y]),
    (sp.exp(-sp.Abs(x)), [x]),
    (sp.exp(-c * sp.Abs(x - _y)), [x - _y]),
    (x * sp.exp(sp.Min(x, _y) / 2), [x - _y]),
    (_normal(x) * _relu * _y, [x]),
    (sp.cosh(x) * sp.Abs(_y), [_y]),
]

TABLE: list[tuple[sp.Expr, list[sp.Expr]]] = [
    *((e, []) for e in [*POLYNOMIALS, *EXPONENTIALS, *WAVES, *ERRORS]),
    *KINKED,
    *MIXED,
]
