"""Sums with error functions written so that neither rounding nor reordering loses their digits.

A pass of the lowering, before common subexpressions are shared.
"""

from __future__ import annotations

import sympy as sp


def complementary(expr: sp.Expr) -> sp.Expr:
    """``expr`` with ``a ± a erf(u)`` in its sums written ``a erfc(∓u)``.

    With reassociation on, ``Q erf(u) - c² erf(u) + c²`` may be computed as ``(Q - c²) erf(u) + c²``, which has no digit
    of a small Q left; erfc is a call of its own, which nothing reorders.
    """
    return expr.replace(lambda e: e.is_Add and e.has(sp.erf), _paired) if expr.has(sp.erf) else expr


def _paired(total: sp.Add) -> sp.Expr:
    terms = list(total.args)
    for term in total.args:
        factor, function = term.as_independent(sp.erf)
        for sign in (-1, 1):
            if isinstance(function, sp.erf) and sign * factor in terms:
                terms.remove(term)
                terms.remove(sign * factor)
                terms.append(sign * factor * sp.erfc(-sign * function.args[0]))
                break
    return sp.Add(*terms)
