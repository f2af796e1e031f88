"""The result of integrating a limit: its outputs on a time grid.

Stands between integration and whatever reads curves (comparison, figures, files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symhigh.problem.spectrum import Array
from symhigh.system import LimitSystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from symhigh.problem import Spectrum, Start


@dataclass(frozen=True, eq=False)
class Curve:
    """Outputs of a limit at the times ``t`` (shape (T,), steps/d); one array of shape (T,) per output.

    ``complete`` tells whether the end of the time interval was reached; otherwise ``message`` says where and why
    it was not, and the arrays hold what there is. ``rtol`` is the relative tolerance that was asked for.
    """

    t: Array
    outputs: Mapping[str, Array]
    system: LimitSystem
    spectrum: Spectrum
    start: Start
    rtol: float
    complete: bool = True
    message: str = ""
    statistics: Mapping[str, int] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Array:
        outputs = self.__dict__.get("outputs", {})
        if name in outputs:
            return np.asarray(outputs[name])
        remedy = (
            "; derive(problem, rule, reduce=False) carries overlap and norm"
            if name in ("overlap", "norm")
            else ""
        )
        raise AttributeError(
            f"a curve of this system has {', '.join(outputs)}, excess_risk, not {name!r}{remedy}"
        )

    @property
    def risk(self) -> Array:
        """Population risk h, noise included."""
        return np.asarray(self.outputs["risk"])

    @property
    def learning_rate(self) -> Array:
        """The deterministic learning rate γ."""
        return np.asarray(self.outputs["learning_rate"])

    @property
    def distance(self) -> Array:
        """Squared distance ``‖X - X*‖²``."""
        return np.asarray(self.outputs["distance"])

    @cached_property
    def excess_risk(self) -> Array:
        """The risk minus its minimum over X."""
        from symhigh.integrate.minimum import minimal_risk

        return self.risk - minimal_risk(self.system, self.spectrum, self.start)

    def plot(self, what: str = "risk", ax: Axes | None = None, **style: Any) -> Axes:
        """Draw one output against time; returns the axes."""
        from symhigh.report.figures import plot_curve

        return plot_curve(self, what, ax, **style)

    def __repr__(self) -> str:
        state = "" if self.complete else f", stopped: {self.message}"
        return f"Curve({', '.join(self.outputs)}; t = {self.t[0]:g} … {self.t[-1]:g}, {self.t.size} times{state})"
