"""A learning rate that is a given function of time. Source: *The High Line* (arXiv 2405.19585), section 2."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.rule.rule import Rule
from symhigh.symbols import t


@dataclass(frozen=True)
class Schedule(Rule):
    """``g_k = expr(k/d)``, with ``expr`` a SymPy expression in ``symhigh.t``, time in steps/d.

    Symbols other than ``t`` are parameters, to be bound by ``system.bind({symbol: number})``. The rate must be
    ≥ 0 on the time interval integrated; that is checked when the limit is solved or simulated.
    """

    expr: sp.Expr

    def __post_init__(self) -> None:
        if isinstance(self.expr, (int, float)):
            object.__setattr__(self, "expr", sp.sympify(self.expr, strict=True))
        if not isinstance(self.expr, sp.Expr):
            raise TypeError(f"Schedule(expr={self.expr!r}): expr must be a SymPy expression in symhigh.t")
        lookalike = [s for s in self.expr.free_symbols if s.name == "t" and s != t]
        if lookalike:
            raise ValueError(
                f"Schedule(expr={self.expr}): use symhigh.t for time, not another symbol called t"
            )
        if self.expr.is_number and not (self.expr.is_finite and self.expr.is_nonnegative):
            raise ValueError(f"Schedule(expr={self.expr}): a learning rate must be finite and >= 0")

    @property
    def rate(self) -> sp.Expr:
        return self.expr

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {s: s for s in sorted(self.expr.free_symbols - {t}, key=str)}
