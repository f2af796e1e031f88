"""The linear algebra of the implicit stepper, written as loops over the modes: systems ``(σ - J) x = b`` in O(N).

Stands between the derived Jacobian (:mod:`symhigh.codegen.jacobian`) and the method. Functions of the module:

``linearise(t_, y, slope, par, coef, w, const)``           everything of J that is shared by the modes;
``factor(sigma, y, slope, A, par, coef, w, const)``        the small matrix of Woodbury's identity, inverted;
``solve(sigma, y, right, out, slope, A, z, par, coef, w, const)``  ``(σ - J) x = b`` at the linearisation point y;
``drift(y, out, slope, par, coef, w, const)``              ∂f/∂t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy as sp

from symhigh.codegen.inverse import inverse, named
from symhigh.codegen.jacobian import Jacobian
from symhigh.codegen.lower import Lowering, function_source, needed
from symhigh.codegen.target import Target, statements
from symhigh.symbols import OwnedSymbol, t, weight
from symhigh.system import MomentSystem

_SIGMA = OwnedSymbol("sigma", positive=True)


@dataclass(frozen=True, eq=False)
class _Local:
    """A mode's quantities under local names: the lines that compute them, and the symbols."""

    lines: list[str]
    inverse: sp.Matrix
    border: sp.Matrix
    reading: sp.Matrix


class LinearAlgebra:
    """Writes the functions of one Jacobian."""

    def __init__(self, lowering: Lowering, J: Jacobian) -> None:
        self.lowering, self.J = lowering, J
        self.names = lowering.names
        self._found: tuple[sp.Matrix, list[tuple[sp.Symbol, sp.Expr]]] | None = None
        rates = [*J.block, *J.border, *J.reading, *J.memory, *J.in_time, *J.memory_in_time, *lowering.by_mode.values()]
        used = set().union(*(e.free_symbols for e in rates))
        self.shared = [s.name for s in lowering.scalars if s.name in used]
        self.shared += [name for name, _ in J.slopes if name in used]
        self.shared += [z for z in J.coupling if z in used] + ([t] if t in used else [])

    @property
    def room(self) -> tuple[int, int]:
        """How many entries ``slope`` has, and the order of ``A``."""
        return max(1, len(self.shared)), max(1, len(self.J.coupling))

    def source(self) -> str:
        """The module: the functions, and the quadratures that they call."""
        own = [self._linearise(), INVERT, self._factor(), self._solve(), self._drift()]
        return "\n\n".join([self.lowering.target.header, self.lowering.functions, *own])

    def _linearise(self) -> str:
        lowering = self.lowering
        slopes = [(name, e) for (name, _), e in zip(self.J.slopes, lowering.more, strict=True)]
        wanted = [*self.shared, *(e for _, e in slopes)]
        scalars = needed(lowering.scalars, wanted)
        body = lowering.base_part([*wanted, *(s.expression for s in scalars)])
        ordered = (
            statements([*((s.name, s.expression) for s in scalars), *slopes]) if scalars or slopes else []
        )
        body += [f"{self.names(name)} = {self.names.code(e)}" for name, e in ordered]
        body += [f"slope[{k}] = {self.names(s)}" for k, s in enumerate(self.shared)]
        return function_source("linearise(t_, y, slope, par, coef, w, const)", body)

    def _factor(self) -> str:
        J = self.J
        r, n = J.reductions, len(J.coupling)
        local = self._local(with_border=True)
        product = local.reading * local.inverse * local.border
        sums = {
            (k, j): self.names(named(f"sum_{k}_{j}"))
            for k in range(r)
            for j in range(n)
            if product[k, j] != 0
        }
        body = [
            *self._unpack(),
            *self._sum(local.lines, [(name, product[key]) for key, name in sums.items()]),
        ]
        for k in range(r):
            body += [
                f"A[{k}, {j}] = {float(k == j)!r}" + (f" - {sums[k, j]}" if (k, j) in sums else "")
                for j in range(n)
            ]
        for k in range(n - r):
            body += [
                f"A[{r + k}, {j}] = {self.names.code(_SIGMA * int(r + k == j) - J.memory[k, j])}"
                for j in range(n)
            ]
        return function_source("factor(sigma, y, slope, A, par, coef, w, const)", [*body, "invert(A)"])

    def _solve(self) -> str:
        J, names, arrays = self.J, self.names, not self.lowering.target.loops
        p, r, n = J.block.shape[0], J.reductions, len(J.coupling)
        right, inner = (
            sp.Matrix([named(f"{name}_{k}") for k in range(p)]) for name in ("right", "inner")
        )
        step = sp.Matrix([named(f"z_{j}") for j in range(n)])
        first, second = self._local(with_border=False), self._local(with_border=True)
        begun = first.inverse * right
        lines = [
            *(f"{names(right[k])} = {self._at('right', k)}" for k in range(p)),
            *first.lines,
            *(f"{names(inner[k])} = {names.code(begun[k], arrays)}" for k in range(p)),
            *(f"{self._at('out', k)} = {names(inner[k])}" for k in range(p)),
        ]
        read = first.reading * inner
        body = [*self._unpack(), *self._sum(lines, [(names(step[k]), read[k]) for k in range(r)])]
        body += [f"z[{k}] = {names(step[k])}" for k in range(r)]
        body += [f"z[{r + k}] = right[{p} * n + {k}]" for k in range(n - r)]
        body += [
            f"{names(step[j])} = " + " + ".join(f"A[{j}, {k}] * z[{k}]" for k in range(n)) for j in range(n)
        ]
        correction = second.inverse * (second.border * step)
        update = [
            f"{self._at('out', k)} += {names.code(correction[k], arrays)}"
            for k in range(p)
            if correction[k] != 0
        ]
        body += self._each([*second.lines, *update]) if update else []
        body += [f"out[{p} * n + {k}] = {names(step[r + k])}" for k in range(n - r)]
        return function_source("solve(sigma, y, right, out, slope, A, z, par, coef, w, const)", body)

    def _drift(self) -> str:
        J, arrays = self.J, not self.lowering.target.loops
        p = len(J.in_time)
        body = self._unpack()
        lines = [f"{self._at('out', k)} = {self.names.code(e, arrays)}" for k, e in enumerate(J.in_time)]
        body += self._each([*self.lowering.load(J.in_time), *lines])
        body += [f"out[{p} * n + {k}] = {self.names.code(e)}" for k, e in enumerate(J.memory_in_time)]
        return function_source("drift(y, out, slope, par, coef, w, const)", body)

    def _at(self, array: str, k: int) -> str:
        """State k of the mode, or of all modes, in an array laid out like y."""
        return f"{array}[{k} * n + i]" if self.lowering.target.loops else f"{array}[{k} * n:{k + 1} * n]"

    # --- pieces -----------------------------------------------------------------------------------------
    def _local(self, with_border: bool) -> _Local:
        """E = (σ - D)⁻¹, the border and the weighted reading of one mode; zeros and numbers stay as they are."""
        J, names, arrays = self.J, self.names, not self.lowering.target.loops
        tables = {
            "D": J.block,
            "U": J.border if with_border else sp.zeros(*J.border.shape),
            "G": weight * J.reading,
        }
        lines = [f"{names(_SIGMA)} = sigma", *self.lowering.load([*tables["D"], *tables["U"], *tables["G"]])]
        kept: dict[str, sp.Matrix] = {}
        for letter, table in tables.items():
            symbols = table.copy()
            for i in range(table.shape[0]):
                for j in range(table.shape[1]):
                    if table[i, j].free_symbols:
                        symbols[i, j] = named(f"{letter}_{i}_{j}")
                        lines.append(f"{names(symbols[i, j])} = {names.code(table[i, j], arrays)}")
            kept[letter] = symbols
        if self._found is None:
            self._found = inverse(kept["D"], _SIGMA)
        found, assigned = self._found
        lines += [f"{names(symbol)} = {names.code(e, arrays)}" for symbol, e in assigned]
        return _Local(lines, found, kept["U"], kept["G"])

    def _sum(self, lines: Sequence[str], entries: Sequence[tuple[str, sp.Expr]]) -> list[str]:
        """``name = Σ_i expr_i`` for the entries, over modes whose quantities the lines compute."""
        if self.lowering.target.loops:
            code = [f"{name} += {self.names.code(e)}" for name, e in entries]
            return [*(f"{name} = 0.0" for name, _ in entries), *self._each([*lines, *code])]
        return [*lines, *(f"{name} = numpy.sum(0.0 * w + {self.names.code(e, True)})" for name, e in entries)]

    def _each(self, lines: Sequence[str]) -> list[str]:
        return (
            ["for i in range(n):", *("    " + line for line in lines)]
            if self.lowering.target.loops
            else list(lines)
        )

    def _unpack(self) -> list[str]:
        body = self.lowering.unpack(parameters=True, constants=True)
        body += [f"{self.names(s)} = slope[{k}]" for k, s in enumerate(self.shared)]
        return [*body, "n = w.shape[0]"]


