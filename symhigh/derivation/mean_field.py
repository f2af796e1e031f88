"""From a statement to its mean field: the passes of a derivation, in the order of the proof.

Source: *The High Line* (arXiv 2405.19585), section 2, for SGD on one direction; the same argument for every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symhigh.derivation.averages import NAMED, Averages
from symhigh.derivation.expectations import Expectations, expectations, numbered
from symhigh.derivation.memories import Energy, greedy_rate, limits_of_memories, sample_rates
from symhigh.derivation.mixture import outermost_means
from symhigh.derivation.one_step import ClassMean, Mean, OneStep, one_step
from symhigh.derivation.outputs import outputs_of
from symhigh.derivation.state import Statement
from symhigh.derivation.state_checks import KNOWN
from symhigh.derivation.statistics import sampled_mean
from symhigh.meanfield import MeanField, Scalar, ScalarState
from symhigh.symbols import (
    B11,
    B12,
    B22,
    X0,
    X_STAR,
    X,
    d,
    distance,
    gamma,
    inverse_time,
    lam,
    norm,
    overlap,
    risk,
    t,
    target_norm,
)

GAUSSIAN_DATA = "Gaussian data with bounded ‖K‖, a delocalised start, slopes of at most polynomial growth"
DIAGONAL = "K is diagonal in the basis of the coordinates, since the step is not invariant under rotations"


@lru_cache(maxsize=512)
def mean_field(s: Statement) -> MeanField:
    """The mean-field limit of a statement, on canonical symbols only: no number that the user gave enters."""
    averages = averages_of(s)
    energy = energy_of(s, averages)
    step = one_step(s)
    known = known_of(s, averages)
    rates = tuple(g.subs(known) for g in sample_rates(s, energy)) if s.sampled else None
    stats = expectations(s, step, rates)
    field = _coordinate(s, step, stats)
    drifts = _objective_drifts(s, step, field, stats, averages)
    rate = _rate(s, drifts, rates, stats)
    if rate is sp.oo and any(e.has(gamma) for e in field.drift):
        raise ValueError(
            f"rule {s.owner}: the mean of its rate {s.rate} is infinite, and so is what a step does in proportion to "
            "it alone, such as weight decay; bound the rate, or leave that out"
        )
    totals = {name: averages.of(expr) for name, expr in s.totals}
    learnt = {name: drift.subs(stats.names) for name, drift in step.scalars.items()}
    moving = {name: averages.of(field.generator(expr)) + along(expr, learnt) for name, expr in s.totals}
    states = limits_of_memories(s, stats, energy, moving)
    states += tuple(ScalarState(m.name, learnt[m.name], m.initial) for m in s.scalars.memory)
    scalars = _in_order(
        *(Scalar(name, value) for name, value in totals.items()),
        *(Scalar(name, lead) for name, lead in s.leads.values()),
        *_predictions(s, stats, averages),
        *(Scalar(name, averages.of(expr)) for name, expr in s.shifts.items()),
        *stats.scalars,
        Scalar(gamma, rate.subs(known)),
    )
    states = tuple(ScalarState(m.name, m.rhs.subs(known), m.initial) for m in states)
    outputs = {"risk": risk, "learning_rate": gamma, **outputs_of(s, field, stats, averages, drifts)}
    outputs |= {str(name): name for name in totals}
    if taken := [a.name for a in s.scalars.learnt if a.name in outputs]:
        raise ValueError(f"loss {s.outcomes[0].loss}: {taken[0]} is an output of a curve already; rename that scalar")
    outputs |= {a.name: a for a in s.scalars.learnt}
    used = [*outputs.values(), *(x.expression for x in scalars), *(m.rhs for m in states)]
    couplings = averages.reductions(used)
    if stats.by_mode and outermost_means(r.summand for r in couplings):
        raise ValueError(
            f"rule {s.owner}: its rate or its memory needs how fast an average over the coordinates moves, and its "
            "step moves every mode at a speed of its own; use a rate that looks at t, or at averages themselves"
        )
    return _timed(replace(field, couplings=couplings, scalars=scalars, states=states, outputs=outputs))


def _in_order(*scalars: Scalar) -> tuple[Scalar, ...]:
    """Each scalar after those that it depends on, else in the order given."""
    waiting, ordered = list(scalars), list[Scalar]()
    while waiting:
        names = {s.name for s in waiting}
        ready = [s for s in waiting if not s.expression.free_symbols & names] or waiting
        ordered.append(ready[0])
        waiting.remove(ready[0])
    return tuple(ordered)


def _timed(field: MeanField) -> MeanField:
    """The field with a name for 1/t, whose value at t = 0 multiplies nothing."""

    def named(expr: sp.Expr) -> sp.Expr:
        return expr.replace(
            lambda e: e.is_Pow and e.base == t and e.exp.is_negative, lambda e: inverse_time ** (-e.exp)
        )

    drift, covariance = tuple(map(named, field.drift)), field.covariance.applyfunc(named)
    exprs = (*drift, *covariance, *field.outputs.values(), *(x.expression for x in field.scalars))
    if not any(e.has(inverse_time) for e in exprs):
        return field
    value = Scalar(inverse_time, sp.Piecewise((1 / t, t > 0), (0, True)))
    return replace(field, drift=drift, covariance=covariance, scalars=(value, *field.scalars))


def _predictions(s: Statement, stats: Expectations, averages: Averages) -> tuple[Scalar, ...]:
    """The covariance of predictions that are made elsewhere than at X, from averages of the vectors."""
    if not s.linear or s.effective == s.learnt:
        return ()
    weights, law = (*s.effective, *s.targets), stats.sample.law
    return tuple(
        Scalar(law[p, q], averages.of(sp.expand(lam * weights[p] * weights[q])))
        for p in range(len(weights))
        for q in range(p, len(weights))
        if p < len(s.learnt)
    )


def averages_of(s: Statement) -> Averages:
    """The names of the averages over coordinates: those of *The High Line* for one direction, numbered for several."""
    symbols = s.of_a_mode
    if not s.linear:
        (theta,), (aim,) = s.effective, s.targets
        named = {lam * theta**2: B11, lam * theta * aim: B12, lam * aim**2: B22}
        return Averages({v: v.name for v in symbols}, named, whole=True)
    if s.single:
        named = {
            lam * X_STAR**2: B22,
            **({lam * X**2: B11, lam * X * X_STAR: B12} if s.effective == s.learnt else {}),
            **{X**2: norm, X * X_STAR: overlap, X_STAR**2: target_norm},
            **{summand: name for summand, name in NAMED.items() if summand.free_symbols == {lam}},
        }
        return Averages(labels(s), named)
    constants = {summand: name for summand, name in NAMED.items() if summand.free_symbols == {lam}}
    directions = (*s.learnt, *s.targets)
    pairs = [(p, q) for p in range(len(directions)) for q in range(p, len(directions))]
    plain = s.effective == s.learnt
    named = {
        lam * directions[p] * directions[q]: numbered("B", p, q) for p, q in pairs if plain or p >= len(s.learnt)
    }
    named |= {directions[p] * directions[q]: numbered("N", p, q) for p, q in pairs}
    return Averages(labels(s), {**constants, **named})


def labels(s: Statement) -> dict[sp.Symbol, str]:
    """What each vector and direction adds to the name of a moment: 1 and 2, X0 is 0; numbers with a bar for several."""
    symbols = s.of_a_mode
    if s.single:
        usual = {X: "1" if s.effective == s.learnt else "z", X_STAR: "2", X0: "0"}
        return {v: usual.get(v, v.name) for v in symbols}
    head = "_" if s.effective == s.learnt else "_z"
    return {v: (head if v in s.learnt else "_") + v.name.removeprefix("X_") for v in symbols}


def _coordinate(s: Statement, step: OneStep, stats: Expectations) -> MeanField:
    """The SDE of a coordinate, the averages not filled in yet."""
    names = stats.names
    vectors = s.coordinates
    covariance = sp.ImmutableMatrix(
        len(vectors), len(vectors), lambda i, j: step.covariance[vectors[i], vectors[j]].subs(names)
    )
    invariant = rotation_invariant(s)
    return MeanField(
        vectors,
        s.learnt,
        tuple(m.name for m in s.cells),
        (lam, *s.coefficients),
        s.targets,
        s.effective,
        tuple(step.drift[v].subs(names) for v in vectors),
        covariance,
        _noise(s, step, stats, covariance),
        tuple(step.cells[m.name].subs(names) for m in s.cells),
        (),
        (),
        (),
        {},
        {**dict(s.begins), **dict(s.fixed)},
        {m.name: m.initial for m in s.cells},
        invariant,
        (GAUSSIAN_DATA, *(() if invariant or not s.linear else (DIAGONAL,))),
    )


def _noise(
    s: Statement, step: OneStep, stats: Expectations, covariance: sp.ImmutableMatrix
) -> sp.ImmutableMatrix | None:
    """A factor of the covariance of one student, a column a random number of the step; None where these correlate."""
    if len(s.students) > 1 or not step.kicks:
        return None
    columns = [
        [-sp.sqrt(kick.square.subs(stats.names)) * kick.factors.get(v, sp.S.Zero) for v in s.coordinates]
        for kick in step.kicks
    ]
    noise = sp.ImmutableMatrix(columns).T
    gap = (noise * noise.T - covariance).applyfunc(sp.expand)
    return noise if gap.is_zero_matrix else None


def rotation_invariant(s: Statement) -> bool:
    """Whether every vector's step is linear in vectors and gradient with factors that are equal for all coordinates."""
    if not s.linear or s.cells:
        return False
    entries = (*s.coordinates, *s.coefficients, *s.gradients)
    return all(
        new.is_polynomial(*entries) and sp.Poly(new, *entries).total_degree() <= 1 for _, new in s.vectors
    )


