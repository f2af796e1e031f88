"""Diagonal networks: the Fokker-Planck solver against the particle system, and long horizons with eight classes.

The particles' error is statistical: it falls like N^(-1/2), which is measured. On its coarsest grid the solver races as
many particles as are no more accurate; what they would need to match its finer grids is that law carried on.
"""

from __future__ import annotations

import time

import numpy as np

import symhigh as sh
from benchmarks.measure import Contest, contest
from symhigh.integration.network_model import model_of
from symhigh.integration.particles import solve_particles

TIMES = np.linspace(0, 10, 11)


def _relative(found, exact) -> float:
    """Root mean square over times of the relative error of the risk, the start left out."""
    return float(np.sqrt(np.mean((np.asarray(found)[..., 1:] / exact[1:] - 1) ** 2)))


def particles(count: int = 200_000, runs: int = 2) -> list[Contest]:
    """Four classes, η = 0.4, noise 0.3, t ≤ 10; particles at two numbers, steps of 0.05.

    The solver takes its coarsest grid first, where ``count`` particles a class are no more accurate than it; the
    second line, with its defaults, scales the particles' time by (error of particles/error of solver)².
    """
    limit = sh.derive(sh.DiagonalNetwork(0.4, 0.3))
    classes = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
    exact = limit.solve(classes, 10, t=TIMES, nodes=641, rtol=1e-8).risk
    model, start = model_of(limit, classes)

    def coarse():
        return limit.solve(classes, 10, t=TIMES, nodes=21, rtol=1e-2)

    def run(number: int, seed: int = 0):
        return solve_particles(model, start, TIMES, particles=number, seed=seed).risk

    errors = [_relative([run(count // k, seed) for seed in range(k * runs)], exact) for k in (16, 1)]
    ours, default = (_relative(curve.risk, exact) for curve in (coarse(), limit.solve(classes, 10, t=TIMES)))
    name = f"{count} particles a class"
    race = contest("diagonal network, 4 classes, t ≤ 10, 21 nodes", coarse, {
        name: lambda: run(count),
    }, turns=3, note=f"relative error of the risk: solver {ours:.1e}, particles {errors[1]:.1e}")  # fmt: skip
    fine = contest("the same, 161 nodes", lambda: limit.solve(classes, 10, t=TIMES), {}, turns=3)
    seconds = (errors[1] / default) ** 2 * race.seconds[name]
    order = np.log(errors[0] / errors[1]) / np.log(16)
    scaled = Contest(
        fine.name, {**fine.seconds, "particles": seconds}, {"particles": seconds / fine.seconds["symhigh"]},
        f"relative error {default:.1e}; particles to that error not run: their time by the N^(-1/2) law, "
        f"measured exponent −{order:.2f}",
    )  # fmt: skip
    return [race, scaled]


def long_horizon() -> list[Contest]:
    """Eight classes to t = 100, with label noise and without: wall time, warm, 201 times."""
    rng = np.random.default_rng(0)
    classes = sh.NetworkClasses(rng.uniform(0.2, 1, 8), rng.uniform(-1, 1, 8), rng.uniform(0.5, 1.2, 8), 0.2)
    rows = []
    for noise in (0.0, 0.3):
        limit = sh.derive(sh.DiagonalNetwork(0.4, noise))
        curve = limit.solve(classes, 100)
        fine = limit.solve(classes, 100, nodes=321, rtol=1e-7)
        error = _relative(curve.risk, fine.risk)
        note = f"{curve.densities.steps} steps; relative error of the risk {error:.1e}; wall time"
        rows.append(contest(f"diagonal network, 8 classes to t = 100, noise {noise:g}",
                            lambda limit=limit: limit.solve(classes, 100), {}, turns=5, note=note,
                            clock=time.perf_counter))  # fmt: skip
    return rows


if __name__ == "__main__":
    from benchmarks.measure import markdown

    print(markdown([*particles(), *long_horizon()]))
