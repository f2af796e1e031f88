"""Schedules with jumps, integrated from jump to jump: floor, ceiling, Mod, frac, Heaviside, sign, conditions in t.

Between a limit and its integration. Each such function of time and parameters alone becomes a parameter, constant on
the intervals between its jumps, which are found before anything is integrated: so the right-hand side of an interval is
smooth, and the derivative of a step is zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from symhigh.population.spectrum import Array
from symhigh.symbols import OwnedSymbol, inverse_time, t
from symhigh.system import MomentSystem

_STEPS = (sp.floor, sp.ceiling, sp.Heaviside, sp.sign)
_SAMPLES, _MOST = 4096, 200_000


@dataclass(frozen=True)
class Switch:
    """A step function of time: ``inner`` crosses integers where ``whole``, else zero; ``value`` is what it is."""

    symbol: sp.Symbol
    inner: sp.Expr
    value: sp.Expr
    whole: bool


@dataclass(frozen=True, eq=False)
class Timetable:
    """A system whose switches are parameters, the last ones of ``system.parameters``."""

    system: MomentSystem
    switches: tuple[Switch, ...]

    def breaks(self, par: Array, end: float) -> Array:
        """The times in (0, end) at which a switch may jump, increasing."""
        values = self._values(par)
        found = np.zeros(0)
        for switch in self.switches:  # inner ones first: between their jumps the outer ones move continuously
            found = _merged([found, _jumps(switch, values, found, end)], end)
        return found

    def at(self, par: Array, time: float, snap: bool = False) -> Array:
        """The switches at one time; with ``snap`` whole numbers are met to rounding, as at a jump itself."""
        values = self._values(par)
        result = []
        for s in self.switches:
            if snap and s.whole:
                inner = float(_function(s.inner, values)(np.array([time]))[0])
                near = round(inner) if abs(inner - round(inner)) < 1e-11 * max(1.0, abs(inner)) else inner
                result.append(float(np.floor(near) if isinstance(s.value, sp.floor) else np.ceil(near)))
            else:
                result.append(float(_function(s.value, values)(np.array([time]))[0]))
        return np.array(result)

    def _values(self, par: Array) -> dict[sp.Symbol, float]:
        return dict(zip(self.system.parameters, par.tolist(), strict=False))


_found: dict[object, Timetable] = {}


@lru_cache(maxsize=64)
def timetable(system: MomentSystem) -> Timetable:
    """Replace what jumps in time by parameters; a system without jumps stays as it is."""
    key = system.content
    if key not in _found:
        _found[key] = _timetable(system)
    found = _found[key]
    if not found.switches:
        return Timetable(system, ())
    parameters = {**system.parameters, **{s.symbol: sp.S.Zero for s in found.switches}}
    own = replace(found.system, problem=system.problem, rule=system.rule, parameters=parameters)
    return Timetable(own, found.switches)


def _timetable(system: MomentSystem) -> Timetable:
    exprs = [
        *(s.expression for s in system.scalars if s.name != inverse_time),
        *(s.rhs for s in system.states),
        *system.family.rhs,
        *system.outputs.values(),
    ]
    among = {t, *system.parameters}
    switches: dict[sp.Basic, Switch] = {}
    for expr in exprs:
        for atom in _ordered(without_remainders(expr), among):
            if atom not in switches:
                symbol = OwnedSymbol(f"switch_{len(switches)}", real=True)
                switches[atom] = _switch(symbol, atom)
    if not switches:
        return Timetable(system, ())
    put = {
        atom: sp.StrictGreaterThan(s.symbol, sp.S.Half) if isinstance(atom, Relational) else s.symbol
        for atom, s in switches.items()
    }

    def smooth(expr: sp.Expr) -> sp.Expr:
        return without_remainders(expr).xreplace(put)

    changed = replace(
        system,
        scalars=tuple(
            s if s.name == inverse_time else replace(s, expression=smooth(s.expression)) for s in system.scalars
        ),
        states=tuple(replace(s, rhs=smooth(s.rhs)) for s in system.states),
        family=replace(system.family, rhs=tuple(map(smooth, system.family.rhs))),
        outputs={name: smooth(e) for name, e in system.outputs.items()},
        parameters={**system.parameters, **{s.symbol: sp.S.Zero for s in switches.values()}},
    )
    return Timetable(changed, tuple(switches.values()))


def without_remainders(expr: sp.Expr) -> sp.Expr:
    """Remainders and fractional parts through floor."""
    return expr.replace(sp.Mod, lambda a, b: a - b * sp.floor(a / b)).replace(
        sp.frac, lambda a: a - sp.floor(a)
    )


def _ordered(expr: sp.Expr, among: set[sp.Symbol]) -> list[sp.Basic]:
    """The step functions of time in ``expr``, inner ones first."""
    atoms = {a for a in expr.atoms(*_STEPS) if a.has(t)}
    atoms |= {c for p in expr.atoms(sp.Piecewise) for c in p.atoms(Relational) if c.has(t)}
    own = [a for a in atoms if a.free_symbols <= among]
    return sorted(own, key=lambda a: (len(list(sp.preorder_traversal(a))), str(a)))


def _switch(symbol: sp.Symbol, atom: sp.Basic) -> Switch:
    if isinstance(atom, sp.floor | sp.ceiling):
        return Switch(symbol, atom.args[0], atom, whole=True)
    if isinstance(atom, Relational):
        return Switch(symbol, atom.lhs - atom.rhs, sp.Piecewise((1, atom), (0, True)), whole=False)
    return Switch(symbol, atom.args[0], atom, whole=False)


def _function(expr: sp.Expr, values: dict[sp.Symbol, float]) -> Callable[[Array], Array]:
    f = sp.lambdify(t, expr.subs(values), "numpy")

    def of(times: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(f(times), dtype=float), times.shape)

    return of


def _jumps(switch: Switch, values: dict[sp.Symbol, float], known: Array, end: float) -> Array:
    """Where the inner function crosses zero, or whole numbers, between the jumps that are known."""
    line = switch.inner.subs(values).as_poly(t)
    if line is not None and line.degree() == 1:
        slope, offset = float(line.coeff_monomial(t)), float(line.coeff_monomial(1))
        if not switch.whole:
            return np.array([-offset / slope])
        levels = sorted((offset, offset + slope * end))
        _check_number(levels[1] - levels[0], switch)
        return (np.arange(np.ceil(levels[0]), np.floor(levels[1]) + 1) - offset) / slope
    inner = _function(switch.inner, values)
    edges = np.array([0.0, *known, end])
    inside = 1e-12 * end
    pieces = [
        np.linspace(a + inside, b - inside, max(64, int(_SAMPLES * (b - a) / end)))
        for a, b in itertools.pairwise(edges)
        if b - a > 4 * inside
    ]
    return np.array([root for piece in pieces for root in _crossings(inner, piece, switch)])


def _crossings(inner: Callable[[Array], Array], grid: Array, switch: Switch) -> Iterable[float]:
    from scipy.optimize import brentq

    heights = inner(grid)
    if switch.whole:
        _check_number(float(np.abs(np.diff(np.floor(heights[np.isfinite(heights)]))).sum()), switch)
    for (a, b), (low, high) in zip(itertools.pairwise(grid), itertools.pairwise(heights), strict=True):
        if not (np.isfinite(low) and np.isfinite(high)):
            continue
        levels = (
            np.arange(np.ceil(min(low, high)), np.floor(max(low, high)) + 1) if switch.whole else np.zeros(1)
        )
        for level in levels:
            if (low - level) * (high - level) < 0:
                yield float(
                    brentq(lambda s, at=level: float(inner(np.array([s]))[0]) - at, a, b, xtol=1e-15 * b)
                )
            elif low != high and level in (low, high):
                yield _touched(inner, level, a, b)


def _touched(inner: Callable[[Array], Array], level: float, a: float, b: float) -> float:
    """Where a function that is at ``level`` at one end of an interval only leaves or reaches it, by bisection."""
    begins = bool(inner(np.array([a]))[0] == level)
    while b - a > 1e-15 * b:
        middle = (a + b) / 2
        if not a < middle < b:
            break
        stays = bool(inner(np.array([middle]))[0] == level) is begins
        a, b = (middle, b) if stays else (a, middle)
    return float(b)


def _check_number(count: float, switch: Switch) -> None:
    if count > _MOST:
        raise ValueError(
            f"Schedule: {switch.value} jumps {count:.0f} times, more than the {_MOST} that are integrated one by one; "
            "use a schedule that jumps less often, or its average"
        )


def _merged(parts: list[Array], end: float) -> Array:
    times = np.unique(np.concatenate(parts))
    times = times[(times > 1e-12 * end) & (times < end * (1 - 1e-12))]
    return times[np.concatenate([[True], np.diff(times) > 1e-12 * end])] if times.size else times
