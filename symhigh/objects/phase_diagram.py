"""Phase diagrams, which draw themselves; :func:`phase_diagram`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symhigh.checks import instance
from symhigh.integration import phase
from symhigh.objects.systems import DensitySystem, MomentSystem, ParticleSystem
from symhigh.objects.view import seen_as
from symhigh.report.phase_figure import plot_phase_diagram

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class PhaseDiagram(phase.PhaseDiagram):
    __doc__ = phase.PhaseDiagram.__doc__

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the quantity over x and y; points without a value are shaded by their status, which a legend names.

        Returns the axes. ``style`` is what ``Axes.pcolormesh`` takes.
        """
        return plot_phase_diagram(self, ax, **style)


def phase_diagram(
    system: MomentSystem,
    x: Any,
    y: Any,
    quantity: str | Callable[[phase.Ends], Any] = "risk",
    spectrum: Any = None,
    start: Any = None,
    t_end: float | None = None,
    **options: Any,
) -> PhaseDiagram:
    """A quantity of a derived system over two of its parameters; returns :class:`PhaseDiagram`.

    Parameters
    ----------
    x, y
        ``(parameter, values)``, the parameter by its symbol or name, which has no number in problem or rule.
    quantity
        With ``t_end``, the name of an output, whose value at the end of a curve is meant, or a function of the last
        outputs, such as ``lambda end: end.risk - end.learning_rate``, where ``end.risk`` is an array (x, y). Without
        ``t_end``, the name of one of the closed forms of :func:`symhigh.limits`, such as ``"risk"`` or ``"rate"``.
    spectrum, start
        The population; for networks, classes stand for the spectrum.
    t_end
        The end of the curves, in steps/d.
    options
        Those of ``system.solve_many``, such as ``rtol``, ``threads`` or ``executor``.

    Points whose curve diverges, whose parameters are refused, or which have no limit, are NaN, marked in ``.status``,
    explained in ``.errors``, and counted by one warning. Raises ``ValueError`` where no point has a limit
    because parameters are refused at all of them, and for names that are no quantity of the system.
    """
    instance("phase_diagram", "system", system, MomentSystem, "a limit, as symhigh.derive returns it")
    networks = isinstance(system, (DensitySystem, ParticleSystem))
    if t_end is not None and not networks and (spectrum is None or start is None):
        missing = "spectrum" if spectrum is None else "start"
        raise TypeError(f"phase_diagram({missing}=None): curves need one; give a Spectrum and a Start")
    population = [given for given in (spectrum, start) if given is not None]
    found = phase.phase_diagram(system, system.solve_many, x, y, quantity, population, t_end, options)
    return seen_as(PhaseDiagram, found)
