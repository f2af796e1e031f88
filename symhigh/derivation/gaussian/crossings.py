"""Where a function of one variable changes its sign, close pairs of zeros included; in floats or mpmath numbers alike.

Serves the quadrature of Gaussian expectations: the ends of cells along a line, whatever their boundaries look like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

_POINTS = 48
_PLACES = [math.sinh(5 * k / 48) / math.sinh(5) for k in range(-47, 48)]
_GOLDEN = 0.6180339887498949


def crossings(u: Callable[[Any], Any], low: Any, high: Any, tolerance: Any) -> list[Any]:
    """Zeros of ``u`` in (low, high) where it changes sign, to ``tolerance``.

    A grid of 96 points is looked at, close together near the middle; where |u| has a least value between equal signs,
    that minimum is found, so that two zeros close together are seen. Features narrower than that are not.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    points = [low, *(middle + half * place for place in _PLACES), high]
    last = len(points) - 1
    values = [u(z) for z in points]
    found = []
    for k in range(last):
        if values[k] * values[k + 1] < 0:
            found.append(_bracketed(u, points[k], points[k + 1], values[k], values[k + 1], tolerance))
        elif values[k + 1] == 0 and k + 2 <= last and values[k] * values[k + 2] < 0:
            found.append(points[k + 1])
        sides = (abs(values[k]), abs(values[k + 1]), abs(values[min(k + 2, last)]))
        same = values[k] * values[k + 1] > 0 and values[k + 1] * values[min(k + 2, last)] > 0
        if same and sides[1] <= sides[0] and sides[1] < sides[2]:
            dip = _dip(u, points[k], points[k + 2], values[k + 1], tolerance)
            if dip is not None:
                at = u(dip)
                found.append(_bracketed(u, points[k], dip, values[k], at, tolerance))
                found.append(_bracketed(u, dip, points[k + 2], at, values[k + 2], tolerance))
    return sorted(found)


def changes(state: Callable[[Any], Hashable], low: Any, high: Any, tolerance: Any) -> list[Any]:
    """Places in (low, high) where a piecewise constant ``state`` changes, by bisection on a grid of 48 points."""
    step = (high - low) / _POINTS
    points = [low + k * step for k in range(_POINTS + 1)]
    states = [state(z) for z in points]
    found: list[Any] = []
    for k in range(_POINTS):
        _between(state, points[k], points[k + 1], states[k], states[k + 1], tolerance, found)
    return found


def _between(
    state: Callable[[Any], Hashable],
    a: Any,
    b: Any,
    before: Hashable,
    after: Hashable,
    tolerance: Any,
    found: list[Any],
) -> None:
    """Append the changes between a and b; where a third state shows up in the middle, both sides are looked at."""
    while before != after:
        middle = (a + b) / 2
        if b - a <= tolerance or not a < middle < b:
            found.append(middle)
            return
        here = state(middle)
        if here not in (before, after):
            _between(state, a, middle, before, here, tolerance, found)
            a, before = middle, here
        elif here == before:
            a = middle
        else:
            b = middle


def _dip(u: Callable[[Any], Any], a: Any, b: Any, inside: Any, tolerance: Any) -> Any | None:
    """A point between a and b where u has the other sign than ``inside``, by golden section; None if there is none."""
    side = 1 if inside > 0 else -1
    p, q = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    first, second = side * u(p), side * u(q)
    while b - a > tolerance**0.5:
        if first < 0 or second < 0:
            return p if first < 0 else q
        if first < second:
            b, q, second = q, p, first
            p = b - _GOLDEN * (b - a)
            first = side * u(p)
        else:
            a, p, first = p, q, second
            q = a + _GOLDEN * (b - a)
            second = side * u(q)
    return None


def _bracketed(u: Callable[[Any], Any], a: Any, b: Any, left: Any, right: Any, tolerance: Any) -> Any:
    """The zero between a and b by the Illinois method, with a bisection where it is slow."""
    for k in range(200):
        if b - a <= tolerance or left == right:
            break
        z = (a + b) / 2 if k % 4 == 3 else (a * right - b * left) / (right - left)
        z = z if a < z < b else (a + b) / 2
        at = u(z)
        if at == 0:
            return z
        if (at > 0) == (right > 0):
            b, right, left = z, at, left / 2
        else:
            a, left, right = z, at, right / 2
    return (a + b) / 2
