"""Numba kernels of the mean-field Fokker-Planck solver: shape of a law in its frame, frame, and steps.

Imported only where a system is solved. Notation and method: ``fokker_planck.py``. Columns of ``table``: drift constant,
drift slope, D constant, D rate, error constant, error slope, share, α(0), α rate. Cost per step: O(K n J). One file,
since what is kept of them on disk is named by the text of this file.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numba import njit

from symhigh.codegen.entries import keep

COUPLING = 10.0
"""Predictor minus corrector may exceed the tolerance by this factor: it is one order larger than the error
itself."""
ROUNDING = 1e-20
"""Square of the distance from equilibrium, in ξ, below which errors are no longer measured relative to it."""
NODES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
STAGES = np.array(
    [
        [0, 0, 0, 0, 0, 0],
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)
DIFFERENCE = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
"""The pair of orders 5 and 4 of Dormand and Prince: nodes, stages (the last row is the step), error
weights."""
FAST = {"reassoc", "contract", "nsz"}
"""Licence to reorder sums; no NaN is assumed away."""
GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
"""Diagonal of the L-stable SDIRK method of order two (Alexander 1977)."""


@njit(error_model="numpy", fastmath=FAST)
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


@njit(error_model="numpy", fastmath=FAST)
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


@njit(error_model="numpy")
def bernoulli(z):
    """``z/(e^z − 1)``, continued by 1 at zero."""
    if abs(z) < 1e-5:
        return 1.0 - z / 2.0 + z * z / 12.0
    if z > 700.0:
        return 0.0
    return z / math.expm1(z)


@njit(error_model="numpy")
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


@njit(error_model="numpy")
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


@njit(error_model="numpy")
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


@njit(error_model="numpy")
def frame_rates(table, drift_terms, error_terms, in_xi, in_alpha, offset, grid, x, first, second, share, out):
    """Fill ``out`` (2K + 1) with the rates of ``x = (m, s², ∫R)``, the law being ``(1 − share) first + share
    second``.

    Deviations from the centre are summed by ``expm1``, so that nothing cancels as s → 0.
    """
    classes, terms = table.shape[0], in_xi.size
    risk = offset
    bump = np.empty((terms, grid.size))
    for k in range(classes):
        m, q = x[k], max(x[classes + k], 0.0)
        s = math.sqrt(q)
        alpha = table[k, 7] + table[k, 8] * x[2 * classes]
        exponential_bumps(in_xi, s, grid, bump)
        drift_there, error_there = table[k, 0] + table[k, 1] * m, table[k, 4] + table[k, 5] * m
        slope = table[k, 1]
        g, e = slope * s * grid, table[k, 5] * s * grid
        for j in range(terms):
            factor = math.exp(in_xi[j] * m + in_alpha[j] * alpha)
            drift_there += drift_terms[k, j] * factor
            error_there += error_terms[k, j] * factor
            slope += drift_terms[k, j] * factor * in_xi[j]
            g += drift_terms[k, j] * factor * bump[j]
            e += error_terms[k, j] * factor * bump[j]
        y1, y2, g1, gy, e1, e2 = weighted_sums((1.0 - share) * first[k] + share * second[k], grid, g, e)
        risk += table[k, 6] * (error_there * error_there + 2.0 * error_there * e1 + e2)
        if s > 0.0:
            slope = (gy - g1 * y1) / (s * (y2 - y1 * y1))
        out[k] = drift_there + g1 - slope * s * y1
        out[classes + k] = 2.0 * slope * q
    for k in range(classes):
        out[classes + k] += 2.0 * (table[k, 2] + table[k, 3] * risk)
    out[2 * classes] = risk


@njit(error_model="numpy")
def step_error(table, classes, x, predicted, rates, h, slopes):
    """``(embedded, coupling)``: error of the frame's pair, and predictor minus corrector, both relative.

    A class is measured against ``sqrt(s² + lag²)``, lag being its distance to equilibrium, plus a floor for
    rounding.
    """
    embedded = coupling = 0.0
    for k in range(classes):
        q = x[classes + k]
        pull = (
            0.0
            if q <= 0.0
            else (slopes[classes + k] / 2.0 - table[k, 2] - table[k, 3] * slopes[2 * classes]) / q
        )
        lag = slopes[k] / pull if pull != 0.0 else 1.0
        size = max(q, 0.0) + lag * lag + ROUNDING * (1.0 + x[k] * x[k])
        for part in range(2):
            at, unit = part * classes + k, math.sqrt(size) if part == 0 else size
            gap = 0.0
            for stage in range(7):
                gap += DIFFERENCE[stage] * rates[stage, at]
            embedded = max(embedded, abs(h * gap) / unit)
            coupling = max(coupling, abs(x[at] - predicted[at]) / unit)
    return embedded, coupling


@njit(error_model="numpy")
def advance(table, drift_terms, error_terms, in_xi, in_alpha, offset, grid, cells, times, rtol, fixed,
            risk_out, integral_out, centre, scale, mass_out):  # fmt: skip
    """Fill the outputs at ``times``; returns (steps, time reached, outputs filled), steps = −1 where no finite
    solution goes on."""
    classes = table.shape[0]
    size = 2 * classes + 1
    x, y, predicted, slopes = np.zeros(size), np.empty(size), np.empty(size), np.empty(size)
    x[:classes], x[classes : 2 * classes] = centre[0], scale[0] ** 2
    rates = np.empty((7, size))
    mass, new_mass, guess = mass_out[0].copy(), np.empty_like(mass_out[0]), np.empty_like(mass_out[0])
    args = (table, drift_terms, error_terms, in_xi, in_alpha, offset, grid)
    frame_rates(*args, x, mass, mass, 0.0, slopes)
    risk_out[0], integral_out[0] = slopes[2 * classes], 0.0
    now, h, steps = times[0], 1e-3 * (times[-1] - times[0]), 0
    for target in range(1, times.size):
        while now < times[target]:
            remaining = times[target] - now
            if fixed > 0.0:  # equal steps, refined like sqrt(t) towards the point start
                h = fixed * min(1.0, fixed + 2.0 * math.sqrt(now - times[0]))
            pieces = math.ceil(remaining / h * (1.0 - 1e-9))
            dt = remaining / pieces if pieces < 3 else h
            for sweep in range(2):  # predictor with the law held, corrector with the law moving linearly
                last = mass if sweep == 0 else new_mass
                rates[0, :] = slopes
                for stage in range(1, 7):
                    y[:] = x
                    for before in range(stage):
                        y += dt * STAGES[stage, before] * rates[before]
                    if stage < 6 or sweep == 1:
                        frame_rates(*args, y, mass, last, NODES[stage], rates[stage])
                guess[:] = mass if sweep == 0 else new_mass
                advance_shape(
                    table, drift_terms, in_xi, in_alpha, grid, cells, x, y, dt, mass, guess, new_mass
                )
                if sweep == 0:
                    predicted[:] = y
            embedded, coupling = step_error(table, classes, y, predicted, rates, dt, rates[6])
            accept = math.isfinite(rates[6, 2 * classes]) and math.isfinite(embedded + coupling)
            if fixed > 0.0:
                if not accept:
                    return -1, now, target
            else:
                growth = 0.2
                if accept:
                    growth = 0.9 * min(
                        (rtol / max(embedded, 1e-12 * rtol)) ** 0.2,
                        (COUPLING * rtol / max(coupling, 1e-12 * rtol)) ** 0.5,
                    )
                    accept = embedded <= rtol and coupling <= COUPLING * rtol
                if not accept or dt >= 0.5 * h:
                    h = dt * min(4.0, max(0.2, growth))
                if h < 1e-14 * (1.0 + abs(now)):
                    return -1, now, target
            if accept:
                now = times[target] if remaining - dt <= 1e-9 * remaining else now + dt
                steps += 1
                x[:] = y
                mass, new_mass = new_mass, mass
                frame_rates(*args, x, mass, mass, 0.0, slopes)
        risk_out[target], integral_out[target] = slopes[2 * classes], x[2 * classes]
        centre[target], mass_out[target] = x[:classes], mass
        scale[target] = np.sqrt(np.maximum(x[classes : 2 * classes], 0.0))
    return steps, now, times.size


keep(globals(), Path(__file__).read_text("utf-8"))
