"""A SymPy expression as a complex ball that provably holds its value, by Arb's ball arithmetic (python-flint).

Serves :mod:`symhigh.closed.enclosure`; what takes more than a call of Arb's stands in :mod:`symhigh.closed.ball_nodes`.
Every operation encloses, so nothing here rests on how a number looks; what has no enclosure is refused by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import sympy as sp

Values = Mapping[sp.Symbol, Any]
Rule = Callable[["Evaluator", Any], Any]
_RULES: dict[type, Rule] = {}


def encloses(*kinds: type) -> Callable[[Rule], Rule]:
    """Enter a rule for a kind of expression."""

    def enter(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return enter


class NotEnclosed(ValueError):
    """What stands in the way of an enclosure; more bits may help where ``wide`` is set."""

    def __init__(self, reason: str, wide: bool = False) -> None:
        super().__init__(reason)
        self.wide = wide


_ENTIRE = {
    sp.exp: "exp", sp.sin: "sin", sp.cos: "cos", sp.tan: "tan", sp.cot: "cot", sp.sec: "sec", sp.csc: "csc",
    sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.coth: "coth", sp.sech: "sech", sp.csch: "csch",
    sp.erf: "erf", sp.erfc: "erfc", sp.erfi: "erfi", sp.gamma: "gamma", sp.digamma: "digamma", sp.zeta: "zeta",
}  # fmt: skip
"""Functions that are analytic wherever they are finite."""
_CUT = {
    sp.asin: "asin", sp.acos: "acos", sp.atan: "atan", sp.asinh: "asinh", sp.acosh: "acosh", sp.atanh: "atanh",
    sp.loggamma: "lgamma", sp.Ei: "ei", sp.LambertW: "lambertw",
}  # fmt: skip
"""Functions with a branch cut off the right half plane."""
_ORDER = {
    sp.besselj: "bessel_j", sp.besseli: "bessel_i", sp.besselk: "bessel_k", sp.bessely: "bessel_y",
    sp.uppergamma: "gamma_upper", sp.lowergamma: "gamma_lower", sp.expint: "expint",
}  # fmt: skip
"""Functions of an order and an argument."""
_PROOFS: dict[str, tuple[Callable[..., bool], Callable[..., bool]]] = {
    "<": (operator.lt, operator.ge), ">": (operator.gt, operator.le), "==": (operator.eq, operator.ne),
    "<=": (operator.le, operator.gt), ">=": (operator.ge, operator.lt), "!=": (operator.ne, operator.eq),
}  # fmt: skip
"""What proves a comparison, and what proves its contrary; Arb's comparisons hold for all points of their balls."""
_CONSTANTS = {sp.pi: "pi", sp.E: "const_e", sp.EulerGamma: "const_euler", sp.Catalan: "const_catalan"}


class Evaluator:
    """Balls of expressions at ``values``; equal subexpressions are evaluated once.

    ``analytic`` asks, as Arb's quadrature does, that a function be analytic on its whole argument, else NaN.
    """

    def __init__(self, values: Values, analytic: bool = False) -> None:
        import flint

        self.flint, self.values, self.analytic = flint, values, analytic
        self.known: dict[sp.Basic, Any] = {}

    def __call__(self, expr: sp.Expr) -> Any:
        if expr not in self.known:
            self.known[expr] = self._ball(expr)
        return self.known[expr]

    def real(self, expr: sp.Expr) -> Any:
        """The ball of what is real."""
        value = self(expr)
        if not value.imag.contains(0):
            raise NotEnclosed(f"{expr} is not real")
        return value.real

    # --- one node of the tree -----------------------------------------------------------------------------------
    def _ball(self, expr: sp.Expr) -> Any:
        acb, arb = self.flint.acb, self.flint.arb
        if expr in self.values:
            return self.values[expr]
        if expr.is_Symbol:
            raise NotEnclosed(f"{expr} has no value")
        if isinstance(expr, sp.Float | sp.Rational):
            exact = sp.Rational(expr)
            return acb(arb(self.flint.fmpq(int(exact.p), int(exact.q))))
        if expr is sp.I:
            return acb(0, 1)
        if expr in _CONSTANTS:
            return acb(getattr(arb, _CONSTANTS[expr])())
        if isinstance(expr, sp.Add):
            return sum(map(self, expr.args), acb(0))
        if isinstance(expr, sp.Mul):
            return reduce(lambda a, b: a * b, map(self, expr.args))
        if isinstance(expr, sp.Pow):
            return self._power(*expr.args)
        for kind, rule in _RULES.items():
            if isinstance(expr, kind):
                return rule(self, expr)
        if type(expr) in _ENTIRE and len(expr.args) == 1:
            (inner,) = map(self, expr.args)
            return getattr(inner, _ENTIRE[type(expr)])()
        if type(expr) in _CUT:
            return self._cut(expr)
        if type(expr) in _ORDER:
            order, inner = map(self, expr.args)
            return getattr(inner, _ORDER[type(expr)])(order)
        raise NotEnclosed(f"no enclosure of {type(expr).__name__} is known here")

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Any:
        if base is sp.E:
            return self(exponent).exp()
        if exponent.is_Integer:
            return self(base) ** int(exponent)
        return self(base).pow(self(exponent), analytic=self.analytic)

    def _cut(self, expr: sp.Expr) -> Any:
        first, *more = expr.args
        inner = self(first)
        if self.analytic and not inner.real > 0:
            return self.nan()
        return getattr(inner, _CUT[type(expr)])(*map(int, more))

    def nan(self) -> Any:
        """What tells Arb's quadrature to look closer."""
        return self.flint.acb(self.flint.arb.nan(), self.flint.arb.nan())

    def any_of(self, parts: list[sp.Expr]) -> Any:
        """What holds all values that may be meant; with a choice open, nothing analytic."""
        if len(parts) > 1 and self.analytic:
            return self.nan()
        return reduce(lambda a, b: a.union(b), map(self, parts))

    def holds(self, condition: sp.Basic) -> bool | None:
        """Whether a condition is true at every point of the balls, at none, or neither is proved."""
        if condition in (sp.true, sp.false):
            return bool(condition)
        if isinstance(condition, sp.And | sp.Or):
            parts = [self.holds(a) for a in condition.args]
            settles = isinstance(condition, sp.Or)
            if settles in parts:
                return settles
            return None if None in parts else not settles
        if isinstance(condition, sp.Not):
            (inner,) = map(self.holds, condition.args)
            return None if inner is None else not inner
        if not isinstance(condition, sp.core.relational.Relational):
            raise NotEnclosed(f"the condition {condition} is no comparison")
        gap = self(condition.lhs - condition.rhs)
        if not self.analytic and not gap.imag.contains(0):
            raise NotEnclosed(f"{condition} compares what is not real")
        surely, never = _PROOFS[condition.rel_op]
        return True if surely(gap.real, 0) else False if never(gap.real, 0) else None
