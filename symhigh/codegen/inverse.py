"""The inverse of ``σ - D`` of one mode, symbolic, as assignments to locals of a generated function.

Serves :mod:`symhigh.codegen.woodbury`. Mathematics: block triangular matrices, Laplace's expansion and Cramer's rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import sympy as sp

Places = tuple[int, ...]
Assigned = list[tuple[sp.Symbol, sp.Expr]]
"""Locals and what they are, each in terms of those before."""


def named(name: str) -> sp.Symbol:
    """A local of the generated function."""
    return sp.Symbol(name, real=True)


def inverse(D: sp.Matrix, sigma: sp.Symbol) -> tuple[sp.Matrix, Assigned]:
    """E = (σ - D)⁻¹ as symbols, and what they are.

    States that see each other form a block. With blocks ordered so that none sees a later one, σ - D is triangular:
    ``E_aa = (σ - D_aa)⁻¹`` and ``E_ab = E_aa Σ_c D_ac E_cb`` over the blocks c from b to the one before a.
    The inverse of a block is that of its cofactors over its determinant, in a few products each: as one expression
    in all entries it would be long, and take SymPy minutes to simplify.
    """
    E, blocks = sp.zeros(*D.shape), components(D)
    assigned: Assigned = []
    minor = _minors(sigma * sp.eye(D.shape[0]) - D, assigned)
    for a, rows in enumerate(blocks):
        every = tuple(rows)
        over = minor(every, every)  # a polynomial in σ with leading coefficient one, so no zero
        own = sp.zeros(len(rows))
        for i, j in product(range(len(rows)), repeat=2):
            own[i, j] = (-1) ** (i + j) * minor(_without(every, j), _without(every, i)) / over
        held = _held(E, own, rows, rows, assigned)
        for b, columns in enumerate(blocks[:a]):
            between = [k for block in blocks[b:a] for k in block]
            seen = D.extract(rows, between) * E.extract(between, columns)
            _held(E, held * seen, rows, columns, assigned)
    return E, assigned


def components(D: sp.Matrix) -> list[list[int]]:
    """The sets of states that see each other in ``dx/dt = D x``, ordered so that none sees a later one."""
    n = D.shape[0]
    sees = [{j for j in range(n) if i == j or D[i, j] != 0} for i in range(n)]
    for k in range(n):
        for i in range(n):
            if k in sees[i]:
                sees[i] |= sees[k]
    blocks = {tuple(j for j in range(n) if j in sees[i] and i in sees[j]) for i in range(n)}
    return [list(block) for block in sorted(blocks, key=lambda block: (len(sees[block[0]]), block))]


def _minors(table: sp.Matrix, assigned: Assigned) -> Callable[[Places, Places], sp.Expr]:
    """Determinants of rows and columns of a table, expanded along rows; those of two rows and more are named once."""

    @cache
    def minor(rows: Places, columns: Places) -> sp.Expr:
        if not rows:
            return sp.S.One
        total = sp.Add(
            *(
                (-1) ** k * table[rows[0], column] * minor(rows[1:], _without(columns, k))
                for k, column in enumerate(columns)
                if table[rows[0], column] != 0
            )
        )
        if len(rows) == 1 or total.is_number or total.is_Symbol:
            return total
        name = named("_".join(map(str, ("M", *rows, "of", *columns))))
        assigned.append((name, total))
        return name

    return minor


def _held(
    E: sp.Matrix, part: sp.Matrix, rows: list[int], columns: list[int], assigned: Assigned
) -> sp.Matrix:
    """Name the entries of a part of E; zeros stay."""
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if part[i, j] != 0:
                E[row, column] = named(f"E_{row}_{column}")
                assigned.append((E[row, column], part[i, j]))
    return E.extract(rows, columns)


def _without(places: Places, k: int) -> Places:
    return places[:k] + places[k + 1 :]
