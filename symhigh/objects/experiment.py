"""An experiment, which derives, solves, simulates, compares and leaves a folder; what it found.

Part of the façade: each step is one call of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symhigh import __version__
from symhigh.checks import instance, seeds
from symhigh.files import experiment as stated
from symhigh.files.folder import claim_folder, shown_outputs, write_folder
from symhigh.integration.solve import Progress
from symhigh.notation import html_table
from symhigh.objects.comparison import Comparison, compare
from symhigh.objects.curve import Curve
from symhigh.objects.runs import Runs, simulate
from symhigh.objects.systems import MomentSystem, derive
from symhigh.objects.view import seen_as
from symhigh.registry import described
from symhigh.report.figures import plot_confrontation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class Outcome:
    """What an experiment found: the derived system, its curve, the runs at each dimension, and the verdict.

    ``checks`` tells of each check whether it passed; ``passed`` whether all did, the curve is complete and no run
    diverged.
    """

    experiment: Experiment
    system: MomentSystem
    curve: Curve
    runs: tuple[Runs, ...]
    comparison: Comparison | None
    checks: Mapping[str, bool]
    files: tuple[Path, ...] = field(default=())

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong on the way: a limit that ends early, runs that diverge."""
        found = [] if self.curve.complete else [f"the limit {self.curve.message}"]
        found += [f"{len(r.messages)} of {len(r.seeds)} runs at d = {r.d} diverged" for r in self.runs if r.messages]
        return (*found, *(f"the runs at d = {r.d} were interrupted" for r in self.runs if not r.complete))

    @property
    def passed(self) -> bool:
        """Whether every check passed and nothing went wrong on the way."""
        return all(self.checks.values()) and not self.problems

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict as plain data, what ``verdict.json`` holds."""
        given = self.experiment
        return {
            "name": given.name,
            "passed": self.passed,
            "problems": list(self.problems),
            "checks": dict(self.checks),
            "comparison": None if self.comparison is None else self.comparison.summary(),
            "experiment": {
                "problem": described(given.problem),
                "rule": described(given.rule),
                "population": [_in_short(part) for part in given.population],
                "t_end": given.t_end,
                "dimensions": list(given.dimensions),
                "seeds": len(seeds("Experiment", given.seeds)) if given.dimensions else 0,
            },
            "assumptions": list(map(str, self.system.assumptions)),
            "final": {name: float(values[-1]) for name, values in self.curve.outputs.items() if values.size},
            "version": __version__,
        }

    def plot(self) -> Figure:
        """Risk and learning rate, or a network's curvature: the limit over the bands of the runs."""
        return plot_confrontation(self.curve, self.runs, shown_outputs(self.curve, self.runs))

    def summary(self) -> str:
        """The verdict in lines: of each check whether it passed, and what went wrong."""
        lines = [f"{self.experiment.name}: {'passed' if self.passed else 'failed'}"]
        lines += [f"  {'✓' if passed else '✗'} {name}" for name, passed in self.checks.items()]
        return "\n".join([*lines, *(f"  ✗ {text}" for text in self.problems)])

    def __repr__(self) -> str:
        return f"Outcome({'passed' if self.passed else 'failed'}; {len(self.checks)} checks; {self.curve!r})"

    def __str__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        rows = [("passed" if passed else "failed", name) for name, passed in self.checks.items()]
        rows += [("failed", text) for text in self.problems]
        title = f"{self.experiment.name}: {'passed' if self.passed else 'failed'}"
        return f"<p><b>{escape(title)}</b></p>{html_table(('', 'check'), rows)}"


