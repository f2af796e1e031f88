"""Idealised exact line search. Source: *The High Line* (arXiv 2405.19585), (90)-(92) and Table 2."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.entries import rule
from symhigh.rule.rule import Rule
from symhigh.symbols import risk


@rule("line-search")
@dataclass(frozen=True)
class LineSearch(Rule):
    """The learning rate that decreases the population risk fastest at each time.

    Idealised: it knows the population quantities at the iterate. The risk's drift is quadratic in the rate, and the
    rule takes its stationary point, of either sign. Where the risk is so concave that gradient noise lowers it
    (``c₁ < 0`` for K = I, as near the origin of phase retrieval), that point is the worst rate and no best one exists;
    the rate diverges where c₁ vanishes, and a curve stops there.
    """

    @property
    def objective(self) -> sp.Expr:
        return risk
