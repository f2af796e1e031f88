"""RMSprop-Norm. Source: *The High Line* (arXiv 2405.19585), (18)-(19) and Algorithm 2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import sympy as sp

from symhigh.checks import instance, parameter, power_in_range
from symhigh.entries import Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.adagrad_norm import ACCUMULATOR, B0, ETA
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import OwnedSymbol, d, gradient_square

ALPHA = OwnedSymbol("alpha", positive=True)


class Forgetting(Enum):
    """How RMSprop-Norm forgets: the update of ``b_k²``."""

    SUM = "b² ← (1 - α/d) b² + ‖∇f‖²/d²"
    """A sum with forgetting; its limit is (18). At α = 0 it is AdaGrad-Norm."""
    AVERAGE = "b² ← (1 - α/d) b² + (α/d) ‖∇f‖²/d"
    """An average proper: its weights sum to one, so a factor α stands before the integral."""
    FIXED = "b² ← (1 - α) b² + α ‖∇f‖²/d"
    """The printed algorithm with a fixed α: it forgets in O(1) steps, has no limit in steps/d, and is refused."""


@dataclass(frozen=True)
class RMSpropNorm(Rule):
    """``g_k = eta/b_k`` with ``b_k²`` updated as ``forgetting`` says, ``b_0 = b``; all parameters > 0.

    With SUM the limit is ``γ = η/√(b² e^{-αt} + τ∫₀ᵗ e^{-α(t-s)} I ds)`` (18); with AVERAGE the integral has the
    factor α. FIXED is refused when the limit is derived.
    """

    eta: Any
    b: Any
    alpha: Any
    forgetting: Forgetting = Forgetting.SUM

    def __post_init__(self) -> None:
        for name, meaning in (
            ("eta", "the numerator of the learning rate"),
            ("b", "the starting accumulator"),
            ("alpha", "the rate of forgetting"),
        ):
            value = parameter("RMSpropNorm", name, getattr(self, name), positive=True, meaning=meaning)
            object.__setattr__(self, name, value)
        power_in_range("RMSpropNorm", "b", self.b, sp.Integer(2))
        instance(
            "RMSpropNorm",
            "forgetting",
            self.forgetting,
            Forgetting,
            f"one of {', '.join(map(str, Forgetting))}",
        )

    @property
    def memory(self) -> tuple[Memory, ...]:
        increment = {
            Forgetting.SUM: gradient_square / d**2 - ALPHA / d * ACCUMULATOR,
            Forgetting.AVERAGE: ALPHA / d * (gradient_square / d - ACCUMULATOR),
            Forgetting.FIXED: ALPHA * (gradient_square / d - ACCUMULATOR),
        }[self.forgetting]
        return (Memory(ACCUMULATOR, increment, initial=B0**2),)

    @property
    def rate(self) -> sp.Expr:
        return ETA / sp.sqrt(ACCUMULATOR)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {ETA: self.eta, B0: self.b, ALPHA: self.alpha}

    @property
    def remedy(self) -> str:
        return "RMSpropNorm with Forgetting.SUM or Forgetting.AVERAGE forgets at the rate alpha/d and has a limit"


@rule(
    "rmsprop-norm",
    given.ETA,
    given.B,
    given.ALPHA,
    Parameter("forgetting", "How the accumulator forgets.", "sum", ("sum", "average")),
)
def _by_words(eta: Any, b: Any, alpha: Any, forgetting: str) -> RMSpropNorm:
    return RMSpropNorm(eta, b, alpha, Forgetting[forgetting.upper()])


_by_words.__doc__ = RMSpropNorm.__doc__
