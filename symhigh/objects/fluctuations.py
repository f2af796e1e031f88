"""The result of a linear theory, which draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from symhigh.integration import bands
from symhigh.objects.view import documented_by
from symhigh.report.figures import plot_fluctuations
from symhigh.simulation.runs import Runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Fluctuations(bands.Fluctuations):
    __doc__ = bands.Fluctuations.__doc__

    @documented_by(plot_fluctuations)
    def plot(
        self,
        what: str = "risk",
        d: int | None = None,
        runs: Runs | None = None,
        ax: Axes | None = None,
        low: float = 0.1,
        high: float = 0.9,
    ) -> Axes:
        return plot_fluctuations(self, what, d, runs, ax, low, high)
