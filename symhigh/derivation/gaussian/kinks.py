"""Kinks as signs: |u|, Max, Min, Heaviside and Piecewise as polynomials in signs of affine forms.

Second pass of a Gaussian expectation. Every function with linear kinks is ``Σ_T g_T Π_{t in T} sign(t)`` with smooth
``g_T``: a :class:`Signed` sum. Such sums are closed under products and under any outer function, since a function of
signs is interpolated from its values at ±1. Everything holds almost surely (``sign² = 1``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import sympy as sp
from sympy.core.relational import Equality, Relational, Unequality
from sympy.logic.boolalg import And, Boolean, Not, Or

from symhigh.derivation.gaussian.cells import KINKS, in_cells, is_finite
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus
from symhigh.derivation.gaussian.tails import Hazard, LogErfc

Signs = frozenset[sp.Expr]
"""A product of signs, by its arguments: affine, monic in the first variable they hold, of different directions."""
Signed = dict[Signs, sp.Expr]
_NONE: Signs = frozenset()
_MOST_SIGNS = 8


_ENTIRE = (sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.erf, Sigmoid, Softplus, Hazard, LogErfc)
"""Functions that are finite on the whole line, so they may be evaluated on the far side of a kink as well."""
_ODD = (sp.tanh, sp.erf, sp.atan, sp.sinh, sp.asinh)


class NotLinear(Exception):
    """A kink does not lie on a hyperplane, or there are too many of them."""


def split(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Signed:
    """``expr`` as a sum of products of signs; coefficients are smooth, but for factors whose kinks do not split off."""
    return _Splitter(variables).split(expr)


class _Splitter:
    def __init__(self, variables: Sequence[sp.Symbol]) -> None:
        self.variables = tuple(variables)
        self.among = set(variables)

    def split(self, expr: sp.Expr) -> Signed:
        if not expr.has(*KINKS) or not expr.free_symbols & self.among:
            return {_NONE: expr}
        if isinstance(expr, sp.Add):
            return _sum(self.split(a) for a in expr.args)
        if isinstance(expr, sp.Mul):
            rough = [a for a in expr.args if not is_finite(a, self.variables, integrable=True)]
            if rough and any(a.has(*KINKS) for a in expr.args if a not in rough):
                return {_NONE: in_cells(expr, self.variables)}
            return self.multiply(*(self.split(a) for a in expr.args))
        if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 0:
            return self.multiply(*[self.split(expr.base)] * int(expr.exp))
        try:
            return self._kinked(expr)
        except NotLinear:
            return {_NONE: expr}

    def _kinked(self, expr: sp.Expr) -> Signed:
        if isinstance(expr, sp.Piecewise):
            return self._piecewise(expr)
        if isinstance(expr, sp.Heaviside):
            return self.compose(
                lambda u: _sum([{_NONE: sp.S.Half}, _scale(self.sign(u), sp.S.Half)]), expr.args[0]
            )
        if isinstance(expr, sp.sign):
            return self.compose(self.sign, expr.args[0])
        if isinstance(expr, sp.Abs):
            return self.compose(lambda u: _scale(self.sign(u), u), expr.args[0])
        if isinstance(expr, sp.Max | sp.Min):
            total = self.split(expr.args[0])
            for other in expr.args[1:]:
                total = self._larger(total, self.split(other), 1 if isinstance(expr, sp.Max) else -1)
            return total
        if not isinstance(expr, _ENTIRE):
            raise NotLinear
        return self.compose(lambda *args: {_NONE: expr.func(*args)}, *expr.args)

    def compose(self, outer: Callable[..., Signed], *args: sp.Expr) -> Signed:
        """``outer`` applied to arguments with kinks, by interpolation over the patterns of their signs."""
        return self._interpolate(outer, [self.split(a) for a in args])

    def _interpolate(self, outer: Callable[..., Signed], inner: list[Signed]) -> Signed:
        arguments = sorted(
            {t for signed in inner for signs in signed for t in signs}, key=sp.default_sort_key
        )
        if len(arguments) > _MOST_SIGNS:
            raise NotLinear
        total: Signed = {}
        for pattern in product((1, -1), repeat=len(arguments)):
            value = dict(zip(arguments, pattern, strict=True))
            region = self.multiply(
                *({_NONE: sp.S.Half, frozenset([t]): sp.Rational(s, 2)} for t, s in value.items())
            )
            if region:
                branch = [_at(signed, value) for signed in inner]
                total = _sum([total, self.multiply(region, outer(*branch))])
        return total

    def _larger(self, first: Signed, second: Signed, side: int) -> Signed:
        def outer(a: sp.Expr, b: sp.Expr) -> Signed:
            gap = sp.expand(a - b)
            if gap.is_zero:
                return {_NONE: a}
            return _sum([{_NONE: (a + b) / 2}, _scale(self.sign(gap), side * gap / 2)])

        return self._interpolate(outer, [first, second])

    def _piecewise(self, expr: sp.Piecewise) -> Signed:
        """Summands of the branches that are finite everywhere as signs; the others stay in their cells."""
        total: Signed = {}
        rest: Signed = {_NONE: sp.S.One}
        confined = []
        for branch, condition in expr.args:
            where = self.indicator(condition)
            summands = sp.Add.make_args(branch)
            finite = sp.Add(*(a for a in summands if is_finite(a, self.variables)))
            confined.append((branch - finite if finite != 0 else branch, condition))
            total = _sum([total, self.multiply(rest, where, self.split(finite))])
            rest = self.multiply(rest, _sum([{_NONE: sp.S.One}, _scale(where, sp.S.NegativeOne)]))
        if any(branch != 0 for branch, _ in confined):
            total = _sum([total, {_NONE: in_cells(sp.Piecewise(*confined), self.variables)}])
        return total

    def indicator(self, condition: Boolean) -> Signed:
        """1 where ``condition`` holds, 0 elsewhere, almost surely."""
        if condition is sp.true:
            return {_NONE: sp.S.One}
        if condition is sp.false:
            return {}
        if isinstance(condition, And):
            return self.multiply(*(self.indicator(c) for c in condition.args))
        if isinstance(condition, Or | Not):
            parts = condition.args if isinstance(condition, Or) else ()
            inside = (
                self.indicator(condition.args[0])
                if isinstance(condition, Not)
                else self.multiply(
                    *(_sum([{_NONE: sp.S.One}, _scale(self.indicator(c), sp.S.NegativeOne)]) for c in parts)
                )
            )
            return _sum([{_NONE: sp.S.One}, _scale(inside, sp.S.NegativeOne)])
        if not isinstance(condition, Relational):
            raise NotLinear
        if not condition.free_symbols & self.among:
            return {_NONE: sp.Piecewise((1, condition), (0, True))}
        if isinstance(condition, Equality | Unequality):
            return {} if isinstance(condition, Equality) else {_NONE: sp.S.One}
        gap = self.compose(self.sign, sp.expand(condition.gts - condition.lts))
        return _sum([{_NONE: sp.S.Half}, _scale(gap, sp.S.Half)])

    def sign(self, expr: sp.Expr) -> Signed:
        """``sign`` of a smooth expression that factors into affine ones and ones of known sign."""
        if not expr.free_symbols & self.among:
            return {_NONE: sp.sign(expr)}
        if expr.is_positive or expr.is_negative:
            return {_NONE: sp.S.One if expr.is_positive else sp.S.NegativeOne}
        if any(kink.free_symbols & self.among for kink in expr.atoms(*KINKS)):
            raise NotLinear
        if isinstance(expr, _ODD):
            return self.sign(expr.args[0])
        if isinstance(expr, sp.Mul):
            return self.multiply(*(self.sign(a) for a in expr.args))
        if isinstance(expr, sp.Pow) and expr.exp.is_Integer:
            return self.sign(expr.base) if expr.exp % 2 else {_NONE: sp.S.One}
        if not expr.is_polynomial(*self.variables):
            raise NotLinear
        poly = sp.Poly(expr, *self.variables)
        if poly.total_degree() == 1:
            return self._affine(poly)
        if poly.total_degree() > 4:
            raise NotLinear
        factors = sp.factor(expr)
        if isinstance(factors, sp.Mul | sp.Pow):
            return self.sign(factors)
        return self._quadratic(expr, poly)

    def _affine(self, poly: sp.Poly) -> Signed:
        lead = next(c for c in (poly.coeff_monomial(v) for v in self.variables) if c != 0)
        return {frozenset([sp.expand(poly.as_expr() / lead)]): sp.sign(lead)}

    def _quadratic(self, expr: sp.Expr, poly: sp.Poly) -> Signed:
        """``a(u - r₁)(u - r₂)`` in one variable u; a discriminant below zero gives equal roots, whose signs cancel."""
        used = [v for v in self.variables if v in expr.free_symbols]
        if len(used) != 1 or poly.total_degree() != 2:
            raise NotLinear
        a, b, c = sp.Poly(expr, used[0]).all_coeffs()
        discriminant = sp.expand(b**2 - 4 * a * c)
        if discriminant.is_nonpositive:
            return {_NONE: sp.sign(a)}
        width = sp.sqrt(discriminant if discriminant.is_positive else sp.Max(discriminant, 0)) / (2 * a)
        roots = [sp.expand(-b / (2 * a)) + s * width for s in (1, -1)]
        return self.multiply({_NONE: sp.sign(a)}, *({frozenset([used[0] - r]): sp.S.One} for r in roots))

    def multiply(self, *factors: Signed) -> Signed:
        total: Signed = {_NONE: sp.S.One}
        for factor in factors:
            step: Signed = {}
            for (s, a), (t, b) in product(total.items(), factor.items()):
                for signs, sign in self._merge(s, t).items():
                    step[signs] = step.get(signs, sp.S.Zero) + sign * a * b
            total = {signs: g for signs, g in step.items() if g != 0}
        return total

    def _merge(self, first: Signs, second: Signs) -> Signed:
        """Product of two products of signs; signs of one direction become signs at ordered thresholds.

        ``sign(u - a) sign(u - b) = 1 - sign(u - min) + sign(u - max)``.
        """
        result: Signed = {first: sp.S.One}
        for t in second:
            step: Signed = {}
            for signs, g in result.items():
                for product_, h in self._times(signs, t).items():
                    step[product_] = step.get(product_, sp.S.Zero) + g * h
            result = {signs: g for signs, g in step.items() if g != 0}
        return result

    def _times(self, signs: Signs, t: sp.Expr) -> Signed:
        for s in signs:
            gap = s - t
            if not gap.free_symbols & self.among:
                others = signs - {s}
                if gap == 0:
                    return {others: sp.S.One}
                later, earlier = s - sp.Max(gap, 0), s - sp.Min(gap, 0)
                # s = u - a, t = u - b, gap = b - a: u - max(a, b) = s - max(gap, 0).
                return {others: sp.S.One, others | {earlier}: sp.S.NegativeOne, others | {later}: sp.S.One}
        return {signs | {t}: sp.S.One}


def _at(signed: Signed, value: dict[sp.Expr, int]) -> sp.Expr:
    total: Any = sp.S.Zero
    for signs, g in signed.items():
        for t in signs:
            g = g * value[t]
        total = total + g
    return total


def _scale(signed: Signed, factor: sp.Expr) -> Signed:
    return {signs: g * factor for signs, g in signed.items()}


def _sum(parts: Iterable[Signed]) -> Signed:
    total: Signed = {}
    for part in parts:
        for signs, g in part.items():
            total[signs] = total.get(signs, sp.S.Zero) + g
    return {signs: g for signs, g in total.items() if g != 0}
