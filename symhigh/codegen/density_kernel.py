"""The mean-field Fokker-Planck solver as source: shape of a law in its frame, frame, and steps.

Compiled once for all systems, on every target that compiles. Notation and method: ``integration/fokker_planck.py``.
Arrays of a model, C channels, K classes, J exponentials: ``flat`` (4, C, K) holds the factors of the channels in drift,
slope of the drift, D and dα/dt; ``terms`` (C, K, J) those in front of the exponentials. A state is
``x = [m | s² | clocks ∫c | memories]``. Averages and what they drive are functions of the record, see
:mod:`symhigh.codegen.density`. Cost per step: O(K n J). One file, since it is one text.
"""

from __future__ import annotations

from symhigh.codegen.c_types import Record, Signature

AVERAGES: Signature = ("d", "d", "a1", "a1", "a2", "a1", "a1", "a1", "v")
FORCES: Signature = ("d", "a1", "a1", "a1", "a1", "a1", "v")
"""Types of what adds a class's share to the averages, and of what is made of them."""
FIELDS = ("averages", "forces", "flat", "terms", "start", "in_xi", "in_alpha", "row", "const", "sums", "grid", "cells")
"""What the solver is told of a system."""
COUPLED = Record("coupled", {
    "averages": AVERAGES, "forces": FORCES, "flat": "a3", "terms": "a3", "start": "a1", "in_xi": "a1", "in_alpha": "a1",
    "row": "a2", "const": "a1", "sums": "a1", "grid": "a1", "cells": "a1",
})  # fmt: skip
EXPORTS: dict[str, Signature] = {
    "advance": ("rcoupled", "a2", "a1", "d", "d", "a2", "a2", "a3"),
    "outputs_at": ("rcoupled", "a2", "a1", "a2", "a3", "a2"),
    "squared_error": AVERAGES[:-1],
    "risk_of_squares": FORCES[:-1],
    "solve_shifted": ("a1", "a1", "d", "a1", "a1", "a1"),
    "limit_to_positive": ("a1", "a1"),
}

TABLES = """
# the pair of orders 5 and 4 of Dormand and Prince: nodes, stages (the last row is the step), error weights
NODES = numpy.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
STAGES = numpy.array([
    [0, 0, 0, 0, 0, 0],
    [1 / 5, 0, 0, 0, 0, 0],
    [3 / 40, 9 / 40, 0, 0, 0, 0],
    [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
])
DIFFERENCE = numpy.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
# the diagonal of the L-stable SDIRK method of order two (Alexander 1977)
GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
# predictor minus corrector may exceed the tolerance by this factor: it is one order larger than the error itself
COUPLING = 10.0
# square of the distance from equilibrium, in xi, below which errors are no longer measured relative to it
ROUNDING = 1e-20
"""

