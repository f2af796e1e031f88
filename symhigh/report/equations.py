"""A limit as SymPy equations, LaTeX and text: views of the one intermediate form, however it was closed.

Part of the reports; reads a :class:`~symhigh.system.MomentSystem`, computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from sympy.core.function import UndefinedFunction

from symhigh.derivation.network import DensitySystem, NoReduction
from symhigh.report.latex import latex
from symhigh.symbols import risk, t, weight
from symhigh.system import MomentSystem

I_MODE = sp.Symbol("i", integer=True, positive=True)
N_MODES = sp.Symbol("N", integer=True, positive=True)


def equations(system: MomentSystem) -> list[sp.Eq]:
    """The limit as SymPy equations, the user's parameter values put in; the list differs with the closure."""
    return _of_density(system) if isinstance(system, DensitySystem) else _Modes(system).equations()


def equations_latex(system: MomentSystem) -> str:
    """One ``aligned`` environment, an equation a line."""
    lines = [f"{latex(e.lhs)} &= {latex(e.rhs)}" for e in equations(system)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def equations_text(system: MomentSystem) -> str:
    """One equation a line, plain characters."""
    return "\n".join(f"{_text(e.lhs)} = {_text(e.rhs)}" for e in equations(system))


def _of_density(system: DensitySystem) -> list[sp.Eq]:
    """SDE, balance law, equation of α, Fokker-Planck equation and risk, in this order.

    The SDE alone where the parametrization has no one-dimensional reduction.
    """
    try:
        rate = system.reduction.sde.drift[0].subs(risk, sp.Function("R")(t))
        level = sp.Eq(sp.Derivative(sp.Function("alpha")(t), t), rate)
        return [*system.sde.equations(), system.balance_law, level, system.fokker_planck, system.risk_equation]
    except NoReduction:
        return system.sde.equations()


@dataclass(frozen=True)
class _Modes:
    """Families of modes; symbols that change in time become functions of t, those of a mode functions of i."""

    system: MomentSystem

    @cached_property
    def _functions(self) -> dict[sp.Symbol, sp.Expr]:
        s = self.system
        moving = set(s.family.states)
        table: dict[sp.Symbol, sp.Expr] = {}
        for symbol in (*s.family.coefficients, weight):
            table[symbol] = _function(symbol)(I_MODE)
        for symbol in s.family.states:
            table[symbol] = _function(symbol)(I_MODE, t)
        changing = [r.name for r in s.reductions if r.summand.free_symbols & moving]
        changing += [x.name for x in s.scalars] + [x.name for x in s.states]
        return table | {symbol: _function(symbol)(t) for symbol in changing}

    def rewrite(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with functions for what changes and the user's values for parameters."""
        return expr.subs(self.system.parameters).subs(self._functions)

    def equations(self) -> list[sp.Eq]:
        """Modes, memory, scalars, averages, in this order."""
        s, f = self.system, self._functions
        shown = [
            sp.Eq(sp.Derivative(f[name], t), self.rewrite(rhs) + self._noise(k), evaluate=False)
            for k, (name, rhs) in enumerate(zip(s.family.states, s.family.rhs, strict=True))
        ]
        for state in s.states:
            shown.append(sp.Eq(sp.Derivative(f[state.name], t), self.rewrite(state.rhs), evaluate=False))
            shown.append(sp.Eq(f[state.name].subs(t, 0), self.rewrite(state.initial), evaluate=False))
        shown += [sp.Eq(f[x.name], self.rewrite(x.expression), evaluate=False) for x in s.scalars]
        for r in s.reductions:
            average = sp.Sum(f[weight] * self.rewrite(r.summand), (I_MODE, 1, N_MODES))
            shown.append(sp.Eq(f.get(r.name, r.name), average, evaluate=False))
        return shown

    def _noise(self, k: int) -> sp.Expr:
        """The white noise of the k-th state, where a mode's states are random: dB/dt of an Itô equation."""
        columns = self.system.diffusion
        if columns is None or k >= columns.rows:
            return sp.S.Zero
        white = [sp.Function("dB" if columns.cols == 1 else f"dB_{j + 1}")(I_MODE, t) for j in range(columns.cols)]
        return sp.Add(*(self.rewrite(columns[k, j]) * dB for j, dB in enumerate(white)))


def _function(symbol: sp.Symbol) -> UndefinedFunction:
    return sp.Function(symbol.name, real=True)


def _text(expr: sp.Expr) -> str:
    if isinstance(expr, sp.Derivative):
        return f"d/dt {expr.expr}"
    return str(expr)
