"""Sign SGD. Source: Bernstein et al. (arXiv 1802.04434)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import rule
from symhigh.rule import parameters as given
from symhigh.rule.constant import RATE
from symhigh.rule.rule import Rule
from symhigh.symbols import G, X, d, g


@rule("sign-sgd", given.GAMMA)
@dataclass(frozen=True)
class SignSGD(Rule):
    """``X⁺ = X - (gamma/d) sign(∇f)``, entry by entry; ``gamma`` > 0. K must be diagonal in these coordinates."""

    gamma: Any

    def __post_init__(self) -> None:
        value = parameter("SignSGD", "gamma", self.gamma, positive=True, meaning="the learning rate")
        object.__setattr__(self, "gamma", value)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: X - g / d * sp.sign(G)}

    @property
    def rate(self) -> sp.Expr:
        return RATE

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RATE: self.gamma}
