"""The least that a small curve costs: Dormand-Prince 8(5,3) written by hand in Numba, for least squares alone.

Coefficients are SciPy's; step control and dense output are those of Hairer, Nørsett and Wanner.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy.integrate._ivp import dop853_coefficients as table

A, B, C = table.A[:12, :12].copy(), table.B, table.C[:12].copy()
MORE, MORE_C = table.A[13:, :16].copy(), table.C[13:].copy()
E3, E5, D = table.E3[:12].copy(), table.E5[:12].copy(), table.D


@numba.njit(cache=True, error_model="numpy")
def slope(y, lam, w, rate, noise, out):
    total = noise * noise
    for i in range(y.size):
        total += w[i] * lam[i] * y[i]
    for i in range(y.size):
        out[i] = -2 * rate * lam[i] * y[i] + rate * rate * lam[i] * total
    return 0.5 * total


@numba.njit(cache=True, error_model="numpy")
def stage(y, h, row, K, count, out):
    for i in range(y.size):
        value = 0.0
        for k in range(count):
            value += row[k] * K[k, i]
        out[i] = y[i] + h * value


@numba.njit(cache=True, error_model="numpy")
def curve(start, lam, w, rate, noise, times, rtol, risk):
    """The risk at ``times``, modes starting at ``start``; returns the number of steps."""
    n, end = start.size, times[-1]
    y, new, point, K, F = start.copy(), np.empty(n), np.empty(n), np.empty((16, n)), np.empty((7, n))
    t, row, steps = 0.0, 0, 0
    slope(y, lam, w, rate, noise, K[0])
    h = 0.01
    while t < end:
        h = min(h, end - t)
        for j in range(1, 12):
            stage(y, h, A[j], K, j, point)
            slope(point, lam, w, rate, noise, K[j])
        stage(y, h, B, K, 12, new)
        five, three = 0.0, 0.0
        for i in range(n):
            e5, e3 = 0.0, 0.0
            for k in range(12):
                e5 += E5[k] * K[k, i]
                e3 += E3[k] * K[k, i]
            scale = rtol * max(abs(y[i]), abs(new[i]))
            five += (e5 / scale) ** 2
            three += (e3 / scale) ** 2
        error = h * five / np.sqrt((five + 0.01 * three) * n) if five > 0 else 0.0
        if error >= 1:
            h *= max(0.2, 0.9 * error**-0.125)
            continue
        steps += 1
        slope(new, lam, w, rate, noise, K[12])
        if row < times.size and times[row] <= t + h:
            for j in range(3):
                stage(y, h, MORE[j], K, 13 + j, point)
                slope(point, lam, w, rate, noise, K[13 + j])
            for i in range(n):
                jump = new[i] - y[i]
                F[0, i], F[1, i], F[2, i] = jump, h * K[0, i] - jump, 2 * jump - h * (K[12, i] + K[0, i])
                for j in range(4):
                    value = 0.0
                    for k in range(16):
                        value += D[j, k] * K[k, i]
                    F[3 + j, i] = h * value
            while row < times.size and times[row] <= t + h:
                s = (times[row] - t) / h
                total = noise * noise
                for i in range(n):
                    inner = 0.0
                    for j in range(6, -1, -1):
                        inner = (inner + F[j, i]) * (s if j % 2 == 0 else 1 - s)
                    total += w[i] * lam[i] * (y[i] + inner)
                risk[row] = 0.5 * total
                row += 1
        t += h
        y[:] = new
        K[0] = K[12]
        h *= min(10.0, 0.9 * error**-0.125) if error > 0 else 10.0
    return steps


@numba.njit(cache=True, error_model="numpy")
def scan(start, lam, w, rates, noises, times, rtol, risk):
    """Curves for all pairs of a rate and a noise, into ``risk`` (rates, noises, times)."""
    for i in range(rates.size):
        for j in range(noises.size):
            curve(start, lam, w, rates[i], noises[j], times, rtol, risk[i, j])
