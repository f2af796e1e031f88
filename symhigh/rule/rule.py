"""A learning-rate rule, stated as its discrete update only; its limit is derived, never stated.

Second room of the pipeline. Setting: *The High Line* (arXiv 2405.19585), section 2 and its learning-rate rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Memory:
    """One scalar that a rule remembers.

    At each step ``name ← name + increment``, the sample of the step included, before the rate is evaluated.
    ``increment`` is an expression in ``d``, ``t``, ``gradient_square``, ``sample_loss`` and the rule's memories
    and parameters, and must be O(1/d) for the limit to exist. ``initial`` is its value before the first step.
    """

    name: sp.Symbol
    increment: sp.Expr
    initial: sp.Expr


class Rule:
    """Base of all rules: ``X⁺ = X - (g/d) ∇f``, with g the learning rate.

    A subclass is a frozen dataclass of the user's parameters with these properties:

    ``memory``
        tuple of :class:`Memory`, empty where the rule remembers nothing;
    ``rate``
        the learning rate as an expression in memories, parameters and ``t``; or
    ``objective``
        for an idealised greedy rule, what one step is to decrease most, an expression in
        ``symhigh.symbols.distance`` and ``symhigh.symbols.risk``; the rate is then derived;
    ``values``
        the canonical symbols used above and what the user gave for them.
    """

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
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {}
