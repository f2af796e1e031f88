"""The frame of the Gram chain as source: coordinates of the vectors in it, their moments, and how a step moves them.

Part of :mod:`symhigh.codegen.gram`, whose head has the mathematics: vectors that rest span the first axes, each one
that moves has one axis more, and plane rotations keep their coordinates triangular.
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.sample import RATE, slope
from symhigh.derivation.state import Statement
from symhigh.symbols import OwnedSymbol, d, g
from symhigh.system import MomentSystem

ROOT = OwnedSymbol("root_d", positive=True)


def sources(s: Statement) -> int:
    """How many normal vectors one step adds to those that move: the sample, or a mean gradient a student, and its own.

    What they have beyond the frame is by Bartlett's decomposition ``L T e`` with as many directions e more: T is lower
    triangular, normal below its diagonal, and its s-th diagonal entry is χ with ``n_b - f - k - s`` degrees of freedom.
    """
    return (1 if s.batch == 1 else len(s.students)) + len(s.normals)


def moving(s: Statement) -> tuple[sp.Symbol, ...]:
    """The vectors that move."""
    return s.coordinates


def resting(s: Statement) -> tuple[sp.Symbol, ...]:
    """The constant directions that span the fixed part of the frame."""
    return s.coefficients


class Frame:
    """Writes ``lift``, and the motion of the coordinates by one step."""

    def __init__(self, lowering: Lowering, system: MomentSystem, s: Statement) -> None:
        self.lowering, self.names, self.system, self.s = lowering, lowering.names, system, s
        self.still, self.k = len(resting(s)), len(moving(s))
        self.frame = self.still + self.k
        self.drawn = sources(s)
        self.gradients = self.drawn - len(s.normals)
        self.width = self.frame + self.drawn
        self.place = f"{len(system.family.states)} * n"

    def at(self, v: sp.Symbol, axis: int) -> str:
        """The coordinate of a vector along an axis, in the arrays."""
        if v in moving(self.s):
            return f"moving[{moving(self.s).index(v)}, {axis}, i]"
        return f"fixed[{resting(self.s).index(v)}, {axis}, i]"

    def axes(self, v: sp.Symbol) -> range:
        """The axes along which a vector has coordinates."""
        if v in moving(self.s):
            return range(self.still + moving(self.s).index(v) + 1)
        return range(resting(self.s).index(v) + 1)

    def lift(self) -> str:
        """The mean of a mode's moments over an eigenspace."""
        lines = []
        for k, state in enumerate(self.system.family.states):
            form = sp.Poly(self.system.family.definitions[state], *moving(self.s), *resting(self.s))
            terms = []
            for powers, factor in form.terms():
                v, w = (s for s, n in zip(form.gens, powers, strict=True) for _ in range(n))
                shared = range(min(len(self.axes(v)), len(self.axes(w))))
                terms += [f"{self.names.code(factor)} * {self.at(v, j)} * {self.at(w, j)}" for j in shared]
            lines.append(f"y[{k} * n + i] = ({' + '.join(terms)}) / count[i]")
        return function_source(
            "lift(moving, fixed, count, y)", ["n = count.shape[0]", "for i in range(n):", *("    " + x for x in lines)]
        )

    # --- the step before --------------------------------------------------------------------------------
    def factors(self) -> dict[sp.Symbol, tuple[dict[sp.Symbol, sp.Expr], list[sp.Expr]]]:
        """For every moving vector: the factors of the vectors in its change, and those of what the step draws."""
        s, found = self.s, {}
        scaled = {v: v / ROOT for v in (*s.coordinates, *s.coefficients)} | {d: ROOT**2}
        for v, new in s.vectors:
            change = sp.expand((new - v).xreplace(scaled) * ROOT).xreplace({g: RATE})
            of_vectors = {w: c for w in (*moving(s), *resting(s)) if (c := change.coeff(w)) != 0}
            of_slopes = [change.coeff(G) * slope(p) for p, G in enumerate(s.gradients)]
            pushes = of_slopes if s.batch != 1 else [sp.Add(*of_slopes)]
            found[v] = of_vectors, [*pushes, *(change.coeff(normal) for normal in s.normals)]
        return found

    def prologue(self) -> list[str]:
        """Factors of the step before, equal for all eigenspaces."""
        lines = []
        for j, (of_vectors, of_sample) in enumerate(self.factors().values()):
            for w, factor in of_vectors.items():
                lines.append(f"f_{j}_{self.number(w)} = on * ({self.names.code(factor)})")
            lines += [f"kick_{j}_{k} = on * ({self.names.code(c)})" for k, c in enumerate(of_sample) if c != 0]
        return lines

    def number(self, v: sp.Symbol) -> int:
        return (*moving(self.s), *resting(self.s)).index(v)

    def move(self) -> list[str]:
        """Coordinates after the step before, made triangular again by plane rotations."""
        lines, k, still = [], self.k, self.still
        for j, (v, (of_vectors, of_sample)) in enumerate(self.factors().items()):
            pushed = [source for source, c in enumerate(of_sample) if c != 0]
            for axis in range(self.width):
                old = self.at(v, axis) if axis in self.axes(v) else "0.0"
                others = "".join(
                    f" + f_{j}_{self.number(w)} * {self.at(w, axis)}" for w in of_vectors if axis in self.axes(w)
                )
                kicks = "".join(f" + kick_{j}_{source} * {self.push(source, axis)}" for source in pushed)
                lines.append(f"m_{j}_{axis} = {old}{others}{kicks}")
        for j in range(k):
            for axis in range(still + j + 1, self.width):
                lines += self.rotation(j, still + j, axis)
        for j, v in enumerate(moving(self.s)):
            lines += [f"{self.at(v, axis)} = m_{j}_{axis}" for axis in self.axes(v)]
        return lines

    def push(self, source: int, axis: int) -> str:
        """The coordinate along an axis of what a source adds, of the sample with the root of its eigenvalue."""
        if self.drawn == 1:
            return f"root[i] * draws[{self.frame} * i + {axis}]" if axis < self.frame else "root[i] * sqrt(rest[i])"
        root = "root[i] * " if source < self.gradients else ""
        return f"{root}{self.entry(source, axis)}"

    def entry(self, source: int, axis: int) -> str:
        """The place of a coordinate of several sources."""
        return f"draws[{self.width} * ({source} * n + i) + {axis}]"

    def rotation(self, row: int, kept: int, gone: int) -> list[str]:
        """Rotate two axes so that a row has nothing along the second."""
        last = row == self.k - 1
        lines = [f"radius = sqrt(m_{row}_{kept} * m_{row}_{kept} + m_{row}_{gone} * m_{row}_{gone})"]
        if not last:
            lines += [
                f"along = m_{row}_{kept} / radius if radius > 0.0 else 1.0",
                f"across = m_{row}_{gone} / radius if radius > 0.0 else 0.0",
            ]
        for j in range(row + 1, self.k):
            lines += [
                f"value = along * m_{j}_{kept} + across * m_{j}_{gone}",
                f"m_{j}_{gone} = along * m_{j}_{gone} - across * m_{j}_{kept}",
                f"m_{j}_{kept} = value",
            ]
        return [*lines, f"m_{row}_{kept} = radius"]

    def along(self, weight: sp.Expr) -> str:
        """The product of a combination of vectors with the sample, from coordinates and draws."""
        terms = []
        for v in (*moving(self.s), *resting(self.s)):
            if (factor := sp.expand(weight).coeff(v)) != 0:
                product = " + ".join(f"{self.at(v, j)} * g{j}" for j in self.axes(v))
                terms.append(f"({product})" if factor == 1 else f"({self.names.code(factor)}) * ({product})")
        return " + ".join(terms)
