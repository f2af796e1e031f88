"""Expressions as functions of mpmath's numbers, and the same functions of doubles.

Serves the nodes and formulas of this room, and the relations of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any

import mpmath
import sympy as sp
from sympy.printing.pycode import MpmathPrinter

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
    names: Sequence[str] = code.co_names
    quick = {name: getattr(mpmath.fp, name) for name in names if hasattr(mpmath.fp, name)}
    return FunctionType(code, function.__globals__ | quick)
