"""The one intermediate form of a limit: families of modes, reductions over them, scalars, scalar states.

Stands between derivation and everything that uses a limit (closed forms, code generation, printing).
A limit is thousands of modes with one right-hand side, coupled only through a few averages; so it is stored
as loops and never unrolled. Evaluation order: reductions, then scalars, then right-hand sides.
"""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sympy as sp

from symhigh.checks import declared, expression, instance, mapping, parameter, rebuilt, shown

if TYPE_CHECKING:
    from symhigh.integration.bands import Fluctuations
    from symhigh.integration.curve import Curve
    from symhigh.meanfield import MeanField
    from symhigh.population import Spectrum, Start
    from symhigh.problem import Problem
    from symhigh.rule import Rule


def read_only(entries: Mapping[Any, Any]) -> MappingProxyType[Any, Any]:
    """A mapping of ``entries`` that cannot be changed."""
    return MappingProxyType(dict(entries))


# read-only mappings hold the parts of results, which go to other processes and into caches
copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))


@dataclass(frozen=True)
class Family:
    """Modes i = 1 … N with one right-hand side.

    ``states`` evolve as ``d states/dt = rhs``; ``coefficients`` are constant in time and differ from mode to
    mode. ``definitions`` gives each state and each coefficient of the start in terms of a coordinate's entries times
    √d: its average over the coordinates of a mode is the state of a simulation, and the start of the limit.
    """

    states: tuple[sp.Symbol, ...]
    coefficients: tuple[sp.Symbol, ...]
    rhs: tuple[sp.Expr, ...]
    definitions: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Reduction:
    """``name = sum_i w_i summand_i``, the weighted average of ``summand`` over the modes of the family."""

    name: sp.Symbol
    summand: sp.Expr


@dataclass(frozen=True)
class Scalar:
    """``name = expression`` of reductions, scalar states, parameters, t and scalars before it."""

    name: sp.Symbol
    expression: sp.Expr


@dataclass(frozen=True)
class ScalarState:
    """A scalar that evolves: ``d name/dt = rhs``, ``name(0) = initial`` (of parameters and reductions)."""

    name: sp.Symbol
    rhs: sp.Expr
    initial: sp.Expr


