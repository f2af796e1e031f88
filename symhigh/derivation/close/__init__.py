"""Closures of a mean field: what makes a solvable system of a coordinate's SDE. Tried in order; refusals are collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import sympy as sp

from symhigh.derivation.close.moments import NotClosed, close_by_moments
from symhigh.derivation.reduction import reduce_to_error
from symhigh.derivation.state import Statement
from symhigh.meanfield import MeanField
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.system import Family, LimitSystem, Reduction, Scalar, ScalarState


@lru_cache(maxsize=128)
def _moments(s: Statement, field: MeanField, reduce: bool) -> Any:
    family, reductions = close_by_moments(s, field)
    parts = (family, reductions, field.scalars, field.states, MappingProxyType(field.outputs))
    plain = s.single and len(s.coordinates) == 1 and not s.fixed and not s.cells and not s.totals
    return _numbers_put_in(*(reduce_to_error(*parts) if reduce and plain else parts))


def _numbers_put_in(
    family: Family,
    reductions: tuple[Reduction, ...],
    scalars: tuple[Scalar, ...],
    states: tuple[ScalarState, ...],
    outputs: Mapping[str, sp.Expr],
) -> Any:
    """Scalars that are numbers, such as least squares' ``c1 = 1``, put in place of their names."""
    numbers = {s.name: s.expression for s in scalars if s.expression.is_number}
    return (
        replace(family, rhs=tuple(r.subs(numbers) for r in family.rhs)),
        reductions,
        tuple(Scalar(s.name, s.expression.subs(numbers)) for s in scalars if s.name not in numbers),
        tuple(replace(s, rhs=s.rhs.subs(numbers)) for s in states),
        MappingProxyType({key: e.subs(numbers) for key, e in outputs.items()}),
    )


def close(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> LimitSystem:
    """The first closure that applies to ``field``."""
    family, reductions, scalars, states, outputs = _moments(s, field, reduce)
    return LimitSystem(problem, rule, family, reductions, scalars, states, values, outputs, field)


def open_system(
    field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr]
) -> LimitSystem:
    """The mean field as a system whose modes are single coordinates, their noise apart: what a simulation records."""
    parts = _open(field)
    family, reductions, scalars, states, outputs = parts
    return LimitSystem(problem, rule, family, reductions, scalars, states, values, outputs, field)


@lru_cache(maxsize=128)
def _open(field: MeanField) -> Any:
    return _numbers_put_in(field.family, field.couplings, field.scalars, field.states, field.outputs)


__all__ = ["NotClosed", "close", "open_system"]
