"""Closure by particles: the McKean-Vlasov system itself, for whatever has no smaller one.

Last of the closures; it applies to every mean field whose noise is known as a function of the coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symhigh.derivation.close.refusal import NotClosed, assembled, known_numbers, opened
from symhigh.derivation.close.registry import closure
from symhigh.derivation.state import Statement
from symhigh.meanfield import MeanField
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.system import MomentSystem


@dataclass(frozen=True, eq=False, repr=False)
class ParticleSystem(MomentSystem):
    """A mean field to be solved by particles; the modes of the system are single coordinates, their noise apart."""

    @property
    def diffusion(self) -> sp.ImmutableMatrix | None:
        """What multiplies the increments of a coordinate's Brownian motion."""
        return self.field.noise


@closure("particles", place=3)
def close_by_particles(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> ParticleSystem:
    """The mean field as it is."""
    if field.noise is None:
        raise NotClosed("the random numbers of one step are correlated, and no factor of their covariance is known")
    noise = sp.ImmutableMatrix(field.noise.subs(known_numbers(field.scalars)))
    return assembled(ParticleSystem, problem, rule, opened(field), values, replace(field, noise=noise))
