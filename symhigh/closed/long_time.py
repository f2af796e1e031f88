"""Closed forms of limits with linear modes, chosen by the structure of the learning rate.

The first finder of :func:`~symhigh.closed.limits.limits`. A rate may be constant, given in time, held by one memory, or
greedy (a ratio of averages); with label noise it may die out. Each case has its own equations elsewhere in this room;
here they become formulas with assumptions. Sources stand with each formula.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from symhigh.closed.at_threshold import level_out, threshold_share
from symhigh.closed.central import at_dimension, central_limit
from symhigh.closed.conserved import conservation_law, limiting_rate
from symhigh.closed.finder import DoesNotApply, Formulas, Question, factored
from symhigh.closed.formula import Formula, positive
from symhigh.closed.greedy import dead, greedy, greedy_power_law
from symhigh.closed.linear import LinearLimit, linear_limit
from symhigh.closed.matching import dying_on_power_law, dying_rate
from symhigh.closed.modes import LAMBDA_MIN, Modes, rational, read_modes
from symhigh.closed.noise import has_noise, of_gaussian_noise
from symhigh.closed.power_law import PowerLaw, power_law
from symhigh.closed.rmsprop import forgets, forgetting_limits
from symhigh.closed.secular import exponential_rate, fixed_point, threshold
from symhigh.population import Start
from symhigh.symbols import D2, distance, gamma, omega, t, tau

_PAPER = "High Line (arXiv 2405.19585), "
_HELD = sp.Dummy("gamma", dummy_index=8_140_213, positive=True)
"""A learning rate that is put in later; its sign tells which root is which."""


def linear_modes(question: Question) -> Formulas:
    """The closed forms of a limit whose modes are linear in D², in the canonical symbols of rule and loss."""
    system, spectrum, start = question.system, question.spectrum, question.start
    limit = linear_limit(system)
    if _moves(limit) and (same := of_gaussian_noise(limit)) is not None:
        twin, size = same
        found = linear_modes(replace(question, system=twin))
        return {name: formula.subs({omega: size}) for name, formula in found.items()}
    law = power_law(limit.noiseless, spectrum, start)
    modes = read_modes(spectrum, start) if law is None else Modes()
    noisy = has_noise(system)
    limit = limit if noisy else limit.noiseless
    share = _share_of_threshold(limit)
    if share is not None and share[0] == 1 and law is None:
        found = level_out(limit, modes, share[1])
    else:
        found = _by_structure(limit, modes, noisy)
    if share is not None and not share[0].is_number:
        below = sp.StrictLessThan(share[0], 1, evaluate=False)
        found = {k: replace(f, assumptions=(*f.assumptions, below)) for k, f in found.items()}
    measured = _measured(limit, modes)
    if law is not None:
        found = _without_gap(limit, found, law, noisy, start)
        measured = {tau: law.mean, **({} if start is None else {distance: law.size})}
    found.setdefault(
        "threshold",
        Formula(
            threshold(limit.noiseless, modes),
            source=_PAPER + "section 3",
            statement="the constant learning rate at which SGD ceases to converge",
        ),
    )
    return {name: formula.subs(measured) for name, formula in found.items()}


def _moves(limit: LinearLimit) -> bool:
    """Whether the learning rate depends on time, on a memory, or on averages that move."""
    moving = {r.name for r in limit.system.reductions if r.summand.has(D2)}
    return bool(limit.rate.free_symbols & {t, *moving, *(s.name for s in limit.system.states)})


def _by_structure(limit: LinearLimit, modes: Modes, noisy: bool) -> Formulas:
    used, held = limit.rate.free_symbols, {s.name for s in limit.system.states}
    if used & {r.name for r in limit.system.reductions if r.summand.has(D2)}:
        return greedy(limit, modes)
    if used & held and t in used:
        raise DoesNotApply(f"the learning rate {limit.rate} depends on a memory and on the time as well")
    if used & held:
        return forgetting_limits(limit, modes) or (_memory_noisy if noisy else _memory)(limit, modes)
    if t in used:
        return _scheduled(limit, modes, noisy)
    found = _constant(limit, modes, limit.rate)
    more = central_limit(limit, modes, limit.rate, found["risk"].assumptions) if limit.floor != 0 else {}
    return {**found, **more, **at_dimension(limit, modes, limit.rate)}


def _share_of_threshold(limit: LinearLimit) -> tuple[sp.Expr, sp.Symbol] | None:
    """γ over the rate at which what it lowers would stay, the user's number in it; ``ValueError`` above one."""
    found = None if limit.system.states else threshold_share(limit)
    if found is None:
        return None
    share = found[0].xreplace({s: rational(v) for s, v in limit.system.parameters.items()})
    if share.is_number and share > 1:
        raise ValueError(
            f"limits: at {share} times the rate at which the objective {found[1]} stays, it grows without bound; use "
            "a fraction < 1"
        )
    return share, found[1]


