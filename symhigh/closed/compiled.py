"""Expressions as functions of mpmath's numbers, and the same functions of doubles.

Serves the nodes and formulas of this room, and the relations of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

import mpmath
import sympy as sp
from sympy.printing.pycode import MpmathPrinter

from symhigh.closed.sharing import exact

_PRINTED = {
    "fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True,
    "order": "none",  # to sort terms, SymPy computes their coefficients
}  # fmt: skip


@lru_cache(maxsize=128)
def compiled(arguments: tuple[sp.Symbol, ...], expr: sp.Expr) -> Callable[..., Any]:
    """``expr`` as a function at mpmath's working precision, its terms summed in the order that SymPy holds them.

    Raises ``PrintMethodNotImplementedError`` for a node that mpmath has no name for, and ``NameError`` when called
    where it has none for a function.
    """
    return sp.lambdify(arguments, expr, "mpmath", printer=MpmathPrinter(_PRINTED), docstring_limit=0)


def in_doubles(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that :func:`compiled` returned, computed in doubles."""
    code = function.__code__
    quick = {name: getattr(mpmath.fp, name) for name in code.co_names if hasattr(mpmath.fp, name)}
    return FunctionType(code, function.__globals__ | quick)


@lru_cache(maxsize=1024)
def by_name(expr: sp.Expr, module: str) -> Callable[[Mapping[sp.Symbol, Any]], Any]:
    """``expr`` as a function of the values of its symbols, in ``"math"`` or ``"mpmath"``, equal parts computed once."""
    names, plain, body = _renamed(expr)
    made = sp.lambdify(plain, body, module, cse=_in_any_order, docstring_limit=0)
    return lambda known: made(*(known[n] for n in names))


def _in_any_order(exprs: Any) -> Any:
    return sp.cse(exprs, order="none", list=False)


@lru_cache(maxsize=1024)
def _renamed(expr: sp.Expr) -> tuple[list[sp.Symbol], list[sp.Dummy], sp.Expr]:
    """The symbols of an expression, others in their place, and the expression in those and in exact numbers."""
    names = sorted(expr.free_symbols, key=str)
    plain = [sp.Dummy() for _ in names]
    return names, plain, exact(expr).xreplace(dict(zip(names, plain, strict=True)))
