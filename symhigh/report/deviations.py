"""The linear theory around a limit as SymPy equations, LaTeX and text: covariances, biases, and what they are made of.

Part of the reports; a view of :class:`~symhigh.derivation.fluctuations.Deviations`, computes nothing. A covariance of
the states of modes i and j is ``C(i, j, t)``, at dimension d it is ``C/d``; the bias of a state is ``m(i, t)/d``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.fluctuations import Deviations
from symhigh.notation import latex
from symhigh.report.equations import I_MODE, N_MODES, Notation
from symhigh.report.tidy import tidy
from symhigh.symbols import t, weight

J_MODE, K_MODE, L_MODE = (sp.Symbol(name, integer=True, positive=True) for name in "jkl")
_APART = ("distance_threshold",)
"""Outputs of a limit that are no quantity of a run."""
_SHORT = 12
"""Averages over a sample of more operations than this get a letter."""


@dataclass(frozen=True, eq=False)
class FluctuationEquations:
    """``dC/dt = J C + C Jᵀ + Σ`` and ``dm/dt = J m + ½ F″:C + B₁ - ½ d²y/dt²`` of one limit, written out.

    ``equations()`` are, in this order: C of every pair of states and memories, m of each, the variances and biases of
    the outputs (those of one run times d), and the averages over a sample that occur, ``K_1``, ``K_2``, …. For steps
    that move every coordinate by itself those of Q and K of :mod:`symhigh.derivation.entrywise` follow the m. Where the
    bias is not derived ``why`` says the reason, and the equations of m are left out.
    """

    theory: Deviations

    @property
    def why(self) -> str:
        """Why the bias is not derived, or ""."""
        return self.theory.why

    def equations(self) -> list[sp.Eq]:
        """All of them; symbols as in the equations of the limit."""
        return list(_Written(self.theory).all)

    def latex(self) -> str:
        """One ``aligned`` environment, an equation a line."""
        lines = [f"{latex(e.lhs)} &= {latex(e.rhs)}" for e in self.equations()]
        return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"

    def text(self) -> str:
        """One equation a line, plain characters."""
        return "\n".join(f"{_left(e.lhs)} = {e.rhs}" for e in self.equations())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"FluctuationEquations({len(self.equations())} equations{', no bias: ' + self.why if self.why else ''})"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def _left(expr: sp.Expr) -> str:
    return f"d/dt {expr.expr}" if isinstance(expr, sp.Derivative) else str(expr)


Entry = tuple[int, sp.Symbol | None]
"""A state of a mode, by its number and index, or a memory, by its number behind the states and None."""


class _Written:
    """The equations of one theory."""

    def __init__(self, theory: Deviations) -> None:
        self.theory, self.p = theory, theory.block.rows
        self.names = [*theory.system.family.states[: self.p], *(s.name for s in theory.system.states)]
        self.notation = Notation(theory.system)
        self.letters: dict[sp.Expr, sp.Symbol] = {}

    @cached_property
    def all(self) -> list[sp.Eq]:
        entries = range(len(self.names))
        shown = [self._covariance(a, b) for a, b in combinations_with_replacement(entries, 2)]
        if self.theory.mean is not None:
            shown += [self._bias(a) for a in entries] + self._beside()
        for o, name in enumerate(self.theory.system.outputs):
            if name not in _APART and any(e != 0 for e in self.theory.gradients.row(o)):
                shown += self._output(o, name)
        shown += [sp.Eq(name, value, evaluate=False) for value, name in self.letters.items()]
        return shown + self._averages(shown)

    def _averages(self, shown: list[sp.Eq]) -> list[sp.Eq]:
        """The averages that occur and that the limit itself does not have."""
        used, known = set().union(*(e.rhs.atoms(AppliedUndef) for e in shown)), self.theory.system.field.couplings
        own = [r for r in self.theory.system.reductions if r.name not in {c.name for c in known}]
        found = []
        for r in own:
            if (name := self.notation.rewrite(r.name)) in used:
                total = sp.Sum(self._at(weight, (0, K_MODE)) * self._at(r.summand, (0, K_MODE)), (K_MODE, 1, N_MODES))
                found.append(sp.Eq(name, total, evaluate=False))
        return found

    # --- equations --------------------------------------------------------------------------------------------
    def _covariance(self, a: int, b: int) -> sp.Eq:
        first, second = self._entry(a, I_MODE), self._entry(b, J_MODE if a < self.p else I_MODE)
        total = self._moved(first, second) + self._moved(second, first) + self._noise(first, second)
        return sp.Eq(sp.Derivative(self._C(first, second), t), total, evaluate=False)

    def _bias(self, a: int) -> sp.Eq:
        mean, entry = self.theory.mean, self._entry(a, I_MODE)
        assert mean is not None
        z = range(len(self.theory.coupling))
        row, bent = (mean.outer, a) if a < self.p else (mean.memory, a - self.p)
        pairs = [(k, l) for k in z for l in z if self._there(row, bent, k, l)]
        half = [self._at(row[bent, k, l], entry) * self._between(k, l) for k, l in pairs]
        if a < self.p:
            for q in range(self.p):
                beside = self._entry(q, I_MODE)
                half += [2 * self._at(mean.mixed[a, q, k], entry) * self._along(k, beside) for k in z]
                for r in range(self.p):
                    half.append(self._at(mean.inner[a, q, r], entry) * self._C(beside, self._entry(r, I_MODE)))
        shift = mean.shift[a] if a < self.p else mean.memory_shift[a - self.p]
        own = self.notation.rewrite(self.names[a])
        total = self._moved(entry, None) + sp.Add(*half) / 2 + self._at(shift, entry) - sp.Derivative(own, (t, 2)) / 2
        return sp.Eq(sp.Derivative(self._m(entry), t), total, evaluate=False)

    def _beside(self) -> list[sp.Eq]:
        """What the mean needs beside C."""
        family, entry = self.theory.system.family, self._entry(0, I_MODE)
        pairs = list(zip(family.states, family.rhs, strict=True))[self.p :]
        return [
            sp.Eq(sp.Derivative(self._at(name, entry), t), self._at(rhs, entry), evaluate=False) for name, rhs in pairs
        ]

    def _output(self, o: int, name: str) -> list[sp.Eq]:
        z = [k for k in range(len(self.theory.coupling)) if self.theory.gradients[o, k] != 0]
        slope = {k: self._at(self.theory.gradients[o, k], None) for k in z}
        variance = sp.Add(*(slope[k] * slope[l] * self._between(k, l) for k in z for l in z))
        shown = [sp.Eq(sp.Function(f"Var_{name}")(t), variance, evaluate=False)]
        if (mean := self.theory.mean) is not None:
            all_z = range(len(self.theory.coupling))
            curved = [
                self._at(mean.outputs[o, k, l], None) * self._between(k, l)
                for k in all_z for l in all_z if self._there(mean.outputs, o, k, l)
            ]  # fmt: skip
            bias = sp.Add(*(slope[k] * self._along(k, None) for k in z)) + sp.Add(*curved) / 2
            shown.append(sp.Eq(sp.Function(f"bias_{name}")(t), bias, evaluate=False))
        return shown

    # --- parts ------------------------------------------------------------------------------------------------
    def _moved(self, entry: Entry, other: Entry | None) -> sp.Expr:
        """The row of J of ``entry`` times C with ``other``, or times m where that is None."""
        a, _ = entry
        z = range(len(self.theory.coupling))
        if a >= self.p:
            return sp.Add(*(self._at(self.theory.memory[a - self.p, k], entry) * self._along(k, other) for k in z))
        own = (self._at(self.theory.block[a, r], entry) * self._C((r, entry[1]), other) for r in range(self.p))
        return sp.Add(*own, *(self._at(self.theory.border[a, k], entry) * self._along(k, other) for k in z))

    def _noise(self, first: Entry, second: Entry) -> sp.Expr:
        """Σ."""
        rows = []
        count = self.theory.features.shape[1]
        for a, index in (first, second):
            row = [sp.S.Zero] * self.theory.core.rows
            if a < self.p:
                row[:count] = [self._at(e, (a, index)) for e in self.theory.features.row(a)]
            else:
                row[count + a - self.p] = sp.S.One
            rows.append(sp.Matrix([row]))
        total = (rows[0] * self.theory.core.applyfunc(lambda e: self._at(e, None)) * rows[1].T)[0, 0]
        if first[0] < self.p and second[0] < self.p:
            apart = sp.KroneckerDelta(first[1], second[1]) / self.notation.rewrite(weight)
            total += apart * self._at(self.theory.spread[first[0], second[0]], first)
        return total

    def _along(self, k: int, other: Entry | None, index: sp.Symbol = K_MODE) -> sp.Expr:
        """The covariance of the k-th coupling with ``other``, or its m."""
        if k >= self.theory.averages:
            return self._C((self.p + k - self.theory.averages, None), other)
        read = [(r, e) for r, e in enumerate(self.theory.reading.row(k)) if e != 0]
        summand = sp.Add(*(self._at(e, (r, index)) * self._C((r, index), other) for r, e in read))
        return sp.Sum(self._at(weight, (0, index)) * summand, (index, 1, N_MODES))

    def _between(self, k: int, l: int) -> sp.Expr:
        """The covariance of two couplings."""
        if l >= self.theory.averages:
            return self._along(k, (self.p + l - self.theory.averages, None))
        if k >= self.theory.averages:
            return self._along(l, (self.p + k - self.theory.averages, None))
        read = [(r, e) for r, e in enumerate(self.theory.reading.row(l)) if e != 0]
        summand = sp.Add(*(self._at(e, (r, L_MODE)) * self._along(k, (r, L_MODE)) for r, e in read))
        return sp.Sum(self._at(weight, (0, L_MODE)) * summand, (L_MODE, 1, N_MODES))

    def _C(self, first: Entry, second: Entry | None) -> sp.Expr:
        """C of two entries; m of the first where there is no second."""
        if second is None:
            return self._m(first)
        (a, i), (b, j) = sorted((first, second), key=lambda e: (e[0], str(e[1])))
        called = "C" if len(self.names) == 1 else f"C_{self.names[a].name}_{self.names[b].name}"
        return sp.Function(called, real=True)(*(k for k in (i, j) if k is not None), t)

    def _m(self, entry: Entry) -> sp.Expr:
        called = "m" if len(self.names) == 1 else f"m_{self.names[entry[0]].name}"
        return sp.Function(called, real=True)(*([] if entry[1] is None else [entry[1]]), t)

    def _entry(self, a: int, index: sp.Symbol) -> Entry:
        return (a, index) if a < self.p else (a, None)

    def _at(self, expr: sp.Expr, entry: Entry | None) -> sp.Expr:
        """A coefficient of the theory as a function of time, and of the mode of ``entry``."""
        for name, value in reversed(self.theory.shared):
            if expr.has(name):
                expr = expr.xreplace({name: self._letter(value)})
        if expr.is_Add and expr.is_polynomial() and expr.count_ops() < 5 * _SHORT:
            expr = sp.factor(expr)
        found = self.notation.rewrite(expr)
        return found if entry is None or entry[1] is None else found.subs(I_MODE, entry[1])

    def _letter(self, value: sp.Expr) -> sp.Expr:
        """An average over a sample as it is, or as a function of time where it is long."""
        inner = value
        for name, deeper in reversed(self.theory.shared):
            if inner.has(name):
                inner = inner.xreplace({name: self._letter(deeper)})
        if inner.count_ops() <= _SHORT:
            return inner
        shown = self.notation.rewrite(tidy(inner))
        if shown not in self.letters:
            self.letters[shown] = sp.Function(f"K_{len(self.letters) + 1}", real=True)(t)
        return self.letters[shown]

    @staticmethod
    def _there(table: sp.Array, *at: int) -> bool:
        return 0 not in table.shape and len(table.shape) == len(at) and table[at] != 0

