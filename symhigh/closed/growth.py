"""A proven bound of how a function grows: ``|f(x)| <= C (1 + r)^k e^{ar}``, r = |x₁| + … + |xₙ|, from its expression.

Serves the enclosures: it bounds the tails of a Gaussian average. What it cannot bound it refuses by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus
from symhigh.derivation.gaussian.tails import Hazard, LogErfc

Bound = tuple[Any, Any, Any]
"""``(C, k, a)``: a ball's upper end or a number, each at least 0."""
_AT_MOST = {
    sp.sin: 1, sp.cos: 1, sp.tanh: 1, sp.erf: 1, sp.sign: 1, sp.Heaviside: 1, Sigmoid: 1, sp.erfc: 2, sp.atan: 2,
    sp.sech: 1,
}  # fmt: skip


def growth(expr: sp.Expr, x: sp.Symbol | Sequence[sp.Symbol], size: Callable[[sp.Expr], Any]) -> Bound:
    """``(C, k, a)`` of ``expr`` in ``x``, one real variable or several; ``size`` bounds what is free of them.

    Raises ``ValueError`` naming the part that it cannot bound.
    """

    variables = (x,) if isinstance(x, sp.Symbol) else tuple(x)

    def of(e: sp.Expr) -> Bound:
        return growth(e, variables, size)

    if not expr.has(*variables):
        return size(expr), 0, 0
    if expr in variables:
        return 1, 1, 0
    kind = type(expr)
    if kind in _AT_MOST:
        return _AT_MOST[kind], 0, 0
    if isinstance(expr, sp.Add | sp.Max | sp.Min):
        return _sum([of(e) for e in expr.args])
    if isinstance(expr, sp.Piecewise):
        return _sum([of(value) for value, _ in expr.args])
    if isinstance(expr, sp.Mul):
        total: Bound = (1, 0, 0)
        for part in map(of, expr.args):
            total = (total[0] * part[0], total[1] + part[1], total[2] + part[2])
        return total
    if kind in (sp.Abs, sp.asinh):
        return of(*expr.args)
    if kind is Softplus:  # log(1 + e^u) <= log 2 + |u|
        return _sum([(1, 0, 0), of(*expr.args)])
    if kind is Hazard:  # at most 1 to the left, √π (u + √(u² + 2))/2 to the right
        return _sum([(2, 0, 0), _times(2, of(*expr.args))])
    if kind is LogErfc:  # erfc u >= 2 e^{-u²}/(√π (u + √(u² + 2))) to the right, between 1 and 2 to the left
        inner = of(*expr.args)
        square = (inner[0] ** 2, 2 * inner[1], 2 * inner[2])
        return _sum([(1, 0, 0), _times(2, inner), square])
    if kind is sp.exp:
        (exponent,) = expr.args
        return _exponential(exponent, of)
    if kind is sp.log:
        (base,) = expr.args
        return _sum([of(base), (1 / _at_least(base, variables, size), 0, 0)])  # |log b| <= b + 1/c for b >= c
    if isinstance(expr, sp.Pow) and expr.exp.is_Rational:
        whole = int(sp.ceiling(abs(expr.exp)))
        if expr.exp.is_positive:
            inner = of(expr.base)
            raised = inner[0] ** whole, inner[1] * whole, inner[2] * whole
            return raised if expr.exp.is_Integer else _sum([(1, 0, 0), raised])  # b^r <= 1 + b^⌈r⌉
        least = _at_least(expr.base, variables, size)
        return _sum([(1, 0, 0), (1 / least**whole, 0, 0)])
    raise ValueError(f"how fast {expr} grows is not known here")


def _exponential(u: sp.Expr, of: Callable[[sp.Expr], Bound]) -> Bound:
    if u.is_nonpositive:
        return 1, 0, 0
    size, power, rate = of(u)
    if power > 1 or rate != 0:
        raise ValueError(f"exp({u}) grows too fast for its tails to be bounded here")
    return _exp(size), 0, size


def _exp(size: Any) -> Any:
    return size.exp() if hasattr(size, "exp") else 3 ** int(size + 1)


def _at_least(base: sp.Expr, variables: Sequence[sp.Symbol], size: Callable[[sp.Expr], Any]) -> Any:
    """A proven lower bound above zero of a number plus what is never negative."""
    number, rest = base.as_independent(*variables, as_Add=True)
    if not (number.is_positive and rest.is_nonnegative):
        raise ValueError(f"{base} is not proved to stay away from zero")
    return 1 / size(1 / number)


def _sum(parts: list[Bound]) -> Bound:
    return sum(p[0] for p in parts), max(p[1] for p in parts), max(p[2] for p in parts)


def _times(factor: int, bound: Bound) -> Bound:
    return factor * bound[0], bound[1], bound[2]
