"""The comparison of a curve with runs, which draws itself; :func:`compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


@documented_by(comparison.compare)
def compare(
    curve: Curve | NetworkCurve,
    runs: Runs,
    what: str | Sequence[str] | None = None,
    alarm: float = 0.01,
    companions: Sequence[Runs] | None = None,
) -> Comparison:
    return seen_as(Comparison, comparison.compare(curve, runs, what, alarm, companions))
