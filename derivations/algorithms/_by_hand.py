"""Limits and SGD written out for one eigenvalue, with SciPy and NumPy alone: second routes that share no code.

Least squares from X₀ = 0 with K = I; names with ``_`` are not read as claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp


def with_running_maximum(drift, front, first, y, times):
    """``y' = drift(y, top)`` at the times, ``top`` the larger of ``first`` and of all values of ``front(y)`` so far.

    Piece by piece: the maximum stands until the front reaches it, and is the front until that turns back.
    """
    now, top, riding, found = 0.0, first, False, []
    while now < times[-1]:

        def flow(_, y, riding=riding, top=top):
            return np.asarray(drift(y, front(y) if riding else top))

        def turn(_, y, flow=flow, riding=riding, top=top):
            return front(y + 1e-7 * flow(0, y)) - front(y) if riding else front(y) - top

        turn.terminal, turn.direction = True, -1 if riding else 1
        piece = solve_ivp(
            flow, (now, times[-1]), y, "DOP853", rtol=1e-11, atol=1e-14, dense_output=True, events=turn
        )
        inside = [t for t in times if now < t <= piece.t[-1]]
        found += [(piece.sol(t), front(piece.sol(t)) if riding else top) for t in inside]
        now, y = piece.t[-1], piece.y[:, -1]
        top, riding = front(y) if riding else top, not riding
    return found


def sgd(rate, memory, noise, size, runs, times, rng):
    """Learning rate and ``‖X - X*‖²`` of runs of SGD at the times: ``g, memory = rate(memory, ‖X - X₀‖², ‖∇f‖²)``."""
    X, target = np.zeros((runs, size)), np.full(size, 1 / np.sqrt(size))
    steps, found = [round(t * size) for t in times], []
    for k in range(steps[-1] + 1):
        a = rng.standard_normal((runs, size))
        residual = (a * (X - target)).sum(axis=1) - noise * rng.standard_normal(runs)
        g, memory = rate(memory, (X**2).sum(axis=1), residual**2 * (a**2).sum(axis=1))
        if k in steps:
            found.append((g, ((X - target) ** 2).sum(axis=1)))
        X = X - (g * residual / size)[:, None] * a
    return np.moveaxis(np.array(found), 2, 0)  # runs, times, (rate, distance)


@dataclass(frozen=True)
class MeanOfRuns:
    """The mean over runs of SGD against a limit: within 5 standard errors and a bias of 4/d, at each time."""

    means: np.ndarray
    errors: np.ndarray
    limit: np.ndarray
    size: int

    @property
    def stated(self):
        return f"means of SGD written out, d = {self.size}, are the limit up to 5 standard errors and a bias of 4/d"

    @property
    def excess(self):
        """The largest deviation, in what is allowed."""
        allowed = 5 * self.errors + 4 / self.size * np.abs(self.limit)
        return float((np.abs(self.means - self.limit) / allowed).max())

    @property
    def agrees(self):
        return self.excess <= 1

    def summary(self):
        return f"{self.excess:.2f} of what is allowed, at {self.limit.size} values"
