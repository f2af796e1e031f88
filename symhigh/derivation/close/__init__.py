"""Closures of a mean field: what makes a solvable system of a coordinate's SDE, tried in order.

Last pass but one of a derivation. A closure is a function of the statement, its mean field and what the user gave; it
returns a system or raises :class:`NotClosed` with its reason. Another closure is another file and a line of
``CLOSURES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import sympy as sp

from symhigh.derivation.close.density import DensitySystem, close_by_density
from symhigh.derivation.close.moments import close_by_moments
from symhigh.derivation.close.particles import ParticleSystem, close_by_particles
from symhigh.derivation.close.refusal import NotClosed, assembled, opened
from symhigh.derivation.state import Statement
from symhigh.meanfield import MeanField
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.system import MomentSystem

Closure = Callable[[Statement, MeanField, Problem, Rule, Mapping[sp.Symbol, sp.Expr], bool], MomentSystem]
CLOSURES: tuple[tuple[str, Closure], ...] = (
    ("moments", close_by_moments),
    ("density", close_by_density),
    ("particles", close_by_particles),
)


def close(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> MomentSystem:
    """The first closure that applies; ``ValueError`` with the reasons of all where none does."""
    reasons: list[str] = []
    for name, closure in CLOSURES:
        try:
            system = closure(s, field, problem, rule, values, reduce)
            return replace(system, closure=f"closed by {name}" + (f", since {'; '.join(reasons)}" if reasons else ""))
        except NotClosed as refusal:
            reasons.append(f"{name}: {refusal}")
    raise ValueError(f"derive: {s.owner} on {problem.name} does not close; " + "; ".join(reasons))


def closed_by_moments(system: MomentSystem) -> bool:
    """Whether the modes of a system hold moments, and their right-hand sides are all that there is to integrate."""
    return not isinstance(system, DensitySystem | ParticleSystem)


def open_system(
    field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr]
) -> MomentSystem:
    """The mean field as a system whose modes are single coordinates, their noise apart: what a simulation records."""
    return assembled(MomentSystem, problem, rule, opened(field), values, field)


__all__ = ["CLOSURES", "NotClosed", "close", "closed_by_moments", "open_system"]
