"""The curve of a limit, which draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symhigh.integration import curve
from symhigh.report.figures import plot_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Curve(curve.Curve):
    __doc__ = curve.Curve.__doc__

    def plot(self, what: str = "risk", ax: Axes | None = None, **style: Any) -> Axes:
        """Draw one output against time; returns the axes. ``style`` is what ``Axes.plot`` takes."""
        return plot_curve(self, what, ax, **style)
