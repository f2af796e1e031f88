"""The McKean-Vlasov particle system of any mean field: many copies of every coordinate, coupled by their own averages.

The closure of last resort: any number of coordinates, any model, loss and rule. Scheme: Platen's explicit one of weak
order two for one Brownian motion a particle (Kloeden and Platen, *Numerical Solution of Stochastic Differential
Equations*, 1992, section 15.1), the averages being those of the particles themselves; memories and cells, which have no
noise, by the same averages. Errors: O(h²) of the time step, O(h) where a step draws several random numbers that do not
commute, and fluctuations of order ``particles^(-1/2)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import callback, output_times, real, whole
from symhigh.codegen.kernels import particle_kernels
from symhigh.codegen.lower import averages
from symhigh.codegen.particles import noise_entries
from symhigh.integration.curve import Curve
from symhigh.integration.doubts import Doubts, errors_at
from symhigh.integration.edges import SingularStart
from symhigh.integration.modes import all_columns, cell_starts, population_of
from symhigh.integration.schedules import parameters_in_plain_time
from symhigh.population.spectrum import Array
from symhigh.symbols import lam
from symhigh.system import MomentSystem
from symhigh.telling import stage, telling, warn

PARTICLES = 100_000
_KNOWN = 1e-6
"""The error of an average that no number of particles makes up for without a word."""


@telling
def solve_by_particles(
    system: MomentSystem,
    *population: Any,
    t_end: float | None = None,
    t: Any = None,
    particles: int = PARTICLES,
    step: float = 0.02,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Curve:
    """Integrate ``particles`` particles in all, shared by the population's rows in proportion to their weights.

    ``population`` is a spectrum and a start, a spectrum and overlaps, or network classes; ``t_end`` may stand behind it
    without its name. ``t`` are increasing output times in [0, t_end], by default 201 equal ones; ``step`` bounds the
    time step. The same seed gives the same bits. The curve's ``statistics`` holds the number of particles, and
    ``errors`` the standard error that so many leave in each output, from 16 groups of them. Where particles leave the
    range of floating point the curve ends, and its message says so.
    """
    if t_end is None and population:
        *population, t_end = population  # type: ignore[assignment]
    end = real("solve", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    bound = real("solve", "step", step, above=0.0, meaning="the largest time step")
    count = whole("solve", "particles", particles, least=16, meaning="the number of particles in all")
    draw = whole("solve", "seed", seed, least=0, meaning="the seed of the particles' noise")
    callback("solve", "progress", progress, "a function of the fraction done")
    times = output_times("solve", t, end)
    par = parameters_in_plain_time(system, end, "particles move")
    noise = system.field.noise
    assert noise is not None
    kernels = particle_kernels(system, noise)
    ensemble = _Ensemble(system, kernels, population, par, noise, count, draw)
    rows, errors, now, message, doubts = [], [], 0.0, "", Doubts(_KNOWN)
    ensemble.doubt(doubts, 0.0)
    if refusal := doubts.refusal():
        raise SingularStart(f"solve: {refusal}")
    with np.errstate(all="ignore"):
        for mark in times:
            pieces = math.ceil((mark - now) / bound - 1e-9)
            for _ in range(pieces):
                h = (mark - now) / pieces
                ensemble.advance(now, h)
                now, pieces = now + h, pieces - 1
                if not np.isfinite(ensemble.y).all():
                    message = f"diverged near t = {now:.6g}: particles left all bounds; reduce step or end before"
                    break
            if message:
                break
            now = float(mark)
            ensemble.doubt(doubts, now)
            if refusal := doubts.refusal():
                message = f"stopped at t = {now:.6g}: {refusal}"
                break
            rows.append(ensemble.observe(now))
            errors.append(ensemble.error(now))
            stage("at t =", now, "of", end)
            if progress is not None:
                progress(now / end)
    for text in (doubts.warning(), message):
        if text:
            warn(text)
    table, spread = (np.array(x).reshape(len(rows), len(system.outputs)) for x in (rows, errors))
    origin = ensemble.origin
    return Curve(
        times[: len(rows)],
        {name: table[:, k].copy() for k, name in enumerate(system.outputs)},
        system,
        origin[0],
        origin[1] if len(origin) > 1 else None,
        float(np.nanmax(spread, initial=0.0)),
        not message,
        message,
        {"particles": ensemble.w.size},
        errors={name: spread[:, k].copy() for k, name in enumerate(system.outputs)},
    )


class _Ensemble:
    """All particles, ``y = [coordinates | cells | memories]``, and their weights."""

    def __init__(
        self, system: MomentSystem, kernels: Any, population: Sequence[Any], par: Array,
        noise: sp.ImmutableMatrix, count: int, seed: int,
    ) -> None:  # fmt: skip
        field, self.kernels, self.par = system.field, kernels, par
        given = population_of(system, *population)
        self.origin = given.origin
        table, cells = all_columns(system, given.columns), cell_starts(system)
        share = np.repeat(given.weights / table[field.targets[0]].shape[1], table[field.targets[0]].shape[1])
        copies = np.maximum(1, np.rint(share * count)).astype(int)

        def spread(column: Array) -> Array:
            return np.repeat(np.broadcast_to(column, table[field.targets[0]].shape).ravel(), copies)

        self.w = np.repeat(share / copies, copies)
        self.coef = np.array(
            [spread(given.column(lam)) if c == lam else spread(table[c]) for c in field.coefficients]
        )
        self.const = np.zeros(len(system.reductions))
        kernels.prepare(par, self.coef, self.w, self.const)
        memory = np.zeros(len(system.states))
        kernels.begin(par, self.const, memory)
        start = [spread(table[v]) for v in field.coordinates]
        start += [np.full(self.w.size, cells[c]) for c in field.cells]
        self.y = np.concatenate([*start, memory])
        self.noisy = len(field.coordinates) * self.w.size
        self.nodes = averages(system, tuple(noise_entries(noise)))
        self.columns, self.outputs = noise.cols, len(system.outputs)
        self.rng = np.random.default_rng(seed)
        order = np.random.default_rng([seed, 1]).permutation(self.w.size)
        self.groups = np.array_split(order, 16)

    def drift(self, t: float, y: Array) -> Array:
        out = np.empty_like(y)
        self.kernels.rhs(t, y, out, self.par, self.coef, self.w, self.const)
        return out

    def kick(self, t: float, y: Array) -> Array:
        out = np.empty((self.columns, self.noisy))
        self.kernels.kick(t, y, out, self.par, self.coef, self.w, self.const)
        return out

    def advance(self, t: float, h: float) -> None:
        """One step of Platen's scheme, with the increments of every particle its own."""
        y, root = self.y, math.sqrt(h)
        count = self.noisy // self.w.size
        drift, kick = self.drift(t, y), self.kick(t, y)
        normals = self.rng.standard_normal((self.columns, self.w.size))
        normals -= (normals @ self.w)[:, None] / self.w.sum()
        push = np.tile(normals, (1, count)) * root
        moved = y + h * drift
        ahead = moved.copy()
        ahead[: self.noisy] += (kick * push).sum(axis=0)
        after = y + h / 2 * (drift + self.drift(t + h, ahead))
        for k in range(self.columns):
            above, below = moved.copy(), moved.copy()
            above[: self.noisy] += root * kick[k]
            below[: self.noisy] -= root * kick[k]
            up, down = self.kick(t + h, above)[k], self.kick(t + h, below)[k]
            after[: self.noisy] += (up + down + 2 * kick[k]) / 4 * push[k]
            after[: self.noisy] += (up - down) / 4 * (push[k] ** 2 - h) / root
        self.y = after

    def observe(self, t: float) -> Array:
        out = np.zeros(self.outputs)
        self.kernels.observe(t, self.y, out, self.par, self.coef, self.w, self.const)
        return out

    def doubt(self, doubts: Doubts, t: float) -> None:
        """Take in the errors of the averages that resist quadrature."""
        if self.nodes:
            data = self.par, self.coef, self.w, self.const
            doubts.take(self.nodes, errors_at(self.nodes, self.kernels, t, self.y, data), t)

    def error(self, t: float) -> Array:
        """The standard error of the outputs, from groups of particles that each stand for the whole."""
        size, rows = self.w.size, len(self.y) // self.w.size
        found = []
        for group in self.groups:
            y = np.concatenate([self.y[: rows * size].reshape(rows, size)[:, group].ravel(), self.y[rows * size :]])
            coef, w = np.ascontiguousarray(self.coef[:, group]), self.w[group] / self.w[group].sum()
            out, const = np.zeros(self.outputs), np.zeros_like(self.const)
            self.kernels.prepare(self.par, coef, w, const)
            self.kernels.observe(t, y, out, self.par, coef, w, const)
            found.append(out)
        return np.asarray(np.std(found, axis=0, ddof=1) / math.sqrt(len(found)))
