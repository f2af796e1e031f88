"""The idealised Polyak step. Source: *The High Line* (arXiv 2405.19585), (12) and (89)."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.entries import rule
from symhigh.rule.rule import Rule
from symhigh.symbols import distance


@rule("polyak")
@dataclass(frozen=True)
class Polyak(Rule):
    """The learning rate that decreases the squared distance ``‖X - X*‖²`` fastest at each time.

    Idealised: it knows the population quantities at the iterate. Half of the distance threshold, the rate
    beyond which the distance grows. Where the gradient leads away from the target, as near the origin of phase
    retrieval, the best rate is negative, and the rule takes it.
    """

    @property
    def objective(self) -> sp.Expr:
        return distance