@dataclass(frozen=True, eq=False)
class MomentSystem:
    """The exact limit of one-pass SGD for a problem and a rule; time is steps/d.

    Produced by :func:`symhigh.derive`; a truth of which equations, LaTeX, kernels and curves are views.
    ``parameters`` maps the canonical symbols (η, b, ω, …) to what the user gave, numbers or expressions;
    the stored expressions keep the canonical symbols, so changing a number compiles nothing anew.
    ``outputs`` names what a curve carries: ``risk``, ``learning_rate``, ``distance``, …
    """

    problem: Problem
    rule: Rule
    family: Family
    reductions: tuple[Reduction, ...]
    scalars: tuple[Scalar, ...]
    states: tuple[ScalarState, ...]
    parameters: Mapping[sp.Symbol, sp.Expr]
    outputs: Mapping[str, sp.Expr]
    field: MeanField
    closure: str = ""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the derivation assumed, and how it closed, in words."""
        return (*self.field.assumptions, *((self.closure,) if self.closure else ()))

    def __post_init__(self) -> None:
        owner = type(self.rule).__name__
        for symbol, value in self.parameters.items():
            declared("Problem" if getattr(symbol, "owner", "") == "loss" else owner, symbol, value)

    @property
    def diffusion(self) -> sp.ImmutableMatrix | None:
        """What multiplies the increments of a mode's Brownian motions, where its states are random; a row a state."""
        return None

    # --- views ------------------------------------------------------------------------------------------
    def scalar(self, name: str) -> sp.Expr:
        """The expression of the scalar called ``name``, in terms of what it is computed from."""
        for s in self.scalars:
            if s.name.name == name:
                return s.expression
        raise KeyError(f"scalar({name!r}): this system has {', '.join(s.name.name for s in self.scalars)}")

    def expanded(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every scalar replaced by its expression, down to reductions, states and parameters."""
        expr = expression("MomentSystem.expanded", "expr", expr, "a SymPy expression in the system's symbols")
        for s in reversed(self.scalars):
            expr = expr.subs(s.name, s.expression)
        return expr

    def equations(self) -> list[sp.Eq]:
        """The limit as SymPy equations, the user's parameter values put in.

        A mode's state or coefficient is an undefined function of the index, ``V11(i, t)``, ``lambda(i)``;
        averages are ``Sum(w(i)*…, (i, 1, N))`` with weights that sum to one (``1/d`` each for d modes).
        """
        return self._view.equations()

    def latex(self, averages: str = "sums", common: bool = False) -> str:
        """The equations as one LaTeX ``aligned`` environment; see :class:`symhigh.report.equations.EquationView`."""
        return str(self._view.latex(averages, common))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        return self._view.text()

    @property
    def _view(self) -> Any:  # printing lives in a later room; the system only points at it
        from symhigh.report.equations import EquationView

        return EquationView(self)

    # --- verbs ------------------------------------------------------------------------------------------
    def bind(self, values: Mapping[sp.Symbol | str, Any]) -> MomentSystem:
        """The same system with symbols inside the user's parameters replaced by ``values``.

        ``values`` maps symbols, or their names, to numbers and SymPy expressions; text is not read. What results is
        checked as the constructors of problem and rule check it, and refused in their words. A name that two
        different symbols bear is refused: give the symbol itself.
        """
        put: dict[sp.Basic, sp.Expr] = {}
        for key, value in mapping("bind", "values", values, "{symbol or name: number}").items():
            symbol = self._open(instance("bind", "values", key, (str, sp.Symbol), "{symbol or name: number}"))
            given = parameter("bind", symbol.name, value, positive=None, meaning="a value for a symbol")
            if put.setdefault(symbol, given) != given:
                raise ValueError(f"bind(values={{{symbol.name}: …}}): {symbol.name} has two values; give one")
        return replace(
            self,
            problem=rebuilt(self.problem, put),
            rule=rebuilt(self.rule, put),
            parameters={s: e.xreplace(put) for s, e in self.parameters.items()},
        )

    def _open(self, key: sp.Symbol | str) -> sp.Symbol:
        """The symbol without a value that ``key`` is, or is the name of."""
        places: dict[sp.Symbol, str] = {}
        for own, value in self.parameters.items():
            of_problem = own in self.problem.values or getattr(own, "owner", "") == "loss"
            owner = type(self.problem if of_problem else self.rule).__name__
            for symbol in value.free_symbols:
                places.setdefault(symbol, f"{own.name} of {owner}")
        if key in places:
            return key
        name = str(key)
        found = [s for s in places if s.name == name]
        if not found:
            names = ", ".join(sorted({s.name for s in places})) or "none left"
            raise ValueError(
                f"bind(values={{{shown(name)}: …}}): not a parameter of this system without a value; it has {names}"
            )
        if len(found) > 1:
            where = " and ".join(sorted(places[s] for s in found))
            raise ValueError(
                f"bind(values={{{shown(name)}: …}}): different symbols are called {shown(name)}, in {where}; "
                "give the symbol itself in place of its name"
            )
        return found[0]

    def solve(
        self,
        spectrum: Spectrum,
        start: Start,
        t_end: float,
        t: Any = None,
        rtol: float = 1e-8,
        **options: Any,
    ) -> Curve:
        """Integrate the limit; see :func:`symhigh.integration.solve` for the arguments and the curve."""
        from symhigh.integration import solve

        return solve(self, spectrum, start, t_end, t=t, rtol=rtol, **options)

    def fluctuations(
        self, spectrum: Spectrum, start: Start, t_end: float, t: Any = None, **options: Any
    ) -> Fluctuations:
        """How far one run strays, and the mean's bias, at any d; see :mod:`symhigh.integration.fluctuations`."""
        from symhigh.integration.fluctuations import fluctuations

        return fluctuations(self, spectrum, start, t_end, t=t, **options)

    @property
    def content(self) -> tuple[Any, ...]:
        """The equations themselves, hashable; equal for systems that differ in parameter values only."""
        return (
            self.family,
            self.reductions,
            self.scalars,
            self.states,
            tuple(self.parameters),
            tuple(self.outputs.items()),
        )
