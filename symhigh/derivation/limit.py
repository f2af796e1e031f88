"""From a problem and a rule to the limit: the driver of the derivation, to be read as the proof.

Passes, in order: the statement on canonical symbols (:mod:`~symhigh.derivation.state`), its mean field
(:mod:`~symhigh.derivation.mean_field`: one step to order 1/d, the loss's expectations, the rule's memories and rate),
the closure of the averages over coordinates (:mod:`~symhigh.derivation.close`), and, where the equations allow it, the
reduction to one state a mode (:mod:`~symhigh.derivation.reduction`).
"""

from __future__ import annotations

from types import MappingProxyType

from symhigh.checks import flag, instance, shown
from symhigh.clock import OutOfTime, time_limit
from symhigh.derivation.close import close, open_system
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.state import Statement, state
from symhigh.problem import DiagonalNetwork, Problem
from symhigh.rule import Constant, Rule, Schedule
from symhigh.symbols import t
from symhigh.system import MomentSystem
from symhigh.telling import at_stage, telling

SECONDS = 600.0
"""The time of work that a derivation has."""


@telling
def derive(problem: Problem, rule: Rule | None = None, reduce: bool = True) -> MomentSystem:
    """The exact limit, as d → ∞ at fixed time t = steps/d, of ``problem`` under ``rule``.

    Returns a :class:`~symhigh.system.MomentSystem`. Each mode of K carries ``V11 = d X_i²`` and ``V12 = d X_i X*_i``
    (High Line, (9)), and ``V10 = d X_i X0_i`` where the rule looks at the distance from the start; where loss and rate
    see B only through ``E(x - x*)²``, as for least squares, the system reduces itself to one state a mode,
    ``D2 = V11 - 2 V12 + V22`` (8), unless ``reduce=False``. Several directions carry ``V_p_q``, further vectors their
    products, cells a state a mode. A network, whose drift is not linear, is closed by the density of one coordinate
    where it has one, else by particles. A :class:`~symhigh.problem.DiagonalNetwork` holds its own step and takes no
    rule.

    Assumptions: Gaussian data with bounded ``‖K‖``, ``‖X₀‖, ‖X*‖ = O(1)``, a loss whose derivative has at most
    polynomial growth, memory increments of order 1/d; ``system.assumptions`` lists what this system used.

    Raises ``TypeError`` for wrong argument types and ``ValueError`` for a loss without a derivative, too few moments
    of the noise, a rule that does not close, and a rule whose limit does not exist; ``TimeoutError`` where ten
    minutes of work did not do.
    """
    problem, rule = checked(problem, rule)
    keep = flag("derive", "reduce", reduce, meaning="whether the system may reduce itself to D2")
    statement, values = state(problem, rule)
    try:
        with time_limit(SECONDS, working=True):
            return close(statement, mean_field(statement), problem, rule, MappingProxyType(values), keep)
    except OutOfTime:
        at = at_stage()
        raise TimeoutError(
            f"derive: {problem.name} under {type(rule).__name__} has no limit after {SECONDS:g} s of work"
            f"{', at ' if at else ''}{at}; write the loss in simpler functions, or simulate(…), which needs no limit"
        ) from None


def mean_field_of(problem: Problem, rule: Rule | None = None) -> tuple[Statement, MomentSystem]:
    """The statement of a simulation, and its mean field as a system over single coordinates."""
    problem, rule = checked(problem, rule)
    statement, values = state(problem, rule)
    return statement, open_system(mean_field(statement), problem, rule, MappingProxyType(values))


def checked(problem: Problem, rule: Rule | None) -> tuple[Problem, Rule]:
    """Problem and rule of the right types; a :class:`DiagonalNetwork` brings its own rule."""
    instance("derive", "problem", problem, Problem, "a symhigh.Problem, such as least_squares()")
    if isinstance(problem, DiagonalNetwork):
        own = Schedule(problem.step) if t in problem.step.free_symbols else Constant(problem.step)
        if rule is not None and not (isinstance(rule, Rule) and rule == own):
            raise TypeError(
                f"derive(rule={shown(rule)}): a DiagonalNetwork holds its own constant step; for another rule state "
                "Problem(loss, noise, model=PRODUCT), or least_squares(noise, model=PRODUCT)"
            )
        rule = own
    return problem, instance("derive", "rule", rule, Rule, "a symhigh rule, such as AdaGradNorm(eta, b)")
