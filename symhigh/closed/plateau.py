"""The symmetric plateau of a committee: where students that are alike stop learning before each takes its own target.

Serves :mod:`symhigh.closed.several`. Where the loss does not change under exchanges of students, nor of targets, runs
that start without knowledge of the targets come to a point with ``<X_p, X*_n>`` the same for all. At a vanishing rate
the students coincide there, ``X_p = κ Σ_n X*_n``, with κ from gradient flow; what leaves is the part of ``<X_p, X*_n>``
with zero sums over p and over n, at the rate μ. For erf this is the symmetric phase of Saad and Solla (Phys. Rev. Lett.
74, 1995): K units, ``κ² = 1/(K(2K - 1))``. At a finite rate the noise of SGD keeps the students apart: students that
coincide do so for ever, but the flow leaves them; the plateau is where it settles among symmetric points.
"""

from __future__ import annotations

import mpmath
import sympy as sp
from sympy.solvers.solvers import unrad

from symhigh.closed.at_rest import AtSaddle, GrowthAtRest
from symhigh.closed.brackets import bracketed_root
from symhigh.closed.finder import DoesNotApply, Formulas
from symhigh.closed.fixed_points import RATE
from symhigh.closed.flow import Flow
from symhigh.closed.formula import Formula
from symhigh.closed.linearised import aimed, at_rate, is_zero, slope_at, tidied
from symhigh.closed.nodes import Root, numeric
from symhigh.closed.symmetry import exchanges, orbits, student_swaps, target_swaps
from symhigh.symbols import gamma, risk

SOURCE = "new; at small rates Saad and Solla (Phys. Rev. Lett. 74, 1995)"
_KAPPA = sp.Dummy("kappa", dummy_index=8_140_203, positive=True)


def plateau_limits(flow: Flow, layers: tuple[tuple[sp.Symbol, sp.Expr], ...]) -> Formulas:
    """``saddle_risk`` and ``escape_rate`` of the symmetric plateau; and what they are to leading order in the rate.

    ``layers`` are those of the flow with the rate put in. :class:`DoesNotApply` where there is no such plateau.
    """
    if flow.system.states:
        raise DoesNotApply("the plateau is followed at a rate of its own, and this one comes from a memory")
    kappa = coincidence(flow)
    start = flow.at(alike(flow, kappa))
    known = at_rate(flow, start)
    span = sp.ImmutableMatrix(doubly_centred(flow))
    data = (flow.unknowns, layers, [f.xreplace(flow.numbers) for f in flow.velocity], *apart(flow, start))
    found = {
        "saddle_risk": Formula(AtSaddle(risk, *data), (), SOURCE, "the risk on the symmetric plateau"),
        "escape_rate": Formula(
            GrowthAtRest(risk, *data, span), (), SOURCE, "the exponential rate at which students leave the plateau"
        ),
        "saddle_risk_small_rate": Formula(
            tidied(known[risk]), (), SOURCE, "the risk on the symmetric plateau as the learning rate vanishes"
        ),
    }
    if (growth := _leading_growth(flow, known, span)) is not None:
        words = "the rate of escape to leading order in the learning rate"
        found["escape_rate_small_rate"] = Formula(RATE * growth, (), SOURCE, words)
    return found


def apart(flow: Flow, meeting: dict[sp.Symbol, sp.Expr]) -> tuple[list[sp.Expr], sp.ImmutableMatrix]:
    """Where students that meet at a point, each with a part of its own, start; and the orbits of the unknowns."""
    size, learnt = len(flow.pairs), flow.system.field.learnt
    own = {flow.unknowns[k] for k in range(size * len(flow.values)) if flow.pairs[k % size] in {(v, v) for v in learnt}}
    start = [meeting[u] * (sp.Rational(3, 2) if u in own else 1) for u in flow.unknowns]
    groups = orbits(flow, [*student_swaps(flow), *target_swaps(flow)])
    members = [[i * size + k for k in group] for i in range(len(flow.values)) for group in groups]
    return start, sp.ImmutableMatrix(len(start), len(members), lambda r, c: int(r in members[c]))


def coincidence(flow: Flow) -> sp.Expr:
    """κ > 0 of the plateau at a vanishing rate: all students at κ times the sum of the targets."""
    check_symmetric(flow)
    known = at_rate(flow, flow.at(alike(flow, _KAPPA)))
    value = {name.name: e for name, e in known.items()}
    count = len(flow.system.field.learnt)
    pull = sp.Add(*(value.get(f"C_1_{q + 1}", sp.S.Zero) for q in range(count)))
    condition = pull * _KAPPA + value.get(f"C_1_{count + 1}", sp.S.Zero)
    if condition.has(sp.nan, sp.zoo) or not condition.has(_KAPPA):
        raise DoesNotApply("its expectations have no value where the students coincide")
    numbers = condition.xreplace(flow.numbers)
    if numbers.free_symbols != {_KAPPA}:
        raise DoesNotApply("the plateau's equation holds symbols; give numbers")
    at, ends = _bracketed(numbers)
    for root in _closed_roots(numbers):
        if abs(sp.N(root, 30) - sp.Float(at, 30)) < sp.Float(10, 30) ** -20:
            return root
    return Root(numbers, _KAPPA, *ends)


