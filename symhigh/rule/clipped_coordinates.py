"""Gradients clipped entry by entry. Sources: Pascanu, Mikolov, Bengio (ICML 2013), by value; its limit is derived here.

With a bound of order one each entry ``f' a_i`` of the gradient meets it by its own size √λ_i, so that small eigenvalues
descend as under SGD and large ones as under sign SGD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import parameter
from symhigh.entries import Parameter, rule
from symhigh.rule.rule import Memory
from symhigh.rule.wrapped import Wrapped
from symhigh.symbols import G, OwnedSymbol, gradient_square

BOUND = OwnedSymbol("c_entry", positive=True)


@rule(
    "clipped-coordinates",
    Parameter("c", "Size at which every entry of the gradient is clipped.", option="clip_entry"),
    wraps=True,
)
@dataclass(frozen=True)
class ClippedCoordinates(Wrapped):
    """The inner rule on gradients clipped entry by entry, ``max(-c, min(c, ∇f))``; c > 0, K diagonal.

    Vectors and cells of the inner rule see the clipped entries. For c → ∞ this is the inner rule; for c → 0 that rule
    on ``c sign(∇f)``, so that ``ClippedCoordinates(Constant(gamma/c), c)`` becomes ``SignSGD(gamma)``. In the limit
    drift and noise of a mode hold averages that depend on its eigenvalue λ, through ``c/(|f'| √λ)``.
    """

    c: Any = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        value = parameter("ClippedCoordinates", "c", self.c, positive=True, meaning="the largest entry of the gradient")
        object.__setattr__(self, "c", value)
        said = f"ClippedCoordinates(inner={self.inner!r})"
        if BOUND in self.inner.values:
            raise ValueError(f"{said}: the entries are clipped already; give the smaller bound alone")
        if self.inner.rate is None:
            raise ValueError(
                f"{said}: a greedy rule derives its rate for gradients as they are; clip those of a rule that states "
                "its rate, such as Constant(gamma)"
            )
        if self.inner.batch != 1:
            raise ValueError(f"{said}: the mean of a batch is no function of one sample's entry; use batches of one")
        memory = [m.increment for m in self.inner.memory]
        if any(e.has(gradient_square) for e in (*memory, self.inner.rate)):
            raise ValueError(
                f"{said}: it looks at the norm of the gradient, and that of clipped entries is an average over all "
                "modes that no rule states; clip the entries of a rule that does not, or use ClippedGradient"
            )

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {v: new.xreplace({G: _clipped()}) for v, new in self.inner.step.items()}

    @property
    def cells(self) -> tuple[Memory, ...]:
        return tuple(Memory(m.name, m.increment.xreplace({G: _clipped()}), m.initial) for m in self.inner.cells)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, BOUND: self.c}


@lru_cache(maxsize=1)
def _clipped() -> sp.Expr:
    """The entry that the inner rule sees."""
    return sp.Max(-BOUND, sp.Min(BOUND, G))
