"""Averages over the modes: what couples them, each given a name once.

A pass of the derivation. An average of a polynomial in a mode's λ, V11, V12, V22 is a sum of averages of
monomials, with everything that is equal for all modes in front.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V00,
    V10,
    V11,
    V12,
    V20,
    V22,
    distance,
    error_square,
    kappa2,
    lam,
    norm,
    overlap,
    target_norm,
    tau,
)
from symhigh.system import Reduction

_MODE = (lam, V11, V12, V22, V10, V00, V20, D2)
_NAMED = {
    **{lam: tau, lam**2: kappa2, lam * V11: B11, lam * V12: B12, lam * V22: B22, lam * D2: error_square},
    **{V11: norm, V12: overlap, V22: target_norm, D2: distance},
}


class Averages:
    """Collects the reductions that a derivation needs."""

    def __init__(self) -> None:
        self._summand: dict[sp.Symbol, sp.Expr] = {name: summand for summand, name in _NAMED.items()}

    def of(self, expr: sp.Expr) -> sp.Expr:
        """``Σ_i w_i expr_i`` in terms of named averages; symbols other than a mode's own are constants."""
        total = sp.S.Zero
        for powers, coefficient in sp.Poly(expr, *_MODE).terms():
            monomial = sp.prod(s**n for s, n in zip(_MODE, powers, strict=True))
            total += coefficient * (self._name(monomial) if monomial != 1 else 1)
        return total

    def reductions(self, used_in: Iterable[sp.Expr]) -> tuple[Reduction, ...]:
        """The averages that appear in ``used_in``."""
        used = set().union(*(expr.free_symbols for expr in used_in))
        return tuple(Reduction(name, summand) for name, summand in self._summand.items() if name in used)

    def _name(self, monomial: sp.Expr) -> sp.Symbol:
        for name, summand in self._summand.items():
            if summand == monomial:
                return name
        states = {V11: "11", V12: "12", V22: "22", V10: "10", V00: "00", V20: "20", D2: "D"}
        label = next((tag for s, tag in states.items() if monomial.has(s)), "")
        power = sp.degree(monomial, lam)
        name = sp.Symbol(f"{'NBMLKJ'[power] if power < 6 else f'P{power}_'}{label}", real=True)
        self._summand[name] = monomial
        return name
