"""Averages that resist quadrature along a curve: their errors, where they are worst, and what is said of them.

Beside :func:`~symhigh.integration.solve.solve`. Averages across boundaries are taken by nested adaptive rules, which
estimate what they leave (:mod:`symhigh.codegen.nested_source`); the generated ``doubt`` tells it at any state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import sympy as sp

from symhigh.codegen.lower import averages
from symhigh.codegen.nested_source import REFUSED
from symhigh.derivation.gaussian import GaussianMean
from symhigh.integration.stepper import March

_LEAST = 1e-12
"""The smallest error, in parts of the average of the modulus, that estimates tell from rounding."""

_ENDLESS = 0.01
"""The error from which on an average may well not exist."""

_LONGEST = 160
"""How much of an integrand is shown."""

_REMEDY = (
    "write the loss without that boundary, |u| as sqrt(u**2 + c**2) or a step as tanh(u/c) with a small c, and see "
    "that the curve does not depend on c"
)


@dataclass
class Doubts:
    """The worst error of each average so far and the time of it; ``rtol`` is what the curve was asked for."""

    rtol: float
    worst: dict[GaussianMean, tuple[float, float]] = field(default_factory=dict)

    def look(self, march: March, now: float) -> None:
        """Take in the errors at the present state."""
        if not (nodes := averages(march.system)):
            return
        out = np.zeros(len(nodes))
        march.kernels.doubt(
            float(march.clock[0]), march.work[1] if march.clock[5] > 0 else march.y, out, *march.data
        )
        for node, error in zip(nodes, np.where(np.isnan(out), np.inf, out).tolist(), strict=True):
            if error > self.worst.get(node, (-1.0, 0.0))[0]:
                self.worst[node] = error, now

    def refusal(self) -> str:
        """Why there is no curve where an average is off by more than can be taken; empty where none is."""
        if self._error <= 0.1 * REFUSED:
            return ""
        endless = "; it may be infinite, as where a rate has a pole: bound it" if self._error > _ENDLESS else ""
        return f"{self._said()}{endless}; {_REMEDY}"

    def warning(self) -> str:
        """How accurate the curve is where averages are less accurate than it was asked for; empty where they are."""
        known = self._error <= max(self.rtol, _LEAST)
        return "" if known else f"{self._said()}: the curve is no better, though rtol={self.rtol:g}; {_REMEDY}"

    @property
    def _error(self) -> float:
        return max((error for error, _ in self.worst.values()), default=0.0)

    def _said(self) -> str:
        """What is known of the worst average, and where."""
        node, (error, when) = max(self.worst.items(), key=lambda item: item[1][0])
        plain = {v: sp.Symbol(v.name) for v in node.variables}
        name, over = str(node.integrand.xreplace(plain)), ", ".join(v.name for v in node.variables)
        name = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        known = f"known to {error:.1e} of its size only" if np.isfinite(error) else "not found"
        return f"at t = {when:.4g} the average of {name} over Gaussian {over} is {known}"

