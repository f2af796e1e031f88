"""Lamperti coordinates: functions of the states whose noise coefficient does not depend on the states.

One Brownian motion, several states: two families of noise fields are straightened exactly, separable ones
(σ_i a function of x_i) and linear ones (σ = M x). Source: Lamperti 1964; the flow-box theorem.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.ito.calculus import gradient
from symhigh.derivation.ito.sde import ItoSDE


@dataclass(frozen=True)
class AdditiveCoordinate:
    """``expression`` of the states, with ``d expression = (…) dt + noise dB`` and ``noise`` free of the
    states."""

    expression: sp.Expr
    noise: sp.Expr


def _check(sde: ItoSDE, expression: sp.Expr, noise: sp.Expr) -> AdditiveCoordinate:
    found = (sde.diffusion.T * gradient(expression, sde.states))[0]
    if sp.simplify(found - noise) != 0:
        raise ArithmeticError(f"additive_coordinates: {expression} has noise {found}, not {noise}")
    return AdditiveCoordinate(expression, noise)


def _separable(sde: ItoSDE) -> list[AdditiveCoordinate]:
    """``y_i = ∫ dx_i / s_i(x_i)`` with noise κ, where ``σ_i = κ s_i(x_i)``."""
    found = []
    for state, sigma in zip(sde.states, sde.diffusion, strict=True):
        scale, shape = sp.factor(sigma).as_independent(state, as_Add=False)
        found.append(_check(sde, sp.integrate(1 / shape, state), scale))
    return found


def _linear(sde: ItoSDE) -> list[AdditiveCoordinate]:
    """``y = log(ℓ·x)`` with noise the eigenvalue of ``ℓ``, a left eigenvector of M, where ``σ = M x``."""
    matrix = sp.Matrix([[sp.diff(sigma, state) for state in sde.states] for sigma in sde.diffusion])
    found = []
    for value, _, vectors in matrix.T.eigenvects():
        for vector in vectors:
            form = sp.expand(sum((c * x for c, x in zip(vector, sde.states, strict=True)), sp.Integer(0)))
            lead = sp.LC(form, *sde.states)
            found.append(_check(sde, sp.log(sp.expand(form / lead)), value))
    if len(found) != len(sde.states):
        raise ValueError(
            f"additive_coordinates: the linear noise field with matrix {matrix} is not diagonalisable"
        )
    return sorted(found, key=lambda one: str(one.expression))


def additive_coordinates(sde: ItoSDE) -> list[AdditiveCoordinate]:
    """Return n coordinates in which the noise of an SDE with n states and one Brownian motion is additive.

    Logarithms of linear forms are taken where the form is positive; the other signs follow by the reflection
    of that form. Raises ``ValueError`` where the noise field is neither linear nor separable.
    """
    if sde.diffusion.cols != 1:
        raise ValueError(f"additive_coordinates: one Brownian motion is needed, got {sde.diffusion.cols}")
    linear = all(
        sp.expand(sp.diff(s, x, y)) == 0 for s in sde.diffusion for x in sde.states for y in sde.states
    ) and all(s.subs(dict.fromkeys(sde.states, 0)) == 0 for s in sde.diffusion)
    separable = all(
        not (s.free_symbols & (set(sde.states) - {x})) for s, x in zip(sde.diffusion, sde.states, strict=True)
    )
    if not linear and not separable:
        raise ValueError(
            f"additive_coordinates: the noise field {list(sde.diffusion)} is neither linear nor separable"
        )
    return _linear(sde) if linear else _separable(sde)
