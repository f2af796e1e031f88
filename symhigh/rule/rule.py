"""A learning-rate rule, stated as its discrete update only; its limit is derived, never stated.

Second room of the pipeline. Setting: *The High Line* (arXiv 2405.19585), section 2 and its learning-rate rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance, mapping
from symhigh.symbols import G, X, d, g


@dataclass(frozen=True)
class Memory:
    """One scalar that a rule remembers.

    At each step ``name ← name + increment``, the sample of the step included, before the rate is evaluated.
    ``increment`` is an expression in ``d``, ``t``, ``gradient_square``, ``sample_loss``, ``risk``, ``distance``,
    ``norm``, ``overlap``, :class:`~symhigh.symbols.Total` of vectors and the rule's memories and parameters, and must
    be O(1/d) for the limit to exist; or ``Max(0, q - name)``, which makes the
    memory the running maximum of q, an expression in totals, ``t`` and other memories. ``initial`` is the value
    before the first step.
    """

    name: sp.Symbol
    increment: sp.Expr
    initial: sp.Expr

    def __post_init__(self) -> None:
        instance("Memory", "name", self.name, sp.Symbol, "a SymPy symbol")
        for name in ("increment", "initial"):
            object.__setattr__(
                self, name, expression("Memory", name, getattr(self, name), "a SymPy expression")
            )

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


def _as_expressions(name: str, stated: property) -> Callable[[Any], dict[Any, sp.Expr]]:
    """A mapping as a subclass states it, its keys symbols (words where they name a report), its values expressions."""
    kind, word = (str, "word") if name == "reports" else (sp.Symbol, "symbol")

    def value(rule: Any) -> dict[Any, sp.Expr]:
        owner, what = type(rule).__name__, f"a mapping {{{word}: number or SymPy expression}}"
        given = mapping(owner, name, stated.__get__(rule), what)
        return {
            instance(owner, name, key, kind, what): expression(owner, f"{name}[{key}]", entry, what)
            for key, entry in given.items()
        }

    return value


def _as_memories(name: str, stated: property) -> Callable[[Any], tuple[Memory, ...]]:
    def value(rule: Any) -> tuple[Memory, ...]:
        owner, what = type(rule).__name__, "a tuple of Memory(name, increment, initial)"
        given = instance(owner, name, stated.__get__(rule), (tuple, list), what)
        return tuple(instance(owner, name, entry, Memory, what) for entry in given)

    return value


_READ = {
    _as_expression: ("rate", "objective", "multiple", "batch", "at"),
    _as_expressions: ("values", "step", "start", "fixed", "reports"),
    _as_memories: ("memory", "cells"),
}
"""How what a subclass states is read."""


class Rule:
    """Base of all rules: how every vector, cell and memory moves in one step.

    A subclass is a frozen dataclass of the user's parameters with these properties, whose defaults are SGD's. They are
    written in the symbols of :mod:`symhigh.symbols`:

    ``step``
        what one step makes of every vector that the rule keeps, entry by entry, ``{X: X - g/d * G}`` by default: in
        ``X``, further vectors, the gradient's entry ``G``, the learning rate ``g``, cells, memories, ``t`` and ``d``.
        Vectors are of order ``d^(-1/2)`` an entry, like X; all move at once, from the old values;
    ``start``
        where the further vectors start, in terms of X; zero by default;
    ``cells``
        tuple of :class:`Memory`, one scalar a coordinate of order one, whose increments are O(1/d), in G and the above;
    ``fixed``
        constant directions and where they lie, in terms of X at the start, such as ``{X0: X}``;
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
    ``batch``
        samples whose gradients are averaged in a step, 1 by default;
    ``delayed``
        whether the rate is evaluated before the memory has seen the sample of the step;
    ``at``
        where the gradient is taken, X by default, a combination of vectors;
    ``remedy``
        what to use instead, where the rule is known to have no limit;
    ``reports``
        further weights whose risk and distance are wanted, ``{"average": A}`` for ``average_risk`` and
        ``average_distance``; under the name ``""`` they take the place of those of X.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Numbers that a subclass states are read as expressions, and anything else is refused by name."""
        super().__init_subclass__(**options)
        for read, names in _READ.items():
            for name in names:
                if isinstance(stated := cls.__dict__.get(name), property):
                    setattr(cls, name, property(read(name, stated), doc=stated.__doc__))

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {X: X - g / d * G}

    @property
    def start(self) -> dict[sp.Symbol, sp.Expr]:
        return {}

    @property
    def cells(self) -> tuple[Memory, ...]:
        return ()

    @property
    def fixed(self) -> dict[sp.Symbol, sp.Expr]:
        return {}

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
    def delayed(self) -> bool:
        return False

    @property
    def remedy(self) -> str:
        return ""

    @property
    def at(self) -> sp.Expr:
        return X

    @property
    def reports(self) -> dict[str, sp.Expr]:
        return {}
