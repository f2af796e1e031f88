"""The stochastic Polyak step with a cap. Source: Loizou, Vaswani, Laradji, Lacoste-Julien (AISTATS 2021), SPS_max."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.rule.rule import Rule
from symhigh.symbols import OwnedSymbol, d, gradient_square, sample_loss

CAP = OwnedSymbol("g_max", positive=True)
DAMPING = OwnedSymbol("c_P", positive=True)
LEAST = OwnedSymbol("f_least", real=True)


@dataclass(frozen=True)
class StochasticPolyak(Rule):
    """``g_k = min(cap, d (f_k - least)/(damping ‖∇f_k‖²))`` with the sample's own loss and gradient.

    cap > 0, damping > 0; ``least`` is a lower bound of the loss of any sample (0 for the losses of this library). The
    rate depends on the sample, so SGD moves by the effective slope ``g f'`` (``‖∇f‖²/d → τ f'²``): the limit is that of
    SGD with this slope at rate one. Its ``learning_rate`` is the mean rate E g. The two Stein coefficients are
    ``B⁻¹ (E x g f', E x* g f')``, so B must not be singular: start with ``x0 > 0`` and ``|cos| < 1``.
    """

    cap: Any
    damping: Any = sp.S.Half
    least: Any = 0

    def __post_init__(self) -> None:
        for name, positive, meaning in (
            ("cap", True, "the largest learning rate"),
            ("damping", True, "the factor before the squared gradient"),
            ("least", False, "a lower bound of the loss of a sample"),
        ):
            value = parameter(
                "StochasticPolyak", name, getattr(self, name), positive=positive, meaning=meaning
            )
            object.__setattr__(self, name, value)

    @property
    def rate(self) -> sp.Expr:
        gap = sample_loss - LEAST if not self.least.is_zero else sample_loss
        return sp.Min(CAP, d * gap / (DAMPING * gradient_square))

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {
            CAP: self.cap,
            DAMPING: self.damping,
            **({LEAST: self.least} if not self.least.is_zero else {}),
        }
