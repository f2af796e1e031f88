"""Integration of a limit: arguments checked, kernels loaded, the generated stepper driven to the end.

Source of the mathematics: the system; the stepper is described in :mod:`symhigh.codegen.explicit`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from symhigh.checks import callback, instance, output_times, real, whole
from symhigh.codegen.allowance import PATIENCE, REFERENCE, is_free
from symhigh.codegen.control import DIVERGED, LOOK, NEGATIVE, REACHED, RUNNING, SPENT, STUCK
from symhigh.codegen.kernels import is_slow, reference_is_quicker
from symhigh.codegen.target import NUMBA, NUMPY, Target, chosen
from symhigh.integration.curve import Curve
from symhigh.integration.doubts import Doubts
from symhigh.integration.edges import SingularStart, at_start, check_start, settled_outputs
from symhigh.integration.events import watch
from symhigh.integration.frames import may_cancel
from symhigh.integration.journey import Journey, Modes
from symhigh.integration.lags import with_lags
from symhigh.integration.modes import modes_of
from symhigh.integration.repeat import again
from symhigh.integration.schedules import check_schedule, parameters_of
from symhigh.integration.stepper import EXPLICIT, IMPLICIT, Stepper, outlasts
from symhigh.integration.stops import why
from symhigh.integration.timetable import timetable
from symhigh.population import Spectrum, Start
from symhigh.population.dimension import warn_of_few_dimensions
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import at_work, stage, warn

Progress = Callable[[float], None]
RTOL_LEAST = 3e-15
"""The smallest relative tolerance that doubles can keep."""
_BUDGET = 25  # steps between looks at progress, the keyboard and the choice of stepper
_WATCHED = 5  # the same where averages may resist quadrature
_FEW = 500
"""Evaluations of the equations that a short curve takes, at the least."""


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
        ``C``, ``LLVM`` or ``NUMBA``, compiled, or ``NUMPY``, the reference implementation, which agree to rounding. By
        default the one that ``$SYMHIGH_TARGET`` names, else C where there is a compiler, else LLVM. Where llvmlite is
        too old for that, the reference draws the first curves of few modes in a process, until that has taken two
        seconds, and Numba compiles all others.
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
        instance("solve", "target", target, Target, "C, LLVM, NUMBA or NUMPY of symhigh.codegen.target")
    named, target = target, target or chosen()
    curve, lost = _repeated(given, target), ""
    if curve is None:
        modes = modes_of(system, spectrum, start)[0].weights.size
        quicker = named is None and is_free(target) and REFERENCE.left > 0 and reference_is_quicker(system, modes)
        with at_work("solve", speaks=progress is None, watched=is_slow(system)):
            curve, lost = (_by_reference(given) if quicker else None) or drive(given, target)
    if isinstance(spectrum, Spectrum):
        own = start.dimension if isinstance(start, Start) else None
        warn_of_few_dimensions("solve", spectrum, own)
    for text in (lost, curve.message):
        if text:
            warn(text)
    return curve


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


def numbers(
    owner: str, t_end: Any, t: Any, rtol: Any, atol: Any, budget: Any
) -> tuple[float, Array, float, float | None, int]:
    """The numbers among the arguments, checked: end, output times, tolerances, budget."""
    end = real(owner, "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    relative = real(owner, "rtol", rtol, above=0.0, least=RTOL_LEAST, below=1.0, meaning="the relative tolerance")
    most = whole(owner, "budget", budget, least=1, meaning="the largest number of attempts at a step")
    times = output_times(owner, t, end)
    absolute = None if atol is None else real(owner, "atol", atol, above=0.0, meaning="the absolute tolerance")
    return end, times, relative, absolute, most


def _repeated(given: Asked, target: Target) -> Curve | None:
    """The curve, where it differs from an earlier one in its numbers only."""
    if any(e is not None for e in (given.progress, given.stepper, given.events)):
        return None
    if not (isinstance(given.until, tuple) and not given.until):  # an array is compared entry by entry
        return None
    if not (isinstance(given.steady, float) and given.steady == 1e-8):
        return None
    own = numbers("solve", given.t_end, given.t, given.rtol, given.atol, given.budget)
    return again(given.system, given.spectrum, given.start, target, *own)


def _by_reference(given: Asked) -> tuple[Curve, str] | None:
    """The curve by the reference implementation; None where Python stops, for compiled code can say why."""
    try:
        with np.errstate(all="ignore"), REFERENCE.used():
            return drive(given, NUMPY, time.thread_time() + REFERENCE.left)
    except SingularStart:
        raise
    except (ArithmeticError, ValueError):
        return None


def drive(given: Asked, target: Target, deadline: float = np.inf) -> tuple[Curve, str]:
    """:func:`solve` on one target, and what is to be said of its digits.

    From ``deadline`` on, in the time of the thread, compiled code takes over.
    """
    system, spectrum, start = given.system, given.spectrum, given.start
    own = numbers("solve", given.t_end, given.t, given.rtol, given.atol, given.budget)
    end, times, tolerance, absolute, most = own
    watched = watch(system, given.events, given.until, given.steady)
    par = np.array(parameters_of(watched.system))
    population, coef, states, size = modes_of(system, spectrum, start)
    check_schedule(watched.system, par, end)
    modes = Modes(par, coef, population.weights, states, size)
    table = timetable(with_lags(watched.system))
    journey = Journey(table, modes, times, end, (tolerance, absolute), target, given.stepper or EXPLICIT)
    march, doubts = journey.march, Doubts(tolerance)
    stage("its averages at the start")
    doubts.follow(march, 0.0)
    if doubts.refusal():
        raise SingularStart(f"solve(start=…): {doubts.refusal()}")
    if not journey.power:
        plain = journey.frame is None
        kernels = march.kernels if plain else EXPLICIT.kernels(watched.system, NUMPY)
        shown, own_par = (march.system, march.data[0]) if plain else (watched.system, par)
        memory = march.y[states.size :] if plain else _memory(kernels, watched.system, modes)
        evaluate = at_start(kernels, shown, own_par, modes.w, memory)
        check_start(shown, population, coef, states, evaluate)

    if deadline < np.inf:
        began = time.thread_time()
        march.kernels.rhs(march.clock[0], march.y, march.K[0], *march.data)
        if began + _FEW * (time.thread_time() - began) > deadline:
            deadline = np.inf
            march.hand_down(NUMBA)
    clock, status, message, lost = march.clock, RUNNING, "", ""
    happened: list[tuple[int, float]] = []
    most_at_once = _WATCHED if doubts.worst or may_cancel(watched.system) else _BUDGET
    most_at_once = 1 if doubts.heavy else most_at_once
    values, attempts = None, 1 if deadline < np.inf or journey.watched else most_at_once
    stage("at t = 0 of", end)
    try:
        while status in (RUNNING, LOOK):
            began = time.thread_time() if deadline < np.inf else 0.0
            status = march.advance(journey.goal, watched.any, attempts)
            if deadline < np.inf:
                spent = time.thread_time() - began
                attempts = min(most_at_once, 2 * attempts if spent < 0.1 * PATIENCE else max(1, attempts // 2))
            doubts.follow(march, journey.now)
            stage("at t =", journey.now, "of", end)
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
                elif deadline < np.inf and time.thread_time() > deadline:
                    deadline, attempts = np.inf, most_at_once
                    march.hand_down(NUMBA)
                journey.near_target()
                journey.weigh_lags()
                if message := journey.lost():
                    break
                if deadline == np.inf:
                    attempts = 1 if journey.watched else most_at_once
            if not lost and journey.ratio() < journey.rounding:
                lost = f"from t = {journey.now:.6g} on"
            if status == REACHED and journey.turn():
                status = RUNNING
        if status == STUCK and (np.abs(march.y[: states.size]) > 1e-9 * march.limits[2][: states.size]).any():
            status = DIVERGED  # an explosion in finite time outruns every step
        if status in (DIVERGED, STUCK, NEGATIVE, SPENT):
            rows, last = march.rows[: march.row], float(journey.times[max(march.row - 1, 0)])
            message = why(status, march.system, (rows[0], rows[-1]) if len(rows) else None, last, journey.now, most)
            if refusal := doubts.refusal():
                message = f"stopped at t = {journey.now:.6g}: {refusal}"
    except KeyboardInterrupt:
        message = f"interrupted at t = {journey.now:.6g} of {end:g}"
    if lost:
        lost += (
            f", ||X - X*||^2 is below {journey.rounding:g} of ||X*||^2, where this loss's averages cancel to rounding: "
            "small outputs, such as the excess risk, have no digits left there; end the curve earlier"
        )
    lost = "; ".join(filter(None, [lost, doubts.warning()]))
    outputs = {name: march.rows[: march.row, k].copy() for k, name in enumerate(system.outputs)}
    counts = {"steps": int(clock[2]), "rejected": int(clock[3]), "evaluations": int(clock[4])}
    outputs = settled_outputs(outputs, system, spectrum, start)
    curve = Curve(
        journey.times[: march.row], outputs, system, spectrum, start, tolerance, not message, message, counts,
        watched.times(happened),
    )  # fmt: skip
    return curve, lost


def _memory(kernels: Any, system: MomentSystem, modes: Modes) -> Array:
    """The memories before the first step."""
    const, memory = np.zeros(len(system.reductions)), np.zeros(len(system.states))
    kernels.prepare(modes.par, modes.coef, modes.w, const)
    kernels.begin(modes.par, const, memory)
    return memory
