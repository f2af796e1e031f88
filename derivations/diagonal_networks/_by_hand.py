"""One step of SGD on a diagonal network averaged by Isserlis' theorem, for any covariance: a route of its own.

Shares no code with the library's passes, which use Mehler's formula; names with ``_`` are not read as claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.problem.model import Parametrization, u, v
from symhigh.problem.network import eta
from symhigh.symbols import d, lam, risk

residual = sp.Symbol("r", real=True)
feature = sp.Symbol("a", real=True)
"""The entry of the sample a that belongs to the coordinate."""
other_feature = sp.Symbol("a_j", real=True)
projection = sp.Symbol("q", real=True)
"""``(K(θ − θ*))_i``."""


@dataclass(frozen=True)
class OneStep:
    """Per unit of time, to leading order in 1/d: mean of the increments of (u, v) and their covariances.

    ``covariance`` (2 × 2) is within a coordinate i, ``cross`` (2 × 2) between coordinates i and j, with K_ij
    the symbol ``K_ij``; ``noise`` (2) is the coefficient of the one Brownian motion that drives the
    coordinate.
    """

    mean: tuple[sp.Expr, ...]
    covariance: sp.ImmutableMatrix
    cross: sp.ImmutableMatrix
    noise: tuple[sp.Expr, ...]


def increments(parametrization: Parametrization) -> tuple[sp.Expr, sp.Expr]:
    """The SGD update of one coordinate, ``−η ∂(r²/2)/∂(u, v)``, in the residual r and the sample's entry a.

    ``r`` depends on the coordinate through ``a θ(u, v)/√d`` alone. The simulator's step is generated from
    this.
    """
    chain = [
        sp.diff(residual**2 / 2, residual) * feature / sp.sqrt(d) * sp.diff(parametrization.effective, s)
        for s in (u, v)
    ]
    return -eta * chain[0], -eta * chain[1]


def gaussian_moment(expr: sp.Expr, variables: tuple[sp.Symbol, ...], covariance: sp.Matrix) -> sp.Expr:
    """``E expr`` of a polynomial in centred Gaussian ``variables``, by Stein's lemma ``E[x_i g] = Σ_j C_ij
    E[∂_j g]``."""
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(expr, *variables).terms():
        lead = next((i for i, n in enumerate(powers) if n), None)
        if lead is None:
            total += coefficient
            continue
        rest = sp.prod(x**n for x, n in zip(variables, powers, strict=True)) / variables[lead]
        slopes = [covariance[lead, j] * sp.diff(rest, x) for j, x in enumerate(variables)]
        inner = sum(slopes, sp.S.Zero)
        total += coefficient * (gaussian_moment(inner, variables, covariance) if inner != 0 else 0)
    return total


def one_step(parametrization: Parametrization) -> OneStep:
    """Conditional mean and covariance of one update, times d, as d → ∞.

    ``(a_i, a_j, r)`` is centred Gaussian given (u, v): ``r = Σ_k a_k (θ − θ*)_k/√d − ε`` has variance ``2
    R`` and covariance ``q_i/√d`` with ``a_i``, ``q = K(θ − θ*)``. The mean is ``O(1/d)``, so products of
    means drop out.
    """
    k_ii, k_ij, k_jj = lam, sp.Symbol("K_ij", real=True), sp.Symbol("K_jj", nonnegative=True)
    q_j = sp.Symbol("q_j", real=True)
    variables = (feature, other_feature, residual)
    covariance = sp.Matrix(
        [[k_ii, k_ij, projection / sp.sqrt(d)], [k_ij, k_jj, q_j / sp.sqrt(d)],
         [projection / sp.sqrt(d), q_j / sp.sqrt(d), 2 * risk]]
    )  # fmt: skip

    def rate(expr: sp.Expr) -> sp.Expr:
        return sp.limit(sp.expand(d * gaussian_moment(sp.expand(expr), variables, covariance)), d, sp.oo)

    own = increments(parametrization)
    there = {u: sp.Symbol("u_j", real=True), v: sp.Symbol("v_j", real=True), feature: other_feature}
    other = [step.subs(there) for step in own]
    within = sp.ImmutableMatrix(2, 2, lambda i, j: rate(own[i] * own[j]))
    between = sp.ImmutableMatrix(2, 2, lambda i, j: rate(own[i] * other[j]))
    # every increment is the same random factor r a times a function of (u, v): one Brownian motion a
    # coordinate
    strength = sp.sqrt(sp.limit(gaussian_moment(residual**2 * feature**2, variables, covariance), d, sp.oo))
    noise = tuple(sp.cancel(-step * sp.sqrt(d) / (residual * feature)) * strength for step in own)
    if sp.simplify(sp.Matrix(noise) * sp.Matrix(noise).T - within) != sp.zeros(2, 2):
        raise ArithmeticError(f"one_step: the covariance {within} is not of rank one")
    return OneStep(tuple(rate(step) for step in own), within, between, noise)
