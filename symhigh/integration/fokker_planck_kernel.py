"""Numba kernels of the mean-field Fokker-Planck solver: shape of a law in its frame, frame, and steps.

Imported only where a system is solved. Notation and method: ``fokker_planck.py``. Arrays of a model, C channels, K
classes, J exponentials: ``flat`` (4, C, K) holds the factors of the channels in drift, slope of the drift, D and dα/dt;
``terms`` (C, K, J) those in front of the exponentials. A state is ``x = [m | s² | clocks ∫c | memories]``. Averages and
what they drive come as addresses, see ``codegen/density.py``. Cost per step: O(K n J). One file, since what is kept of
it on disk is named by its text.
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
        if j > 1 and in_xi[j] == 2.0 * in_xi[j - 2]:
            for i in range(n):
                bump[j, i] = bump[j - 2, i] * (bump[j - 2, i] + 2.0)
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
def weighted_sums(law, grid, bump, first, second):
    """``Σ law (y, y²)``; ``Σ law b`` and ``Σ law b y`` of every row b of ``bump`` in ``first`` and ``second``.

    The order of summation is the compiler's.
    """
    y1 = y2 = 0.0
    for i in range(grid.size):
        y1 += law[i] * grid[i]
        y2 += law[i] * grid[i] * grid[i]
    for j in range(bump.shape[0]):
        b0 = b1 = 0.0
        for i in range(grid.size):
            b0 += law[i] * bump[j, i]
            b1 += law[i] * bump[j, i] * grid[i]
        first[j], second[j] = b0, b1
    return y1, y2


@njit(error_model="numpy", fastmath=FAST)
def squared_error(s, m, grid, amp, bump, law, row, sums):
    """``E e²`` for ``e = row[1] + row[2] ξ + Σ_j row[3 + j] exp(…)``, without cancellation in deviations from m."""
    there = row[1] + row[2] * m
    for j in range(amp.size):
        there += row[3 + j] * amp[j]
    total = 0.0
    for i in range(grid.size):
        e = there + row[2] * s * grid[i]
        for j in range(amp.size):
            e += row[3 + j] * amp[j] * bump[j, i]
        total += law[i] * e * e
    sums[0] += row[0] * total


@njit(error_model="numpy")
def risk_of_squares(t, sums, memory, par, const, out):
    """The one channel ``R = const[0] + Σ_k share_k E e_k²``."""
    out[0] = const[0] + sums[0]


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
def advance_shape(model, grid, cells, x0, x1, h, mass, guess, out):
    """One step of length h of every class's law in its frame, which moves from ``x0`` to ``x1``.

    ``guess`` is the law at the end as far as it is known: the regression of b on y is taken under (mass +
    guess)/2. Channels are those of mid-step, from their clocks.
    """
    flat, terms, start, in_xi, in_alpha = model
    channels, classes, count = terms.shape
    n = grid.size
    up, down, work, stage, right = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    push, bump = np.empty(n), np.empty((count, n))
    first, second = np.empty(count), np.empty(count)
    value, clock = np.ones(channels), np.empty(channels)
    for c in range(channels):
        at = 2 * classes + c
        clock[c] = (x0[at] + x1[at]) / 2.0
        if c > 0:
            value[c] = (x1[at] - x0[at]) / h
    for k in range(classes):
        q = (max(x0[classes + k], 0.0) + max(x1[classes + k], 0.0)) / 2.0
        if q <= 0.0:
            out[k, :] = mass[k, :]
            continue
        s, m = math.sqrt(q), (x0[k] + x1[k]) / 2.0
        alpha, incline, half = start[k], 0.0, 0.0
        for c in range(channels):
            alpha += flat[3, c, k] * clock[c]
            incline += flat[1, c, k] * value[c]
            half += flat[2, c, k] * value[c]
        exponential_bumps(in_xi, s, grid, bump)
        y1, y2 = weighted_sums((mass[k] + guess[k]) / 2.0, grid, bump, first, second)
        push[:] = incline * s * grid * grid / 2.0  # the integral of g from the centre
        g1, gy = incline * s * y1, incline * s * y2
        for j in range(count):
            amplitude = 0.0
            for c in range(channels):
                amplitude += terms[c, k, j] * value[c]
            if amplitude == 0.0:
                continue
            amplitude *= math.exp(in_xi[j] * m + in_alpha[j] * alpha)
            push += amplitude * (bump[j] / (in_xi[j] * s) - grid)
            g1 += amplitude * first[j]
            gy += amplitude * second[j]
        slope = (gy - g1 * y1) / (y2 - y1 * y1)
        spread = half / q
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
def averages_at(model, coupling, row, grid, x, law, sums, kept):
    """Averages over all classes under ``law`` (K, n) in ``sums``, exponentials and moments in ``kept`` (K, 3 J + 2).

    A row of ``kept`` holds ``[exp at m | Σ law b | Σ law b y | Σ law y, Σ law y²]``, b being the deviations of the
    exponentials, which are summed by ``expm1`` so that nothing cancels as s → 0.
    """
    flat, terms, start, in_xi, in_alpha = model
    channels, classes, count = terms.shape
    bump = np.empty((count, grid.size))
    sums[:] = 0.0
    for k in range(classes):
        m, s = x[k], math.sqrt(max(x[classes + k], 0.0))
        alpha = start[k]
        for c in range(channels):
            alpha += flat[3, c, k] * x[2 * classes + c]
        exponential_bumps(in_xi, s, grid, bump)
        amp = kept[k, :count]
        for j in range(count):
            amp[j] = math.exp(in_xi[j] * m + in_alpha[j] * alpha)
        kept[k, 3 * count], kept[k, 3 * count + 1] = weighted_sums(
            law[k], grid, bump, kept[k, count : 2 * count], kept[k, 2 * count : 3 * count]
        )
        coupling(s, m, grid, amp, bump, law[k], row[k], sums)


@njit(error_model="numpy")
def frame_rates(model, averages, forces, data, par, grid, time, x, law, work, out):
    """Fill ``out`` with the rates of ``x``, the laws of the classes being ``law`` (K, n)."""
    flat, terms, _, in_xi, _ = model
    row, const, sums = data
    channels, classes, count = terms.shape
    base = 2 * classes
    averages_at(model, averages, row, grid, x, law, sums, work)
    out[base] = 1.0
    forces(time, sums, x[base + channels :], par, const, out[base + 1 :])
    for k in range(classes):
        m, q = x[k], max(x[classes + k], 0.0)
        s = math.sqrt(q)
        there = incline = half = 0.0
        for c in range(channels):
            value = out[base + c]
            there += flat[0, c, k] * value
            incline += flat[1, c, k] * value
            half += flat[2, c, k] * value
        there += incline * m
        y1, y2 = work[k, 3 * count], work[k, 3 * count + 1]
        g1, gy, slope = incline * s * y1, incline * s * y2, incline
        for j in range(count):
            amplitude = 0.0
            for c in range(channels):
                amplitude += terms[c, k, j] * out[base + c]
            if amplitude == 0.0:
                continue
            amplitude *= work[k, j]
            there += amplitude
            slope += amplitude * in_xi[j]
            g1 += amplitude * work[k, count + j]
            gy += amplitude * work[k, 2 * count + j]
        if s > 0.0:
            slope = (gy - g1 * y1) / (s * (y2 - y1 * y1))
        out[k] = there + g1 - slope * s * y1
        out[classes + k] = 2.0 * slope * q + 2.0 * half


@njit(error_model="numpy")
def step_error(model, x, predicted, rates, h):
    """``(embedded, coupling)``: error of the frame's pair, and predictor minus corrector, both relative.

    A class is measured against ``sqrt(s² + lag²)``, lag being its distance to equilibrium, plus a floor for
    rounding; a memory against its size and its change in the step.
    """
    flat, terms, _, _, _ = model
    channels, classes, _ = terms.shape
    base = 2 * classes
    slopes = rates[6]
    embedded = coupling = 0.0
    for k in range(classes):
        q, half = x[classes + k], 0.0
        for c in range(channels):
            half += flat[2, c, k] * slopes[base + c]
        pull = 0.0 if q <= 0.0 else (slopes[classes + k] / 2.0 - half) / q
        lag = slopes[k] / pull if pull != 0.0 else 1.0
        size = max(q, 0.0) + lag * lag + ROUNDING * (1.0 + x[k] * x[k])
        for part in range(2):
            at, unit = part * classes + k, math.sqrt(size) if part == 0 else size
            gap = 0.0
            for stage in range(7):
                gap += DIFFERENCE[stage] * rates[stage, at]
            embedded = max(embedded, abs(h * gap) / unit)
            coupling = max(coupling, abs(x[at] - predicted[at]) / unit)
    for at in range(base + channels, x.size):
        unit = abs(x[at]) + abs(h * slopes[at])
        if unit == 0.0:
            continue
        gap = 0.0
        for stage in range(7):
            gap += DIFFERENCE[stage] * rates[stage, at]
        embedded = max(embedded, abs(h * gap) / unit)
        coupling = max(coupling, abs(x[at] - predicted[at]) / unit)
    return embedded, coupling


@njit(error_model="numpy")
def advance(model, averages, forces, data, pars, grid, cells, times, rtol, fixed, path, rates_out, mass_out):
    """Fill the outputs at ``times``; returns (steps, time reached, outputs filled), steps = −1 where no finite
    solution goes on.

    ``path`` (T, X) holds the states x, the first of them given, ``rates_out`` their rates; ``pars[i]`` are the
    parameters between the times i − 1 and i.
    """
    _, classes, count = model[1].shape
    size, n = path.shape[1], grid.size
    moves = 2 * classes + 1  # the place of the first channel
    x, y, predicted, slopes = path[0].copy(), np.empty(size), np.empty(size), np.empty(size)
    rates = np.empty((7, size))
    law, work = np.empty((classes, n)), np.empty((classes, 3 * count + 2))
    mass, new_mass, guess = mass_out[0].copy(), np.empty_like(mass_out[0]), np.empty_like(mass_out[0])
    par = pars[min(1, times.size - 1)]
    frame_rates(model, averages, forces, data, par, grid, times[0], x, mass, work, slopes)
    rates_out[0] = slopes
    now, h, steps = times[0], 1e-3 * (times[-1] - times[0]), 0
    for target in range(1, times.size):
        if target > 1 and (pars[target] != pars[target - 1]).any():
            par = pars[target]
            frame_rates(model, averages, forces, data, par, grid, now, x, mass, work, slopes)
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
                        law[:] = (1.0 - NODES[stage]) * mass + NODES[stage] * last
                        then = now + NODES[stage] * dt
                        frame_rates(model, averages, forces, data, par, grid, then, y, law, work, rates[stage])
                guess[:] = mass if sweep == 0 else new_mass
                advance_shape(model, grid, cells, x, y, dt, mass, guess, new_mass)
                if sweep == 0:
                    predicted[:] = y
            embedded, coupling = step_error(model, y, predicted, rates, dt)
            accept = math.isfinite(embedded + coupling)
            for at in range(moves, size):
                accept = accept and math.isfinite(rates[6, at])
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
                frame_rates(model, averages, forces, data, par, grid, now, x, mass, work, slopes)
        path[target], rates_out[target], mass_out[target] = x, slopes, mass
    return steps, now, times.size


@njit(error_model="numpy")
def outputs_at(model, reports, observe, data, pars, grid, times, path, mass, out):
    """The outputs (T, …) along a solution."""
    row, const, sums = data
    channels, classes, count = model[1].shape
    work = np.empty((classes, 3 * count + 2))
    for i in range(times.size):
        averages_at(model, reports, row, grid, path[i], mass[i], sums, work)
        observe(times[i], sums, path[i, 2 * classes + channels :], pars[i], const, out[i])


keep(globals(), Path(__file__).read_text("utf-8"))
