"""Sigmoid and softplus: two smooth functions that need a name of their own, and the pass that finds such functions.

First pass of a Gaussian expectation. With ``σ' = σ(1 - σ)``, ``log(1 + e^u)' = σ(u)`` and ``σ(-u) = 1 - σ(u)``
every derivative of a logistic loss is a polynomial in σ, so equal expectations look equal and evaluation is
safe from overflow.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import sympy as sp

from symhigh.derivation.gaussian.tails import Hazard, LogErfc, tail_of

_SMOOTH: tuple[type[sp.Function], ...] = (
    sp.exp,
    sp.sin,
    sp.cos,
    sp.sinh,
    sp.cosh,
    sp.tanh,
    sp.atan,
    sp.asinh,
    sp.erf,
)


class Sigmoid(sp.Function):  # type: ignore[misc]
    """``σ(u) = 1/(1 + e^{-u})``, with ``σ(-u) = 1 - σ(u)`` as its normal form."""

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        if u.is_zero:
            return sp.S.Half
        if u is sp.S.Infinity:
            return sp.S.One
        if u.could_extract_minus_sign():
            return 1 - cls(-u)
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)

    def _eval_rewrite_as_exp(self, u: sp.Expr, **_: Any) -> sp.Expr:
        return 1 / (1 + sp.exp(-u))

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.exp)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


class Softplus(sp.Function):  # type: ignore[misc]
    """``log(1 + e^u)``, with ``softplus(-u) = softplus(u) - u`` as its normal form."""

    @classmethod
    def eval(cls, u: sp.Expr) -> sp.Expr | None:
        if u.is_zero:
            return sp.log(2)
        if u.could_extract_minus_sign():
            return cls(-u) + u
        return None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return Sigmoid(self.args[0])

    def _eval_rewrite_as_log(self, u: sp.Expr, **_: Any) -> sp.Expr:
        return sp.log(1 + sp.exp(u))

    def _eval_is_positive(self) -> bool | None:
        return True if self.args[0].is_extended_real else None

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.rewrite(sp.log)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = rf"\log\left(1 + e^{{{printer._print(self.args[0])}}}\right)"
        return rf"{body}^{{{exp}}}" if exp else body


_SMOOTH += (Sigmoid, Softplus, Hazard, LogErfc)


def recognise(expr: sp.Expr) -> sp.Expr:
    """``expr`` with logistic and hyperbolic functions in normal form; an identity for real arguments.

    ``1/(1 + e^u)`` becomes ``σ(-u)``, ``log(1 + e^u)`` softplus, ``1/cosh²`` becomes ``1 - tanh²`` and
    ``log cosh u`` becomes ``softplus(2u) - u - log 2``; logarithms and reciprocals of ``1 ± erf u`` go to
    :mod:`~symhigh.derivation.gaussian.tails`. Ceiling, fractional part and remainder become floors, powers of
    steps steps, almost surely (not the square of a sign that may stay zero), and signs that are known numbers.
    """
    if expr.has(sp.floor, sp.ceiling, sp.frac, sp.Mod):
        expr = _in_floors(expr)
    if expr.has(sp.sign, sp.Heaviside):
        expr = expr.replace(
            _is_power_of_step, lambda p: p.base if p.exp % 2 or p.base.func is not sp.sign else sp.S.One
        )
    if expr.has(sp.sign):
        expr = expr.replace(sp.sign, _known_sign)
    if not expr.has(sp.exp, sp.cosh, sp.sech, sp.coth, sp.csch, sp.erf, sp.erfc):
        return expr
    return _bottom_up(expr)


def _known_sign(expr: sp.Expr) -> sp.Expr:
    plain = recognise(expr)
    return sp.S.One if is_positive(plain) else sp.S.NegativeOne if is_positive(-plain) else sp.sign(plain)


def _is_power_of_step(expr: sp.Expr) -> bool:
    whole = expr.is_Pow and expr.exp.is_Integer and expr.exp > 1
    if not whole or not isinstance(expr.base, sp.sign | sp.Heaviside):
        return False
    pieces = isinstance(expr.base, sp.sign) and expr.exp % 2 == 0
    return not (pieces and expr.base.args[0].has(sp.Piecewise, sp.Max, sp.Min, sp.Heaviside, sp.Abs))


def _in_floors(expr: sp.Expr) -> sp.Expr:
    plain = expr.replace(sp.Mod, lambda u, p: u - p * sp.floor(u / p)).replace(
        sp.frac, lambda u: u - sp.floor(u)
    )
    plain = plain.replace(sp.ceiling, lambda u: sp.floor(u) + 1)
    return plain.replace(
        sp.floor, lambda u: -sp.floor(-u) - 1 if u.could_extract_minus_sign() else sp.floor(u)
    )


def is_smooth(expr: sp.Expr) -> bool:
    """Whether ``expr`` is known to be differentiable on the real line, by its form."""
    if not expr.args or not expr.free_symbols:
        return True
    if expr.func is sp.log or (expr.is_Pow and not (expr.exp.is_Integer and expr.exp > 0)):
        base = expr.args[0]
        return is_positive(base) and not (expr.is_Pow and expr.exp.free_symbols) and is_smooth(base)
    return expr.func in (sp.Add, sp.Mul, sp.Pow, *_SMOOTH) and all(is_smooth(a) for a in expr.args)


def is_positive(expr: sp.Expr) -> bool:
    """Whether ``expr`` is positive, by assumption, or as ``a(1 ± erf u)``, ``a(1 ± tanh u)`` and ``a(1 - σ(u))``."""
    if expr.is_positive:
        return True
    if isinstance(expr, sp.Mul):
        return all(map(is_positive, expr.args))
    if isinstance(expr, sp.Add) and len(expr.args) == 2:
        constant, rest = expr.as_coeff_Add()
        weight, function = rest.as_coeff_Mul()
        if isinstance(function, Sigmoid):
            return bool(constant >= 0) and bool(constant + weight >= 0)
        return isinstance(function, sp.erf | sp.tanh) and bool(constant >= abs(weight))
    return False


def explicit(expr: sp.Expr) -> sp.Expr:
    """``expr`` with the functions that have names here written out in exp, log and erfc."""
    if not expr.has(Sigmoid, Softplus, Hazard, LogErfc):
        return expr
    plain = expr.replace(Sigmoid, lambda u: 1 / (1 + sp.exp(-u))).replace(
        Softplus, lambda u: sp.log(1 + sp.exp(u))
    )
    return plain.replace(Hazard, lambda u: sp.exp(-(u**2)) / sp.erfc(u)).replace(
        LogErfc, lambda u: sp.log(sp.erfc(u))
    )


def _bottom_up(expr: sp.Basic) -> sp.Basic:
    if not expr.args or isinstance(expr, sp.exp):
        return expr
    args = [_bottom_up(a) for a in expr.args]
    rebuilt = expr if all(a is b for a, b in zip(args, expr.args, strict=True)) else expr.func(*args)
    if isinstance(rebuilt, sp.Mul):
        return _product(rebuilt)
    if isinstance(rebuilt, sp.Pow):
        return _power(rebuilt)
    if isinstance(rebuilt, sp.log):
        return _logarithm(rebuilt)
    if isinstance(rebuilt, sp.erfc):
        return 1 - sp.erf(rebuilt.args[0])
    if isinstance(rebuilt, sp.sech | sp.csch | sp.coth):
        return _reciprocal(rebuilt)
    return rebuilt


def _reciprocal(expr: sp.Expr) -> sp.Expr:
    u = expr.args[0]
    return {sp.sech: 1 / sp.cosh(u), sp.csch: 1 / sp.sinh(u), sp.coth: 1 / sp.tanh(u)}[expr.func]


def _one_plus_exponential(expr: sp.Expr) -> sp.Expr | None:
    """``u`` where ``expr`` is ``1 + e^u``."""
    if isinstance(expr, sp.Add) and len(expr.args) == 2:
        first, second = expr.args
        if first is sp.S.One and isinstance(second, sp.exp):
            return second.args[0]
    return None


def _power(expr: sp.Expr) -> sp.Expr:
    base, exponent = expr.as_base_exp()
    if exponent.is_number and exponent.is_negative and exponent.is_integer:
        u = _one_plus_exponential(base)
        if u is not None:
            return Sigmoid(-u) ** (-exponent)
        if (tail := tail_of(base)) is not None:
            return (Hazard(tail[1]) / tail[0]) ** (-exponent) * sp.exp(sp.expand(-exponent * tail[1] ** 2))
        if isinstance(base, sp.cosh) and exponent % 2 == 0:
            return (1 - sp.tanh(base.args[0]) ** 2) ** (-exponent / 2)
    return expr


def _logarithm(expr: sp.Expr) -> sp.Expr:
    inner = expr.args[0]
    u = _one_plus_exponential(inner)
    if u is not None:
        return Softplus(u)
    if (tail := tail_of(inner)) is not None:
        return sp.log(tail[0]) + LogErfc(tail[1])
    if isinstance(inner, sp.cosh):
        return Softplus(2 * inner.args[0]) - inner.args[0] - sp.log(2)
    if isinstance(inner, Sigmoid):
        return -Softplus(-inner.args[0])
    if isinstance(rest := 1 - inner, Sigmoid):
        return -Softplus(rest.args[0])
    return expr


def _product(expr: sp.Expr) -> sp.Expr:
    """``e^{mu} σ(-u)^n`` with m ≥ 1 as ``e^{(m-1)u} σ(u) σ(-u)^{n-1}``, as often as it applies."""
    exponentials = [a for a in expr.args if isinstance(a, sp.exp)]
    if not exponentials or not expr.has(Sigmoid):
        return expr
    exponent = sum((a.args[0] for a in exponentials), sp.S.Zero)
    others = [a for a in expr.args if not isinstance(a, sp.exp)]
    for index, factor in enumerate(others):
        base, power = factor.as_base_exp()
        u = _reflected(base)
        if u is None or not power.is_Integer or power < 1:
            continue
        ratio = _ratio(exponent, u)
        if ratio is None or ratio < 1:
            continue
        used = min(int(ratio), int(power))
        remaining = [*others[:index], base ** (power - used), Sigmoid(u) ** used, *others[index + 1 :]]
        return _product(
            sp.exp(sp.expand(exponent - used * u)) * reduce(lambda a, b: a * b, remaining, sp.S.One)
        )
    return expr


def _reflected(base: sp.Expr) -> sp.Expr | None:
    """``u`` where ``base`` is ``σ(-u)``, in either of its two forms."""
    if isinstance(base, Sigmoid):
        return -base.args[0]
    complement = 1 - base if isinstance(base, sp.Add) else None
    return complement.args[0] if isinstance(complement, Sigmoid) else None


def _ratio(exponent: sp.Expr, u: sp.Expr) -> int | None:
    """The integer part (towards zero) of ``exponent/u`` where that quotient is a number."""
    quotient = sp.cancel(exponent / u)
    return int(quotient) if quotient.is_Rational else None
