"""``limits(problem, rule)``: the closed forms of a limit's long time, by the first finder that knows the limit.

Last stop of the room of closed forms. Finders are tried in order; each takes the derived system, and gives formulas or
says why it does not apply. Sources stand with each formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sympy as sp

from symhigh.checks import instance, shown
from symhigh.clock import OutOfTime, time_limit
from symhigh.closed.entrywise import entrywise_limits
from symhigh.closed.finder import DoesNotApply, Finder, Found, Question
from symhigh.closed.formulas import Formulas
from symhigh.closed.long_time import linear_modes
from symhigh.closed.modes import rational
from symhigh.closed.network_limits import network_limits
from symhigh.closed.overlaps import overlap_limits
from symhigh.closed.residual import residual_limits
from symhigh.closed.rest import growing_limits, rest_limits
from symhigh.closed.scopes import scope
from symhigh.closed.several import several_limits
from symhigh.derivation import derive
from symhigh.derivation.mixture import outermost_means
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.problem import DiagonalNetwork, Problem
from symhigh.problem.learnt import REST, refuse_learnt
from symhigh.problem.model import Parametrization
from symhigh.rule import Rule
from symhigh.system import MomentSystem
from symhigh.telling import stage, telling

FINDERS: Mapping[str, Finder] = MappingProxyType(
    {
        "networks": network_limits,
        "several directions": several_limits,
        "linear modes": linear_modes,
        "losses of the residual at a constant rate": residual_limits,
        "modes of any number of vectors at rest": rest_limits,
        "modes that follow growing cells": growing_limits,
        "fixed points in both overlaps": overlap_limits,
    }
)
"""What is tried, in order, under the names that a refusal gives."""
ENTRYWISE: Mapping[str, Finder] = MappingProxyType({"steps that bound every entry of the gradient": entrywise_limits})
"""Likewise, where the averages over a sample differ by mode."""


SECONDS = 120.0
"""The time of work that each finder has."""

_NO_GAP = sp.StrictGreaterThan(sp.S.Zero, sp.S.Zero, evaluate=False)
"""What is left of λ_min > 0 on a spectrum without a gap at 0."""


@telling
def limits(
    problem: Problem | MomentSystem,
    rule: Rule | Spectrum | NetworkClasses | None = None,
    spectrum: Spectrum | Start | Overlaps | NetworkClasses | None = None,
    start: Start | Overlaps | None = None,
) -> Formulas:
    """Closed forms for the long time of SGD on ``problem`` under ``rule``: a mapping from names to :class:`Formula`.

    A derived system may stand for problem and rule: ``limits(system, spectrum, start)``. For networks classes stand for
    spectrum and start, ``limits(problem, rule, classes)``, with the names of
    :func:`~symhigh.closed.network_limits.network_limits`.

    Names, where they exist: ``learning_rate``, ``risk``, ``excess_risk`` (their limits), ``rate`` (of the risk's
    exponential approach to its limit, per unit of time = steps/d), ``threshold`` (the constant rate at which SGD ceases
    to converge), ``learning_rate_asymptotic`` and ``excess_risk_asymptotic`` (functions of t, for large t, with the
    order of their error in the ``statement``), ``learning_rate_in_clock`` and ``excess_risk_in_clock`` (on power laws,
    functions of u = ``∫γ dt``), ``risk_curve`` (exact for all t), ``clock`` (``∫γ dt``), ``profile`` (of D²_λ over λ,
    up to scale), ``frequency`` (angular, where the approach may oscillate). Of linear modes at a constant rate also the
    central limit at rest, times d as d → ∞: ``risk_variance``, ``distance_variance``, ``risk_distance_covariance`` of
    one run and ``risk_bias`` of the mean; and where the loss is a square, exactly for every ``d``: ``risk_at_d``,
    ``excess_risk_at_d``, ``threshold_at_d``. Algorithms with momentum, averages, noise of their own or cells have
    ``share`` (``λD²_λ/P`` of a mode at rest, P the mean square of the residual) and
    ``total_share`` Φ, its average, and ``average_risk``, ``average_excess_risk`` and its ``…_asymptotic``.
    For several directions, those of :func:`~symhigh.closed.several.several_limits`, with the targets' overlaps from
    ``start``, an ``Overlaps``. For losses that see
    both overlaps, such as phase retrieval, at a constant rate and K = λI (by default I), those of
    :func:`~symhigh.closed.fixed_points.fixed_points`, with ``escape_rate`` and ``saddle_risk`` of the saddle.

    Without ``spectrum``, formulas are in ``tau``, ``kappa_2``, ``lambda_min`` and averages over an open measure;
    without ``start``, in ``distance``, the squared distance at t = 0 (of the modes with λ > 0). All
    arguments may hold SymPy symbols. Assumptions come with each formula and are enforced when it is evaluated.

    Where a symbol of yours has the name of one of the library's, the library's is renamed: ``tau_K`` beside your
    ``tau``. Raises ``ValueError`` for a limit that has no closed form here, with the reason of every finder;
    one of them is that it had no answer after two minutes of work.
    """
    system, measure, begin, classes, overlaps = _read(problem, [rule, spectrum, start])
    refuse_learnt("limits", system.problem.learnt, REST, "integrate system.solve(…)")
    held = scope(system, measure, begin)
    question, refusals = Question(system, held.spectrum, held.start, classes, overlaps), []
    for name, finder in _finders(system).items():
        stage("closed forms of", name)
        try:
            with time_limit(SECONDS, working=True):
                found = finder(question)
        except OutOfTime:
            refusals.append(f"{name}: no answer in {SECONDS:g} s of work")
            continue
        except DoesNotApply as reason:
            refusals.append(f"{name}: {reason}")
            continue
        values = {s: rational(v) for s, v in system.parameters.items()}
        missing = dict(found.missing) if isinstance(found, Found) else {}
        formulas = {key: held.restored(formula, values) for key, formula in found.items()}
        gapless = [key for key, formula in formulas.items() if _NO_GAP in formula.assumptions]
        missing |= dict.fromkeys(gapless, "eigenvalues reach down to 0: nothing decays exponentially")
        return Formulas({key: formulas[key] for key in formulas if key not in gapless}, missing)
    raise ValueError(
        f"limits: no closed form is known for {system.problem.name} under {type(system.rule).__name__} "
        f"({'; '.join(refusals)}); integrate system.solve(…)"
    )


def _finders(system: MomentSystem) -> Mapping[str, Finder]:
    """The finders to be tried; modes with averages of their own are known to one alone."""
    return ENTRYWISE if outermost_means(system.family.rhs) else FINDERS


def _read(
    problem: Problem | MomentSystem, given: list[Any]
) -> tuple[MomentSystem, Spectrum | None, Start | None, NetworkClasses | None, Overlaps | None]:
    """System, spectrum, start, classes, overlaps; what follows a system stands one earlier than after a problem."""
    if isinstance(problem, MomentSystem):
        system, posed = problem, [g for g in given if g is not None]
    elif isinstance(problem, DiagonalNetwork) and not isinstance(given[0], Rule):
        system, posed = derive(problem), [g for g in given if g is not None]
    elif isinstance(given[0], Rule):
        instance("limits", "problem", problem, Problem, "a symhigh.Problem, such as least_squares(), or its limit")
        system, posed = derive(problem, given[0]), [g for g in given[1:] if g is not None]
    else:
        raise TypeError(
            f"limits(rule={shown(given[0])}): rule must be a learning-rate rule, such as Constant(0.5)"
        )
    measure = next((g for g in posed if isinstance(g, Spectrum)), None)
    begin = next((g for g in posed if isinstance(g, Start)), None)
    classes = next((g for g in posed if isinstance(g, NetworkClasses)), None)
    overlaps = next((g for g in posed if isinstance(g, Overlaps)), None)
    _check_stated(system, measure, begin, classes)
    _check_directions(system, begin, overlaps)
    if foreign := [g for g in posed if not any(g is known for known in (measure, begin, classes, overlaps))]:
        raise TypeError(
            f"limits(spectrum, start): {shown(foreign[0])} is neither a spectrum nor a start; after the "
            f"{'system' if problem is system else 'rule'} give a Spectrum and a Start"
        )
    return system, measure, begin, classes, overlaps


def _check_directions(system: MomentSystem, begin: Start | None, overlaps: Overlaps | None) -> None:
    """Overlaps are for several directions, a start for one."""
    several = len(system.problem.directions) > 2
    if begin is not None and several:
        raise TypeError(f"limits({shown(begin)}): {system.problem.name} has several directions: give Overlaps")
    if overlaps is not None and not several:
        raise TypeError(f"limits({shown(overlaps)}): {system.problem.name} has one direction: give a Start")


def _check_stated(system: MomentSystem, *given: object) -> None:
    """Classes are for networks, spectra and starts for what is not one."""
    network = isinstance(system.problem.model, Parametrization)
    for value in given:
        if value is not None and isinstance(value, NetworkClasses) != network:
            wanted = "a network: give NetworkClasses" if network else "no network: give a Spectrum and a Start"
            raise TypeError(f"limits({shown(value)}): {system.problem.name} is {wanted}")
