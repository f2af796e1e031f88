"""The statistic of every comparison: runs at finite d against a limit, whatever the limit is of.

Stands between the bands and the comparisons of linear problems and networks, which bring it arrays. The false-alarm
rate is shared: 70 % of it to the directions in which a wrong parameter would show, 15 % to the slowest shapes, 15 %
to all times and outputs one by one (:mod:`symhigh.ledger.directions`, :mod:`symhigh.ledger.bands`). Where a theory
predicts the fluctuations, the likelihood ratio over all times and outputs, its variance and its bias are tested too
(:mod:`symhigh.ledger.predicted`), with 10 % each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from symhigh.ledger.bands import Deviation, deviation, skewness
from symhigh.ledger.directions import directions, pooled, shrunk, thinned
from symhigh.ledger.predicted import Entries, bias_test, likelihood_test, mean_test, variance_test
from symhigh.population.spectrum import Array

MOST = 14
"""How many times of an output a direction weighs, at most: neighbouring times say the same, and 14 keep 98 % of the
power of 100 while an estimated covariance of few of them loses little."""
_NAMED, _SHAPES, _CHECK = 0.7, 0.15, 0.1
"""Shares of the false-alarm rate: of directions in which a wrong parameter would show, and of slow shapes; of the
likelihood ratio and of each test of a theory's own predictions, taken from all three."""
_RATIO_LEAST = 10.0
"""The likelihood ratio leaves out components of less than this over d of the largest."""
Shifts = Mapping[str, Mapping[str, Array]]
"""By parameter and output: the change (T,) of the limit for a relative error of one in the parameter."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Runs at one dimension: ``values`` (n, T) of each output at times ``t`` (T,), and the ``limit`` (T,) there.

    The limit may be shorter, where it stops early. ``doubt`` (T,) is its standard error by output, where it comes of
    particles.
    """

    d: int
    seeds: tuple[int, ...]
    t: Array
    values: Mapping[str, Array]
    limit: Mapping[str, Array]
    doubt: Mapping[str, Array] = field(default_factory=dict)

    @property
    def usable(self) -> float:
        """The last time up to which every run and the limit have finite values; -1 where there is none."""
        rows = min(limit.size for limit in self.limit.values())
        finite = np.all(
            [
                np.isfinite(self.values[name][:, :rows]).all(axis=0) & np.isfinite(limit[:rows])
                for name, limit in self.limit.items()
            ],
            axis=0,
        )
        count = rows if finite.all() else int(np.argmin(finite))
        if count == self.t.size:
            return np.inf
        return float(self.t[count - 1]) if count else -1.0

    def errors(self, name: str, times: Array) -> Array:
        """Run minus limit at the recorded times nearest to ``times``; companions record at steps of their own."""
        rows = self.limit[name].size
        near = _nearest(self.t[:rows], times)
        return np.asarray(self.values[name][:, near] - self.limit[name][near])

    def doubts(self, name: str, times: Array) -> Array:
        """The standard error of the limit there."""
        if name not in self.doubt:
            return np.zeros(times.size)
        return self.doubt[name][_nearest(self.t[: self.doubt[name].size], times)]


@dataclass(frozen=True, eq=False)
class Source:
    """What is known beforehand of the runs, by output, at the runs' own dimension and times.

    ``bias`` (T,) is their mean minus the limit, where it is known; else companions at two smaller dimensions tell it.
    Where it is ``leading`` it is known to leading order in 1/d, at all dimensions, and companions check it.
    ``covariance`` ``{(output, output): (K, K)}`` is that of one run, where known, at the runs' times of the numbers
    ``marks`` (K,), all by default; else companions tell it too.
    ``method`` says in words how the bias was removed, ``fluctuations`` what tells the fluctuations.
    """

    method: str
    bias: Mapping[str, Array] | None = None
    covariance: Mapping[tuple[str, str], Array] | None = None
    marks: Array | None = None
    leading: bool = False
    fluctuations: str = ""


