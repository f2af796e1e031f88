"""An integration from 0 to the end in legs: a stretched start, then from jump to jump of the schedule.

Stands between :func:`~symhigh.integration.solve.solve` and one :class:`~symhigh.integration.stepper.March`, whose
equations it exchanges at the ends of legs, and where the iterate comes near the target
(:mod:`symhigh.integration.frames`).
One file: legs, frames and rows that are set right share the state of one march.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from symhigh.codegen.target import Target
from symhigh.integration.events import Sight, Watched
from symhigh.integration.frames import (
    CLOSE,
    MOVED,
    NEAR,
    START,
    closer,
    frame_at,
    framed,
    into,
    keeps_digits,
    leaves_start,
    may_cancel,
    nears_target,
    out_of,
)
from symhigh.integration.lags import lagging
from symhigh.integration.singular import rate_exponent, stretched, stretching
from symhigh.integration.stepper import March, Stepper
from symhigh.integration.timetable import Timetable
from symhigh.population.spectrum import Array
from symhigh.symbols import V22
from symhigh.system import MomentSystem

_CLOSE, _LEAST, _DIGITS = 1e-6, 1e-9, 1e-5
"""From which distance on, in parts of the target's square, digits are watched; which risk at the target, in parts of
the first, is none; and the relative error of what is small at which a curve ends."""

_LATE = 1e-5
"""Where averages that cancel have no other form, how near the target moments about it are worth their code."""

_STRETCH = 1.0
"""The longest stretched start, in steps/d."""


@dataclass(frozen=True, eq=False)
class Modes:
    """Parameters (P,), coefficients (C, N), weights (N,), starting states (S, N) and sizes (N,) of the modes."""

    par: Array
    coef: Array
    w: Array
    states: Array
    size: Array


class Journey:
    """The march, its legs, and what of the outputs is to be set right between them.

    ``stops`` are the ends of the legs in time; ``tolerances`` are (rtol, atol or None).
    """

    def __init__(
        self, table: Timetable, modes: Modes, times: Array, end: float, tolerances: tuple[float, float | None],
        target: Target, stepper: Stepper,
    ) -> None:  # fmt: skip
        self.table, self.modes, self.times = table, modes, times
        self.leg, self.base, self.tried = 0, table.system, False
        self.lags = lagging(table.system)
        self.frame = frame_at(table.system, modes.coef, modes.states, modes.w)
        breaks = table.breaks(modes.par, end)
        exponent = rate_exponent(table.system, dict(zip(table.system.parameters, self._par(0.0).tolist(), strict=True)))
        self.power = stretching(exponent) if exponent > 0 else 0
        first = [min(_STRETCH, end, *breaks[:1].tolist())] if self.power else []
        self.stops = np.array(sorted({*first, *breaks.tolist(), end}))
        self.march = self._begun(target, stepper, tolerances)
        self.least = self.march.limits[1].copy()
        self._floor()
        self.weigh_lags()
        if table.switches and times[0] == 0.0:
            self._at_start = self.march.y.copy()

    def _begun(self, target: Target, stepper: Stepper, tolerances: tuple[float, float | None]) -> March:
        modes, system, (rtol, atol) = self.modes, self._system(), tolerances
        kernels = stepper.kernels(system, target)
        states = modes.states if self.frame is None else into(self.base, self.frame, modes.coef, modes.states)
        par, const = self._leg_par(), np.zeros(len(system.reductions))
        kernels.prepare(par, modes.coef, modes.w, const)
        memory = np.zeros(len(system.states))
        kernels.begin(par, const, memory)
        size = np.concatenate([np.tile(modes.size, len(states)), np.abs(memory)])
        size = np.where(size > 0, size, 1.0)
        floor = 1e-290 * rtol * size if atol is None else np.full_like(size, atol)
        self.rounded = np.concatenate([1e-16 * size[: states.size], np.zeros(memory.size)])
        y, data = np.concatenate([states.ravel(), memory]), (par, modes.coef, modes.w, const)
        scale, slope = np.maximum(size[: states.size], 1.0), np.zeros_like(y)
        if not self.power:  # noise may take a state far beyond its start, at the pace of its first slope
            with np.errstate(all="ignore"), suppress(ArithmeticError, ValueError):  # said later, of a singular start
                kernels.rhs(0.0, y, slope, *data)
            scale = np.fmax(scale, np.where(np.isfinite(slope), np.abs(slope), 0.0)[: states.size])
        bound = np.concatenate([1e12 * scale, np.full(memory.size, 1e300)])
        return March(
            system, target, stepper, self._own(self.times), y, data, (rtol, floor, bound, size), kernels
        )

    # --- the leg under way --------------------------------------------------------------------------------
    @property
    def bent(self) -> bool:
        """Whether the leg runs in stretched time."""
        return bool(self.power) and self.leg == 0

    @property
    def now(self) -> float:
        """The time reached."""
        return float(self._time(self.march.clock[0]))

    @property
    def goal(self) -> float:
        """The end of the leg, in the march's own time."""
        return float(self._own(self.stops[self.leg]))

    @property
    def at_large(self) -> bool:
        """Whether the step just made says how large steps are: not in stretched time, nor cut short by the leg."""
        return not self.bent and 0 < self.march.clock[5] < self.goal

    def look(self, watched: Watched, values: Array | None) -> Sight:
        """The events inside the step just made, whose outputs are written."""
        step = self.march.step()
        seen = step.look(watched, self.march.limits[3], values)
        if seen.stop is None:
            self.march.write(step, float(self.march.clock[5]))
        else:
            at_output = bool((self.march.times == seen.stop).any())
            self.march.halt(step, seen.stop)
            kept = self.march.row - (0 if at_output else 1)
            self.times = np.append(self.times[:kept], self._time(self.march.times[kept : self.march.row]))
        hits = [(k, float(self._time(at))) for k, at in seen.hits]
        return Sight(hits, None if seen.stop is None else float(self._time(seen.stop)), seen.values)

    def _floor(self) -> None:
        """Near the target, averages that are no polynomials keep absolute digits only."""
        if self.frame is not None and self.frame.side != 0 and not keeps_digits(self.base):
            floor = self.march.limits[1]
            np.maximum(self.least, 0.0 if self.frame.exact else self.rounded, out=floor)

    # --- between steps and legs -----------------------------------------------------------------------------
    def ratio(self) -> float:
        """``‖X - X*‖²`` in parts of ``‖X*‖²`` where its digits can be lost; else infinity."""
        if self.frame is None or self.frame.side == 0 or keeps_digits(self.base):
            return np.inf
        modes, y = self.modes, self.march.y
        target = modes.coef[self.base.family.coefficients.index(V22)]
        return float((modes.w * y[: modes.w.size]).sum() / (modes.w * target).sum())

    @property
    def watched(self) -> bool:
        """Whether each step may call for other moments, or lose digits."""
        if self.frame is START:
            states = self.march.y[: self.modes.states.size].reshape(self.modes.states.shape)
            return leaves_start(self.base, self.modes.coef, 1e3 * states, self.modes.w)
        if self.frame is None and may_cancel(self.base):
            return self._nears(NEAR)
        return self.ratio() < (1e3 * _CLOSE if self.exact else np.inf)

    def _nears(self, within: float) -> bool:
        """Whether the modes' own states are near the target."""
        return nears_target(self.base, self.modes.coef, self._states, self.modes.w, within)

    @property
    def _states(self) -> Array:
        """The present states of the modes, (S, N)."""
        return self.march.present[: self.modes.states.size].reshape(self.modes.states.shape)

    def lost(self) -> str:
        """Where and why risk or drift have lost their digits near a target that has none of either; empty if not.

        There they are quadratic in X - X*, up to a cubic term: so ``q(s)``, at √s times X - X* over s, has
        ``q(1/4) - q(1/2) = 2^{-1/2} (q(1/2) - q(1))``, and what is left over is the error of the averages.
        """
        if self.ratio() > _CLOSE:
            return ""
        march, held, place = self.march, self.modes.states.size, list(self.base.outputs).index("risk")
        now, y = float(march.clock[0]), march.present.copy()

        def small(part: float) -> Array:
            at, slope = y.copy(), np.zeros_like(y)
            at[: self.modes.w.size] *= part
            at[self.modes.w.size : held] *= part**0.5
            march.kernels.rhs(now, at, slope, *march.data)
            drift = self.modes.w @ slope[: self.modes.w.size]
            return np.array([march.observe(now, at)[place], drift])

        at_target = abs(small(1e-12)[0])  # at 0 a rate of outputs may be 0/0
        whole, half, quarter = small(1.0), 2 * small(0.5), 4 * small(0.25)
        if at_target > _LEAST * abs(march.rows[0, place]):
            return ""
        over = np.abs(quarter - half - 0.5**0.5 * (half - whole))
        if (over <= 5 * _DIGITS * np.abs(whole)).all():  # as q(1/4) has four times the error
            return ""
        return (
            f"stopped at t = {self.now:.6g}: ||X - X*||^2 is {self.ratio():.2g} of ||X*||^2, where this loss's "
            "averages cancel to rounding: the risk has no five digits from here on; end the curve earlier"
        )

    def weigh_lags(self) -> None:
        """Errors of a lag count in parts of the maximum that it belongs to."""
        if not self.lags:
            return
        march = self.march
        rtol, floor, _, _ = march.limits
        out, first = march.observe(float(march.clock[0]), march.y), march.y.size - len(self.base.states)
        for place, output in self.lags:
            floor[first + place] = rtol * abs(out[output])

    def near_target(self) -> None:
        """Go on in moments of ``X ∓ X*`` where these may be small: near the target, or far from the start."""
        if self.frame not in (None, START):
            self._closer()
        if self.frame not in (None, START) or self.bent:
            return
        march, modes, states = self.march, self.modes, self._states
        if self.frame is None:
            cancels = may_cancel(self.base)
            near = self._nears(NEAR if not cancels else _LATE if self.tried else CLOSE / 2)
            frame = frame_at(self.base, modes.coef, states, modes.w) if near else None
            if frame is not None and cancels and not self.tried:
                frame = closer(self.base, frame)
                self.tried = frame is None
        else:
            frame = MOVED if leaves_start(self.base, modes.coef, states, modes.w) else None
        if frame is None:
            return
        march.settle()
        own = states.copy() if self.frame is None else out_of(self.base, self.frame, modes.coef, states)
        moved = into(self.base, frame, modes.coef, own)
        self.frame = frame
        self._floor()
        self._resume(np.concatenate([moved.ravel(), march.y[modes.states.size :]]), float(march.clock[1]))

    def _closer(self) -> None:
        """Go on without cancellation where ``X`` is close to the target."""
        if self.bent or self.exact or self.ratio() > CLOSE or self.frame is None:
            return
        if (frame := closer(self.base, self.frame)) is None:
            self.tried = True
            return
        self.march.settle()
        self.frame = frame
        self._floor()
        self._resume(self.march.y, float(self.march.clock[1]))

    @property
    def exact(self) -> bool:
        """Whether averages near the target are written without cancellation, or are known not to be."""
        return self.tried or (self.frame is not None and self.frame.exact)

    @property
    def rounding(self) -> float:
        """The distance below which small outputs may have no digits left.

        Where averages are exact it is negative, and by more than the absolute tolerance allows.
        """
        if self.frame is None or not self.frame.exact:
            return 1e-10
        w, target = self.modes.w, self.modes.coef[self.base.family.coefficients.index(V22)]
        return -10 * float((w * self.least[: w.size]).sum() / (w * target).sum())

    def turn(self) -> bool:
        """At the end of a leg: begin the next; False at the end of all."""
        march = self.march
        if self.leg == 0 and self.table.switches and self.times[0] == 0.0 and march.row:
            self._rewritten(0, 0.0, self._at_start)
        if self.bent and march.row and self.times[0] == 0.0:
            march.rows[0, list(self.base.outputs).index("learning_rate")] = np.inf
        if self.leg + 1 == self.stops.size:
            return False
        stop, pace = float(self.stops[self.leg]), float(march.clock[1])
        here = np.flatnonzero(np.abs(self.times[: march.row] - stop) <= 1e-12 * stop)
        bent = self.bent
        self.leg += 1
        if bent:
            march.times = self.times
            march.clock[0], pace = stop, 0.0
        self._resume(march.y, pace)
        for row in here.tolist():
            self._rewritten(row, stop, march.y)
        return True

    def _resume(self, y: Array, pace: float) -> None:
        modes, system, par = self.modes, self._system(), self._leg_par()
        kernels = self.march.stepper.kernels(system, self.march.target)
        const = np.zeros(len(system.reductions))
        kernels.prepare(par, modes.coef, modes.w, const)
        self.march.resume(system, y, (par, modes.coef, modes.w, const), pace)

    def _rewritten(self, row: int, time: float, y: Array) -> None:
        """An output row at a jump holds what the schedule says at that very time."""
        if not self.table.switches or self.bent:
            return
        _, coef, w, const = self.march.data
        exact = self._par(time, snap=True)
        self.march.kernels.observe(time, y, self.march.rows[row], exact, coef, w, const)

    def _system(self) -> MomentSystem:
        system = self.base if self.frame is None else framed(self.base, self.frame)
        return stretched(system) if self.bent else system

    def _par(self, time: float, snap: bool = False) -> Array:
        par = self.modes.par
        return np.concatenate([par, self.table.at(par, time, snap)]) if self.table.switches else par

    def _leg_par(self) -> Array:
        """Parameters on the leg: switches as in its middle, and the stretching last."""
        begin = float(self.stops[self.leg - 1]) if self.leg else 0.0
        par = self._par(0.5 * (begin + float(self.stops[self.leg])))
        return np.append(par, float(self.power)) if self.bent else par

    def _time(self, at: Array | float) -> Array:
        return np.asarray(at) ** self.power if self.bent else np.asarray(at)

    def _own(self, time: Array | float) -> Array:
        return np.asarray(time) ** (1.0 / self.power) if self.bent else np.asarray(time)
