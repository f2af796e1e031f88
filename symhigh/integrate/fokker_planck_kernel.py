"""Numba kernels of the mean-field Fokker-Planck solver: frame and steps.

Imported only where a system is solved. Notation and method: ``fokker_planck.py``. Columns of ``table``:
drift constant, drift slope, D constant, D rate, error constant, error slope, share, α(0), α rate. Cost per
step: O(K n J).
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np
from numba import njit

from symhigh.integrate.fokker_planck_shape import advance_shape, exponential_bumps, weighted_sums

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


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def advance(table, drift_terms, error_terms, in_xi, in_alpha, offset, grid, cells, times, rtol, fixed,
            risk_out, integral_out, centre, scale, mass_out):  # fmt: skip
    """Fill the outputs at ``times``; returns (steps, time reached), steps = −1 where no finite solution goes
    on."""
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
                    return -1, now
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
                    return -1, now
            if accept:
                now = times[target] if remaining - dt <= 1e-9 * remaining else now + dt
                steps += 1
                x[:] = y
                mass, new_mass = new_mass, mass
                frame_rates(*args, x, mass, mass, 0.0, slopes)
        risk_out[target], integral_out[target] = slopes[2 * classes], x[2 * classes]
        centre[target], mass_out[target] = x[:classes], mass
        scale[target] = np.sqrt(np.maximum(x[classes : 2 * classes], 0.0))
    return steps, now
