"""Closed forms made safe at the edge of their domain: singular covariances, and rounding just beyond them.

Part of the lowering of Gaussian means. At ρ = ±1 or zero variance a closed form reads ``asin(0/0)`` or ``√(-1e-17)``,
while the expectation is finite; with ``0/0 = 0``, ``c/0 = ±∞``, ``√`` of negatives 0 and ``asin`` clipped it evaluates
to that.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.gaussian import FourSigns

safe_ratio = sp.Function("safe_ratio", real=True)
safe_root = sp.Function("safe_root", nonnegative=True)
safe_asin = sp.Function("safe_asin", real=True)


def guarded(expr: sp.Expr, moving: frozenset[sp.Symbol] = frozenset()) -> sp.Expr:
    """``expr`` with roots, arcsines and, near erf, exp, asin and calls of nodes, quotients guarded.

    Roots and denominators that hold a symbol of ``moving`` (a variable of integration) are left alone. A denominator
    that also stands under a root is a variance, and clipped at zero as the root is.
    """
    expr = _joined(expr) if any(_quotient(e.args[0]) for e in expr.atoms(sp.exp, sp.erf)) else expr
    quotients = expr.has(sp.asin, sp.erf, FourSigns, AppliedUndef) or bool(moving)
    quotients = quotients or any(_quotient(e.args[0]) for e in expr.atoms(sp.exp))
    expr = _merged(expr, moving) if moving else expr
    roots = frozenset(_scale_free(e.base) for e in expr.atoms(sp.Pow) if _is_root(e, moving))
    return _guard(expr, moving, quotients, roots)


def defined(expr: sp.Expr) -> sp.Expr:
    """``expr`` with square roots that are zero where they are not real, for boundaries looked at along whole lines."""
    return expr.replace(
        lambda e: e.is_Pow and bool(e.base.free_symbols) and e.exp.is_Rational and e.exp.q == 2,
        lambda e: safe_root(e.base) ** (2 * e.exp),
    )


@lru_cache(maxsize=2**15)
def _symbols(expr: sp.Basic) -> frozenset[sp.Basic]:
    """``expr.free_symbols``, found once for what occurs many times."""
    if not expr.args or type(expr).free_symbols is not sp.Basic.free_symbols:
        return frozenset(expr.free_symbols)
    return frozenset().union(*map(_symbols, expr.args))


def _quotient(expr: sp.Expr) -> bool:
    """Whether a symbol stands below the line."""
    return any(
        p.exp.could_extract_minus_sign() and _symbols(p.base) for p in expr.atoms(sp.Pow) if p.base != sp.E
    )


@lru_cache(maxsize=2**15)
def _joined(expr: sp.Expr) -> sp.Expr:
    """Products of exponentials as one, and arguments of exp and erf over one denominator.

    Apart they are ``0 · ∞`` and ``∞ - ∞`` where a variance is zero.
    """
    if not expr.has(sp.exp, sp.erf):
        return expr
    args = [_joined(a) for a in expr.args]
    if isinstance(expr, sp.exp | sp.erf):
        return expr.func(sp.together(args[0]) if args[0].is_Add and _quotient(args[0]) else args[0])
    if isinstance(expr, sp.Mul) and len(powers := [a for a in args if isinstance(a, sp.exp)]) > 1:
        exponent = sp.together(sp.expand(sp.Add(*(a.args[0] for a in powers))))
        return sp.Mul(sp.exp(exponent), *(a for a in args if a not in powers))
    return _of(expr, args)


def _of(expr: sp.Expr, args: list[sp.Expr]) -> sp.Expr:
    """``expr`` of these arguments, itself where they are its own: extremes are slow to make anew."""
    return expr if tuple(args) == expr.args else expr.func(*args)


def is_guarded(expr: sp.Expr) -> bool:
    """Whether ``expr`` calls a guard."""
    return bool(expr.has(safe_ratio, safe_root, safe_asin))


@lru_cache(maxsize=2**15)
def _guard(
    expr: sp.Expr, moving: frozenset[sp.Symbol], quotients: bool, roots: frozenset[object]
) -> sp.Expr:
    if not expr.args or not _symbols(expr):
        return expr
    if isinstance(expr, sp.Mul) and quotients and (spread := _spread(expr, moving)) is not None:
        return _guard(spread, moving, quotients, roots)
    if isinstance(expr, sp.Mul | sp.Pow) and quotients:
        factors = sp.Mul.make_args(expr)
        below = [f for f in factors if _divides(f, moving)]
        if below:
            above = sp.Mul(*(f for f in factors if f not in below))
            under = sp.Mul(*(_denominator(1 / f, moving, roots) for f in below))
            return safe_ratio(_guard(above, moving, True, roots), under)
    if isinstance(expr, sp.Pow) and _is_root(expr, moving):
        return safe_root(_guard(expr.base, moving, quotients, roots)) ** (2 * expr.exp)
    args = [_guard(a, moving, quotients, roots) for a in expr.args]
    if isinstance(expr, sp.asin):
        return safe_asin(*args)
    return _of(expr, args)


def _spread(expr: sp.Mul, moving: frozenset[sp.Symbol]) -> sp.Expr | None:
    """A product of an exponential and a sum of quotients multiplied out: at zero variance the exponential wins."""
    sums = (
        f
        for f in expr.args
        if isinstance(f, sp.Add) and any(_divides(g, moving) for t in f.args for g in sp.Mul.make_args(t))
    )
    total = next(sums, None)
    if total is None or not any(isinstance(f, sp.exp) for f in expr.args):
        return None
    rest = sp.Mul(*(f for f in expr.args if f is not total))
    return sp.Add(*(t * rest for t in total.args))


def _merged(expr: sp.Expr, moving: frozenset[sp.Symbol]) -> sp.Expr:
    """``expr`` with summands of one transcendental factor merged: a variance over its own root is that root.

    Apart they are ``∞ - ∞`` where the variance is zero.
    """
    if not expr.has(sp.erf, sp.exp):
        return expr
    args = [_merged(a, moving) for a in expr.args]
    if not isinstance(expr, sp.Add):
        return _of(expr, args)
    groups: dict[sp.Expr, sp.Expr] = {}
    for term in args:
        plain = [
            f for f in sp.Mul.make_args(term) if f.is_rational_function() and not f.free_symbols & moving
        ]
        rest = sp.Mul(*(f for f in sp.Mul.make_args(term) if f not in plain))
        groups[rest] = groups.get(rest, sp.S.Zero) + sp.Mul(*plain)
    return sp.Add(*(_over_root(sp.factor_terms(factor), rest) for rest, factor in groups.items()))


def _over_root(factor: sp.Expr, rest: sp.Expr) -> sp.Expr:
    """``factor · rest``, the sign of a sum chosen such that it cancels against its root."""
    bases = {f.as_base_exp()[0] for f in sp.Mul.make_args(rest)}
    for sum_ in (f for f in sp.Mul.make_args(factor) if isinstance(f, sp.Add)):
        if sp.expand(-sum_) in bases:
            factor, rest = factor.xreplace({sum_: sp.expand(-sum_)}), -rest  # a sign before a sum would go into it
    return factor * rest


def _denominator(expr: sp.Expr, moving: frozenset[sp.Symbol], roots: frozenset[object]) -> sp.Expr:
    base, exponent = expr.as_base_exp()
    held = _guard(expr, moving, True, roots)
    if exponent.is_Integer and isinstance(base, sp.Add) and _scale_free(base) in roots:
        return safe_root(_guard(base, moving, True, roots)) ** (2 * exponent)
    return held


@lru_cache(maxsize=4096)
def _scale_free(expr: sp.Expr) -> object:
    """The same for expressions that are equal up to a numeric factor, so that variances are recognised in any scale.

    The ratio of the values at two unrelated points; multiplied out where values do not tell.
    """
    first, second = (expr.xreplace({s: _generic(s, k) for s in expr.free_symbols}).evalf(40) for k in (1, 2))
    if second != 0 and all(value.is_number and value.is_finite for value in (first, second)):
        return tuple(f"{float(part):.12e}" for part in (first / second).as_real_imag())
    return sp.expand(expr).primitive()[1]


def _generic(symbol: sp.Symbol, k: int) -> sp.Float:
    """A number in (0, 1) that is the symbol's own."""
    return sp.Float((crc32(f"{k} {sp.srepr(symbol)}".encode()) + sp.Rational(1, 3)) / 2**32, 40)


def _divides(factor: sp.Expr, moving: frozenset[sp.Symbol]) -> bool:
    base, exponent = factor.as_base_exp()
    return (
        bool(_symbols(base))
        and base != sp.E
        and not _symbols(base) & moving
        and bool(exponent.is_negative)
    )


def _is_root(expr: sp.Pow, moving: frozenset[sp.Symbol]) -> bool:
    return (
        isinstance(expr.base, sp.Add)
        and expr.exp.is_Rational
        and expr.exp.q == 2
        and not _symbols(expr.base) & moving
    )
