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
    """``variable = prediction + rest``: the prediction is linear in ``others``, which have covariance ``law``.

    Its weights and the rest's variance have names where they are no numbers; ``meaning`` says what they are.
    """

    variable: sp.Symbol
    prediction: sp.Expr
    rest: sp.Dummy
    variance: sp.Expr
    others: tuple[sp.Symbol, ...]
    law: Covariance
    meaning: dict[sp.Symbol, sp.Expr]

    def express(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` in the others and the rest."""
        return expr.xreplace({self.variable: self.prediction + self.rest})


def conditional(variable: sp.Symbol, variables: Sequence[sp.Symbol], cov: Covariance) -> Conditional:
    """The law of ``variable`` given the other variables."""
    k = variables.index(variable)
    kept = [i for i in range(len(variables)) if i != k]
    linked = [i for i in kept if cov[k][i] != 0]
    meaning: dict[sp.Symbol, sp.Expr] = {}

    def named(value: sp.Expr, **assumptions: bool) -> sp.Expr:
        if value.is_number:
            return value
        meaning[name := sp.Dummy(f"k{len(meaning)}", **assumptions)] = value
        return name

    prediction, variance = sp.S.Zero, cov[k][k]
    if linked:
        gram = sp.Matrix([[cov[i][j] for j in linked] for i in linked])
        row = sp.Matrix([[cov[k][i] for i in linked]])
        weights = [sp.cancel(w) for w in row * gram.inv()]
        variance -= sp.Add(*(w * cov[k][i] for w, i in zip(weights, linked, strict=True)))
        prediction = sp.Add(
            *(named(w, real=True) * variables[i] for w, i in zip(weights, linked, strict=True))
        )
    rest = sp.Dummy(f"w_{variable.name}", real=True)
    law = tuple(tuple(cov[i][j] for j in kept) for i in kept)
    others = tuple(variables[i] for i in kept)
    return Conditional(variable, prediction, rest, named(variance, positive=True), others, law, meaning)


def along(expr: sp.Expr, variables: Sequence[sp.Symbol]) -> Iterator[sp.Symbol]:
    """The variables along which every boundary of ``expr`` is linear or quadratic; the simplest first.

    Among equals the first comes first: what is learnt may start with variance zero, and is better not left for last.
    """
    edges = boundaries(expr, variables)
    order = []
    for k, v in enumerate(variables):
        degrees = [sp.degree(e, v) if e.is_polynomial(v) else 3 for e in edges]
        if max(degrees, default=3) > 2:
            continue
        leads = {sp.Poly(e, v).LC() for e, n in zip(edges, degrees, strict=True) if n > 0}
        varying = any(lead.free_symbols.intersection(variables) for lead in leads)
        order.append((max(degrees), varying, k, v))
    for *_, v in sorted(order, key=lambda c: c[:3]):
        yield v