_SUMS = """
@njit
def exponential_bumps(in_xi, s, grid, bump):
    # fills bump (J, n) with exp(in_xi[j] s y) - 1, to rounding relative to itself: Taylor's polynomial on |x| <= 0.35,
    # then e^{2x} - 1 = E (E + 2); opposite exponents mirror each other on the symmetric grid
    n = grid.shape[0]
    for j in range(in_xi.shape[0]):
        line = bump[j]
        if j > 0 and in_xi[j] == -in_xi[j - 1]:
            for i in range(n):
                line[i] = bump[j - 1, n - 1 - i]
            continue
        if j > 1 and in_xi[j] == 2.0 * in_xi[j - 2]:
            half = bump[j - 2]
            for i in range(n):
                line[i] = half[i] * (half[i] + 2.0)
            continue
        factor = in_xi[j] * s
        doublings = 0
        while abs(factor) * grid[n - 1] > 0.35:
            factor = factor / 2.0
            doublings = doublings + 1
        for i in range(n):
            line[i] = 1.0
        for order in range(13, 1, -1):
            share = factor / order
            for i in range(n):
                line[i] = 1.0 + line[i] * (share * grid[i])
        for i in range(n):
            line[i] = line[i] * (factor * grid[i])
        for k in range(doublings):
            for i in range(n):
                line[i] = line[i] * (line[i] + 2.0)


@njit
def weighted_sums(law, grid, bump, first, second):
    # the sums of law (y, y^2); those of law b and law b y of every row b of bump, in first and second
    y1 = 0.0
    y2 = 0.0
    for i in range(grid.shape[0]):
        y1 += law[i] * grid[i]
        y2 += law[i] * grid[i] * grid[i]
    for j in range(bump.shape[0]):
        line = bump[j]
        b0 = 0.0
        b1 = 0.0
        for i in range(grid.shape[0]):
            b0 += law[i] * line[i]
            b1 += law[i] * line[i] * grid[i]
        first[j] = b0
        second[j] = b1
    return y1, y2


@njit
def squared_error(s, m, grid, amp, bump, law, row, sums):
    # E e^2 for e = row[1] + row[2] xi + sum_j row[3 + j] exp(...), without cancellation in deviations from m
    there = row[1] + row[2] * m
    for j in range(amp.shape[0]):
        there += row[3 + j] * amp[j]
    slope = row[2] * s
    e = numpy.empty(grid.shape[0])
    for i in range(grid.shape[0]):
        e[i] = there + slope * grid[i]
    for j in range(amp.shape[0]):
        line = bump[j]
        share = row[3 + j] * amp[j]
        for i in range(grid.shape[0]):
            e[i] = e[i] + share * line[i]
    total = 0.0
    for i in range(grid.shape[0]):
        total += law[i] * e[i] * e[i]
    sums[0] += row[0] * total


@exact
def risk_of_squares(t, sums, memory, par, const, out):
    # the one channel R = const[0] + sum_k share_k E e_k^2
    out[0] = const[0] + sums[0]
"""

