"""A law in its frame as source: its averages, and one step of its shape by finite volumes.

The lower half of :mod:`symhigh.codegen.density_kernel`. Notation, method and sources: ``integration/fokker_planck.py``.
"""

from __future__ import annotations

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

SUMS = """
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

SHAPE = """
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
