"""Momentum on the time scale of d steps. Sources: Polyak (1964) for the heavy ball; Nesterov (1983) for a direct
step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter, rebuilt
from symhigh.entries import Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.constant import Constant
from symhigh.rule.rule import Rule
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import G, OwnedSymbol, X, d, g

M = OwnedSymbol("M", real=True)
FRICTION = OwnedSymbol("delta_M", positive=True)
DIRECT = OwnedSymbol("gamma_2", nonnegative=True)


@rule(
    "momentum",
    given.GAMMA,
    given.FRICTION,
    Parameter("direct", "Learning rate along the gradient itself.", 0.0),
)
@dataclass(frozen=True)
class Momentum(Wrapped):
    """``M⁺ = M + (∇f - friction M)/d``, ``X⁺ = X - (direct ∇f + gamma M)/d``; the heavy ball is ``direct = 0``.

    ``gamma`` > 0 is a number, an expression, or a rule, whose rate it then is at every step; ``friction`` > 0,
    ``direct`` ≥ 0. The limit has one more vector, M, which starts at 0. A momentum that forgets within O(1) steps, as
    with a fixed ``beta``, has the limit of SGD at the rate ``gamma/(1 - beta)``: use that.
    """

    inner: Any
    friction: Any = 1
    direct: Any = 0

    def __init__(self, gamma: Any, friction: Any, direct: Any = 0) -> None:
        own = type(self).__name__
        if not isinstance(gamma, Rule):
            gamma = Constant(parameter(own, "gamma", gamma, positive=True, meaning="the rate along the momentum"))
        meaning = (
            "the rate per d steps at which the momentum forgets; for a fixed beta, which forgets within O(1) steps, "
            "use Constant(gamma/(1 - beta))"
        )
        object.__setattr__(self, "inner", gamma)
        object.__setattr__(self, "friction", parameter(own, "friction", friction, positive=True, meaning=meaning))
        value = parameter(own, "direct", direct, positive=False, meaning="the rate along the gradient itself")
        object.__setattr__(self, "direct", value)
        super().__post_init__()
        if set(gamma.step) != {X}:
            raise ValueError(f"{own}(gamma={gamma!r}): the rule keeps vectors of its own; give one that moves X alone")

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> Momentum:
        """The same rule with ``values`` put into its parameters, checked as a new one is."""
        return Momentum(rebuilt(self.inner, values), self.friction.xreplace(values), self.direct.xreplace(values))

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        pull = (X - self.inner.step[X]) * d / g  # the gradient as the inner rule sees it, weight decay included
        new = X - g / d * M if self.direct.is_zero else X - (DIRECT * G + g * M) / d
        return {X: new, M: M + (sp.expand(pull) - FRICTION * M) / d}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        direct = {} if self.direct.is_zero else {DIRECT: self.direct}
        return {**self.inner.values, FRICTION: self.friction, **direct}
