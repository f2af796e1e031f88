"""What a loss sees of its predictions: differences of outputs only, as softmax does, or the error alone.

Part of the third pass, :mod:`symhigh.derivation.expectations`. Where ``f(x + h) = f(x)`` for a common shift h of all
students, every slope is a function of ``x_p - x_last``, so that x_last may be put to zero and the covariance to that of
the differences; likewise for targets. By the chain rule ``E ∂_last F = -Σ E ∂_p F`` over the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.derivation.state import Statement
from symhigh.derivation.statistics import Sample

_SHIFT = sp.Rational(5, 7)


@dataclass(frozen=True)
class Differences:
    """``sample`` has what is left of the predictions; ``lost`` are those that are put to zero."""

    sample: Sample
    lost: tuple[sp.Symbol, ...]

    def of(self, expr: sp.Expr) -> sp.Expr:
        """An invariant expression in the predictions that are left."""
        return expr.xreplace(dict.fromkeys(self.lost, sp.S.Zero))


@lru_cache(maxsize=512)
def differences(s: Statement, sample: Sample) -> Differences:
    """The predictions without the last student, or target, where all outcomes see differences of them alone."""
    ends = [group[-1] for group in (s.students, s.aims) if len(group) > 1 and _invariant(s, group)]
    if not ends:
        return Differences(sample, ())
    kept = [k for k, z in enumerate(sample.directions) if z not in ends]
    base: dict[sp.Symbol, int] = {}
    for group in (s.students, s.aims):
        if group and group[-1] in ends:
            base |= dict.fromkeys(group, sample.directions.index(group[-1]))

    def entry(i: int, j: int) -> sp.Expr:
        law, (p, q) = sample.law, (kept[i], kept[j])
        first, second = (base.get(sample.directions[k]) for k in (p, q))
        value = law[p, q]
        if first is not None:
            value -= law[first, q]
        if second is not None:
            value -= law[p, second]
        return value + law[first, second] if first is not None and second is not None else value

    reduced = Sample(
        tuple(x for x in s.students if x not in ends),
        tuple(x for x in s.aims if x not in ends),
        sp.ImmutableMatrix(len(kept), len(kept), entry),
    )
    return Differences(reduced, tuple(ends))


def _invariant(s: Statement, group: tuple[sp.Symbol, ...]) -> bool:
    """Whether losses and probabilities stay where the whole group is shifted: at unrelated points, to thirty digits."""
    exprs = [e for o in s.outcomes for e in (o.loss, o.probability)]
    if not any(e.has(*group) for e in exprs):
        return False
    names = sorted(set().union(*(e.free_symbols for e in exprs)), key=str)
    for sign in (1, -1):
        point = {v: sign * sp.Rational(7 + 3 * k, 11 + 3 * k) for k, v in enumerate(names)}
        point |= {v: abs(value) for v, value in point.items() if v.is_nonnegative}
        moved = point | {x: point[x] + sign * _SHIFT for x in group if x in point}
        for e in exprs:
            here, there = (sp.N(e.xreplace(at), 40) for at in (point, moved))
            if not here.is_number or abs(here - there) > sp.Float(10) ** -30 * (1 + abs(here)):
                return False
    return True


def sees_error_alone(s: Statement) -> bool:
    """Whether each sample depends on ``x - x_star`` only, not just its expectations.

    Compared at unrelated points, to thirty digits.
    """
    (student,), (aim,) = s.students, s.aims
    of_rule = [e for e in (s.rate, *(m.increment for m in s.memory)) if e is not None and e.has(student, aim)]
    for expr in (*(e for o in s.outcomes for e in (o.loss, o.probability)), *of_rule):
        for shift in (sp.Rational(5, 7), -sp.Rational(13, 11)):
            others = expr.free_symbols - {student, aim}
            at = {v: sp.Rational(7 + 3 * k, 11 + 3 * k) for k, v in enumerate(sorted(others, key=str))}
            pair = [
                sp.N(expr.subs({**at, student: sp.Rational(2, 3) + a, aim: sp.Rational(-1, 4) + a}), 40)
                for a in (sp.S.Zero, shift)
            ]
            if abs(pair[0] - pair[1]) > sp.Float(10) ** -30 * (1 + abs(pair[0])):
                return False
    return True