def _bracketed(condition: sp.Expr) -> tuple[mpmath.mpf, tuple[sp.Expr, sp.Expr]]:
    """The first zero of the condition as κ grows, to 50 digits, and a bracket."""
    with mpmath.workdps(60):
        function = numeric(condition, (_KAPPA,))
        grid = [sp.Rational(round(1000 * 10 ** (k / 20)), 100_000) for k in range(60)]
        try:
            signs = [mpmath.mpf(function(mpmath.mpf(v.p) / v.q)) for v in grid]
        except (TypeError, ValueError, ZeroDivisionError) as reason:
            raise DoesNotApply("the plateau's equation leaves its domain") from reason
        for low, high, a, b in zip(grid, grid[1:], signs, signs[1:], strict=False):
            if a < 0 <= b:
                ends = (mpmath.mpf(v.p) / v.q for v in (low, high))
                return bracketed_root(function, *ends), (low, high)
    raise DoesNotApply("gradient flow has no plateau with an overlap")


def _closed_roots(condition: sp.Expr) -> list[sp.Expr]:
    """Roots in radicals, some of them perhaps of the squared equation alone."""
    numerator = sp.numer(sp.together(sp.simplify(condition)))
    without = unrad(numerator, _KAPPA)
    polynomial = numerator if without is None else without[0]
    if (without is not None and without[1]) or not polynomial.is_polynomial(_KAPPA):
        return []
    found = sp.roots(sp.Poly(polynomial, _KAPPA), cubics=False, quartics=False, quintics=False)
    return [sp.radsimp(r) for r in found if r.is_real]


def check_symmetric(flow: Flow) -> None:
    """Refuses problems whose students, or targets, may not be exchanged."""
    for kind, swaps in (("students", student_swaps(flow)), ("targets", target_swaps(flow))):
        if not swaps:
            raise DoesNotApply(f"a plateau is of several {kind}")
        if len(exchanges(flow, swaps)) < len(swaps):
            raise DoesNotApply(f"there is no symmetric plateau: exchanging two {kind} changes the problem")


def alike(flow: Flow, kappa: sp.Expr) -> dict[sp.Symbol, dict[sp.Symbol, sp.Expr]]:
    """Every vector that tends to a student at κ times the sum of the targets."""
    aims = flow.system.field.targets
    plain = dict.fromkeys(flow.system.field.learnt, (aims[0], 1))
    return {v: dict.fromkeys(aims, kappa) for v in aimed(flow, plain)}


def doubly_centred(flow: Flow) -> sp.Matrix:
    """Deviations ``V_pn`` with zero sums over students p and over targets n, a column each and mode.

    Under the exchanges they are the only deviations that transform so among the iterates' overlaps with targets; with
    further vectors, those of every vector.
    """
    field = flow.system.field
    size, each = len(flow.pairs), len(field.coordinates) // len(field.learnt)
    place = {frozenset(pair): k for k, pair in enumerate(flow.pairs)}
    columns = []
    for mode in range(len(flow.values)):
        for kind in range(each):
            first, second = field.coordinates[kind], field.coordinates[each + kind]
            column = sp.zeros(size * len(flow.values), 1)
            for v, sign in ((first, 1), (second, -1)):
                for n, other in ((0, 1), (1, -1)):
                    column[mode * size + place[frozenset((v, field.targets[n]))]] = sign * other
            columns.append(column)
    padding = sp.zeros(len(flow.unknowns) - size * len(flow.values), len(columns))
    return sp.Matrix.vstack(sp.Matrix.hstack(*columns), padding)


def _leading_growth(flow: Flow, known: dict[sp.Symbol, sp.Expr], span: sp.ImmutableMatrix) -> sp.Expr | None:
    """μ/γ at a vanishing rate, of one mode and rules that move the iterate alone."""
    if span.cols != 1 or len(flow.system.field.coordinates) != len(flow.system.field.learnt):
        return None
    row = next(k for k in range(len(flow.unknowns)) if span[k] == 1)
    total: sp.Expr = sp.S.Zero
    for column in (k for k in range(len(flow.unknowns)) if span[k] != 0):
        total += span[column] * _along(flow, known, flow.velocity[row], flow.unknowns[column])
    leading = sp.expand(total).coeff(RATE, 1)
    return None if is_zero(leading) else tidied(leading)


def _along(flow: Flow, known: dict[sp.Symbol, sp.Expr], expr: sp.Expr, unknown: sp.Symbol) -> sp.Expr:
    """The derivative of an expression along one unknown, through the layers."""
    slopes: dict[sp.Symbol, sp.Expr] = {unknown: sp.S.One}
    for name, layer in (*flow.layers, (sp.Dummy("end"), expr)):
        parts = [slope_at(layer, s, known) * slopes[s] for s in layer.free_symbols if s in slopes]
        if parts and name != gamma:
            slopes[name] = sp.Add(*parts)
    return slopes.get(name, sp.S.Zero)
