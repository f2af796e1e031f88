"""Reading a covariance, and what a singular one says: which variables are linear functions of the others.

Stands before the passes of a Gaussian expectation. Linear algebra by Schur complements, with an exact zero test.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import parameter, shown

Covariance = tuple[tuple[sp.Expr, ...], ...]


def read_covariance(cov: Any) -> Covariance:
    """``cov`` as rows of expressions; ``ValueError`` where it cannot be a covariance."""
    rows = cov.tolist() if hasattr(type(cov), "tolist") else cov
    if not _listed(rows) or not all(map(_listed, rows)) or len({len(row) for row in rows}) != 1:
        raise TypeError(
            f"expect(cov={shown(cov)}): cov must be a matrix or a nested sequence, whose rows have one length; "
            "text is never evaluated"
        )
    meaning = "an entry of the covariance"
    matrix = sp.Matrix(
        [[parameter("expect", "cov", e, positive=None, meaning=meaning) for e in row] for row in rows]
    )
    size = matrix.shape[0]
    if matrix.shape[0] != matrix.shape[1] or size == 0:
        raise ValueError(f"expect(cov of shape {matrix.shape}): cov must be a square matrix")
    for i in range(size):
        if matrix[i, i].is_negative:
            raise ValueError(f"expect(cov[{i},{i}]={matrix[i, i]}): a variance must be >= 0")
        for j in range(i):
            if matrix[i, j] != matrix[j, i] and sp.expand(matrix[i, j] - matrix[j, i]) != 0:
                raise ValueError(
                    f"expect(cov[{i},{j}]={matrix[i, j]}, cov[{j},{i}]={matrix[j, i]}): cov must be symmetric"
                )
    return tuple(tuple(row) for row in matrix.tolist())


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def independent_variables(
    cov: Covariance, names: Sequence[sp.Symbol]
) -> tuple[list[int], dict[sp.Symbol, sp.Expr]]:
    """Indices of a largest set of independent variables, and the others as linear functions of them.

    A direction is dropped where its conditional variance is zero: exactly, or to rounding for floating-point entries.
    """
    kept: list[int] = []
    dependent: dict[sp.Symbol, sp.Expr] = {}
    for k in range(len(cov)):
        left, weights = _conditional_variance(cov, tuple(kept), k)
        if left == 0:
            dependent[names[k]] = sp.Add(*(w * names[i] for w, i in zip(weights, kept, strict=True)))
        elif left.is_negative:
            raise ValueError(
                f"expect(cov): conditional variance {left} of variable {k} is negative; "
                "a covariance must be positive semidefinite"
            )
        else:
            kept.append(k)
    return kept, dependent


@lru_cache(maxsize=1024)
def _conditional_variance(cov: Covariance, kept: tuple[int, ...], k: int) -> tuple[sp.Expr, list[sp.Expr]]:
    """``S_kk - s G⁻¹ sᵀ`` over the kept variables correlated with k, and the weights ``s G⁻¹``."""
    linked = [i for i in kept if cov[k][i] != 0]
    if not linked:
        own = cov[k][k]
        known = own.is_Atom or own.is_number or sp.together(own).as_numer_denom()[0].expand() != 0
        return own if known else sp.S.Zero, [sp.S.Zero] * len(kept)
    gram = sp.Matrix([[cov[i][j] for j in linked] for i in linked])
    row = sp.Matrix([[cov[k][i] for i in linked]])
    determinant = gram.det(method="berkowitz")
    adjugate = row * gram.adjugate()
    numerator = sp.expand(sp.together(cov[k][k] * determinant - (adjugate * row.T)[0, 0]).as_numer_denom()[0])
    if (
        numerator != 0
        and numerator.is_number
        and abs(sp.N(numerator, 15)) < _round_off(cov, linked, k, numerator)
    ):
        numerator = sp.S.Zero
    if numerator != 0:
        sign = sp.S.NegativeOne if numerator.is_negative else sp.S.One
        return (sign if numerator.is_number else numerator), []
    weight = dict(zip(linked, adjugate, strict=True))
    return sp.S.Zero, [sp.cancel(weight.get(i, sp.S.Zero) / determinant) for i in kept]


def _round_off(cov: Covariance, linked: list[int], k: int, numerator: sp.Expr) -> float:
    """Size below which a determinant of floating-point entries is their rounding error; 0 for exact entries."""
    if not numerator.has(sp.Float):
        return 0.0
    scale = float(cov[k][k])
    for i in linked:
        scale *= float(cov[i][i])
    return 4e-16 * scale * (1 + len(linked))
