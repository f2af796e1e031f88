"""The mean-field system of a diagonal network in numbers, read term by term off the derived reduction.

Serves :mod:`symhigh.integration.network`; no drift or noise is written here. Model and equations:
``derivations/diagonal_networks/README.md``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from symhigh.closed.network import numeric, starts
from symhigh.integration.fokker_planck import MeanFieldModel
from symhigh.population import NetworkClasses
from symhigh.problem.network import theta_star
from symhigh.symbols import lam, risk

if TYPE_CHECKING:
    from symhigh.derivation.network import DensitySystem

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=256)
def exponential_terms(
    expr: sp.Expr, xi: sp.Symbol, alpha: sp.Symbol
) -> tuple[sp.Expr, sp.Expr, dict[tuple[sp.Expr, sp.Expr], sp.Expr]]:
    """Split ``expr`` into ``c0 + c1 ξ + Σ C exp(κ ξ + ℓ α)``; returns ``c0, c1, {(κ, ℓ): C}`` (not to
    be changed: remembered) or raises ``ValueError``."""
    constant, slope = sp.S.Zero, sp.S.Zero
    table: dict[tuple[sp.Expr, sp.Expr], sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(sp.powsimp(sp.expand(expr)))):
        factor, rest = term.as_independent(xi, alpha, as_Add=False)
        power = sp.expand(sp.log(rest)) if rest.has(sp.exp) else None
        exponent = sp.expand(sp.expand_log(power, force=True)) if power is not None else None
        if rest == 1:
            constant += factor
        elif rest == xi:
            slope += factor
        elif (
            exponent is not None
            and exponent.is_polynomial(xi, alpha)
            and sp.Poly(exponent, xi, alpha).total_degree() == 1
        ):
            key = (exponent.coeff(xi), exponent.coeff(alpha))
            table[key] = table.get(key, sp.S.Zero) + factor
        else:
            raise ValueError(
                f"exponential_terms: {term} is neither constant, linear in {xi}, nor an exponential"
            )
    return constant, slope, table


def model_of(limit: DensitySystem, classes: NetworkClasses) -> tuple[MeanFieldModel, Array]:
    """The numbers of the mean-field system of ``limit`` on ``classes``, and the start ξ(0) of shape
    (classes,)."""
    from symhigh.derivation.network import alpha, side_w, side_z, xi

    limit.numbers()
    reduction, begin = limit.reduction, starts(limit, classes)
    parameters = (lam, theta_star, side_w, side_z)
    values = (classes.lam, classes.theta_star, begin.side_w, begin.side_z)

    def column(expr: sp.Expr) -> Array:
        number = numeric(parameters, expr)(*values)
        return np.broadcast_to(np.asarray(number, dtype=float), (classes.size,))

    drift = exponential_terms(reduction.sde.drift[1], xi, alpha)
    error = exponential_terms(reduction.effective - theta_star, xi, alpha)
    spread = sp.Poly(reduction.sde.covariance[1, 1] / 2, risk)
    exponents = sorted(set(drift[2]) | set(error[2]), key=sp.default_sort_key)
    stack = [
        np.stack([column(part[2].get(key, sp.S.Zero)) for key in exponents], axis=1)
        for part in (drift, error)
    ]
    model = MeanFieldModel(
        in_xi=np.array([float(key[0]) for key in exponents]),
        in_alpha=np.array([float(key[1]) for key in exponents]),
        drift_constant=column(drift[0]), drift_slope=column(drift[1]), drift_terms=stack[0],
        spread_constant=column(spread.coeff_monomial(1)), spread_rate=column(spread.coeff_monomial(risk)),
        error_constant=column(error[0]), error_slope=column(error[1]), error_terms=stack[1],
        share=classes.weight * classes.lam / 2, alpha=begin.alpha,
        alpha_rate=column(sp.expand(reduction.sde.drift[0] / risk)),
        offset=limit.numbers()[1] ** 2 / 2,
    )  # fmt: skip
    return model, begin.xi
