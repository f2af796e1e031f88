"""Whether direct simulation and a limit agree: :func:`compare`, with a stated rate of false alarms and its power.

One of the two ways by which simulation becomes evidence (the other is the error slope). Source of the
mathematics: :mod:`symhigh.ledger.judgement`; Theorem 2.1 of *The High Line* (arXiv 2405.19585) for what is to
be expected.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from symhigh.integration import Curve
from symhigh.ledger.companions import companions as companions_of
from symhigh.ledger.companions import effective_dimension, enough
from symhigh.ledger.judgement import Ensemble, Source, judge
from symhigh.ledger.outcome import Comparison, asked, checked_companions
from symhigh.ledger.reference import NUMERICAL, RTOL, finite_of, reference
from symhigh.ledger.sensitivity import sensitivities
from symhigh.simulation import Runs
from symhigh.simulation.exact_mean import exact_mean, no_exact_mean

_FEW = 10
"""Effective dimensions, tr K over the largest eigenvalue, below which a limit is warned of; or, where it is known, if
what the limit drops is more than"""
_LARGE = 0.05
"""of the largest value of an output."""
_HAVE_EXACT = frozenset({"risk", "distance", "norm", "overlap", "learning_rate"})


def compare(
    curve: Curve,
    runs: Runs,
    what: str | Sequence[str] = ("risk", "learning_rate"),
    alarm: float = 0.01,
    companions: Sequence[Runs] | None = None,
) -> Comparison:
    """Compare a limit with direct simulation at finite d; returns a :class:`Comparison`.

    The mean over the runs is compared with the curve, at every recorded time and for all outputs ``what``
    at once. The curve is solved anew at the runs' times and for the finite problem's own d modes. The
    O(1/d) bias of the mean is taken from the exact mean at finite d where that is known (least squares at a rate
    that depends on time only, :func:`~symhigh.exact_mean`); else it is removed by ``companions``, runs of the same
    experiment at two smaller dimensions with seeds of their own. By default they are simulated at d/4 and d/8 with 4
    and 8 times as many runs, at ⅜ of the cost of ``runs``. They also tell how errors at different times hang
    together; where the mean is known they serve for that alone, and those at d/8 are enough.

    A correct limit is found wrong with probability at most ``alarm``, up to Welch's approximation and Gaussian means.
    What a wrong one would have to be off by to be found, :meth:`Comparison.finds` and the summary say, for each
    parameter of problem and rule; :mod:`symhigh.ledger.judgement` has the statistic.

    Runs or curves that diverge never agree, and ``problems`` says what happened; the times before are still
    compared. Warns where K has so few effective dimensions that the limit itself is far from the mean. Raises
    ``ValueError`` for outputs that are not there, fewer than 3 runs, seeds that repeat, d < 8, or a curve shorter
    than the runs.
    """
    for argument, value, kind in (("curve", curve, Curve), ("runs", runs, Runs)):
        if not isinstance(value, kind):
            raise TypeError(
                f"compare({argument}={type(value).__name__}): give a {kind.__name__}; compare_network takes those of "
                "diagonal networks"
            )
    names, rate = asked("compare", what, alarm, curve.outputs, runs.outputs, runs.seeds)
    if curve.complete and runs.t[-1] > curve.t[-1] + 1 / runs.d:
        raise ValueError(
            f"compare: the runs reach t = {runs.t[-1]:g}, the curve t = {curve.t[-1]:g}; solve it to the "
            "end of the runs"
        )
    if companions is None:
        enough(runs.d)
    source = _source(runs, names)
    if companions is None:
        others = companions_of(runs, 2 if source.bias is None else 1)
    else:
        others = tuple(companions)
        least = 2 if source.bias is None else 1
        checked_companions("compare", runs.d, runs.seeds, [(r.d, r.seeds) for r in others], least)
    problems = [text for r in (runs, *others) if (text := _divergence(r))]
    ensembles = []
    for r in (runs, *others):
        values, message = reference(curve, r, names, own=r is not runs)
        ensembles.append(Ensemble(r.d, r.seeds, r.t, r.outputs, values))
        if message:
            problems.append(f"the curve {message}")
    spectrum, start = finite_of(curve, runs)
    shifts = sensitivities(curve.system, spectrum, start, runs.t, ensembles[0].limit, min(RTOL, curve.rtol))
    found = judge(ensembles, source, shifts, rate, NUMERICAL)
    return Comparison.of(found, ensembles, source, rate, problems)


def _source(runs: Runs, names: Sequence[str]) -> Source:
    """How the bias of the mean is known: from the exact mean at the runs' own d, or only by companions.

    The exact mean is that of the statement that was simulated, and its own limit is subtracted, not a derived one: a
    mistake in the curve stays in the comparison.
    """
    effective = effective_dimension(runs.spectrum, runs.d)
    if set(names) <= _HAVE_EXACT and not no_exact_mean(runs.problem, runs.rule):
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
    warnings.warn(
        f"compare: K has only {effective:.3g} effective dimensions (tr K over its largest eigenvalue), and the limit "
        f"needs many: {size}. Runs are then far from Gaussian, and false alarms may exceed the stated rate; simulate a "
        "larger d or a flatter spectrum",
        RuntimeWarning,
        stacklevel=4,
    )


def _divergence(runs: Runs) -> str:
    if not runs.messages:
        return ""
    seed, text = next(iter(runs.messages.items()))
    return f"{len(runs.messages)} of {len(runs.seeds)} runs at d = {runs.d} diverged (seed {seed} {text})"
