"""Itô calculus: generator, Itô's formula, quadratic covariation, change of variables.

Works on ``ItoSDE`` objects; the searches of the package (invariants, additive coordinates, Lyapunov
functions) are built on these four. Source: Øksendal, *Stochastic Differential Equations*, Thm 4.2.1, 7.3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.ito.sde import ItoSDE
from symhigh.symbols import t


@dataclass(frozen=True)
class Differential:
    """``df = drift dt + noise · dB``: a scalar drift and one noise coefficient a Brownian motion."""

    drift: sp.Expr
    noise: tuple[sp.Expr, ...]


def gradient(f: sp.Expr, states: tuple[sp.Symbol, ...]) -> sp.Matrix:
    """``(∂f/∂x_1, …, ∂f/∂x_n)`` as a column."""
    return sp.Matrix([sp.diff(f, state) for state in states])


def generator(sde: ItoSDE, f: sp.Expr) -> sp.Expr:
    """``L f = drift · ∇f + (1/2) tr(A ∇²f)``, the drift of ``f(X)``; not simplified."""
    first = sum((b * df for b, df in zip(sde.drift, gradient(f, sde.states), strict=True)), sp.Integer(0))
    hessian = sp.hessian(f, sde.states)
    return first + (sde.covariance * hessian).trace() / 2


def ito_formula(sde: ItoSDE, f: sp.Expr) -> Differential:
    """Return ``df(t, X)``: drift ``∂f/∂t + L f`` and noise ``σᵀ∇f``, each expanded."""
    noise = sde.diffusion.T * gradient(f, sde.states)
    return Differential(
        sp.expand(sp.diff(f, t) + generator(sde, f)), tuple(sp.expand(entry) for entry in noise)
    )


def covariation(sde: ItoSDE, f: sp.Expr, g: sp.Expr) -> sp.Expr:
    """``d<f, g>/dt = ∇f · A ∇g``, the rate of quadratic covariation; expanded."""
    return sp.expand((gradient(f, sde.states).T * sde.covariance * gradient(g, sde.states))[0])


def change_of_variables(
    sde: ItoSDE, forward: Mapping[sp.Symbol, sp.Expr], backward: Mapping[sp.Symbol, sp.Expr]
) -> ItoSDE:
    """Return the SDE of new states.

    ``forward`` gives each new state as a function of the old ones, ``backward`` each old state as a function
    of the new ones. Assumes ``forward`` twice differentiable on the range of ``backward``. Raises
    ``ValueError`` where ``forward ∘ backward`` does not simplify to the identity: the two must be inverse to
    each other.
    """
    if set(backward) != set(sde.states):
        raise ValueError(
            f"change_of_variables(backward for {set(backward)}): give every old state {sde.states}, no other"
        )
    old = dict(backward)
    for new, expression in forward.items():
        # purpose: one exact check of an inverse; log(exp(.)) is resolved by the assumptions on the new states
        if sp.simplify(sp.expand_log(expression.subs(old), force=True) - new) != 0:
            raise ValueError(f"change_of_variables: {new} = {expression} is not inverted by {old}")
    moved = [ito_formula(sde, expression) for expression in forward.values()]
    drift = tuple(sp.expand(sp.simplify(one.drift.subs(old))) for one in moved)
    noise = sp.Matrix([[sp.simplify(entry.subs(old)) for entry in one.noise] for one in moved])
    return ItoSDE(tuple(forward), drift, noise)
