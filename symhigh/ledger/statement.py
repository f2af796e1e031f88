"""What a file may state: an equation, an order, ``f ~ g``, an order symbol, an equivalence; and how it is read.

Stands between relations and evidence. A statement that SymPy decided before it arrived is refused here, since
nothing is left of it to show or to test.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from symhigh.ledger.asymptotics import Asymptotic, Bounded
from symhigh.ledger.equivalence import Equivalence
from symhigh.ledger.relation import Relation

Statement = Relation | Asymptotic | Bounded | Equivalence
REMEDY = (
    "give both sides, symbolic(left, right), or keep the relation whole with sp.Eq(left, right, evaluate=False), or "
    "symhigh.ledger.equal, less, at_most, greater, at_least"
)


def equal(left: Any, right: Any) -> sp.Rel:
    """``left = right``, unevaluated: both sides arrive as they are written."""
    return sp.Eq(left, right, evaluate=False)


def less(left: Any, right: Any) -> sp.Rel:
    """``left < right``, unevaluated."""
    return sp.StrictLessThan(left, right, evaluate=False)


def greater(left: Any, right: Any) -> sp.Rel:
    """``left > right``, unevaluated."""
    return sp.StrictGreaterThan(left, right, evaluate=False)


def at_most(left: Any, right: Any) -> sp.Rel:
    """``left <= right``, unevaluated."""
    return sp.LessThan(left, right, evaluate=False)


def at_least(left: Any, right: Any) -> sp.Rel:
    """``left >= right``, unevaluated."""
    return sp.GreaterThan(left, right, evaluate=False)


def statements(given: Any, derived: bool = True) -> list[Statement]:
    """The statements in ``given``: an expression means that it is zero, a list that all hold.

    ``derived`` says that ``given`` was computed by a function, which may leave the number 0; a number that is
    given as such states nothing. Raises ``TypeError`` for what cannot be tested, and ``ValueError`` for a
    relation that was decided before it arrived.
    """
    if isinstance(given, Relation):
        left, right = _differentiated(given.left), _differentiated(given.right)
        if isinstance(left, sp.Expr) and isinstance(right, sp.Expr) and (left.has(sp.Order) or right.has(sp.Order)):
            return [_relation(left, right, given.kind)]
        return [Relation(left, right, given.kind, given.arguments)]
    if isinstance(given, Asymptotic | Bounded | Equivalence):
        return [given]
    if given is sp.true or given is sp.false or isinstance(given, bool):
        raise ValueError(
            f"a statement arrived as {bool(given)}: it was decided before it reached the ledger, and nothing of it is "
            f"left to show or to test; {REMEDY}"
        )
    if isinstance(given, int):
        given = sp.Integer(given)
    if isinstance(given, sp.Rel):
        return [_relation(given.lhs, given.rhs, given.func)]
    if isinstance(given, sp.MatrixBase):
        return [Relation(_differentiated(entry), sp.S.Zero) for entry in given]
    if isinstance(given, sp.Expr):
        if given.is_Number and not derived:
            raise ValueError(f"a statement arrived as the number {given}, which states nothing; {REMEDY}")
        return [_relation(given, sp.S.Zero, sp.Eq)]
    if isinstance(given, Iterable) and not isinstance(given, str):
        return [s for part in given for s in statements(part, derived)]
    raise TypeError(
        f"a statement of type {type(given).__name__} ({given!r}) cannot be checked; give the "
        "residual that must vanish, a SymPy equation or inequality, asymptotic(left, right, t), or a list of these"
    )


def symbols_of(stated: Iterable[Statement]) -> set[sp.Symbol]:
    """The free symbols of statements; a function as a side has the domain's."""
    return {
        s for one in stated for side in one.sides if isinstance(side, sp.Basic) for s in side.free_symbols
        if isinstance(s, sp.Symbol)
    }  # fmt: skip


def states_nothing(stated: Iterable[Statement]) -> bool:
    """Whether all that is left of the statements is numbers equal to zero: computed before they arrived."""
    return all(
        isinstance(s, Relation) and s.kind is sp.Eq and getattr(s.left, "is_Number", False) and s.right == 0
        for s in stated
    )


def refuse_floats(stated: Iterable[Statement]) -> None:
    """``TypeError`` where a statement to be proved holds a float, whose 16 digits are not what was meant."""
    for one in stated:
        for side in (s for s in one.sides if isinstance(s, sp.Basic)):
            if floats := side.atoms(sp.Float):
                value = min(floats, key=str)
                exact = sp.nsimplify(value, rational=True)
                raise TypeError(
                    f"{one} holds the float {value}: a symbolic statement is exact; write "
                    f"sp.Rational({exact.p}, {exact.q}), or use numeric or integrated evidence"
                )


def _relation(left: sp.Expr, right: sp.Expr, kind: type) -> Statement:
    left, right = _differentiated(left), _differentiated(right)
    if orders := [*left.atoms(sp.Order), *right.atoms(sp.Order)]:
        if kind is not sp.Eq:
            raise ValueError(f"{Relation(left, right, kind)}: an order symbol stands in an equation only")
        return Bounded.of(left, right, orders)
    return Relation(left, right, kind)


def _differentiated(side: Any) -> Any:
    """Derivatives of products and the like carried out, so that only those of unknown functions are left."""
    if not isinstance(side, sp.Basic):
        return side
    return side.replace(lambda e: isinstance(e, sp.Derivative), lambda e: e.doit(deep=False))
