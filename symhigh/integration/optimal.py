"""The best learning-rate schedule of a problem: Pontryagin's equations on its derived limit.

A consequence of a limit, like its fluctuations, whose generated derivatives it uses. For states y with
``dy/dt = F(y, γ)`` the schedule that makes the final risk least satisfies, with costates p,

    dp/dt = -(∂F/∂y)ᵀ p,  p(T) = ∂R/∂y,     γ(t) = argmin p·F(y, γ);

for the risk integrated over time ``dp/dt = -(∂F/∂y)ᵀ p - ∂R/∂y`` and p(T) = 0. A step of SGD makes F = γa + γ²b, so the
minimum is at ``-p·a/(2 p·b)``, or at a bound. Forward and backward sweeps are iterated, accelerated by Anderson's
method (J. ACM 12, 1965), until they agree. Source: Pontryagin et al., *The mathematical theory of optimal processes*
(1962); applied to limits of SGD here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline

from symhigh.checks import choice, instance, output_times, real
from symhigh.codegen.target import NUMBA, NUMPY
from symhigh.derivation import derive
from symhigh.integration.deviations import Equations
from symhigh.integration.doubts import Doubts
from symhigh.integration.fluctuations import few, theory_of, without_integrals
from symhigh.integration.schedules import parameter_values
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.rule.constant import RATE, Constant
from symhigh.telling import telling, warn

_GRID = 401
"""Times at which the schedule is sought; it is a cubic spline between them."""
_REACH = 2.5
"""How far the fastest mode may decay between two of these times, in units of its decay time."""
_SWEEPS = 200
_MEMORY = 6
"""Sweeps that Anderson's method combines."""
_KNOWN = 1e-7
"""The error that averages may have without a word,"""
_LOOK = 20
"""looked at every so many output times."""
_CLOSE = 1e-9
"""Relative change of the schedule in a sweep at which it stands."""


@dataclass(frozen=True, eq=False)
class OptimalSchedule:
    """The best schedule at the times ``t`` (T,): ``learning_rate`` and the ``risk`` along it, (T,) each.

    ``value`` is the final, or integrated, risk that is least; ``sweeps`` how many were made, ``residual`` the relative
    change of the schedule in the last.
    """

    t: Array
    learning_rate: Array
    risk: Array
    objective: str
    value: float
    sweeps: int
    residual: float

    def __repr__(self) -> str:
        return f"OptimalSchedule({self.objective} risk {self.value:.6g} at t = {self.t[-1]:g}, {self.sweeps} sweeps)"


@telling
def optimal_schedule(
    problem: Problem,
    spectrum: Spectrum,
    start: Start,
    t_end: float,
    objective: str = "final",
    t: Any = None,
    least: float = 0.0,
    most: float | None = None,
) -> OptimalSchedule:
    """The learning rates γ(t) of SGD on [0, t_end] that make the limit's risk least; an :class:`OptimalSchedule`.

    Parameters
    ----------
    objective
        ``"final"`` for the risk at ``t_end``, ``"integrated"`` for its integral over [0, t_end].
    t
        Increasing output times in [0, t_end]; 401 equally spaced ones by default.
    least, most
        Bounds on the learning rate at every time; ``most=None`` is no bound.

    Pontryagin's conditions are necessary ones: for losses whose limit is not convex in the schedule the result is a
    local optimum, the one that sweeps from the greedy schedule (line search) lead to. Warns where sweeps do not settle.
    Raises ``ValueError`` for limits without a linear theory, where larger rates are better without bound, and where
    ``t_end`` is so long that 401 times do not resolve the fastest mode.
    """
    own = "optimal_schedule"
    instance(own, "problem", problem, Problem, "a symhigh.Problem")
    end = real(own, "t_end", t_end, above=1e-300, meaning="the end of the time interval, in steps/d")
    instance(own, "spectrum", spectrum, Spectrum, "a Spectrum, such as Spectrum.isotropic()")
    instance(own, "start", start, Start, "a Start, such as Start()")
    kind = choice(own, "objective", objective, ("final", "integrated"))
    low = real(own, "least", least, least=0.0, meaning="the smallest learning rate")
    above_least = "the largest learning rate, above least"
    high = np.inf if most is None else real(own, "most", most, above=low, meaning=above_least)
    times = np.linspace(0.0, end, _GRID) if t is None else output_times(own, t, end)
    flow = _Flow(problem, spectrum, start, end, kind, (low, high))
    rates, sweeps, residual = _settled(flow)
    if residual > _CLOSE:
        warn(
            f"optimal_schedule: after {sweeps} sweeps the schedule still changes by {residual:.1g} of its largest; "
            "shorten t_end, or bound the rate by most",
        )
    schedule = CubicSpline(flow.grid, rates)
    risk, total, doubts = flow.exact(schedule, times)
    doubts.settle(own)
    shown = np.clip(schedule(times), low, high)
    return OptimalSchedule(times, shown, risk, kind, total, sweeps, residual)


