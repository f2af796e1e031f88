"""Simulated runs, which repeat and draw themselves; :func:`simulate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sympy as sp

from symhigh.objects.view import documented_by, seen_as
from symhigh.population.spectrum import Array
from symhigh.problem import Problem
from symhigh.report.figures import plot_bands
from symhigh.simulation import runner, runs
from symhigh.system import MomentSystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.random import BitGenerator

    from symhigh.integration.solve import Progress


@dataclass(frozen=True, eq=False, repr=False)
class Runs(runs.Runs):
    __doc__ = runs.Runs.__doc__

    @documented_by(runner.again)
    def again(
        self, d: int, seeds: int | Sequence[int], t: Any = None, population: Sequence[Any] | None = None
    ) -> Runs:
        return seen_as(Runs, runner.again(self, d, seeds, t, population))

    @documented_by(plot_bands)
    def plot(
        self,
        what: str = "risk",
        ax: Axes | None = None,
        low: float = 0.1,
        high: float = 0.9,
        colour: str | None = None,
    ) -> Axes:
        return plot_bands(self, what, ax, low, high, colour)

    def save(self, path: str | Path) -> Path:
        """Write the runs as a NumPy archive without pickles, ending in .npz; returns its path.

        The archive holds the outputs, and problem, rule, population and seeds, so that :meth:`load` makes runs that
        can be compared, drawn and repeated.
        """
        from symhigh.files.results import save_runs

        return save_runs(self, path)

    @classmethod
    def load(cls, path: str | Path, system: MomentSystem | None = None) -> Self:
        """The runs that :meth:`save` wrote; ``system`` tells problem and rule where these have no name in the registry.

        Raises ``ValueError`` for a file that holds something else, is damaged, or has another version's form.
        """
        from symhigh.files.results import load_runs

        return seen_as(cls, load_runs(path, system))

    def to_dataframe(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each run and time: ``seed``, ``t`` and the outputs."""
        from symhigh.report.tables import runs_frame

        return runs_frame(self.t, self.seeds, self.outputs)

    def to_latex(self, rows: int = 11) -> str:
        """A LaTeX table, with the rules of ``booktabs``, of the means over the runs at about ``rows`` times."""
        from symhigh.report.tables import outputs_latex

        return outputs_latex("Runs.to_latex", self.t, self.outputs, rows)


@documented_by(runner.simulate)
def simulate(
    problem: Problem | MomentSystem,
    rule: Any,
    spectrum: Any = None,
    start: Any = None,
    d: Any = None,
    t_end: Any = None,
    seeds: int | Sequence[int] = 10,
    method: str = "auto",
    t: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    generator: type[BitGenerator] | None = None,
    *,
    covariance: Any = None,
    observables: Mapping[str, Callable[..., Array] | sp.Expr] | None = None,
) -> Runs:
    return seen_as(Runs, runner.simulate(
        problem, rule, spectrum, start, d, t_end, seeds, method, t, threads, progress, generator,
        covariance=covariance, observables=observables,
    ))  # fmt: skip