def linear_algebra(J: Jacobian, system: MomentSystem, target: Target) -> LinearAlgebra:
    """The functions of a system's Jacobian, with averages lowered in what is shared by the modes and in what is not."""
    of_mode = [*J.block, *J.border, *J.in_time]
    lowering = Lowering(system, target, [e for _, e in J.slopes], of_mode)
    lowered = iter(lowering.of_mode)
    block, border = (sp.Matrix(*table.shape, [next(lowered) for _ in table]) for table in (J.block, J.border))
    return LinearAlgebra(lowering, replace(J, block=block, border=border, in_time=tuple(lowered)))


INVERT = '''@njit
def invert(A):
    """Gauss-Jordan elimination with row pivoting, in place."""
    n = A.shape[0]
    rows = numpy.arange(n)
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(A[i, k]) > abs(A[best, k]):
                best = i
        if best != k:
            for j in range(n):
                A[k, j], A[best, j] = A[best, j], A[k, j]
            rows[k], rows[best] = rows[best], rows[k]
        pivot = A[k, k]
        A[k, k] = 1.0
        for j in range(n):
            A[k, j] /= pivot
        for i in range(n):
            if i != k:
                factor = A[i, k]
                A[i, k] = 0.0
                for j in range(n):
                    A[i, j] -= factor * A[k, j]
    out = A.copy()
    for k in range(n):
        for i in range(n):
            A[i, rows[k]] = out[i, k]
'''
