"""Averages that resist quadrature: their errors, where they are worst, and what is said of them.

Beside all that integrates or evaluates a limit. Averages across boundaries are taken by nested adaptive rules, which
estimate what they leave (:mod:`symhigh.codegen.nested_source`); the generated ``doubt`` tells it at any state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from symhigh.codegen.lower import Average, averages, resists
from symhigh.codegen.nested_source import EVALUATIONS, REFUSED
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.integration.stepper import March
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import warn

_LEAST = 1e-12
"""The smallest error, in parts of the average of the modulus, that estimates tell from rounding."""

_ENDLESS = 0.01
"""The error from which on an average may well not exist."""

_NOT_FOUND = float(np.finfo(float).max)
"""Stands for no error at all; an infinite one says that the evaluations are used up."""

_LONGEST = 160
"""How much of an integrand is shown."""

_REMEDY = (
    "write the loss without that boundary, |u| as sqrt(u**2 + c**2) or a step as tanh(u/c) with a small c, and see "
    "that results do not depend on c"
)


Doubted = tuple[Average, ...]


@dataclass
class Doubts:
    """The worst error of each average so far and the time of it; ``rtol`` is what the result was asked for."""

    rtol: float
    result: str = "the curve"
    worst: dict[Average, tuple[float, float]] = field(default_factory=dict)

    def look(self, system: MomentSystem, kernels: Any, t: float, y: Array, data: tuple[Array, ...], now: float) -> None:
        """Take in the errors of the averages of ``system`` at a state, by its generated functions."""
        if nodes := averages(system):
            self.take(nodes, errors_at(nodes, kernels, t, y, data), now)

    def follow(self, march: March, now: float) -> None:
        """Take in the errors at the present state of an integration."""
        self.look(march.system, march.kernels, float(march.clock[0]), march.present, march.data, now)

    def take(self, nodes: Doubted, errors: Array, now: float) -> None:
        """Take in errors of averages at a time."""
        for node, error in zip(nodes, np.where(np.isnan(errors), _NOT_FOUND, errors).tolist(), strict=True):
            if error > self.worst.get(node, (-1.0, 0.0))[0]:
                self.worst[node] = error, now

    def settle(self, owner: str) -> None:
        """Refuse what these averages do not carry, and warn where it is less accurate than it was asked for."""
        if refusal := self.refusal():
            raise ValueError(f"{owner}: {refusal}")
        if text := self.warning():
            warn(f"{owner}: {text}")

    def refusal(self) -> str:
        """Why there is no curve where an average is off by more than can be taken; empty where none is."""
        if self.error <= 0.1 * REFUSED:
            return ""
        endless = "; it may be infinite, as where a rate has a pole: bound it" if _ENDLESS < self.error < np.inf else ""
        return f"{self._said()}{endless}; {_REMEDY}"

    def warning(self) -> str:
        """How accurate the curve is where averages are less accurate than it was asked for; empty where they are."""
        known = self.error <= max(self.rtol, _LEAST)
        return "" if known else f"{self._said()}: {self.result} is no better, though rtol={self.rtol:g}; {_REMEDY}"

    @property
    def error(self) -> float:
        """The worst of all."""
        return max((error for error, _ in self.worst.values()), default=0.0)

    @property
    def heavy(self) -> bool:
        """Whether an average may take a second: over three variables, or over the nodes of a mixing law."""
        return any(isinstance(node, MixtureMean) or node.dimension > 2 for node in self.worst)

    def _said(self) -> str:
        """What is known of the worst average, and where."""
        node, (error, when) = max(self.worst.items(), key=lambda item: item[1][0])
        if isinstance(node, MixtureMean):
            node = min(filter(resists, node.atoms(GaussianMean)), key=sp.default_sort_key)
        plain = {v: sp.Symbol(v.name) for v in node.variables}
        name, over = str(node.integrand.xreplace(plain)), ", ".join(v.name for v in node.variables)
        name = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        known = "not found" if error == _NOT_FOUND else f"known to {error:.1e} of its size only"
        if error == np.inf:
            known = f"not found in {EVALUATIONS:.0e} evaluations of it"
        return f"at t = {when:.4g} the average of {name} over Gaussian {over} is {known}"



def errors_at(nodes: Doubted, kernels: Any, t: float, y: Array, data: tuple[Array, ...]) -> Array:
    """The errors of averages at a state, in parts of those of their modulus."""
    out = np.zeros(len(nodes))
    kernels.doubt(t, y, out, *data)
    return out
