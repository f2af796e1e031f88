"""Closure by second moments: products of a mode's vectors, where their drift is linear.

First of the closures. By Itô's formula ``d E[v w] = E[v b_w + w b_v + A_vw] dt``; where the drift b is linear in the
vectors and the covariance A free of them, the products close. Source: *The High Line* (arXiv 2405.19585), (9).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import Any

import sympy as sp

from symhigh.derivation.close.refusal import NotClosed, assembled, numbers_put_in
from symhigh.derivation.close.registry import closure
from symhigh.derivation.mean_field import labels
from symhigh.derivation.reduction import reduce_to_error
from symhigh.derivation.state import Statement
from symhigh.meanfield import Family, MeanField, Reduction
from symhigh.problem import Problem
from symhigh.rule import Rule
from symhigh.symbols import lam, product_symbol
from symhigh.system import MomentSystem


class Moments:
    """The products ``V_pq = E v_p v_q`` of a mode's vectors and constant directions, and their names."""

    def __init__(self, s: Statement, field: MeanField) -> None:
        self.field = field
        self.symbols = (*field.coordinates, *(c for c in field.coefficients if c != lam))
        name = labels(s)
        self.name: dict[sp.Expr, sp.Symbol] = {}
        for v, w in combinations_with_replacement(self._ordered(), 2):
            self.name[v * w] = product_symbol(f"V{name[v]}{name[w]}", v == w)

    def _ordered(self) -> tuple[sp.Symbol, ...]:
        """Vectors, then targets, then constant directions."""
        targets = [v for v in self.symbols if v in self.field.targets]
        return (
            *(v for v in self.field.coordinates if v not in targets),
            *targets,
            *(v for v in self.symbols if v not in self.field.coordinates and v not in targets),
        )

    def of(self, expr: sp.Expr) -> sp.Expr:
        """``E expr`` of a quadratic polynomial in a mode's symbols; :class:`NotClosed` for anything else."""
        if not expr.is_polynomial(*self.symbols):
            raise NotClosed(f"{expr} is not polynomial in {', '.join(map(str, self.symbols))}")
        total = sp.S.Zero
        for powers, coefficient in sp.Poly(expr, *self.symbols).terms():
            monomial = sp.prod(v**n for v, n in zip(self.symbols, powers, strict=True))
            if monomial != 1 and monomial not in self.name:
                raise NotClosed(f"the average of {monomial} is no second moment, and no equation for it is at hand")
            total += coefficient * (self.name[monomial] if monomial != 1 else 1)
        return total


@closure("moments", place=1)
def close_by_moments(
    s: Statement, field: MeanField, problem: Problem, rule: Rule, values: Mapping[sp.Symbol, sp.Expr], reduce: bool
) -> MomentSystem:
    """The system of second moments, reduced to one state a mode where it is asked for and closes.

    Raises :class:`NotClosed` where a drift is not linear in the vectors, or an average is not a second moment.
    """
    return assembled(MomentSystem, problem, rule, _parts(s, field, reduce), values, field)


@lru_cache(maxsize=512)
def _parts(s: Statement, field: MeanField, reduce: bool) -> Any:
    family, reductions = second_moments(s, field)
    parts = (family, reductions, field.scalars, field.states, MappingProxyType(field.outputs))
    plain = s.single and len(s.coordinates) == 1 and not s.fixed and not s.cells and not s.totals
    return numbers_put_in(*(reduce_to_error(*parts) if reduce and plain else parts))


def second_moments(s: Statement, field: MeanField) -> tuple[Family, tuple[Reduction, ...]]:
    """The family of second moments and cells, and the couplings in terms of them."""
    moments = Moments(s, field)
    moving = set(field.coordinates)
    rhs = {
        name: moments.of(sp.expand(field.generator(pair)))
        for pair, name in moments.name.items()
        if pair.free_symbols & moving
    }
    fixed = tuple(name for pair, name in moments.name.items() if name not in rhs)
    definitions = {name: pair for pair, name in moments.name.items()}
    definitions |= {cell: cell for cell in field.cells}
    family = Family(
        (*rhs, *field.cells),
        (lam, *fixed),
        (*rhs.values(), *field.cell_drift),
        MappingProxyType(definitions),
    )
    return family, tuple(Reduction(r.name, moments.of(sp.expand(r.summand))) for r in field.couplings)
