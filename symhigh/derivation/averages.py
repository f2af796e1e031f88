"""Averages over the modes: what couples them, each given a name once.

A pass of the derivation. An average of a polynomial in a mode's symbols is a sum of averages of monomials, with
everything that is equal for all modes in front.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from symhigh.meanfield import Reduction
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
    OwnedSymbol,
    distance,
    error_square,
    kappa2,
    lam,
    norm,
    overlap,
    product_symbol,
    target_norm,
    tau,
)

LABELS = {V11: "11", V12: "12", V22: "22", V10: "10", V00: "00", V20: "20", D2: "D"}
"""What the moments of a mode add to the name of an average."""
NAMED = {
    **{lam: tau, lam**2: kappa2, lam * V11: B11, lam * V12: B12, lam * V22: B22, lam * D2: error_square},
    **{V11: norm, V12: overlap, V22: target_norm, D2: distance},
}


class Averages:
    """Collects the averages that a derivation needs.

    ``labels`` are the mode's symbols beside λ, and what each adds to a name; ``named`` are averages that have a name of
    their own. With ``whole`` set, what has one factor in front is one average, not one a monomial.
    """

    def __init__(
        self,
        labels: Mapping[sp.Symbol, str] = LABELS,
        named: Mapping[sp.Expr, sp.Symbol] = NAMED,
        whole: bool = False,
    ) -> None:
        self._labels, self._whole = dict(labels), whole
        self._mode = (lam, *self._labels)
        self._summand = {name: sp.expand(summand) for summand, name in named.items()}

    def of(self, expr: sp.Expr) -> sp.Expr:
        """``Σ_i w_i expr_i`` in terms of named averages; symbols other than a mode's own are constants."""
        if self._whole or not expr.is_polynomial(*self._mode):
            return self._of_factors(sp.expand(expr))
        total = sp.S.Zero
        for powers, coefficient in sp.Poly(expr, *self._mode).terms():
            monomial = sp.prod(s**n for s, n in zip(self._mode, powers, strict=True))
            total += coefficient * (self._name(monomial) if monomial != 1 else 1)
        return total

    def reductions(self, used_in: Iterable[sp.Expr]) -> tuple[Reduction, ...]:
        """The averages that appear in ``used_in``."""
        used = set().union(*(expr.free_symbols for expr in used_in))
        return tuple(Reduction(name, summand) for name, summand in self._summand.items() if name in used)

    def _of_factors(self, expr: sp.Expr) -> sp.Expr:
        """One average for everything that has the same factor in front, numbers apart."""
        parts: dict[sp.Expr, sp.Expr] = {}
        for term in sp.Add.make_args(expr):
            factor, summand = term.as_independent(*self._mode, as_Add=False)
            number, factor = factor.as_coeff_Mul()
            parts[factor] = parts.get(factor, sp.S.Zero) + number * summand
        total = sp.S.Zero
        for factor, summand in parts.items():
            number, inner = sp.expand(summand).as_content_primitive()
            total += factor * number * (self._name(sp.expand(inner)) if inner != 1 else 1)
        return total

    def _name(self, summand: sp.Expr) -> sp.Symbol:
        for name, known in self._summand.items():
            if known == summand:
                return name
        name = self._fresh(summand)
        self._summand[name] = summand
        return name

    def _fresh(self, summand: sp.Expr) -> sp.Symbol:
        powers = summand.as_powers_dict()
        plain = not self._whole and all(s in self._mode and n.is_Integer and n > 0 for s, n in powers.items())
        if not plain:
            count = sum(name.name.startswith("A_") for name in self._summand)
            return OwnedSymbol(f"A_{count + 1}", real=True)
        power = int(powers.get(lam, 0))
        tags = [label for s, label in self._labels.items() for _ in range(int(powers.get(s, 0)))]
        square = len(tags) == 2 and tags[0] == tags[1] and tags[0].startswith("_")
        head = "NBMLKJ"[power] if power < 6 else f"P{power}_"
        return product_symbol(head + "".join(tags), square)
