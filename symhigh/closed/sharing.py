"""Searching and replacing in expressions whose parts occur many times, such as roots that stand in roots.

Serves the nodes and formulas of this room. SymPy walks through an expression as a tree, every occurrence anew; here
each different part is looked at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import sympy as sp


def parts(expr: sp.Basic, *kinds: type) -> set[sp.Basic]:
    """The different subexpressions of these kinds, as ``expr.atoms`` finds them."""
    seen, waiting = {expr}, [expr]
    while waiting:
        for part in waiting.pop().args:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return {part for part in seen if isinstance(part, kinds)}


def replaced(expr: sp.Expr, rule: Mapping[sp.Basic, sp.Basic]) -> sp.Expr:
    """``expr.xreplace(rule)``."""
    return _replaced(expr, rule, {}) if rule else expr


def _replaced(part: sp.Basic, rule: Mapping[sp.Basic, sp.Basic], known: dict[sp.Basic, sp.Basic]) -> sp.Basic:
    if part in rule:
        return rule[part]
    if not part.args:
        return part
    if (found := known.get(part)) is None:
        found = known[part] = _within(part, rule, known)
    return found


def _within(part: sp.Basic, rule: Mapping[sp.Basic, sp.Basic], known: dict[sp.Basic, sp.Basic]) -> sp.Basic:
    if type(part)._xreplace is not sp.Basic._xreplace:
        return part.xreplace(rule)
    args = [_replaced(a, rule, known) for a in part.args]
    return part if all(a is b for a, b in zip(args, part.args, strict=True)) else part.func(*args)


@lru_cache(maxsize=128)
def exact(expr: sp.Expr) -> sp.Expr:
    """Floats replaced by the binary fractions that they are, so that precision can be raised."""
    return replaced(expr, {f: sp.Rational(f) for f in parts(expr, sp.Float)})
