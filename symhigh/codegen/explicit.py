"""The generated explicit stepper: an embedded Runge-Kutta pair with dense output, its tableau taken as data.

Default tableau: Dormand-Prince 8(5,3) with its 7th-order interpolant (Hairer, Nørsett, Wanner, *Solving Ordinary
Differential Equations I*, II.5-II.6). Its coefficients are constants of the module, and the
right-hand side stands in the same module, so that machine code of both is found again by later processes.

The module gets one more function, called again and again until it reports an end:

``advance(t_end, times, row, rows, y, K, work, clock, par, coef, w, const, rtol, floor, bound, budget)``
    steps at most ``budget`` times and writes the outputs at ``times[row:]`` into ``rows``. ``clock`` holds
    ``[t, h, accepted, rejected, evaluations]`` between calls, h = 0 where it is yet to be chosen. A state entry i is
    controlled to ``floor[i] + rtol |y_i|``, and beyond ``bound[i]`` it has diverged. Returns ``(status, row)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symhigh.codegen.dormand_prince import Tableau, dormand_prince_8

__all__ = ["DIVERGED", "REACHED", "RUNNING", "STUCK", "dormand_prince_8", "rows_needed", "stepper_source"]

REACHED, RUNNING, DIVERGED, STUCK = 0, 1, 2, 3
"""What ``advance`` returns: the end, budget used up, a state beyond its bound, no step small enough."""


def stepper_source(tableau: Tableau) -> str:
    """Source of ``advance`` for a module that already has ``rhs`` and ``observe``."""
    stages = len(tableau.b)
    width = rows_needed(tableau)
    tables = {
        "STAGES": np.vstack([tableau.a, tableau.b]), "TIMES": tableau.c,
        "HIGH": tableau.error_high, "LOW": tableau.error_low,
        "DENSE_STAGES": tableau.a_dense, "DENSE_TIMES": tableau.c_dense, "DENSE": _interpolant(tableau, width),
    }  # fmt: skip
    text = "\n".join(f"{name} = {table_source(values)}" for name, values in tables.items())
    return (
        text
        + "\n\n"
        + COMBINE
        + _TEMPLATE.format(
            last=stages,
            extra=len(tableau.c_dense),
            depth=2 + len(tableau.dense),
            exponent=repr(-1.0 / tableau.order),
            reached=REACHED,
            running=RUNNING,
            diverged=DIVERGED,
            stuck=STUCK,
        )
    )


def rows_needed(tableau: Tableau) -> int:
    """How many stage derivatives ``K`` must hold."""
    return len(tableau.b) + 1 + len(tableau.c_dense)


def table_source(values: Any) -> str:
    """A table of coefficients as a constant array of the generated module, exact to the last bit."""
    return f"numpy.array({np.asarray(values, dtype=float).tolist()!r})"


def _interpolant(tableau: Tableau, width: int) -> Any:
    """Rows F1, F2, … over (K, jump) of Hairer's nested form ``y + s(jump + (1-s)(F1 + s(F2 + (1-s)(…))))``.

    The last column multiplies the step's jump ``y(t+h) - y(t)``, the others ``h K``.
    """
    last = len(tableau.b)
    rows = np.zeros((2 + len(tableau.dense), width + 1))
    rows[0, 0], rows[0, width] = 1.0, -1.0
    rows[1, 0], rows[1, last], rows[1, width] = -1.0, -1.0, 2.0
    rows[2:, :width] = tableau.dense
    return rows


COMBINE = '''@njit
def combine(out, y, h, table, row, K, count):
    """``out = y + h Σ_k table[row, k] K[k]`` over k < count, a block at a time so that ``out`` stays near."""
    m = y.shape[0]
    for low in range(0, m, 512):
        high = min(m, low + 512)
        here, start = out[low:high], y[low:high]
        for i in range(here.shape[0]):
            here[i] = start[i]
        for k in range(count):
            factor = h * table[row, k]
            if factor != 0.0:
                slope = K[k, low:high]
                for i in range(here.shape[0]):
                    here[i] += factor * slope[i]


'''
"""A combination of stages, shared by the steppers."""

_TEMPLATE = """@njit
def advance(t_end, times, row, rows, y, K, work, clock, par, coef, w, const, rtol, floor, bound, budget):
    m = y.shape[0]
    stage = work[0]
    new = work[1]
    t = clock[0]
    h = clock[1]
    if clock[4] == 0.0:
        rhs(t, y, K[0], par, coef, w, const)
        size = 0.0
        slope = 0.0
        for i in range(m):
            scale = floor[i] + rtol * abs(y[i])
            ratio = y[i] / scale
            size += ratio * ratio
            ratio = K[0, i] / scale
            slope += ratio * ratio
        h = min(t_end - t, 0.01 * sqrt(size / slope) if slope > 0.0 else t_end - t)
        h = max(h, 1e-12 * (t_end - t))
        clock[4] = 1.0
        while row < times.shape[0] and times[row] <= t:
            observe(t, y, rows[row], par, coef, w, const)
            row += 1
    grow = 10.0
    for attempt in range(budget):
        if t_end - t <= 4e-16 * abs(t_end):
            clock[0] = t
            clock[1] = h
            return {reached}, row
        ending = t + h * 1.0000000001 >= t_end
        if ending:
            h = t_end - t
        if h <= 4e-16 * abs(t):
            clock[0] = t
            return {stuck}, row
        for j in range(1, {last}):
            combine(stage, y, h, STAGES, j, K, j)
            rhs(t + TIMES[j] * h, stage, K[j], par, coef, w, const)
        combine(new, y, h, STAGES, {last}, K, {last})
        rhs(t + h, new, K[{last}], par, coef, w, const)
        clock[4] += {last}
        beyond = False
        broken = False
        error = 0.0
        for i in range(m):
            beyond = beyond or not (abs(new[i]) <= bound[i])
            scale = floor[i] + rtol * max(abs(y[i]), abs(new[i]))
            first = 0.0
            second = 0.0
            for k in range({last} + 1):
                first += HIGH[k] * K[k, i]
                second += LOW[k] * K[k, i]
            first /= scale
            second /= scale
            if first != 0.0:  # the worst entry counts: in a mean, many frozen modes would hide a few fast ones
                ratio = h * first * first / sqrt(first * first + 0.01 * second * second)
                broken = broken or ratio != ratio
                error = max(error, ratio)
        if broken:
            error = 1e300
        if not (error < 1.0):
            h *= max(0.2, 0.9 * error ** {exponent}) if error < 1e30 else 0.1
            grow = 1.0
            clock[3] += 1.0
            if beyond and h < 1e-10 * (abs(t) + 1e-10):
                clock[0] = t
                return {diverged}, row
            continue
        after = t_end if ending else t + h
        if row < times.shape[0] and times[row] <= after:
            for j in range({extra}):
                combine(stage, y, h, DENSE_STAGES, j, K, {last} + 1 + j)
                rhs(t + DENSE_TIMES[j] * h, stage, K[{last} + 1 + j], par, coef, w, const)
            clock[4] += {extra}
            while row < times.shape[0] and times[row] <= after:
                s = min(1.0, (times[row] - t) / h)
                for i in range(m):
                    jump = new[i] - y[i]
                    nested = 0.0
                    for j in range({depth} - 1, -1, -1):
                        value = DENSE[j, DENSE.shape[1] - 1] * jump
                        for k in range(DENSE.shape[1] - 1):
                            value += h * DENSE[j, k] * K[k, i]
                        nested = (s if j % 2 else 1.0 - s) * (value + nested)
                    stage[i] = y[i] + s * (jump + nested)
                observe(times[row], stage, rows[row], par, coef, w, const)
                row += 1
        t = after
        for i in range(m):
            y[i] = new[i]
            K[0, i] = K[{last}, i]
        clock[2] += 1.0
        if beyond:
            clock[0] = t
            clock[1] = h
            return {diverged}, row
        h *= min(grow, 0.9 * error ** {exponent}) if error > 0.0 else grow
        grow = 10.0
    clock[0] = t
    clock[1] = h
    return {running}, row
"""
