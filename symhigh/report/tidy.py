"""Closed forms as a paper prints them: no towers of fractions, covariance determinants in one place.

Read by the printed views of a limit; the derived expressions, and the code made of them, stay as they are. Every
rewriting is an identity for covariances (B11, B22 >= 0, B12² <= B11 B22), which the tests check at random points.
"""

from __future__ import annotations

import re
from functools import lru_cache

import sympy as sp

from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.symbols import B11, B12, B22, OwnedSymbol, product_symbol

_HELD = (sp.Function, GaussianMean)
"""What is one symbol for the algebra around it."""
_OPENED = (sp.asin, sp.exp, sp.log, sp.erf)
"""Functions whose argument is tidied too."""
_SIZE = 400
"""Expressions with more operations are left alone: they are no closed forms that anyone would print."""


@lru_cache(maxsize=512)
def tidy(expr: sp.Expr) -> sp.Expr:
    """``expr`` without towers: roots of fractions split, factors taken out, branches that are never reached gone."""
    expr = expr.replace(_is_conditional, _reached)
    if expr.count_ops() > _SIZE:
        return expr
    positive = {s: sp.Dummy(s.name, positive=True) for s in (B11, B22) if expr.has(s)}
    plain = _inner(expr.xreplace(positive))
    groups: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(plain):
        held, free = sp.sift(sp.Mul.make_args(term), lambda f: f.has(*_HELD) or _is_root(f), binary=True)
        shape = sp.Mul(*held)
        groups[shape] = groups.get(shape, sp.S.Zero) + sp.Mul(*free)
    found = sp.Add(*(_term(groups[shape]) * shape for shape in groups))
    found = found.xreplace({dummy: symbol for symbol, dummy in positive.items()})
    return found if found.count_ops() <= expr.count_ops() + 4 else expr


def _inner(expr: sp.Expr) -> sp.Expr:
    """Arguments of functions and bases of roots, from the inside out."""
    if not expr.args or expr.is_Atom:
        return expr
    if not isinstance(expr, (sp.Add, sp.Mul, sp.Pow, *_OPENED)):
        return expr
    expr = expr.func(*map(_inner, expr.args))
    if _is_root(expr):
        return _root(expr.base, expr.exp)
    if expr.is_Pow and expr.base.is_Add:
        return sp.factor_terms(expr.base) ** expr.exp
    if isinstance(expr, sp.asin):
        return expr.func(_term(expr.args[0]))
    return expr


def _is_root(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and expr.exp.is_Rational and not expr.exp.is_Integer and expr.base.free_symbols)


def _root(base: sp.Expr, power: sp.Rational) -> sp.Expr:
    """``base**power`` of a fraction, its positive factors taken out; the others stay under one root."""
    top, bottom = map(sp.factor, sp.fraction(sp.cancel(sp.together(base))))
    if not sp.expand(bottom).is_positive:
        return base**power
    split = [_completed(f) for f in sp.Mul.make_args(top) if sp.expand(f).is_positive]
    rest = sp.Mul(*(_completed(f) for f in sp.Mul.make_args(top) if not sp.expand(f).is_positive))
    below = [_completed(f) for f in sp.Mul.make_args(bottom)]
    return sp.Mul(*(f**power for f in split), *(f**-power for f in below)) * rest**power


def _completed(expr: sp.Expr) -> sp.Expr:
    """``(1 + B11)(1 + B22) - B12²`` in place of its expansion."""
    if not expr.has(B12):
        return expr
    rest = sp.expand(expr).subs(B12, 0)
    return sp.factor(rest) + sp.factor(sp.expand(expr - rest))


def _term(expr: sp.Expr) -> sp.Expr:
    """One term over one denominator, its factors factored; functions in it count as symbols."""
    functions = {f: sp.Dummy() for f in expr.atoms(*_HELD)}
    top, bottom = sp.fraction(sp.together(expr.xreplace(functions)))
    return (_factored(top) / _factored(bottom)).xreplace({name: f for f, name in functions.items()})


def _factored(expr: sp.Expr) -> sp.Expr:
    return sp.Mul(*map(_factor, sp.Mul.make_args(sp.factor(expr))))


def _factor(expr: sp.Expr) -> sp.Expr:
    return _completed(expr.base) ** expr.exp if expr.is_Pow else _completed(expr)


def _is_conditional(expr: sp.Basic) -> bool:
    return isinstance(expr, sp.Piecewise) and len(expr.args) == 2 and expr.args[1].expr is sp.nan


def _reached(piecewise: sp.Piecewise) -> sp.Expr:
    """The branch with a value, where its condition holds for every covariance; else the expression itself."""
    value, condition = piecewise.args[0]
    return value if _always(condition) else piecewise


def _always(condition: sp.Basic) -> bool:
    """Whether ``condition`` follows from B_pp >= 0 and B_pq² <= B_pp B_qq, with signs of terms alone."""
    if isinstance(condition, sp.And):
        return all(map(_always, condition.args))
    if not isinstance(condition, (sp.StrictGreaterThan, sp.GreaterThan)):
        return False
    gap = sp.expand(condition.lhs - condition.rhs)
    for overlap in sorted(filter(_squares, gap.free_symbols), key=str):
        first, second = _squares(overlap)
        gap = sp.expand(gap.subs(overlap**2, first * second - sp.Dummy("room", nonnegative=True)))
        if gap.has(overlap):
            return False
    return bool(gap.is_positive if condition.func is sp.StrictGreaterThan else gap.is_nonnegative)


def _squares(overlap: sp.Symbol) -> tuple[sp.Symbol, ...]:
    """The mean squares of the two predictions whose product this is; none for another symbol."""
    if overlap == B12:
        return B11, B22
    found = re.fullmatch(r"B_(\d+)_(\d+)", overlap.name) if isinstance(overlap, OwnedSymbol) else None
    if found is None or found[1] == found[2]:
        return ()
    return tuple(product_symbol(f"B_{k}_{k}", True) for k in found.groups())
