"""Sums with error functions written so that reordering them loses no digits.

A pass of the lowering, before common subexpressions are shared.
"""

from __future__ import annotations

import sympy as sp


def complementary(expr: sp.Expr) -> sp.Expr:
    """``expr`` with ``c - c erf(u)`` in its sums written ``c erfc(u)``.

    With reassociation on, ``Q erf(u) - c² erf(u) + c²`` may be computed as ``(Q - c²) erf(u) + c²``, which has no digit
    of a small Q left; erfc is a call of its own, which nothing reorders.
    """
    if not expr.has(sp.erf):
        return expr
    if not isinstance(expr, sp.Add):
        return expr.func(*map(complementary, expr.args)) if expr.args else expr
    terms = list(expr.args)
    for term in expr.args:
        for call in (f for f in sp.Mul.make_args(term) if isinstance(f, sp.erf)):
            plain = -term / call
            if term in terms and plain in terms:
                terms.remove(term)
                terms.remove(plain)
                terms.append(plain * sp.erfc(*call.args))
    return sp.Add(*(term if term.has(sp.erfc) else complementary(term) for term in terms))
