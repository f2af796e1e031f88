"""Integration of a limit: arguments checked, kernels loaded, the generated stepper driven to the end.

Source of the mathematics: the system; the stepper is described in :mod:`symhigh.codegen.explicit`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import callback, instance, output_times, real
from symhigh.codegen.control import DIVERGED, LOOK, NEGATIVE, RUNNING, STUCK
from symhigh.codegen.kernels import reference_is_quicker
from symhigh.codegen.target import NUMBA, NUMPY, Names, Target
from symhigh.integration.curve import Curve
from symhigh.integration.edges import SingularStart, at_start, check_start, settled_outputs
from symhigh.integration.events import watch
from symhigh.integration.modes import population_of, starting_modes
from symhigh.integration.stepper import EXPLICIT, IMPLICIT, March, Stepper, outlasts
from symhigh.population import Spectrum, Start
from symhigh.population.dimension import warn_of_few_dimensions
from symhigh.population.spectrum import Array
from symhigh.symbols import gamma
from symhigh.symbols import t as time
from symhigh.system import LimitSystem

Progress = Callable[[float], None]
RTOL_LEAST = 3e-15
"""The smallest relative tolerance that doubles can keep."""
_BUDGET = 25  # steps between looks at progress, the keyboard and the choice of stepper


def solve(
    system: LimitSystem,
    spectrum: Spectrum,
    start: Start,
    t_end: float,
    t: Any = None,
    rtol: float = 1e-8,
    atol: float | None = None,
    target: Target | None = None,
    progress: Progress | None = None,
    stepper: Stepper | None = None,
    events: Mapping[str, sp.Expr] | None = None,
    until: str | Sequence[str] = (),
    steady: float = 1e-8,
) -> Curve:
    """Integrate ``system`` from 0 to ``t_end`` (time = steps/d); returns a :class:`Curve`.

    Parameters
    ----------
    spectrum, start
        Where the modes are and how they start; N nodes.
    t
        Increasing output times in [0, t_end], shape (T,); 201 equally spaced ones by default.
    rtol, atol
        Local error tolerances, relative and absolute, of every mode; by default ``atol`` is ``1e-290 rtol`` times
        what V11 + V22 of the mode is at the start.
    stepper
        ``EXPLICIT`` or ``IMPLICIT`` of :mod:`symhigh.integration.stepper`; by default the explicit one begins, and
        hands over to the implicit one where the end is far beyond what its step can reach (stiffness, long horizons).
    target
        ``NUMBA``, compiled, or ``NUMPY``, the reference implementation. By default the compiled one, except for the
        first curve of few modes in a process, which the reference draws before a compiler could be loaded. They
        agree to rounding.
    progress
        Called with the fraction done, from time to time.
    events
        Expressions, by name, whose zeros are wanted: of ``risk``, ``learning_rate``, ``distance``, …, of averages,
        memories and ``t``, symbols being found by name. ``curve.events[name]`` holds the times at which it crosses
        zero, in either direction, located on the dense output; two crossings within a quarter of a step can go unseen.
    until
        Names of events that end the curve, at its last time. ``"steady"`` is the first time at which every mode and
        memory y changes by less than ``steady`` of its size a unit of time, ``|dy/dt| <= steady max(|y|, size)``, size
        being V11 + V22 of the mode, or the memory's value, at the start.
    steady
        The tolerance of ``"steady"``. Modes that only ever move slower than that are not waited for.

    A curve that diverges, or is interrupted from the keyboard, ends with what it has; its ``message`` says where
    and why. Raises ``ValueError`` for parameters that are still symbols, a grid outside [0, t_end] or not
    increasing, a negative learning-rate schedule.
    """
    population = population_of(system, spectrum, start)
    end = real("solve", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    tolerance = real(
        "solve", "rtol", rtol, above=0.0, least=RTOL_LEAST, below=1.0, meaning="the relative tolerance"
    )
    given = None if atol is None else real("solve", "atol", atol, above=0.0, meaning="the absolute tolerance")
    times = output_times("solve", t, end)
    callback("solve", "progress", progress, "a function of the fraction done")
    if stepper is not None:
        instance("solve", "stepper", stepper, Stepper, "EXPLICIT or IMPLICIT of symhigh.integration.stepper")
    if target is not None:
        instance("solve", "target", target, Target, "NUMBA or NUMPY of symhigh.codegen.target")
    if target is None and reference_is_quicker(system, population.weights.size):
        try:
            with np.errstate(all="ignore"):
                return solve(
                    system,
                    spectrum,
                    start,
                    t_end,
                    t,
                    rtol,
                    atol,
                    NUMPY,
                    progress,
                    stepper,
                    events,
                    until,
                    steady,
                )
        except SingularStart:
            raise
        except (ArithmeticError, ValueError):  # Python stops where compiled code carries on, and can say why
            target = NUMBA
    target = NUMBA if target is None else target
    watched = watch(system, events, until, steady)
    par = parameter_values("solve", watched.system)
    w = population.weights
    if isinstance(spectrum, Spectrum):
        own = start.dimension if isinstance(start, Start) else None
        warn_of_few_dimensions("solve", spectrum, own, stacklevel=5 if target is NUMPY else 4)
    coef, states, modes = starting_modes(system, population)

    chosen = EXPLICIT if stepper is None else stepper
    check_schedule(watched.system, par, end)
    kernels = chosen.kernels(watched.system, target)
    const = np.zeros(len(system.reductions))
    kernels.prepare(par, coef, w, const)
    memory = np.zeros(len(system.states))
    kernels.begin(par, const, memory)
    y = np.concatenate([states.ravel(), memory])
    check_start(watched.system, population, coef, states, at_start(kernels, watched.system, par, w, memory))
    size = _sizes(states, memory, modes)
    floor = 1e-290 * tolerance * size if given is None else np.full_like(y, given)
    bound = np.concatenate([1e12 * size[: states.size], np.full(memory.size, 1e300)])
    limits = (tolerance, floor, bound, size)
    march = March(watched.system, target, chosen, times, y, (par, coef, w, const), limits)

    clock, status, message = march.clock, RUNNING, ""
    happened: list[tuple[int, float]] = []
    values = None
    try:
        while status in (RUNNING, LOOK):
            status = march.advance(end, watched.any, _BUDGET)
            if progress is not None:
                progress(float(clock[0]) / end)
            if status == LOOK:
                step = march.step()
                seen = step.look(watched, size, values)
                happened, values = happened + seen.hits, seen.values
                if seen.stop is not None:
                    march.halt(step, seen.stop)
                    break
                march.write(step, float(clock[5]))
            free = status in (RUNNING, LOOK) and stepper is None and march.stepper is EXPLICIT
            if free and outlasts(clock[0], clock[1], end, tolerance):
                march.hand_over(IMPLICIT)
        if status == STUCK and (np.abs(march.y[: states.size]) > 1e-9 * bound[: states.size]).any():
            status = DIVERGED  # an explosion in finite time outruns every step
        if status in (DIVERGED, STUCK, NEGATIVE):
            message = _why(status, watched.system, march.rows[: march.row], times, clock)
    except KeyboardInterrupt:
        message = f"interrupted at t = {clock[0]:.6g} of {end:g}"
    if message:
        warnings.warn(message, RuntimeWarning, stacklevel=4 if target is NUMPY else 3)
    outputs = {name: march.rows[: march.row, k].copy() for k, name in enumerate(system.outputs)}
    counts = {"steps": int(clock[2]), "rejected": int(clock[3]), "evaluations": int(clock[4])}
    outputs = settled_outputs(outputs, system, spectrum, start)
    return Curve(
        march.times[: march.row], outputs, system, spectrum, start, tolerance, not message, message, counts,
        watched.times(happened),
    )  # fmt: skip


def parameter_values(owner: str, system: LimitSystem) -> Array:
    """The system's parameters as floats, in its order; ``ValueError`` where symbols remain."""
    open_ = sorted({str(s) for v in system.parameters.values() for s in v.free_symbols})
    if open_:
        raise ValueError(
            f"{owner}: the parameters {', '.join(open_)} have no value; use "
            f"system.bind({{{open_[0]!r}: number}}) or give numbers to the problem and the rule"
        )
    return np.array([float(v) for v in system.parameters.values()])


