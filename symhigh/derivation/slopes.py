"""First derivatives of large expressions, as SymPy has them.

Serves the passes and closed forms that differentiate what was derived. SymPy asks of every derivative that occurs on
the way whether it is zero by its assumptions, which takes most of its time; here zeros are seen from the structure.
"""

from __future__ import annotations

import sympy as sp


def slope_in(expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """``d expr/d symbol``, every subexpression differentiated once."""
    return _slope(expr, symbol, {symbol: sp.S.One})


def _slope(expr: sp.Expr, symbol: sp.Symbol, known: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    if (found := known.get(expr)) is None:
        found = known[expr] = _by_structure(expr, symbol, known)
    return found


def _by_structure(expr: sp.Expr, symbol: sp.Symbol, known: dict[sp.Expr, sp.Expr]) -> sp.Expr:
    if expr.is_Atom:
        return sp.S.Zero
    if not _is_plain(expr):
        return sp.diff(expr, symbol) if symbol in expr.free_symbols else sp.S.Zero
    slopes = [_slope(part, symbol, known) for part in expr.args]
    if not any(slopes):
        return sp.S.Zero
    if expr.is_Add:
        return sp.Add(*slopes)
    if expr.is_Mul:
        factors = expr.args
        return sp.Add(*(sp.Mul(*factors[:k], d, *factors[k + 1 :]) for k, d in enumerate(slopes) if d))
    if expr.is_Pow:
        base, power = expr.args
        return expr * (slopes[1] * sp.log(base) + slopes[0] * power / base)
    return sp.Add(*(expr.fdiff(k) * d for k, d in enumerate(slopes, 1) if d))


def _is_plain(expr: sp.Expr) -> bool:
    """Sums, products and powers of numbers, and functions whose derivative is a matter of the chain rule."""
    if expr.is_Function:
        by_parts = type(expr)._eval_derivative is sp.Function._eval_derivative
        return by_parts and not isinstance(expr, sp.core.function.AppliedUndef)
    return type(expr) in (sp.Add, sp.Mul, sp.Pow)
