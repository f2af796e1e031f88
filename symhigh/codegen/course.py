"""Whole curves in one call: a loop over curves of one system, from their starting modes to their last outputs.

Beside :mod:`symhigh.codegen.control`, whose ``advance`` it drives as :mod:`symhigh.integration.solve` does, for limits
whose equations stay the same from 0 to the end. A curve that calls for anything else comes back as :data:`BACK`.
"""

from __future__ import annotations

from symhigh.codegen.control import DIVERGED, FIELDS, RUNNING, SPENT, STUCK

BACK = SPENT + 1
"""The status of a curve that is no plain course: it needs checks, coordinates or a stepper that only the driver has."""

MARKS = 7
"""What ``courses`` says of a curve: ``[status, rows written, t, accepted, rejected, evaluations, whether an output is
negative]``, then its last row of outputs, and its first."""

LOOK_EVERY = 25
"""Attempts at a step between looks at the choice of stepper and of coordinates."""

COURSES = (
    *("i", "i", "d", "d", "d", "i", "d", "i", "d", "d", "i"),
    *("a2", "a1", "a3", "a2", "a2", "a2", "a1", "a1", "a1", "a3", "a2"),
    *("a2", "a1", "a2", "a2", "a1", "rlimit", "a1", "a1", "a1"),
)
"""Types of the arguments of ``courses``, in the words of :mod:`symhigh.codegen.c_types`."""

COURSE_FIELDS = (*FIELDS, "prepare", "begin")
"""What ``courses`` is told of a limit; in C also the stepper's ``advance``, by address."""


def course_source(advance: str) -> str:
    """Source of ``courses``, for the stepper's ``advance`` as its text names it.

    ``courses(first, last, end, rtol, atol, most, longest, target, close, small, risk, pars, which, coefs, weights,
    starts, sizes, kept, times, keep, out, marks, …)`` integrates the curves first, …, last - 1. Curve c has the
    parameters ``pars[c]`` and the modes ``which[c]``, whose coefficients (C, N), weights (N,), states (S N,) and sizes
    (N,) are entries of the arrays. Its outputs ``keep`` at ``times`` go to ``out[:, c]``, NaN from where it stopped,
    and what is to be said of it to ``marks[c]``. A negative ``atol`` stands for the default, ``most`` is the number of
    attempts at a step beyond which it stops, ``longest`` that of steps to the end which the explicit stepper takes on.
    ``kept`` marks states that are never negative, ``risk`` is the risk's place among the outputs, and ``target`` the
    coefficient that is the target's square, or -1: a curve comes back that is ``close`` to the target, or no ``small``
    part of it at the start. The rest is room: rows, y, K, work, clock, limit, floor, bound, size.
    """
    return _TEMPLATE.format(
        advance=advance, every=LOOK_EVERY, marks=MARKS,
        running=RUNNING, diverged=DIVERGED, stuck=STUCK, spent=SPENT, back=BACK,
    )  # fmt: skip


