"""A rule's memory and rate in the limit.

A pass of the derivation. Source: *The High Line* (arXiv 2405.19585), (9), (15)-(17) and (87)-(92), derived here
from the rules' discrete statements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian import recognise
from symhigh.derivation.scaling import homogeneous
from symhigh.derivation.statistics import GAUSSIAN, in_pieces, mean_over_sample, sampled_mean
from symhigh.problem.noise import Component
from symhigh.problem.problem import Label
from symhigh.rule import Memory, Rule
from symhigh.symbols import (
    batch_size,
    d,
    distance,
    eps,
    gamma,
    gradient_noise,
    gradient_square,
    moved,
    norm,
    overlap,
    risk,
    sample_loss,
    t,
    target_norm,
    tau,
    x,
    x_star,
)
from symhigh.system import ScalarState

_STEP = sp.Symbol("step", positive=True)
_SLOPE_SQUARE = sp.Symbol("slope_square", nonnegative=True)
KNOWN = (risk, distance, norm, overlap, target_norm)
"""What an idealised rule may know of the iterate, beside ``moved``."""
_OF_SAMPLE = (gradient_square, sample_loss, x, x_star, eps)


@dataclass(frozen=True)
class Statement:
    """What a rule says, without the numbers that the user gave: equal statements have one derivation."""

    owner: str
    memory: tuple[Memory, ...]
    rate: sp.Expr | None
    objective: sp.Expr | None
    multiple: sp.Expr
    batch: sp.Expr
    ridge: sp.Expr
    remedy: str

    @property
    def sampled(self) -> bool:
        """Whether the rate depends on the sample of the step."""
        return self.rate is not None and self.rate.has(*_OF_SAMPLE)

    @property
    def moves(self) -> bool:
        """Whether the rule looks at the distance from the start."""
        return any(e.has(moved) for e in (*(m.increment for m in self.memory), self.rate) if e is not None)

    @property
    def leads(self) -> dict[sp.Symbol, tuple[sp.Symbol, sp.Expr]]:
        """For each running maximum M of q, a name for ``q - M`` and that expression."""
        found = {m.name: m.maximum_of for m in self.memory}
        return {M: (sp.Symbol(f"lead_{M.name}", real=True), q - M) for M, q in found.items() if q is not None}

    @property
    def maxima(self) -> dict[sp.Symbol, sp.Expr]:
        """Running maxima after the step's own update: at least the quantity whose maximum they are."""
        return {M: M + sp.Max(0, lead) for M, (lead, _) in self.leads.items()}


def statement_of(rule: Rule) -> Statement:
    """The rule's statement, checked to be closed: every symbol is a memory, a parameter, t, d or of the sample.

    Raises ``ValueError`` that names what is missing.
    """
    known = {d, t, moved, *KNOWN, *_OF_SAMPLE, *(m.name for m in rule.memory), *rule.values}
    places = [(f"the increment of {m.name}", m.increment) for m in rule.memory]
    places += [(f"the start of {m.name}", m.initial) for m in rule.memory]
    places += [("its rate", rule.rate)] if rule.rate is not None else []
    for place, expr in places:
        if missing := sorted(map(str, expr.free_symbols - known)):
            raise ValueError(
                f"rule {type(rule).__name__}: {place} depends on {', '.join(missing)}, so the system does not close: "
                "declare each as a Memory with its increment, or give its number in `values`"
            )
    if rule.rate is None and rule.objective is None:
        raise ValueError(f"rule {type(rule).__name__}: it states neither a rate nor an objective")
    return Statement(
        type(rule).__name__,
        rule.memory,
        rule.rate,
        rule.objective,
        rule.multiple,
        rule.batch,
        rule.ridge,
        rule.remedy,
    )


def limits_of_memories(
    rule: Statement,
    outcomes: tuple[Label, ...],
    noise: tuple[Component, ...],
    moving: sp.Expr,
) -> tuple[ScalarState, ...]:
    """The ODEs of a rule's memories; ``moving`` is the drift of ``‖X - X0‖²``.

    A running maximum of q grows as q does while q is at it: ``dM/dt = max(0, dq/dt)`` where q ≥ M, else 0.
    """
    plain = {m.name: limit_of_memory(m, outcomes, noise, rule) for m in rule.memory if m.maximum_of is None}
    drifts = {moved: moving, t: sp.S.One, **{name: s.rhs for name, s in plain.items()}}
    states = []
    for m in rule.memory:
        q = m.maximum_of
        if q is None:
            states.append(plain[m.name])
            continue
        speed = sum((sp.diff(q, name) * drift for name, drift in drifts.items()), sp.S.Zero)
        lead, _ = rule.leads[m.name]
        states.append(ScalarState(m.name, sp.Piecewise((sp.Max(0, speed), lead >= 0), (0, True)), m.initial))
    return tuple(states)


