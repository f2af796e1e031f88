"""A limit's equations as heyoka's expressions, solved by its Taylor method: what generated code is checked against.

Written from a system's symbolic expressions, mode by mode, without symhigh's code generation. Where an expression is in
pieces, a step ends on the border between them, found as an event; averages by quadrature are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np
import sympy as sp

from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import MixtureMean
from symhigh.integration.modes import modes_of
from symhigh.symbols import t, weight

AVAILABLE = find_spec("heyoka") is not None
REMEDY = "pip install 'symhigh[differential]'"
TOLERANCE, SEEN = 1e-14, 1e-9
"""The tolerance of a step, and how far beyond a border a state is surely beyond it."""
FUNCTIONS = ("exp", "log", "erf", "erfc", "sin", "cos", "tanh", "asin", "atan")
"""Functions that SymPy and heyoka call by the same name."""
Expression = Any
"""One of heyoka's."""


class Refused(ValueError):
    """What is not put to heyoka, and why."""


def translated(
    expr: sp.Basic, meaning: Callable[[sp.Symbol], Expression], positive: Callable[[Expression], Expression]
) -> Expression:
    """``expr`` for heyoka, its symbols by ``meaning`` and the condition of being positive by ``positive``."""
    import heyoka as hy

    def of(e: sp.Basic) -> Expression:
        match e:
            case sp.Symbol():
                return meaning(e)
            case sp.Number() | sp.NumberSymbol():
                return hy.expression(float(e))
            case sp.Add():
                return hy.sum(list(map(of, e.args)))
            case sp.Mul():
                return hy.prod(list(map(of, e.args)))
            case sp.Pow():
                return hy.sqrt(of(e.base)) if e.exp == sp.S.Half else of(e.base) ** of(e.exp)
            case sp.Max():
                return reduce(lambda a, b: hy.select(positive(a - b), a, b), map(of, e.args))
            case sp.Min():
                return reduce(lambda a, b: hy.select(positive(a - b), b, a), map(of, e.args))
            case sp.Heaviside():
                return hy.select(positive(of(e.args[0])), hy.expression(1.0), hy.expression(0.0))
            case sp.Piecewise():
                return reduce(lambda rest, piece: chosen(*piece, rest), reversed(e.args), hy.expression(np.nan))
            case GaussianMean() | MixtureMean():
                raise Refused("an average is taken by quadrature, which is not put to heyoka")
        if (name := type(e).__name__) not in FUNCTIONS:
            raise Refused(f"{name} is not put to heyoka")
        return getattr(hy, name)(*map(of, e.args))

    def chosen(value: sp.Expr, where: sp.Basic, rest: Expression) -> Expression:
        if where == sp.true:
            return of(value)
        if not isinstance(where, sp.Gt | sp.Ge | sp.Lt | sp.Le):
            raise Refused(f"a condition of the kind {type(where).__name__} is not put to heyoka")
        return hy.select(positive(of(where.gts) - of(where.lts)), of(value), rest)

    return of(expr)