@dataclass(frozen=True, eq=False)
class Judgement:
    """Deviations by output, (T,) each, and by direction; ``responses`` are their changes by parameter, likewise.

    ``signals`` are the standard errors by which the best of all directions moves for a relative error of one in a
    parameter, where the covariance is predicted.
    """

    t: Array
    outputs: Mapping[str, Deviation]
    directions: Mapping[str, Deviation]
    responses: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    signals: Mapping[str, float] = field(default_factory=dict)


def judge(
    ensembles: Sequence[Ensemble], source: Source, shifts: Shifts, alarm: float, numerical: float
) -> Judgement:
    """The runs, first of ``ensembles``, against their limit, with the companions that follow.

    ``numerical`` is the error allowed for the integration of the limit, relative to the largest value of an output.
    """
    runs = ensembles[0]
    usable = min(e.usable for e in ensembles)
    keep = runs.t <= usable * (1 + 1e-12)
    times, names, dims = runs.t[keep], tuple(runs.limit), [e.d for e in ensembles]
    errors = {name: [e.errors(name, times) for e in ensembles] for name in names}
    moved = {p: {name: s[name][: times.size] for name in names} for p, s in shifts.items()}
    if source.bias is not None:
        for name in names:
            for k in range(len(dims) if source.leading else 1):
                errors[name][k] = errors[name][k] - source.bias[name][keep] * dims[0] / dims[k]
    size = {
        name: max((np.abs(e.limit[name]).max(initial=0.0) for e in ensembles), default=0.0) for name in names
    }
    tolerance = {name: numerical * size[name] for name in names}
    doubts = {name: [e.doubts(name, times) for e in ensembles] for name in names}

    used = 1 if source.bias is not None else len(dims)

    def test(
        parts: Sequence[Array], unsure: Sequence[Array], allowed: Array | float, share: float
    ) -> Deviation:
        return deviation(
            parts[:used], dims[:used], allowed, share, skewness(parts, dims), unsure[:used]
        )

    places = _entries(errors, _freedom(ensembles[1:], source), source, times.size)
    predicted, tests = source.covariance is not None, {}
    responses: dict[str, dict[str, Array]] = {p: dict(s) for p, s in moved.items()}
    weights: dict[str, Array] = {}
    if places:
        entries = _joined(places, errors, doubts, tolerance, dims, source, moved)
        weights = directions(entries.covariance, entries.shifts, least=1 / dims[0] if predicted else 1e-10)
    named = [p for p in weights if p]
    checks = bool(weights) and predicted and len(dims) > 1
    whole = bool(weights) and predicted and source.bias is not None
    shares = _shares(bool(named), bool(weights), whole, checks, checks and source.leading and len(dims) > 2)
    for name, w in weights.items():
        share = alarm * (shares.named / len(named) if name else shares.shapes)
        label = f"{name} over all times" if name else "the slowest shapes in time"
        if predicted and source.bias is not None:
            tests[label] = mean_test(entries, w, share, source.leading)
        else:
            unsure = [np.abs(w) @ u for u in entries.doubts]
            tests[label] = test(entries.weighted(w), unsure, np.abs(w) @ entries.rounding, share)
        for p, s in entries.shifts.items():
            responses[p][label] = w @ s
    if shares.whole:
        tests[RATIO] = likelihood_test(entries, alarm * shares.whole, source.leading, _RATIO_LEAST / dims[0])
    if shares.variance:
        tests[VARIANCE] = variance_test(entries, alarm * shares.variance)
    if shares.bias:
        tests[BIAS] = bias_test(entries, np.vstack(list(weights.values())), alarm * shares.bias)
    found = {}
    for name in names:
        left = tolerance[name] + (_next_order(errors[name], dims) if source.leading else 0.0)
        found[name] = test(errors[name], doubts[name], left, alarm * shares.single / len(names))
    signals = {p: entries.signal(p) for p in named} if predicted else {}
    return Judgement(times, found, tests, responses, signals)


