"""The Volterra route: a second solver for least squares that never integrates a mode.

Stands beside :func:`~symhigh.integration.solve.solve`, as a second route. Source: *The High Line* (arXiv 2405.19585),
(64)-(66), in the clock ``u = Γ(t) = ∫₀ᵗ γ``. There the modes ``dD²/du = -2λ D² + λ γ I`` integrate to a convolution,

    Q(u) = ∫ λ D²(0) e^{-2λu} dμ + ∫₀ᵘ 𝒦(u - v) γ(v) I(v) dv,    𝒦(x) = ∫ λ² e^{-2λx} dμ,

for Q = E(x - x*)², whatever the rule; time and the rule's memory obey ``dt/du = 1/γ``, ``dm/du = M/γ``. Everything is
discretised by the trapezoidal rule on a uniform grid in u, whose error has an expansion in even powers of the step, and
extrapolated to order 6 (Romberg). The history sum costs O(N log² N): Hairer, Lubich, Schlichte, *Fast numerical
solution of nonlinear Volterra convolution equations* (SIAM J. Sci. Stat. Comput. 6, 1985).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import instance, output_times, real
from symhigh.integration.curve import Curve
from symhigh.integration.schedules import parameter_values
from symhigh.integration.solve import RTOL_LEAST
from symhigh.population import Spectrum, Start
from symhigh.population.spectrum import Array
from symhigh.problem.learnt import refuse_learnt
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam, t
from symhigh.system import MomentSystem
from symhigh.telling import telling

_BLOCK = 64
_MOST_STEPS = 2**17


@telling
def solve_volterra(
    system: MomentSystem, spectrum: Spectrum, start: Start, t_end: float, t: Any = None, rtol: float = 1e-8
) -> Curve:
    """Risk and learning rate of a least-squares limit by its Volterra equation; a :class:`Curve` of those two.

    The grid is halved until two extrapolated solutions agree to ``rtol`` at all times. Meant for horizons of up to some
    thousands of ``1/(γ λ_max)``, since the grid in Γ is uniform.

    Raises ``ValueError`` where the limit is not of the form above (loss or rule see more than Q), and
    ``ArithmeticError`` where the accuracy is not reached or the risk explodes.
    """
    instance("solve_volterra", "system", system, MomentSystem, "what derive(problem, rule) returns")
    instance("solve_volterra", "spectrum", spectrum, Spectrum, "a symhigh.Spectrum")
    instance("solve_volterra", "start", start, Start, "a symhigh.Start")
    end = real(
        "solve_volterra", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d"
    )
    tolerance = real(
        "solve_volterra",
        "rtol",
        rtol,
        above=0.0,
        least=RTOL_LEAST,
        below=1.0,
        meaning="the relative tolerance",
    )
    times = output_times("solve_volterra", t, end)
    equation = _equation(system, spectrum, start)
    steps = 256
    try:
        reach = _reach(equation, end)
    except ArithmeticError as error:
        raise ArithmeticError(
            f"{error}; or t_end = {end:g} is too long for a grid that is uniform in Γ"
        ) from error
    before = None
    marched = cache(lambda count: _march(equation, reach, count))  # of three grids, two are those of the one before
    while steps <= _MOST_STEPS:
        found = _romberg(marched, reach, steps, times)
        if before is not None and np.all(np.abs(found - before) <= tolerance * np.abs(found)):
            risk = np.array([equation.risk(Q) for Q in found[0]])
            return Curve(
                times,
                {"risk": risk, "learning_rate": found[1]},
                system,
                spectrum,
                start,
                tolerance,
                statistics={"steps": 4 * steps},
            )
        before, steps = found, 2 * steps
    raise ArithmeticError(
        f"solve_volterra(rtol={rtol}): not reached with {_MOST_STEPS} steps; shorten t_end or loosen rtol"
    )


@dataclass(frozen=True, eq=False)
class _Equation:
    """``rates(Q, t, memory…) -> (γ, I, M…)``, ``risk(Q)``, the measure, the start."""

    risk: Callable[[float], float]
    rates: Callable[..., Any]
    values: Array
    weights: Array
    energy: Array
    memory: tuple[float, ...]

    def kernel(self, u: Array) -> Array:
        return np.exp(-2 * np.outer(u, self.values)) @ (self.weights * self.values**2)

    def forcing(self, u: Array) -> Array:
        return np.exp(-2 * np.outer(u, self.values)) @ (self.weights * self.values * self.energy)


def _equation(system: MomentSystem, spectrum: Spectrum, start: Start) -> _Equation:
    refuse_learnt("solve_volterra", system.problem.learnt, "of which the risk is a function too", "use solve")
    par = parameter_values("solve_volterra", system)
    values, weights = spectrum.numeric("solve_volterra")
    form = lam * (gamma**2 * gradient_noise - 2 * gamma * D2)
    if system.family.states != (D2,) or sp.expand(system.family.rhs[0] - form) != 0:
        raise ValueError("solve_volterra: needs a least-squares limit in D2, with dD2/dt = -2λγ D2 + λγ² I")
    known = dict(zip(system.parameters, par, strict=True))
    for r in system.reductions:
        if D2 not in r.summand.free_symbols:
            known[r.name] = float(
                weights @ np.broadcast_to(sp.lambdify(lam, r.summand, "numpy")(values), values.shape)
            )
    wanted = [
        system.unfolded(e).subs(known) for e in (gamma, gradient_noise, *(s.rhs for s in system.states))
    ]
    names = (error_square, t, *(s.name for s in system.states))
    if foreign := sorted(set().union(*(e.free_symbols for e in wanted)) - set(names), key=str):
        raise ValueError(
            f"solve_volterra: loss or rule see {foreign}, which the risk alone does not determine; use solve"
        )
    v11, v12, v22 = start.modes(spectrum)
    memory = tuple(float(s.initial.subs(known)) for s in system.states)
    risk = sp.lambdify(error_square, system.unfolded(system.outputs["risk"]).subs(known), "math")
    return _Equation(risk, sp.lambdify(names, wanted, "math"), values, weights, v11 - 2 * v12 + v22, memory)


def _reach(e: _Equation, end: float) -> float:
    """Slightly more than Γ(t_end), from marches of 1024 steps over growing lengths, the last one cut to fit."""
    reach = 1.0 / float(e.values.max())
    while (found := _march(e, reach, 1024)[2])[-1] < end:
        reach *= 2.0
    return float(np.interp(end, found, np.linspace(0, reach, 1025)) * 1.02)


def _romberg(marched: Callable[[int], Array], reach: float, steps: int, times: Array) -> Array:
    """Q and γ at ``times``, extrapolated from steps, 2 steps, 4 steps; interpolated by quintic splines in u."""
    from scipy.interpolate import make_interp_spline

    one, two, four = (marched(steps * k)[:, ::k] for k in (1, 2, 4))
    first, second = two + (two - one) / 3, four + (four - two) / 3
    best = second + (second - first) / 15
    if best[2, -1] < times[-1]:
        raise ArithmeticError(
            f"solve_volterra: the grid ends at t = {best[2, -1]:.6g}; the clock is not resolved, shorten t_end"
        )
    clock = make_interp_spline(np.linspace(0, reach, steps + 1), best[:3].T, k=5)
    u = np.interp(times, best[2], np.linspace(0, reach, steps + 1))
    slope = clock.derivative()
    for _ in range(4):  # Newton: the time at u must be the time asked for
        u = np.clip(u - (clock(u)[:, 2] - times) / slope(u)[:, 2], 0, reach)
    return np.asarray(clock(u)[:, :2].T)


def _march(e: _Equation, reach: float, steps: int) -> Array:
    """Rows Q, γ, t at the u-grid, shape (3, steps + 1), by the trapezoidal rule."""
    h = reach / steps
    u = np.arange(steps + 1) * h
    kernel, history = h * e.kernel(u), e.forcing(u)
    out, source = np.zeros((3, steps + 1)), np.zeros(steps + 1)
    state = (0.0, *e.memory)
    speed: tuple[float, ...] = ()
    for n in range(steps + 1):
        low = n - n % _BLOCK
        if n == low and n > 0:
            _pass_on(source, kernel, history, n)
        past = history[n] + source[low:n] @ kernel[n - low : 0 : -1]
        # along straight lines, then by iteration
        Q = past if n == 0 else max(2 * out[0, n - 1] - out[0, max(n - 2, 0)], out[0, n - 1] / 2)
        guess = tuple(a + h * b for a, b in zip(state, speed, strict=True)) if n else state
        for _ in range(100):
            rate, noise, *drift = e.rates(Q, *guess)
            now = (1.0 / rate, *(m / rate for m in drift))
            new = (
                state
                if n == 0
                else tuple(a + h / 2 * (b + c) for a, b, c in zip(state, speed, now, strict=True))
            )
            Q_new = past + (0.0 if n == 0 else kernel[0] / 2 * rate * noise)
            moved = abs(Q_new - Q) > 4e-16 * abs(Q_new) or any(
                abs(a - b) > 4e-16 * abs(a) for a, b in zip(new, guess, strict=True)
            )
            Q, guess = Q_new, new
            if not moved:
                break
        if not (0 < rate < np.inf and 1e12 * max(1.0, out[0, 0]) > Q):
            raise ArithmeticError(
                f"solve_volterra: the risk or the learning rate leave all bounds at t = {guess[0]:.6g}"
            )
        state, speed = guess, now
        out[:, n] = Q, rate, state[0]
        source[n] = rate * noise * (0.5 if n == 0 else 1.0)
    return out


def _pass_on(source: Array, kernel: Array, history: Array, n: int) -> None:
    """Add what the last p blocks contribute to the next p, p the largest power of two that divides their number.

    Over a march every pair of blocks is met exactly once.
    """
    blocks = n // _BLOCK
    length = (blocks & -blocks) * _BLOCK
    reach = min(2 * length, kernel.size)
    transform = np.fft.rfft(source[n - length : n], 2 * length) * np.fft.rfft(kernel[:reach], 2 * length)
    added = np.fft.irfft(transform, 2 * length)[length:]
    end = min(n + length, history.size)
    history[n:end] += added[: end - n]
