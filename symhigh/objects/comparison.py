"""The comparison of a curve with runs, which draws itself; :func:`compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from symhigh.integration.curve import Curve
from symhigh.integration.network import NetworkCurve
from symhigh.ledger import comparison, outcome
from symhigh.objects.view import documented_by, seen_as
from symhigh.report.figures import plot_comparison
from symhigh.simulation.runs import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(outcome.Comparison):
    __doc__ = outcome.Comparison.__doc__

    @documented_by(plot_comparison)
    def plot(self, what: str | None = None, ax: Axes | None = None) -> Axes:
        return plot_comparison(self, what, ax)

    def save(self, path: str | Path) -> Path:
        """Write the comparison as a NumPy archive without pickles, ending in .npz; returns its path."""
        from symhigh.files.results import save_comparison

        return save_comparison(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The comparison that :meth:`save` wrote.

        Raises ``ValueError`` for a file that holds something else, is damaged, or has another version's form.
        """
        from symhigh.files.results import load_comparison

        return seen_as(cls, load_comparison(path))

    def to_dataframe(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each output and time: the error, its band and their ratio."""
        from symhigh.report.tables import comparison_frame

        return comparison_frame(self.t, self.deviations)

    def to_latex(self) -> str:
        """A LaTeX table with the rules of ``booktabs``: each output's largest deviation, the band there, and when."""
        from symhigh.report.tables import comparison_latex

        return comparison_latex(self.t, self.deviations)


@documented_by(comparison.compare)
def compare(
    curve: Curve | NetworkCurve,
    runs: Runs,
    what: str | Sequence[str] | None = None,
    alarm: float = 0.01,
    companions: Sequence[Runs] | None = None,
) -> Comparison:
    return seen_as(Comparison, comparison.compare(curve, runs, what, alarm, companions))