def limit_of_memory(
    memory: Memory,
    outcomes: tuple[Label, ...],
    noise: tuple[Component, ...] = GAUSSIAN,
    rule: Statement | None = None,
) -> ScalarState:
    """The ODE of a memory whose increment at each step is O(1/d).

    ``‖∇f‖² = f'² ‖a‖²`` and ``‖a‖²/d → τ``: each ``a_i²`` has mean ``λ_i + O(1/d)`` given the predictions (Stein),
    and the sum of d nearly independent terms concentrates. So ``d · increment`` tends to a function of the
    sample's ``τ f'²`` and loss, whose mean is the drift by the law of large numbers over many steps.
    """
    increment = memory.increment.subs(rule.maxima if rule else {})
    drift = _in_the_limit(increment * d)
    if drift is None:
        remedy = f". {rule.remedy}" if rule and rule.remedy else ""
        raise ValueError(
            f"rule memory {memory.name}: its increment {memory.increment} is not O(1/d), so it forgets or grows within "
            "O(1) steps and has no limit on the time scale steps/d; scale the increment by 1/d "
            f"(gradient_square is of order d){remedy}"
        )
    if rule is not None and rule.batch != 1:
        return ScalarState(memory.name, _mean_of_batch(memory, drift, outcomes, noise, rule), memory.initial)
    shortcut = rule is None or not rule.sampled
    return ScalarState(memory.name, _mean(drift, outcomes, noise, shortcut), memory.initial)


def sample_rates(rule: Statement, outcomes: tuple[Label, ...]) -> tuple[sp.Expr, ...]:
    """For a rate that depends on the sample, its limit for each outcome, an expression in (x, x_star, ε)."""
    assert rule.rate is not None
    if rule.batch != 1:
        raise ValueError(
            f"rule {rule.owner}: its rate depends on the sample, of which a batch has several; use batches of one, or "
            "a rate that depends on memories only"
        )
    rate = _in_the_limit(rule.rate.subs(rule.maxima))
    if rate is None or rate == 0:
        raise ValueError(
            f"rule {rule.owner}: its rate {rule.rate} has no limit other than 0 as d → ∞; note that gradient_square is "
            "of order d, so a rate of order one holds d/gradient_square"
        )
    return tuple(_of_outcome(rate, o, moves=True) for o in outcomes)


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
    """``expr`` as d → ∞ with ``gradient_square = d τ f'²``; None where it has no finite limit."""
    scaled = homogeneous(expr.subs({gradient_square: tau * _SLOPE_SQUARE / _STEP, d: 1 / _STEP}), _STEP)
    if not scaled.has(_STEP) or not (expanded := sp.expand(scaled)).has(_STEP):
        return expanded if scaled.has(_STEP) else scaled
    limit = sp.limit(sp.cancel(scaled), _STEP, 0, "+")
    if not limit.is_finite and (limit.is_infinite or limit.has(sp.oo, sp.zoo, sp.nan)):
        return None
    return limit


def _of_outcome(expr: sp.Expr, outcome: Label, moves: bool = False) -> sp.Expr:
    """``expr`` for a sample of this outcome; with ``moves`` it is a rate, piece by piece of the loss."""
    by_pieces = expr.has(sample_loss) or (moves and expr.has(_SLOPE_SQUARE))
    loss = in_pieces(outcome.loss) if by_pieces else recognise(outcome.loss)
    if by_pieces and isinstance(loss, sp.Piecewise):
        return sp.Piecewise(*((_of_loss(expr, piece, moves), condition) for piece, condition in loss.args))
    return _of_loss(expr, loss, moves)


def _of_loss(expr: sp.Expr, loss: sp.Expr, moves: bool) -> sp.Expr:
    """``expr`` for a sample of this loss; where the loss is flat SGD does not move, so a rate is 0 there."""
    slope = sp.diff(loss, x)
    if slope == 0:
        return sp.S.Zero if moves else expr.subs({sample_loss: loss, _SLOPE_SQUARE: 0})
    ratio = sp.Dummy("loss_over_slope_square")
    quotient = sp.cancel(loss / slope**2) if loss.is_rational_function(x, x_star, eps) else loss / slope**2
    return expr.subs(sample_loss, ratio * _SLOPE_SQUARE).subs({ratio: quotient, _SLOPE_SQUARE: slope**2})


def _mean(
    drift: sp.Expr, outcomes: tuple[Label, ...], noise: tuple[Component, ...], shortcut: bool = True
) -> sp.Expr:
    """Expectation over the sample; a drift linear in f'² needs no new integral where I is known."""
    if not drift.has(_SLOPE_SQUARE, sample_loss, x, x_star, eps):
        return drift
    if shortcut and not drift.has(sample_loss, x, x_star, eps) and _is_linear(drift):
        return sp.expand(drift).subs(_SLOPE_SQUARE, gradient_noise)
    per_label = (o.probability * _of_outcome(drift, o) for o in outcomes)
    return (mean_over_sample if shortcut else sampled_mean)(sum(per_label, sp.S.Zero), noise)


def _mean_of_batch(
    memory: Memory, drift: sp.Expr, outcomes: tuple[Label, ...], noise: tuple[Component, ...], rule: Statement
) -> sp.Expr:
    """A batch's mean gradient has the square ``Σ_j f_j'² τ d/m²``, as its m gradients are nearly orthogonal."""
    if drift.has(x, x_star, eps, sample_loss) or (drift.has(_SLOPE_SQUARE) and not _is_linear(drift)):
        raise ValueError(
            f"rule {rule.owner}: the increment of {memory.name} is not linear in gradient_square, so with batches "
            "it depends on all their samples at once; use batches of one"
        )
    return _mean(drift.subs(_SLOPE_SQUARE, _SLOPE_SQUARE / batch_size), outcomes, noise)


def _is_linear(drift: sp.Expr) -> bool:
    return bool(drift.is_polynomial(_SLOPE_SQUARE)) and sp.degree(drift, _SLOPE_SQUARE) == 1
