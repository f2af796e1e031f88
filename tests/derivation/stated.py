"""A rule that is stated part by part: whatever step, rate, memories and cells a test of the passes asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symhigh.rule import Memory, Rule
from symhigh.symbols import G, X, d, g

SGD = X - g / d * G


@dataclass(frozen=True)
class Stated(Rule):
    """Descent by the gradient at the rate one, but for what is given."""

    moves: dict[sp.Symbol, sp.Expr] = field(default_factory=lambda: {X: SGD})
    remembers: tuple[Memory, ...] = ()
    holds: tuple[Memory, ...] = ()
    speed: Any = sp.S.One
    given: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return self.moves

    @property
    def memory(self) -> tuple[Memory, ...]:
        return self.remembers

    @property
    def cells(self) -> tuple[Memory, ...]:
        return self.holds

    @property
    def rate(self) -> Any:
        return self.speed

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return self.given
