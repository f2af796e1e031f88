"""Idealised rules at a fraction of a threshold. Source: *The High Line* (arXiv 2405.19585), (12), (88), (90)-(92)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import rule
from symhigh.rule import parameters as given
from symhigh.rule.rule import Rule
from symhigh.symbols import OwnedSymbol, distance, risk

FRACTION = OwnedSymbol("fraction", positive=True)


@dataclass(frozen=True)
class _Threshold(Rule):
    """A fraction of the rate beyond which the objective grows: that is twice its minimiser."""

    fraction: Any = 1

    def __post_init__(self) -> None:
        value = parameter(
            type(self).__name__,
            "fraction",
            self.fraction,
            positive=True,
            meaning="the fraction of the threshold",
        )
        object.__setattr__(self, "fraction", value)

    @property
    def multiple(self) -> sp.Expr:
        return 2 * FRACTION

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {FRACTION: self.fraction}


@rule("distance-threshold", given.FRACTION)
class DistanceThreshold(_Threshold):
    """``fraction · 2A/(τ I)``: at fraction 1 the distance ``‖X - X*‖²`` stays, below it falls. Polyak's is 1/2."""

    @property
    def objective(self) -> sp.Expr:
        return distance


@rule("risk-threshold", given.FRACTION)
class RiskThreshold(_Threshold):
    """``fraction`` times the rate at which the risk neither falls nor grows. Exact line search is 1/2."""

    @property
    def objective(self) -> sp.Expr:
        return risk
