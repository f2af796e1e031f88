"""Events of a curve: where an expression of the limit crosses zero, and where nothing moves any more.

Serves :func:`~symhigh.integration.solve.solve`: an event becomes one more output of the system, and its zeros are
located on the dense output of the generated stepper. Numbers that are added to an expression become parameters, so
that another level compiles nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import expression, mapping, real, words
from symhigh.population.spectrum import Array
from symhigh.symbols import OwnedSymbol, t
from symhigh.system import MomentSystem

STEADY = "steady"
"""The name of the steady state among the events."""
EVENT = "event"
"""How the names of outputs begin that are events."""
_LOOKS = 4


@dataclass(frozen=True, eq=False)
class Watched:
    """``system`` with the events ``names`` as its last outputs.

    ``ends`` (events + 1,) marks those that end the curve, the steady state last; ``steady`` is its tolerance, or 0.
    """

    system: MomentSystem
    names: tuple[str, ...]
    ends: Array
    steady: float

    @property
    def any(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.names) or self.steady > 0

    def times(self, hits: list[tuple[int, float]]) -> dict[str, Array]:
        """The times at which each event happened, from pairs (event, time)."""
        names = (*self.names, *((STEADY,) if self.steady > 0 else ()))
        return {name: np.array(sorted(at for k, at in hits if k == j)) for j, name in enumerate(names)}


@dataclass(frozen=True, eq=False)
class Sight:
    """What was seen in a step: pairs (event, time), the time at which the curve ends if it does, the last values."""

    hits: list[tuple[int, float]]
    stop: float | None
    values: Array


@dataclass(frozen=True, eq=False)
class Step:
    """A step from t to t + h that a generated stepper made; ``at(s)`` is the state at t + s h, s in [0, 1].

    ``observe(t, y)`` gives the outputs there, ``slope(t, y)`` the rates of change.
    """

    t: float
    h: float
    at: Callable[[float], Array]
    observe: Callable[[float, Array], Array]
    slope: Callable[[float, Array], Array]

    def look(self, watched: Watched, size: Array, before: Array | None) -> Sight:
        """The events inside the step, up to the first that ends the curve.

        Signs are compared at quarters of the step; where one changes, the zero is found on the dense output.
        ``before`` are the values at the end of the last step: at t, they may differ from ours by rounding.
        """
        from scipy.optimize import brentq

        def place(k: int, low: float, high: float) -> float:
            def value(s: float) -> float:
                return float(self._values(watched, size, s)[k])

            if value(low) * value(high) > 0:
                return low
            return float(brentq(value, low, high, xtol=1e-15, rtol=1e-14))

        hits: list[tuple[int, float]] = []
        before = self._values(watched, size, 0.0) if before is None else before
        for low, high in itertools.pairwise(np.linspace(0, 1, _LOOKS + 1)):
            after = self._values(watched, size, high)
            crossed = (before > 0) & (after <= 0) | (before < 0) & (after >= 0)
            crossed[-1] &= before[-1] > 0  # a rate that picks up again is no steady state
            before = after
            hits += [(k, self.t + place(k, low, high) * self.h) for k in np.flatnonzero(crossed).tolist()]
            if ended := [at for k, at in hits if watched.ends[k]]:
                return Sight([(k, at) for k, at in hits if at <= min(ended)], min(ended), before)
        return Sight(hits, None, before)

    def _values(self, watched: Watched, size: Array, s: float) -> Array:
        """The events at s, and by how much the fastest relative rate of change exceeds the tolerance."""
        now, y = self.t + s * self.h, self.at(s)
        out = self.observe(now, y)
        values = np.ones(len(watched.names) + 1)
        values[:-1] = out[out.size - len(watched.names) :]
        if watched.steady > 0:
            values[-1] = (np.abs(self.slope(now, y)) / np.maximum(np.abs(y), size)).max() - watched.steady
        return values


def watch(
    system: MomentSystem, events: Mapping[str, sp.Expr] | None, until: str | Sequence[str], steady: float
) -> Watched:
    """Check and resolve what :func:`~symhigh.integration.solve.solve` was asked to look for."""
    if events is None and isinstance(until, tuple) and not until and isinstance(steady, float) and 0 < steady < 1:
        return _unwatched(system)
    given = mapping("solve", "events", events, "{name: SymPy expression that crosses zero}")
    names = words("solve", "events", tuple(given), "a mapping whose keys are names, strings")
    wanted = words("solve", "until", until, "the name of an event, or several")
    if STEADY in given:
        raise ValueError(f"solve(events=…): {STEADY!r} is the steady state; give your event another name")
    if unknown := [name for name in wanted if name not in (*names, STEADY)]:
        raise ValueError(f"solve(until={unknown[0]!r}): not an event; choose from {[*names, STEADY]}")
    tolerance = real(
        "solve", "steady", steady, above=0.0, meaning="the relative rate of change that counts as none"
    )
    outputs, parameters = dict(system.outputs), dict(system.parameters)
    for k, (name, expr) in enumerate(given.items()):
        form = _resolved(system, name, expr)
        level, rest = form.as_independent(*form.free_symbols, as_Add=True)
        symbol = OwnedSymbol(f"level_{k}", real=True)
        outputs[f"{EVENT} {name}"], parameters[symbol] = rest + symbol, level
    ends = np.array([name in wanted for name in (*names, STEADY)])
    marked = replace(system, outputs=outputs, parameters=parameters) if given else system
    return Watched(marked, names, ends, tolerance if ends[-1] else 0.0)


@lru_cache(maxsize=64)
def _unwatched(system: MomentSystem) -> Watched:
    return Watched(system, (), np.zeros(1, dtype=bool), 0.0)


def _resolved(system: MomentSystem, name: str, expr: Any) -> sp.Expr:
    """The event in the system's own symbols, found by name: outputs, scalars, averages, memories, parameters, t."""
    expr = expression(
        "solve", f"events[{name!r}]", expr, "a SymPy expression that crosses zero, such as risk - 0.5"
    )
    own = _vocabulary(system)
    if foreign := sorted({str(s) for s in expr.free_symbols} - set(own)):
        modes = {str(s) for s in (*system.family.states, *system.family.coefficients)}
        why = " belongs to one mode" if foreign[0] in modes else " is not a quantity of this limit"
        remedy = (
            "; derive(problem, rule, reduce=False) carries it" if foreign[0] in ("overlap", "norm") else ""
        )
        raise ValueError(
            f"solve(events={{{name!r}: {expr}}}): {foreign[0]}{why}{remedy}; it has {', '.join(own)}"
        )
    put: dict[sp.Basic, sp.Expr] = {}
    for symbol in sorted(expr.free_symbols - set().union(*own.values()), key=str):
        means = own[symbol.name]
        if len(means) > 1:
            raise ValueError(
                f"solve(events={{{name!r}: {expr}}}): {symbol} is {' and '.join(means.values())}; rename one of them "
                "in the problem or the rule"
            )
        put[symbol] = next(iter(means))
    form = expr.xreplace(put)
    if not form.free_symbols:
        raise ValueError(f"solve(events={{{name!r}: {expr}}}): a number crosses nothing; name a quantity")
    return form


def _vocabulary(system: MomentSystem) -> dict[str, dict[sp.Expr, str]]:
    """What an event may name: for every name the quantities called so, each with its owner in words."""
    rule = type(system.rule).__name__
    parts: list[tuple[str, sp.Expr, str]] = [(str(t), t, "the time")]
    for p in system.parameters:
        owner = "the loss" if getattr(p, "owner", "") in ("loss", "learnt") else rule
        parts.append((str(p), p, f"a parameter of {owner}"))
    learnt = [str(a) for a, _ in system.problem.learnt]
    kinds = {True: "a scalar of the loss that learns", False: f"a memory of {rule}"}
    parts += [(str(s.name), s.name, kinds[str(s.name) in learnt]) for s in system.states]
    quantities = [q.name for q in system.reductions] + [q.name for q in system.scalars]
    parts += [(str(q), q, "a quantity of the limit") for q in quantities]
    parts += [(name, quantity, f"the output {name}") for name, quantity in system.outputs.items()]
    found: dict[str, dict[sp.Expr, str]] = {}
    for name, quantity, owner in parts:
        found.setdefault(name, {}).setdefault(quantity, owner)
    return found