# --- one structure each -----------------------------------------------------------------------------------------
def _constant(limit: LinearLimit, modes: Modes, rate: sp.Expr) -> Formulas:
    critical = threshold(limit.noiseless, modes)
    always = sp.cancel(rate / critical).is_number and sp.cancel(rate / critical) < 1
    stable = () if always and limit.rate == rate else (sp.StrictLessThan(rate, critical, evaluate=False),)
    rest = fixed_point(limit, modes, rate)
    found = {
        "learning_rate": Formula(rate, source=_PAPER + "section 3", statement="the learning rate"),
        "risk": Formula(
            factored(limit.least + limit.share * rest), stable, _PAPER + "section 3", "the limiting risk"
        ),
        "excess_risk": Formula(limit.share * rest, stable, _PAPER + "section 3", "the limiting excess risk"),
        "rate": _rate(limit, modes, rate, stable, _PAPER + "section 3"),
    }
    if modes.law is not None and modes.even:
        strength = limit.noiseless.slope * rate / limit.pull
        gap = modes.even - rate * (limit.slope * rest + limit.floor) / limit.pull
        relaxation = modes.law.relaxation(strength, limit.pull * rate * t)
        found["risk_curve"] = Formula(
            limit.least + limit.share * (rest + gap * relaxation),
            stable,
            "derived here; the subject of arXiv 2102.04396",
            "the risk at time t",
        )
    if modes.isotropic:
        decay = exponential_rate(limit.noiseless, rate).root(modes)
        begin = modes.mean(limit.share * D2 * _only(modes))
        rest = limit.share * rest
        found["risk_curve"] = Formula(
            limit.least + rest + (begin - rest) * sp.exp(-decay * t),
            (),
            _PAPER + "section 3",
            "the risk at time t",
        )
    return found


def _scheduled(limit: LinearLimit, modes: Modes, noisy: bool) -> Formulas:
    try:
        final = sp.limit(limit.rate, t, sp.oo)
    except NotImplementedError:
        final = sp.nan
    if final is sp.nan or final.is_infinite or final.has(sp.Limit, sp.AccumBounds):
        raise DoesNotApply(f"the schedule {limit.rate} has no finite limit as t -> oo that SymPy finds")
    s = sp.Dummy("s", nonnegative=True)
    clock = sp.integrate(limit.rate.subs(t, s), (s, 0, t))
    found = {
        "clock": Formula(clock, source="definition", statement="the integral of the learning rate to time t")
    }
    found["learning_rate"] = Formula(final, source="definition", statement="the limit of the learning rate")
    if final != 0:
        long = _constant(limit, modes, final)
        return {**{k: long[k] for k in ("risk", "excess_risk", "rate")}, **found}
    if sp.limit(clock, t, sp.oo) == sp.oo:
        found["risk"] = Formula(limit.least, source="derived here", statement="the limiting risk")
        found["excess_risk"] = Formula(sp.S.Zero, source="derived here", statement="the limiting excess risk")
        if noisy and _slow(limit.rate):
            small = sp.series(fixed_point(limit, modes, gamma), gamma, 0, 2).removeO()
            found["excess_risk_asymptotic"] = Formula(
                limit.share * small.subs(gamma, limit.rate),
                positive(omega),
                "new",
                "the excess risk for large t, up to a relative error of the order of γ and γ'/γ²",
            )
    return found


