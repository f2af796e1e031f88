"""Whether a relation holds under the assumptions of its symbols: normal forms from cheap to thorough.

Stands below the symbolic evidence. Each form has a purpose and keeps the value, so a zero at any of them is
a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from symhigh.ledger.domain import Domain
from symhigh.ledger.relation import Relation

Pass = Callable[[sp.Expr], sp.Expr]
_ASSUMED = {sp.Gt: "is_positive", sp.Ge: "is_nonnegative", sp.Lt: "is_negative", sp.Le: "is_nonpositive"}
"""What SymPy would have to know of a form for its order to zero to hold."""


@dataclass(frozen=True)
class Decision:
    """``holds``, ``None`` where undecided; ``reason`` names the step that decided, or what is left."""

    holds: bool | None
    reason: str


def _rational(expr: sp.Expr) -> sp.Expr:
    return sp.cancel(sp.together(expr))


def _powers(expr: sp.Expr) -> sp.Expr:
    return sp.expand(sp.powsimp(sp.powdenest(sp.expand(expr)), combine="exp"))


def _logarithms(expr: sp.Expr) -> sp.Expr:
    return sp.expand(sp.expand_log(expr))


def _exponentials(expr: sp.Expr) -> sp.Expr:
    return sp.cancel(sp.together(sp.expand(expr.rewrite(sp.exp))))


def _special(expr: sp.Expr) -> sp.Expr:
    return sp.gammasimp(sp.expand_func(expr))


CHEAP: tuple[tuple[str, Pass], ...] = (
    ("expanded", sp.expand),
    ("common denominator", _rational),
)
THOROUGH: tuple[tuple[str, Pass], ...] = (
    ("factors", sp.factor),
    ("powers combined", _powers),
    ("logarithms expanded", _logarithms),
    ("radicals", sp.radsimp),
    ("exponential form", _exponentials),
    ("trigonometry", sp.trigsimp),
    ("special functions", _special),
    ("simplified", sp.simplify),
)


def decide(relation: Relation, own: Pass | None, domain: Domain, hard: bool) -> Decision:
    """Whether the relation follows by SymPy's algebra; ``own`` is the author's simplification, tried first.

    Only the cheap forms unless ``hard``; then also with the ranges of the domain put in, by slack variables.
    Bounded in time by the caller.
    """
    residual = _bound_alike(relation.left) - _bound_alike(relation.right)
    passes: list[tuple[str, Pass]] = [("identical", lambda e: e)]
    passes += [("the author's step", own)] if own else []
    if residual.has(sp.Limit):
        passes.append(("limits taken", lambda e: e.doit()))
    passes += [*CHEAP, *_on(domain), *THOROUGH] if hard else CHEAP
    form = residual
    for name, transform in passes:
        form = transform(residual)
        holds = _sign(form, relation.kind)
        if holds is not None:
            return Decision(holds, name)
    text = str(form)
    return Decision(None, f"{relation} leaves {text if len(text) <= 200 else text[:197] + '…'}")


def _bound_alike(side: sp.Expr) -> sp.Expr:
    """A side with its variables of integration and summation under canonical names: they are no part of a statement."""
    return side.as_dummy() if side.has(sp.Integral, sp.Sum, sp.Product) else side


def _on(domain: Domain) -> list[tuple[str, Pass]]:
    """Normal forms that use the ranges of the domain."""
    if not domain.ranges:
        return []
    return [
        ("on the domain", lambda e: sp.factor(domain.slack(e))),
        ("on the domain, powers combined", lambda e: _powers(sp.factor(domain.slack(e), deep=True))),
    ]


def _sign(form: sp.Expr, kind: type) -> bool | None:
    """What the form's assumptions say of ``form kind 0``; an equation is decided by zero itself, or by infinity."""
    if kind is sp.Eq:
        return True if form == 0 else False if _may_be_infinite(form) and form.is_infinite else None
    if kind is sp.Ne:
        return None if form.is_zero is None else not form.is_zero
    known = getattr(form, _ASSUMED[kind])
    return None if known is None else bool(known)


def _may_be_infinite(form: sp.Expr) -> bool:
    """Whether infinity stands in the form, or a symbol for it: of others SymPy would look long, and not know."""
    return form.has(sp.oo, -sp.oo, sp.zoo) or any(s.is_infinite for s in form.free_symbols)
