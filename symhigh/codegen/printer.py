"""Scalar expressions of quadrature nodes as Python source over ``math``, safe from overflow.

Part of the lowering of quadrature nodes. Sigmoid, softplus, exponentials and logarithms call helpers that the
quadrature texts define.
"""

from __future__ import annotations

import re

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from symhigh.derivation.gaussian import lazy_cse

_GENERATED = re.compile(r"(node|mixture)_\d+(_part|_within)?|safe_\w+")
"""Names of functions that lowering itself defines."""


class ScalarPrinter(PythonCodePrinter):  # type: ignore[misc]
    """Python source of functions that the ``math`` module has, and calls of generated ones; others are refused."""

    def _print_AppliedUndef(self, expr: sp.Expr) -> str:
        if not _GENERATED.fullmatch(name := expr.func.__name__):
            return self._print_not_supported(expr)
        return f"{name}({', '.join(map(self._print, expr.args))})"

    # whole numbers as doubles: a negative power of an int is another function
    def _print_floor(self, expr: sp.Expr) -> str:
        return f"float({super()._print_floor(expr)})"

    def _print_ceiling(self, expr: sp.Expr) -> str:
        return f"float({super()._print_ceiling(expr)})"

    def _print_frac(self, expr: sp.Expr) -> str:
        return f"({self._print(expr.args[0])} - {self._print(sp.floor(expr.args[0]))})"

    def _print_Hazard(self, expr: sp.Expr) -> str:
        return f"hazard({self._print(expr.args[0])})"

    def _print_FourSigns(self, expr: sp.Expr) -> str:
        return f"four_signs({', '.join(map(self._print, expr.args))})"

    def _print_LogErfc(self, expr: sp.Expr) -> str:
        return f"log_erfc({self._print(expr.args[0])})"

    def _print_not_supported(self, expr: sp.Basic) -> str:
        name = type(expr).__name__
        raise ValueError(
            f"code generation: {expr} calls {name}, for which there is no generated code; write it with elementary "
            "functions (powers, exp, log, trigonometric and hyperbolic ones, erf, gamma, Abs, sign, Max, Piecewise)"
        )


class _Printer(ScalarPrinter):
    def _print_Sigmoid(self, expr: sp.Expr) -> str:
        return f"sigmoid({self._print(expr.args[0])})"

    def _print_Softplus(self, expr: sp.Expr) -> str:
        return f"softplus({self._print(expr.args[0])})"

    def _print_exp(self, expr: sp.Expr) -> str:
        return f"safe_exp({self._print(expr.args[0])})"

    def _print_sign(self, expr: sp.Expr) -> str:
        return f"signum({self._print(expr.args[0])})"

    def _print_Heaviside(self, expr: sp.Expr) -> str:
        return f"(0.5 + 0.5 * signum({self._print(expr.args[0])}))"

    def _print_Infinity(self, expr: sp.Expr) -> str:
        return "math.inf"

    def _print_log(self, expr: sp.Expr) -> str:
        return f"safe_log({self._print(expr.args[0])})"

    def _print_Pow(self, expr: sp.Expr, rational: bool = False, sqrt: str = "math.sqrt") -> str:
        base, n = expr.base, expr.exp
        if n.is_Integer and 2 <= n <= 4 and base.is_Symbol:
            return "(" + "*".join([self._print(base)] * int(n)) + ")"
        return str(super()._print_Pow(expr, rational=rational))


_printer = _Printer({"fully_qualified_modules": True})


def code(expr: sp.Expr) -> str:
    """``expr`` as a Python expression."""
    return str(_printer.doprint(expr))


def function_body(expr: sp.Expr) -> str:
    """Indented statements that return ``expr``, common subexpressions first."""
    shared, (result,) = lazy_cse([expr], sp.numbered_symbols("t"))
    lines = [f"{s} = {code(e)}" for s, e in shared]
    return "\n".join("    " + line for line in [*lines, f"return {code(result)}"])
