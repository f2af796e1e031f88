"""The result of integrating a limit: its outputs on a time grid.

Stands between integration and whatever reads curves (comparison, figures, files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symhigh.integration.outputs import Outputs
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem


@dataclass(frozen=True, eq=False)
class Curve(Outputs):
    """Outputs of a limit at the times ``t`` (shape (T,), steps/d); one array of shape (T,) per output.

    ``complete`` tells whether the end was reached, of the time interval or by an event asked for; otherwise ``message``
    says where and why it was not, and the arrays hold what there is. ``rtol`` is the relative tolerance that was asked
    for, ``events`` holds by name the times, increasing, at which an event happened, ``errors`` the standard error of
    each output where it comes of particles.
    """

    t: Array
    outputs: Mapping[str, Array]
    system: MomentSystem
    spectrum: Any
    start: Any
    rtol: float
    complete: bool = True
    message: str = ""
    statistics: Mapping[str, int] = field(default_factory=dict)
    events: Mapping[str, Array] = field(default_factory=dict)
    errors: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def excess_risk(self) -> Array:
        """The risk minus its minimum over X."""
        from symhigh.integration.minimum import minimal_risk

        return self.risk - minimal_risk(self.system, self.spectrum, self.start)

    def __repr__(self) -> str:
        state = "" if self.complete else f", stopped: {self.message}"
        span = f"t = {self.t[0]:g} … {self.t[-1]:g}, " if self.t.size else ""
        return f"Curve({', '.join(self.outputs)}; {span}{self.t.size} times{state})"
