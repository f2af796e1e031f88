"""Closed limits of several directions: the target, its linearisation and noise, and the symmetric plateau before it.

A finder of :func:`~symhigh.closed.limits.limits`, on the flow of :mod:`symhigh.closed.flow`. Relative to the target the
second moments ``S_pq = <X_p - X*, X_q - X*>`` and the overlaps ``E_pn = <X_p - X*, X*_n>`` obey a triangular linear
flow: E sees the Hessian alone, S grows by the noise of SGD, and its flow keeps the cone of second moments, so that its
leading eigenvalue is real and belongs to a vector with every symmetry of the problem (Perron and Frobenius). New; the
equations are those of Saad and Solla (Phys. Rev. Lett. 74, 1995), whose plateau is that of small rates here.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from symhigh.closed.at_rest import AtRest, DecayAtRest
from symhigh.closed.finder import DoesNotApply, Formulas, Found, Question
from symhigh.closed.fixed_points import RATE
from symhigh.closed.flow import flow_of
from symhigh.closed.formula import Formula, positive
from symhigh.closed.linearised import Linearised, check_rests, linearised, tidied
from symhigh.closed.plateau import plateau_limits
from symhigh.closed.spectral import CriticalRate, SlowestDecay
from symhigh.symbols import gamma, risk, t

SOURCE = "new; the equations are those of Saad and Solla (Phys. Rev. Lett. 74, 1995)"

_NO_THRESHOLD = {
    True: "the flow of second moments is not linear and quadratic in the learning rate, as it is for SGD",
    False: "with label noise the edge of stability has no expression; without it limits gives one",
}


@dataclass(frozen=True)
class Rate:
    """The learning rate: its limit ``value``, or ``fading``, a function of t that it follows to leading order.

    ``expr`` is the rate in terms of memories, ``memories`` where these come to rest at the target.
    """

    expr: sp.Expr
    value: sp.Expr
    fading: sp.Expr | None = None
    memories: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()


def several_limits(question: Question) -> Formulas:
    """``risk``, ``excess_risk``, ``rate`` and ``threshold`` at the target, ``saddle_risk`` and ``escape_rate`` of the
    symmetric plateau; for rates that fall for ever the ``…_asymptotic`` of rate and excess risk.

    Without a spectrum K = I; without a start the targets are orthonormal. With label noise and a rate that stays, the
    fixed point is that which the target becomes as the rate rises from zero.
    """
    flow = flow_of(question.system, question.spectrum, question.overlaps)
    near = linearised(flow)
    check_rests(near)
    rate = _rate(near)
    if rate.fading is not None:
        return _fading(near, rate)
    found = {"learning_rate": Formula(rate.value, (), SOURCE, "the learning rate in the limit")}
    found |= _exact(near) if near.rests else _noisy(near, rate)
    missing = {} if "threshold" in found else {"threshold": _NO_THRESHOLD[near.rests]}
    try:
        found |= plateau_limits(flow, _layers(near, RATE))
    except DoesNotApply as reason:
        missing |= dict.fromkeys(("saddle_risk", "escape_rate"), str(reason))
    return Found({name: f.subs({RATE: rate.value}) for name, f in found.items()}, missing)


def _exact(near: Linearised) -> Formulas:
    """Without label noise the target itself is at rest."""
    least = tidied(near.known[risk])
    threshold = _threshold(near)
    where = () if threshold is None else (sp.StrictLessThan(RATE, threshold, evaluate=False),)
    alike, first = SlowestDecay(near.symmetric(second=True)), near.blocks(second=False)
    found = {
        "risk": Formula(least, where, SOURCE, "the limiting risk, of runs that come to the target"),
        "excess_risk": Formula(sp.S.Zero, where, SOURCE, "the limiting excess risk, of runs that come to the target"),
        "rate": Formula(
            sp.Min(alike, *(2 * SlowestDecay(b) for b in first)),
            where,
            SOURCE,
            "the exponential rate of the risk's approach to it",
        ),
    }
    if threshold is not None:
        words = "the constant learning rate at which the target ceases to be stable"
        found["threshold"] = Formula(threshold, (), SOURCE, words)
    return found


def _threshold(near: Linearised) -> sp.Expr | None:
    """Where the flow of S, linear and quadratic in the rate, ceases to be stable; None for flows of another form."""
    flow = near.symmetric(second=True)
    drift, noise = (flow.applyfunc(lambda e, k=k: e.coeff(RATE, k)) for k in (1, 2))
    if (flow - RATE * drift - RATE**2 * noise).applyfunc(sp.expand) != sp.zeros(*flow.shape) or noise.is_zero_matrix:
        return None
    if flow.rows <= 2:
        roots = sp.roots(sp.Poly((drift + RATE * noise).det(), RATE))
        values = {sp.N(r, 20): r for r in roots if r.is_number and sp.N(r, 20).is_positive}
        if len(roots) == flow.rows and values:
            return min(sp.radsimp(values[min(values)]), values[min(values)], key=sp.count_ops)
    return CriticalRate(drift, noise)


def _noisy(near: Linearised, rate: Rate) -> Formulas:
    """With label noise: the fixed point that the target becomes."""
    flow = near.flow
    start = [near.point.get(u, dict(rate.memories).get(u)) for u in flow.unknowns]
    data = flow.unknowns, _layers(near, rate.expr), [f.xreplace(flow.numbers) for f in flow.velocity], start
    least = tidied(near.known[risk])
    found = {
        "risk": Formula(AtRest(risk, *data), (), SOURCE, "the limiting risk, of runs that come to the target"),
        "excess_risk": Formula(AtRest(risk, *data) - least, (), SOURCE, "its excess over that at the target"),
        "rate": Formula(DecayAtRest(risk, *data), (), SOURCE, "the exponential rate of the risk's approach to it"),
    }
    if rate.memories:
        found["learning_rate"] = Formula(AtRest(gamma, *data), (), SOURCE, "the learning rate in the limit")
    return found


def _layers(near: Linearised, rate: sp.Expr) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """The layers with the learning rate as given, and numbers for parameters."""
    numbers = near.flow.numbers
    return tuple((name, rate if name == gamma else e.xreplace(numbers)) for name, e in near.flow.layers)


def _fading(near: Linearised, rate: Rate) -> Formulas:
    """A rate that falls to zero, more slowly than 1/t: modes stand where a constant rate of that size would hold."""
    least = tidied(near.known[risk])
    drift = near.second.applyfunc(lambda e: e.coeff(RATE, 1))
    found = {
        "learning_rate": Formula(sp.S.Zero, (), SOURCE, "the learning rate in the limit"),
        "risk": Formula(least, (), SOURCE, "the limiting risk, of runs that come to the target"),
        "excess_risk": Formula(sp.S.Zero, (), SOURCE, "the limiting excess risk"),
        "learning_rate_asymptotic": Formula(rate.fading, positive(t), SOURCE, "the learning rate, to leading order"),
    }
    if near.rests:
        return found
    places = near.places(second=True)
    still = near.relative_still()
    noise = sp.Matrix([still[k].coeff(RATE, 2) for k in places])
    slope = sp.Matrix([near.gradient(risk)[k] for k in places])
    floor = tidied(sp.expand(-slope.dot(drift.LUsolve(noise))))
    words = "the excess risk for large t, to leading order"
    found["excess_risk_asymptotic"] = Formula(floor * rate.fading, positive(t), SOURCE, words)
    return found


def _rate(near: Linearised) -> Rate:
    """What the learning rate comes to at the target."""
    flow = near.flow
    expr = dict(flow.layers).get(gamma)
    if expr is None:
        raise DoesNotApply("nothing moves at a learning rate")
    expr = expr.xreplace(flow.numbers)
    states = {s.name for s in flow.system.states}
    if expr.free_symbols & ({name for name, _ in flow.layers} | set(flow.unknowns)) - states:
        raise DoesNotApply("its learning rate follows averages of the state, so no rate of its own is known")
    if not expr.free_symbols & states:
        return _scheduled(expr)
    (growth,) = (f.xreplace(near.known) for f in flow.velocity[near.states :]) if len(states) == 1 else (None,)
    (memory,) = states if len(states) == 1 else (None,)
    if memory is None or growth is None:
        raise DoesNotApply("it keeps several memories")
    growth = tidied(sp.expand(growth))
    if growth == 0:
        raise DoesNotApply(
            f"without label noise its memory {memory} stops where the whole path takes it, and with it the rate"
        )
    if growth.has(memory):
        found = sp.solve(growth, memory)
        if len(found) != 1 or growth.has(RATE, t):
            raise DoesNotApply(f"its memory {memory} has no place to rest at the target")
        return Rate(expr, RATE, None, tuple((memory, value) for value in found))
    if growth.has(RATE, t):
        raise DoesNotApply(f"its memory {memory} grows with the learning rate itself, by {growth}")
    return _scheduled(expr.subs(memory, growth * t))


def _scheduled(rate: sp.Expr) -> Rate:
    """A rate that is a function of time: its limit where that is above zero, else how it falls."""
    if not rate.has(t):
        return Rate(RATE, rate)
    limit = sp.limit(rate, t, sp.oo)
    if limit.is_positive:
        return Rate(RATE, limit)
    if limit != 0 or sp.limit(t * rate, t, sp.oo) != sp.oo:
        raise DoesNotApply(
            f"its learning rate {rate} tends to {limit}, and t times it to no infinite limit: where a run comes "
            "depends on the whole path"
        )
    return Rate(rate, sp.S.Zero, sp.powsimp(sp.simplify(rate)))
