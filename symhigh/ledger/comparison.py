"""Whether direct simulation and a limit agree: :func:`compare`, with a stated rate of false alarms.

One of the two ways by which simulation becomes evidence (the other is the error slope). Source of the
mathematics: :mod:`symhigh.ledger.bands`; Theorem 2.1 of *The High Line* (arXiv 2405.19585) for what is to
be expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from symhigh.checks import real
from symhigh.integration import Curve
from symhigh.ledger.bands import Deviation, deviation
from symhigh.ledger.companions import companions as companions_of
from symhigh.ledger.reference import NUMERICAL, reference
from symhigh.population.spectrum import Array
from symhigh.simulation import Runs

_LEAST = 3


@dataclass(frozen=True, eq=False)
class Comparison:
    """A curve against runs: times ``t`` (T,), and a :class:`~symhigh.ledger.bands.Deviation` an output.

    ``problems`` lists what made a comparison impossible somewhere, such as runs that diverged; there is
    agreement only without any.
    """

    t: Array
    deviations: Mapping[str, Deviation]
    dims: tuple[int, ...]
    seeds: tuple[int, ...]
    alarm: float
    problems: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every output stays inside its band at every time, and nothing stood in the way."""
        return not self.problems and self.worst[2] <= 1

    @property
    def sup_error(self) -> float:
        """Largest deviation over times and outputs, the 1/d bias removed; below ``band`` in agreement."""
        return max(
            (float(np.abs(d.error).max()) for d in self.deviations.values() if d.error.size), default=np.nan
        )

    @property
    def band(self) -> float:
        """Largest half-width of the band over times and outputs."""
        return max((float(d.band.max()) for d in self.deviations.values() if d.band.size), default=np.nan)

    @property
    def worst(self) -> tuple[str, float, float]:
        """Output and time of the largest deviation in units of the band, and that ratio."""
        found = [
            (name, int(np.argmax(d.ratio)), float(d.ratio.max()))
            for name, d in self.deviations.items()
            if d.error.size
        ]
        if not found:
            return "", np.nan, np.inf
        name, place, ratio = max(found, key=lambda f: f[2])
        return name, float(self.t[place]), ratio

    def summary(self) -> str:
        """One line: verdict, deviation and band, where it is worst, dimensions, runs, false-alarm rate."""
        name, time, ratio = self.worst
        parts = [f"sup error {self.sup_error:.2g}, band {self.band:.2g}"]
        if name:
            parts.append(f"{name} at t = {time:.4g} deviates by {ratio:.2f} of its band")
        dims, seeds = "/".join(map(str, self.dims)), "/".join(map(str, self.seeds))
        parts.append(f"d = {dims}, {seeds} runs, false alarms at most {self.alarm:.2g}")
        return "; ".join(
            [
                ("agrees: " if self.agrees else "disagrees: ") + ", ".join(self.problems or parts[:1]),
                *(parts if self.problems else parts[1:]),
            ]
        )

    def __str__(self) -> str:
        return self.summary()


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
    O(1/d) bias of the mean is removed by ``companions``, runs of the same experiment at two smaller
    dimensions with seeds of their own; by default they are simulated at d/2 and d/4, at 5/16 of the cost of
    ``runs``. The band covers what the term in 1/d² leaves, the noise, and the tolerance of the integration
    (:mod:`symhigh.ledger.bands` has the formulas).

    A correct limit is found wrong with probability at most ``alarm``: exact up to Welch's approximation for
    Gaussian fluctuations, and conservative for the skewed ones of small d. A wrong limit is found wrong
    once it is off by more than about four times ``sd·q/√n``, with sd the standard deviation of one run, n
    the number of runs and q ≈ 4 to 5.

    Runs or curves that diverge never agree, and ``problems`` says what happened; the times before are still
    compared. Raises ``ValueError`` for outputs that are not there, fewer than 3 runs, d < 8, or a curve
    shorter than the runs.
    """
    names = (what,) if isinstance(what, str) else tuple(what)
    rate = real("compare", "alarm", alarm, above=0.0, meaning="the false-alarm rate")
    if rate >= 1:
        raise ValueError(f"compare(alarm={alarm}): alarm must be < 1, the false-alarm rate")
    for name in names:
        if missing := [
            of for of, has in (("curve", curve.outputs), ("runs", runs.outputs)) if name not in has
        ]:
            both = [n for n in curve.outputs if n in runs.outputs]
            raise ValueError(
                f"compare(what={name!r}): the {missing[0]} has no such output; both have {', '.join(both)}"
            )
    if curve.complete and runs.t[-1] > curve.t[-1] + 1 / runs.d:
        raise ValueError(
            f"compare: the runs reach t = {runs.t[-1]:g}, the curve t = {curve.t[-1]:g}; solve it to the "
            "end of the runs"
        )
    ensembles = _ensembles(runs, companions)
    problems = [text for r in ensembles if (text := _divergence(r))]
    predictions = []
    for r in ensembles:
        values, message = reference(curve, r, names, own=r is not runs)
        predictions.append(values)
        if message:
            problems.append(f"the curve {message}")
    usable = min(_usable(r, p) for r, p in zip(ensembles, predictions, strict=True))
    times = runs.t[runs.t <= usable * (1 + 1e-12)]
    deviations = {name: _deviation(name, times, ensembles, predictions, rate / len(names)) for name in names}
    return Comparison(
        times,
        deviations,
        tuple(r.d for r in ensembles),
        tuple(len(r.seeds) for r in ensembles),
        rate,
        tuple(dict.fromkeys(problems)),
    )


def _ensembles(runs: Runs, given: Sequence[Runs] | None) -> list[Runs]:
    """The runs and their companions, dimensions descending."""
    if len(runs.seeds) < _LEAST:
        raise ValueError(
            f"compare(runs): {len(runs.seeds)} runs; at least {_LEAST} seeds are needed for an error bar, 20 "
            "for a sharp one"
        )
    others = companions_of(runs) if given is None else tuple(given)
    dims = [runs.d, *(r.d for r in others)]
    if len(others) != 2 or sorted(set(dims), reverse=True) != dims:
        raise ValueError(
            f"compare(companions at d = {dims[1:]}): give two, at different dimensions below d = {runs.d}, the "
            "larger one first"
        )
    if small := [r for r in others if len(r.seeds) < _LEAST]:
        raise ValueError(
            f"compare(companions): {len(small[0].seeds)} runs at d = {small[0].d}; at least {_LEAST} seeds"
        )
    return [runs, *others]


def _divergence(runs: Runs) -> str:
    if not runs.messages:
        return ""
    seed, text = next(iter(runs.messages.items()))
    return f"{len(runs.messages)} of {len(runs.seeds)} runs at d = {runs.d} diverged (seed {seed} {text})"


def _usable(runs: Runs, prediction: Mapping[str, Array]) -> float:
    """The last time up to which every run and the prediction have finite values; -1 where there is none."""
    rows = min(p.size for p in prediction.values())
    finite = np.all([np.isfinite(runs.outputs[name][:, :rows]).all(axis=0) for name in prediction], axis=0)
    count = rows if finite.all() else int(np.argmin(finite))
    if count == runs.t.size:
        return np.inf
    return float(runs.t[count - 1]) if count else -1.0


def _deviation(
    name: str,
    times: Array,
    ensembles: Sequence[Runs],
    predictions: Sequence[Mapping[str, Array]],
    alarm: float,
) -> Deviation:
    errors = []
    for runs, prediction in zip(ensembles, predictions, strict=True):
        rows = prediction[name].size
        near = _nearest(runs.t[:rows], times)
        errors.append(runs.outputs[name][:, near] - prediction[name][near])
    size = max((float(np.abs(p[name]).max()) for p in predictions if p[name].size), default=0.0)
    return deviation(errors, [r.d for r in ensembles], NUMERICAL * size, alarm)


def _nearest(grid: Array, times: Array) -> Array:
    """Index in ``grid`` of the entry nearest to each time; companions record at their own steps."""
    right = np.clip(np.searchsorted(grid, times), 1, max(1, grid.size - 1))
    left = right - 1
    return np.where(
        times - grid[left] <= grid[np.minimum(right, grid.size - 1)] - times,
        left,
        np.minimum(right, grid.size - 1),
    )
