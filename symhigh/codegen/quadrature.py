"""Quadrature nodes lowered to source: one function a node shape, called with covariance entries and parameters.

Between derivation and code generation. Smooth nodes become trapezoidal rules with a step chosen from the covariance,
see :mod:`symhigh.codegen.analyticity` and :mod:`symhigh.codegen.quadrature_source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sympy as sp

from symhigh.codegen import guard
from symhigh.codegen import quadrature_source as text
from symhigh.codegen.analyticity import is_centred, more_digits, strip
from symhigh.codegen.helpers import GUARDS, HELPERS
from symhigh.codegen.nested import nested_node
from symhigh.codegen.printer import code, function_body
from symhigh.derivation.gaussian import KINKS, STEPS, FourSigns, GaussianMean, boundaries, recognise
from symhigh.derivation.gaussian.terms import is_affine, joined


def lower_nodes(exprs: Sequence[sp.Expr]) -> tuple[str, list[sp.Expr]]:
    """Source of the functions that the nodes in ``exprs`` need, and ``exprs`` with the nodes as calls of them.

    Each node becomes ``node_k(v11, v12, v22, …, parameters)``: the upper triangle of its covariance row by row, then
    its parameters by name. Nodes of equal integrand share a function. The source is plain Python over the modules
    ``math`` and ``numpy``; every function is decorated by ``njit``, a name that the caller defines before it.
    """
    lowering = QuadratureLowering()
    replaced = [lowering.replace(e) for e in exprs]
    return lowering.source(), replaced


class QuadratureLowering:
    """Collects nodes of several expressions; equal integrands share a function."""

    def __init__(self) -> None:
        self._name: dict[tuple[sp.Expr, int], str] = {}
        self._texts: list[str] = []
        self._guards = False
        self._signs = False

    def replace(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every node as a call, and guarded where its domain ends."""
        nodes = sorted(expr.atoms(GaussianMean), key=sp.default_sort_key)
        replaced = guard.guarded(expr.xreplace({node: self._call(node) for node in nodes}))
        self._guards = self._guards or guard.is_guarded(replaced)
        self._signs = self._signs or replaced.has(FourSigns)
        return replaced

    def source(self) -> str:
        """Source of all functions, empty where there is nothing to define."""
        if not self._texts and not self._signs:
            return GUARDS if self._guards else ""
        return "\n".join([HELPERS, *self._texts])

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


def _node_source(
    name: str, integrand: sp.Expr, variables: Sequence[sp.Symbol], parameters: Sequence[sp.Symbol]
) -> str:
    names = {p: sp.Symbol(f"p{k}", **p.assumptions0) for k, p in enumerate(parameters)}
    more = "".join(f", {s}" for s in names.values())
    if is_nested(integrand, variables):
        return nested_node(name, integrand, variables, names)
    if len(variables) == 1:
        line = partial(_line_source, integrand=integrand, z=variables[0], names=names, more=more)
        if not _steepens(integrand, variables[0]):
            return line(name)
        split = nested_node(f"{name}_split", integrand, variables, names)
        return line(f"{name}_smooth") + split + text.STEEP.format(name=name, more=more)
    first, second = _separated(integrand, variables) or (integrand, sp.S.One)
    digits = text.DIGITS + more_digits(_order(first, variables[0]) + _order(second, variables[1]))
    steep = [place for e, z in zip((first, second), variables, strict=True) for place in _steep_places(e, z)]
    split = nested_node(f"{name}_split", integrand, variables, names, steep) if steep else ""
    return (
        _factor_source(f"{name}_f", first, variables[0], names, more)
        + _factor_source(f"{name}_g", second, variables[1], names, more)
        + split
        + text.PRODUCT.format(
            name=name, more=more, largest=_LARGEST.format(digits), digits=digits, most=text.MOST_POINTS,
            otherwise=f"{name}_split(v11, v12, v22{more})" if steep else "math.nan",
        )
    )  # fmt: skip


