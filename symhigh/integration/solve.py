"""Integration of a limit: arguments checked, kernels loaded, the generated stepper driven to the end.

Source of the mathematics: the system; the stepper is described in :mod:`symhigh.codegen.explicit`.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from symhigh.checks import callback, instance, output_times, real, whole
from symhigh.codegen.control import DIVERGED, LOOK, NEGATIVE, REACHED, RUNNING, SPENT, STUCK
from symhigh.codegen.kernels import reference_is_quicker
from symhigh.codegen.target import NUMBA, NUMPY, Names, Target, chosen
from symhigh.integration.curve import Curve
from symhigh.integration.doubts import Doubts
from symhigh.integration.edges import SingularStart, at_start, check_start, settled_outputs
from symhigh.integration.events import watch
from symhigh.integration.journey import Journey, Modes
from symhigh.integration.lags import with_lags
from symhigh.integration.modes import modes_of
from symhigh.integration.singular import rate_exponent
from symhigh.integration.stepper import EXPLICIT, IMPLICIT, Stepper, outlasts
from symhigh.integration.timetable import timetable, without_remainders
from symhigh.population import Spectrum, Start
from symhigh.population.dimension import warn_of_few_dimensions
from symhigh.population.spectrum import Array
from symhigh.symbols import gamma
from symhigh.symbols import t as clock_symbol
from symhigh.system import MomentSystem

Progress = Callable[[float], None]
RTOL_LEAST = 3e-15
"""The smallest relative tolerance that doubles can keep."""
_BUDGET = 25  # steps between looks at progress, the keyboard and the choice of stepper
_WATCHED = 5  # the same where averages may resist quadrature
_ROUNDING = 1e-10
_PATIENCE = 2.0
"""Seconds of computing after which a curve begun by the reference is handed to compiled code."""


def solve(
    system: MomentSystem,
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
    budget: int = 100_000,
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
        ``C`` or ``NUMBA``, compiled, or ``NUMPY``, the reference implementation, which agree to rounding. By default
        the one that ``$SYMHIGH_TARGET`` names, else C where there is a compiler. Without one Numba compiles, and the
        reference draws the first curve of few modes in a process, before Numba could be loaded.
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
    budget
        How many steps are tried at most, beside 50 for each jump of a schedule.

    Schedules may jump (floor, Mod, Heaviside, conditions in t): their jumps are boundaries of steps. Rates that are
    infinite at t = 0 with an integrable square, such as ``t^(-1/4)``, are integrated in a stretched time there.

    A curve that diverges, has used up its budget, has lost the digits of a small risk, or is interrupted from the
    keyboard, ends with what it has; its ``message`` says where and why. Raises ``ValueError`` for parameters that are
    still symbols, a grid outside [0, t_end] or not increasing, a negative learning-rate schedule, one that is infinite.
    """
    given = Asked(
        system, spectrum, start, t_end, t, rtol, atol, progress, stepper, events, until, steady, budget
    )
    callback("solve", "progress", progress, "a function of the fraction done")
    if stepper is not None:
        instance("solve", "stepper", stepper, Stepper, "EXPLICIT or IMPLICIT of symhigh.integration.stepper")
    if target is not None:
        instance("solve", "target", target, Target, "C, NUMBA or NUMPY of symhigh.codegen.target")
    free = target is None and "SYMHIGH_TARGET" not in os.environ
    population = modes_of(system, spectrum, start)[0]
    if isinstance(spectrum, Spectrum):
        own = start.dimension if isinstance(start, Start) else None
        warn_of_few_dimensions("solve", spectrum, own, stacklevel=4)
    target = target or chosen()
    if target is NUMBA and free and reference_is_quicker(system, population.weights.size):
        try:
            with np.errstate(all="ignore"):
                return _solve(given, NUMPY, time.process_time() + _PATIENCE)
        except SingularStart:
            raise
        except (ArithmeticError, ValueError):  # Python stops where compiled code carries on, and can say why
            pass
    return _solve(given, target, np.inf)


class Asked(NamedTuple):
    """The arguments of :func:`solve`."""

    system: MomentSystem
    spectrum: Spectrum
    start: Start
    t_end: float
    t: Any
    rtol: float
    atol: float | None
    progress: Progress | None
    stepper: Stepper | None
    events: Mapping[str, sp.Expr] | None
    until: str | Sequence[str]
    steady: float
    budget: int


