"""The stochastic Polyak step, capped or not.

Sources: Loizou, Vaswani, Laradji, Lacoste-Julien (AISTATS 2021), SPS_max; the positive part of loss minus least is SPS+
of Garrigos, Gower, Schaipp (arXiv 2307.14528).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import Parameter, rule
from symhigh.rule.rule import Rule
from symhigh.symbols import OwnedSymbol, d, gradient_square, sample_loss

CAP = OwnedSymbol("g_max", positive=True)
DAMPING = OwnedSymbol("c_P", positive=True)
LEAST = OwnedSymbol("f_least", nonnegative=True)


@rule(
    "stochastic-polyak",
    Parameter("cap", "Largest learning rate.", 1.0),
    Parameter("damping", "Factor before the squared gradient.", 0.5),
    Parameter("least", "Lower bound of the loss of a sample.", 0.0, symbolic=False),
)
@dataclass(frozen=True)
class StochasticPolyak(Rule):
    """``g_k = min(cap, d max(0, f_k - least)/(damping ‖∇f_k‖²))`` with the sample's own loss and gradient.

    cap > 0 or ``None``, damping > 0; ``least`` ≥ 0 is the loss at which a sample is learnt: samples below it do not
    move the iterate. At 0, the default, it is a lower bound of the losses of this library. The rate depends on the
    sample, so SGD moves by the effective slope ``g f'`` (``‖∇f‖²/d → τ f'²``): the limit is that of SGD with this
    slope at rate one. Its ``learning_rate`` is the mean rate E g. Where slope and rate see the sample through the
    residual alone, the limit closes on one state a mode; elsewhere the two Stein coefficients are
    ``B⁻¹ (E x g f', E x* g f')``, so B must not be singular: start with ``x0 > 0`` and ``|cos| < 1``.

    Golden, for least squares without a cap and least = ℓ > 0, with ``a = √(2ℓ)``, ``z = a/√(Q + ω²)`` and φ, Φ̄ the
    standard normal's density and upper tail: ``c₁ = ((1 - z²) Φ̄(z) + z φ(z))/(damping τ)``.
    """

    cap: Any = None
    damping: Any = sp.S.Half
    least: Any = 0

    def __post_init__(self) -> None:
        for name, positive, meaning in (
            ("cap", True, "the largest learning rate"),
            ("damping", True, "the factor before the squared gradient"),
            ("least", False, "the loss at which a sample is learnt"),
        ):
            if name == "cap" and self.cap is None:
                continue
            value = parameter(
                "StochasticPolyak", name, getattr(self, name), positive=positive, meaning=meaning
            )
            object.__setattr__(self, name, value)

    @property
    def rate(self) -> sp.Expr:
        gap = sp.Max(0, sample_loss - LEAST) if not self.least.is_zero else sample_loss
        step = d * gap / (DAMPING * gradient_square)
        return step if self.cap is None else sp.Min(CAP, step)

    @property
    def values(self) -> dict[OwnedSymbol, sp.Expr]:
        given = {CAP: self.cap, DAMPING: self.damping, LEAST: self.least}
        return {s: v for s, v in given.items() if v is not None and not (s == LEAST and v.is_zero)}
