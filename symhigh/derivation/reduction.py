"""The reduction of a limit to one state a mode, where the equations close on it.

Last pass of the derivation. If ``c2 = -c1`` and everything else sees B only through ``Q = B11 - 2 B12 + B22``, then
``D2 = V11 - 2 V12 + V22`` obeys ``dD2/dt = -2 λ γ c1 D2 + λ γ² I``: for least squares this is *The High Line*
(arXiv 2405.19585), (8).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import sympy as sp

from symhigh.derivation.averages import Averages
from symhigh.meanfield import Family, Reduction, Scalar, ScalarState
from symhigh.symbols import D2, V11, V12, V22, c1, c2, lam


def reduce_to_error(
    family: Family,
    reductions: tuple[Reduction, ...],
    scalars: tuple[Scalar, ...],
    states: tuple[ScalarState, ...],
    outputs: MappingProxyType[str, sp.Expr],
) -> Any:
    """The same limit in D2 alone, or the parts unchanged where they do not close."""
    by_name = {s.name: s.expression for s in scalars}
    if sp.expand(by_name[c1] + by_name[c2]) != 0:
        return family, reductions, scalars, states, outputs
    averages = Averages()
    to_error = _substitution(reductions, averages)
    reduced = [Scalar(s.name, _on_error(s.expression, to_error)) for s in scalars if s.name != c2]
    moved = tuple(replace(s, rhs=_on_error(s.rhs, to_error)) for s in states)
    kept = {key: _on_error(e, to_error) for key, e in outputs.items()}
    lost = {r.name for r in reductions if r.summand.has(V11, V12, V22)}
    kept = {key: e for key, e in kept.items() if not e.free_symbols & lost}
    if any(e.free_symbols & lost for e in (*(s.expression for s in reduced), *(s.rhs for s in moved))):
        return family, reductions, scalars, states, outputs
    rhs_11, rhs_12 = (r.subs(c2, -c1) for r in family.rhs)
    rhs = sp.expand((rhs_11 - 2 * rhs_12).subs(V11, D2 + 2 * V12 - V22))
    if rhs.free_symbols & lost:  # averages by mode
        rhs = _on_error(rhs, to_error)
    if rhs.has(V12, V22) or rhs.free_symbols & lost:
        return family, reductions, scalars, states, outputs
    start = family.definitions
    definition = {D2: sp.factor(start[V11] - 2 * start[V12] + start[V22])}
    small = Family((D2,), (lam,), (sp.collect(rhs, lam),), MappingProxyType(definition))
    used_in = [*kept.values(), *(s.expression for s in reduced), *(s.rhs for s in moved)]
    return small, averages.reductions(used_in), tuple(reduced), moved, MappingProxyType(kept)


def _substitution(reductions: tuple[Reduction, ...], averages: Averages) -> dict[sp.Symbol, sp.Expr]:
    """Each average of V11 written through the averages of D2, V12 and V22 of the same power of λ."""
    result = {}
    by_summand = {r.summand: r.name for r in reductions}
    for summand, name in by_summand.items():
        if not summand.has(V11):
            continue
        power = summand / V11
        cross, target = by_summand.get(power * V12), by_summand.get(power * V22)
        if cross is not None and target is not None:
            result[name] = averages.of(power * D2) + 2 * cross - target
    return result


def _on_error(expr: sp.Expr, to_error: dict[sp.Symbol, sp.Expr]) -> sp.Expr:
    rewritten = sp.expand(expr.subs(c2, -c1).subs(to_error))
    return sp.cancel(rewritten) if rewritten.is_rational_function() else rewritten
