"""Relations between proved bounds: the difference of two sides as a ball, and whether a relation can hold for it.

Serves the check at points. Where both sides can be enclosed, agreement of digits becomes a theorem with a radius.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.closed.balls import NotEnclosed
from symhigh.closed.enclosure import Ball, enclose
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.ledger.domain import Point


def gap_of(left: Any, right: Any, point: Point, digits: int) -> Ball | None:
    """``left - right`` at a point, within ``10^-digits``; ``None`` where a side has no enclosure.

    An average over two variables has one that takes seconds at every point, so it is left to its digits.
    """
    if not (isinstance(left, sp.Expr) and isinstance(right, sp.Expr)):
        return None
    gap = _gap(left, right)
    if gap is None:
        return None
    try:
        return enclose(gap, point, digits)
    except NotEnclosed:
        return None


@lru_cache(maxsize=64)
def _gap(left: sp.Expr, right: sp.Expr) -> sp.Expr | None:
    """The difference as written; ``None`` where it would take long."""
    gap = sp.Add(left, -right, evaluate=False)
    return None if any(mean.dimension > 1 for mean in gap.atoms(GaussianMean)) else gap


def settled(kind: type, gap: Ball) -> bool | None:
    """Whether a relation holds where the difference of its sides lies in ``gap``; ``None`` where it may or may not.

    An equation is never settled by a ball alone: ``True`` says that the ball allows it.
    """
    if kind is sp.Eq:
        return gap.contains(0)
    if gap.contains(0) and gap.radius:
        return None
    sign = 0 if gap.contains(0) else (1 if gap.middle > 0 else -1)
    return {sp.Ne: sign != 0, sp.Gt: sign > 0, sp.Ge: sign >= 0, sp.Lt: sign < 0, sp.Le: sign <= 0}[kind]
