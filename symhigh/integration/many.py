"""Many curves as one result: outputs on a grid of parameters, spectra and starts, with what became of every point.

The result of :mod:`symhigh.integration.scan`; read by phase diagrams, tables and figures.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symhigh.checks import optional
from symhigh.codegen.control import DIVERGED, NEGATIVE, REACHED, SPENT, STUCK
from symhigh.codegen.course import MARKS
from symhigh.integration.axes import Grid
from symhigh.integration.curve import Curve
from symhigh.integration.stops import why
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import warn

COMPLETE, BROKEN, STOPPED, REFUSED, IMPRECISE, NOT_RUN = (
    "complete", "diverged", "stopped", "refused", "imprecise", "not run"
)  # fmt: skip
"""What became of a point: it reached the end, diverged, was stopped for another reason, could not be posed, has lost
digits of small outputs, or was not run before an interruption."""

STATUS = {REACHED: COMPLETE, DIVERGED: BROKEN, STUCK: STOPPED, NEGATIVE: STOPPED, SPENT: STOPPED}


@dataclass(frozen=True, eq=False)
class Marked:
    """Points ``which`` that compiled code stopped at, and what it left of each: rows of marks."""

    which: Array
    marks: Array
    system: MomentSystem
    times: Array
    budget: int

    def messages(self, count: int | None = None) -> dict[int, str]:
        """Why each ended where it did; of the first ``count``, if that is given."""
        width, found = len(self.system.outputs), {}
        for point, marks in zip(self.which[:count].tolist(), self.marks[:count], strict=True):
            row = int(marks[1])
            ends = (marks[MARKS + width :], marks[MARKS : MARKS + width]) if row else None
            last = float(self.times[max(row - 1, 0)])
            found[point] = why(int(marks[0]), self.system, ends, last, float(marks[2]), self.budget)
        return found


@dataclass(frozen=True, eq=False)
class ManyCurves:
    """The curves of a limit on a grid: ``values[output]`` has one axis for each of ``axes``, in order, then time.

    ``axes`` maps the name of each axis to its values, ``t`` (T,) are the output times, in steps/d. ``status`` has the
    shape of the grid and says of every point ``"complete"``, ``"diverged"``, ``"stopped"``, ``"refused"``,
    ``"imprecise"`` or ``"not run"``; ``errors`` says why, for all that are not complete, by place in the grid. Values
    are NaN from where a curve stopped.
    """

    axes: Mapping[str, tuple[Any, ...]]
    t: Array
    values: Mapping[str, Array]
    status: Array
    said: Mapping[int, str]
    marked: tuple[Marked, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values on each axis."""
        return tuple(map(len, self.axes.values()))

    @property
    def complete(self) -> bool:
        """Whether all curves reached the end."""
        return bool((self.status == COMPLETE).all())

    @cached_property
    def errors(self) -> dict[tuple[int, ...], str]:
        """Why a point is not complete, by its place in the grid."""
        found = dict(self.said)
        for marked in self.marked:
            found |= marked.messages()
        points = sorted(found)
        places = zip(*(k.tolist() for k in np.unravel_index(np.array(points, dtype=np.intp), self.shape)), strict=True)
        return {place: found[point] for place, point in zip(places, points, strict=True)}

    @property
    def first_error(self) -> tuple[tuple[int, ...], str]:
        """The first point, in the order of the grid, that is not complete, and why."""
        point = int(np.argmax(self.status.ravel() != COMPLETE))
        found = dict(self.said)
        for marked in self.marked:
            found |= marked.messages(1)
        return tuple(int(k) for k in np.unravel_index(point, self.shape)), found[point]

    def where(self, place: tuple[int, ...]) -> dict[str, Any]:
        """The values of the axes at a place of the grid."""
        return {name: values[k] for (name, values), k in zip(self.axes.items(), place, strict=True)}

    def to_dataframe(self) -> Any:
        """A ``pandas.DataFrame`` with a row for every point and time: the axes, ``t``, the outputs, and ``status``."""
        pandas = optional("to_dataframe", "pandas")
        count = self.t.size
        places = np.indices(self.shape).reshape(len(self.shape), -1)
        columns: dict[str, Any] = {}
        for (name, values), place in zip(self.axes.items(), places, strict=True):
            plain = all(isinstance(v, (int, float)) for v in values)
            kept = np.array(values if plain else [*map(repr, values)])
            columns[name] = np.repeat(kept[place], count)
        columns["t"] = np.tile(self.t, places.shape[1])
        columns |= {name: value.ravel() for name, value in self.values.items()}
        columns["status"] = np.repeat(self.status.ravel(), count)
        return pandas.DataFrame(columns)

    def __repr__(self) -> str:
        axes = " x ".join(f"{len(v)} {name}" for name, v in self.axes.items())
        return f"ManyCurves({', '.join(self.values)}; {axes}; {self.t.size} times; {self.summary()})"

    def summary(self) -> str:
        """How many points have each status, in words."""
        words, counts = np.unique(self.status, return_counts=True)
        return ", ".join(f"{n} {word}" for word, n in zip(words.tolist(), counts.tolist(), strict=True))


