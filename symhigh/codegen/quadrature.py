"""Quadrature nodes lowered to source: one function a node shape, called with covariance entries and parameters.

Between derivation and code generation. Smooth nodes become trapezoidal rules with a step chosen from the covariance,
see :mod:`symhigh.codegen.analyticity` and :mod:`symhigh.codegen.quadrature_source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy.printing.pycode import PythonCodePrinter

from symhigh.codegen import quadrature_source as text
from symhigh.codegen.analyticity import strip
from symhigh.derive.gaussian import GaussianMean, Sigmoid, Softplus, recognise


def lower_nodes(exprs: Sequence[sp.Expr]) -> tuple[str, list[sp.Expr]]:
    """Source of the functions that the nodes in ``exprs`` need, and ``exprs`` with the nodes as calls of them.

    Each node becomes ``node_k(v11, v12, v22, …, parameters)``: the upper triangle of its covariance row by row, then its
    parameters by name. Nodes of equal integrand share a function. The source is plain Python over the modules ``math``
    and ``numpy``; every function is decorated by ``njit``, a name that the caller defines before it.
    """
    lowering = QuadratureLowering()
    replaced = [lowering.replace(e) for e in exprs]
    return lowering.source(), replaced


class QuadratureLowering:
    """Collects nodes of several expressions; equal integrands share a function."""

    def __init__(self) -> None:
        self._name: dict[tuple[sp.Expr, int], str] = {}
        self._texts: list[str] = []

    def replace(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every node as a call."""
        nodes = expr.atoms(GaussianMean)
        return expr.xreplace({node: self._call(node) for node in nodes}) if nodes else expr

    def source(self) -> str:
        """Source of all functions, empty where there is no node."""
        return "\n".join([text.SHARED, *self._texts]) if self._texts else ""

    def _call(self, node: GaussianMean) -> sp.Expr:
        key = (node.integrand, node.dimension)
        parameters = _parameters(node)
        if key not in self._name:
            self._name[key] = f"node_{len(self._name)}"
            self._texts.append(_node_source(self._name[key], node.integrand, node.variables, parameters))
        entries = [node.cov[i, j] for i in range(node.dimension) for j in range(i, node.dimension)]
        return sp.Function(self._name[key], real=True)(*entries, *parameters)


def _parameters(node: GaussianMean) -> list[sp.Symbol]:
    return sorted(node.integrand.free_symbols - set(node.variables), key=sp.default_sort_key)


def _node_source(name: str, integrand: sp.Expr, variables: Sequence[sp.Symbol], parameters: Sequence[sp.Symbol]) -> str:
    names = {p: sp.Symbol(f"p{k}", real=True, positive=p.is_positive) for k, p in enumerate(parameters)}
    more = "".join(f", {s}" for s in names.values())
    if len(variables) == 1:
        factor = _factor_source(f"{name}_f", integrand, variables[0], names, more)
        return factor + text.LINE.format(name=name, more=more)
    pair = _separated(integrand, variables)
    if pair is None:
        raise NotImplementedError(f"lower_nodes: no rule yet for {integrand}")
    first, second = pair
    return (
        _factor_source(f"{name}_f", first, variables[0], names, more)
        + _factor_source(f"{name}_g", second, variables[1], names, more)
        + text.PRODUCT.format(name=name, more=more, reach=text.REACH, largest=_LARGEST)
    )


_LARGEST = "quadrature_step(1.0, 0.0, 0.0)"


def _separated(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr] | None:
    """``f, g`` where the integrand is f(z₁) g(z₂)."""
    if len(variables) != 2:
        return None
    rest, second = integrand.as_independent(variables[1], as_Add=False)
    return None if variables[0] in second.free_symbols else (rest, second)


def _factor_source(name: str, expr: sp.Expr, z: sp.Symbol, names: dict[sp.Symbol, sp.Symbol], more: str) -> str:
    """The function of one variable, the step it needs and how far its Gaussian integral reaches."""
    v = sp.Symbol("z", real=True)
    renamed = recognise(expr.xreplace({z: v, **names}))
    function = text.FUNCTION.format(name=name, args=f"z{more}", body=function_body([v], renamed))
    known = strip(renamed, v)
    if known is None:
        return function + text.MEASURED_STEP.format(name=name, more=more, reach=text.REACH)
    return function + text.KNOWN_STEP.format(
        name=name, more=more, reach=text.REACH,
        width=_code(known.width), growth=_code(known.growth), rate=_code(known.rate))


def function_body(variables: Sequence[sp.Symbol], expr: sp.Expr) -> str:
    """Indented statements that return ``expr``, common subexpressions first."""
    shared, (result,) = sp.cse([expr], symbols=sp.numbered_symbols("t"), order="canonical")
    lines = [f"{s} = {_code(e)}" for s, e in shared]
    return "\n".join("    " + line for line in [*lines, f"return {_code(result)}"])


class _Printer(PythonCodePrinter):  # type: ignore[misc]
    """Scalar code over ``math``, with overflow-safe logistic functions and exponentials."""

    def _print_Sigmoid(self, expr: sp.Expr) -> str:
        return f"sigmoid({self._print(expr.args[0])})"

    def _print_Softplus(self, expr: sp.Expr) -> str:
        return f"softplus({self._print(expr.args[0])})"

    def _print_exp(self, expr: sp.Expr) -> str:
        return f"safe_exp({self._print(expr.args[0])})"

    def _print_sign(self, expr: sp.Expr) -> str:
        return f"signum({self._print(expr.args[0])})"

    def _print_Infinity(self, expr: sp.Expr) -> str:
        return "math.inf"

    def _print_Pow(self, expr: sp.Expr, rational: bool = False, sqrt: str = "math.sqrt") -> str:
        base, n = expr.base, expr.exp
        if n.is_Integer and 2 <= n <= 4 and base.is_Symbol:
            return "(" + "*".join([self._print(base)] * int(n)) + ")"
        return str(super()._print_Pow(expr, rational=rational))


_printer = _Printer({"fully_qualified_modules": True, "allow_unknown_functions": True})


def _code(expr: sp.Expr) -> str:
    text_: Any = _printer.doprint(expr)
    return str(text_)


__all__ = ["QuadratureLowering", "Sigmoid", "Softplus", "function_body", "lower_nodes"]
