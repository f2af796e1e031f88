"""Whether direct simulation and a limit agree: :func:`compare`, with a stated rate of false alarms and its power.

One of the two ways by which simulation becomes evidence (the other is the error slope). Source of the
mathematics: :mod:`symhigh.ledger.judgement`; Theorem 2.1 of *The High Line* (arXiv 2405.19585) for what is to
be expected.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from symhigh.checks import several
from symhigh.integration.curve import Curve
from symhigh.integration.network import NetworkCurve
from symhigh.ledger.companions import companions as companions_of
from symhigh.ledger.companions import effective_dimension, enough
from symhigh.ledger.judgement import Ensemble, Source, judge
from symhigh.ledger.outcome import Comparison, asked, checked_companions
from symhigh.ledger.reference import Reference, outputs_of, population_of
from symhigh.ledger.sensitivity import sensitivities
from symhigh.ledger.theory import predicted
from symhigh.population import NetworkClasses, Overlaps, Spectrum, Start
from symhigh.simulation.exact_mean import exact_mean, no_exact_mean
from symhigh.simulation.runs import Runs
from symhigh.telling import telling, warn

_FEW = 10
"""Effective dimensions, tr K over the largest eigenvalue, below which a limit is warned of; or, where it is known, if
what the limit drops is more than"""
_LARGE = 0.05
"""of the largest value of an output."""
_HAVE_EXACT = frozenset({"risk", "distance", "norm", "overlap", "learning_rate"})


@telling
def compare(
    curve: Curve | NetworkCurve,
    runs: Runs,
    what: str | Sequence[str] | None = None,
    alarm: float = 0.01,
    companions: Sequence[Runs] | None = None,
) -> Comparison:
    """Compare a limit with direct simulation at finite d; returns a :class:`Comparison`.

    For every population: a spectrum and a start, a spectrum and the overlaps of several directions, or the classes of
    a network, closed by a density or by particles. The mean over the runs is compared with the curve, at every recorded
    time and for all outputs ``what`` at once; by default the risk and the learning rate, of a network the risk and the
    curvature. The curve is solved anew at the runs' times and for the finite problem's own d modes; where it comes of
    particles, the standard error that they leave widens the band. The
    O(1/d) bias of the mean is taken from the exact mean at finite d where that is known (least squares at a rate
    that depends on time only, :func:`~symhigh.exact_mean`); else it is removed by ``companions``, runs of the same
    experiment at two smaller dimensions with seeds of their own. By default they are simulated at d/4 and d/8 with 4
    and 8 times as many runs, at ⅜ of the cost of ``runs``. They also tell how errors at different times hang
    together; where the mean is known they serve for that alone, and those at d/8 are enough. Where a minute of work
    is enough for the linear theory, bias and covariances are taken from it.

    A correct limit is found wrong with probability at most ``alarm``, up to Welch's approximation and Gaussian means.
    What a wrong one would have to be off by to be found, :meth:`Comparison.finds` and the summary say, for each
    parameter of problem and rule; :mod:`symhigh.ledger.judgement` has the statistic.

    Runs or curves that diverge never agree, and ``problems`` says what happened; the times before are still
    compared. Warns where K has so few effective dimensions that the limit itself is far from the mean. Raises
    ``ValueError`` for outputs that are not there or not finite, fewer than 3 runs, seeds that repeat, d < 8, a curve
    shorter than the runs, or one of another kind of population.
    """
    for argument, value, kinds in (("curve", curve, (Curve, NetworkCurve)), ("runs", runs, (Runs,))):
        if not isinstance(value, kinds):
            raise TypeError(f"compare({argument}={type(value).__name__}): give {_A[argument]}")
    _same_kind(curve, runs)
    if what is None:
        what = ("risk", "curvature" if isinstance(runs.population.origin[0], NetworkClasses) else "learning_rate")
    names, rate = asked("compare", what, alarm, outputs_of(curve), runs.outputs, runs.seeds)
    _finite(curve, runs, names)
    complete = isinstance(curve, NetworkCurve) or curve.complete
    if complete and runs.t[-1] > curve.t[-1] + 1 / runs.d:
        raise ValueError(
            f"compare: the runs reach t = {runs.t[-1]:g}, the curve t = {curve.t[-1]:g}; solve it to the "
            "end of the runs"
        )
    if companions is None:
        enough(runs.d)
    source = predicted(_source(runs, names), runs, names)
    least = 2 if source.bias is None or source.leading else 1
    if companions is None:
        others = companions_of(runs, least)
    else:
        others = several("compare", "companions", companions, Runs, "a list of Runs at smaller dimensions")
        checked_companions(
            "compare", runs.d, runs.seeds, [(r.d, r.seeds) for r in others], 2 if source.bias is None else 1
        )
    problems = [text for r in (runs, *others) if (text := _divergence(r))]
    reference, ensembles = Reference.of(curve, names), []
    given = reference.finite(runs)
    solved = reference.solve(given, runs.t)
    for r in (runs, *others):
        limit = reference.shifted(solved) if r is runs else reference.at(r, own=True)
        ensembles.append(Ensemble(r.d, r.seeds, r.t, r.outputs, limit.outputs, limit.errors))
        if limit.message:
            problems.append(f"the curve {limit.message}")
    shifts = sensitivities(reference, given, solved)
    found = judge(ensembles, source, shifts, rate, reference.numerical)
    return Comparison.of(found, ensembles, source, rate, problems)


def _finite(curve: Curve | NetworkCurve, runs: Runs, names: Sequence[str]) -> None:
    """Refuses outputs that are infinite or undefined where nothing diverges, such as a rate t^(-1/4) at t = 0."""
    sides = [] if runs.messages else [("runs", runs.t, runs.outputs)]
    if isinstance(curve, NetworkCurve) or not curve.message:
        sides.append(("curve", curve.t, curve.outputs))
    for side, times, outputs in sides:
        for name in names:
            bad = ~np.isfinite(np.atleast_2d(outputs[name]))
            if not bad.any():
                continue
            k = int(np.argmax(bad.any(axis=0)))
            value = np.atleast_2d(outputs[name])[int(np.argmax(bad[:, k])), k]
            others = tuple(n for n in names if n != name)
            remedy = f"compare what={others}, or" if others else "compare"
            raise ValueError(
                f"compare: {name} of the {side} is {value:g} at t = {times[k]:g}, so no deviation from it has a "
                f"value; {remedy} at times t=… where it is finite"
            )


_A = {
    "curve": "a Curve, or the NetworkCurve of a diagonal network, as solve returns them",
    "runs": "Runs, as simulate returns them",
}


def _same_kind(curve: Curve | NetworkCurve, runs: Runs) -> None:
    """Refuses a curve of a population that is not stated as that of the runs is."""
    here, there = (_stated(given) for given in (population_of(curve), runs.population.origin))
    if here != there:
        raise ValueError(
            f"compare: the curve is of {here}, the runs of {there}; solve the limit on the population of the runs"
        )


def _stated(given: Sequence[object]) -> str:
    kinds = (NetworkClasses, Spectrum, Start, Overlaps)
    return " and ".join(next((k.__name__ for k in kinds if isinstance(part, k)), "Population") for part in given)


def _source(runs: Runs, names: Sequence[str]) -> Source:
    """How the bias of the mean is known: from the exact mean at the runs' own d, or only by companions.

    The exact mean is that of the statement that was simulated, and its own limit is subtracted, not a derived one: a
    mistake in the curve stays in the comparison.
    """
    effective, usual = effective_dimension(runs), isinstance(runs.population.origin[-1], Start) and not runs.rotated
    rated = np.isfinite(runs.outputs["learning_rate"]).all() if "learning_rate" in runs.outputs else True
    if usual and rated and set(names) <= _HAVE_EXACT and not no_exact_mean(runs.problem, runs.rule):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            mean = exact_mean(
                runs.problem, runs.rule, runs.spectrum, runs.start, runs.d, runs.t_end, t=runs.t
            )
        if mean.complete:
            dropped = {n: float(np.abs(mean.bias[n]).max() / np.abs(mean.outputs[n]).max()) for n in names}
            name = max(names, key=lambda n: dropped[n])
            if dropped[name] > _LARGE:
                _warn(effective, f"{name} is off by up to {dropped[name]:.1%} of its largest value")
            return Source("the exact mean at finite d", {n: mean.bias[n] for n in names})
    if effective < _FEW:
        _warn(effective, f"what it drops is of relative order {2 / effective:.1%}")
    return Source("companions")


def _warn(effective: float, size: str) -> None:
    warn(
        f"compare: K has only {effective:.3g} effective dimensions (tr K over its largest eigenvalue), and the limit "
        f"needs many: {size}. Runs are then far from Gaussian, and false alarms may exceed the stated rate; simulate a "
        "larger d or a flatter spectrum",
    )


def _divergence(runs: Runs) -> str:
    if not runs.messages:
        return ""
    seed, text = next(iter(runs.messages.items()))
    return f"{len(runs.messages)} of {len(runs.seeds)} runs at d = {runs.d} diverged (seed {seed} {text})"
