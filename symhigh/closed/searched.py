"""Zeros of a flow in the plane of overlaps by a search: for closed forms that no elimination solves, in numbers.

Serves the fixed points of limits. Correlation and size are the unknowns, ``B11 = n r²``, ``B12 = n r c``; Newton's
method from a grid of starts in double precision, then to 30 digits, each zero verified by its residual there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
import sympy as sp

_SIZES = np.geomspace(0.05, 8.0, 9)
_CORRELATIONS = np.cos(np.pi * (np.arange(8) + 0.5) / 8)
_DIGITS = 30
_SAME = 1e-9

STARTS = _SIZES.size * _CORRELATIONS.size


def searched_zeros(
    equations: Sequence[sp.Expr], p: sp.Symbol, m: sp.Symbol, n: sp.Expr
) -> list[tuple[sp.Expr, sp.Expr]]:
    """Zeros with 0 < c² < 1 strictly inside the disc, as floats of 30 digits; those on its edge are found otherwise."""
    r, c = sp.Symbol("r", positive=True), sp.Symbol("c", real=True)
    flows = [e.subs({p: n * r**2, m: n * r * c}, simultaneous=True) for e in equations]
    rough = sp.lambdify((r, c), flows, "numpy")
    fine = sp.lambdify((r, c), flows, "mpmath")
    found: list[Any] = []
    for start in itertools.product(_SIZES, _CORRELATIONS):
        at = _newton(rough, np.array(start))
        if at is None or any(np.abs(at - other).max() < 1e-6 for other in found):
            continue
        found.append(at)
    with mpmath.workdps(_DIGITS + 15):
        refined = [z for at in found if (z := _refined(fine, at)) is not None]
        numbers = [
            (n * sp.Float(a, _DIGITS) ** 2, n * sp.Float(a, _DIGITS) * sp.Float(b, _DIGITS))
            for a, b in refined
        ]
    return [(sp.N(x, _DIGITS), sp.N(y, _DIGITS)) for x, y in numbers]


def _newton(function: Any, start: Any) -> Any | None:
    """The zero inside the domain to which Newton's method leads, damped to stay inside; None where there is none."""
    at = start
    with np.errstate(all="ignore"):
        for _ in range(60):
            value = np.array(function(*at), dtype=complex).real
            steps = 1e-7 * np.maximum(np.abs(at), 1e-3)
            sides = [np.array(function(*(at + h)), dtype=complex).real for h in np.diag(steps)]
            slope = np.array([(side - value) / h for side, h in zip(sides, steps, strict=True)]).T
            if not np.isfinite(slope).all() or abs(np.linalg.det(slope)) < 1e-300:
                return None
            move = -np.linalg.solve(slope, value)
            share = 1.0
            while share > 1e-3 and not _inside(at + share * move):
                share /= 2
            if not _inside(at + share * move):
                return None
            at = at + share * move
            if np.abs(share * move).max() < _SAME:
                return at if share == 1 and np.abs(value).max() < 1e-6 and abs(at[1]) > 1e-7 else None
    return None


def _inside(at: Any) -> bool:
    return bool(1e-4 < at[0] < 1e3 and abs(at[1]) < 1 - 1e-9)


def _refined(function: Any, at: Any) -> tuple[Any, Any] | None:
    """The zero to the working precision, or None where it moves away or leaves a residual."""
    try:
        zero = mpmath.findroot(
            lambda a, b: function(a, b), tuple(map(mpmath.mpf, at)), tol=mpmath.mpf(10) ** -_DIGITS
        )
    except (ValueError, ZeroDivisionError):
        return None
    a, b = zero
    if isinstance(a, mpmath.mpc) or isinstance(b, mpmath.mpc) or abs(a - at[0]) + abs(b - at[1]) > 1e-5:
        return None
    return (a, b) if all(abs(v) < mpmath.mpf(10) ** -_DIGITS for v in function(a, b)) else None
