"""Closed limits of losses that see both overlaps, read off their fixed points: minimiser, saddle, escape from it.

A stop of ``limits``, beside the losses that see one error only. Mathematics: :mod:`symhigh.closed.fixed_points`.
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.finder import DoesNotApply, Formulas, Question, factored
from symhigh.closed.fixed_points import RATE, SOURCE, TARGET, FixedPoint, Plane
from symhigh.closed.formula import Formula, positive
from symhigh.symbols import B11, B12

_SMALL = sp.Rational(1, 1000)


def overlap_limits(question: Question) -> Formulas:
    """``risk``, ``excess_risk``, ``rate`` and ``threshold`` at the aligned point that small rates lead to; and, where
    there is one, ``saddle_risk`` and ``escape_rate`` of the point without overlap.

    There the limit rests for ever, and an overlap grows like ``e^{escape_rate t}``. K = λI, and K = I without a
    spectrum. Does not apply where no aligned point is known or stable.
    """
    plane = Plane(question.unreduced, question.spectrum, question.start)
    points = list(plane.points())
    found = {"learning_rate": Formula(RATE, source=SOURCE, statement="the learning rate")}
    aligned = [
        q for q in points if q.name == "aligned" and _exists(q) and _sign(q.trace) < 0 < _sign(q.determinant)
    ]
    if not aligned:
        raise DoesNotApply(f"no stable fixed point of {question.system.problem.name} is known in closed form")
    found |= _at_rest(plane, min(aligned, key=lambda q: _sign(q.risk)))
    saddles = [
        q
        for q in points
        if q.name == "no overlap" and _exists(q) and _sign(q.eigenvalues[0]) < 0 < _sign(q.eigenvalues[1])
    ]
    if saddles:
        (along, across), where = saddles[0].eigenvalues, saddles[0].risk.assumptions
        saddle = (*where, sp.StrictLessThan(along.expr, 0, evaluate=False), *positive(across.expr))
        found["saddle_risk"] = Formula(
            saddles[0].risk.expr, saddle, SOURCE, "the risk without overlap, for K = λI"
        )
        found["escape_rate"] = Formula(
            across.expr, saddle, SOURCE, "the exponential rate at which an overlap grows, for K = λI"
        )
    return {name: formula.subs(plane.values) for name, formula in found.items()}


def _at_rest(plane: Plane, point: FixedPoint) -> dict[str, Formula]:
    trace, determinant = point.trace.expr, point.determinant.expr
    where = (
        *point.risk.assumptions,
        sp.StrictLessThan(trace, 0, evaluate=False),
        sp.StrictGreaterThan(determinant, 0, evaluate=False),
    )
    slowest = _decay(plane, point)
    found = {
        "risk": Formula(point.risk.expr, where, SOURCE, "the limiting risk, for K = λI"),
        "rate": Formula(slowest, where, SOURCE, "the exponential rate of the risk's approach, for K = λI"),
    }
    least = plane.at(plane.risk, TARGET, TARGET)
    if _rests(plane):
        found["excess_risk"] = Formula(
            factored(point.risk.expr - least), where, SOURCE, "the limiting excess risk, for K = λI"
        )
    if not determinant.has(sp.CRootOf) and (edge := _first_root(trace * determinant)) is not None:
        found["threshold"] = Formula(
            edge,
            positive(TARGET),
            SOURCE,
            "the learning rate at which the fixed point ceases to be stable, for K = λI",
        )
    return found


def _decay(plane: Plane, point: FixedPoint) -> sp.Expr:
    """The slowest rate that the risk shows: an eigenvalue whose eigenvector the risk's gradient misses counts twice."""
    p, m = point.B11.expr, point.B12.expr
    gradient = [plane.at(sp.diff(plane.risk, v), p, m) for v in (B11, B12)]
    J = sp.Matrix(2, 2, lambda i, j: plane.at(sp.diff(plane.flow[i], (B11, B12)[j]), p, m))
    terms, all_seen = [], True
    for e in (formula.expr for formula in point.eigenvalues):
        choices = ((J[0, 1], e - J[0, 0]), (e - J[1, 1], J[1, 0]))
        vector = max(choices, key=lambda v: sum(abs(_at_small_rate(c)) for c in v))
        seen = abs(_at_small_rate(gradient[0] * vector[0] + gradient[1] * vector[1])) > sp.Float("1e-12")
        terms.append(-e if seen else -2 * e)
        all_seen = all_seen and seen
    trace, determinant = point.trace.expr, point.determinant.expr
    plain = all(e.is_rational_function() for e in terms)
    if not all_seen or (plain and not sp.Add(*terms).has(sp.CRootOf)):
        return sp.Min(*terms)
    if trace.has(sp.CRootOf):
        return terms[1]
    return (
        -(trace + sp.sqrt(sp.Max(0, trace**2 - 4 * determinant))) / 2
    )  # the real part, where they are complex


def _rests(plane: Plane) -> bool:
    """Whether the target minimises the risk: gradient flow, the flow's part linear in the rate, rests there."""
    return all(
        sp.simplify(plane.at(f, TARGET, TARGET).coeff(RATE, 1)) == 0 for f in map(sp.expand, plane.flow)
    )


def _first_root(expr: sp.Expr) -> sp.Expr | None:
    """The smallest positive explicit root in the learning rate, at generic values of what else there is."""
    numerator = sp.numer(sp.together(expr))
    if not numerator.is_polynomial(RATE):
        return None
    roots = sp.roots(sp.Poly(numerator, RATE), cubics=False, quartics=False)
    generic = {root: _generic(root) for root in roots}
    above = {root: v for root, v in generic.items() if v.is_real and v > 0}
    return min(above, key=lambda root: above[root]) if above else None


def _exists(point: FixedPoint) -> bool:
    """Whether the point's assumptions hold at a small learning rate."""
    relations = [r.subs(RATE, _SMALL) for r in point.risk.assumptions]
    return all(r.subs(dict.fromkeys(r.free_symbols, 1)) == sp.true for r in relations)


def _sign(formula: Formula) -> sp.Expr:
    """The value at a small learning rate and generic values of what else there is."""
    value = _at_small_rate(formula.expr)
    return value if value.is_real else sp.nan


def _at_small_rate(expr: sp.Expr) -> sp.Expr:
    return _generic(expr.subs(RATE, _SMALL))


def _generic(expr: sp.Expr) -> sp.Expr:
    return sp.N(expr.subs(dict.fromkeys(expr.free_symbols, 1)), 20)
