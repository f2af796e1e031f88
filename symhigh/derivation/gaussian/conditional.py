"""One Gaussian variable given the others: a linear prediction and an independent rest.

Serves expectations across curved boundaries: along one variable a boundary is often linear or quadratic, so the average
over that variable given the others is closed, and smooth in them. Gaussian conditioning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian.cells import boundaries
from symhigh.derivation.gaussian.covariance import Covariance


@dataclass(frozen=True)
class Conditional:
    """``variable = prediction + rest``: the prediction is linear in ``others``, which have covariance ``law``."""

    variable: sp.Symbol
    prediction: sp.Expr
    rest: sp.Dummy
    variance: sp.Expr
    others: tuple[sp.Symbol, ...]
    law: Covariance

    def express(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` in the others and the rest."""
        return expr.xreplace({self.variable: self.prediction + self.rest})


def conditional(variable: sp.Symbol, variables: Sequence[sp.Symbol], cov: Covariance) -> Conditional:
    """The law of ``variable`` given the other variables."""
    k = variables.index(variable)
    kept = [i for i in range(len(variables)) if i != k]
    linked = [i for i in kept if cov[k][i] != 0]
    prediction, variance = sp.S.Zero, cov[k][k]
    if linked:
        gram = sp.Matrix([[cov[i][j] for j in linked] for i in linked])
        row = sp.Matrix([[cov[k][i] for i in linked]])
        weights = [sp.cancel(w) for w in row * gram.inv()]
        prediction = sp.Add(*(w * variables[i] for w, i in zip(weights, linked, strict=True)))
        variance = cov[k][k] - sp.Add(*(w * cov[k][i] for w, i in zip(weights, linked, strict=True)))
    rest = sp.Dummy(f"w_{variable.name}", real=True)
    law = tuple(tuple(cov[i][j] for j in kept) for i in kept)
    return Conditional(variable, prediction, rest, variance, tuple(variables[i] for i in kept), law)


def along(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Iterator[sp.Symbol]:
    """The variables along which every boundary of ``expr`` is linear or quadratic; the simplest first."""
    edges = boundaries(expr, variables)
    order = []
    for k, v in enumerate(variables):
        degrees = [sp.degree(e, v) if e.is_polynomial(v) else 3 for e in edges]
        if max(degrees, default=3) > 2:
            continue
        leads = {sp.Poly(e, v).LC() for e, n in zip(edges, degrees, strict=True) if n > 0}
        varying = any(lead.free_symbols.intersection(variables) for lead in leads)
        order.append((max(degrees), varying, -k, v))
    for *_, v in sorted(order, key=lambda c: c[:3]):
        yield v
