"""A constant learning rate. Source: *The High Line* (arXiv 2405.19585), section 3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import rule
from symhigh.rule import parameters as given
from symhigh.rule.rule import Rule
from symhigh.symbols import OwnedSymbol

RATE = OwnedSymbol("gamma_0", positive=True)


@rule("constant", given.GAMMA)
@dataclass(frozen=True)
class Constant(Rule):
    """``g_k = gamma`` for every step; ``gamma > 0``, a number or a SymPy expression."""

    gamma: Any

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "gamma",
            parameter("Constant", "gamma", self.gamma, positive=True, meaning="the learning rate"),
        )

    @property
    def rate(self) -> sp.Expr:
        return RATE

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RATE: self.gamma}
