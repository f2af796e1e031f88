"""Closures of a mean field: what makes a solvable system of a coordinate's SDE, tried in order.

Last pass but one of a derivation. A closure is a function of the statement, its mean field and what the user gave; it
returns a system or raises :class:`NotClosed` with its reason. Another closure is another file in this folder.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from symhigh.derivation.close.density import DensitySystem
from symhigh.derivation.close.particles import ParticleSystem
from symhigh.derivation.close.refusal import NotClosed, assembled, opened
from symhigh.derivation.close.registry import in_order
from symhigh.derivation.state import Statement
from symhigh.entries import discover
from symhigh.meanfield import MeanField
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.system import MomentSystem

discover(sys.modules[__name__])


def close(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> MomentSystem:
    """The first closure that applies; ``ValueError`` with the reasons of all where none does."""
    reasons: list[str] = []
    for name, closure in in_order():
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
    """The mean field as a system whose modes are single coordinates: what a simulation records, moved by steps."""
    family, *rest = opened(field)
    still = replace(family, rhs=tuple(sp.S.Zero for _ in family.rhs))
    return assembled(MomentSystem, problem, rule, (still, *rest), values, field)


__all__ = ["NotClosed", "close", "closed_by_moments", "open_system"]
