"""Expectations of derivatives in law: inside the pieces, and a Dirac measure where the function jumps.

Serves the loss's Stein coefficients ``E ∂_v G``. Routes, the first that applies: G has no jump; its jumps are signs of
affine forms; they lie on planes; along one variable, given the others, they are a few points; and Stein's lemma
``E ∂G = S⁻¹ E v G``, at regular S, for whatever is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symhigh.derivation.gaussian.cells import kinked
from symhigh.derivation.gaussian.conditional import along, conditional
from symhigh.derivation.gaussian.covariance import Covariance
from symhigh.derivation.gaussian.expectation import mean
from symhigh.derivation.gaussian.forms import spanned
from symhigh.derivation.gaussian.jumps import branchwise, jump, jumps, resolved
from symhigh.derivation.gaussian.kinks import Signed, split
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import explicit, recognise
from symhigh.derivation.gaussian.terms import is_affine


def mean_gradient(
    expr: sp.Expr, variables: Sequence[sp.Symbol], cov: Covariance, wanted: Sequence[sp.Symbol]
) -> tuple[sp.Expr, ...]:
    """``E ∂_v expr`` in the sense of distributions for v in ``wanted``, over centred Gaussian ``variables``."""
    variables = tuple(variables)
    expr = resolved(expr, variables)
    if not (jumping := jumps(expr, variables, variables)):
        return tuple(mean(branchwise(expr, v, variables), variables, sp.Matrix(cov)) for v in wanted)
    parts = split(expr, variables)
    if not any(kinked(g, variables) for g in parts.values()):
        return tuple(mean(_of_signs(parts, v), variables, sp.Matrix(cov)) for v in wanted)
    span = spanned([expr], variables)
    if span.size < len(variables):
        inner = mean_gradient(
            span.express(expr), span.coordinates, _rows(span.covariance(cov)), span.coordinates
        )
        places = [variables.index(v) for v in wanted]
        return tuple(
            sp.Add(*(form[i] * g for form, g in zip(span.forms, inner, strict=True))) for i in places
        )
    if all(is_affine(b, variables) for b in jumping):
        return tuple(mean(_on_planes(expr, jumping, variables, v), variables, sp.Matrix(cov)) for v in wanted)
    return _eliminated(expr, variables, cov, wanted) or _by_moments(expr, variables, cov, wanted)


def _rows(rows: Sequence[Sequence[sp.Expr]]) -> Covariance:
    return tuple(tuple(row) for row in rows)


def _of_signs(parts: Signed, v: sp.Symbol) -> sp.Expr:
    """The derivative of a sum of signs: ``∂ sign(u) = 2 δ(u) ∂u``."""
    total = sp.S.Zero
    for signs, g in parts.items():
        total += sp.diff(g, v) * sp.prod([sp.sign(u) for u in signs])
        for u in signs:
            others = sp.prod([sp.sign(w) for w in signs if w != u])
            total += 2 * g * sp.diff(u, v) * sp.DiracDelta(u) * others
    return total


def _on_planes(
    expr: sp.Expr, planes: Sequence[sp.Expr], variables: Sequence[sp.Symbol], v: sp.Symbol
) -> sp.Expr:
    """The derivative inside the pieces, plus every jump times the density on its plane."""
    return branchwise(expr, v, variables) + sp.Add(
        *(jump(expr, b, variables) * sp.diff(b, v) * sp.DiracDelta(b) for b in planes if sp.diff(b, v) != 0)
    )


def _eliminated(
    expr: sp.Expr, variables: tuple[sp.Symbol, ...], cov: Covariance, wanted: Sequence[sp.Symbol]
) -> tuple[sp.Expr, ...] | None:
    """One variable averaged first, given the others: ``w = β·others + rest``, on whose line the jumps are points.

    With ``H = E[G | others]``: ``E ∂_w G`` is taken along the line, and ``E ∂_v G = E ∂_v H - β_v E ∂_w G``.
    """
    for w in along(expr, variables):
        given = conditional(w, variables, cov)
        line, law = (given.rest,), ((given.variance,),)
        parts = split(given.express(expr), line)
        if any(kinked(g, line) for g in parts.values()):
            continue
        slope, smooth = mean(_of_signs(parts, given.rest), line, law), mean(given.express(expr), line, law)
        if slope.has(GaussianMean) or smooth.has(GaussianMean):
            continue
        along_w = mean(recognise(explicit(slope)), given.others, sp.Matrix(given.law))
        rest = [v for v in wanted if v != w]
        found = dict(
            zip(rest, mean_gradient(recognise(explicit(smooth)), given.others, given.law, rest), strict=True)
        )
        values = [along_w if v == w else found[v] - sp.diff(given.prediction, v) * along_w for v in wanted]
        return tuple(value.xreplace(given.meaning) for value in values)
    return None


def _by_moments(
    expr: sp.Expr, variables: tuple[sp.Symbol, ...], cov: Covariance, wanted: Sequence[sp.Symbol]
) -> tuple[sp.Expr, ...]:
    """``S⁻¹ E v expr``, at regular S."""
    matrix = sp.Matrix(cov)
    moments = sp.Matrix([mean(v * expr, variables, matrix) for v in variables])
    solved = matrix.adjugate() * moments / sp.expand(matrix.det(method="berkowitz"))
    return tuple(solved[variables.index(v)] for v in wanted)
