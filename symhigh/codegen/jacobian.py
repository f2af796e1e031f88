"""The Jacobian of a limit, derived symbolically: one small block a mode plus a few rank-one terms.

Stands between the system and the implicit stepper. Collect what couples the modes into ``z`` = the reductions that
move and the scalar states. With v_i the states of mode i, ``ρ = Σ_i w_i g(v_i)`` the reductions, μ the scalar states,

    dv_i/dt = F(v_i, z, t),   dμ/dt = M(z, t),   z = (ρ, μ),

every derivative below is taken of the system's own expressions, scalars by the chain rule in their order:

    D_i = ∂F/∂v_i (block),   U_i = ∂F/∂z (border),   g'_i = ∂g/∂v_i (reading),   M' = ∂M/∂z.

A system ``(σ - J) (x, μ) = (b, m)`` is then solved in O(N), as ``x_i = E_i (b_i + U_i ζ)`` with ``E_i = (σ - D_i)⁻¹``
and ``ζ`` the increment of z, which solves the small system

    ζ_ρ - Σ_i w_i g'_i E_i U_i ζ = Σ_i w_i g'_i E_i b_i,     σ ζ_μ - M' ζ = m    (Woodbury's identity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.codegen.lower import needed
from symhigh.symbols import t
from symhigh.system import MomentSystem


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Expressions in mode symbols, scalars, and the names in ``slopes``; p states a mode, n entries of z.

    ``slopes`` names derivatives of scalars and of M, to be computed once a linearisation, in this order.
    ``block`` p × p, ``border`` p × n, ``reading`` (reductions) × p, ``memory`` (scalar states) × n;
    ``in_time`` and ``memory_in_time`` are ∂F/∂t and ∂M/∂t through the scalars.
    """

    coupling: tuple[sp.Symbol, ...]
    slopes: tuple[tuple[sp.Symbol, sp.Expr], ...]
    block: sp.Matrix
    border: sp.Matrix
    reading: sp.Matrix
    memory: sp.Matrix
    in_time: tuple[sp.Expr, ...]
    memory_in_time: tuple[sp.Expr, ...]

    @property
    def reductions(self) -> int:
        """How many entries of z are reductions; the scalar states follow."""
        return int(self.reading.shape[0])


def jacobian(system: MomentSystem) -> Jacobian:
    """Differentiate ``system``; quadrature nodes differentiate by Price's theorem."""
    family, states = system.family, [s.name for s in system.states]
    rates = [*family.rhs, *(s.rhs for s in system.states)]
    scalars = needed(system.scalars, rates)
    used = set().union(*(e.free_symbols for e in rates), *(s.expression.free_symbols for s in scalars))
    moving = set(family.states)
    reductions = [r for r in system.reductions if r.summand.free_symbols & moving and r.name in used]
    coupling = (*(r.name for r in reductions), *states)

    slopes: list[tuple[sp.Symbol, sp.Expr]] = []
    known: dict[tuple[sp.Symbol, sp.Symbol], sp.Symbol] = {}

    def total(expr: sp.Expr, variable: sp.Symbol) -> sp.Expr:
        """Derivative of ``expr`` in ``variable``, directly and through the scalars."""
        through = (
            sp.diff(expr, s.name) * known[s.name, variable] for s in scalars if (s.name, variable) in known
        )
        return sp.diff(expr, variable) + sum(through, sp.S.Zero)

    def named(name: str, expr: sp.Expr) -> sp.Expr:
        """Numbers stay; anything else is computed once and called ``name``."""
        if expr.is_number:
            return expr
        symbol = sp.Symbol(name, real=True)
        slopes.append((symbol, expr))
        return symbol

    for scalar in scalars:
        for variable in (*coupling, t):
            slope = total(scalar.expression, variable)
            if slope != 0:
                known[scalar.name, variable] = named(f"d_{scalar.name.name}_d_{variable.name}", slope)
    memory = [
        [named(f"rate_{j}_d_{z.name}", total(s.rhs, z)) for z in coupling]
        for j, s in enumerate(system.states)
    ]
    memory_t = tuple(named(f"rate_{j}_d_t", total(s.rhs, t)) for j, s in enumerate(system.states))
    return Jacobian(
        coupling, tuple(slopes),
        block=sp.Matrix(family.rhs).jacobian(family.states),
        border=_table([[total(rhs, z) for z in coupling] for rhs in family.rhs], len(coupling)),
        reading=_table([[sp.diff(r.summand, v) for v in family.states] for r in reductions], len(family.states)),
        memory=_table(memory, len(coupling)),
        in_time=tuple(total(rhs, t) for rhs in family.rhs),
        memory_in_time=memory_t,
    )  # fmt: skip


def _table(rows: Sequence[Sequence[sp.Expr]], width: int) -> sp.Matrix:
    return sp.Matrix(len(rows), width, [e for row in rows for e in row])
