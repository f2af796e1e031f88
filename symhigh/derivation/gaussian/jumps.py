"""Jumps: across which boundaries a function in pieces is discontinuous, and by how much.

Serves derivatives in law, where a jump is a Dirac measure, and the check that a loss has a slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import mpmath
import sympy as sp

from symhigh.derivation.gaussian.cells import KINKS, boundaries_of, edges, in_cells, kinked, on_side
from symhigh.derivation.gaussian.crossings import crossings
from symhigh.derivation.gaussian.smooth import explicit

_SEEDS = (sp.Rational(3, 7), sp.Rational(8, 5), sp.Rational(-5, 9), sp.Rational(-17, 8))
_REACH = 12.0


def branchwise(expr: sp.Expr, variable: sp.Symbol, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """The derivative inside the pieces, without the jumps between them."""
    rooted = any(p.base.has(*KINKS) for p in expr.atoms(sp.Pow) if not p.exp.is_Integer or p.exp < 0)
    pieces = in_cells(expr, variables) if rooted else expr
    return sp.diff(pieces, variable).replace(sp.DiracDelta, lambda *_: sp.S.Zero)


def resolved(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """``expr`` in cells where a step or a condition in it has kinks itself, as ``|u| < 1``, and so jumps within one."""
    steps = [b for step in expr.atoms(sp.sign, sp.Heaviside, sp.Piecewise) for b in boundaries_of(step)]
    return in_cells(expr, variables) if any(kinked(b, variables) for b in steps) else expr


def jump(expr: sp.Expr, boundary: sp.Expr, variables: Sequence[sp.Symbol]) -> sp.Expr:
    """What ``expr`` gains where the boundary goes from negative to positive."""
    return on_side(expr, boundary, 1, variables) - on_side(expr, boundary, -1, variables)


def jumps(expr: sp.Expr, variables: Sequence[sp.Symbol], moving: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The boundaries across which ``expr`` is discontinuous as one of ``moving`` varies, seen at points on them."""
    if not expr.has(*KINKS):
        return []
    expr = resolved(expr, variables)
    found = edges(expr, variables)
    return [b for b in found if b.free_symbols.intersection(moving) and _jumps_at(expr, b, variables, moving)]


def _jumps_at(
    expr: sp.Expr, boundary: sp.Expr, variables: Sequence[sp.Symbol], moving: Sequence[sp.Symbol]
) -> bool:
    """Look at the two sides of a boundary at unrelated points on it."""
    variable = next(s for s in moving if boundary.has(s))
    gain = jump(expr, boundary, variables)
    if gain == 0:
        return False
    others = sorted((expr.free_symbols | boundary.free_symbols) - {variable}, key=str)
    for seed in _SEEDS:
        point = {
            s: (abs(seed) if s.is_nonnegative else seed) + sp.Rational(i, 11) for i, s in enumerate(others)
        }
        for root in _roots(boundary.xreplace(point), variable):
            try:
                value = sp.N(gain.xreplace({**point, variable: root}), 20)
            except TypeError:  # another boundary runs through this very point
                continue
            if value.is_Float and abs(value) > 1e-9:
                return True
    return False


def _roots(boundary: sp.Expr, variable: sp.Symbol) -> list[sp.Expr]:
    """Zeros of a function of one variable: exact for polynomials of degree one and two, found on a grid for others."""
    if not boundary.has(variable):
        return []
    if boundary.is_polynomial(variable) and sp.degree(boundary, variable) <= 2:
        return [r for r in sp.roots(sp.Poly(boundary, variable)) if r.is_real]
    f = sp.lambdify(variable, explicit(boundary), "mpmath")

    def real(z: float) -> float:
        try:
            value = mpmath.mpmathify(f(z))
        except ZeroDivisionError:  # a pole, of a rate where its sample's slope vanishes
            return math.inf
        return float(value.real) if value.imag == 0 else 1.0

    return [sp.Float(root, 20) for root in crossings(real, -_REACH + 0.1234, _REACH, 1e-14)]