@dataclass(frozen=True, eq=False, repr=False)
class Experiment(stated.Experiment):
    __doc__ = stated.Experiment.__doc__

    @classmethod
    def from_toml(cls, source: str | Path) -> Experiment:
        """The experiment of a TOML file, or of a text that holds more than one line.

        ``ValueError`` names file, line and key of a mistake. Formulas are read by a grammar, never evaluated.
        """
        instance("Experiment.from_toml", "source", source, (str, Path), "a path, or TOML text")
        if isinstance(source, str) and "\n" in source:
            return seen_as(cls, stated.read_experiment(source)[0])
        path = Path(source)
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ValueError(f"Experiment.from_toml({str(path)!r}): cannot be read: {reason}") from error
        return seen_as(cls, stated.read_experiment(text, path.name)[0])

    def to_toml(self) -> str:
        """The experiment as TOML, which :meth:`from_toml` reads back; refuses what has no name in the registry."""
        return stated.write_experiment(self)

    def variants(self) -> list[tuple[dict[str, Any], Experiment]]:
        """The experiments of a sweep with the values that each takes; itself where nothing is swept."""
        return [(values, seen_as(Experiment, found)) for values, found in stated.variants(self)]

    def derive(self) -> MomentSystem:
        """The limit."""
        return derive(self.problem, self.rule)

    def run(self, folder: str | Path | None = None, progress: Progress | None = None) -> Outcome:
        """Derive, solve, simulate, compare and check; with ``folder`` write all of it there.

        The folder holds ``experiment.toml``, ``equations.txt`` and ``.tex``, ``curve.csv``, the runs of each dimension
        as CSV and NumPy arrays, ``figure.png`` and ``.pdf``, and ``verdict.json``. A sweep has several experiments;
        run each of :meth:`variants`.
        """
        if self.sweep:
            raise ValueError("Experiment.run: this is a sweep; run each of its variants()")
        place = None if folder is None else claim_folder(folder)
        text = "" if place is None else self.to_toml()  # what cannot be written is said before any work
        system = self.derive()
        curve = self._solve(system)
        self._check_names(curve)
        runs = tuple(self._simulate(d, progress) for d in self.dimensions)
        comparison = None
        checks = {str(check): self._holds(check, curve) for check in self.expected}
        if runs and self.agree and runs[-1].complete:
            comparison = compare(curve, runs[-1], None if isinstance(self.agree, bool) else self.agree, self.alarm)
            checks[f"the limit agrees with runs at d = {runs[-1].d}"] = bool(comparison.agrees)
        outcome = Outcome(self, system, curve, runs, comparison, checks)
        if place is None or not text:
            return outcome
        files = write_folder(place, self, system, curve, runs, outcome.verdict)
        return Outcome(self, system, curve, runs, comparison, checks, tuple(files))

    def _solve(self, system: MomentSystem) -> Curve:
        """The curve, at the output times and at those of checks."""
        wanted = [check.at for check in self.expected if check.at is not None]
        times = np.linspace(0.0, self.t_end, 201) if self.times is None else np.asarray(self.times, dtype=float)
        solve: Any = system.solve  # the population has one part or two
        return solve(*self.population, t_end=self.t_end, t=np.unique(np.concatenate([times, wanted])))

    def _simulate(self, d: int, progress: Progress | None) -> Runs:
        cost = [float(size) ** 2 for size in self.dimensions]
        place = self.dimensions.index(d)
        done, share = sum(cost[:place]) / sum(cost), cost[place] / sum(cost)
        report = None if progress is None else lambda fraction: progress(done + share * fraction)
        options: Any = {"d": d, "t_end": self.t_end, "seeds": self.seeds, "method": self.method, "progress": report}
        return simulate(self.problem, self.rule, *self.population, **options)

    def _check_names(self, curve: Curve) -> None:
        """Refuse checks of outputs that there are not, before anything is simulated."""
        asked = [check.output for check in self.expected]
        asked += [] if isinstance(self.agree, bool) or not self.dimensions else list(self.agree)
        for name in asked:
            if name not in (*curve.outputs, "excess_risk"):
                raise ValueError(f"Experiment(output={name!r}): the limit has {', '.join(curve.outputs)}, excess_risk")

    def _holds(self, check: stated.Expected, curve: Curve) -> bool:
        values, at = getattr(curve, check.output), self.t_end if check.at is None else check.at
        place = int(np.argmin(np.abs(curve.t - at))) if curve.t.size else -1
        reached = place >= 0 and abs(curve.t[place] - at) <= 1e-9 * max(1.0, at)
        return bool(reached and check.holds(float(values[place])))


def _in_short(part: Any) -> str:
    text = described(part) if type(part).__name__ == "Start" else repr(part)
    return text if len(text) < 300 else text[:299] + "…"