_TEMPLATE = '''@njit
def nears(state, limit, target, close):
    """Whether X is close to the target or its opposite, in parts of both squares."""
    n = limit.w.shape[0]
    both = 0.0
    apart = 0.0
    for i in range(n):
        square = limit.coef[target, i]
        both += limit.w[i] * (state[i] + square)
        apart += limit.w[i] * (state[i] - 2.0 * abs(state[n + i]) + square)
    return apart < close * both


@njit
def begins_near(state, limit, target, small):
    n = limit.w.shape[0]
    square = 0.0
    length = 0.0
    overlap = 0.0
    for i in range(n):
        square += limit.w[i] * limit.coef[target, i]
        length += limit.w[i] * state[i]
        overlap += limit.w[i] * state[n + i]
    return square > 0.0 and not (min(length, abs(overlap)) < small * square)


@njit
def course(end, times, rows, y, K, work, clock, limit, rtol, floor, bound, size, most, longest, target, close):
    """One curve from its start on, as far as its equations and its stepper stay the same."""
    row = 0
    status = {running}
    while status == {running}:
        status, row = {advance}(
            end, times, row, rows, y, K, work, clock, limit, rtol, floor, bound, size, False, {every}
        )
        if status == {running}:
            tries = clock[2] + clock[3]
            inside = 0.0 < clock[5] < end
            if tries >= {every} and inside and (end - clock[0]) / clock[1] > longest:
                status = {back}
            elif tries > most:
                status = {spent}
            elif target >= 0 and nears(work[1] if clock[5] > 0.0 else y, limit, target, close):
                status = {back}
    return status, row


@njit
def fits(y, K, rows, limit, kept, m, risk):
    """Whether the equations are finite at the start, and no variance falls below zero there."""
    limit.rhs(0.0, y, K[0], limit.par, limit.coef, limit.w, limit.const)
    limit.observe(0.0, y, rows[0], limit.par, limit.coef, limit.w, limit.const)
    for i in range(m):
        if not abs(K[0, i]) < inf:
            return False
        if kept[i // limit.w.shape[0]] > 0.0 and y[i] == 0.0 and K[0, i] < 0.0:
            return False
    return abs(rows[0, risk]) < inf


@njit
def courses(
    first, last, end, rtol, atol, most, longest, target, close, small, risk, pars, which, coefs, weights, starts,
    sizes, kept, times, keep, out, marks, rows, y, K, work, clock, limit, floor, bound, size
):
    n = limit.w.shape[0]
    m = starts.shape[1]
    for c in range(first, last):
        p = int(which[c])
        for j in range(limit.par.shape[0]):
            limit.par[j] = pars[c, j]
        for i in range(n):
            limit.w[i] = weights[p, i]
        for k in range(limit.coef.shape[0]):
            for i in range(n):
                limit.coef[k, i] = coefs[p, k, i]
        for i in range(m):
            y[i] = starts[p, i]
        limit.prepare(limit.par, limit.coef, limit.w, limit.const)
        limit.begin(limit.par, limit.const, y[m:])
        for i in range(y.shape[0]):
            size[i] = sizes[p, i % n] if i < m else abs(y[i])
            if not size[i] > 0.0:
                size[i] = 1.0
            floor[i] = 1e-290 * rtol * size[i] if atol < 0.0 else atol
            bound[i] = 1e12 * max(size[i], 1.0) if i < m else 1e300
        for j in range(clock.shape[0]):
            clock[j] = 0.0
        status = {back}
        row = 0
        if fits(y, K, rows, limit, kept, m, risk) and not (target >= 0 and begins_near(y, limit, target, small)):
            for i in range(m):  # noise may take a state far beyond its start, at the pace of its first slope
                bound[i] = 1e12 * max(size[i], 1.0, abs(K[0, i]))
            status, row = course(
                end, times, rows, y, K, work, clock, limit, rtol, floor, bound, size, most, longest, target, close
            )
        if status == {stuck}:
            for i in range(m):
                if abs(y[i]) > 1e-9 * bound[i]:
                    status = {diverged}
        marks[c, 0] = status
        marks[c, 1] = row
        marks[c, 2] = clock[0]
        marks[c, 3] = clock[2]
        marks[c, 4] = clock[3]
        marks[c, 5] = clock[4]
        marks[c, 6] = 0.0
        for k in range(keep.shape[0]):
            place = int(keep[k])
            values = out[k, c]
            below = 0
            for j in range(row):
                value = rows[j, place]
                values[j] = value
                if value < 0.0:
                    below = 1
            for j in range(row, times.shape[0]):
                values[j] = nan
            if below:
                marks[c, 6] = 1.0
        for k in range(rows.shape[1]):
            marks[c, {marks} + k] = rows[max(row - 1, 0), k]
            marks[c, {marks} + rows.shape[1] + k] = rows[0, k]
'''
