"""The statistic of every comparison: runs at finite d against a limit, whatever the limit is of.

Stands between the bands and the comparisons of linear problems and networks, which bring it arrays. The false-alarm
rate is shared: 70 % of it to the directions in which a wrong parameter would show, 15 % to the slowest shapes, 15 %
to all times and outputs one by one (:mod:`symhigh.ledger.directions`, :mod:`symhigh.ledger.bands`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from symhigh.ledger.bands import Deviation, deviation, skewness
from symhigh.ledger.directions import directions, pooled, shrunk, thinned
from symhigh.population.spectrum import Array

_MOST = 14
"""How many times of an output a direction weighs, at most: neighbouring times say the same, and 14 keep 98 % of the
power of 100 while an estimated covariance of few of them loses little."""
_NAMED, _SHAPES = 0.7, 0.15
"""Shares of the false-alarm rate: of directions in which a wrong parameter would show, and of slow shapes."""
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
    ``covariance`` ``{(output, output): (T, T)}`` is that of one run, where known; else companions tell it too.
    ``method`` says in words how the bias was removed.
    """

    method: str
    bias: Mapping[str, Array] | None = None
    covariance: Mapping[tuple[str, str], Array] | None = None


@dataclass(frozen=True, eq=False)
class Judgement:
    """Deviations by output, (T,) each, and by direction; ``responses`` are their changes by parameter, likewise."""

    t: Array
    outputs: Mapping[str, Deviation]
    directions: Mapping[str, Deviation]
    responses: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)


def judge(
    ensembles: Sequence[Ensemble], source: Source, shifts: Shifts, alarm: float, numerical: float
) -> Judgement:
    """The runs, first of ``ensembles``, against their limit, with the companions that follow.

    ``numerical`` is the error allowed for the integration of the limit, relative to the largest value of an output.
    """
    runs = ensembles[0]
    usable = min(e.usable for e in ensembles)
    keep = runs.t <= usable * (1 + 1e-12)
    times, names = runs.t[keep], tuple(runs.limit)
    errors = {name: [e.errors(name, times) for e in ensembles] for name in names}
    moved = {p: {name: s[name][: times.size] for name in names} for p, s in shifts.items()}
    if source.bias is not None:
        for name in names:
            errors[name][0] = errors[name][0] - source.bias[name][keep]
    used = 1 if source.bias is not None else len(ensembles)
    dims = [e.d for e in ensembles]
    size = {
        name: max((np.abs(e.limit[name]).max(initial=0.0) for e in ensembles), default=0.0) for name in names
    }
    tolerance = {name: numerical * size[name] for name in names}

    doubts = {name: [e.doubts(name, times) for e in ensembles] for name in names}

    def test(
        parts: Sequence[Array], unsure: Sequence[Array], allowed: Array | float, share: float
    ) -> Deviation:
        return deviation(
            parts[:used], dims[:used], allowed, share, skewness(parts, dims), unsure[:used]
        )

    entries = _entries(errors, _freedom(ensembles[1:], source))
    weights = _weights(entries, errors, dims, source, moved, keep) if entries else {}
    named = [p for p in weights if p]
    shares = (_NAMED if named else 0.0, _SHAPES if weights else 0.0)
    pointwise = alarm * (1 - sum(shares)) / len(names)
    found = {name: test(errors[name], doubts[name], tolerance[name], pointwise) for name in names}
    responses: dict[str, dict[str, Array]] = {p: dict(s) for p, s in moved.items()}
    tests: dict[str, Deviation] = {}
    if weights:
        joined = [
            np.concatenate([errors[n][k][:, at] for n, at in entries], axis=1) for k in range(len(dims))
        ]
        unsure = [np.concatenate([doubts[n][k][at] for n, at in entries]) for k in range(len(dims))]
        rounding = np.concatenate([np.full(at.size, tolerance[n]) for n, at in entries])
        for name, w in weights.items():
            share = alarm * (shares[0] / len(named) if name else shares[1])
            label = f"{name} over all times" if name else "the slowest shapes in time"
            tests[label] = test(
                [e @ w.T for e in joined], [np.abs(w) @ u for u in unsure], np.abs(w) @ rounding, share
            )
            for p, s in moved.items():
                responses[p][label] = w @ np.concatenate([s[n][at] for n, at in entries])
    return Judgement(times, found, tests, responses)


Entries = list[tuple[str, Array]]


def _freedom(companions: Sequence[Ensemble], source: Source) -> float:
    if source.covariance is not None:
        return np.inf
    return sum(len(e.seeds) - 1 for e in companions)


def _entries(errors: Mapping[str, Sequence[Array]], freedom: float) -> Entries:
    """The outputs and indices of times that directions weigh: where runs fluctuate, evenly."""
    noisy = {
        name: np.flatnonzero(
            np.all([e.std(axis=0) > 1e-12 * np.abs(e).max(initial=0.0) for e in parts], axis=0)
        )
        for name, parts in errors.items()
    }
    noisy = {name: at for name, at in noisy.items() if at.size}
    if not noisy or freedom < 2:
        return []
    most = int(min(_MOST, max(2, freedom / (5 * len(noisy)))))
    return [(name, thinned(at, most)) for name, at in noisy.items()]


def _weights(
    entries: Entries,
    errors: Mapping[str, Sequence[Array]],
    dims: Sequence[int],
    source: Source,
    shifts: Shifts,
    keep: Array,
) -> dict[str, Array]:
    """The directions, weights over the entries joined."""
    if source.covariance is not None:
        rows = [
            [
                source.covariance[a, b][np.ix_(np.flatnonzero(keep)[i], np.flatnonzero(keep)[j])]
                for b, j in entries
            ]
            for a, i in entries
        ]
        covariance: Array = np.block(rows)
    else:
        joined = [
            np.concatenate([errors[n][k][:, at] for n, at in entries], axis=1) for k in range(1, len(dims))
        ]
        covariance = shrunk(*pooled(joined, dims[1:]))
    moved = {p: np.concatenate([s[n][at] for n, at in entries]) for p, s in shifts.items()}
    return directions(covariance, moved)


def _nearest(grid: Array, times: Array) -> Array:
    """Index in ``grid`` of the entry nearest to each time."""
    right = np.clip(np.searchsorted(grid, times), 1, max(1, grid.size - 1))
    left = right - 1
    right = np.minimum(right, max(0, grid.size - 1))
    return np.where(times - grid[left] <= grid[right] - times, left, right)
