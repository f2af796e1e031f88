"""Total derivatives of a limit's expressions through its scalars, each scalar's own computed once under a name.

Serves :mod:`symhigh.derivation.fluctuations`. Mathematics: the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.slopes import slope_in
from symhigh.meanfield import Scalar
from symhigh.symbols import OwnedSymbol, t

Through = Mapping[sp.Symbol, Mapping[sp.Expr, sp.Expr]]
"""By scalar: what it depends on, symbols or scalars before it, and its derivative in each."""
Again = Callable[[sp.Symbol], Mapping[tuple[sp.Expr, sp.Expr], sp.Expr]]
"""For a scalar: its second derivatives in pairs of what it depends on, one for each order of a pair."""


class Chain:
    """Total derivatives in the coupling z and in time, through the scalars; each scalar's own gets a name.

    Those of the scalars in ``through`` are not taken of their expressions, nor are second ones, which ``again`` says.
    """

    def __init__(
        self, scalars: Sequence[Scalar], coupling: Sequence[sp.Symbol], through: Through | None = None,
        again: Again | None = None,
    ) -> None:  # fmt: skip
        self.scalars, self.coupling = scalars, tuple(coupling)
        self._through, self._again = through or {}, again
        self.named: list[tuple[sp.Symbol, sp.Expr]] = []
        self._partial: dict[tuple[sp.Expr, sp.Symbol], sp.Expr] = {}
        self._along: dict[tuple[sp.Expr, sp.Symbol], sp.Expr] = {}
        self._first: dict[tuple[sp.Symbol, sp.Symbol], sp.Expr] = {}
        self._second: dict[tuple[sp.Symbol, sp.Symbol, sp.Symbol], sp.Expr] = {}
        for s in scalars:
            for z in (*coupling, t):
                if s.name in self._through:
                    slope = sp.Add(*(self.along(entry, z) * value for entry, value in self._through[s.name].items()))
                else:
                    slope = self.along(s.expression, z)
                if slope != 0:
                    self._first[s.name, z] = self.name(f"d_{s.name.name}_d_{z.name}", slope)
                    self._along.clear()  # what was taken before knew nothing of this slope

    def name(self, called: str, expr: sp.Expr) -> sp.Expr:
        """Numbers and symbols stay; anything else is computed once and called so."""
        if expr.is_number or expr.is_Symbol:
            return expr
        symbol = OwnedSymbol(called, real=True)
        self.named.append((symbol, expr))
        return symbol

    def partial(self, expr: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
        """The derivative of ``expr`` itself, taken once."""
        if (key := (expr, symbol)) not in self._partial:
            self._partial[key] = slope_in(expr, symbol) if symbol in expr.free_symbols else sp.S.Zero
        return self._partial[key]

    def along(self, expr: sp.Expr, z: sp.Symbol) -> sp.Expr:
        """``d expr/dz``, taken once."""
        if (key := (expr, z)) not in self._along:
            held = expr.free_symbols
            through = (
                self.partial(expr, s.name) * self._first[s.name, z]
                for s in self.scalars
                if s.name in held and (s.name, z) in self._first
            )
            self._along[key] = self.partial(expr, z) + sp.Add(*through)
        return self._along[key]

    def twice(self, expr: sp.Expr, k: sp.Symbol, l: sp.Symbol) -> sp.Expr:
        """``d² expr/dz_k dz_l``."""
        if not self._second:
            self._differentiate_again()
        through = (
            self.partial(expr, s.name) * self._second[s.name, k, l]
            for s in self.scalars
            if (s.name, k, l) in self._second
        )
        return self.along(self.along(expr, k), l) + sp.Add(*through)

    def hessian(self, exprs: Sequence[sp.Expr]) -> sp.Array:
        n = len(self.coupling)
        entries = [self.twice(e, k, l) for e in exprs for k in self.coupling for l in self.coupling]
        return sp.Array(entries, (len(exprs), n, n)) if entries else sp.Array([], (0,))

    def _differentiate_again(self) -> None:
        for s in self.scalars:
            bent = self._again(s.name) if self._again is not None and s.name in self._through else {}
            for k, l in combinations_with_replacement(self.coupling, 2):
                if s.name in self._through:
                    held = self._through[s.name]
                    value = sp.Add(*(self.along(e, k) * self.along(f, l) * v for (e, f), v in bent.items()))
                else:
                    inner = s.expression.free_symbols
                    held = {r.name: self.partial(s.expression, r.name) for r in self.scalars if r.name in inner}
                    value = self.along(self.along(s.expression, k), l)
                value += sp.Add(*(v * self._second[e, k, l] for e, v in held.items() if (e, k, l) in self._second))
                if value != 0:
                    named = self.name(f"d2_{s.name.name}_d_{k.name}_d_{l.name}", value)
                    self._second[s.name, k, l] = self._second[s.name, l, k] = named
