"""AdaGrad-Norm, and with the sample of the step left out. Source: *The High Line* (arXiv 2405.19585), (15)-(17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter, power_in_range
from symhigh.entries import Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import OwnedSymbol, d, gradient_square

ETA = OwnedSymbol("eta", positive=True)
B0 = OwnedSymbol("b", positive=True)
POWER = OwnedSymbol("power", positive=True)
ACCUMULATOR = OwnedSymbol("b_k^2", positive=True)


@rule("adagrad-norm", given.ETA, given.B)
@dataclass(frozen=True)
class AdaGradNorm(Rule):
    """``g_k = eta/b_k`` with ``b_k² = b_{k-1}² + ‖∇f_k‖²/d²`` and ``b_0 = b``; both parameters > 0."""

    eta: Any
    b: Any

    def __post_init__(self) -> None:
        name = type(self).__name__
        for field, meaning in (
            ("eta", "the numerator of the learning rate"),
            ("b", "the starting accumulator"),
        ):
            value = parameter(name, field, getattr(self, field), positive=True, meaning=meaning)
            object.__setattr__(self, field, value)
        power_in_range(name, "b", self.b, sp.Integer(2))

    @property
    def memory(self) -> tuple[Memory, ...]:
        return (Memory(ACCUMULATOR, increment=gradient_square / d**2, initial=B0**2),)

    @property
    def rate(self) -> sp.Expr:
        return ETA / sp.sqrt(ACCUMULATOR)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {ETA: self.eta, B0: self.b}


@rule("delayed-adagrad-norm", given.ETA, given.B, Parameter("power", "Power of b².", 0.5, symbolic=False))
@dataclass(frozen=True)
class DelayedAdaGradNorm(AdaGradNorm):
    """``g_k = eta/(b_{k-1}²)^power``: the sample of the step is not in the sum yet, and the decay has any power > 0.

    Power 1/2 is AdaGrad-Norm delayed by a step, with the same limit; other powers decay slower or faster. Source: Li
    and Orabona (AISTATS 2019).
    """

    power: Any = sp.S.Half

    def __post_init__(self) -> None:
        super().__post_init__()
        value = parameter("DelayedAdaGradNorm", "power", self.power, positive=True, meaning="the power of b²")
        object.__setattr__(self, "power", value)
        power_in_range("DelayedAdaGradNorm", "b", self.b, 2 * self.power)

    @property
    def rate(self) -> sp.Expr:
        return ETA / ACCUMULATOR**POWER

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**super().values, POWER: self.power}

    @property
    def delayed(self) -> bool:
        return True
