"""Gradients clipped by their norm. Sources: Pascanu, Mikolov, Bengio (ICML 2013); its limit: arXiv 2406.11733."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import Parameter, rule
from symhigh.rule.rule import Memory
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import G, OwnedSymbol, d, g, gradient_square, sample_loss

BOUND = OwnedSymbol("c_clip", positive=True)


@rule("clipped", Parameter("c", "Norm of the gradient, over √d, at which it is clipped.", option="clip"), wraps=True)
@dataclass(frozen=True)
class ClippedGradient(Wrapped):
    """The inner rule on gradients whose norm is clipped at ``c √d``: ``∇f min(1, c√d/‖∇f‖)``; c > 0.

    The rule's memory sees the clipped gradient. In the limit ``‖∇f‖ → |f'| √(dτ)``, so that the slope f' is clipped at
    ``c/√τ``: on least squares this is Huber's loss with that threshold. The rate depends on the sample, so
    ``learning_rate`` is its mean over samples. What the inner step does beside the gradient, such as its noise or its
    weight decay, is not clipped: ``ClippedGradient(NoisyGradient(rule, sigma), c)`` is private SGD.
    """

    c: Any = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner.rate is None:
            raise ValueError(
                f"ClippedGradient(inner={self.inner!r}): a greedy rule derives its rate for gradients as they are; "
                "clip those of a rule that states its rate, such as Constant(gamma)"
            )
        value = parameter("ClippedGradient", "c", self.c, positive=True, meaning="the largest norm over √d")
        object.__setattr__(self, "c", value)

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        rate = self._unclipped
        if rate is None or rate.has(gradient_square, sample_loss):
            return self.inner.step

        def apart(term: sp.Expr) -> sp.Expr:
            return term if term.has(G) else term.xreplace({g: rate})

        return {v: sp.Add(*map(apart, sp.Add.make_args(sp.expand(new)))) for v, new in self.inner.step.items()}

    @property
    def memory(self) -> tuple[Memory, ...]:
        return tuple(replace(m, increment=m.increment.subs(_clipped())) for m in self.inner.memory)

    @property
    def _unclipped(self) -> sp.Expr | None:
        """The inner rule's rate, which sees the clipped gradient."""
        rate = self.inner.rate
        return None if rate is None else rate.subs(_clipped())

    @property
    def rate(self) -> sp.Expr | None:
        return None if self._unclipped is None else self._unclipped * _factor()

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, BOUND: self.c}


@lru_cache(maxsize=1)
def _factor() -> sp.Expr:
    """What the gradient is multiplied by."""
    return sp.Min(1, BOUND * sp.sqrt(d) / sp.sqrt(gradient_square))


@lru_cache(maxsize=1)
def _clipped() -> dict[sp.Symbol, sp.Expr]:
    """The squared norm that the inner rule sees."""
    return {gradient_square: sp.Min(gradient_square, BOUND**2 * d)}
