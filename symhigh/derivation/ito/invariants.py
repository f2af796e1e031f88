"""Searches by linear algebra: noise-free combinations, deterministic decays, functions of given generator.

The part of the Itô toolbox that *finds* structure (a balance law, a Lyapunov function) instead of checking
it. Method of undetermined coefficients on a linear ansatz; exact over the field of the parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.ito.calculus import generator, gradient
from symhigh.derivation.ito.sde import ItoSDE


@dataclass(frozen=True)
class Decay:
    """``f`` without noise and with ``df/dt = -rate f``; ``rate`` does not depend on the states."""

    function: sp.Expr
    rate: sp.Expr


def monomials(states: Sequence[sp.Symbol], degree: int) -> list[sp.Expr]:
    """All monomials in ``states`` of total degree 1 … ``degree``, in graded order."""
    return [
        m
        for m in sorted(
            sp.itermonomials(states, degree), key=sp.polys.orderings.monomial_key("grlex", list(states)[::-1])
        )
        if m != 1
    ]


def _coefficients(expression: sp.Expr, states: Sequence[sp.Symbol]) -> dict[sp.Expr, sp.Expr]:
    """Coefficients of ``expression`` over the functions of the states that occur in it."""
    table: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(expression)):
        constant, dependent = term.as_independent(*states, as_Add=False)
        table[dependent] = table.get(dependent, sp.Integer(0)) + constant
    return {key: value for key, value in table.items() if sp.expand(value) != 0}


def _linear_conditions(columns: Sequence[sp.Expr], states: Sequence[sp.Symbol]) -> sp.Matrix:
    """Matrix whose null space holds the combinations of ``columns`` that vanish identically in the states."""
    tables = [_coefficients(column, states) for column in columns]
    keys = sorted({key for table in tables for key in table}, key=sp.default_sort_key)
    return sp.Matrix(
        [[table.get(key, sp.Integer(0)) for table in tables] for key in keys] or [[0] * len(columns)]
    )


def _kernel(matrix: sp.Matrix) -> list[sp.Matrix]:
    """A basis of the null space; an entry is zero where it cancels, as entries are rational in what is not a state."""
    return list(matrix.nullspace(iszerofunc=lambda e: sp.cancel(e) == 0))


def combinations_without_noise(sde: ItoSDE, basis: Sequence[sp.Expr]) -> list[sp.Expr]:
    """All linear combinations f of ``basis`` (coefficients free of the states) with ``σᵀ∇f = 0``.

    Returns a basis of that space; such f have finite variation, their drift may still be random.
    """
    noise = [sde.diffusion.T * gradient(f, sde.states) for f in basis]
    blocks = [_linear_conditions([n[j] for n in noise], sde.states) for j in range(sde.diffusion.cols)]
    kernel = (
        _kernel(sp.Matrix.vstack(*blocks))
        if blocks
        else [sp.eye(len(basis)).col(i) for i in range(len(basis))]
    )
    return [
        sp.expand(sum((c * f for c, f in zip(vector, basis, strict=True)), sp.Integer(0)))
        for vector in kernel
    ]


def noise_free(sde: ItoSDE, degree: int) -> list[sp.Expr]:
    """All polynomials in the states, without constant term and of total degree ≤ ``degree``, that carry no
    noise."""
    return combinations_without_noise(sde, monomials(sde.states, degree))


def decays(sde: ItoSDE, degree: int) -> list[Decay]:
    """All noise-free polynomials of degree ≤ ``degree`` with ``L f = -rate f``: f(X_t) is deterministic.

    ``rate`` = 0 is a conserved quantity. Within the space N of noise-free polynomials, keep the largest
    subspace that L maps into itself, then diagonalise L there.
    """
    space = noise_free(sde, degree)
    while space:
        images = [sp.expand(generator(sde, f)) for f in space]
        relations = _kernel(_linear_conditions([*images, *[-f for f in space]], sde.states))
        kept = [vector for vector in relations if any(vector[i] != 0 for i in range(len(space)))]
        if len(kept) == len(space):
            break
        space = [sum((v[i] * space[i] for i in range(len(space))), sp.Integer(0)) for v in kept]
    if not space:
        return []
    size = len(space)
    domain = sp.Matrix([[v[i] for v in kept] for i in range(size)])
    image = sp.Matrix([[v[size + i] for v in kept] for i in range(size)])
    matrix = (image * domain.inv()).applyfunc(sp.cancel)
    found = []
    for value, _, vectors in matrix.eigenvects():
        for vector in vectors:
            f = sp.expand(sum((c * g for c, g in zip(vector, space, strict=True)), sp.Integer(0)))
            found.append(Decay(sp.expand(f / sp.Poly(f, *sde.states).LC()), -sp.cancel(value)))
    return sorted(found, key=lambda one: sp.total_degree(one.function, *sde.states))


def with_generator(sde: ItoSDE, basis: Sequence[sp.Expr], target: sp.Expr) -> sp.Expr | None:
    """Return a combination f of ``basis`` with ``L f = target`` identically in the states, or None.

    The search for a Lyapunov function: state what its drift should be, and solve for the function. Free
    directions (combinations with L f = 0) are set to zero.
    """
    images = [sp.expand(generator(sde, f)) for f in basis]
    for vector in _kernel(_linear_conditions([*images, -sp.expand(target)], sde.states)):
        if vector[len(basis)] != 0:
            scaled = vector / vector[len(basis)]
            return sp.expand(
                sum((sp.cancel(c) * f for c, f in zip(scaled, basis, strict=False)), sp.Integer(0))
            )
    return None