RATIO = "the likelihood ratio"
"""The name of the test of all times and outputs together,"""
VARIANCE, BIAS = "the predicted variance", "the predicted bias"
"""and those of the tests of a theory's own predictions."""
Places = list[tuple[str, Array]]


class _Shares(NamedTuple):
    """Shares of the false-alarm rate; what is left is for all times and outputs one by one."""

    named: float
    shapes: float
    whole: float
    variance: float
    bias: float

    @property
    def single(self) -> float:
        return 1 - sum(self)


def _shares(named: bool, shapes: bool, *checks: bool) -> _Shares:
    own = [_CHECK * check for check in checks]
    taken = sum(own)
    return _Shares(_NAMED - taken / 2 if named else 0.0, _SHAPES - taken / 4 if shapes else 0.0, *own)


def _next_order(errors: Sequence[Array], dims: Sequence[int]) -> Array:
    """What a bias to leading order leaves at the largest d, from what it leaves at the smallest."""
    return np.asarray(np.abs(errors[-1].mean(axis=0)) * (dims[-1] / dims[0]) ** 2 * (len(dims) > 1))


def _freedom(companions: Sequence[Ensemble], source: Source) -> float:
    if source.covariance is not None:
        return np.inf
    return sum(len(e.seeds) - 1 for e in companions)


def _entries(errors: Mapping[str, Sequence[Array]], freedom: float, source: Source, count: int) -> Places:
    """The outputs and indices of times that directions weigh: where runs fluctuate, evenly."""
    noisy = {}
    for name, parts in errors.items():
        moves = np.all([e.std(axis=0) > 1e-12 * np.abs(e).max(initial=0.0) for e in parts], axis=0)
        if source.covariance is not None:
            marks = np.arange(count) if source.marks is None else source.marks
            known = marks[np.diag(source.covariance[name, name])[: marks.size] > 0]
            moves &= np.isin(np.arange(count), known)
        noisy[name] = np.flatnonzero(moves)
    noisy = {name: at for name, at in noisy.items() if at.size}
    if not noisy or freedom < 2:
        return []
    most = int(min(MOST, max(2, freedom / (5 * len(noisy)))))
    return [(name, thinned(at, most)) for name, at in noisy.items()]


def _joined(
    places: Places,
    errors: Mapping[str, Sequence[Array]],
    doubts: Mapping[str, Sequence[Array]],
    tolerance: Mapping[str, float],
    dims: Sequence[int],
    source: Source,
    shifts: Shifts,
) -> Entries:
    """The entries that directions weigh, joined."""
    joined = [np.concatenate([errors[n][k][:, at] for n, at in places], axis=1) for k in range(len(dims))]
    if source.covariance is not None:
        row = {a: at if source.marks is None else np.searchsorted(source.marks, at) for a, at in places}
        blocks = [[source.covariance[a, b][np.ix_(row[a], row[b])] for b, _ in places] for a, _ in places]
        covariance: Array = np.block(blocks)
    else:
        covariance = shrunk(*pooled(joined[1:], dims[1:]))
    return Entries(
        joined,
        dims,
        [np.concatenate([doubts[n][k][at] for n, at in places]) for k in range(len(dims))],
        np.concatenate([np.full(at.size, tolerance[n]) for n, at in places]),
        covariance,
        {p: np.concatenate([s[n][at] for n, at in places]) for p, s in shifts.items()},
    )


def _nearest(grid: Array, times: Array) -> Array:
    """Index in ``grid`` of the entry nearest to each time."""
    right = np.clip(np.searchsorted(grid, times), 1, max(1, grid.size - 1))
    left = right - 1
    right = np.minimum(right, max(0, grid.size - 1))
    return np.where(times - grid[left] <= grid[right] - times, left, right)
