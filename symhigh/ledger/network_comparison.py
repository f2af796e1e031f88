"""Comparison of a diagonal network's curve with direct simulation at finite d, by the statistics of
``compare``.

The curve is solved anew for the runs' own share of coordinates in each class; the O(1/d) bias of the mean is
removed by companions at d/2 and d/4 (:mod:`symhigh.ledger.bands` has the formulas).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symhigh.checks import real
from symhigh.integration.network import NetworkCurve
from symhigh.ledger.bands import deviation
from symhigh.ledger.comparison import Comparison
from symhigh.population import NetworkClasses
from symhigh.simulation import Runs

NUMERICAL = 1e-5
"""Error allowed for the integration of the curve, relative to the largest value of an output."""


def compare_network(
    curve: NetworkCurve,
    runs: Runs,
    what: str | Sequence[str] = ("risk", "curvature"),
    alarm: float = 0.01,
    companions: Sequence[Runs] | None = None,
) -> Comparison:
    """Compare at all recorded times and for all outputs ``what`` of (risk, curvature, distance, l1) at once.

    ``curve`` may belong to another limit than the network simulated: then the comparison should fail. A
    correct limit is found wrong with probability at most ``alarm``, up to Welch's approximation. Raises
    ``ValueError`` for fewer than 3 runs, and for runs beyond the end of the curve.
    """
    names = (what,) if isinstance(what, str) else tuple(what)
    rate = real("compare_network", "alarm", alarm, above=0.0, meaning="the false-alarm rate, below 1")
    if len(runs.seeds) < 3:
        raise ValueError(
            f"compare_network(runs): {len(runs.seeds)} runs; at least 3 seeds are needed for an error bar"
        )
    if runs.t[-1] > curve.t[-1] + 1 / runs.d:
        raise ValueError(
            f"compare_network: runs reach t = {runs.t[-1]:g}, the curve {curve.t[-1]:g}; solve it further"
        )
    others = _companions(runs) if companions is None else tuple(companions)
    ensembles = (runs, *others)
    problems = tuple(f"a run at d = {r.d} diverged" for r in ensembles if not np.isfinite(r.risk).all())
    predictions = [_prediction(curve, r) for r in ensembles]
    finite = np.all([np.isfinite(r.risk).all(axis=0) for r in ensembles], axis=0)
    keep = slice(0, runs.t.size if finite.all() else int(np.argmin(finite)))
    deviations = {}
    for name in names:
        limits = [np.asarray(getattr(p, name)) for p in predictions]
        errors = [(getattr(r, name) - limit)[:, keep] for r, limit in zip(ensembles, limits, strict=True)]
        size = max(float(np.abs(limit).max()) for limit in limits)
        deviations[name] = deviation(errors, [r.d for r in ensembles], NUMERICAL * size, rate / len(names))
    seeds = tuple(len(r.seeds) for r in ensembles)
    return Comparison(runs.t[keep], deviations, tuple(r.d for r in ensembles), seeds, rate, problems)


def _prediction(curve: NetworkCurve, runs: Runs) -> NetworkCurve:
    """The curve of the classes as they were simulated, at the times of the runs."""
    given = curve.classes
    shares = NetworkClasses(given.lam, given.theta_star, given.u, given.v, given.counts(runs.d) / runs.d)
    return curve.limit.solve(shares, float(runs.t[-1]), t=runs.t, rtol=1e-6)


def _companions(runs: Runs) -> tuple[Runs, Runs]:
    count, first = len(runs.seeds), max(runs.seeds) + 1
    found = []
    for level in (1, 2):
        seeds = range(first + (level - 1) * count, first + level * count)
        found.append(runs.again(runs.d >> level, seeds))
    return found[0], found[1]
