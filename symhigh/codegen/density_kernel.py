"""The mean-field Fokker-Planck solver as source: the frame, and steps of frame, shape and memories.

Compiled once for all systems, on every target that compiles. Notation and method: ``integration/fokker_planck.py``.
Arrays of a model, C channels, K classes, J exponentials: ``flat`` (4, C, K) holds the factors of the channels in drift,
slope of the drift, D and dα/dt; ``terms`` (C, K, J) those in front of the exponentials. A state is
``x = [m | s² | clocks ∫c | memories]``. Averages and what they drive are functions of the record, see
:mod:`symhigh.codegen.density`. Cost per step: O(K n J).
"""

from __future__ import annotations

from symhigh.codegen.c_types import Record, Signature
from symhigh.codegen.density_shape import SHAPE, SUMS, TABLES

AVERAGES: Signature = ("d", "d", "a1", "a1", "a2", "a1", "a1", "a1", "v")
FORCES: Signature = ("d", "a1", "a1", "a1", "a1", "a1", "v")
"""Types of what adds a class's share to the averages, and of what is made of them."""
COUPLED = Record("coupled", {
    "averages": AVERAGES, "forces": FORCES, "flat": "a3", "terms": "a3", "start": "a1", "in_xi": "a1", "in_alpha": "a1",
    "row": "a2", "const": "a1", "sums": "a1", "grid": "a1", "cells": "a1",
})  # fmt: skip
"""What the solver is told of a system."""
SOLVER: dict[str, Signature] = {
    "advance": ("rcoupled", "a2", "a1", "d", "d", "a2", "a2", "a3"),
    "outputs_at": ("rcoupled", "a2", "a1", "a2", "a3", "a2"),
    "squared_error": AVERAGES[:-1],
    "risk_of_squares": FORCES[:-1],
    "solve_shifted": ("a1", "a1", "d", "a1", "a1", "a1"),
    "limit_to_positive": ("a1", "a1"),
}

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
        error = abs(h * gap) / unit
        jump = abs(x[at] - predicted[at]) / unit
        if error != error or jump != jump:
            return math.inf, math.inf
        embedded = max(embedded, error)
        coupling = max(coupling, jump)
    return embedded, coupling
"""

_STEPS = """
@exact
def put(here, values):
    for i in range(values.shape[0]):
        here[i] = values[i]


@exact
def differ(one, other):
    for i in range(one.shape[0]):
        if one[i] != other[i]:
            return True
    return False


@exact
def advance(model, pars, times, rtol, fixed, path, rates_out, mass_out):
    # fills the outputs at times; returns (steps, time reached, outputs filled), steps = -1 where no finite solution
    # goes on. path (T, X) holds the states x, the first of them given, rates_out their rates; pars[i] are the
    # parameters between the times i - 1 and i
    classes = model.terms.shape[1]
    count = model.terms.shape[2]
    size = path.shape[1]
    n = model.grid.shape[0]
    moves = 2 * classes + 1  # the place of the first channel
    x = path[0].copy()
    y = numpy.empty(size)
    predicted = numpy.empty(size)
    slopes = numpy.empty(size)
    rates = numpy.empty((7, size))
    law = numpy.empty((classes, n))
    work = numpy.empty((classes, 3 * count + 2))
    mass = mass_out[0].copy()
    new_mass = mass_out[0].copy()
    guess = mass_out[0].copy()
    last = times.shape[0] - 1
    par = pars[min(1, last)]
    frame_rates(model, par, times[0], x, mass, work, slopes)
    put(rates_out[0], slopes)
    now = times[0]
    h = 1e-3 * (times[last] - times[0])
    steps = 0
    for target in range(1, last + 1):
        if target > 1 and differ(pars[target], pars[target - 1]):
            par = pars[target]
            frame_rates(model, par, now, x, mass, work, slopes)
        while now < times[target]:
            remaining = times[target] - now
            if fixed > 0.0:  # equal steps, refined like sqrt(t) towards the point start
                h = fixed * min(1.0, fixed + 2.0 * math.sqrt(now - times[0]))
            dt = h
            if remaining < 2.0 * h * (1.0 + 1e-9):
                dt = remaining if remaining <= h * (1.0 + 1e-9) else remaining / 2.0
            for sweep in range(2):  # predictor with the law held, corrector with the law moving linearly
                put(rates[0], slopes)
                for stage in range(1, 7):
                    put(y, x)
                    for before in range(stage):
                        slope = rates[before]
                        share = dt * STAGES[stage, before]
                        for i in range(size):
                            y[i] = y[i] + share * slope[i]
                    if stage < 6 or sweep == 1:
                        share = NODES[stage]
                        for k in range(classes):
                            between = law[k]
                            old = mass[k]
                            new = mass[k] if sweep == 0 else new_mass[k]
                            for i in range(n):
                                between[i] = (1.0 - share) * old[i] + share * new[i]
                        frame_rates(model, par, now + NODES[stage] * dt, y, law, work, rates[stage])
                for k in range(classes):
                    put(guess[k], mass[k] if sweep == 0 else new_mass[k])
                advance_shape(model, x, y, dt, mass, guess, new_mass)
                if sweep == 0:
                    put(predicted, y)
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
                steps = steps + 1
                put(x, y)
                mass, new_mass = new_mass, mass
                frame_rates(model, par, now, x, mass, work, slopes)
        put(path[target], x)
        put(rates_out[target], slopes)
        reached = mass_out[target]
        for k in range(classes):
            put(reached[k], mass[k])
    return steps, now, last + 1


@exact
def outputs_at(model, pars, times, path, mass, out):
    # the outputs (T, ...) along a solution: averages and forces are then those of the outputs
    classes = model.terms.shape[1]
    count = model.terms.shape[2]
    base = 2 * classes + model.terms.shape[0]
    work = numpy.empty((classes, 3 * count + 2))
    for i in range(times.shape[0]):
        averages_at(model, path[i], mass[i], work)
        model.forces(times[i], model.sums, path[i, base:], pars[i], model.const, out[i])
"""

KERNEL = "\n".join((TABLES, SUMS, SHAPE, _FRAME, _STEPS))
