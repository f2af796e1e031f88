"""A rule's memory and rate in the limit.

Fourth pass. Source: *The High Line* (arXiv 2405.19585), (9), (15)-(17) and (87)-(92), derived here from the rules'
discrete statements.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from symhigh.derivation.expectations import Expectations
from symhigh.derivation.gaussian import recognise
from symhigh.derivation.scaling import conjugated, homogeneous
from symhigh.derivation.state import Statement
from symhigh.derivation.statistics import in_pieces, mean_over_sample, sampled_mean
from symhigh.meanfield import ScalarState
from symhigh.problem.problem import Label
from symhigh.rule import Memory
from symhigh.symbols import OwnedSymbol, batch_size, d, gamma, gradient_square, sample_loss, t

_STEP = OwnedSymbol("step", positive=True)
_GRADIENT = OwnedSymbol("gradient", nonnegative=True)
"""``‖∇f‖²/d`` of the sample."""
Energy = Mapping[tuple[int, int], sp.Expr]
"""``κ_pq``, with ``‖∇f‖²/d → Σ κ_pq f_p' f_q'``: τ on the diagonal for a linear model."""


def limits_of_memories(
    s: Statement, stats: Expectations, energy: Energy, drifts: Mapping[sp.Symbol, sp.Expr]
) -> tuple[ScalarState, ...]:
    """The ODEs of a rule's memories; ``drifts`` are those of the totals that it looks at.

    A running maximum of q grows as q does while q is at it: ``dM/dt = max(0, dq/dt)`` where q ≥ M, else 0.
    """
    plain = {m.name: limit_of_memory(m, s, stats, energy) for m in s.memory if m.maximum_of is None}
    speeds = {**drifts, t: sp.S.One, **{name: state.rhs for name, state in plain.items()}}
    states = []
    for m in s.memory:
        q = m.maximum_of
        if q is None:
            states.append(plain[m.name])
            continue
        if unknown := q.free_symbols & set(s.of_sample):
            raise ValueError(f"rule {s.owner}: the maximum {m.name} is of {unknown}, which jumps from sample to sample")
        speed = sum((sp.diff(q, name) * drift for name, drift in speeds.items()), sp.S.Zero)
        lead, _ = s.leads[m.name]
        states.append(ScalarState(m.name, sp.Piecewise((sp.Max(0, speed), lead >= 0), (0, True)), m.initial))
    return tuple(states)


def limit_of_memory(memory: Memory, s: Statement, stats: Expectations, energy: Energy) -> ScalarState:
    """The ODE of a memory whose increment at each step is O(1/d).

    ``‖∇f‖²/d → Σ κ_pq f_p' f_q'``: each ``a_i²`` has mean ``λ_i + O(1/d)`` given the predictions (Stein), and the sum
    of d nearly independent terms concentrates. So ``d · increment`` tends to a function of the sample's slopes and
    loss, whose mean is the drift by the law of large numbers over many steps.
    """
    increment = memory.increment.subs(s.maxima)
    drift = _in_the_limit(increment * d)
    if drift is None:
        raise ValueError(
            f"rule memory {memory.name}: its increment {memory.increment} is not O(1/d), so it forgets or grows within "
            "O(1) steps and has no limit on the time scale steps/d; scale the increment by 1/d "
            f"(gradient_square is of order d){'. ' + s.remedy if s.remedy else ''}"
        )
    if s.batch != 1:
        drift = _of_batch(memory, drift, s)
    return ScalarState(memory.name, _mean(drift, s, stats, energy), memory.initial)


def sample_rates(s: Statement, energy: Energy) -> tuple[sp.Expr, ...]:
    """For a rate that depends on the sample, its limit for each outcome, an expression in the predictions and ε."""
    assert s.rate is not None
    if s.batch != 1:
        raise ValueError(
            f"rule {s.owner}: its rate depends on the sample, of which a batch has several; use batches of one, or "
            "a rate that depends on memories only"
        )
    rate = _in_the_limit(s.rate.subs(s.maxima))
    if rate is None or rate == 0:
        raise ValueError(
            f"rule {s.owner}: its rate {s.rate} has no limit other than 0 as d → ∞; note that gradient_square is "
            "of order d, so a rate of order one holds d/gradient_square"
        )
    return tuple(_of_outcome(rate, o, s, energy, moves=True) for o in s.outcomes)


def greedy_rate(objective: sp.Expr, drifts: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """The learning rate that minimises d(objective)/dt, which one step makes quadratic in γ.

    With ``d(objective)/dt = -α γ + β γ²`` it is ``α/(2β)``.
    """
    drift = sp.expand(sum(sp.diff(objective, name) * value for name, value in drifts.items()))
    descent, noise = -drift.coeff(gamma, 1), drift.coeff(gamma, 2)
    if noise == 0:
        raise ValueError(
            f"greedy rule with objective {objective}: its drift has no γ² term, so no best rate exists"
        )
    return sp.cancel(descent / (2 * noise))


def _in_the_limit(expr: sp.Expr) -> sp.Expr | None:
    """``expr`` as d → ∞ with ``gradient_square = d _GRADIENT``; None where it has no finite limit."""
    scaled = homogeneous(expr.subs({gradient_square: _GRADIENT / _STEP, d: 1 / _STEP}), _STEP)
    if not scaled.has(_STEP) or not (expanded := sp.expand(scaled)).has(_STEP):
        return expanded if scaled.has(_STEP) else scaled
    limit = sp.limit(sp.cancel(scaled), _STEP, 0, "+")
    if not limit.is_finite and (limit.is_infinite or limit.has(sp.oo, sp.zoo, sp.nan)):
        return None
    return limit


def _of_outcome(expr: sp.Expr, outcome: Label, s: Statement, energy: Energy, moves: bool = False) -> sp.Expr:
    """``expr`` for a sample of this outcome; with ``moves`` it is a rate, piece by piece of the loss."""
    by_pieces = expr.has(sample_loss) or (moves and expr.has(_GRADIENT))
    loss = in_pieces(outcome.loss) if by_pieces else recognise(outcome.loss)
    if by_pieces and isinstance(loss, sp.Piecewise):
        return sp.Piecewise(*((_of_loss(expr, piece, s, energy, moves), condition) for piece, condition in loss.args))
    return _of_loss(expr, loss, s, energy, moves)


def _of_loss(expr: sp.Expr, loss: sp.Expr, s: Statement, energy: Energy, moves: bool) -> sp.Expr:
    """``expr`` for a sample of this loss; where the loss is flat SGD does not move, so a rate is 0 there."""
    slopes = [sp.diff(loss, x) for x in s.students]
    if not any(slopes):
        return sp.S.Zero if moves else expr.subs({sample_loss: loss, _GRADIENT: 0})
    square = sum((weight * slopes[p] * slopes[q] for (p, q), weight in energy.items()), sp.S.Zero)
    if len(slopes) > 1 or not expr.has(sample_loss):
        return expr.subs({sample_loss: loss, _GRADIENT: square})
    (slope,), kappa = slopes, energy[0, 0]
    ratio, slope_square = sp.Dummy("loss_over_slope_square"), sp.Dummy("slope_square", nonnegative=True)
    quotient = sp.cancel(loss / slope**2) if loss.is_rational_function(*s.students, *s.aims) else loss / slope**2
    quotient = conjugated(quotient)
    joint = expr.subs({sample_loss: ratio * slope_square, _GRADIENT: kappa * slope_square})
    return joint.subs({ratio: quotient, slope_square: slope**2})


def _mean(drift: sp.Expr, s: Statement, stats: Expectations, energy: Energy) -> sp.Expr:
    """Expectation over the sample; a drift linear in ‖∇f‖² needs no new integral where ``E f_p' f_q'`` is known."""
    if not drift.has(_GRADIENT, sample_loss, *sample_variables(s)):
        return drift
    if not s.sampled and not drift.has(sample_loss, *sample_variables(s)) and _is_linear(drift):
        square = sum((weight * stats.noise[p, q] for (p, q), weight in energy.items()), sp.S.Zero)
        return sp.expand(drift).subs(_GRADIENT, square)
    per_label = (o.probability * _of_outcome(drift, o, s, energy) for o in s.outcomes)
    mean = sampled_mean if s.sampled else mean_over_sample
    return mean(sum(per_label, sp.S.Zero), s.noise, stats.sample)


def sample_variables(s: Statement) -> tuple[sp.Symbol, ...]:
    """The sample's random variables that an expression may hold."""
    return tuple(v for v in s.of_sample if v not in (gradient_square, sample_loss))


def _of_batch(memory: Memory, drift: sp.Expr, s: Statement) -> sp.Expr:
    """A batch's mean gradient has the square ``Σ_j f_j'² τ d/m²``, as its m gradients are nearly orthogonal."""
    if drift.has(sample_loss, *sample_variables(s)) or (drift.has(_GRADIENT) and not _is_linear(drift)):
        raise ValueError(
            f"rule {s.owner}: the increment of {memory.name} is not linear in gradient_square, so with batches "
            "it depends on all their samples at once; use batches of one"
        )
    return drift.subs(_GRADIENT, _GRADIENT / batch_size)


def _is_linear(drift: sp.Expr) -> bool:
    return bool(drift.is_polynomial(_GRADIENT)) and sp.degree(drift, _GRADIENT) == 1
