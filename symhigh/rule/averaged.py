"""Averages of the iterates, and gradients at a point between average and iterate. The source of each stands with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter, refuse
from symhigh.entries import Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.constant import RATE
from symhigh.rule.rule import Rule
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import G, OwnedSymbol, X, d, g, inverse_time, t

LAG = OwnedSymbol("U", real=True)
"""``t (A - X)``, with A the average: it starts at 0 and has no 1/t in its step."""
AVERAGE = OwnedSymbol("A", real=True)
DECAY = OwnedSymbol("decay", positive=True)
BETA = OwnedSymbol("beta", nonnegative=True)


@rule(
    "averaged",
    Parameter("decay", "Rate at which an average of the iterates forgets.", option="average_decay"),
    wraps=True,
)
@dataclass(frozen=True)
class Averaged(Wrapped):
    """The average of the inner rule's iterates beside them: a curve carries ``average_risk`` and ``average_distance``.

    From the start and with equal weights (Polyak-Ruppert), or with ``decay`` > 0 exponentially,
    ``A⁺ = A + (decay/d)(X - A)``. The iterates themselves are those of the inner rule. Source: Polyak
    and Juditsky (1992).
    """

    decay: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if "average" in self.inner.reports:
            raise ValueError("Averaged(inner=…): the inner rule is averaged already")
        if self.decay is not None:
            meaning = "the rate per d steps at which the average forgets"
            value = parameter("Averaged", "decay", self.decay, positive=True, meaning=meaning)
            object.__setattr__(self, "decay", value)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        inner = self.inner.step
        if self.decay is None:
            return {**inner, LAG: LAG + (t + 1 / d) * (X - inner[X])}
        return {**inner, AVERAGE: AVERAGE + DECAY / d * (X - AVERAGE)}

    @property
    def start(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.start, **({} if self.decay is None else {AVERAGE: X})}

    @property
    def reports(self) -> dict[str, sp.Expr]:
        return {**self.inner.reports, "average": X + inverse_time * LAG if self.decay is None else AVERAGE}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, **({} if self.decay is None else {DECAY: self.decay})}


@rule(
    "schedule-free",
    given.GAMMA,
    Parameter("beta", "Weight of the average where gradients are taken.", 0.9, option="average_weight"),
)
@dataclass(frozen=True)
class ScheduleFree(Rule):
    """Gradients at ``y = (1 - beta) z + beta x``, ``z⁺ = z - (gamma/d) ∇f(y)``, and x the average of the z.

    ``gamma`` > 0, ``0 ≤ beta < 1``. Risk and distance are those of x; X stands for z, and ``U = t (x - z)``.
    Source: Defazio et al. (arXiv 2405.15682).
    """

    gamma: Any
    beta: Any

    def __post_init__(self) -> None:
        value = parameter("ScheduleFree", "gamma", self.gamma, positive=True, meaning="the learning rate")
        object.__setattr__(self, "gamma", value)
        meaning = "the weight of the average where gradients are taken, below 1"
        beta = parameter("ScheduleFree", "beta", self.beta, positive=False, meaning=meaning)
        if (beta - 1).is_nonnegative:
            refuse("ScheduleFree", "beta", self.beta, "in [0, 1)", meaning)
        object.__setattr__(self, "beta", beta)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: X - g / d * G, LAG: LAG + (t + 1 / d) * g / d * G}

    @property
    def at(self) -> sp.Expr:
        return X + BETA * inverse_time * LAG

    @property
    def rate(self) -> sp.Expr:
        return RATE

    @property
    def reports(self) -> dict[str, sp.Expr]:
        return {"": X + inverse_time * LAG}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {RATE: self.gamma, BETA: self.beta}
