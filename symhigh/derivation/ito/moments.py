"""Moment equations of an SDE, with their closure or the statement that they do not close.

Applies the generator to polynomials of the states and asks whether the result needs further moments.
Source: Itô's formula in expectation; Dynkin's formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.ito.calculus import generator
from symhigh.derivation.ito.sde import ItoSDE


class NotClosed(ArithmeticError):
    """Raised when moment equations still need moments that are not among them."""


@dataclass(frozen=True)
class MomentSystem:
    """``d E[m]/dt = equations[m]``, linear in the moments (each monomial stands for its expectation).

    ``missing`` lists the moments that occur on the right and have no equation of their own.
    """

    states: tuple[sp.Symbol, ...]
    equations: dict[sp.Expr, sp.Expr]
    missing: tuple[sp.Expr, ...]

    @property
    def closed(self) -> bool:
        """Whether the equations need no further moment."""
        return not self.missing

    def require_closed(self) -> MomentSystem:
        """Return self, or raise :class:`NotClosed` with the missing moments and the way out."""
        if self.missing:
            raise NotClosed(
                f"the equations of {list(self.equations)} need {list(self.missing)} too; "
                "ask for these as well (complete), or solve for the density (fokker_planck)"
            )
        return self


def moment_equations(sde: ItoSDE, moments: Sequence[sp.Expr]) -> MomentSystem:
    """Return the equations of the given monomials' expectations; mean-field parameters count as given."""
    equations = {moment: sp.expand(generator(sde, moment)) for moment in moments}
    needed: set[sp.Expr] = set()
    for right in equations.values():
        for term in sp.Add.make_args(right):
            needed.add(term.as_independent(*sde.states, as_Add=False)[1])
    missing = sorted(needed - set(moments) - {sp.Integer(1)}, key=sp.default_sort_key)
    return MomentSystem(sde.states, equations, tuple(missing))


def complete(sde: ItoSDE, moments: Sequence[sp.Expr], rounds: int = 5) -> MomentSystem:
    """Add missing moments until the system closes, at most ``rounds`` times; the result may still be open."""
    system = moment_equations(sde, moments)
    for _ in range(rounds):
        if system.closed:
            break
        system = moment_equations(sde, [*system.equations, *system.missing])
    return system
