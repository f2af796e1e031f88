"""One step of the exact Gram chain lowered to source, from the same statement as the direct step.

Let K have m distinct eigenvalues λ_b with eigenspaces of dimension n_b, and let v_b be the part there of a vector,
times √d as in the mean field. For a step that is linear in the vectors and the gradient, with factors that are equal
for all coordinates, everything the algorithm sees are inner products. Keep an orthonormal frame e₁ … e_f of the
constant directions (targets, starts) and e_{f+1} … e_{f+k} of what the k moving vectors have beyond them, in which
their coordinates are lower triangular. A sample is ``a_b = √λ_b z_b``, z_b standard normal and independent of the
past, so

    g_j = <z_b, e_j> are N(0, 1), and q = ‖z_b‖² - Σ g_j² is χ² with n_b - f - k degrees of freedom,

all independent (directions beyond n_b do not exist). A prediction is ``Σ_b √λ_b Σ_j g_j <v_b, e_j>/√d``, ``‖a‖² = Σ λ_b
(Σ g_j² + q)``, and a step makes of each moving vector a combination of vectors less ``c z_b``: its coordinates move by
``c g_j``, and it gets ``c √q`` along one direction more, the same for all. Plane rotations of that direction and the
moving part of the frame make the coordinates triangular again. So they are a Markov chain whose law is exactly that of
direct simulation, at every d, jointly with the memory of the rule; risk, distance and overlaps are functions of it. The
mean gradient of a batch has the mean of ``F g_j`` along e_j, and a normal vector beyond, ``q Σ F²/m²`` its square.
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.chi_square import CHI_SQUARE
from symhigh.codegen.gram_frame import ROOT
from symhigh.codegen.gram_sample import Sample
from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.sample import RATE, knowledge, knowledge_sources, late, loaded, rate_lines, slope
from symhigh.codegen.target import EXACT, LLVM, NUMBA, Target
from symhigh.codegen.trail import CHAIN, chain_trail
from symhigh.derivation.mean_field import rotation_invariant
from symhigh.derivation.state import Statement
from symhigh.symbols import d, gradient_square, inverse_time, t
from symhigh.system import MomentSystem

_RESERVED = (
    *("source", "words", "pool", "at", "together", "chi_cube", "spread", "quick", "radius", "along", "across", "on"),
    *("fixed", "beyond", "group", "value", "entry", "axis", "total", "square", "high", "low"),
    "numbers_in",
)


def refusal(s: Statement) -> str:
    """Why there is no Gram chain of a statement; empty where there is one."""
    if s.classes:
        return "classes have means of their own, which the chain does not hold"
    if not rotation_invariant(s):
        return "a step that is not invariant under rotations needs every coordinate"
    entries = {*s.coordinates, *s.coefficients, *s.gradients}
    if any(sp.diff(new, normal).free_symbols & entries for _, new in s.vectors for normal in s.normals):
        return "its own normals multiply entries of vectors"
    return ""


def gram_source(system: MomentSystem, s: Statement, target: Target = NUMBA) -> str:
    """Source of ``lift``, ``run`` and ``trail`` for the chain; ``system`` holds second moments.

    Made of loops on every target, which Numba and LLVM run with the bits of the reference. Raises ``ValueError`` where
    the step has no chain.
    """
    if why := refusal(s):
        raise ValueError(f"Gram chain of rule {s.owner}: {why}; simulate(method='direct')")
    lowering = Lowering(system, EXACT)
    lowering.names.reserve(*_RESERVED)
    header = f"{target.header}\nnjit = exact\n" if target in (LLVM, NUMBA) else target.header
    parts = [header, normal_source(target), CHI_SQUARE, lowering.source(), *knowledge_sources(lowering, s)]
    chain = _Chain(lowering, system, s)
    return "\n\n".join([*parts, chain.lift(), chain.run(), chain_trail()])


class _Chain(Sample):
    """Writes ``run``."""

    def run(self) -> str:
        names, s, frame = self.names, self.s, self.frame
        step = self.sample()
        if s.batch != 1:
            step = self.batch(step) if self.gradients == 1 else self.batches(step)
        if self.drawn > 1:
            step += self.beyond()
        if s.uses(gradient_square) and self.gradients > 1:
            step += self.squares()
        elif s.uses(gradient_square):
            total = " + ".join(f"{names(slope(p))} * {names(slope(p))}" for p in range(len(s.students)))
            step.append(f"{names(gradient_square)} = ({total}) * square")
        step.append(f"{names(t)} = (first + k{late(s)}) / d_")
        if s.rate is None or knowledge(s):
            step.append("lift(moving, fixed, count, y)")
        step += [*rate_lines(self.lowering, s, self.place), "on = 1.0"]
        body = [
            "n = count.shape[0]",
            f"{names(d)} = d_",
            f"{names(ROOT)} = sqrt(d_)",
            "source, words = rng",
            "pool = numbers_in(words)",
            *([] if s.batch == 1 else [f"total = numpy.empty({self.gradients * frame} * n)"]),
            *(f"{names(p)} = par[{k}]" for k, p in enumerate(self.system.parameters)),
            *loaded(names, s, self.place),
            *(f"{names(slope(p))} = 0.0" for p in range(len(s.students))),
            f"{names(RATE)}, on, {names(t)} = 0.0, 0.0, 0.0  # nothing is left from before",
            "for k in range(steps):",
            f"    {names(inverse_time)} = d_ / (first + k) if first + k > 0 else 0.0",
            *("    " + line for line in step),
            *self.prologue(),
            "for i in range(n):",
            *("    " + line for line in self.move()),
        ]
        return function_source(f"run(first, steps, {', '.join(CHAIN)})", body)
