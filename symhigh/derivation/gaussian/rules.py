"""Integrals against a normal density: the trapezoidal rule on a line, double-exponential rules between its cuts.

Serves the reference values of Gaussian expectations, in floats or mpmath numbers alike. The trapezoidal rule converges
geometrically for analytic integrands (Trefethen and Weideman, SIAM Review 56, 2014), the double-exponential one for
integrands with singular ends (Takahasi and Mori, Publ. RIMS 9, 1974).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import mpmath as mp

_WIDEST = 6
_LEVELS = 6
_NARROWEST = 2.0**-36


class NotConverged(ArithmeticError):
    """The quadrature did not reach the digits asked for within its budget of evaluations."""


@dataclass
class Arithmetic:
    """Doubles or mpmath numbers of the working precision, the tolerance, and the evaluations that are left."""

    exp: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    pi: Any
    tolerance: Any
    left: int
    what: str
    digits: int
    levels: list[list[tuple[Any, Any]]] = field(default_factory=list)

    def count(self, evaluations: int) -> None:
        """Take evaluations off the budget; :class:`NotConverged` where it is spent."""
        self.left -= evaluations
        if self.left < 0:
            raise NotConverged(
                f"Gaussian mean of {self.what}: the budget of evaluations is spent before {self.digits} digits are "
                "reached; ask for fewer digits, evalf(n), or split the integrand at its jumps with Piecewise"
            )

    def line(self, g: Callable[[Any], Any], cuts: Sequence[Any], floor: Any = 0) -> tuple[Any, Any]:
        """``E g(z)`` and ``E |g(z)|`` for standard normal z, g being smooth between the ``cuts``.

        Errors below ``floor`` do not matter.
        """
        end = self.sqrt(-2 * math.log(self.tolerance)) + 3
        root = self.sqrt(2 * self.pi)

        def weighted(z: Any) -> Any:
            return g(z) * self.exp(-z * z / 2)

        inside = sorted({c for c in cuts if -end < c < end})
        if not inside and (found := self._trapezoid(weighted, end)) is not None:
            return found[0] / root, found[1] / root
        marks = sorted({-end, *inside, end, *_spread(inside, end)})
        pieces = [_Piece(self, weighted, a, b) for a, b in pairwise(marks)]
        size = sum(p.size for p in pieces)
        value = sum(p.to(self.tolerance * max(size, floor * root / self.tolerance)) for p in pieces)
        return value / root, size / root

    def _trapezoid(self, weighted: Callable[[Any], Any], end: Any) -> tuple[Any, Any] | None:
        """Halve the step until two sums agree to the root of the tolerance and more: errors e^(-b/h) are squared.

        The grid is offset by a third of the step, and stays so under halving, so that neither odd nor even errors hide.
        """
        step, start = self.exp(0), self.exp(0) / 3
        total, size = self._grid(weighted, start, step, end)
        while True:
            fresh, more = self._grid(weighted, start + step / 2, step, end)
            difference = abs(total - fresh)
            total, size = total + fresh, size + more
            start = start if start < step / 2 else start - step / 2
            step = step / 2
            if difference <= self.tolerance**0.5 / 4096 * max(size, self.tolerance):
                return total * step, size * step
            if step < 2.0**-9:  # no kink was seen, but something is steep: pieces find where
                return None

    def _grid(self, weighted: Callable[[Any], Any], offset: Any, step: Any, end: Any) -> tuple[Any, Any]:
        count = int(2 * end / step) + 2
        self.count(count)
        first = offset - step * int(end / step + 1)
        values = [weighted(first + k * step) for k in range(count)]
        return sum(values), sum(abs(v) for v in values)


class _Piece:
    """The double-exponential rule on one interval, level by level; halves where it resists."""

    def __init__(self, arithmetic: Arithmetic, weighted: Callable[[Any], Any], a: Any, b: Any) -> None:
        self.arithmetic, self.weighted, self.a, self.b = arithmetic, weighted, a, b
        self.level = 0
        self.total = self.absolute = self.value = self.difference = 0 * a
        while self.level < 3:
            self._refine()

    @property
    def size(self) -> Any:
        """The integral of the absolute value."""
        return self.absolute * (self.b - self.a) / 2**self.level

    def _refine(self) -> None:
        nodes = self.arithmetic.levels[self.level]
        self.arithmetic.count(2 * len(nodes))
        a, b, weighted = self.a, self.b, self.weighted
        half = (b - a) / 2
        total, absolute = self.total, self.absolute
        for gap, weight in nodes:
            low, high = a + half * gap, b - half * gap
            if low > a and high < b:
                first = weight * weighted(low)
                second = weight * weighted(high) if gap != 1 else 0 * first
                total += first + second
                absolute += abs(first) + abs(second)
        fresh = total * half / 2**self.level
        self.total, self.absolute, self.difference, self.value = (
            total,
            absolute,
            abs(fresh - self.value),
            fresh,
        )
        self.level += 1

    def to(self, floor: Any) -> Any:
        """The integral; errors below ``floor`` do not matter."""
        close = self.arithmetic.tolerance**0.6
        while True:
            if self.level > 3 and self.difference <= max(close * self.size, floor):
                return self.value
            if self.size <= floor:
                return self.value
            if self.level == len(self.arithmetic.levels):
                break
            self._refine()
        if self.b - self.a <= _NARROWEST:
            return self.value
        middle = (self.a + self.b) / 2
        halves = (
            _Piece(self.arithmetic, self.weighted, *ends) for ends in ((self.a, middle), (middle, self.b))
        )
        return sum(half.to(floor) for half in halves)


def _spread(inside: Sequence[Any], end: Any) -> list[Any]:
    """More cuts, so that no interval is wide."""
    more = []
    for a, b in pairwise([-end, *inside, end]):
        parts = int((b - a) / _WIDEST) + 1
        more += [a + (b - a) * k / parts for k in range(1, parts)]
    return more


def doubles(what: str) -> Arithmetic:
    """Arithmetic of doubles: about 14 digits."""
    return Arithmetic(math.exp, math.sqrt, math.pi, 2.0**-48, 3_000_000, what, 14, _table(0))


def many_digits(what: str, prec: int) -> Arithmetic:
    """Arithmetic of mpmath at its working precision, to a tolerance of ``prec`` bits."""
    digits = int(prec * 0.30103)
    return Arithmetic(mp.exp, mp.sqrt, mp.pi, mp.mpf(2) ** (-prec), 200_000, what, digits, _table(mp.mp.prec))


@lru_cache(maxsize=8)
def _table(prec: int) -> list[list[tuple[Any, Any]]]:
    """Distances to the nearer end and weights of the tanh-sinh rule on (-1, 1), level by level; floats for prec 0."""
    if prec == 0:
        return [[(float(g), float(w)) for g, w in level] for level in _table(60)]
    levels = []
    with mp.workprec(prec + 10):
        most = mp.asinh(mp.log(mp.mpf(2)) * prec / mp.pi) + mp.mpf(1) / 10
        for level in range(_LEVELS + max(0, int(math.log2(prec / 53)))):
            step = mp.mpf(2) ** -level
            nodes = []
            for k in range(0 if level == 0 else 1, int(most / step) + 1, 1 if level == 0 else 2):
                inner = mp.pi / 2 * mp.sinh(k * step)
                nodes.append(
                    (
                        1 / (mp.exp(inner) * mp.cosh(inner)),
                        mp.pi / 2 * mp.cosh(k * step) / mp.cosh(inner) ** 2,
                    )
                )
            levels.append(nodes)
    return levels
