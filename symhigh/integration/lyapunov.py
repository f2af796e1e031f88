"""A matrix equation ``dC/dt = J C + C Jᵀ + Σ`` with its mean ``dm/dt = J m + H:C + b``, along a path, however stiff.

The Rosenbrock method Rodas5P (:mod:`symhigh.codegen.rodas`) on both at once, and on the covariances with what was
observed before, ``dK/dt = J K``. Its linear systems ``(σ - J) U - U Jᵀ = G`` are Sylvester equations, which one real
Schur form ``J = Q T Qᵀ`` a step makes triangular (Bartels and Stewart, Comm. ACM 15, 1972).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import schur
from scipy.linalg.lapack import dtrsyl

from symhigh.codegen.rodas import rodas_5p
from symhigh.population.spectrum import Array

_METHOD = rodas_5p()
_STAGES = len(_METHOD.c)
_ROUNDING = 1e-14
"""Entries of C are known to this share of the largest, in units of the states: the Schur form mixes all."""


class Coefficients(Protocol):
    """The equations at one time."""

    J: Array

    @property
    def sigma(self) -> Array:
        """Σ."""

    @property
    def weights(self) -> Array:
        """(k, size): combinations of the states whose variances are wanted to relative accuracy."""

    def bend(self, C: Array) -> Array:
        """``H:C``."""

    @property
    def force(self) -> Array:
        """b."""


@dataclass(frozen=True, eq=False)
class Piece:
    """The solution on [t, t + h]: ``at(s)`` is (C, M) at t + s h."""

    t: float
    h: float
    at: Callable[[float], tuple[Array, Array]]


def march(
    coefficients: Callable[[float], Coefficients], C: Array, end: float, rtol: float, marks: Sequence[float] = (),
    units: Array | None = None,
) -> Iterator[Piece]:  # fmt: skip
    """The solution from (C, 0) at time 0 to ``end``, a step at a time; ``units`` are sizes of the states.

    The first column of M is m. At each of the increasing ``marks`` one column a combination wanted is added, the
    covariances of the states from then on with that combination there, over its standard deviation there.
    Local errors are held below ``rtol √(C_ii C_jj)``, variances of negligible size apart, and below ``rtol`` of the
    variance of each combination wanted.
    """
    now, ahead = coefficients(0.0), deque(marks)
    m, t = np.zeros((len(C), 1)), 0.0
    squares = np.ones(len(C)) if units is None else units**2
    fastest = max(float(np.abs(now.J).sum(axis=1).max()), 1e-300)
    h, grow = min(end, 0.01 / fastest), 6.0
    while end - t > 4e-16 * end:
        while ahead and ahead[0] <= t * (1 + 1e-14):
            ahead.popleft()
            m = np.hstack([m, _seen(C, now.weights)])
        stop = min(end, ahead[0]) if ahead else end
        cut = t + 1.0000000001 * h >= stop
        wanted, h = h, stop - t if cut else h
        new, stages, after = _step(coefficients, now, t, h, C, m)
        error = _error(stages, C, m, new, after.weights, squares, rtol)
        if not error < 1.0:
            h *= max(0.2, 0.9 * error**-0.2) if error < 1e30 else 0.1
            grow = 1.0
            if h < 1e-14 * max(t, end * 1e-10):
                raise ArithmeticError(f"fluctuations: no step is small enough at t = {t:.6g}; loosen rtol")
            continue
        yield Piece(t, h, _dense(C, m, new, stages))
        t, now, (C, m) = t + h, after, new
        h *= min(grow, 0.9 * error**-0.2) if error > 0 else grow
        h, grow = max(h, wanted) if cut else h, 6.0


def _seen(C: Array, weights: Array) -> Array:
    """Covariances of the states with combinations of them, over the standard deviations of the latter."""
    columns = C @ weights.T
    size = np.sqrt(np.maximum(np.einsum("ki,ik->k", weights, columns), 0.0))
    return np.divide(columns, size, out=np.zeros_like(columns), where=size > 0)


def _slope(now: Coefficients, C: Array, m: Array) -> tuple[Array, Array]:
    half = now.J @ C
    moved = now.J @ m
    moved[:, 0] += now.bend(C) + now.force
    return half + half.T + now.sigma, moved


def _step(
    coefficients: Callable[[float], Coefficients], now: Coefficients, t: float, h: float, C: Array, m: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array], Coefficients]:
    """The new (C, m), the stages, and the coefficients at t + h."""
    known = {0.0: now}

    def at(s: float) -> Coefficients:
        if s not in known:
            known[s] = coefficients(t + s * h)
        return known[s]

    sigma, n = 1.0 / (_METHOD.diagonal * h), len(C)
    T, Q = schur(now.J, output="real")
    left, right = sigma * np.eye(n) - T, -T
    # ∂/∂t at fixed (C, m), by a difference of second order forward
    step = 0.01
    near, far = (_slope(at(k * step), C, m) for k in (1, 2))
    here = _slope(now, C, m)
    in_time = [(4 * b - c - 3 * a) / (2 * step * h) for a, b, c in zip(here, near, far, strict=True)]
    U, u = np.zeros((_STAGES, n, n)), np.zeros((_STAGES, *m.shape))
    inverse = np.linalg.inv(sigma * np.eye(n) - now.J)
    for j in range(_STAGES):
        stage = C + np.tensordot(_METHOD.a[j, :j], U[:j], 1), m + np.tensordot(_METHOD.a[j, :j], u[:j], 1)
        G, g = here if j == 0 else _slope(at(_METHOD.c[j]), *stage)
        G = G + np.tensordot(_METHOD.C[j, :j], U[:j], 1) / h + h * _METHOD.d[j] * in_time[0]
        X, scale, _ = dtrsyl(left, right, Q.T @ G @ Q, tranb="T")
        U[j] = Q @ X @ Q.T / scale
        g = g + np.tensordot(_METHOD.C[j, :j], u[:j], 1) / h + h * _METHOD.d[j] * in_time[1]
        g[:, 0] += now.bend(U[j])
        u[j] = inverse @ g
    return (stage[0] + U[-1], stage[1] + u[-1]), (U, u), at(1.0)


def _error(
    stages: tuple[Array, Array], C: Array, m: Array, new: tuple[Array, Array], weights: Array, squares: Array,
    rtol: float,
) -> float:  # fmt: skip
    """The difference of the embedded solutions over what is allowed."""
    largest = np.maximum(np.diag(C), np.diag(new[0]))
    least = np.maximum(_ROUNDING / rtol * (largest / squares).max() * squares, 1e-300)
    size = np.sqrt(np.maximum(largest, least))
    ratios = [np.sqrt(np.mean((stages[0][-1] / np.outer(size, size)) ** 2))]
    weights = weights[np.isfinite(weights).all(axis=1)]
    wanted = np.abs(np.einsum("ki,ij,kj->k", weights, stages[0][-1], weights))
    before, after = (np.einsum("ki,ij,kj->k", weights, c, weights) for c in (C, new[0]))
    negligible = np.maximum((np.abs(weights) @ np.sqrt(least)) ** 2, 1e-300)
    ratios += (wanted / np.maximum(np.maximum(before, after), negligible)).tolist()
    length = np.maximum(np.abs(m[:, 0]), np.abs(new[1][:, 0]))
    if length.any():
        ratios.append(np.sqrt(np.mean((stages[1][-1][:, 0] / (length + 1e-3 * length.max())) ** 2)))
    ratios += np.sqrt(np.mean((stages[1][-1][:, 1:] / size[:, None]) ** 2, axis=0)).tolist()
    return float(np.max(ratios)) / rtol


def _dense(
    C: Array, m: Array, new: tuple[Array, Array], stages: tuple[Array, Array]
) -> Callable[[float], tuple[Array, Array]]:
    def inside(y: Array, end: Array, u: Array, s: float) -> Array:
        first, second, third = (np.tensordot(row, u, 1) for row in _METHOD.dense)
        return np.asarray((1 - s) * y + s * (end + (1 - s) * (first + s * (second + s * third))))

    def at(s: float) -> tuple[Array, Array]:
        if s >= 1:
            return new
        return inside(C, new[0], stages[0], s), inside(m, new[1], stages[1], s)

    return at
