"""The numbers of a system, and its learning rate where it is a given function of time, checked.

Serves everything that integrates or simulates.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import sympy as sp

from symhigh.codegen.target import Names
from symhigh.integration.singular import FAR, NEAR, generic, rate_exponent
from symhigh.integration.timetable import timetable, without_remainders
from symhigh.population.spectrum import Array
from symhigh.symbols import gamma
from symhigh.symbols import t as clock_symbol
from symhigh.system import MomentSystem


@lru_cache(maxsize=64)
def parameters_of(system: MomentSystem) -> tuple[float, ...]:
    """:func:`parameter_values` of a system to be solved, kept."""
    return tuple(parameter_values("solve", system).tolist())


def parameter_values(owner: str, system: MomentSystem) -> Array:
    """The system's parameters as floats, in its order; ``ValueError`` where symbols remain."""
    open_ = sorted({str(s) for v in system.parameters.values() for s in v.free_symbols})
    if open_:
        raise ValueError(
            f"{owner}: the parameters {', '.join(open_)} have no value; use "
            f"system.bind({{{open_[0]!r}: number}}) or give numbers to the problem and the rule"
        )
    return np.array([float(v) for v in system.parameters.values()])


def parameters_in_plain_time(system: MomentSystem, end: float, what: str) -> Array:
    """The parameters of what is integrated in time itself, and so needs a rate that is finite at the start."""
    par = parameter_values("solve", system)
    check_schedule(system, par, end)
    if (power := rate_exponent(system, dict(zip(system.parameters, par.tolist(), strict=True)))) > 0:
        raise ValueError(
            f"solve: the learning rate grows like t^-{power:.4g} as t -> 0, and {what} in plain time; begin later, "
            "as in 1/(t + 1)"
        )
    return par


def plain_rates(system: MomentSystem, table: Array, end: float) -> Array:
    """At which rows of ``table``, parameters (points, P), the rate is known to pass :func:`check_schedule` and to be
    finite at the start, as a mask (points,); of a system without jumps, whose parameters may be symbols.
    """
    rate = next((s.expression for s in system.scalars if s.name == gamma), sp.S.Zero)
    if not rate.has(clock_symbol):
        return np.ones(len(table), dtype=bool)
    own = [k for k, p in enumerate(system.parameters) if p in rate.free_symbols]
    symbols = [list(system.parameters)[k] for k in own]
    others = sorted(rate.free_symbols - {clock_symbol, *symbols}, key=str)
    function = _of_time(without_remainders(rate), (*symbols, *others))
    given = [generic(k) for k in range(len(others))]
    times = np.concatenate([[10.0**-FAR, 10.0**-NEAR], [] if others else np.linspace(0.0, end, 1001)])
    different, place = np.unique(table[:, own], axis=0, return_inverse=True)
    found = np.zeros(len(different), dtype=bool)
    for k, row in enumerate(different):
        with np.errstate(all="ignore"):
            rates = np.broadcast_to(function(times, *row, *given), times.shape)
        level = rates[0] == 0 or abs(rates[1] / rates[0] - 1) < 1e-12
        found[k] = np.isfinite(rates).all() and (rates >= 0).all() and level
    return np.asarray(found[place.ravel()])


@lru_cache(maxsize=64)
def _of_time(rate: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> Callable[..., Array]:
    """A rate as a function of times and of numbers for its symbols."""
    return sp.lambdify((clock_symbol, *symbols), rate, "numpy", dummify=True)


@lru_cache(maxsize=64)
def _schedule(system: MomentSystem) -> sp.Expr | None:
    """The rate, where it is a given function of time."""
    rate = next(s.expression for s in system.scalars if s.name == gamma)
    given = rate.free_symbols <= {clock_symbol, *system.parameters} and rate.has(clock_symbol)
    return without_remainders(rate) if given else None


def check_schedule(system: MomentSystem, par: Array, end: float) -> None:
    """A rate that is a given function of time must be ≥ 0 on the interval and finite but for an integrable start."""
    rate = _schedule(system)
    if rate is None:
        return
    Names().code(rate)  # refuses, by name, what generated code cannot compute
    values = dict(zip(system.parameters, par.tolist(), strict=True))
    singular = rate_exponent(system, values) > 0
    used = tuple(p for p in values if p in rate.free_symbols)
    inside = timetable(system).breaks(par, end)
    edges = np.concatenate([[0.0], inside, [end]])
    grid = np.unique(np.concatenate([np.linspace(0.0, end, 1001), (edges[1:] + edges[:-1]) / 2]))[
        int(singular) :
    ]
    with np.errstate(all="ignore"):
        rates = np.broadcast_to(_of_time(rate, used)(grid, *(values[p] for p in used)), grid.shape)
    if (bad := ~(np.isfinite(rates) & (rates >= 0))).any():
        where = int(np.argmax(bad))
        raise ValueError(
            f"Schedule(expr={rate}): the learning rate is {rates[where]:g} at t = {grid[where]:g}; it must "
            f"be finite and >= 0 on [0, {end:g}]"
        )
