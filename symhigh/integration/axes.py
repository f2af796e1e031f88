"""The grid of a scan: its axes, checked value by value, and the parameters of a system at every point of it.

Serves :mod:`symhigh.integration.many`. What ``bind`` refuses is refused here in the same words; a constructor is
called once for each combination of values that it sees, not once a point.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symhigh.checks import declared, instance, is_listed, mapping, parameter, rebuilt, refuse_type, shown
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem

Put = dict[sp.Basic, sp.Expr]


@dataclass(frozen=True, eq=False)
class Axis:
    """Values of one symbol, as numbers of SymPy."""

    symbol: sp.Symbol
    values: tuple[sp.Expr, ...]

    @property
    def numbers(self) -> Array:
        """The values as floats."""
        return np.array([float(v) for v in self.values])


def axes_of(owner: str, system: MomentSystem, over: Any) -> tuple[Axis, ...]:
    """The axes that ``over`` states, ``{symbol or name: values}``, in its order."""
    found: list[Axis] = []
    for key, values in mapping(owner, "over", over, "{symbol or name: values}").items():
        instance(owner, "over", key, (str, sp.Symbol), "a mapping {symbol or name: values}")
        symbol = system.open_symbol(key, f"{owner}(over={{{shown(str(key))}: …}})")
        what = f"over[{symbol.name!r}]"
        plain = values.tolist() if isinstance(values, np.ndarray) and values.ndim else values
        if not is_listed(plain) or (given := list(plain)) == []:
            refuse_type(owner, what, values, "a list or an array of numbers, not empty", "one a curve")
        numbers = tuple(parameter(owner, what, v, positive=None, meaning="a value of the grid") for v in given)
        if open_ := [v for v in numbers if v.free_symbols]:
            raise ValueError(f"{owner}({what}={open_[0]}): a value of the grid must be a number")
        if symbol in [a.symbol for a in found]:
            raise ValueError(f"{owner}({what}=…): {symbol} has two axes; give one")
        found.append(Axis(symbol, numbers))
    return tuple(found)


def parameters_on(owner: str, system: MomentSystem, axes: tuple[Axis, ...]) -> tuple[Array, Array]:
    """The system's parameters at every point, of shape (points, parameters), and why a point is refused.

    Points are counted with the last axis fastest. The reasons have shape (points,) and are empty where there are none;
    parameters are NaN there.
    """
    shape = tuple(len(a.values) for a in axes)
    table = np.empty((*shape, len(system.parameters)))
    reasons = np.full(shape, "", dtype=object)
    symbols = {a.symbol for a in axes}
    open_ = sorted({str(s) for e in system.parameters.values() for s in e.free_symbols - symbols})
    if open_:
        raise ValueError(
            f"{owner}: the parameters {', '.join(open_)} have no value; give them an axis, over={{{open_[0]!r}: "
            f"[…]}}, or one value, system.bind({{{open_[0]!r}: number}})"
        )
    for thing in (system.problem, system.rule):
        own = [e for s, e in system.parameters.items() if system.owner_of(s) is thing]
        _tried(axes, own, reasons, lambda put, thing=thing: rebuilt(thing, put))  # type: ignore[misc]
    for column, (symbol, e) in enumerate(system.parameters.items()):
        name = "Problem" if system.owner_of(symbol) is system.problem else type(system.rule).__name__

        def value(put: Put, name: str = name, symbol: sp.Symbol = symbol, e: sp.Expr = e) -> float:
            return float(declared(name, symbol, e.xreplace(put)))

        found = _tried(axes, [e], reasons, value)
        table[..., column] = np.array(found, dtype=float)
    return table.reshape(-1, len(system.parameters)), reasons.ravel()


def _tried(axes: tuple[Axis, ...], exprs: list[sp.Expr], reasons: Array, made: Callable[[Put], Any]) -> Array:
    """What is made of every combination of the values that ``exprs`` hold, to be broadcast over the grid.

    Where it is refused, the reason is noted at all points of that combination.
    """
    held = set().union(*(e.free_symbols for e in exprs))
    used = [k for k, a in enumerate(axes) if a.symbol in held]
    results = np.full([len(a.values) if k in used else 1 for k, a in enumerate(axes)], np.nan, dtype=object)
    for place in itertools.product(*(range(len(axes[k].values)) for k in used)):
        at = dict(zip(used, place, strict=True))
        try:
            found = made({axes[k].symbol: axes[k].values[j] for k, j in at.items()})
        except (ValueError, ArithmeticError) as refusal:
            slab = tuple(at.get(k, slice(None)) for k in range(len(axes)))
            part = reasons[slab]
            reasons[slab] = np.where(part == "", str(refusal), part)
        else:
            results[tuple(at.get(k, 0) for k in range(len(axes)))] = found
    return results


@dataclass(frozen=True, eq=False)
class Grid:
    """Axes of parameters, then of populations; ``pars`` (points, parameters), ``reasons`` why a point is refused."""

    system: MomentSystem
    axes: tuple[Axis, ...]
    populations: dict[str, tuple[Any, ...]]
    given: tuple[tuple[Any, ...], ...]
    pars: Array
    reasons: Array

    @classmethod
    def of(cls, owner: str, system: MomentSystem, over: Any, population: Mapping[str, Any], most: float) -> Grid:
        """Of a mapping of parameters, and of populations by argument, of which a list is an axis.

        ``most`` is the number of points whose results memory holds.
        """
        axes = axes_of(owner, system, over)
        several = {name: tuple(v) for name, v in population.items() if isinstance(v, (list, tuple))}
        for name, values in several.items():
            if not values:
                raise ValueError(f"{owner}({name}=[]): give at least one")
            if name in {a.symbol.name for a in axes}:
                raise ValueError(f"{owner}(over={{{name!r}: …}}): two axes are called {name}; rename the symbol")
        count = math.prod([*(len(a.values) for a in axes), *map(len, several.values())])
        if count > most:
            raise ValueError(
                f"{owner}(over=…): memory holds the results of {most:.3g} curves, not of {count:.3g}; keep fewer "
                "outputs, as in keep='risk', give fewer times t, or scan in parts"
            )
        pars, reasons = parameters_on(owner, system, axes)
        given = tuple(itertools.product(*(several.get(name, (v,)) for name, v in population.items())))
        return cls(system, axes, several, given, np.repeat(pars, len(given), axis=0), np.repeat(reasons, len(given)))

    @property
    def named(self) -> dict[str, tuple[Any, ...]]:
        """The axes, by name."""
        return {a.symbol.name: tuple(a.numbers.tolist()) for a in self.axes} | self.populations

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(len(a.values) for a in self.axes), *map(len, self.populations.values()))

    def at(self, point: int) -> tuple[dict[sp.Symbol, sp.Expr], tuple[Any, ...]]:
        """The values of the symbols at a point, and the population there."""
        first, second = divmod(point, len(self.given))
        place = np.unravel_index(first, [len(a.values) for a in self.axes]) if self.axes else ()
        return {a.symbol: a.values[int(k)] for a, k in zip(self.axes, place, strict=True)}, self.given[second]
