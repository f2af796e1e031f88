"""How a closure enters: each declares its name and its place in the file that states it.

Closures are tried in the order of their places, those that keep the most first. A new one is a new file in this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import sympy as sp

from symhigh.derivation.state import Statement
from symhigh.meanfield import MeanField
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.system import MomentSystem

Closure = Callable[[Statement, MeanField, Problem, Rule, Mapping[sp.Symbol, sp.Expr], bool], MomentSystem]
"""Statement, mean field, what the user gave, the values of symbols, whether to reduce; ``NotClosed`` for a refusal."""
Made = TypeVar("Made", bound=Closure)
CLOSURES: dict[str, tuple[float, Closure]] = {}
"""Place and function by name."""


def closure(name: str, place: float) -> Callable[[Made], Made]:
    """Enter a function as the closure ``name``; it is tried after those of a smaller ``place``."""

    def enter(made: Made) -> Made:
        CLOSURES[name] = (place, made)
        return made

    return enter


def in_order() -> list[tuple[str, Closure]]:
    """Names and functions, first those that are tried first."""
    return [(name, made) for name, (_, made) in sorted(CLOSURES.items(), key=lambda item: item[1][0])]
