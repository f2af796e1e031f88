"""Functions in pieces inside an expectation, kept from SymPy's folding, which carries their conditions out of it.

``simplify`` and ``piecewise_fold`` turn ``E[f where z > 0]`` into ``E[f] where z > 0``: the bound variable gets out,
and what is odd without its condition is dropped. Serves the nodes
(:mod:`symhigh.derivation.gaussian.node`), which keep their integrands in this form and show them as they are.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp


class Pieces(sp.Expr):  # type: ignore[misc]
    """A ``Piecewise`` by its values and conditions in turn, which no function of SymPy takes for one."""

    is_commutative = True


@lru_cache(maxsize=4096)
def hidden(expr: sp.Expr) -> sp.Expr:
    """``expr`` with :class:`Pieces` for functions in pieces."""
    if not expr.has(sp.Piecewise):
        return expr
    parts = [hidden(part) for part in expr.args]
    if isinstance(expr, sp.Piecewise):
        return Pieces(*(part for pair in parts for part in pair.args))
    return expr.func(*parts)


@lru_cache(maxsize=4096)
def shown(expr: sp.Expr, evaluate: bool = False) -> sp.Expr:
    """``expr`` with functions in pieces as such; ``evaluate`` drops the pieces that have no place any more."""
    if not expr.has(Pieces):
        return expr
    parts = [shown(part, evaluate) for part in expr.args]
    if isinstance(expr, Pieces):
        return sp.Piecewise(*zip(parts[::2], parts[1::2], strict=True), evaluate=evaluate)
    return expr.func(*parts)
