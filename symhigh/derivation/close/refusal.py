"""What all closures share: their refusal, and the mean field as a system over single coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

import sympy as sp

from symhigh.meanfield import Family, MeanField, Reduction, Scalar, ScalarState
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.symbols import gamma
from symhigh.system import MomentSystem

System = TypeVar("System", bound=MomentSystem)


def no_fluctuations(system: MomentSystem) -> str:
    """Why a system that is not closed by second moments has no linear theory."""
    return (
        f"fluctuations: {system.problem.name} under {type(system.rule).__name__} has no equations of second moments "
        f"({system.closure or type(system).__name__}), and the covariance of one run is derived for those alone; "
        "simulate an ensemble for its spread"
    )


class NotClosed(ArithmeticError):
    """A closure does not apply; the message says why."""


@lru_cache(maxsize=512)
def opened(field: MeanField) -> Any:
    """Family, averages, scalars, memories and outputs of single coordinates, their noise apart."""
    return numbers_put_in(field.family, field.couplings, field.scalars, field.states, field.outputs)


def assembled(
    kind: type[System], problem: Problem, rule: Rule, parts: Any, values: Mapping[sp.Symbol, sp.Expr], field: MeanField
) -> System:
    """A system of ``kind`` from what a closure found and what the user gave."""
    family, reductions, scalars, states, outputs = parts
    return kind(problem, rule, family, reductions, scalars, states, values, outputs, field)


def known_numbers(scalars: tuple[Scalar, ...]) -> dict[sp.Symbol, sp.Expr]:
    """The scalars that are numbers; γ keeps its name."""
    return {s.name: s.expression for s in scalars if s.expression.is_number and s.name != gamma}


def numbers_put_in(
    family: Family,
    reductions: tuple[Reduction, ...],
    scalars: tuple[Scalar, ...],
    states: tuple[ScalarState, ...],
    outputs: Mapping[str, sp.Expr],
) -> Any:
    """Scalars that are numbers, such as least squares' ``c1 = 1``, put in place of their names; γ keeps its own."""
    numbers = known_numbers(scalars)
    return (
        replace(family, rhs=tuple(r.subs(numbers) for r in family.rhs)),
        reductions,
        tuple(Scalar(s.name, s.expression.subs(numbers)) for s in scalars if s.name not in numbers),
        tuple(replace(s, rhs=s.rhs.subs(numbers)) for s in states),
        MappingProxyType({key: e.subs(numbers) for key, e in outputs.items()}),
    )
