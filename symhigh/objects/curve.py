"""The curve of a limit, which draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from symhigh.integration import curve
from symhigh.objects.view import seen_as
from symhigh.report.figures import plot_curve
from symhigh.system import MomentSystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Curve(curve.Curve):
    __doc__ = curve.Curve.__doc__

    def plot(self, what: str = "risk", ax: Axes | None = None, **style: Any) -> Axes:
        """Draw one output against time; returns the axes. ``style`` is what ``Axes.plot`` takes."""
        return plot_curve(self, what, ax, **style)

    def save(self, path: str | Path) -> Path:
        """Write the curve as a NumPy archive without pickles, ending in .npz; returns its path.

        The archive holds the outputs, and problem, rule and population, from which :meth:`load` makes the curve again.
        """
        from symhigh.files.results import save_curve

        return save_curve(self, path)

    @classmethod
    def load(cls, path: str | Path, system: MomentSystem | None = None) -> Self:
        """The curve that :meth:`save` wrote; its limit is derived anew, or given as ``system``.

        ``system`` is needed where the rule, or the law of the label noise, has no name in the registry. Raises
        ``ValueError`` for a file that holds something else, is damaged, or has another version's form.
        """
        from symhigh.files.results import load_curve
        from symhigh.integration.network import NetworkCurve
        from symhigh.objects.systems import derive

        return seen_as(cls, load_curve(path, system, issubclass(cls, NetworkCurve), derive))

    def to_dataframe(self) -> Any:
        """A ``pandas.DataFrame`` with a row a time: ``t`` and the outputs."""
        from symhigh.report.tables import curve_frame

        return curve_frame(self.t, self.outputs)

    def to_latex(self, rows: int = 11) -> str:
        """A LaTeX table, with the rules of ``booktabs``, of the outputs at about ``rows`` equally spaced times."""
        from symhigh.report.tables import outputs_latex

        return outputs_latex("Curve.to_latex", self.t, self.outputs, rows)
