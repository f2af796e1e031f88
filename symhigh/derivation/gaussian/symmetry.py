"""Averages that are zero by symmetry: a signed permutation keeps the law and changes the sign of the integrand.

Serves Gaussian expectations of functions in pieces, where a sum of quadratures would be zero to rounding only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product

import sympy as sp

from symhigh.derivation.gaussian.cells import TooManyPieces, cells
from symhigh.derivation.gaussian.covariance import Covariance

_MOST_VARIABLES = 3


def vanishes(expr: sp.Expr, variables: Sequence[sp.Symbol], cov: Covariance) -> bool:
    """Whether ``E expr`` is zero because a symmetry of the law takes ``expr`` to ``-expr``."""
    if len(variables) > _MOST_VARIABLES:
        return False
    return any(_is_odd(expr, moved, variables) for moved in _symmetries(variables, cov))


def _symmetries(variables: Sequence[sp.Symbol], cov: Covariance) -> Iterator[dict[sp.Symbol, sp.Expr]]:
    """Signed permutations of the variables under which their covariance stays as it is."""
    indices = range(len(variables))
    for order in permutations(indices):
        for signs in product((-1, 1), repeat=len(variables)):
            kept = all(
                signs[i] * signs[j] * cov[order[i]][order[j]] == cov[i][j]
                for i in indices
                for j in range(i + 1)
            )
            if kept:
                yield {v: signs[i] * variables[order[i]] for i, v in enumerate(variables)}


def _is_odd(expr: sp.Expr, moved: dict[sp.Symbol, sp.Expr], variables: Sequence[sp.Symbol]) -> bool:
    both = expr + expr.xreplace(moved)
    point = {
        s: sp.Rational(37 + 12 * k, 31 + 5 * k) for k, s in enumerate(sorted(both.free_symbols, key=str))
    }
    here = sp.bottom_up(both.xreplace(point), lambda e: sp.N(e, 15) if e.is_Function and e.is_number else e)
    if here != 0 and not (here.is_number and (size := abs(sp.N(here, 15))).is_Float and size < 1e-9):
        return False
    try:
        return all(sp.expand(branch) == 0 for branch, _ in cells(both, variables))
    except TooManyPieces:
        return False