class Equations:
    """All modes of a system written out: ``equations``, ``risk``, and the ``borders`` between pieces, zero there."""

    def __init__(self, system: Any, population: tuple[Any, ...]) -> None:
        import heyoka as hy

        held, coef, states, _ = modes_of(system, *population)
        family, self.modes = system.family, range(held.weights.size)
        rows = [[hy.expression(f"y{k}_{i}") for i in self.modes] for k in range(len(family.states))]
        memory = [hy.expression(f"m{j}") for j in range(len(system.states))]
        self.variables = [*chain.from_iterable(rows), *memory]
        self.known: dict[sp.Symbol, Expression] = {t: hy.time}
        self.known |= zip((s.name for s in system.states), memory, strict=True)
        self.known |= {s: hy.expression(float(value)) for s, value in system.parameters.items()}
        self.own = [
            {weight: hy.expression(held.weights[i])}
            | {s: row[i] for s, row in zip(family.states, rows, strict=True)}
            | {s: hy.expression(value) for s, value in zip(family.coefficients, coef[:, i], strict=True)}
            for i in self.modes
        ]
        self.averages = {r.name: r.summand for r in system.reductions}
        self.scalars = {s.name: s.expression for s in system.scalars}
        self.borders: list[Expression] = []
        slopes = [self.of(e, i) for e in family.rhs for i in self.modes] + [self.of(s.rhs) for s in system.states]
        self.equations = list(zip(self.variables, slopes, strict=True))
        self.risk = self.of(system.outputs["risk"])
        self.start = np.concatenate([states.ravel(), np.zeros(len(memory))])
        if memory:
            initial = [self.of(s.initial) for s in system.states]
            self.start[states.size :] = self.at(initial, self.start, 0.0, [0.0] * len(self.borders))

    def of(self, expr: sp.Expr, mode: int | None = None) -> Expression:
        """``expr`` in the variables, as one mode reads it."""
        own = {} if mode is None else self.own[mode]
        return translated(expr, lambda s: own[s] if s in own else self._shared(s), self._positive)

    def _shared(self, symbol: sp.Symbol) -> Expression:
        """A symbol of all modes; averages and scalars are written out when they are first met."""
        import heyoka as hy

        if symbol not in self.known:
            if symbol in self.averages:
                summand = self.averages[symbol]
                self.known[symbol] = hy.sum([self.own[i][weight] * self.of(summand, i) for i in self.modes])
            else:
                self.known[symbol] = self.of(self.scalars[symbol])
        return self.known[symbol]

    def _positive(self, value: Expression) -> Expression:
        """Whether ``value`` is positive: known for a number, else a parameter that events set to one or zero."""
        import heyoka as hy

        if not hy.get_variables([value]) and hy.to_sympy(value).is_number:
            return hy.gt(value, hy.expression(0.0))
        if value not in self.borders:
            self.borders.append(value)
        return hy.gt(hy.par[self.borders.index(value)], hy.expression(0.5))

    def at(self, exprs: list[Expression], y: np.ndarray, time: float, sides: Sequence[float]) -> np.ndarray:
        """The values of expressions; ``sides`` holds one for every border above zero."""
        import heyoka as hy

        used = hy.get_params(exprs)
        count = max((k + 1 for k in range(len(self.borders)) if hy.par[k] in used), default=0)
        return np.asarray(hy.cfunc(exprs, self.variables)(y, pars=np.array(sides[:count]), time=time))

    def sides(self) -> list[float]:
        """On which side of every border the start is; a border may depend on those before it."""
        found = [0.0] * len(self.borders)
        for k, border in enumerate(self.borders):
            (value,) = self.at([border], self.start, 0.0, found)
            if not abs(value) > 0:
                raise Refused("it starts on the border between two pieces, where a Taylor series does not exist")
            found[k] = float(value > 0)
        return found


def by_taylor(system: Any, population: tuple[Any, ...], times: np.ndarray) -> np.ndarray:
    """The risk at ``times``, by heyoka's Taylor method."""
    import heyoka as hy

    held = Equations(system, population)

    def crossing(k: int) -> Any:
        def cross(integrator: Any, sign: int) -> bool:
            integrator.pars[k] = float(sign > 0)
            return True

        return hy.t_event(held.borders[k], callback=cross)

    events = [crossing(k) for k in range(len(held.borders))]
    taylor = hy.taylor_adaptive(held.equations, held.start, tol=TOLERANCE, pars=held.sides(), t_events=events)
    risks = []
    for time in times:
        outcome = taylor.propagate_until(time)[0]
        if outcome != hy.taylor_outcome.time_limit:
            raise ArithmeticError(f"heyoka ended with {outcome} at t = {taylor.time:g}")
        risk, *borders = held.at([held.risk, *held.borders], taylor.state, time, list(taylor.pars))
        if any(abs(value) > SEEN and (value > 0) != side for value, side in zip(borders, taylor.pars, strict=True)):
            raise ArithmeticError(f"heyoka passed a border between pieces unseen before t = {time:g}")
        risks.append(risk)
    return np.array(risks)
