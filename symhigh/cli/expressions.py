"""Expressions in t from text: arithmetic, a few functions, nothing else. Nothing is evaluated by Python.

Part of the command line. The text is parsed to a syntax tree, of which only the nodes below are read.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import sympy as sp

from symhigh.checks import shown
from symhigh.symbols import t

FUNCTIONS: dict[str, Callable[..., sp.Expr]] = {
    name: getattr(sp, name)
    for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "erf", "floor", "Min", "Max", "Abs")
} | {"min": sp.Min, "max": sp.Max, "abs": sp.Abs}
NAMES = {"t": t, "pi": sp.pi}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_LONGEST = 500
_LARGEST = 100


def read_expression(name: str, text: str) -> sp.Expr:
    """``text`` as a SymPy expression in t; ``ValueError`` for whatever is not arithmetic."""
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"more than {_LONGEST} characters")
        found = _read(ast.parse(text.strip(), mode="eval").body)
        if found.has(sp.zoo, sp.nan):
            raise ValueError("it has no value")
        return found
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
        ZeroDivisionError,
        OverflowError,
        TypeError,
    ) as error:
        why = "not an expression" if isinstance(error, SyntaxError) else str(error)
        raise ValueError(
            f"{name} {shown(text)}: {why}; give arithmetic in t with {', '.join(sorted(FUNCTIONS))}, pi"
        ) from error


def _read(node: ast.expr) -> sp.Expr:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return sp.sympify(number, strict=True)
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_read(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _read(inner)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            first, second = _read(left), _read(right)
            if isinstance(operation, ast.Pow) and second.is_number and not abs(second) <= _LARGEST:
                raise ValueError(f"a power above {_LARGEST}")
            return _BINARY[type(operation)](first, second)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(_read, arguments))
    raise ValueError(f"{ast.unparse(node)} is not read")
