"""A closed limit as data: families of modes, reductions over them, scalars, scalar states, and where they come from.

Stands between derivation and everything that uses a limit (closed forms, code generation, printing).
A limit is thousands of modes with one right-hand side, coupled only through a few averages; so it is stored
as loops and never unrolled. Evaluation order: reductions, then scalars, then right-hand sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import sympy as sp

from symhigh.checks import declared, expression, instance, mapping, parameter, rebuilt, shown
from symhigh.meanfield import Family, MeanField, Reduction, Scalar, ScalarState
from symhigh.problem import Problem
from symhigh.rule import Rule


@dataclass(frozen=True, eq=False, repr=False)
class MomentSystem:
    """The exact limit of one-pass SGD for a problem and a rule; time is steps/d.

    The one truth of which equations, LaTeX, kernels and curves are views; what a user holds is one of its subclasses in
    :mod:`symhigh.objects`, which add these views as methods.
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

    def __repr__(self) -> str:
        """In one line; the equations are printed by ``str``."""
        states = ", ".join(map(str, (*self.family.states, *(s.name for s in self.states))))
        outputs = ", ".join(self.outputs)
        return f"{type(self).__name__}({self.problem.name} under {self.rule}; states {states}; outputs {outputs})"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the derivation assumed, and how it closed, in words."""
        return (*self.field.assumptions, *((self.closure,) if self.closure else ()))

    def __post_init__(self) -> None:
        owner = type(self.rule).__name__
        for symbol, value in self.parameters.items():
            declared("Problem" if getattr(symbol, "owner", "") in ("loss", "learnt") else owner, symbol, value)

    @property
    def diffusion(self) -> sp.ImmutableMatrix | None:
        """What multiplies the increments of a mode's Brownian motions, where its states are random; a row a state."""
        return None

    def scalar(self, name: str) -> sp.Expr:
        """The expression of the scalar called ``name``, in terms of what it is computed from."""
        for s in self.scalars:
            if s.name.name == name:
                return s.expression
        raise KeyError(f"scalar({name!r}): this system has {', '.join(s.name.name for s in self.scalars)}")

    def unfolded(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every scalar replaced by its expression, down to reductions, states and parameters' symbols."""
        expr = expression("MomentSystem.unfolded", "expr", expr, "a SymPy expression in the system's symbols")
        for s in reversed(self.scalars):
            expr = expr.subs(s.name, s.expression)
        return expr

    def expanded(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every scalar replaced by its expression, and every parameter by the user's value."""
        expr = expression("MomentSystem.expanded", "expr", expr, "a SymPy expression in the system's symbols")
        return self.unfolded(expr).xreplace(dict(self.parameters))

    def bind(self, values: Mapping[sp.Symbol | str, Any]) -> Self:
        """The same system with symbols inside the user's parameters replaced by ``values``.

        ``values`` maps symbols, or their names, to numbers and SymPy expressions; text is not read. What results is
        checked as the constructors of problem and rule check it, and refused in their words. A name that two
        different symbols bear is refused: give the symbol itself.
        """
        put: dict[sp.Basic, sp.Expr] = {}
        for key, value in mapping("bind", "values", values, "{symbol or name: number}").items():
            instance("bind", "values", key, (str, sp.Symbol), "{symbol or name: number}")
            symbol = self.open_symbol(key, f"bind(values={{{shown(str(key))}: …}})")
            given = parameter("bind", symbol.name, value, positive=None, meaning="a value for a symbol")
            if put.setdefault(symbol, given) != given:
                raise ValueError(f"bind(values={{{symbol.name}: …}}): {symbol.name} has two values; give one")
        return replace(
            self,
            problem=rebuilt(self.problem, put),
            rule=rebuilt(self.rule, put),
            parameters={s: e.xreplace(put) for s, e in self.parameters.items()},
        )

    def open_symbol(self, key: sp.Symbol | str, said: str) -> sp.Symbol:
        """The symbol without a value that ``key`` is, or is the name of; refusals begin with ``said``."""
        places: dict[sp.Symbol, str] = {}
        for own, value in self.parameters.items():
            owner = type(self.owner_of(own)).__name__
            for symbol in value.free_symbols:
                places.setdefault(symbol, f"{own.name} of {owner}")
        if key in places:
            return key
        name = str(key)
        found = [s for s in places if s.name == name]
        if not found:
            names = ", ".join(sorted({s.name for s in places})) or "none left"
            raise ValueError(
                f"{said}: not a parameter of this system without a value; it has {names}"
            )
        if len(found) > 1:
            where = " and ".join(sorted(places[s] for s in found))
            raise ValueError(
                f"{said}: different symbols are called {shown(name)}, in {where}; "
                "give the symbol itself in place of its name"
            )
        (only,) = found
        return only

    def owner_of(self, own: sp.Symbol) -> Problem | Rule:
        """Problem or rule, whichever one of ``parameters`` belongs to."""
        of_problem = own in self.problem.values or getattr(own, "owner", "") == "loss"
        return self.problem if of_problem else self.rule

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
