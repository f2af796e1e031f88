"""Numba kernels of the mean-field Fokker-Planck solver: the shape of a law in its frame, over one step.

Imported by ``fokker_planck_kernel.py``, which has the columns of ``table``; method: ``fokker_planck.py``. Cost:
O(K n J). Numba's cache on disk looks at one file only: after a change here, change or touch the importer too.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz"}
"""Licence to reorder sums; no NaN is assumed away."""
GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
"""Diagonal of the L-stable SDIRK method of order two (Alexander 1977)."""


@njit(cache=True, error_model="numpy", fastmath=FAST)
def exponential_bumps(in_xi, s, grid, bump):
    """Fill ``bump`` (J, n) with ``exp(in_xi[j] s y) − 1``, to rounding relative to itself.

    Taylor's polynomial on |x| ≤ 0.35, then ``e^{2x} − 1 = E (E + 2)``: loops that vectorise. Opposite
    exponents mirror each other on the symmetric grid.
    """
    n = grid.size
    for j in range(in_xi.size):
        if j > 0 and in_xi[j] == -in_xi[j - 1]:
            for i in range(n):
                bump[j, i] = bump[j - 1, n - 1 - i]
            continue
        factor, doublings = in_xi[j] * s, 0
        while abs(factor) * grid[n - 1] > 0.35:
            factor, doublings = factor / 2.0, doublings + 1
        for i in range(n):
            x = factor * grid[i]
            value = 1.0
            for order in range(13, 1, -1):
                value = 1.0 + value * x / order
            bump[j, i] = x * value
        for _ in range(doublings):
            for i in range(n):
                bump[j, i] *= bump[j, i] + 2.0


@njit(cache=True, error_model="numpy", fastmath=FAST)
def weighted_sums(law, grid, g, e):
    """``Σ law (y, y², g, g y, e, e²)``; the order of summation is the compiler's."""
    y1 = y2 = g1 = gy = e1 = e2 = 0.0
    for i in range(grid.size):
        y1 += law[i] * grid[i]
        y2 += law[i] * grid[i] * grid[i]
        g1 += law[i] * g[i]
        gy += law[i] * g[i] * grid[i]
        e1 += law[i] * e[i]
        e2 += law[i] * e[i] * e[i]
    return y1, y2, g1, gy, e1, e2


@njit(cache=True, error_model="numpy")
def bernoulli(z):
    """``z/(e^z − 1)``, continued by 1 at zero."""
    if abs(z) < 1e-5:
        return 1.0 - z / 2.0 + z * z / 12.0
    if z > 700.0:
        return 0.0
    return z / math.expm1(z)


@njit(cache=True, error_model="numpy")
def solve_shifted(up, down, h, right, work, out):
    """Solve ``(1 − h M) out = right`` where M moves mass at rates ``up[i]``: i → i+1 and ``down[i]``: i+1 →
    i."""
    n = right.size
    pivot = 1.0 + h * up[0]
    out[0] = right[0] / pivot
    for i in range(1, n):
        work[i] = -h * down[i - 1] / pivot
        inner = up[i] if i < n - 1 else 0.0
        pivot = 1.0 + h * (inner + down[i - 1]) + h * up[i - 1] * work[i]
        out[i] = (right[i] + h * up[i - 1] * out[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        out[i] -= work[i + 1] * out[i + 1]


@njit(cache=True, error_model="numpy")
def limit_to_positive(low, high):
    """Replace ``high`` by ``low + ∇·(limited flux of high − low)`` so that no cell is negative; mass is
    kept."""
    n = low.size
    flux, room = np.empty(n), np.ones(n)
    total = 0.0
    for i in range(n):  # flux[i] leaves cell i to the right
        total += low[i] - high[i]
        flux[i] = total
    for i in range(n):
        leaving = max(flux[i], 0.0) + (max(-flux[i - 1], 0.0) if i > 0 else 0.0)
        if leaving > low[i]:
            room[i] = low[i] / leaving
    for i in range(n):
        high[i] = low[i]
    for i in range(n - 1):
        moved = flux[i] * (room[i] if flux[i] > 0.0 else room[i + 1])
        high[i] -= moved
        high[i + 1] += moved


@njit(cache=True, error_model="numpy")
def advance_shape(table, drift_terms, in_xi, in_alpha, grid, cells, x0, x1, h, mass, guess, out):
    """One step of length h of every class's law in its frame, which moves from ``x0`` to ``x1``.

    ``guess`` is the law at the end as far as it is known: the regression of b on y is taken under (mass +
    guess)/2.
    """
    classes, n, terms = table.shape[0], grid.size, in_xi.size
    up, down, work, stage, right = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    push, bump = np.empty(n), np.empty((terms, n))
    integral, risk = (x0[2 * classes] + x1[2 * classes]) / 2.0, (x1[2 * classes] - x0[2 * classes]) / h
    for k in range(classes):
        q = (max(x0[classes + k], 0.0) + max(x1[classes + k], 0.0)) / 2.0
        if q <= 0.0:
            out[k, :] = mass[k, :]
            continue
        s, m = math.sqrt(q), (x0[k] + x1[k]) / 2.0
        alpha = table[k, 7] + table[k, 8] * integral
        exponential_bumps(in_xi, s, grid, bump)
        g = table[k, 1] * s * grid
        push[:] = table[k, 1] * s * grid * grid / 2.0  # the integral of g from the centre
        for j in range(terms):
            amplitude = drift_terms[k, j] * math.exp(in_xi[j] * m + in_alpha[j] * alpha)
            g += amplitude * bump[j]
            push += amplitude * (bump[j] / (in_xi[j] * s) - grid)
        y1, y2, g1, gy, _, _ = weighted_sums((mass[k] + guess[k]) / 2.0, grid, g, g)
        slope = (gy - g1 * y1) / (y2 - y1 * y1)
        spread = (table[k, 2] + table[k, 3] * risk) / q
        for i in range(n):  # ∫ G dy, G = (g − E g − slope (y − E y))/s − (D/q) y
            y = grid[i]
            push[i] = (push[i] - g1 * y - slope * (y / 2.0 - y1) * y) / s - spread * y * y / 2.0
        for i in range(n - 1):
            gain, width = push[i + 1] - push[i], grid[i + 1] - grid[i]
            if spread * 700.0 <= abs(gain):
                flow_up, flow_down = max(gain, 0.0), max(-gain, 0.0)
            elif gain >= 0.0:
                flow_down = spread * bernoulli(gain / spread)
                flow_up = flow_down + gain
            else:
                flow_up = spread * bernoulli(-gain / spread)
                flow_down = flow_up - gain
            up[i], down[i] = flow_up / (width * cells[i]), flow_down / (width * cells[i + 1])
        ratio = (1.0 - GAMMA) / GAMMA
        solve_shifted(up, down, GAMMA * h, mass[k], work, stage)
        lowest = 0.0
        for i in range(n):
            right[i] = (1.0 - ratio) * mass[k, i] + ratio * stage[i]
        solve_shifted(up, down, GAMMA * h, right, work, out[k])
        for i in range(n):
            lowest = min(lowest, out[k, i])
        if lowest < 0.0:
            solve_shifted(up, down, h, mass[k], work, stage)
            limit_to_positive(stage, out[k])
            for i in range(n):
                out[k, i] = max(out[k, i], 0.0)
