"""Step control, the same for every stepper and every limit: first step, ends, refusals, outputs.

Source text that is joined with a method (:mod:`symhigh.codegen.explicit`, :mod:`symhigh.codegen.implicit`) into a
module that knows of no limit: what it integrates is the record ``limit`` of functions and arrays that every call is
given (:data:`FIELDS`). A method is five functions over the stage derivatives ``K`` and scratch rows ``work``, of which
row 1 is the new state, those from :data:`DENSE_ROWS` on hold the solution inside the step, and the others are free:

``enter(t, y, K, work, limit)``                prepares for steps from (t, y), before the first of a call;
``attempt(t, h, y, K, work, rtol, floor, limit)``  one step into ``work[1]``; returns the error over the tolerance;
``densify(t, h, y, K, work, limit)``           the coefficients of the solution inside the step;
``doubt(t, h, y, K, work, rtol, floor, limit)``    its error over the tolerance, estimated;
``accept(t, y, K, work, limit)``               makes ``work[1]`` the state, at the new t.

Joined, they are called again and again until they report an end:

``advance(t_end, times, row, rows, y, K, work, clock, limit, rtol, floor, bound, size, look, budget)``
tries at most ``budget`` steps and writes the outputs at ``times[row:]`` into ``rows``. Between calls ``clock`` holds
``[t, h, accepted, rejected, evaluations, arrival, next h, t of the last refusal for a sign, last h, growth allowed,
whether densified]``, where h = 0 is yet to be chosen. A state entry i is controlled to ``floor[i] + rtol |y_i|``, has
diverged beyond ``bound[i]``, and has the magnitude ``size[i]``; a step that makes a state negative whose symbol says
nonnegative is refused. Returns ``(status, row)``. ``interpolate(s, y, work, out)`` is the state at t + s h.

``fill`` writes the outputs inside a step: at the stability limit of an explicit method the solution between its ends
may be far worse than at them, so where it is in doubt the step is made again in parts, for its outputs alone.

With ``look`` set, it comes back with every step from t to ``arrival`` before the step becomes the state and before its
outputs are written: so events can be looked for on its dense output (:mod:`symhigh.integration.events`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

REACHED, RUNNING, DIVERGED, STUCK, NEGATIVE, LOOK, SPENT = range(7)
"""What ``advance`` returns: the end, budget used up, a state beyond its bound, no step small enough, none that keeps
the sign of a state, a step to see; and SPENT, what its caller calls a run whose attempts are used up."""


FIELDS = ("rhs", "observe", "scales", "refused", "par", "coef", "w", "const")
"""What a stepper is told of a limit: functions of :mod:`symhigh.codegen.lower`, and the arrays that they read."""

CLOCK = 11
"""How many entries the clock has."""

DENSE_ROWS = 4
"""The row of ``work`` from which on the solution inside a step is kept."""


def control_source(
    order: int, growth: float, evaluations: int, extra: int, inside: int, factors: Sequence[str], spare: int = 0
) -> str:
    """Source of ``advance`` for a method of that order, whose steps grow at most by ``growth``.

    ``evaluations`` of the right-hand side are counted for a step, and ``extra`` for the solution inside it, whose error
    is of order ``inside``: it is ``y + s (y⁺ - y + N₀)``, ``N_j = factor_j (row_j + N_j+1)``, with factors in ``s`` and
    ``rest = 1 - s``. The nest is written out, which lets the entries of y be taken side by side. Of few entries the
    outputs are, in ``spare`` rows of K from row 1 on, which the method leaves free there.
    """
    last = len(factors) - 1
    nest = [f"        nested = {factors[last]} * work[{DENSE_ROWS + last}, i]"]
    nest += [
        f"        nested = {factors[j]} * (work[{DENSE_ROWS + j}, i] + nested)" for j in range(last - 1, -1, -1)
    ]
    return _TEMPLATE.format(
        exponent=repr(-1.0 / order), growth=repr(growth), evaluations=evaluations, extra=extra,
        doubtful=repr(_DOUBTFUL), astray=repr(_ASTRAY), inside=repr(1.0 / inside),
        nest="\n".join(nest), several="\n".join("    " + line for line in nest), spare=spare,
        reached=REACHED, running=RUNNING, diverged=DIVERGED, stuck=STUCK, negative=NEGATIVE, looking=LOOK,
    )  # fmt: skip


_DOUBTFUL = 2.0
"""The error inside a step, over the tolerance, from which on the step is made again in parts for its outputs."""

_ASTRAY = 100.0
"""The error inside a step, over the tolerance, from which on a step that has grown is refused."""


def table_source(values: Any) -> str:
    """A table of coefficients as a constant array of the generated module, exact to the last bit."""
    return f"numpy.array({np.asarray(values, dtype=float).tolist()!r})"


FEW = 16
"""The number of entries from which on combinations of stages are taken in blocks."""

COMBINE = f'''@njit
def combine(out, y, h, table, row, K, count):
    """``out = y + h Σ_k table[row, k] K[k]`` over k < count, in blocks that stay near, two stages a pass."""
    m = y.shape[0]
    if m < {FEW}:
        for i in range(m):
            value = y[i]
            for k in range(count):
                if table[row, k] != 0.0:
                    value += h * table[row, k] * K[k, i]
            out[i] = value
        return
    for low in range(0, m, 512):
        high = min(m, low + 512)
        here, start = out[low:high], y[low:high]
        for i in range(here.shape[0]):
            here[i] = start[i]
        waiting = -1
        other = 0.0
        for k in range(count):
            factor = h * table[row, k]
            if factor == 0.0:
                continue
            if waiting < 0:
                waiting, other = k, factor
                continue
            first, second = K[waiting, low:high], K[k, low:high]
            for i in range(here.shape[0]):
                here[i] = here[i] + other * first[i] + factor * second[i]
            waiting = -1
        if waiting >= 0:
            first = K[waiting, low:high]
            for i in range(here.shape[0]):
                here[i] += other * first[i]


'''
"""A combination of stages, for the methods."""

_TEMPLATE = '''@njit
def first_step(y, slope, size):
    """A hundredth of the shortest time in which an entry moves by its own magnitude."""
    fastest = 0.0
    for i in range(y.shape[0]):
        fastest = max(fastest, abs(slope[i]) / (abs(y[i]) + size[i]))
    return 0.01 / fastest if fastest > 0.0 else numpy.inf


@njit
def interpolate(s, y, work, out):
    rest = 1.0 - s
    for i in range(y.shape[0]):
{nest}
        out[i] = y[i] + s * (work[1, i] - y[i] + nested)


@njit
def side_by_side(times, t, h, y, work, K):
    """``interpolate`` at several times, into rows of K from row 1 on."""
    for i in range(y.shape[0]):
        for j in range(times.shape[0]):
            s = min(1.0, (times[j] - t) / h)
            rest = 1.0 - s
{several}
            K[1 + j, i] = y[i] + s * (work[1, i] - y[i] + nested)


@njit
def beyond_bounds(y, bound):
    for i in range(y.shape[0]):
        if not abs(y[i]) <= bound[i]:
            return True
    return False


@njit
def write(time, state, out, limit):
    limit.observe(time, state, out, limit.par, limit.coef, limit.w, limit.const)


@njit
def fill(until, times, row, rows, t, h, y, K, work, clock, limit, rtol, floor):
    if clock[10] == 0.0:
        densify(t, h, y, K, work, limit)
        clock[4] += {extra}
        clock[10] = 1.0
    if times[row] >= t + h and times[row] <= until:  # the end of the step alone
        write(times[row], work[1], rows[row], limit)
        return row + 1
    error = doubt(t, h, y, K, work, rtol, floor, limit)
    parts = int(min(16.0, ceil((10.0 * error) ** {inside}))) if {doubtful} < error < 1e30 else 1
    if parts == 1:
        while y.shape[0] < {spare} and row < times.shape[0] and times[row] <= until:
            count = 1
            while count < {spare} and row + count < times.shape[0] and times[row + count] <= until:
                count += 1
            side_by_side(times[row : row + count], t, h, y, work, K)
            for j in range(count):
                write(times[row + j], K[1 + j], rows[row + j], limit)
            row += count
        while row < times.shape[0] and times[row] <= until:
            interpolate(min(1.0, (times[row] - t) / h), y, work, work[0])
            write(times[row], work[0], rows[row], limit)
            row += 1
        return row
    here, stages, scratch = y.copy(), K.copy(), work.copy()
    enter(t, here, stages, scratch, limit)
    for part in range(parts):
        low = t + h * part / parts
        high = until if part + 1 == parts else min(until, t + h * (part + 1) / parts)
        attempt(low, h / parts, here, stages, scratch, rtol, floor, limit)
        densify(low, h / parts, here, stages, scratch, limit)
        clock[4] += {evaluations} + {extra}
        while row < times.shape[0] and times[row] <= high:
            interpolate(min(1.0, (times[row] - low) * parts / h), here, scratch, scratch[0])
            write(times[row], scratch[0], rows[row], limit)
            row += 1
        accept(t + h * (part + 1) / parts, here, stages, scratch, limit)
    return row


@njit
def advance(t_end, times, row, rows, y, K, work, clock, limit, rtol, floor, bound, size, look, budget):
    new = work[1]
    if clock[1] == 0.0:
        limit.rhs(clock[0], y, K[0], limit.par, limit.coef, limit.w, limit.const)
        clock[4] += 1.0
        clock[1] = min(t_end - clock[0], first_step(y, K[0], size))
    if clock[5] == 0.0:
        while row < times.shape[0] and times[row] <= clock[0]:
            write(times[row], y, rows[row], limit)
            row += 1
        enter(clock[0], y, K, work, limit)
    if clock[9] == 0.0:
        clock[9] = {growth}
    for turn in range(budget):
        if clock[5] > 0.0:
            clock[0] = clock[5]
            clock[1] = clock[6]
            clock[5] = 0.0
            accept(clock[0], y, K, work, limit)
        t = clock[0]
        h = clock[1]
        if t_end - t <= 4e-16 * abs(t_end):
            return {reached}, row
        if beyond_bounds(y, bound):
            return {diverged}, row
        ending = t + h * 1.0000000001 >= t_end
        if ending:
            h = t_end - t
        if h <= 4e-16 * abs(t):
            return ({negative} if 0.0 < clock[7] >= (1.0 - 1e-6) * t else {stuck}), row
        error = attempt(t, h, y, K, work, rtol, floor, limit)
        clock[4] += {evaluations}
        clock[10] = 0.0
        if limit.refused(new, floor, limit.w):
            error = max(error, 100.0)
            clock[7] = t
        if not (error < 1.0):
            clock[1] = h * (max(0.2, 0.9 * error ** {exponent}) if error < 1e30 else 0.1)
            clock[3] += 1.0
            clock[9] = 1.0
            if clock[1] < 1e-10 * (abs(t) + 1e-10) and beyond_bounds(new, bound):
                return {diverged}, row
            continue
        if h > 1.3 * clock[8] > 0.0:  # where steps grow, estimates of their error may be beyond their validity
            densify(t, h, y, K, work, limit)
            clock[4] += {extra}
            clock[10] = 1.0
            error_inside = doubt(t, h, y, K, work, rtol, floor, limit)
            if error_inside > {astray}:
                clock[1] = h * max(0.5, 0.9 * ({astray} / error_inside) ** {inside})
                clock[3] += 1.0
                clock[9] = 1.0
                continue
        clock[8] = h
        clock[1] = h
        clock[2] += 1.0
        clock[5] = t_end if ending else t + h
        clock[6] = h * (min(clock[9], 0.9 * error ** {exponent}) if error > 0.0 else clock[9])
        clock[9] = {growth}
        if look:
            return {looking}, row
        if row < times.shape[0] and times[row] <= clock[5]:
            row = fill(clock[5], times, row, rows, t, h, y, K, work, clock, limit, rtol, floor)
    return {running}, row
'''
