"""Closed forms made safe at the edge of their domain: singular covariances, and rounding just beyond them.

Part of the lowering of Gaussian means. At ρ = ±1 or zero variance a closed form reads ``asin(0/0)`` or ``√(-1e-17)``,
while the expectation is finite; with ``0/0 = 0``, ``c/0 = ±∞``, ``√`` of negatives 0 and ``asin`` clipped it evaluates
to that.
"""

from __future__ import annotations

import sympy as sp

SOURCE = '''
@njit
def safe_ratio(a, b):
    """a/b, with 0/0 = 0: the factor that vanishes does so faster."""
    if b == 0.0:
        return 0.0 if a == 0.0 else math.copysign(math.inf, a)
    return a / b


@njit
def safe_root(a):
    return math.sqrt(a) if a > 0.0 else 0.0


@njit
def safe_asin(a):
    return math.asin(min(max(a, -1.0), 1.0))
'''

safe_ratio = sp.Function("safe_ratio", real=True)
safe_root = sp.Function("safe_root", nonnegative=True)
safe_asin = sp.Function("safe_asin", real=True)


def guarded(expr: sp.Expr, moving: frozenset[sp.Symbol] = frozenset()) -> sp.Expr:
    """``expr`` with roots, arcsines and, near erf, exp and asin, quotients guarded.

    Roots and denominators that hold a symbol of ``moving`` (a variable of integration) are left alone.
    """
    quotients = expr.has(sp.asin, sp.erf) or bool(moving)
    return _guard(expr, moving, quotients)


def is_guarded(expr: sp.Expr) -> bool:
    """Whether ``expr`` calls a guard."""
    return bool(expr.has(safe_ratio, safe_root, safe_asin))


def _guard(expr: sp.Expr, moving: frozenset[sp.Symbol], quotients: bool) -> sp.Expr:
    if not expr.args or not expr.free_symbols:
        return expr
    if isinstance(expr, sp.Mul | sp.Pow) and quotients:
        factors = sp.Mul.make_args(expr)
        below = [f for f in factors if _divides(f, moving)]
        if below:
            above = sp.Mul(*(f for f in factors if f not in below))
            return safe_ratio(
                _guard(above, moving, True), _guard(sp.Mul(*(1 / f for f in below)), moving, True)
            )
    if isinstance(expr, sp.Pow) and _is_root(expr, moving):
        return safe_root(_guard(expr.base, moving, quotients)) ** (2 * expr.exp)
    args = [_guard(a, moving, quotients) for a in expr.args]
    if isinstance(expr, sp.asin):
        return safe_asin(*args)
    return expr.func(*args)


def _divides(factor: sp.Expr, moving: frozenset[sp.Symbol]) -> bool:
    base, exponent = factor.as_base_exp()
    return (
        bool(base.free_symbols)
        and base != sp.E
        and not base.free_symbols & moving
        and bool(exponent.is_negative)
    )


def _is_root(expr: sp.Pow, moving: frozenset[sp.Symbol]) -> bool:
    return (
        isinstance(expr.base, sp.Add)
        and expr.exp.is_Rational
        and expr.exp.q == 2
        and not expr.base.free_symbols & moving
    )
