"""Fluctuations around a limit: the covariance of one run's outputs, and the bias of their mean, at any dimension.

Drives the linear theory of :mod:`symhigh.derivation.fluctuations` along the limit's path, with generated coefficients.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import output_times, real
from symhigh.codegen.target import NUMBA, NUMPY, Target, chosen
from symhigh.derivation.fluctuations import Deviations, check_closure, deviations
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.derivation.state import state
from symhigh.integration.at_rest import HORIZON, at_rest
from symhigh.integration.bands import Fluctuations
from symhigh.integration.deviations import Equations
from symhigh.integration.edges import SingularStart
from symhigh.integration.lyapunov import march
from symhigh.integration.modes import population_of
from symhigh.integration.schedules import check_schedule, parameter_values
from symhigh.integration.timetable import timetable
from symhigh.population import Spectrum, Start
from symhigh.population.measure import gauss_of
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import telling, warn

_RTOL_LEAST = 1e-11
"""The equations inside are solved a thousand times more accurately, near what doubles carry."""
DENSE_STATES = 120
"""Beyond so many states a spectrum of many modes is compressed first."""


@telling
def fluctuations(
    system: MomentSystem,
    spectrum: Any,
    start: Any = None,
    t_end: Any = None,
    t: Any = None,
    rtol: float = 1e-5,
    target: Target | None = None,
    joint: Any = None,
) -> Fluctuations:
    """How far one run of ``system`` strays from the limit at dimension d, and the bias of the mean, to leading order.

    Parameters
    ----------
    spectrum, start
        As for :func:`~symhigh.integration.solve.solve`. A random start adds its own covariance.
    t_end, t
        The end of the time interval, and increasing output times in [0, t_end], 201 equally spaced ones by default.
        ``t_end=inf`` asks for the rest that the limit comes to: one time, infinity, with the stationary covariance and
        bias, by a Lyapunov equation.
    rtol
        Relative tolerance of variances and biases.
    target
        As for ``solve``; without a C compiler the reference is tried first, for a few seconds.
    joint
        Times, some of ``t`` or ``True`` for all, between which covariances are kept too:
        :meth:`Fluctuations.two_times`.

    Many modes are compressed to few of the same averages, where the start is spread evenly or by a power law. Raises
    ``ValueError`` for systems that are not closed by second moments, for rules with a running maximum, and for losses
    whose slope has no fourth moment.
    """
    check_closure(system)
    rest = _at_rest(t_end, t, joint, start)
    end = HORIZON if rest else real("fluctuations", "t_end", t_end, above=0.0, least=_END_LEAST, meaning=_END)
    tolerance = real("fluctuations", "rtol", rtol, above=0.0, least=_RTOL_LEAST, meaning="the relative tolerance")
    times = np.empty(0) if rest else output_times("fluctuations", t, end)
    par = parameter_values("fluctuations", system)
    check_schedule(system, par, end)
    if switches := timetable(system).switches:
        raise ValueError(
            f"fluctuations: the schedule jumps, by {switches[0].value}, and the linear theory needs its derivative in "
            "time; write the step as a smooth one, such as (1 + tanh((t - a)/c))/2 with a small c, and see that the "
            "result does not depend on c, or simulate an ensemble for its spread"
        )
    population_of(system, spectrum, start, owner="fluctuations")  # refuses what is no population of this system
    theory = theory_of(system, bool(getattr(start, "random", False)))
    if theory.beside and getattr(start, "vectors_given", None) is not None and spectrum.members is not None:
        theory = replace(theory, mean=None, why=_GROUPED)
    marks = _marks(joint, times)
    used = few(theory, spectrum, start, tolerance, end)
    if rest:
        return at_rest(theory, par, used, start, tolerance, target or chosen())
    run = partial(_run, theory, par, used, start, end, times, marks, tolerance)
    used_target = target or chosen()
    if used_target is NUMBA and target is None and used.values.size <= _REFERENCE:
        try:
            return run(NUMPY, time.monotonic() + _PATIENCE)
        except SingularStart:
            raise
        except (ArithmeticError, ValueError):  # Python stops where compiled code carries on, and can say why
            pass
    return run(used_target)


_END = "the end of the time interval, in steps/d, or inf for the rest"
_END_LEAST = 1e-250
"""Steps of the method, and one over them, are doubles."""
_APART = 1e-12
"""How near two times of ``joint`` may be, in parts of the last of ``t``: a step has to fit between them."""


def _at_rest(t_end: Any, t: Any, joint: Any, start: Any) -> bool:
    """Whether the rest is asked for, and nothing beside it."""
    if not (isinstance(t_end, (float, sp.Expr)) and t_end == sp.oo):
        return False
    if t is not None or joint is not None:
        raise ValueError("fluctuations(t_end=inf): at rest there is one time; leave out t and joint")
    if getattr(start, "random", False):
        raise ValueError(
            "fluctuations(t_end=inf): a random start keeps the variance of its target for ever; give a start that is "
            "not random, or a finite t_end"
        )
    return True


def _marks(joint: Any, times: Array) -> Array:
    """The times between which covariances are wanted."""
    if joint is None or joint is False:
        return np.empty(0)
    marks = times if joint is True else np.asarray(joint, dtype=float)
    if marks.ndim != 1 or not np.isin(marks, times).all() or (np.diff(marks) <= 0).any():
        raise ValueError(f"fluctuations(joint={joint!r}): joint must be increasing times out of t, or True for all")
    least = _APART * times[-1]
    for early, late in pairwise([0.0, *marks.tolist()]):
        if 0 < late < early + least:
            raise ValueError(
                f"fluctuations(joint=…): its times {early} and {late} must be at least {least:.3g} apart, so that a "
                "step fits between them; leave one of them out"
            )
    return marks


def _run(
    theory: Deviations, par: Array, spectrum: Spectrum, start: Start, end: float, times: Array, marks: Array,
    rtol: float, target: Target, deadline: float = np.inf,
) -> Fluctuations:  # fmt: skip
    """The linear theory integrated with the functions of one target; an ``ArithmeticError`` after the ``deadline``."""
    with np.errstate(all="ignore"):
        equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol), deadline)
        if not np.isfinite(equations(0.0).force).all():
            theory = replace(theory, mean=None, why=_NOT_SMOOTH)
            equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol), deadline)
        reached = min(end, equations.path.end)
        doubts = equations.doubts(np.linspace(0.0, reached, _LOOKS), rtol, "the covariance")
        if refusal := doubts.refusal():
            raise SingularStart(f"fluctuations: {refusal}")
        wanted = times[times <= reached * (1 + 1e-12)]
        kept = marks[marks <= reached * (1 + 1e-12)]
        values, covariance, bias, between = _observe(equations, wanted, kept, reached, rtol, deadline)
    if said := doubts.warning():
        warn(f"fluctuations: {said}")
    if reached < end:
        warn(
            f"fluctuations: the limit stopped at t = {reached:.6g} of {end:g}; solve says why",
        )
    names = tuple(theory.system.outputs)
    return Fluctuations(wanted, names, values, covariance, bias, theory.why, kept, between)


_NOT_SMOOTH = "the terms of order 1/d are infinite at the start, as where a covariance is singular"
_GROUPED = (
    "the fourth moments of the entries that share an eigenvalue are not known; give every entry an eigenvalue of its "
    "own"
)
_FARTHER = 100.0
"""A spectrum is resolved for clocks ∫γ dt up to this multiple of the time interval."""
_REFERENCE = 64
"""Modes up to which the reference is tried,"""
_PATIENCE = 5.0
"""and the seconds that it is given."""
_LOOKS = 21
"""Times at which averages that resist quadrature are looked at."""
_SLOW = 8
"""Nodes for the eigenvalues that move little in the time interval."""

_known: dict[object, Deviations] = {}


def theory_of(system: MomentSystem, random_start: bool) -> Deviations:
    """The linear theory of ``system``, derived once a process for each statement, whatever the parameters."""
    statement, _ = state(system.problem, system.rule)
    key = (system.content, statement, random_start)
    if key not in _known:
        _known[key] = deviations(system, random_start, numeric=True)
    return _known[key]


def without_integrals(theory: Deviations) -> bool:
    """Whether all expectations are in closed form."""
    exprs = (*(e for _, e in theory.shared), *(s.expression for s in theory.system.scalars))
    return not any(e.has(GaussianMean, MixtureMean) for e in exprs)


def few(theory: Deviations, spectrum: Spectrum, start: Start, rtol: float, end: float) -> Spectrum:
    """The spectrum, compressed where it is continuous or has more modes than dense matrices are quick for."""
    count, states = spectrum.values.size, theory.block.rows
    if spectrum.quantile is None and count * states <= DENSE_STATES:
        return spectrum
    if getattr(start, "vectors_given", None) is not None:
        if count * states > 5 * DENSE_STATES:
            raise ValueError(
                f"fluctuations(spectrum of {count} modes): with a start given by vectors at most "
                f"{5 * DENSE_STATES // states} modes are practical; group equal eigenvalues"
            )
        return spectrum
    values, weights = spectrum.numeric("fluctuations")
    profile = start.profile_at(values) if isinstance(start, Start) else np.ones(count)
    order = np.argsort(values)
    values, weights, profile = values[order], weights[order], profile[order]
    slow = np.searchsorted(values, 1 / end)
    if not (profile == 1).all():
        energy = np.cumsum(weights * values * (1 + profile))
        slow = min(slow, np.searchsorted(energy, 1e-3 * rtol * energy[-1]))
    if slow > _SLOW:  # all of e^{-2λu} is smooth there
        still = gauss_of(values[:slow], weights[:slow], _SLOW if (profile == 1).all() else 1)
        values = np.concatenate([still[0], values[slow:]])
        weights = np.concatenate([still[1], weights[slow:]])
    merged = Spectrum.from_eigenvalues(values, weights / weights.sum())
    return merged.compressed(rtol=max(rtol, 1e-10), horizon=_FARTHER * end)


def _observe(
    equations: Equations, times: Array, marks: Array, end: float, rtol: float, deadline: float
) -> tuple[Array, Array, Array, Array]:
    """Values (T, O), covariances (T, O, O), biases (T, O) at ``times``, and covariances (K, O, K, O) between marks."""
    C, rows, count = equations.start, [], len(equations.theory.system.outputs)
    size, seen = np.zeros((marks.size, count)), np.zeros((marks.size, count, marks.size, count))

    def observe(now: float, C: Array, M: Array) -> None:
        here = equations(now)
        values, covariance, bias = here.outputs(C, M[:, 0])
        rows.append((values, covariance, bias))
        if (k := int(np.searchsorted(marks, now))) < marks.size and marks[k] == now:
            size[k] = np.sqrt(np.maximum(np.diag(covariance), 0.0))
            past = (here.weights @ M[:, 1 : 1 + k * count]).reshape(count, k, count) * size[:k]
            seen[k, :, :k] = past
            seen[:k, :, k] = past.transpose(1, 2, 0)
            seen[k, :, k] = covariance

    if times.size and times[0] == 0:
        observe(0.0, C, np.zeros((len(C), 1)))
    if times.size > len(rows):
        for piece in march(equations, C, end, rtol, marks.tolist(), equations.size[equations.kept]):
            if time.monotonic() > deadline:
                raise ArithmeticError("fluctuations: out of time")
            last = piece.t + piece.h >= end * (1 - 1e-14)
            while len(rows) < times.size and (times[len(rows)] <= (piece.t + piece.h) * (1 + 1e-14) or last):
                now = float(times[len(rows)])
                observe(now, *piece.at(min(1.0, (now - piece.t) / piece.h)))
            if len(rows) == times.size:
                break
    values, covariance, bias = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(values).reshape(-1, count),
        np.array(covariance).reshape(-1, count, count),
        np.array(bias).reshape(-1, count),
        seen,
    )
