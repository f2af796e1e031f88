"""A learning-rate rule, stated as its discrete update only; its limit is derived, never stated.

Second room of the pipeline. Setting: *The High Line* (arXiv 2405.19585), section 2 and its learning-rate rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import expression


@dataclass(frozen=True)
class Memory:
    """One scalar that a rule remembers.

    At each step ``name ← name + increment``, the sample of the step included, before the rate is evaluated.
    ``increment`` is an expression in ``d``, ``t``, ``gradient_square``, ``sample_loss``, ``moved`` and the rule's
    memories and parameters, and must be O(1/d) for the limit to exist; or ``Max(0, q - name)``, which makes the
    memory the running maximum of q, an expression in ``moved``, ``t`` and other memories. ``initial`` is the value
    before the first step.
    """

    name: sp.Symbol
    increment: sp.Expr
    initial: sp.Expr

    def __post_init__(self) -> None:
        for name in ("increment", "initial"):
            given = expression("Memory", name, getattr(self, name), "a number or a SymPy expression")
            object.__setattr__(self, name, given)

    @property
    def maximum_of(self) -> sp.Expr | None:
        """q, where the memory is the running maximum of q."""
        if isinstance(self.increment, sp.Max) and sp.S.Zero in self.increment.args:
            quantity = self.increment.func(*(a for a in self.increment.args if a != 0)) + self.name
            return None if quantity.has(self.name) else quantity
        return None


def _as_expression(name: str, stated: property) -> Callable[[Any], sp.Expr | None]:
    def value(rule: Any) -> sp.Expr | None:
        given = stated.__get__(rule)
        what = "a number or a SymPy expression"
        return None if given is None else expression(type(rule).__name__, name, given, what)

    return value


class Rule:
    """Base of all rules: ``X⁺ = X - (g/d) (∇f + ridge X)``, with g the learning rate.

    A subclass is a frozen dataclass of the user's parameters with these properties:

    ``memory``
        tuple of :class:`Memory`, empty where the rule remembers nothing;
    ``rate``
        the learning rate, a number or an expression in memories, parameters, ``t``, and what an idealised rule knows
        of the iterate: ``risk``, ``distance``, ``norm``, ``overlap`` of ``symhigh.symbols``; where it depends on the
        sample also in ``d``, ``sample_loss`` and ``gradient_square``; or
    ``objective``
        for an idealised greedy rule, what one step is to decrease most, an expression in
        ``symhigh.symbols.distance`` and ``symhigh.symbols.risk``; the rate is then derived, and ``multiple`` times the
        minimiser is taken;
    ``values``
        the canonical symbols used above and what the user gave for them;
    ``batch``, ``ridge``
        samples whose gradients are averaged in a step, and weight decay; parameters too, 1 and 0 by default;
    ``delayed``
        whether the rate is evaluated before the memory has seen the sample of the step;
    ``remedy``
        what to use instead, where the rule is known to have no limit.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Numbers that a subclass states are read as expressions, and anything else is refused by name."""
        super().__init_subclass__(**options)
        for name in ("rate", "objective", "multiple", "batch", "ridge"):
            if isinstance(stated := cls.__dict__.get(name), property):
                setattr(cls, name, property(_as_expression(name, stated), doc=stated.__doc__))

    @property
    def memory(self) -> tuple[Memory, ...]:
        return ()

    @property
    def rate(self) -> sp.Expr | None:
        return None

    @property
    def objective(self) -> sp.Expr | None:
        return None

    @property
    def multiple(self) -> sp.Expr:
        return sp.S.One

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {}

    @property
    def batch(self) -> sp.Expr:
        return sp.S.One

    @property
    def ridge(self) -> sp.Expr:
        return sp.S.Zero

    @property
    def delayed(self) -> bool:
        return False

    @property
    def remedy(self) -> str:
        return ""
