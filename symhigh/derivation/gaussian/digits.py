"""Gaussian means to any number of digits, by mpmath: the reference that fast code is measured against.

Behind ``GaussianMean.evalf``. In whitened coordinates the trapezoidal rule converges geometrically for analytic
integrands (Trefethen and Weideman, SIAM Review 56, 2014); where a kink splits the line, tanh-sinh takes each piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import mpmath as mp
import sympy as sp

from symhigh.derivation.gaussian.kinks import affine_kinks

_GUARD_BITS = 24
_MOST_POINTS = 200_000


class NotConverged(ArithmeticError):
    """The quadrature did not reach the digits asked for."""


def integrate(integrand: sp.Expr, variables: Sequence[sp.Symbol], cov: sp.Matrix, prec: int) -> sp.Expr:
    """``E integrand`` to ``prec`` bits (relative to the size of the integral of |integrand|)."""
    with mp.workprec(prec + _GUARD_BITS):
        entries = [[mp.mpf(sp.N(e, mp.mp.dps)) for e in row] for row in cov.tolist()]
        factor = _cholesky(entries)
        f = sp.lambdify(list(variables), integrand, [_NAMED, "mpmath"], cse=True)
        planes = [_plane(t, variables) for t in affine_kinks(integrand, variables)]
        value = _nested(f, planes, factor, [], mp.mpf(2) ** (-prec))
    return sp.Float(value, precision=prec)


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + mp.exp(-u))


def _softplus(u: Any) -> Any:
    """To full relative accuracy on both sides."""
    return mp.log1p(mp.exp(u)) if u < 0 else u + mp.log1p(mp.exp(-u))


def _hazard(u: Any) -> Any:
    return mp.exp(-u * u) / mp.erfc(u)


_NAMED = {
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "Hazard": _hazard,
    "LogErfc": lambda u: mp.log(mp.erfc(u)),
}


def _plane(t: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[list[Any], Any]:
    """Coefficients and offset of an affine form, as mpmath numbers."""
    poly = sp.Poly(t, *variables)
    return (
        [mp.mpf(sp.N(poly.coeff_monomial(v), mp.mp.dps)) for v in variables],
        mp.mpf(sp.N(poly.coeff_monomial(1), mp.mp.dps)),
    )


def _cholesky(entries: list[list[Any]]) -> list[list[Any]]:
    """Lower-triangular C with C Cᵀ = cov, columns of zeros where the covariance is singular."""
    size = len(entries)
    c = [[mp.mpf(0)] * size for _ in range(size)]
    for j in range(size):
        left = entries[j][j] - mp.fsum(c[j][k] ** 2 for k in range(j))
        if left < -entries[j][j] * mp.mpf(2) ** (_GUARD_BITS - mp.mp.prec):
            raise ValueError(f"GaussianMean: the covariance {entries} is not positive semidefinite")
        if left <= entries[j][j] * mp.mpf(2) ** (_GUARD_BITS - mp.mp.prec):
            continue
        c[j][j] = mp.sqrt(left)
        for i in range(j + 1, size):
            c[i][j] = (entries[i][j] - mp.fsum(c[i][k] * c[j][k] for k in range(j))) / c[j][j]
    return c


def _nested(
    f: Callable[..., Any],
    planes: list[tuple[list[Any], Any]],
    factor: list[list[Any]],
    outer: list[Any],
    tolerance: Any,
) -> Any:
    """The integral over the whitened coordinates after those in ``outer``."""
    size, level = len(factor), len(outer)
    if level == size:
        return f(*(mp.fsum(factor[i][k] * outer[k] for k in range(i + 1)) for i in range(size)))
    if all(factor[i][level] == 0 for i in range(level, size)):
        return _nested(f, planes, factor, [*outer, mp.mpf(0)], tolerance)
    kinks = []
    for coefficients, offset in planes:
        slopes = [mp.fsum(coefficients[i] * factor[i][k] for i in range(k, size)) for k in range(size)]
        # Near a singular covariance an inner kink makes a steep layer where it crosses zero: split there as well.
        if slopes[level] != 0 and all(s == 0 for s in slopes[level + 2 :]):
            kinks.append(
                -(offset + mp.fsum(s * z for s, z in zip(slopes, outer, strict=False))) / slopes[level]
            )
    return line(lambda z: _nested(f, planes, factor, [*outer, z], tolerance), kinks, tolerance)


def line(g: Callable[[Any], Any], kinks: list[Any], tolerance: Any) -> Any:
    """``E g(z)`` for standard normal z, split at ``kinks``."""
    end = mp.sqrt(-2 * mp.log(tolerance)) + 3

    def weighted(z: Any) -> Any:
        return g(z) * mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)

    inside = sorted({k for k in kinks if -end < k < end})
    if not inside:
        return _trapezoid(weighted, end, tolerance)
    return mp.fsum(_piece(weighted, a, b, tolerance) for a, b in pairwise([-end, *inside, end]))


def _piece(weighted: Callable[[Any], Any], left: Any, right: Any, tolerance: Any) -> Any:
    """Gauss-Legendre rules of growing order until two agree; an interval that resists is halved."""
    if right - left > 8:
        middle = (left + right) / 2
        return _piece(weighted, left, middle, tolerance) + _piece(weighted, middle, right, tolerance)
    value, error = mp.quad(weighted, [left, right], method="gauss-legendre", maxdegree=6, error=True)
    if error > mp.sqrt(tolerance) * max(abs(value), tolerance) and right - left > 1e-3:
        middle = (left + right) / 2
        return _piece(weighted, left, middle, tolerance) + _piece(weighted, middle, right, tolerance)
    return value


def _trapezoid(weighted: Callable[[Any], Any], end: Any, tolerance: Any) -> Any:
    """Halve the step until two sums agree to the root of the tolerance and more: errors like ``e^{-b/h}`` are squared.

    The grid is offset by a third of the step, and stays so under halving, so that neither odd nor even errors hide.
    """
    step, start = mp.mpf(1), mp.mpf(1) / 3
    values = _grid(weighted, start, step, end)
    while True:
        fresh = _grid(weighted, start + step / 2, step, end)
        both = values + fresh
        size = max(mp.fsum(abs(v) for v in both), tolerance)
        difference = abs(mp.fsum(values) - mp.fsum(fresh)) / size
        start = start if start < step / 2 else start - step / 2
        step, values = step / 2, both
        if difference <= mp.sqrt(tolerance) / 4096:
            return mp.fsum(values) * step
        if len(values) > _MOST_POINTS:
            raise NotConverged(
                f"trapezoidal rule with {len(values)} points differs by {mp.nstr(difference, 3)}"
            )


def _grid(weighted: Callable[[Any], Any], offset: Any, step: Any, end: Any) -> list[Any]:
    count = int(mp.ceil(2 * end / step)) + 1
    first = offset - step * int(end / step + 1)
    return [weighted(first + k * step) for k in range(count + 1)]
