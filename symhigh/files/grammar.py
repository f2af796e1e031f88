"""Formulas from text and back: arithmetic, a few functions, nothing else. Nothing is evaluated by Python.

Part of the files. The text is parsed to a syntax tree, of which only the nodes below are read. Parts without symbols
are first computed in doubles, so that no number is formed that doubles do not hold.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

from symhigh.checks import shown
from symhigh.symbols import t

_Function = tuple[Callable[..., sp.Basic], Callable[..., float], int]
"""In SymPy, in doubles, and its number of arguments; -1 for two or more."""


def _where(condition: sp.Basic, then: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
    rest = otherwise.args if isinstance(otherwise, sp.Piecewise) else ((otherwise, True),)
    return sp.Piecewise((then, condition), *rest)


FUNCTIONS: Mapping[str, _Function] = {
    **{
        name: (getattr(sp, name), getattr(math, name), 1)
        for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan")
    },
    **{name: (getattr(sp, name), getattr(math, name), 1) for name in ("erf", "erfc", "floor")},
    **dict.fromkeys(("abs", "Abs"), (sp.Abs, abs, 1)),
    **dict.fromkeys(("min", "Min"), (sp.Min, min, -1)),
    **dict.fromkeys(("max", "Max"), (sp.Max, max, -1)),
    "sign": (sp.sign, lambda u: float((u > 0) - (u < 0)), 1),
    "where": (_where, lambda c, a, b: a if c else b, 3),
}
TIME: Mapping[str, sp.Expr] = {"t": t}
_CONSTANTS = {"pi": (sp.pi, math.pi), "E": (sp.E, math.e)}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_NEVER_ZERO = (operator.mul, operator.truediv, operator.pow, sp.exp, sp.erfc)
"""What is zero of numbers that are not only by underflow."""
_LONGEST = 500
_LARGEST = 100
_BITS = 4096


@dataclass(frozen=True)
class _Value:
    """An expression, and its value where it has no symbols."""

    expr: Any
    number: float | None = None


def read_expression(name: str, text: str, names: Mapping[str, sp.Expr] = TIME) -> sp.Expr:
    """``text`` as a SymPy expression in ``names``; ``ValueError`` for whatever is not arithmetic."""
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"more than {_LONGEST} characters")
        tree = ast.parse(text.strip(), mode="eval")
        _check_literals(text.strip(), tree)
        found = _read(tree.body, names).expr
        if not isinstance(found, sp.Expr):
            raise ValueError("a comparison has no value; where(condition, then, otherwise) has")
        if found.has(sp.zoo, sp.nan, sp.oo, sp.I):
            raise ValueError("it has no real value")
        if any(power.exp.is_number and not abs(power.exp) <= _LARGEST for power in found.atoms(sp.Pow)):
            raise ValueError(f"a power above {_LARGEST}")
        return found
    except (SyntaxError, ValueError, RecursionError, MemoryError, ArithmeticError, TypeError) as error:
        why = "not an expression" if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        inside = f"arithmetic in {', '.join(names)}" if names else "a number, or arithmetic"
        functions = ", ".join(name for name in FUNCTIONS if name[0].islower())
        raise ValueError(f"{name} {shown(text)}: {why}; give {inside} with {functions}, pi, E") from error


def write_expression(expr: sp.Expr) -> str:
    """``expr`` as text that :func:`read_expression` reads."""
    return str(_Printer().doprint(expr))


def _read(node: ast.expr, names: Mapping[str, sp.Expr]) -> _Value:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _apply(lambda: sp.sympify(number, strict=True), lambda: float(number))
        case ast.Name(id=name) if name in names:
            return _Value(names[name])
        case ast.Name(id=name) if name in _CONSTANTS:
            return _Value(*_CONSTANTS[name])
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            value = _read(inner, names)
            return _apply(operator.neg, operator.neg, value) if isinstance(node.op, ast.USub) else value
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            first, second = _read(left, names), _read(right, names)
            if isinstance(operation, ast.Pow):
                _check_power(first, second)
            function = _BINARY[type(operation)]
            return _apply(function, function, first, second)
        case ast.Compare(left=left, ops=[operation], comparators=[right]) if type(operation) in _COMPARED:
            function = _COMPARED[type(operation)]
            return _apply(function, function, _read(left, names), _read(right, names))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            function, numeric, count = FUNCTIONS[name]
            if len(arguments) != count and not (count < 0 and len(arguments) > 1):
                raise ValueError(f"{name} takes {'two arguments or more' if count < 0 else f'{count} argument(s)'}")
            return _apply(function, numeric, *(_read(argument, names) for argument in arguments))
    name = node.id if isinstance(node, ast.Name) else ""
    if name in FUNCTIONS:
        raise ValueError(f"{name} is a function, write {name}(…)")
    near = get_close_matches(name, [*names, *FUNCTIONS, *_CONSTANTS], n=1)
    raise ValueError(f"{ast.unparse(node)} is not read" + (f", did you mean {near[0]}?" if near else ""))


def _check_literals(text: str, tree: ast.AST) -> None:
    """Refuses numbers that are written with digits and are zero in doubles."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value == 0:
            written = (ast.get_source_segment(text, node) or "").lower().partition("e")[0]
            if set(written) & set("123456789"):
                raise ValueError("a number below the range of doubles")


def _apply(function: Callable[..., Any], numeric: Callable[..., Any], *values: _Value) -> _Value:
    numbers = [value.number for value in values]
    if any(number is None for number in numbers):
        return _Value(function(*(value.expr for value in values)))
    try:
        number = numeric(*numbers)
    except OverflowError as error:
        raise ValueError("a number beyond the range of doubles") from error
    except ZeroDivisionError as error:
        raise ValueError("it has no value") from error
    except ValueError as error:  # of a function that is not defined there
        raise ValueError("it has no real value") from error
    if not isinstance(number, bool):
        if isinstance(number, complex):
            raise ValueError("it has no real value")
        if number == 0 and all(numbers) and function in _NEVER_ZERO:
            raise ValueError("a number below the range of doubles")
    if not math.isfinite(number):
        raise ValueError("a number beyond the range of doubles")
    return _Value(function(*(value.expr for value in values)), number)


def _check_power(base: _Value, power: _Value) -> None:
    """Refuses powers that are too high to be worked with, before they are formed."""
    if power.number is not None and not abs(power.number) <= _LARGEST:
        raise ValueError(f"a power above {_LARGEST}")
    if power.number is not None and isinstance(base.expr, sp.Rational):
        size = max(int(base.expr.p).bit_length(), int(base.expr.q).bit_length())
        if size * abs(power.number) > _BITS:
            raise ValueError("a power of a number with too many digits")


class _Printer(StrPrinter):  # type: ignore[misc]
    """Text of the grammar: all digits of a double, ``where`` for pieces."""

    def _print_Float(self, expr: sp.Float) -> str:
        return repr(float(expr))

    def _print_Piecewise(self, expr: sp.Piecewise) -> str:
        *pieces, (last, condition) = expr.args
        if condition is not sp.true:
            raise ValueError(f"{expr} has no value everywhere")
        text = self._print(last)
        for value, where in reversed(pieces):
            text = f"where({self._print(where)}, {self._print(value)}, {text})"
        return str(text)
