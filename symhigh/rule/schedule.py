"""A learning rate that is a given function of time. Source: *The High Line* (arXiv 2405.19585), section 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import expression, parameter, shown
from symhigh.entries import EXPRESSION, Parameter, rule
from symhigh.rule import parameters as given
from symhigh.rule.rule import Rule
from symhigh.symbols import t


@rule("schedule", Parameter("expr", "Learning rate as an expression in t.", kind=EXPRESSION, option="schedule"))
@dataclass(frozen=True)
class Schedule(Rule):
    """``g_k = expr(k/d)``, with ``expr`` a SymPy expression in ``symhigh.t``, time in steps/d.

    Symbols other than ``t`` are parameters, to be bound by ``system.bind({symbol: number})``. The rate must be
    ≥ 0 on the time interval integrated; that is checked when the limit is solved or simulated.
    """

    expr: sp.Expr

    def __post_init__(self) -> None:
        what = "a SymPy expression in symhigh.t"
        object.__setattr__(self, "expr", expression("Schedule", "expr", self.expr, what))
        lookalike = [s for s in self.expr.free_symbols if s.name == "t" and s != t]
        if lookalike:
            raise ValueError(
                f"Schedule(expr={self.expr}): use symhigh.t for time, not another symbol called t"
            )
        if self.expr.is_number:
            parameter("Schedule", "expr", self.expr, positive=False, meaning="a learning rate")
        if self.expr.has(sp.I):
            raise ValueError(f"Schedule(expr={shown(self.expr)}): expr must be real, a learning rate")

    @property
    def rate(self) -> sp.Expr:
        return self.expr

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {s: s for s in sorted(self.expr.free_symbols - {t}, key=str)}


@rule(
    "cosine",
    given.GAMMA,
    Parameter("t_end", "Length of the cosine, in steps/d.", 10.0, option="cosine_end"),
    Parameter("floor", "Learning rate at the end.", 0.0, symbolic=False),
)
def cosine(gamma: Any, t_end: Any, floor: Any = 0) -> Schedule:
    """The cosine schedule ``floor + (gamma - floor)(1 + cos(π t/t_end))/2`` up to ``t_end``, then ``floor``.

    ``gamma > floor ≥ 0``; ``t_end > 0`` in steps/d. Source: Loshchilov and Hutter (arXiv 1608.03983), one cycle.
    """
    top = parameter("cosine", "gamma", gamma, positive=True, meaning="the starting learning rate")
    end = parameter("cosine", "t_end", t_end, positive=True, meaning="the length of the schedule, in steps/d")
    low = parameter("cosine", "floor", floor, positive=False, meaning="the final learning rate")
    if (top - low).is_negative:
        raise ValueError(f"cosine(floor={floor}): floor must be <= gamma={gamma}, the starting learning rate")
    return Schedule(low + (top - low) * (1 + sp.cos(sp.pi * sp.Min(t, end) / end)) / 2)