class _Flow:
    """The limit under a schedule, forward, and its costates, backward, on a grid of times."""

    def __init__(
        self, problem: Problem, spectrum: Spectrum, start: Start, end: float, objective: str,
        bounds: tuple[float, float],
    ) -> None:  # fmt: skip
        system = derive(problem, Constant(1.0))
        theory = theory_of(system, False)
        theory = replace(theory, mean=None, why="not wanted")
        used = few(theory, spectrum, start, 1e-9, end)
        par = parameter_values("optimal_schedule", system)
        target = NUMPY if without_integrals(theory) else NUMBA
        with np.errstate(all="ignore"):
            self.e = Equations(theory, target, par, used, start, 1e-9, 1e-9)
        self.rate = list(system.parameters).index(RATE)
        self.risk_at = list(system.outputs).index("risk")
        self.outputs = len(system.outputs)
        self.grid, self.bounds, self.integrated = np.linspace(0.0, end, _GRID), bounds, objective == "integrated"
        self.start = self.e.path(0.0)
        self.e.doubts((0.0,), _KNOWN, "the schedule").settle("optimal_schedule")

    def speed(self, y: Array, rate: float) -> Array:
        """F(y, γ)."""
        out = np.empty_like(y)
        self.e.data[0][self.rate] = rate
        self.e.kernels.rhs(0.0, y, out, *self.e.data)
        return out

    def risk(self, y: Array) -> float:
        """The risk at a state."""
        out = np.zeros(self.outputs)
        self.e.kernels.observe(0.0, y, out, *self.e.data)
        return float(out[self.risk_at])

    def linearised(self, y: Array, rate: float) -> tuple[Array, Array]:
        """∂F/∂y and ∂R/∂y in scaled states."""
        self.e.data[0][self.rate] = rate
        fixed: Any = lambda _: y  # noqa: E731
        self.e.path = fixed
        here = self.e(0.0)
        return here.J, here.weights[self.risk_at]

    def best(self, y: Array, p: Array) -> float:
        """argmin p·F(y, γ), for costates of scaled states."""
        one, two = (p @ (self.e.scale * self.speed(y, g)) for g in (1.0, 2.0))
        square = (two - 2 * one) / 2
        slope = one - square
        low, high = self.bounds
        if square > 0:
            return float(np.clip(-slope / (2 * square), low, high))
        if not np.isfinite(high):
            raise ValueError(
                "optimal_schedule: larger learning rates lower the risk without bound here; give most, a largest rate"
            )
        return high if slope * (high - low) + square * (high**2 - low**2) < 0 else low

    def greedy(self) -> Array:
        """The rates of line search on the grid, by steps of first order."""
        y, rates = self.start.copy(), []
        for h in np.diff(self.grid, append=self.grid[-1]):
            J, gradient = self.linearised(y, 1.0)
            rate = self.best(y, gradient)
            reach = h * abs(rate) * np.abs(np.diag(J)).max()
            self._check_resolved(reach, rate)
            y = y + h * self.speed(y, rate) if reach < 0.3 else self._step(y, h, [rate] * 3, 8)
            rates.append(rate)
        return np.array(rates)

    def _check_resolved(self, reach: float, rate: float) -> None:
        """Refuses modes that decay by more than ``e^{-reach}`` between two times of the grid."""
        if reach > _REACH:
            end = self.grid[-1] * _REACH / reach
            raise ValueError(
                f"optimal_schedule(t_end={self.grid[-1]:g}): the schedule is sought at {_GRID} times, too few for a "
                f"rate of {rate:.3g} on the largest eigenvalue; t_end up to about {end:.3g} is resolved, or bound the "
                "rate by most"
            )

    def _step(self, y: Array, h: float, rates: Any, pieces: int = 2) -> Array:
        """A Runge-Kutta step of order four in ``pieces``, for rates at its start, middle and end."""
        first, middle, last = map(float, rates)

        def at(s: float) -> float:
            """The parabola through the three."""
            return first + s * (4 * middle - 3 * first - last + 2 * s * (first - 2 * middle + last))

        k = h / pieces
        for j in range(pieces):
            a, b, c = (at((j + s) / pieces) for s in (0.0, 0.5, 1.0))
            one = self.speed(y, a)
            two = self.speed(y + k / 2 * one, b)
            three = self.speed(y + k / 2 * two, b)
            four = self.speed(y + k * three, c)
            y = y + k / 6 * (one + 2 * two + 2 * three + four)
        return y

    def sweep(self, rates: Array) -> Array:
        """The schedule that is best for the states and costates of ``rates``."""
        middle = CubicSpline(self.grid, rates)((self.grid[1:] + self.grid[:-1]) / 2)
        h, y = self.grid[1], [self.start]
        for k in range(_GRID - 1):
            y.append(self._step(y[-1], h, (rates[k], middle[k], rates[k + 1])))
            if not np.isfinite(y[-1]).all():
                raise ArithmeticError("the limit diverges under this schedule")
        tables = [self.linearised(*each) for each in zip(y, rates, strict=True)]
        J, gradient = (np.array(part) for part in zip(*tables, strict=True))
        fastest = int(np.abs(np.einsum("kii->k", J)).argmax())
        self._check_resolved(h * np.abs(np.diag(J[fastest])).max(), rates[fastest])
        J_mid, g_mid = (CubicSpline(self.grid, part)((self.grid[1:] + self.grid[:-1]) / 2) for part in (J, gradient))
        source = float(self.integrated)
        p = np.zeros_like(gradient[-1]) if self.integrated else gradient[-1]
        best = np.empty(_GRID)
        best[-1] = self.best(y[-1], gradient[-1])
        for k in range(_GRID - 2, -1, -1):
            one = J[k + 1].T @ p + source * gradient[k + 1]
            two = J_mid[k].T @ (p + h / 2 * one) + source * g_mid[k]
            three = J_mid[k].T @ (p + h / 2 * two) + source * g_mid[k]
            four = J[k].T @ (p + h * three) + source * gradient[k]
            p = p + h / 6 * (one + 2 * two + 2 * three + four)
            size = np.abs(p).max()
            if not self.integrated and size > 0:
                p = p / size
            best[k] = self.best(y[k], p)
        return best

    def exact(self, schedule: Callable[[Any], Any], times: Array) -> tuple[Array, float, Doubts]:
        """The risk at ``times`` and the objective, integrated to 1e-10, and what is known of averages on the way."""
        size = self.start.size

        def rhs(t: float, y: Array) -> Array:
            rate = float(np.clip(schedule(t), *self.bounds))
            return np.append(self.speed(y[:size], rate), self.risk(y[:size]))

        wanted = np.union1d(times, self.grid[-1:])
        scale = np.append(self.e.size, 1.0)
        found = solve_ivp(
            rhs, (0.0, self.grid[-1]), np.append(self.start, 0.0), "DOP853", wanted, rtol=1e-10, atol=1e-14 * scale,
            max_step=self.grid[-1] / 50,
        )  # fmt: skip
        risks = np.array([self.risk(y) for y in found.y[:size].T])
        value = float(found.y[size, -1] if self.integrated else risks[-1])
        path: Any = lambda now: found.y[:size, np.searchsorted(wanted, now)]  # noqa: E731
        self.e.path = path
        return risks[np.searchsorted(wanted, times)], value, self.e.doubts(wanted[::_LOOK], _KNOWN, "the schedule")


def _settled(flow: _Flow) -> tuple[Array, int, float]:
    """The fixed point of sweeps, how many were made, and the last relative change."""
    x = flow.greedy()
    points: list[Array] = []
    changes: list[Array] = []
    smallest, kept, sweeps = np.inf, x, 0
    while sweeps < _SWEEPS:
        sweeps += 1
        try:
            change = flow.sweep(x) - x
        except ArithmeticError:
            x, points, changes = (x + kept) / 2, [], []
            continue
        residual = float(np.abs(change).max() / np.abs(x).max())
        if residual < smallest:
            smallest, kept = residual, x
        if residual <= _CLOSE:
            break
        points, changes = [*points[-_MEMORY:], x], [*changes[-_MEMORY:], change]
        x = x + change / 2
        if len(points) > 1 and residual < 0.3:
            d_points, d_changes = np.diff(points, axis=0), np.diff(changes, axis=0)
            share = np.linalg.lstsq(d_changes.T, change, rcond=1e-10)[0]
            x = x - share @ (d_points + d_changes / 2)
        x = np.clip(x, *flow.bounds)
    return kept, sweeps, smallest
