"""Gaussian expectations by plain quadrature in mpmath: the second route, with nothing of the package in it.

Nested Gauss-Legendre rules in Cholesky coordinates, split where an affine form changes sign.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Any

import mpmath as mp
import sympy as sp


@lru_cache(maxsize=8)
def rule(count: int, digits: int) -> list[tuple[Any, Any]]:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1], by Newton on the three-term recurrence."""
    with mp.workdps(digits + 10):
        found = []
        for k in range(count):
            z = mp.cos(mp.pi * (k + mp.mpf(3) / 4) / (count + mp.mpf(1) / 2))
            for _ in range(60):
                before, value = mp.mpf(1), z
                for n in range(2, count + 1):
                    before, value = value, ((2 * n - 1) * z * value - (n - 1) * before) / n
                slope = count * (z * value - before) / (z * z - 1)
                step = value / slope
                z -= step
                if abs(step) < mp.mpf(10) ** (-digits - 5):
                    break
            found.append((z, 2 / ((1 - z * z) * slope**2)))
        return found


def expectation(
    expr: sp.Expr,
    variables: tuple[sp.Symbol, ...],
    cov: list[list[Any]],
    kinks: list[sp.Expr],
    digits: int = 30,
    count: int = 56,
) -> Any:
    """``E expr`` for one or two variables at a positive definite numerical covariance."""
    with mp.workdps(digits + 8):
        reach = mp.sqrt(2 * digits * mp.log(10)) + 1
        f = sp.lambdify(variables, expr, "mpmath", cse=True)
        planes = []
        for kink in kinks:
            poly = sp.Poly(kink, *variables)
            planes.append([_number(poly.coeff_monomial(v)) for v in (*variables, 1)])
        a = mp.sqrt(_number(cov[0][0]))
        if len(variables) == 1:
            cuts = [-p[1] / (p[0] * a) for p in planes]
            return _line(lambda z: f(a * z), cuts, reach, count, digits)
        b = _number(cov[0][1]) / a
        d = mp.sqrt(_number(cov[1][1]) - b * b)
        # In (z, w) with x = a z, y = b z + d w, a plane cuts the line of fixed z at one w, or is z = const.
        upright = [-p[2] / (p[0] * a) for p in planes if p[1] == 0]
        # Where that w leaves the range of integration the inner integral stops changing.
        upright += [
            (side * reach * p[1] * d - p[2]) / (p[0] * a + p[1] * b)
            for p in planes
            for side in (1, -1)
            if p[1] != 0 and p[0] * a + p[1] * b != 0
        ]
        crossings = [
            _crossing(p, q, a, b) for i, p in enumerate(planes) for q in planes[:i] if p[1] != 0 and q[1] != 0
        ]

        def row(z: Any) -> Any:
            cuts = [-(p[0] * a * z + p[1] * b * z + p[2]) / (p[1] * d) for p in planes if p[1] != 0]
            return _line(lambda w: f(a * z, b * z + d * w), cuts, reach, count, digits)

        return _line(row, upright + [z for z in crossings if z is not None], reach, count, digits)


def _crossing(p: list[Any], q: list[Any], a: Any, b: Any) -> Any:
    """Where two cuts, as functions of z, meet."""
    slope = (p[0] * a + p[1] * b) / p[1] - (q[0] * a + q[1] * b) / q[1]
    return None if slope == 0 else -(p[2] / p[1] - q[2] / q[1]) / slope


def _line(g: Any, cuts: list[Any], reach: Any, count: int, digits: int) -> Any:
    marks = [-reach, *sorted(z for z in set(cuts) if -reach < z < reach), reach]
    if len(marks) == 2:
        marks.insert(1, mp.mpf(0))
    total = mp.mpf(0)
    for left, right in itertools.pairwise(marks):
        middle, half = (left + right) / 2, (right - left) / 2
        for node, weight in rule(count, digits):
            z = middle + half * node
            total += half * weight * mp.exp(-z * z / 2) * g(z)
    return total / mp.sqrt(2 * mp.pi)


def _number(value: Any) -> Any:
    return mp.mpf(sp.N(sp.sympify(value), mp.mp.dps))