_SHAPE = """
@exact
def bernoulli(z):
    # z/(e^z - 1), continued by 1 at zero
    if abs(z) < 1e-5:
        return 1.0 - z / 2.0 + z * z / 12.0
    if z > 700.0:
        return 0.0
    return z / math.expm1(z)


@exact
def solve_shifted(up, down, h, right, work, out):
    # solves (1 - h M) out = right where M moves mass at the rates up[i]: i -> i + 1, and down[i]: i + 1 -> i
    n = right.shape[0]
    pivot = 1.0 + h * up[0]
    out[0] = right[0] / pivot
    for i in range(1, n):
        work[i] = -h * down[i - 1] / pivot
        inner = up[i] if i < n - 1 else 0.0
        pivot = 1.0 + h * (inner + down[i - 1]) + h * up[i - 1] * work[i]
        out[i] = (right[i] + h * up[i - 1] * out[i - 1]) / pivot
    for i in range(n - 2, -1, -1):
        out[i] -= work[i + 1] * out[i + 1]


@exact
def limit_to_positive(low, high):
    # replaces high by low + div(limited flux of high - low), so that no cell is negative; mass is kept
    n = low.shape[0]
    flux = numpy.empty(n)
    share = numpy.empty(n)
    total = 0.0
    for i in range(n):  # flux[i] leaves cell i to the right
        total = total + (low[i] - high[i])
        flux[i] = total
    for i in range(n):
        leaving = max(flux[i], 0.0)
        if i > 0:
            leaving = leaving + max(-flux[i - 1], 0.0)
        share[i] = low[i] / leaving if leaving > low[i] else 1.0
    for i in range(n):
        high[i] = low[i]
    for i in range(n - 1):
        moved = flux[i] * (share[i] if flux[i] > 0.0 else share[i + 1])
        high[i] -= moved
        high[i + 1] += moved


@exact
def advance_shape(model, x0, x1, h, mass, guess, out):
    # one step of length h of every class's law in its frame, which moves from x0 to x1; guess is the law at the end as
    # far as it is known: the regression of b on y is taken under (mass + guess)/2. Channels are those of mid-step,
    # from their clocks
    channels = model.terms.shape[0]
    classes = model.terms.shape[1]
    count = model.terms.shape[2]
    grid = model.grid
    n = grid.shape[0]
    up = numpy.empty(n)
    down = numpy.empty(n)
    work = numpy.empty(n)
    stage = numpy.empty(n)
    right = numpy.empty(n)
    push = numpy.empty(n)
    law = numpy.empty(n)
    bump = numpy.empty((count, n))
    first = numpy.empty(count)
    second = numpy.empty(count)
    value = numpy.empty(channels)
    clock = numpy.empty(channels)
    for c in range(channels):
        at = 2 * classes + c
        clock[c] = (x0[at] + x1[at]) / 2.0
        value[c] = (x1[at] - x0[at]) / h if c > 0 else 1.0
    for k in range(classes):
        q = (max(x0[classes + k], 0.0) + max(x1[classes + k], 0.0)) / 2.0
        before = mass[k]
        after = out[k]
        if q <= 0.0:
            for i in range(n):
                after[i] = before[i]
            continue
        s = math.sqrt(q)
        m = (x0[k] + x1[k]) / 2.0
        alpha = model.start[k]
        incline = 0.0
        half = 0.0
        for c in range(channels):
            alpha = alpha + model.flat[3, c, k] * clock[c]
            incline = incline + model.flat[1, c, k] * value[c]
            half = half + model.flat[2, c, k] * value[c]
        exponential_bumps(model.in_xi, s, grid, bump)
        expected = guess[k]
        for i in range(n):
            law[i] = (before[i] + expected[i]) / 2.0
        y1, y2 = weighted_sums(law, grid, bump, first, second)
        bend = incline * s / 2.0
        for i in range(n):  # the integral of g from the centre
            push[i] = bend * grid[i] * grid[i]
        g1 = incline * s * y1
        gy = incline * s * y2
        for j in range(count):
            amplitude = 0.0
            for c in range(channels):
                amplitude = amplitude + model.terms[c, k, j] * value[c]
            if amplitude == 0.0:
                continue
            amplitude = amplitude * math.exp(model.in_xi[j] * m + model.in_alpha[j] * alpha)
            line = bump[j]
            width = model.in_xi[j] * s
            for i in range(n):
                push[i] = push[i] + amplitude * (line[i] / width - grid[i])
            g1 = g1 + amplitude * first[j]
            gy = gy + amplitude * second[j]
        slope = (gy - g1 * y1) / (y2 - y1 * y1)
        spread = half / q
        for i in range(n):  # the integral of G, G = (g - E g - slope (y - E y))/s - (D/q) y
            push[i] = (push[i] - g1 * grid[i] - slope * (grid[i] / 2.0 - y1) * grid[i]) / s \\
                - spread * grid[i] * grid[i] / 2.0
        for i in range(n - 1):
            gain = push[i + 1] - push[i]
            width = grid[i + 1] - grid[i]
            if spread * 700.0 <= abs(gain):
                flow_up = max(gain, 0.0)
                flow_down = max(-gain, 0.0)
            elif gain >= 0.0:
                flow_down = spread * bernoulli(gain / spread)
                flow_up = flow_down + gain
            else:
                flow_up = spread * bernoulli(-gain / spread)
                flow_down = flow_up - gain
            up[i] = flow_up / (width * model.cells[i])
            down[i] = flow_down / (width * model.cells[i + 1])
        ratio = (1.0 - GAMMA) / GAMMA
        solve_shifted(up, down, GAMMA * h, before, work, stage)
        for i in range(n):
            right[i] = (1.0 - ratio) * before[i] + ratio * stage[i]
        solve_shifted(up, down, GAMMA * h, right, work, after)
        lowest = 0.0
        for i in range(n):
            lowest = min(lowest, after[i])
        if lowest < 0.0:
            solve_shifted(up, down, h, before, work, stage)
            limit_to_positive(stage, after)
            for i in range(n):
                after[i] = max(after[i], 0.0)
"""