def _slow(rate: sp.Expr) -> bool:
    """Whether γ'/γ² → 0: the modes then follow the rate, and tγ → ∞."""
    try:
        return bool(sp.limit(sp.diff(rate, t) / rate**2, t, sp.oo) == 0)
    except NotImplementedError:
        return False


def _memory(limit: LinearLimit, modes: Modes) -> Formulas:
    moment = limit.system.outputs["distance"]
    law = conservation_law(limit, moment)
    if law is None:
        raise DoesNotApply("this rule's memory leaves no conservation law")
    begin = modes.mean(D2)
    final = limiting_rate(law, begin)
    turning = threshold(limit.noiseless, modes)
    below = (*positive(begin), *_signs(limit))
    return {
        "learning_rate": Formula(
            final, below, "new; up to constants " + _PAPER + "Prop. 4.2", "the limit of the learning rate"
        ),
        "risk": Formula(sp.S.Zero, below, _PAPER + "Prop. 4.2", "the limiting risk"),
        "excess_risk": Formula(sp.S.Zero, below, _PAPER + "Prop. 4.2", "the limiting excess risk"),
        "rate": _rate(limit, modes, final, below, "new"),
        "threshold": Formula(
            turning,
            source=_PAPER + "section 3",
            statement="the distance to the target grows while the learning rate is above this",
        ),
    }


def _memory_noisy(limit: LinearLimit, modes: Modes) -> Formulas:
    slow = dying_rate(limit, modes)
    if slow is None:
        raise DoesNotApply("the learning rate of this rule does not fall like 1/sqrt(t)")
    where = (*positive(omega, t), *_signs(limit))
    return {
        **dead(limit, where),
        "learning_rate_asymptotic": Formula(
            slow.rate,
            where,
            "new; leading order " + _PAPER + "section 4",
            "the learning rate, up to O(1/t^(3/2))",
        ),
        "excess_risk_asymptotic": Formula(
            sp.expand(limit.share * slow.error), where, "new", "the excess risk, up to O(1/t^(3/2))"
        ),
    }


def _without_gap(
    limit: LinearLimit, found: Formulas, law: PowerLaw, noisy: bool, start: Start | None
) -> Formulas:
    """Spectra that reach 0 have no exponential rate: powers of t instead, where they and the start are known."""
    kept = {k: f for k, f in found.items() if k in ("learning_rate", "risk", "excess_risk", "clock")}
    greedily = limit.rate.has(*(r.name for r in limit.system.reductions if r.summand.has(D2)))
    if start is None:
        return {**kept, **(dead(limit, ()) if greedily else {})}
    if greedily:
        return {**kept, **greedy_power_law(limit, law)}
    if noisy and limit.system.states and not forgets(limit) and not limit.rate.has(t):
        return {**kept, **(dying_on_power_law(limit, law) or {})}
    if noisy or forgets(limit) or limit.rate.has(t):
        return kept
    return {**kept, **(law.memory() if limit.system.states else law.constant())}


# --- parts ------------------------------------------------------------------------------------------------------
def _rate(
    limit: LinearLimit, modes: Modes, rate: sp.Expr, where: tuple[sp.Basic, ...], source: str
) -> Formula:
    root = exponential_rate(limit.noiseless, _HELD).root(modes).xreplace({_HELD: rate})
    return Formula(
        root,
        (*where, *positive(modes.edge)),
        source,
        "the exponential rate of the risk's approach to its limit",
    )


def _signs(limit: LinearLimit) -> tuple[sp.Basic, ...]:
    """The rule's parameters are positive, whatever symbols the user gave for them."""
    return positive(*(s for s in limit.system.rule.values if s.is_positive))


def _measured(limit: LinearLimit, modes: Modes) -> dict[sp.Symbol, Any]:
    """τ, κ₂, D²(0) and λ_min in the user's terms."""
    fixed = {r.name: modes.mean(r.summand) for r in limit.system.reductions if not r.summand.has(D2)}
    begin = {} if modes.errors is None else {distance: modes.mean(D2)}
    return {**fixed, **begin, LAMBDA_MIN: modes.edge}


def _only(modes: Modes) -> sp.Expr:
    assert modes.values is not None
    (value,) = modes.values
    return value
