"""Common subexpressions that respect conditions: nothing inside a branch is computed before its condition is known.

Serves every evaluation of an expression in pieces, in mpmath and in generated code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp


def lazy_cse(exprs: Any, symbols: Any = None) -> tuple[list[tuple[sp.Symbol, sp.Expr]], Any]:
    """:func:`sympy.cse` in canonical order, every ``Piecewise`` left whole; one for one, a list for several."""
    several = isinstance(exprs, Sequence)
    given = [*exprs] if several else [exprs]
    outermost = {p for e in given for p in _outermost(e)}
    whole = {p: sp.Dummy(real=True) for p in sorted(outermost, key=sp.default_sort_key)}
    shared, reduced = sp.cse(
        [e.xreplace(whole) for e in given], symbols=symbols or sp.numbered_symbols("x_"), order="canonical"
    )
    back = {dummy: p for p, dummy in whole.items()}
    found = [e.xreplace(back) for e in reduced]
    return [(s, e.xreplace(back)) for s, e in shared], found if several else found[0]


def _outermost(expr: sp.Basic) -> list[sp.Piecewise]:
    if isinstance(expr, sp.Piecewise):
        return [expr]
    return [p for a in expr.args for p in _outermost(a)]