def check_schedule(system: LimitSystem, par: Array, end: float) -> None:
    """A rate that is a given function of time must be finite and ≥ 0 on the interval; checked on 1001 times."""
    rate = next(s.expression for s in system.scalars if s.name == gamma)
    if not rate.free_symbols <= {time, *system.parameters} or not rate.has(time):
        return
    import sympy as sp

    Names().code(rate)  # refuses, by name, what generated code cannot compute
    values = dict(zip(system.parameters, par, strict=True))
    grid = np.linspace(0.0, end, 1001)
    with np.errstate(all="ignore"):
        rates = np.broadcast_to(sp.lambdify(time, rate.subs(values), "numpy")(grid), grid.shape)
    if (bad := ~(np.isfinite(rates) & (rates >= 0))).any():
        where = int(np.argmax(bad))
        raise ValueError(
            f"Schedule(expr={rate}): the learning rate is {rates[where]:g} at t = {grid[where]:g}; it must "
            f"be finite and >= 0 on [0, {end:g}]"
        )


def _sizes(states: Array, memory: Array, modes: Array) -> Array:
    """A positive magnitude of every state, in the layout of y: that of its mode, a memory's starting value."""
    size = np.concatenate([np.tile(modes, len(states)), np.abs(memory)])
    return np.where(size > 0, size, 1.0)


def _why(status: int, system: LimitSystem, rows: Array, times: Array, clock: Array) -> str:
    """Where the integration stopped, and why, from the last outputs."""
    place = f"at t = {clock[0]:.6g}"
    if status == NEGATIVE:
        kept = ", ".join(str(s) for s in system.family.states if s.is_nonnegative)
        return f"stopped {place}: {kept} of a mode would turn negative, as of no iterate: the equations contradict it"
    if status != DIVERGED:
        return f"stopped {place}: no step is small enough for the tolerance; loosen rtol"
    if not len(rows):
        return f"diverged {place}, before the first output time: the state left all bounds"
    last = dict(zip(system.outputs, rows[-1], strict=True))
    first = dict(zip(system.outputs, rows[0], strict=True))
    if last.get("distance", np.inf) <= 1e-150 * first.get("distance", 0.0):
        return (
            f"stopped {place}: the distance to the target has fallen below {last['distance']:.2g}, where averages of "
            "the loss leave the range of doubles; end earlier"
        )
    rate, threshold = last["learning_rate"], last.get("distance_threshold", np.inf)
    cause = (
        (
            f"; at t = {times[len(rows) - 1]:.6g} the learning rate {rate:.6g} is above {threshold:.6g}, beyond which "
            "the distance to the target grows"
        )
        if rate > threshold
        else ""
    )
    return f"diverged {place}: the state left all bounds{cause}"
