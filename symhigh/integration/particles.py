r"""The McKean-Vlasov particle system: N particles a class, coupled through their own averages.

A second route to the laws that ``fokker_planck.py`` solves for, on the same numbers (``MeanFieldModel``).
Scheme: Heun in the drift, noise with the mean of D over the step. For a given R(t) the noise is additive, so
the scheme has strong order one and weak order two; R being the particles' own average adds errors O(1/N) and
fluctuations O(N^{-1/2}).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.checks import array, real, whole
from symhigh.integration.fokker_planck import MeanFieldModel

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Particles:
    """At times ``t`` (T,): ``risk`` (T,), its ``error`` (T,), one standard deviation of the average over
    particles,

    ``integral`` = ∫R (T,), and at the last time the positions ``xi`` (K, N).
    """

    t: Array
    risk: Array
    error: Array
    integral: Array
    xi: Array


def solve_particles(
    model: MeanFieldModel, start: Array, t: Any, *, particles: int, seed: int, step: float = 0.05
) -> Particles:
    """Integrate ``particles`` particles a class from the points ``start`` (K,) to the last of the times
    ``t``.

    ``step`` bounds the time step. The drift is explicit: ``step`` times its slope must stay below 2,
    otherwise a particle may leave the range of floating point, which raises ``ArithmeticError``. Same seed,
    same bits.
    """
    from symhigh.integration.particles_kernel import move_particles, pull_particles

    packed = model.packed()
    count = whole("solve_particles", "particles", particles, least=2, most=10**8, meaning="particles a class")
    bound = real("solve_particles", "step", step, above=0.0, meaning="the largest time step")
    times = array("solve_particles", "t", t, meaning="increasing output times")
    generator = np.random.default_rng(whole("solve_particles", "seed", seed, least=0, meaning="the seed"))
    xi = np.repeat(np.asarray(start, dtype=float)[:, None], count, axis=1)
    drift, ahead, guess, normals = (np.empty_like(xi) for _ in range(4))
    squares = np.empty((xi.shape[0], 2))

    def risk_at(places: Array, integral: float, out: Array) -> float:
        """Fill ``out`` with the drift and return R."""
        pull_particles(*packed, integral, places, out, squares)
        return model.offset + float(model.share @ squares[:, 0])

    def width(h: float, level: float) -> Array:
        spread = model.spread_constant + model.spread_rate * level
        return np.asarray(np.sqrt(2 * h * np.broadcast_to(spread, squares.shape[0])))

    now, integral = 0.0, 0.0
    risk = risk_at(xi, integral, drift)
    rows = []
    for mark in times:
        pieces = math.ceil((mark - now) / bound - 1e-9)
        h = (mark - now) / max(pieces, 1)
        for _ in range(pieces):
            generator.standard_normal(out=normals)
            move_particles(xi, drift, drift, h, width(h, risk), normals, guess)
            middle = (risk + risk_at(guess, integral + h * risk, ahead)) / 2
            if not math.isfinite(middle):
                raise ArithmeticError(
                    f"solve_particles(step={bound}): not finite near t = {now:g}; reduce step"
                )
            move_particles(xi, drift, ahead, h, width(h, middle), normals, xi)
            integral += h * middle
            risk = risk_at(xi, integral, drift)
        now = float(mark)
        variance = float(model.share**2 @ (squares[:, 1] - squares[:, 0] ** 2)) / count
        rows.append((risk, math.sqrt(max(variance, 0.0)), integral))
    found = np.array(rows)
    return Particles(times, found[:, 0], found[:, 1], found[:, 2], xi)
