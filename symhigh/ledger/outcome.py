"""What a comparison found and what it could have found: :class:`Comparison`; and the checks of what is asked of one.

Stands between the statistic (:mod:`symhigh.ledger.judgement`) and the comparisons of linear problems and networks.
One file: the outcome is one class.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from symhigh.checks import real, shown
from symhigh.ledger.bands import Deviation
from symhigh.ledger.judgement import BIAS, RATIO, VARIANCE, Ensemble, Judgement, Source
from symhigh.notation import html_table
from symhigh.population.spectrum import Array

_LEAST = 3
_SMALLEST = 1e-4
"""Relative errors in a parameter that are not told apart any more."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """A curve against runs: times ``t`` (T,), and a :class:`~symhigh.ledger.bands.Deviation` an output.

    ``directions`` holds the same for weighted averages over all times and outputs. ``problems`` lists what made a
    comparison impossible somewhere, such as runs that diverged; there is agreement only without any. ``method`` says
    how the 1/d bias was removed, ``fluctuations`` what told the covariance. ``responses`` tells how each deviation
    moves with a relative error in a parameter, ``signals`` by how many standard errors the best of all directions does,
    where the covariance is predicted.
    """

    t: Array
    deviations: Mapping[str, Deviation]
    dims: tuple[int, ...]
    seeds: tuple[int, ...]
    alarm: float
    problems: tuple[str, ...] = ()
    directions: Mapping[str, Deviation] = field(default_factory=dict)
    responses: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    method: str = ""
    fluctuations: str = ""
    signals: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        found: Judgement,
        ensembles: Sequence[Ensemble],
        source: Source,
        alarm: float,
        problems: Sequence[str],
    ) -> Comparison:
        """The comparison of what was judged."""
        return cls(
            found.t,
            found.outputs,
            tuple(e.d for e in ensembles),
            tuple(len(e.seeds) for e in ensembles),
            alarm,
            tuple(dict.fromkeys(problems)),
            found.directions,
            found.responses,
            source.method,
            source.fluctuations,
            found.signals,
        )

    def __repr__(self) -> str:
        verdict = "agrees" if self.agrees else "disagrees"
        against = ", ".join(f"{n} runs at d = {d}" for n, d in zip(self.seeds, self.dims, strict=True))
        return f"Comparison({verdict}; {', '.join(self.deviations)}; {self.t.size} times; {against})"

    def _repr_html_(self) -> str:
        rows = []
        for name, test in self.deviations.items():
            if test.error.size:
                k = test.place
                at = (float(test.error[k]), float(test.band[k]), float(self.t[k]))
                rows.append((name, *(f"{value:.4g}" for value in at), "inside" if test.ratio[k] <= 1 else "outside"))
        table = html_table(("output", "largest deviation", "band there", "at t", ""), rows)
        return f"{table}<p>{escape(self.summary())}</p>"

    @property
    def agrees(self) -> bool:
        """Whether every output and direction stays inside its band, and nothing stood in the way."""
        return not self.problems and self.t.size > 0 and self.ratio <= 1

    @property
    def ratio(self) -> float:
        """The largest deviation of an output or a direction, in units of its band."""
        return max((float(d.ratio.max()) for d in self._tests.values() if d.error.size), default=np.inf)

    @property
    def sup_error(self) -> float:
        """The deviation of the worst output at its worst time, the 1/d bias removed; ``band`` is its own."""
        return self._at_worst("error")

    @property
    def band(self) -> float:
        """Half-width of the band of the worst output, where ``sup_error`` is."""
        return self._at_worst("band")

    @property
    def worst(self) -> tuple[str, float, float]:
        """Output and time of the largest deviation in units of the band, and that ratio."""
        found = [(name, d.place, float(d.ratio.max())) for name, d in self.deviations.items() if d.error.size]
        if not found:
            return "", np.nan, np.inf
        name, place, ratio = max(found, key=lambda f: f[2])
        return name, float(self.t[place]), ratio

    def power(self, parameter: str, error: float) -> float:
        """About the probability with which this comparison finds a relative ``error`` in a parameter.

        The most powerful of its tests is taken, the shift of the curve being linear in the error. Raises ``KeyError``
        for a parameter that problem and rule do not have.
        """
        from scipy.special import ndtr

        found = 0.0
        for shift, test in self._shifted(parameter):
            excess = np.abs(error * shift) - test.band
            with np.errstate(divide="ignore", invalid="ignore"):
                chance = np.where(test.spread > 0, ndtr(excess / test.spread), excess > 0)
            found = max(found, float(chance.max(initial=0.0)))
        return found

    def finds(self, parameter: str, probability: float = 0.99) -> float:
        """The relative error in a parameter that this comparison finds with the ``probability``; ∞ where none."""
        from scipy.special import ndtri

        quantile = float(ndtri(probability))
        found = np.inf
        for shift, test in self._shifted(parameter):
            size = np.abs(shift)
            needed = np.divide(
                test.band + quantile * test.spread, size, out=np.full(size.shape, np.inf), where=size > 0
            )
            found = min(found, float(needed.min(initial=np.inf)))
        return found

    def bound(self, parameter: str, probability: float = 0.99) -> float:
        """The relative error that the best of all tests at these times finds with the ``probability``.

        Neyman and Pearson's, at the same false alarms. NaN where no covariance is predicted.
        """
        from scipy.special import ndtri

        if parameter not in self.responses:
            raise KeyError(f"{parameter!r}: this comparison knows {', '.join(self.responses) or 'no parameter'}")
        signal = self.signals.get(parameter, 0.0)
        needed = float(ndtri(1 - self.alarm / 2) + ndtri(probability))
        return needed / signal if signal > 0 else np.nan

    @property
    def variance_ratio(self) -> float:
        """The variance of the runs over the predicted one, extrapolated to large d; NaN where none is predicted."""
        test = self.directions.get(VARIANCE)
        return np.nan if test is None else float(1 + test.error[0])

    def summary(self) -> str:
        """One line: verdict; error and band of each output where it is worst; what would have been found; how.

        Percentages are relative errors of parameters that this comparison would have found, with the probability said;
        in brackets those of the best of all tests with the same false alarms, where the covariance is predicted.
        """
        parts = [", ".join(self.problems)] if self.problems else []
        parts += [self._output_text(name, d) for name, d in self.deviations.items() if d.error.size]
        tests = {name: float(d.ratio.max()) for name, d in self.directions.items()}
        if VARIANCE in tests:
            share = f"{tests.pop(VARIANCE):.2f} of what is allowed"
            parts.append(f"variance {self.variance_ratio:.2f} of the predicted, {share}")
        if RATIO in tests:
            parts.append(f"likelihood ratio over all times {tests.pop(RATIO):.2f} of what is allowed")
        if BIAS in tests:
            parts.append(f"predicted bias off by {tests.pop(BIAS):.2f} of what is allowed")
        if tests:
            name = max(tests, key=lambda key: tests[key])
            parts.append(f"{name}: {tests[name]:.2f} of what is allowed")
        found = {p: self.finds(p) for p in self.responses}
        if sizes := [self._found_text(p, e) for p, e in found.items() if np.isfinite(e)]:
            parts.append(f"would find with probability .99 an error of {', of '.join(sizes)}")
        if blind := [p for p, e in found.items() if not np.isfinite(e)]:
            parts.append(f"sees nothing of {', '.join(blind)}")
        if self.method:
            parts.append(f"bias removed by {self.method}")
        if self.fluctuations:
            parts.append(f"fluctuations told by {self.fluctuations}")
        dims, seeds = "/".join(map(str, self.dims)), "/".join(map(str, self.seeds))
        parts.append(f"d = {dims}, {seeds} runs, false alarms at most {self.alarm:.2g}")
        return ("agrees: " if self.agrees else "disagrees: ") + "; ".join(parts)

    def __str__(self) -> str:
        return self.summary()

    @property
    def _tests(self) -> dict[str, Deviation]:
        return {**self.deviations, **self.directions}

    def _shifted(self, parameter: str) -> list[tuple[Array, Deviation]]:
        if parameter not in self.responses:
            raise KeyError(
                f"{parameter!r}: this comparison knows {', '.join(self.responses) or 'no parameter'}"
            )
        return [(np.asarray(s), self._tests[name]) for name, s in self.responses[parameter].items()]

    def _at_worst(self, part: str) -> float:
        name = self.worst[0]
        if not name:
            return np.nan
        deviation = self.deviations[name]
        return float(abs(getattr(deviation, part)[deviation.place]))

    def _output_text(self, name: str, deviation: Deviation) -> str:
        k = deviation.place
        return (
            f"{name} deviates by {deviation.ratio[k]:.2f} of its band, {abs(deviation.error[k]):.2g} of "
            f"{deviation.band[k]:.2g} at t = {self.t[k]:.4g}"
        )


    def _found_text(self, parameter: str, error: float) -> str:
        text, bound = f"{_percent(error)} in {parameter}", self.bound(parameter)
        if error < _SMALLEST:
            return text
        curve = [f"{p:.2g}: {_percent(self.finds(parameter, p))}" for p in (0.5, 0.9)]
        best = [f"at best {_percent(bound)}"] if bound <= error else []
        return f"{text} ({', '.join([*curve, *best])})"


def _percent(error: float) -> str:
    return "less than 0.01 %" if error < _SMALLEST else f"{100 * error:.2g} %" if error < 1 else "more than 100 %"


def asked(
    owner: str,
    what: str | Sequence[str],
    alarm: float,
    curve: Collection[str],
    runs: Collection[str],
    seeds: Sequence[int],
) -> tuple[tuple[str, ...], float]:
    """The outputs and the false-alarm rate that a comparison is asked for, checked together with the seeds."""
    if not isinstance(what, (str, Sequence)) or any(not isinstance(name, str) for name in what):
        raise TypeError(f"{owner}(what={shown(what)}): give the name of an output, or a list of names")
    names = (what,) if isinstance(what, str) else tuple(what)
    rate = checked_alarm(owner, alarm)
    both = [n for n in curve if n in runs]
    if not names:
        raise ValueError(f"{owner}(what=()): name at least one output of {', '.join(both)}")
    for name in names:
        if missing := [of for of, has in (("curve", curve), ("runs", runs)) if name not in has]:
            raise ValueError(
                f"{owner}(what={name!r}): the {missing[0]} has no such output; both have {', '.join(both)}"
            )
    if repeated := sorted({n for n in names if names.count(n) > 1}):
        raise ValueError(f"{owner}(what={what!r}): {repeated[0]} stands there twice; name each output once")
    independent(owner, "runs", seeds)
    return names, rate


def checked_alarm(owner: str, alarm: float) -> float:
    """A false-alarm rate, in (0, 1)."""
    rate = real(owner, "alarm", alarm, above=0.0, meaning="the false-alarm rate")
    if rate >= 1:
        raise ValueError(f"{owner}(alarm={alarm}): alarm must be < 1, the false-alarm rate")
    return rate


def checked_companions(
    owner: str, d: int, seeds: Sequence[int], others: Sequence[tuple[int, Sequence[int]]], least: int = 2
) -> None:
    """Refuses companions that are not two ensembles at smaller dimensions, with seeds of their own.

    ``least`` is how many are needed: one is enough where the bias is known.
    """
    dims = [d, *(size for size, _ in others)]
    if not least <= len(others) <= 2 or sorted(set(dims), reverse=True) != dims:
        raise ValueError(
            f"{owner}(companions at d = {dims[1:]}): give {'two' if least == 2 else 'one or two'}, at different "
            f"dimensions below d = {d}, the larger one first"
        )
    used = set(seeds)
    for size, chosen in others:
        independent(owner, f"companions at d = {size}", chosen)
        if shared := sorted(used & set(chosen)):
            raise ValueError(
                f"{owner}(companions at d = {size}): seed {shared[0]} has been used at a larger dimension, so runs "
                "would not be independent; give each ensemble seeds of its own"
            )
        used |= set(chosen)


def independent(owner: str, which: str, seeds: Sequence[int]) -> None:
    """Refuses fewer than three runs, and seeds that repeat."""
    if len(seeds) < _LEAST:
        raise ValueError(
            f"{owner}({which}): {len(seeds)} runs; at least {_LEAST} seeds are needed for an error bar, 20 for a "
            "sharp one"
        )
    if repeated := sorted({s for s in seeds if list(seeds).count(s) > 1}):
        raise ValueError(
            f"{owner}({which}): seed {repeated[0]} repeats, so runs are not independent; simulate with distinct seeds"
        )
