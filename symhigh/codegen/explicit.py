"""The generated explicit stepper: an embedded Runge-Kutta pair with dense output, its tableau taken as data.

Default tableau: Dormand-Prince 8(5,3) with its 7th-order interpolant (Hairer, Nørsett, Wanner, *Solving Ordinary
Differential Equations I*, II.5-II.6), read from SciPy. Stages are written out as loops over the state with the
coefficients as literals, in one module with the right-hand side, so that the compiler sees all of it.

The module gets one more function, called again and again until it reports an end:

``advance(t_end, times, row, rows, y, K, work, clock, par, coef, w, const, rtol, atol, limit, budget)``
    steps at most ``budget`` times and writes the outputs at ``times[row:]`` into ``rows``. ``clock`` holds
    ``[t, h, accepted, rejected, evaluations]`` between calls. Returns ``(status, row)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

REACHED, RUNNING, DIVERGED, STUCK = 0, 1, 2, 3
"""What ``advance`` returns: the end, budget used up, a state beyond ``limit``, no step small enough."""


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta pair: stages ``a, c``, weights ``b``, two error estimates, dense output."""

    order: int
    a: Any
    b: Any
    c: Any
    error_high: Any
    error_low: Any
    a_dense: Any
    c_dense: Any
    dense: Any


def dormand_prince_8() -> Tableau:
    """Order 8, with error estimates of orders 5 and 3."""
    from scipy.integrate import DOP853

    return Tableau(8, DOP853.A, DOP853.B, DOP853.C, DOP853.E5, DOP853.E3, DOP853.A_EXTRA, DOP853.C_EXTRA, DOP853.D)


def stepper_source(tableau: Tableau) -> str:
    """Source of ``advance`` for a module that already has ``rhs`` and ``observe``."""
    stages = len(tableau.b)
    first = "\n".join(_stage(j, tableau.a[j], tableau.c[j], "h") for j in range(1, stages))
    extra = "\n".join(
        _stage(stages + 1 + j, row, c, "h") for j, (row, c) in enumerate(zip(tableau.a_dense, tableau.c_dense, strict=True))
    )
    return _TEMPLATE.format(
        first=_indent(first, 8),
        b=_sum(tableau.b),
        last=stages,
        high=_sum(tableau.error_high),
        low=_sum(tableau.error_low),
        extra=_indent(extra, 12),
        dense=_indent(_interpolant(tableau), 20),
        evaluations=stages,
        dense_evaluations=len(tableau.c_dense),
        exponent=repr(-1.0 / tableau.order),
        reached=REACHED, running=RUNNING, diverged=DIVERGED, stuck=STUCK,
    )


def rows_needed(tableau: Tableau) -> int:
    """How many stage derivatives ``K`` must hold."""
    return len(tableau.b) + 1 + len(tableau.c_dense)


def _sum(coefficients: Any) -> str:
    """``Σ_j coefficient_j K[j, i]`` without the zeros."""
    terms = [f"{float(value)!r} * K[{j}, i]" for j, value in enumerate(np.asarray(coefficients)) if value != 0]
    return " + ".join(terms)


def _stage(index: int, row: Any, c: float, h: str) -> str:
    return (f"for i in range(m):\n    work[0, i] = y[i] + {h} * ({_sum(row)})\n"
            f"rhs(t + {float(c)!r} * {h}, work[0], K[{index}], par, coef, w, const)")


def _interpolant(tableau: Tableau) -> str:
    """Hairer's nested form: with s in [0, 1], ``y + s(F0 + (1-s)(F1 + s(F2 + (1-s)(…))))``."""
    last = len(tableau.b)
    rows = ["F0 = work[1, i] - y[i]", "F1 = h * K[0, i] - F0", f"F2 = 2.0 * F0 - h * (K[{last}, i] + K[0, i])"]
    rows += [f"F{3 + j} = h * ({_sum(row)})" for j, row in enumerate(tableau.dense)]
    nested = f"F{len(rows) - 1}"
    for j in range(len(rows) - 2, -1, -1):
        nested = f"F{j} + {'(1.0 - s)' if j % 2 == 0 else 's'} * ({nested})"
    return "\n".join([*rows, f"work[0, i] = y[i] + s * ({nested})"])


def _indent(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.split("\n"))


_TEMPLATE = '''@njit
def advance(t_end, times, row, rows, y, K, work, clock, par, coef, w, const, rtol, atol, limit, budget):
    m = y.shape[0]
    t = clock[0]
    h = clock[1]
    if clock[4] == 0.0:
        rhs(t, y, K[0], par, coef, w, const)
        size = 0.0
        slope = 0.0
        for i in range(m):
            scale = atol + rtol * abs(y[i])
            size += (y[i] / scale) ** 2
            slope += (K[0, i] / scale) ** 2
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
{first}
        peak = 0.0
        for i in range(m):
            work[1, i] = y[i] + h * ({b})
            peak = max(peak, abs(work[1, i]))
        rhs(t + h, work[1], K[{last}], par, coef, w, const)
        clock[4] += {evaluations}
        high = 0.0
        low = 0.0
        for i in range(m):
            scale = atol + rtol * max(abs(y[i]), abs(work[1, i]))
            high += (({high}) / scale) ** 2
            low += (({low}) / scale) ** 2
        error = 0.0
        if high > 0.0 or low > 0.0:
            error = h * high / sqrt((high + 0.01 * low) * m)
        if not (error < 1.0):
            if error != error or peak != peak:
                factor = 0.1
            else:
                factor = max(0.2, 0.9 * error ** {exponent})
            h *= factor
            grow = 1.0
            clock[3] += 1.0
            if not (peak < 1e300) and h < 1e-10 * (abs(t) + 1e-10):
                clock[0] = t
                return {diverged}, row
            continue
        after = t_end if ending else t + h
        if row < times.shape[0] and times[row] <= after:
{extra}
            clock[4] += {dense_evaluations}
            while row < times.shape[0] and times[row] <= after:
                s = min(1.0, (times[row] - t) / h)
                for i in range(m):
{dense}
                observe(times[row], work[0], rows[row], par, coef, w, const)
                row += 1
        t = after
        for i in range(m):
            y[i] = work[1, i]
            K[0, i] = K[{last}, i]
        clock[2] += 1.0
        if peak > limit:
            clock[0] = t
            clock[1] = h
            return {diverged}, row
        h *= min(grow, 0.9 * error ** {exponent}) if error > 0.0 else grow
        grow = 10.0
    clock[0] = t
    clock[1] = h
    return {running}, row
'''