def is_nested(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    """Whether an average is taken by nested adaptive rules, which tell the error that they leave."""
    if integrand.has(*KINKS, *STEPS) or _singular(integrand, variables):
        return True
    if len(variables) == 1:
        return _peaked(integrand, variables[0]) and not _steepens(integrand, variables[0])
    return _separated(integrand, variables) is None


def _steepens(integrand: sp.Expr, z: sp.Symbol) -> bool:
    """Whether an error function may be nearly a step, where a parameter is large."""
    return bool(integrand.has(sp.erf) and integrand.free_symbols - {z})


def _line_source(
    name: str, integrand: sp.Expr, z: sp.Symbol, names: dict[sp.Symbol, sp.Symbol], more: str
) -> str:
    digits = max(text.LINE_DIGITS, text.DIGITS + more_digits(_order(integrand, z)))
    return _factor_source(f"{name}_f", integrand, z, names, more) + text.LINE.format(
        name=name,
        more=more,
        line_digits=digits,
        narrow=_narrow(name, recognise(integrand.xreplace(names)), z, more),
    )


def _narrow(name: str, integrand: sp.Expr, z: sp.Symbol, more: str) -> str:
    """The way out where the law is far wider than the strip, as under mixing laws with heavy tails."""
    known = strip(integrand, z)
    if known is None or not is_centred(integrand, z):
        return ""
    width = known.width if known.growth == 0 else sp.Min(known.width, 1 / sp.sqrt(known.growth))
    return "" if width == sp.oo else text.NARROW.format(name=name, more=more, width=_parameter_code(width))


def _singular(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> bool:
    """Whether the integrand may have a pole or a branch point on the way."""
    return any(b.free_symbols.intersection(variables) for b in boundaries(integrand, variables))


def _peaked(integrand: sp.Expr, z: sp.Symbol) -> bool:
    """Whether an exponent has several places without a slope, where peaks may be that a grid steps over."""
    exponents = (e.args[0] for e in joined(integrand).atoms(sp.exp) if e.args[0].is_rational_function(z))
    slopes = (sp.together(sp.diff(exponent, z)) for exponent in exponents)
    return any(not is_affine(slope, (z,)) for slope in slopes)


_LARGEST = "quadrature_step(1.0, 0.0, 0.0, {})"


def _steep_places(expr: sp.Expr, z: sp.Symbol) -> list[sp.Expr]:
    """What is zero where functions of ``expr`` are steep, if the strip is known to be too narrow for a grid."""
    known = strip(recognise(expr), z)
    if known is None or not known.width.is_number or known.width > text.NARROW_STRIP:
        return []
    inner = {e.args[0] for e in sp.preorder_traversal(expr) if e.args and (e.is_Function or e.is_Pow)}
    polynomials = (e for e in inner if z in e.free_symbols and e.is_polynomial(z))
    return [e if is_affine(e, (z,)) else sp.diff(e, z) for e in polynomials if sp.degree(e, z) <= 2 and e != z]


def _order(expr: sp.Expr, z: sp.Symbol) -> int:
    """The order of the poles that limit the step."""
    known = strip(recognise(expr), z)
    return 1 if known is None else known.order


def _separated(integrand: sp.Expr, variables: Sequence[sp.Symbol]) -> tuple[sp.Expr, sp.Expr] | None:
    """``f, g`` where the integrand is f(z₁) g(z₂)."""
    if len(variables) != 2:
        return None
    rest, second = integrand.as_independent(variables[1], as_Add=False)
    return None if variables[0] in second.free_symbols else (rest, second)


def _factor_source(
    name: str, expr: sp.Expr, z: sp.Symbol, names: dict[sp.Symbol, sp.Symbol], more: str
) -> str:
    """The function of one variable, the step it needs and how far its Gaussian integral reaches."""
    v = sp.Symbol("z", real=True)
    renamed = recognise(expr.xreplace({z: v, **names}))
    known = strip(renamed, v)
    body = function_body(guard.guarded(renamed, frozenset([v])))
    function = text.FUNCTION.format(name=name, args=f"z{more}", body=body)
    if known is None:
        return function + text.MEASURED_STEP.format(name=name, more=more, reach=text.REACH)
    return function + text.KNOWN_STEP.format(
        name=name,
        more=more,
        reach=text.REACH,
        width=_parameter_code(known.width),
        growth=_parameter_code(known.growth),
        rate=_parameter_code(known.rate),
    )


def _parameter_code(expr: sp.Expr) -> str:
    """Code of a quantity of the strip, evaluated at the parameters."""
    return code(guard.guarded(expr, frozenset([sp.Dummy()])))
