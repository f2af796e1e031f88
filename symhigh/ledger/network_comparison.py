"""Comparison of a diagonal network's curve with direct simulation at finite d, by the statistics of
``compare``.

The curve is solved anew for the runs' own share of coordinates in each class; the O(1/d) bias of the mean is
removed by companions at two smaller dimensions (:mod:`symhigh.ledger.judgement` has the statistic).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from symhigh.derivation.network import derive_network
from symhigh.integration.network import NetworkCurve
from symhigh.ledger.companions import enough, plan
from symhigh.ledger.judgement import Ensemble, Source, judge
from symhigh.ledger.outcome import Comparison, asked, checked_companions
from symhigh.ledger.sensitivity import STEP
from symhigh.population.spectrum import Array
from symhigh.problem.network import NetworkClasses
from symhigh.simulation.network import NetworkRuns, simulate_network

NUMERICAL = 1e-5
"""Error allowed for the integration of the curve, relative to the largest value of an output."""
OUTPUTS = ("risk", "curvature", "distance", "l1")


def compare_network(
    curve: NetworkCurve,
    runs: NetworkRuns,
    what: str | Sequence[str] = ("risk", "curvature"),
    alarm: float = 0.01,
    companions: Sequence[NetworkRuns] | None = None,
) -> Comparison:
    """Compare at all recorded times and for all outputs ``what`` of (risk, curvature, distance, l1) at once.

    ``curve`` may belong to another limit than the network simulated: then the comparison should fail. A
    correct limit is found wrong with probability at most ``alarm``, up to Welch's approximation and Gaussian means;
    the summary says which error in the step and in the noise would have been found. Raises ``ValueError`` for outputs
    that are not there, fewer than 3 runs, seeds that repeat, and runs beyond the end of the curve.
    """
    for argument, value, kind in (("curve", curve, NetworkCurve), ("runs", runs, NetworkRuns)):
        if not isinstance(value, kind):
            raise TypeError(
                f"compare_network({argument}={type(value).__name__}): give a {kind.__name__}; compare takes the curves "
                "and runs of linear problems"
            )
    names, rate = asked("compare_network", what, alarm, OUTPUTS, OUTPUTS, runs.seeds)
    if runs.t[-1] > curve.t[-1] + 1 / runs.d:
        raise ValueError(
            f"compare_network: runs reach t = {runs.t[-1]:g}, the curve {curve.t[-1]:g}; solve it further"
        )
    if companions is None:
        others = _companions(runs)
    else:
        others = tuple(companions)
        checked_companions("compare_network", runs.d, runs.seeds, [(r.d, r.seeds) for r in others])
    problems = [f"a run at d = {r.d} diverged" for r in (runs, *others) if not np.isfinite(r.risk).all()]
    ensembles = [
        Ensemble(r.d, r.seeds, r.t, _values(r, names), _values(_prediction(curve, r), names))
        for r in (runs, *others)
    ]
    source = Source("companions")
    found = judge(ensembles, source, _shifts(curve, runs, ensembles[0].limit), rate, NUMERICAL)
    return Comparison.of(found, ensembles, source, rate, problems)


def _values(of: NetworkRuns | NetworkCurve, names: Sequence[str]) -> dict[str, Array]:
    return {name: np.asarray(getattr(of, name)) for name in names}


def _prediction(curve: NetworkCurve, runs: NetworkRuns) -> NetworkCurve:
    """The curve of the classes as they were simulated, at the times of the runs."""
    given = curve.classes
    shares = NetworkClasses(given.lam, given.theta_star, given.u, given.v, given.counts(runs.d) / runs.d)
    return curve.limit.solve(shares, float(runs.t[-1]), t=runs.t, rtol=1e-6)


def _shifts(curve: NetworkCurve, runs: NetworkRuns, base: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """How the curve moves with a relative error in the step and in the noise, per unit of it."""
    network, found = curve.limit.network, {}
    changed = {"step": replace(network, step=network.step * (1 + STEP))}
    if not network.noise.is_zero:
        changed["noise"] = replace(network, noise=network.noise * (1 + STEP))
    for name, other in changed.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the curve that was given has warned already
            moved = _values(_prediction(replace(curve, limit=derive_network(other)), runs), tuple(base))
        found[name] = {output: (moved[output] - base[output]) / STEP for output in base}
    return found


def _companions(runs: NetworkRuns) -> tuple[NetworkRuns, ...]:
    """The same network at two smaller dimensions, each class kept, with more runs."""
    enough(runs.d)
    classes, end = runs.classes, float(runs.t[-1]) + 1 / runs.d
    effective = runs.d * float(classes.weight @ classes.lam) / float(classes.lam.max())
    roomy = runs.d >= 16 * 8 * classes.size
    return tuple(
        simulate_network(runs.network, classes, d, end, seeds, t=runs.t)
        for _, d, seeds in plan(runs.d, effective, runs.seeds, gentle=not roomy)
    )