class Results:
    """The values of a scan while they come in: outputs (outputs, points, times), statuses, and what is said."""

    def __init__(self, points: int, times: Array, names: Sequence[str] | None) -> None:
        self.points, self.times, self.names = points, times, names
        self.status = np.full(points, NOT_RUN, dtype=f"<U{len(IMPRECISE)}")
        self.said: dict[int, str] = {}
        self.marked: list[Marked] = []
        self.values: Array | None = None
        self._lock = threading.Lock()

    def filled(self, names: Sequence[str]) -> Array:
        """The array of values, made when the names of the outputs are known."""
        with self._lock:
            if self.values is None:
                self.names = tuple(names) if self.names is None else self.names
                self.values = np.full((len(self.names), self.points, self.times.size), np.nan)
            return self.values

    @property
    def left(self) -> Array:
        """The points of which nothing is known yet."""
        return np.flatnonzero(self.status == NOT_RUN)

    def refuse(self, point: int, reason: str) -> None:
        self.status[point], self.said[point] = REFUSED, reason

    def put(self, point: int, curve: Curve, note: str) -> None:
        """A curve that was solved by itself."""
        values = self.filled(tuple(curve.outputs))
        for k, name in enumerate(self.names or ()):
            values[k, point, : curve.t.size] = curve.outputs[name]
        diverged = curve.message.startswith(BROKEN)
        self.status[point] = (BROKEN if diverged else STOPPED) if curve.message else IMPRECISE if note else COMPLETE
        if text := curve.message or note:
            self.said[point] = text

    def made(self, owner: str, grid: Grid, interrupted: bool) -> ManyCurves:
        """The result, and one warning where there is anything to be said."""
        if (self.status == REFUSED).all():
            every = f"; all {self.points} points are refused" if self.points > 1 else ""
            raise ValueError(self.said[0] + every)
        for point in self.left.tolist():
            self.said[point] = "interrupted before it was solved"
        values = self.filled(self.names or ()).reshape(-1, *grid.shape, self.times.size)
        found = ManyCurves(
            grid.named, self.times, dict(zip(self.names or (), values, strict=True)),
            self.status.reshape(grid.shape), self.said, tuple(self.marked),
        )  # fmt: skip
        if not found.complete:
            place, reason = found.first_error
            shown = ", ".join(f"{name} = {value}" for name, value in found.where(place).items())
            begun = "interrupted; " if interrupted else ""
            warn(
                f"{owner}: {begun}of {self.points} curves {found.summary()}; .status and .errors say which and why. "
                f"At {shown}: {reason}",
            )  # fmt: skip
        return found