def _solve(given: Asked, target: Target, deadline: float) -> Curve:
    """:func:`solve` on one target; from ``deadline`` on, in the time of the process, compiled code takes over."""
    system, spectrum, start = given.system, given.spectrum, given.start
    end = real("solve", "t_end", given.t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    tolerance = real(
        "solve", "rtol", given.rtol, above=0.0, least=RTOL_LEAST, below=1.0, meaning="the relative tolerance"
    )
    most = whole("solve", "budget", given.budget, least=1, meaning="the largest number of attempts at a step")
    times = output_times("solve", given.t, end)
    watched = watch(system, given.events, given.until, given.steady)
    par = np.array(_parameters(watched.system))
    absolute = (
        None
        if given.atol is None
        else real("solve", "atol", given.atol, above=0.0, meaning="the absolute tolerance")
    )
    population, coef, states, size = modes_of(system, spectrum, start)
    check_schedule(watched.system, par, end)
    modes = Modes(par, coef, population.weights, states, size)
    table = timetable(with_lags(watched.system))
    journey = Journey(table, modes, times, end, (tolerance, absolute), target, given.stepper or EXPLICIT)
    march, doubts = journey.march, Doubts(tolerance)
    doubts.look(march, 0.0)
    if doubts.refusal():
        raise SingularStart(f"solve(start=…): {doubts.refusal()}")
    if foreseen := doubts.warning():
        warnings.warn(f"solve: {foreseen}", RuntimeWarning, stacklevel=4)
    if not journey.power:
        plain = journey.frame is None
        kernels = march.kernels if plain else EXPLICIT.kernels(watched.system, NUMPY)
        shown, own_par = (march.system, march.data[0]) if plain else (watched.system, par)
        memory = march.y[states.size :] if plain else _memory(kernels, watched.system, modes)
        evaluate = at_start(kernels, shown, own_par, modes.w, memory)
        check_start(shown, population, coef, states, evaluate)

    clock, status, message, lost = march.clock, RUNNING, "", ""
    happened: list[tuple[int, float]] = []
    most_at_once = _WATCHED if doubts.worst else _BUDGET
    values, attempts = None, 1 if deadline < np.inf else most_at_once
    try:
        while status in (RUNNING, LOOK):
            began = time.process_time() if deadline < np.inf else 0.0
            status = march.advance(journey.goal, watched.any, attempts)
            if deadline < np.inf:
                spent = time.process_time() - began
                attempts = min(most_at_once, 2 * attempts if spent < 0.1 * _PATIENCE else max(1, attempts // 2))
            doubts.look(march, journey.now)
            if given.progress is not None:
                given.progress(journey.now / end)
            if status == LOOK:
                seen = journey.look(watched, values)
                happened, values = happened + seen.hits, seen.values
                if seen.stop is not None:
                    break
            if status in (RUNNING, LOOK):
                settled = clock[2] + clock[3] >= _BUDGET  # first steps are small whatever the end
                free = given.stepper is None and march.stepper is EXPLICIT and journey.at_large and settled
                if free and outlasts(clock[0], clock[1], end, tolerance):
                    march.hand_over(IMPLICIT)
                if clock[2] + clock[3] > most + 50 * journey.stops.size:
                    status = SPENT
                elif deadline < np.inf and time.process_time() > deadline:
                    deadline, attempts = np.inf, most_at_once
                    march.hand_down(NUMBA)
                journey.near_target()
                journey.weigh_lags()
                if message := journey.lost():
                    break
                if deadline == np.inf:
                    attempts = 1 if journey.watched else most_at_once
            if not lost and journey.ratio() < _ROUNDING:
                lost = f"from t = {journey.now:.6g} on"
            if status == REACHED and journey.turn():
                status = RUNNING
        if status == STUCK and (np.abs(march.y[: states.size]) > 1e-9 * march.limits[2][: states.size]).any():
            status = DIVERGED  # an explosion in finite time outruns every step
        if status in (DIVERGED, STUCK, NEGATIVE, SPENT):
            message = _why(status, march.system, march.rows[: march.row], journey.times, journey.now, most)
            if refusal := doubts.refusal():
                message = f"stopped at t = {journey.now:.6g}: {refusal}"
    except KeyboardInterrupt:
        message = f"interrupted at t = {journey.now:.6g} of {end:g}"
    if lost:
        warnings.warn(
            f"{lost}, ||X - X*||^2 is below {_ROUNDING:g} of ||X*||^2, where this loss's averages cancel to rounding: "
            "small outputs, such as the excess risk, have no digits left there; end the curve earlier",
            RuntimeWarning,
            stacklevel=3,
        )
    if not foreseen and (doubt := doubts.warning()):
        warnings.warn(f"solve: {doubt}", RuntimeWarning, stacklevel=4)
    if message:
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    outputs = {name: march.rows[: march.row, k].copy() for k, name in enumerate(system.outputs)}
    counts = {"steps": int(clock[2]), "rejected": int(clock[3]), "evaluations": int(clock[4])}
    outputs = settled_outputs(outputs, system, spectrum, start)
    return Curve(
        journey.times[: march.row], outputs, system, spectrum, start, tolerance, not message, message, counts,
        watched.times(happened),
    )  # fmt: skip


def _memory(kernels: Any, system: MomentSystem, modes: Modes) -> Array:
    """The memories before the first step."""
    const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
    kernels.prepare(modes.par, modes.coef, modes.w, const)
    kernels.begin(modes.par, const, memory)
    return memory


@lru_cache(maxsize=64)
def _parameters(system: MomentSystem) -> tuple[float, ...]:
    return tuple(parameter_values("solve", system).tolist())


def parameter_values(owner: str, system: MomentSystem) -> Array:
    """The system's parameters as floats, in its order; ``ValueError`` where symbols remain."""
    open_ = sorted({str(s) for v in system.parameters.values() for s in v.free_symbols})
    if open_:
        raise ValueError(
            f"{owner}: the parameters {', '.join(open_)} have no value; use "
            f"system.bind({{{open_[0]!r}: number}}) or give numbers to the problem and the rule"
        )
    return np.array([float(v) for v in system.parameters.values()])


def parameters_in_plain_time(system: MomentSystem, end: float, what: str) -> Array:
    """The parameters of what is integrated in time itself, and so needs a rate that is finite at the start."""
    par = parameter_values("solve", system)
    check_schedule(system, par, end)
    if (power := rate_exponent(system, dict(zip(system.parameters, par.tolist(), strict=True)))) > 0:
        raise ValueError(
            f"solve: the learning rate grows like t^-{power:.4g} as t -> 0, and {what} in plain time; begin later, "
            "as in 1/(t + 1)"
        )
    return par


@lru_cache(maxsize=64)
def _schedule(system: MomentSystem) -> sp.Expr | None:
    """The rate, where it is a given function of time."""
    rate = next(s.expression for s in system.scalars if s.name == gamma)
    given = rate.free_symbols <= {clock_symbol, *system.parameters} and rate.has(clock_symbol)
    return without_remainders(rate) if given else None


def check_schedule(system: MomentSystem, par: Array, end: float) -> None:
    """A rate that is a given function of time must be ≥ 0 on the interval and finite but for an integrable start."""
    rate = _schedule(system)
    if rate is None:
        return
    Names().code(rate)  # refuses, by name, what generated code cannot compute
    values = dict(zip(system.parameters, par.tolist(), strict=True))
    singular = rate_exponent(system, values) > 0
    inside = timetable(system).breaks(par, end)
    edges = np.concatenate([[0.0], inside, [end]])
    grid = np.unique(np.concatenate([np.linspace(0.0, end, 1001), (edges[1:] + edges[:-1]) / 2]))[
        int(singular) :
    ]
    with np.errstate(all="ignore"):
        rates = np.broadcast_to(sp.lambdify(clock_symbol, rate.subs(values), "numpy")(grid), grid.shape)
    if (bad := ~(np.isfinite(rates) & (rates >= 0))).any():
        where = int(np.argmax(bad))
        raise ValueError(
            f"Schedule(expr={rate}): the learning rate is {rates[where]:g} at t = {grid[where]:g}; it must "
            f"be finite and >= 0 on [0, {end:g}]"
        )


def _why(status: int, system: MomentSystem, rows: Array, times: Array, now: float, most: int) -> str:
    """Where the integration stopped, and why, from the last outputs."""
    place = f"at t = {now:.6g}"
    if status == SPENT:
        return (
            f"stopped {place}: {most} steps were tried (budget={most}); loosen rtol, shorten t_end, give a larger "
            "budget, or stepper=IMPLICIT of symhigh.integration.stepper where some modes are far faster than others"
        )
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
