"""A limit as SymPy equations, LaTeX and text: views of the one intermediate form, however it was closed.

Part of the reports; reads a :class:`~symhigh.system.MomentSystem`, computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy as sp
from sympy.core.function import UndefinedFunction

from symhigh.checks import choice
from symhigh.derivation.close.density import DensitySystem, density_equations
from symhigh.derivation.mixture import outermost_means
from symhigh.notation import FieldLatexPrinter, latex
from symhigh.report.tidy import tidy
from symhigh.symbols import t, weight
from symhigh.system import MomentSystem

I_MODE = sp.Symbol("i", integer=True, positive=True)
N_MODES = sp.Symbol("N", integer=True, positive=True)


def equations(system: MomentSystem) -> list[sp.Eq]:
    """The limit as SymPy equations, the user's parameter values put in; the list differs with the closure."""
    return density_equations(system) if isinstance(system, DensitySystem) else Notation(system).equations()


def equations_latex(system: MomentSystem, averages: str = "sums", common: bool = False) -> str:
    """One ``aligned`` environment, an equation a line.

    ``averages`` over modes are ``"sums"`` with weights or ``"brackets"``, ⟨λ_i D²_i⟩; ``common`` names expressions that
    occur more than once ``K_1``, ``K_2``, …. The average over the classes of a network stays a sum.
    """
    choice("latex", "averages", averages, ("sums", "brackets"))
    shown, lines = equations(system), []
    if common:
        names, right = _common([e.rhs for e in shown])
        lines = [f"{latex(name)} &= {latex(value)}" for name, value in names]
        shown = [sp.Eq(e.lhs, r, evaluate=False) for e, r in zip(shown, right, strict=True)]
    printer = BracketPrinter() if averages == "brackets" else None
    lines += [f"{latex(e.lhs)} &= {printer.doprint(e.rhs) if printer else latex(e.rhs)}" for e in shown]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def equations_text(system: MomentSystem) -> str:
    """One equation a line, plain characters."""
    return "\n".join(f"{_text(e.lhs)} = {_text(e.rhs)}" for e in equations(system))


@dataclass(frozen=True)
class Notation:
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
        return expr.xreplace(dict(self.system.parameters)).xreplace(self._functions)

    def equations(self) -> list[sp.Eq]:
        """Modes, averages that differ by mode, memory, scalars, averages over the modes, in this order."""
        s, f = self.system, self._functions
        by_mode = {
            node: _function(sp.Symbol(f"E_{k + 1}"))(I_MODE, t)
            for k, node in enumerate(outermost_means(s.family.rhs))
        }
        shown = [
            sp.Eq(sp.Derivative(f[name], t), self.rewrite(rhs.xreplace(by_mode)) + self._noise(k), evaluate=False)
            for k, (name, rhs) in enumerate(zip(s.family.states, s.family.rhs, strict=True))
        ]
        shown += [sp.Eq(name, self.rewrite(tidy(node)), evaluate=False) for node, name in by_mode.items()]
        for state in s.states:
            shown.append(sp.Eq(sp.Derivative(f[state.name], t), self.rewrite(state.rhs), evaluate=False))
            shown.append(sp.Eq(f[state.name].subs(t, 0), self.rewrite(state.initial), evaluate=False))
        shown += [sp.Eq(f[x.name], self.rewrite(tidy(x.expression)), evaluate=False) for x in s.scalars]
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


class BracketPrinter(FieldLatexPrinter):
    """Weighted sums over modes as averages in brackets; the index tells what is averaged from its average."""

    def _print_Sum(self, expr: sp.Sum) -> str:
        return rf"\left\langle {self._print(expr.function / _function(weight)(I_MODE))} \right\rangle"


def _common(right: list[sp.Expr], least: int = 5) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
    """Expressions of at least so many operations that occur more than once, and what is left of ``right``."""
    found, left = sp.cse(right, symbols=sp.numbered_symbols("_k"), order="none")
    named: list[tuple[sp.Symbol, sp.Expr]] = []
    put: dict[sp.Symbol, sp.Expr] = {}
    for name, value in found:
        value = value.xreplace(put)
        if value.count_ops() < least or value.has(I_MODE):
            put[name] = value
        else:
            put[name] = sp.Symbol(f"K_{len(named) + 1}")
            named.append((put[name], value))
    return named, [e.xreplace(put) for e in left]


def _function(symbol: sp.Symbol) -> UndefinedFunction:
    return sp.Function(symbol.name, real=True)


def _text(expr: sp.Expr) -> str:
    if isinstance(expr, sp.Derivative):
        return f"d/dt {expr.expr}"
    return str(expr)