_FRAME = """
@exact
def averages_at(model, x, law, kept):
    # averages over all classes under law (K, n) in model.sums, exponentials and moments in kept (K, 3 J + 2), a row
    # [exp at m | sum law b | sum law b y | sums law y, law y^2], b the deviations of the exponentials, by expm1, so
    # that nothing cancels as s -> 0
    channels = model.terms.shape[0]
    classes = model.terms.shape[1]
    count = model.terms.shape[2]
    sums = model.sums
    bump = numpy.empty((count, model.grid.shape[0]))
    for j in range(sums.shape[0]):
        sums[j] = 0.0
    for k in range(classes):
        m = x[k]
        s = math.sqrt(max(x[classes + k], 0.0))
        alpha = model.start[k]
        for c in range(channels):
            alpha = alpha + model.flat[3, c, k] * x[2 * classes + c]
        exponential_bumps(model.in_xi, s, model.grid, bump)
        amp = kept[k, :count]
        for j in range(count):
            amp[j] = math.exp(model.in_xi[j] * m + model.in_alpha[j] * alpha)
        y1, y2 = weighted_sums(law[k], model.grid, bump, kept[k, count:2 * count], kept[k, 2 * count:3 * count])
        kept[k, 3 * count] = y1
        kept[k, 3 * count + 1] = y2
        model.averages(s, m, model.grid, amp, bump, law[k], model.row[k], sums)


@exact
def frame_rates(model, par, time, x, law, work, out):
    # fills out with the rates of x, the laws of the classes being law (K, n)
    channels = model.terms.shape[0]
    classes = model.terms.shape[1]
    count = model.terms.shape[2]
    base = 2 * classes
    averages_at(model, x, law, work)
    out[base] = 1.0
    model.forces(time, model.sums, x[base + channels:], par, model.const, out[base + 1:])
    for k in range(classes):
        m = x[k]
        q = max(x[classes + k], 0.0)
        s = math.sqrt(q)
        there = 0.0
        incline = 0.0
        half = 0.0
        for c in range(channels):
            value = out[base + c]
            there = there + model.flat[0, c, k] * value
            incline = incline + model.flat[1, c, k] * value
            half = half + model.flat[2, c, k] * value
        there = there + incline * m
        y1 = work[k, 3 * count]
        y2 = work[k, 3 * count + 1]
        g1 = incline * s * y1
        gy = incline * s * y2
        slope = incline
        for j in range(count):
            amplitude = 0.0
            for c in range(channels):
                amplitude = amplitude + model.terms[c, k, j] * out[base + c]
            if amplitude == 0.0:
                continue
            amplitude = amplitude * work[k, j]
            there = there + amplitude
            slope = slope + amplitude * model.in_xi[j]
            g1 = g1 + amplitude * work[k, count + j]
            gy = gy + amplitude * work[k, 2 * count + j]
        if s > 0.0:
            slope = (gy - g1 * y1) / (s * (y2 - y1 * y1))
        out[k] = there + g1 - slope * s * y1
        out[classes + k] = 2.0 * slope * q + 2.0 * half


@exact
def step_error(model, x, predicted, rates, h):
    # (embedded, coupling): error of the frame's pair, and predictor minus corrector, both relative. A class is measured
    # against sqrt(s^2 + lag^2), lag being its distance to equilibrium, plus a floor for rounding; a memory against its
    # size and its change in the step
    channels = model.terms.shape[0]
    classes = model.terms.shape[1]
    base = 2 * classes
    slopes = rates[6]
    embedded = 0.0
    coupling = 0.0
    for at in range(x.shape[0]):
        if at < classes:
            q = x[classes + at]
            half = 0.0
            for c in range(channels):
                half = half + model.flat[2, c, at] * slopes[base + c]
            pull = 0.0 if q <= 0.0 else (slopes[classes + at] / 2.0 - half) / q
            lag = slopes[at] / pull if pull != 0.0 else 1.0
            size = max(q, 0.0) + lag * lag + ROUNDING * (1.0 + x[at] * x[at])
            unit = math.sqrt(size)
        elif at < base:
            q = x[at]
            half = 0.0
            for c in range(channels):
                half = half + model.flat[2, c, at - classes] * slopes[base + c]
            pull = 0.0 if q <= 0.0 else (slopes[at] / 2.0 - half) / q
            lag = slopes[at - classes] / pull if pull != 0.0 else 1.0
            unit = max(q, 0.0) + lag * lag + ROUNDING * (1.0 + x[at - classes] * x[at - classes])
        elif at < base + channels:
            continue
        else:
            unit = abs(x[at]) + abs(h * slopes[at])
            if unit == 0.0:
                continue
        gap = 0.0
        for stage in range(7):
            gap = gap + DIFFERENCE[stage] * rates[stage, at]
        embedded = max(embedded, abs(h * gap) / unit)
        coupling = max(coupling, abs(x[at] - predicted[at]) / unit)
    return embedded, coupling
"""
