"""Gaussian expectations by plain quadrature in mpmath: the second route, with nothing of the package in it.

The plane is whitened and cut along the kinks. Where these are parallel, one coordinate runs across them by panels of
Gauss-Legendre rules, and the other, along which all is smooth, by the trapezoidal rule; where they meet in one point,
polar coordinates around it have every kink at a fixed angle. So a nearly singular covariance costs nothing.
Up to eleven digits all is done in doubles, which lose none of these: the second sum bounds every term.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath as mp
import sympy as sp

TWO = ((sp.S(2), sp.Rational(1, 2)), (sp.Rational(1, 2), sp.S(1)))
THREE = (
    (sp.S(2), sp.Rational(1, 2), sp.Rational(1, 5)),
    (sp.Rational(1, 2), sp.S(1), sp.Rational(-1, 3)),
    (sp.Rational(1, 5), sp.Rational(-1, 3), sp.S(3)),
)
"""Covariances of two and of three variables that tests of several passes share."""
Rule = list[tuple[Any, Any]]
Line = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Grid:
    """How far and how finely to integrate to ``digits``, where standard deviations are at most ``spread``.

    Functions of x and y are taken to grow no faster than ``exp(|x| + |y|)`` and to be no narrower than ``exp(-3 x²)``.
    """

    digits: int
    spread: Any

    @property
    def of(self) -> Any:
        """The functions to compute with: of doubles up to eleven digits."""
        return math if self.digits <= 11 else mp

    @property
    def number(self) -> Any:
        return float if self.digits <= 11 else mp.mpf

    @property
    def reach(self) -> Any:
        return self.of.sqrt(2 * self.digits * self.of.log(10)) + 2 * self.spread + 1

    @property
    def narrow(self) -> Any:
        """Along a line, the weight times the narrowest function is ``exp(-narrow z²/2)``."""
        return 1 + 6 * self.spread**2

    @property
    def step(self) -> Any:
        """Of the trapezoidal rule: an error of ``exp(-(2π/step)²/(2 narrow))``, by Poisson summation."""
        return 2 * self.of.pi / self.of.sqrt(2 * self.narrow * (self.of.log(10) * self.digits + 5))

    @property
    def panel(self) -> Any:
        """The widest panel of a Gauss-Legendre rule with ``nodes`` nodes."""
        return 12 / self.of.sqrt(self.narrow)

    @property
    def nodes(self) -> int:
        return 10 + 3 * self.digits // 2


def expectation(
    expr: sp.Expr,
    variables: tuple[sp.Symbol, ...],
    cov: list[list[Any]],
    kinks: list[sp.Expr],
    digits: int = 30,
) -> tuple[Any, Any]:
    """``E expr`` and the same sum over ``|expr|``, for one or two variables at a positive definite covariance."""
    with mp.workdps(digits + 15):
        f = sp.lambdify(variables, expr, ["math", "mpmath"] if digits <= 11 else "mpmath", cse=True)
        spread = mp.sqrt(max(_number(cov[i][i]) for i in range(len(cov))))
        grid = Grid(digits, float(spread) if digits <= 11 else spread)
        planes = []
        for kink in kinks:
            poly = sp.Poly(kink, *variables)
            planes.append([grid.number(_number(poly.coeff_monomial(v))) for v in (*variables, 1)])
        a = mp.sqrt(_number(cov[0][0]))
        if len(variables) == 1:
            a = grid.number(a)
            points = (((a * z,), w) for z, w in _line([-p[1] / (p[0] * a) for p in planes], grid))
        else:
            b = _number(cov[0][1]) / a
            a, b, d = (grid.number(v) for v in (a, b, mp.sqrt(_number(cov[1][1]) - b * b)))
            # In (z, w) with x = a z, y = b z + d w, a plane is a line (normal, offset).
            lines = [(p[0] * a + p[1] * b, p[1] * d, p[2]) for p in planes]
            parallel = all(p[0] * q[1] == p[1] * q[0] for p, q in itertools.combinations(planes, 2))
            places = _across(lines, (a, b, d), grid) if parallel else _around(lines, (a, b, d), grid)
            points = (((x, y), weight) for x, y, weight in places)
        total, size = grid.number(0), grid.number(0)
        for at, weight in points:
            term = weight * f(*at)
            total += term
            size += abs(term)
        return total, size


def _across(lines: list[Line], root: Line, grid: Grid) -> Iterator[tuple[Any, Any, Any]]:
    """Points (x, y) and weights, where the plane is cut by parallel lines; ``root`` is (a, b, d)."""
    c, s = lines[0][:2] if lines else (grid.number(1), grid.number(0))
    length = grid.of.hypot(c, s)
    c, s = c / length, s / length
    a, b, d = root
    x_shift, y_shift = -a * s, d * c - b * s
    across = _line([], grid)
    for u, outer in _line([-p[2] / (c * p[0] + s * p[1]) for p in lines], grid):
        x, y = a * c * u, (b * c + d * s) * u
        beyond = len(across) // 2 - int(grid.of.sqrt(max(0, grid.reach**2 - u * u)) / grid.step)
        for v, inner in across[max(0, beyond) : len(across) - beyond]:
            yield x + x_shift * v, y + y_shift * v, outer * inner


def _around(lines: list[Line], root: Line, grid: Grid) -> Iterator[tuple[Any, Any, Any]]:
    """Points (x, y) and weights, where the plane is cut by lines through one point; ``root`` is (a, b, d)."""
    p = lines[0]
    q = next(q for q in lines if p[0] * q[1] != p[1] * q[0])
    cross = p[0] * q[1] - p[1] * q[0]
    z0, w0 = (p[1] * q[2] - q[1] * p[2]) / cross, (q[0] * p[2] - p[0] * q[2]) / cross
    assert all(abs(g[0] * z0 + g[1] * w0 + g[2]) < grid.number(10) ** -grid.digits for g in lines)
    angles = sorted({grid.of.atan2(-side * g[0], side * g[1]) for g in lines for side in (1, -1)})
    a, b, d = root
    radii = list(_panels([0, grid.reach + grid.of.hypot(z0, w0)], grid))
    for angle, turn in _panels([*angles, angles[0] + 2 * grid.of.pi], grid):
        c, s = grid.of.cos(angle), grid.of.sin(angle)
        for r, length in radii:
            z, w = z0 + r * c, w0 + r * s
            yield a * z, b * z + d * w, turn * length * r * grid.of.exp(-(z * z + w * w) / 2) / (2 * grid.of.pi)


def _line(cuts: list[Any], grid: Grid) -> Rule:
    """Nodes and weights of the standard normal law, cut at points: trapezoidal where there are none."""
    end, density = grid.reach, lambda z: grid.of.exp(-z * z / 2) / grid.of.sqrt(2 * grid.of.pi)
    if not cuts:
        count = int(end / grid.step) + 1
        return [(k * grid.step, grid.step * density(k * grid.step)) for k in range(-count, count + 1)]
    marks = [-end, *sorted(z for z in set(cuts) if -end < z < end), end]
    return [(z, weight * density(z)) for z, weight in _panels(marks, grid)]


def _panels(marks: list[Any], grid: Grid) -> Iterator[tuple[Any, Any]]:
    """Gauss-Legendre rules between neighbouring marks, as many as panels fit in."""
    nodes = [tuple(map(grid.number, pair)) for pair in _legendre(grid.nodes, grid.digits)]
    for left, right in itertools.pairwise(marks):
        parts = int(grid.of.ceil((right - left) / grid.panel))
        half = (right - left) / (2 * parts)
        for k in range(parts):
            for node, weight in nodes:
                yield left + half * (2 * k + 1 + node), half * weight


@lru_cache(maxsize=8)
def _legendre(count: int, digits: int) -> Rule:
    """Nodes and weights of the Gauss-Legendre rule on [-1, 1], by Newton on the three-term recurrence."""
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
            if abs(step) < mp.mpf(10) ** (-digits - 12):
                break
        found.append((z, 2 / ((1 - z * z) * slope**2)))
    return found


def _number(value: Any) -> Any:
    return mp.mpf(sp.N(sp.sympify(value), mp.mp.dps))
