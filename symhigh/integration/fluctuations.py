"""Fluctuations around a limit: the covariance of one run's outputs, and the bias of their mean, at any dimension.

Drives the linear theory of :mod:`symhigh.derivation.fluctuations` along the limit's path, with generated coefficients.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symhigh.checks import output_times, real
from symhigh.codegen.target import NUMBA, NUMPY, Target
from symhigh.derivation.fluctuations import Deviations, check_closure, deviations
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.derivation.state import state
from symhigh.integration.bands import Fluctuations
from symhigh.integration.deviations import Equations
from symhigh.integration.lyapunov import march
from symhigh.integration.modes import population_of
from symhigh.integration.solve import check_schedule, parameter_values
from symhigh.population import Spectrum, Start
from symhigh.population.measure import gauss_of
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem

DENSE_STATES = 120
"""Beyond so many states a spectrum of many modes is compressed first."""


def fluctuations(
    system: MomentSystem,
    spectrum: Any,
    start: Any = None,
    t_end: Any = None,
    t: Any = None,
    rtol: float = 1e-5,
    target: Target | None = None,
) -> Fluctuations:
    """How far one run of ``system`` strays from the limit at dimension d, and the bias of the mean, to leading order.

    Parameters
    ----------
    spectrum, start
        As for :func:`~symhigh.integration.solve.solve`. A random start adds its own covariance.
    t
        Increasing output times in [0, t_end]; 201 equally spaced ones by default.
    rtol
        Relative tolerance of variances and biases.
    target
        As for ``solve``; by default compiled code where there are integrals or many modes, else the reference.

    Many modes are compressed to few of the same averages, where the start is spread evenly or by a power law. Raises
    ``ValueError`` for systems that are not closed by second moments, for rules with a running maximum, and for losses
    whose slope has no fourth moment.
    """
    check_closure(system)
    end = real("fluctuations", "t_end", t_end, above=0.0, meaning="the end of the time interval, in steps/d")
    tolerance = real("fluctuations", "rtol", rtol, above=0.0, meaning="the relative tolerance")
    times = output_times("fluctuations", t, end)
    par = parameter_values("fluctuations", system)
    check_schedule(system, par, end)
    population_of(system, spectrum, start, owner="fluctuations")  # refuses what is no population of this system
    theory = theory_of(system, bool(getattr(start, "random", False)))
    used = few(theory, spectrum, start, tolerance, end)
    quick = used.values.size <= _REFERENCE and without_integrals(theory)
    run = partial(_run, theory, par, used, start, end, times, tolerance)
    if target is None and quick:
        try:
            return run(NUMPY)
        except (ArithmeticError, ValueError):  # Python stops where compiled code carries on, and can say why
            pass
    return run(target or NUMBA)


def _run(
    theory: Deviations, par: Array, spectrum: Spectrum, start: Start, end: float, times: Array, rtol: float,
    target: Target,
) -> Fluctuations:  # fmt: skip
    """The linear theory integrated with the functions of one target."""
    with np.errstate(all="ignore"):
        equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol))
        if not np.isfinite(equations(0.0).force).all():
            theory = replace(theory, mean=None, why=_NOT_SMOOTH)
            equations = Equations(theory, target, par, spectrum, start, end, min(1e-9, 1e-3 * rtol))
        reached = min(end, equations.path.end)
        wanted = times[times <= reached * (1 + 1e-12)]
        values, covariance, bias = _observe(equations, wanted, reached, rtol)
    if reached < end:
        warnings.warn(
            f"fluctuations: the limit stopped at t = {reached:.6g} of {end:g}; solve says why",
            RuntimeWarning,
            stacklevel=4,
        )
    return Fluctuations(wanted, tuple(theory.system.outputs), values, covariance, bias, theory.why)


_NOT_SMOOTH = "the terms of order 1/d are infinite at the start, as where a covariance is singular"
_FARTHER = 100.0
"""A spectrum is resolved for clocks ∫γ dt up to this multiple of the time interval."""
_REFERENCE = 16
"""Modes up to which the reference, which need not be compiled, is quick enough."""
_SLOW = 8
"""Nodes for the eigenvalues that move little in the time interval."""

_known: dict[object, Deviations] = {}


def theory_of(system: MomentSystem, random_start: bool) -> Deviations:
    """The linear theory of ``system``, derived once a process for each statement, whatever the parameters."""
    statement, _ = state(system.problem, system.rule)
    key = (system.content, statement, random_start)
    if key not in _known:
        _known[key] = deviations(system, random_start)
    return _known[key]


def without_integrals(theory: Deviations) -> bool:
    """Whether all expectations are in closed form."""
    exprs = (*(e for _, e in theory.shared), *(s.expression for s in theory.system.scalars))
    return not any(e.has(GaussianMean, MixtureMean) for e in exprs)


def few(theory: Deviations, spectrum: Spectrum, start: Start, rtol: float, end: float) -> Spectrum:
    """The spectrum, compressed where it is continuous or has more modes than dense matrices are quick for."""
    count, states = spectrum.values.size, len(theory.system.family.states)
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


def _observe(equations: Equations, times: Array, end: float, rtol: float) -> tuple[Array, Array, Array]:
    """Values (T, O), covariances (T, O, O) and biases (T, O) of the outputs at ``times``."""
    C, rows = equations.start, []
    if times.size and times[0] == 0:
        rows.append(equations(0.0).outputs(C, np.zeros(len(C))))
    if times.size > len(rows):
        for piece in march(equations, C, end, rtol):
            last = piece.t + piece.h >= end * (1 - 1e-14)
            while len(rows) < times.size and (times[len(rows)] <= piece.t + piece.h or last):
                now = float(times[len(rows)])
                rows.append(equations(now).outputs(*piece.at(min(1.0, (now - piece.t) / piece.h))))
            if len(rows) == times.size:
                break
    count = len(equations.theory.system.outputs)
    values, covariance, bias = zip(*rows, strict=True) if rows else ((), (), ())
    return (
        np.array(values).reshape(-1, count),
        np.array(covariance).reshape(-1, count, count),
        np.array(bias).reshape(-1, count),
    )
