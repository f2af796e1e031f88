"""Idealised exact line search. Source: *The High Line* (arXiv 2405.19585), (90)-(92) and Table 2."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.rule.rule import Rule
from symhigh.symbols import risk


@dataclass(frozen=True)
class LineSearch(Rule):
    """The learning rate that decreases the population risk fastest at each time.

    Idealised: it knows the population quantities at the iterate.
    """

    @property
    def objective(self) -> sp.Expr:
        return risk
