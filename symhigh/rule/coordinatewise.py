"""Methods with one cell a coordinate: AdaGrad, RMSprop and Adam on the time scale of d steps.

The source of each stands with it. K must be diagonal in these coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter, power_in_range
from symhigh.entries import rule
from symhigh.rule import parameters as given
from symhigh.rule.adagrad_norm import B0, ETA
from symhigh.rule.constant import RATE
from symhigh.rule.momentum import FRICTION, M
from symhigh.rule.rmsprop_norm import ALPHA
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import G, OwnedSymbol, X, d, g

CELL = OwnedSymbol("s", positive=True)


def _checked(rule: Rule, **meanings: str) -> None:
    for name, meaning in meanings.items():
        value = parameter(type(rule).__name__, name, getattr(rule, name), positive=True, meaning=meaning)
        object.__setattr__(rule, name, value)
    power_in_range(type(rule).__name__, "b", rule.b, sp.Integer(2))  # type: ignore[attr-defined]


class _Cells(Rule):
    """``X⁺ = X - (g/d) ∇f/√s``, entry by entry."""

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: X - g / d * G / sp.sqrt(CELL)}


class _Forgetting(_Cells):
    """Cells that forget at the rate alpha per d steps, and a constant rate."""

    @property
    def cells(self) -> tuple[Memory, ...]:
        return (Memory(CELL, ALPHA * (G**2 - CELL) / d, B0**2),)

    @property
    def rate(self) -> sp.Expr:
        return RATE


@rule("adagrad", given.ETA, given.B)
@dataclass(frozen=True)
class AdaGrad(_Cells):
    """``s⁺ = s + (∇f)²/d``, ``s(0) = b²``, ``X⁺ = X - (eta/d) ∇f/√s``, entry by entry; eta, b > 0.

    Source: Duchi, Hazan, Singer (2011).
    """

    eta: Any
    b: Any

    def __post_init__(self) -> None:
        _checked(self, eta="the numerator of the learning rate", b="the square root of the starting cells")

    @property
    def cells(self) -> tuple[Memory, ...]:
        return (Memory(CELL, G**2 / d, B0**2),)

    @property
    def rate(self) -> sp.Expr:
        return ETA

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {ETA: self.eta, B0: self.b}


@rule("rmsprop", given.GAMMA, given.ALPHA, given.B)
@dataclass(frozen=True)
class RMSprop(_Forgetting):
    """``s⁺ = s + alpha ((∇f)² - s)/d``, ``s(0) = b²``, ``X⁺ = X - (gamma/d) ∇f/√s``, entry by entry; all > 0.

    Source: Tieleman and Hinton (2012).
    """

    gamma: Any
    alpha: Any
    b: Any

    def __post_init__(self) -> None:
        _checked(
            self,
            gamma="the learning rate",
            alpha="the rate per d steps at which the cells forget",
            b="the square root of the starting cells",
        )

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RATE: self.gamma, ALPHA: self.alpha, B0: self.b}


@rule("adam", given.GAMMA, given.FRICTION, given.ALPHA, given.B)
@dataclass(frozen=True)
class Adam(_Forgetting):
    """``M⁺ = M + friction (∇f - M)/d``, ``s⁺ = s + alpha ((∇f)² - s)/d``, ``X⁺ = X - (gamma/d) M/√s``; all > 0.

    So ``β₁ = 1 - friction/d`` and ``β₂ = 1 - alpha/d``; M starts at 0 and s at b². Fixed β₁ and β₂, which forget within
    O(1) steps, have another limit: :func:`~symhigh.adam_constants`. Source: Kingma and Ba (arXiv 1412.6980).
    """

    gamma: Any
    friction: Any
    alpha: Any
    b: Any

    def __post_init__(self) -> None:
        _checked(
            self,
            gamma="the learning rate",
            friction="the rate per d steps at which the momentum forgets, d (1 - beta1)",
            alpha="the rate per d steps at which the cells forget, d (1 - beta2)",
            b="the square root of the starting cells",
        )

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: X - g / d * M / sp.sqrt(CELL), M: M + FRICTION * (G - M) / d}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RATE: self.gamma, FRICTION: self.friction, ALPHA: self.alpha, B0: self.b}
