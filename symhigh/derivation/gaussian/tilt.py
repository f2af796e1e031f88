"""Completing the square: an exponential of a quadratic form changes a Gaussian law into another one.

A pass of the Gaussian expectation. ``E[e^{vᵀAv + bᵀv + c} g(v)] = C E g(m + v')`` with ``v' ~ N(0, S')``,
``S' = (I - 2SA)⁻¹S``, ``m = S'b``, ``C = det(I - 2SA)^{-1/2} e^{bᵀS'b/2 + c}``, for S singular or not, where all
eigenvalues of ``I - 2SA`` are positive; otherwise the integral diverges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.logic.boolalg import Boolean

from symhigh.derivation.gaussian.covariance import Covariance


@dataclass(frozen=True)
class Tilt:
    """Constant, mean and covariance of the changed law, and the condition under which it exists."""

    constant: sp.Expr
    mean: tuple[sp.Expr, ...]
    cov: Covariance
    condition: Boolean


@lru_cache(maxsize=256)
def tilted(exponent: sp.Expr, variables: tuple[sp.Symbol, ...], cov: Covariance) -> Tilt:
    """The law N(0, cov) under the density ``e^exponent``, a polynomial of degree ≤ 2 in ``variables``."""
    poly = sp.Poly(exponent, *variables)
    size = len(variables)
    s = sp.Matrix(cov)
    offset = poly.coeff_monomial(1)
    b = sp.Matrix([poly.coeff_monomial(v) for v in variables])
    if poly.total_degree() <= 1:
        mean = s * b
        constant = sp.exp(sp.expand((b.T * mean)[0, 0] / 2) + offset)
        return Tilt(constant, tuple(map(sp.expand, mean)), cov, sp.true)
    a = sp.Matrix(
        size, size, lambda i, j: poly.coeff_monomial(variables[i] * variables[j]) / (1 if i == j else 2)
    )
    if a.has(sp.I):
        raise ValueError("expect: no rule for complex quadratic exponents; write them with cos and sin")
    m = (sp.eye(size) - 2 * s * a).applyfunc(sp.expand)
    determinant = sp.expand(m.det(method="berkowitz"))
    changed = (m.adjugate() * s).applyfunc(sp.expand) / determinant
    mean = changed * b
    constant = sp.exp((b.T * mean)[0, 0] / 2 + offset) / sp.sqrt(determinant)
    return Tilt(
        constant, tuple(mean), tuple(tuple(row) for row in changed.tolist()), _positive_spectrum(s, a)
    )


def _positive_spectrum(s: sp.Matrix, a: sp.Matrix) -> Boolean:
    """All eigenvalues of ``I - 2SA`` are positive: its elementary symmetric functions are."""
    used = [i for i in range(a.rows) if any(a[i, j] != 0 for j in range(a.rows))]
    m = sp.eye(len(used)) - 2 * s.extract(used, used) * a.extract(used, used)
    coefficients = m.charpoly().all_coeffs()
    conditions = []
    for k, c in enumerate(coefficients[1:], start=1):
        symmetric = sp.expand((-1) ** k * c)
        if symmetric.is_positive:
            continue
        if symmetric.is_nonpositive:
            raise ValueError(
                f"expect: the expectation diverges, {symmetric} must be > 0 for the exponential to be integrable"
            )
        conditions.append(symmetric > 0)
    return sp.And(*conditions)