def energy_of(s: Statement, averages: Averages) -> Energy:
    """``κ_pq = avg λ ∇π_p·∇π_q``, with ``‖∇f‖²/d → Σ κ_pq f_p' f_q'``."""
    found = {}
    for p, first in enumerate(s.jacobian):
        for q, second in enumerate(s.jacobian):
            total = sum((a * b for a, b in zip(first, second, strict=True)), sp.S.Zero)
            if total != 0:
                found[p, q] = averages.of(lam * total)
    return found


def known_of(s: Statement, averages: Averages) -> dict[sp.Symbol, sp.Expr]:
    """What an idealised rule may know of the system, as averages."""
    wanted = [k for k in KNOWN if k != risk and s.uses(k)]
    if wanted and not s.single:
        raise ValueError(
            f"rule {s.owner}: it looks at {wanted[0]}, which several directions do not have; use Total(...) of vectors"
        )
    if not wanted:
        return {}
    (theta,), (aim,) = s.effective, s.targets
    meaning = {distance: (theta - aim) ** 2, norm: sum(c**2 for c in s.learnt), overlap: theta * aim}
    return {k: averages.of(sp.expand(meaning[k])) for k in wanted}


def _objective_drifts(
    s: Statement, step: OneStep, field: MeanField, stats: Expectations, averages: Averages
) -> dict[sp.Symbol, sp.Expr]:
    """``d(risk)/dt``, and ``d(distance)/dt`` for one direction: what greedy rules decrease.

    ``dR = Σ_p (C_pp/2) dB_pp + Σ_{p<q} C_pq dB_pq``, as ``∂h/∂B_pq`` is a Stein coefficient (Price);
    and ``Σ_k p_k E_k f_p' dm_pk`` by the means of the classes, ``Σ_a E ∂_a f da`` by the learnt scalars.
    """
    weights = (*s.effective, *s.targets)
    total = sp.S.Zero
    for (p, r), c in stats.stein.items():
        if r >= p:
            factor = c / 2 if r == p else c
            total += factor * averages.of(sp.expand(field.generator(lam * weights[p] * weights[r])))
    for k, o in enumerate(s.classes):
        for p, F in enumerate(step.slopes):
            pull = stats.names.get(ClassMean(F, sp.Integer(k)), sp.S.Zero)
            total += pull * averages.of(sp.expand(field.generator(weights[p] * o.mean)))
    for a, F in zip(s.scalars.learnt, step.pulls, strict=True):
        total += stats.names.get(Mean(F), sp.S.Zero) * step.scalars[a].subs(stats.names)
    drifts = {risk: total}
    if s.single:
        drifts[distance] = averages.of(sp.expand(field.generator((weights[0] - weights[1]) ** 2)))
    return drifts


def along(expr: sp.Expr, drifts: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """``Σ ∂expr/∂name · drift``."""
    return sp.Add(*(sp.diff(expr, name) * drift for name, drift in drifts.items()))


def _rate(
    s: Statement, drifts: dict[sp.Symbol, sp.Expr], rates: tuple[sp.Expr, ...] | None, stats: Expectations
) -> sp.Expr:
    """The learning rate that one sees: the rule's, or its mean over the sample, or the greedy one."""
    if rates is not None:
        weighted = sum((o.probability * g for o, g in zip(s.outcomes, rates, strict=True)), sp.S.Zero)
        return sampled_mean(weighted, s.noise, stats.sample)
    if s.rate is not None:
        rate = s.rate.subs(s.maxima)
        if rate.has(d):
            raise ValueError(
                f"rule {s.owner}: its rate {rate} depends on d; a step is rate/d times the gradient, so give a "
                "rate of order one, without d"
            )
        return rate
    if s.objective is not None and (missing := s.objective.free_symbols & {risk, distance} - set(drifts)):
        raise ValueError(f"rule {s.owner}: several directions have no {missing.pop()} to decrease; use the risk")
    return s.multiple * greedy_rate(s.objective, drifts)
