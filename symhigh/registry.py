"""The one table of losses, noise laws, rules and models by name: parameters, defaults, help.

Stands after rules. Every file of their rooms declares its own entries (:mod:`symhigh.entries`); here they are
collected, for the command line, the documentation and the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import sympy as sp

from symhigh import problem, rule
from symhigh.checks import shown
from symhigh.entries import EXPRESSION, LAWS, LOSSES, RULES, Entry, Parameter, discover
from symhigh.problem.losses.squares import LINKS

__all__ = [
    "EXPRESSION",
    "LAWS",
    "LINKS",
    "LOSSES",
    "MODELS",
    "RULES",
    "Entry",
    "Parameter",
    "contaminated",
    "described",
]

discover(problem)
discover(rule)

MODELS: Mapping[str, Entry] = {
    "linear": Entry(lambda: problem.LINEAR),
    "product": Entry(lambda: problem.PRODUCT),
    "squares": Entry(lambda: problem.SQUARES),
    "powers": Entry(problem.powers, (Parameter("depth", "Number of layers.", kind=int),)),
}
"""What the learnt coordinates predict with."""


def contaminated(clean: problem.NoiseLaw, outliers: problem.NoiseLaw, share: Any) -> problem.Contaminated:
    """``clean`` with probability ``1 - share``, else ``outliers``."""
    return problem.Contaminated(clean, outliers, share)


def described(statement: Any) -> str:
    """A problem, a law, a rule or a start in one line: its name and its numbers."""
    if isinstance(statement, problem.Problem):
        numbers = [f"{symbol} = {described(value)}" for symbol, value in statement.parameters]
        noise = [f"label noise {described(statement.law)}"] if statement.noisy else []
        model = [] if statement.model.linear else [f"model {statement.model.effective}"]
        return ", ".join([statement.name, *model, *numbers, *noise])
    if isinstance(statement, Enum):
        return statement.name.lower()
    if is_dataclass(statement):
        given = [(f.name, getattr(statement, f.name)) for f in fields(statement) if f.init]
        inside = ", ".join(f"{name}={described(value)}" for name, value in given)
        return f"{type(statement).__name__}({inside})"
    if isinstance(statement, sp.Expr):
        return str(
            statement.xreplace(
                {number: sp.Symbol(repr(float(number))) for number in statement.atoms(sp.Float)}
            )
        )
    return shown(statement)
