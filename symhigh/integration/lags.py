"""Running maxima integrated as what they are ahead of: ``lag = M - q`` for the maximum M of q.

Between a limit and its integration. On its maximum M equals q, so its sign of ``q - M`` would be that of a rounding
error; the lag is exactly zero there, obeys ``dlag/dt = -dq/dt`` while it is positive, and stays zero while q grows
(Skorokhod's reflection).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symhigh.integration.events import EVENT
from symhigh.meanfield import Scalar, ScalarState
from symhigh.symbols import OwnedSymbol, Total, moved, t
from symhigh.system import MomentSystem

MAXIMUM = "maximum"
_MOVED = OwnedSymbol("moved", nonnegative=True)
"""What the derivation calls the total ``moved``."""


@lru_cache(maxsize=64)
def with_lags(system: MomentSystem) -> MomentSystem:
    """``system`` with the lag in place of each running maximum, which becomes a scalar ``q + max(0, lag)``.

    The maxima are outputs too, named after :data:`MAXIMUM` and placed before the events: their errors are measured by
    them, as a lag has no size of its own where it vanishes.
    """
    quantity = _maxima(system)
    if not quantity:
        return system
    key = system.content
    if key not in _found:
        _found[key] = _with_lags(system, quantity)
    return replace(_found[key], problem=system.problem, rule=system.rule, parameters=system.parameters)


def _maxima(system: MomentSystem) -> dict[sp.Symbol, sp.Expr]:
    """The running maxima M, and q of each; none where q starts elsewhere than its totals do, at zero."""
    leads = {s.name.name: s.expression for s in system.scalars}
    found = {m.name: leads[f"lead_{m.name}"] + m.name for m in system.states if f"lead_{m.name}" in leads}
    stated = [q for m in system.rule.memory if (q := m.maximum_of) is not None]
    known = all(q.atoms(Total) <= {moved} for q in stated)
    return found if known else {}


_found: dict[object, MomentSystem] = {}


def _with_lags(system: MomentSystem, quantity: dict[sp.Symbol, sp.Expr]) -> MomentSystem:
    begun = {_MOVED: sp.S.Zero, t: sp.S.Zero, **{s.name: s.initial for s in system.states}}
    lags = {M: OwnedSymbol(f"lag_{M.name}", real=True) for M in quantity}
    maxima = [Scalar(M, q + sp.Max(0, lags[M])) for M, q in quantity.items()]
    states = tuple(
        ScalarState(lags[s.name], _pace(s.rhs, lags[s.name]), s.initial - quantity[s.name].subs(begun))
        if s.name in quantity
        else s
        for s in system.states
    )
    place = next((k + 1 for k, s in enumerate(system.scalars) if s.name == _MOVED), 0)
    scalars = (*system.scalars[:place], *maxima, *system.scalars[place:])
    outputs = [(name, e) for name, e in system.outputs.items() if not name.startswith(EVENT)]
    outputs += [(f"{MAXIMUM} {M.name}", M) for M in quantity]
    outputs += [(name, e) for name, e in system.outputs.items() if name.startswith(EVENT)]
    return replace(system, scalars=scalars, states=states, outputs=dict(outputs))


@lru_cache(maxsize=64)
def lagging(system: MomentSystem) -> tuple[tuple[int, int], ...]:
    """Of each lag its place among the memories, and that of its maximum among the outputs."""
    names, lags = [s.name.name for s in system.states], list(system.outputs)
    return tuple(
        (names.index(f"lag_{output.removeprefix(MAXIMUM).strip()}"), place)
        for place, output in enumerate(lags)
        if output.startswith(MAXIMUM)
    )


def _pace(growth: sp.Expr, lag: sp.Symbol) -> sp.Expr:
    """The lag's rate of change, from the maximum's ``max(0, dq/dt)`` where it is reached."""
    risen = growth.args[0].expr if isinstance(growth, sp.Piecewise) else growth
    speed = sp.Max(*(a for a in risen.args if a != 0)) if isinstance(risen, sp.Max) else risen
    return sp.Piecewise((-speed, lag > 0), (sp.Max(0, -speed), True))
