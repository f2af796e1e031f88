"""AdaGrad-Norm. Source: *The High Line* (arXiv 2405.19585), (15)-(17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import d, gradient_square

ETA = sp.Symbol("eta", positive=True)
B0 = sp.Symbol("b", positive=True)
ACCUMULATOR = sp.Symbol("b_k^2", positive=True)


@dataclass(frozen=True)
class AdaGradNorm(Rule):
    """``g_k = eta/b_k`` with ``b_k² = b_{k-1}² + ‖∇f_k‖²/d²`` and ``b_0 = b``; both parameters > 0."""

    eta: Any
    b: Any

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "eta",
            parameter(
                "AdaGradNorm", "eta", self.eta, positive=True, meaning="the numerator of the learning rate"
            ),
        )
        object.__setattr__(
            self,
            "b",
            parameter("AdaGradNorm", "b", self.b, positive=True, meaning="the starting accumulator"),
        )

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (Memory(ACCUMULATOR, increment=gradient_square / d**2, initial=B0**2),)

    @property
    def rate(self) -> sp.Expr:
        return ETA / sp.sqrt(ACCUMULATOR)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {ETA: self.eta, B0: self.b}
