r"""The SDE of a diagonal network in d dimensions, any covariance K, in its additive-noise coordinates.

With ``q = K(θ − θ*)`` the derived reduction reads, coordinate by coordinate,

    dξ_i = −c q_i dt + n √R (K^{1/2} dW)_i,      α_i(t) = α_i(0) − a K_ii ∫R,

(c = η, n = η√2, a = η² for the product), so signs are kept and the balance law holds to rounding whatever
the step. Scheme: Heun in the drift; noise with R at mid-step, extrapolated from the past, so that the scheme
stays that of Itô. R depends on all coordinates, so the noise is not additive strictly: strong order 1/2,
with a constant that falls like d^{-1/2} as R ceases to fluctuate; strong order one and weak order two where
R is deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import array, real
from symhigh.checks import seeds as seeds_of
from symhigh.closed.network import numeric, starts
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.close.density import DensitySystem
from symhigh.integration.network_values import Coordinates, square_root
from symhigh.population import NetworkClasses
from symhigh.problem.network import theta_star, u, v
from symhigh.symbols import lam, risk

Array = np.ndarray[Any, Any]
STREAM = 2
"""Set beside the seed, so that a path is independent of a covariance drawn from ``default_rng(seed)``."""


@dataclass(frozen=True, eq=False)
class NetworkPaths:
    """Paths of the SDE at ``t`` (T,): ``risk`` and ``integral`` = ∫R of shape (paths, T), ``u`` and ``v``
    (paths, T, d)."""

    t: Array
    risk: Array
    integral: Array
    u: Array
    v: Array


def strengths(limit: DensitySystem) -> tuple[float, float, float]:
    """``(c, n, a)`` of the derived reduction; checks that its drift is ``−c λ (θ − θ*)`` identically."""
    reduction = limit.reduction
    pull = sp.cancel(-sp.diff(reduction.sde.drift[1], xi) / sp.diff(reduction.effective, xi) / lam)
    rest = reduction.sde.drift[1] + pull * lam * (reduction.effective - theta_star)
    if pull.free_symbols or sp.simplify(sp.powsimp(sp.expand(rest))) != 0:
        raise ArithmeticError(f"strengths: the drift {reduction.sde.drift[1]} is not a multiple of λ(θ − θ*)")
    noise = sp.sqrt(sp.cancel(reduction.sde.covariance[1, 1] / (lam * risk)))
    return float(pull), float(noise), float(-sp.cancel(reduction.sde.drift[0] / (lam * risk)))


def solve_network_sde(
    limit: DensitySystem,
    at: Coordinates,
    t: Any,
    *,
    seeds: int | Sequence[int] = 1,
    step: float = 0.02,
    increments: Array | None = None,
) -> NetworkPaths:
    """Integrate one path a seed at the coordinates ``at`` to the last of the increasing times ``t``.

    ``step`` bounds the time step. ``increments`` (paths, steps, d), Brownian increments over equal steps
    from 0 to ``t[-1]``, replaces the draws (for strong convergence); the times must then lie on these steps.
    Raises ``ArithmeticError`` where a path leaves the range of floating point: the drift is explicit, take a
    smaller ``step``.
    """
    times = array("solve_network_sde", "t", t, meaning="increasing output times, in steps/d")
    bound = real("solve_network_sde", "step", step, above=0.0, meaning="the largest time step")
    chosen = seeds_of("solve_network_sde", seeds)
    paths, size = len(chosen) if increments is None else increments.shape[0], at.lam.size
    pull_rate, noise_rate, shrink = strengths(limit)
    begin = starts(limit, NetworkClasses(at.lam, at.target, at.u, at.v))
    offset = limit.numbers()[1] ** 2 / 2
    factor = None if at.covariance is None else square_root("solve_network_sde", at.covariance)
    pair = [numeric((alpha, xi, side_w, side_z), limit.reduction.inverse[s]) for s in (u, v)]
    effective = numeric((u, v), limit.parametrization.effective)

    def parameters(place: Array, integral: Array) -> tuple[Array, Array]:
        level = begin.alpha - shrink * at.lam * integral[:, None]
        first, second = (
            np.broadcast_to(f(level, place, begin.side_w, begin.side_z), place.shape) for f in pair
        )
        return first, second

    def drift_and_risk(place: Array, integral: Array) -> tuple[Array, Array]:
        error = effective(*parameters(place, integral)) - at.target
        pull = at.pull(error)
        return -pull_rate * pull, np.maximum(np.mean(error * pull, axis=1) / 2, 0.0) + offset

    generators = [np.random.default_rng([seed, STREAM]) for seed in chosen]
    place, integral = np.tile(begin.xi, (paths, 1)), np.zeros(paths)
    now, done = 0.0, 0
    rows: list[tuple[Array, Array, Array, Array]] = []
    with np.errstate(over="ignore", invalid="ignore"):
        drift, level = drift_and_risk(place, integral)
        before = level
        for mark in times:
            grain = bound if increments is None else times[-1] / increments.shape[1]
            pieces = math.ceil((mark - now) / grain - 1e-6)
            h = (mark - now) / max(pieces, 1)
            for piece in range(pieces):
                if increments is None:
                    noise = np.stack([g.standard_normal(size) for g in generators]) * math.sqrt(h)
                else:
                    noise = increments[:, done]
                done += 1
                spread = np.sqrt(at.lam) * noise if factor is None else noise @ factor
                middle = np.maximum(level + (level - before) / 2, level / 2)
                kick = noise_rate * np.sqrt(middle)[:, None] * spread
                ahead, later = drift_and_risk(place + h * drift + kick, integral + h * level)
                place = place + h * (drift + ahead) / 2 + kick
                integral = integral + h * (level + later) / 2
                before = level
                drift, level = drift_and_risk(place, integral)
                if not np.isfinite(level).all():
                    raise ArithmeticError(
                        f"solve_network_sde(step={bound}): not finite near t = {now + piece * h:g}; "
                        "reduce step"
                    )
            now = float(mark)
            rows.append((level, integral, *parameters(place, integral)))
    risk_, integral_, first, second = (np.stack(part, axis=1) for part in zip(*rows, strict=True))
    return NetworkPaths(times, risk_, integral_, first, second)
