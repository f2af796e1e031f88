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

χ² variates of k ≥ 2 degrees of freedom come by rejection (Marsaglia, Tsang, *A simple method for generating gamma
variables*, ACM Trans. Math. Software 26, 2000): with ``a = k/2 - 1/3``, z standard normal, ``t = z/√(9a)`` and
``v = (1 + t)³`` the variate is ``2 a v``, kept with probability ``exp(-b)``, ``b = a (v - 1 - log v) - z²/2``, hence
where ``U > 1 - exp(-b)`` for the uniform ``U = erf(|w|/√2)`` of one more normal w. Almost always neither function is
needed: ``U ≥ 0.68 min(|w|, 1)`` as erf is concave there, ``1 - exp(-b) ≤ b``, and ``b ≤ 1.35 a t⁴`` for ``|t| ≤ 1/2``
from ``log(1 + t) ≥ t - t²/2 + t³/3 - t⁴/4 - (2/5)|t|⁵``. ``shape`` and ``scale`` hold a and 1/√(9a).
"""

from __future__ import annotations

import sympy as sp

from symhigh.codegen.lower import Lowering, function_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.sample import (
    RATE,
    knowledge,
    knowledge_sources,
    late,
    noise_lines,
    rate_lines,
    sample_lines,
    slope,
)
from symhigh.codegen.target import NUMBA
from symhigh.derivation.mean_field import rotation_invariant
from symhigh.derivation.state import Statement
from symhigh.symbols import OwnedSymbol, d, g, gradient_square, inverse_time, t
from symhigh.system import MomentSystem

_ROOT = OwnedSymbol("root_d", positive=True)
_RESERVED = (
    *("source", "words", "pool", "at", "together", "chi_cube", "spread", "radius", "along", "across", "on"),
    *("fixed", "beyond", "group", "value", "entry", "axis", "total", "square", "high", "low"),
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


def sources(s: Statement) -> int:
    """How many normal vectors one step adds to those that move: the sample, or a mean gradient a student, and its own.

    What they have beyond the frame is by Bartlett's decomposition ``L T e`` with as many directions e more: T is lower
    triangular, normal below its diagonal, and its s-th diagonal entry is χ with ``n_b - f - k - s`` degrees of freedom.
    """
    return (1 if s.batch == 1 else len(s.students)) + len(s.normals)


def gram_source(system: MomentSystem, s: Statement) -> str:
    """Source of ``lift(d_, moving, fixed, count, y)`` and ``run`` for the chain; ``system`` holds second moments.

    Numba only. Raises ``ValueError`` where the step has no chain.
    """
    if why := refusal(s):
        raise ValueError(f"Gram chain of rule {s.owner}: {why}; simulate(method='direct')")
    lowering = Lowering(system, NUMBA)
    lowering.names.reserve(*_RESERVED)
    parts = [NUMBA.header, normal_source(), CHI_SQUARE, lowering.source(), *knowledge_sources(lowering, s)]
    chain = _Chain(lowering, system, s)
    return "\n\n".join([*parts, chain.lift(), chain.run()])


def moving(s: Statement) -> tuple[sp.Symbol, ...]:
    """The vectors that move."""
    return s.coordinates


def resting(s: Statement) -> tuple[sp.Symbol, ...]:
    """The constant directions that span the fixed part of the frame."""
    return s.coefficients


class _Chain:
    """Writes ``lift`` and ``run``."""

    def __init__(self, lowering: Lowering, system: MomentSystem, s: Statement) -> None:
        self.lowering, self.names, self.system, self.s = lowering, lowering.names, system, s
        self.still, self.k = len(resting(s)), len(moving(s))
        self.frame = self.still + self.k
        self.drawn = sources(s)
        self.gradients = self.drawn - len(s.normals)
        self.width = self.frame + self.drawn
        self.place = f"{len(system.family.states)} * n"

    # --- coordinates ------------------------------------------------------------------------------------
    def at(self, v: sp.Symbol, axis: int) -> str:
        """The coordinate of a vector along an axis, in the arrays."""
        if v in moving(self.s):
            return f"moving[{moving(self.s).index(v)}, {axis}, i]"
        return f"fixed[{resting(self.s).index(v)}, {axis}, i]" if axis < self.still else "0.0"

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
        scaled = {v: v / _ROOT for v in (*s.coordinates, *s.coefficients)} | {d: _ROOT**2}
        for v, new in s.vectors:
            change = sp.expand((new - v).xreplace(scaled) * _ROOT).xreplace({g: RATE})
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
                old = self.at(v, axis) if axis < self.frame and axis in self.axes(v) else "0.0"
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

    # --- the sample -------------------------------------------------------------------------------------
    def sample(self) -> list[str]:
        names, s, frame = self.names, self.s, self.frame
        group = 126 // (frame + 2)
        predictions = (*zip(s.students, s.effective, strict=True), *zip(s.aims, s.targets, strict=True))
        draws = [f"g{j}" for j in range(frame)]
        drawn = ", ".join(f"pool[at + {k}]" for k in range(frame + 2))
        loop = [
            *self.move(),
            f"{', '.join(draws)}, z, v = {drawn}",
            f"at += {frame + 2}",
            "if shape[i] > 0.0:",
            "    aside = scale[i] * z",
            "    if abs(aside) > 0.5 or 0.68 * min(abs(v), 1.0) <= 1.35 * shape[i] * aside**4:",
            "        v = chi_cube(source, words, shape[i], scale[i], z, v)",
            "    else:",
            "        v = (1.0 + aside)**3",
            "    rest[i] = 2.0 * shape[i] * v",
            "else:",
            f"    rest[i] = z * z if count[i] == {frame + 1} else 0.0",
            *(f"g{j} = g{j} if count[i] > {j} else 0.0" for j in range(1, frame)),
            *(f"draws[{self.width if self.drawn > 1 else frame} * i + {j}] = g{j}" for j in range(frame)),
            *(f"{names(x)} += root[i] * ({self.along(weight)})" for x, weight in predictions),
            f"square += root[i] * root[i] * ({' + '.join(f'{one} * {one}' for one in draws)} + rest[i])",
        ]
        return [
            *self.prologue(),
            *(f"{names(x)} = 0.0" for x, _ in predictions),
            "square = 0.0",
            f"for low in range(0, n, {group}):  # of {group} eigenspaces at a time four requests fill a pool",
            f"    high = min(n, low + {group})",
            f"    at = together(source, words, {frame + 2} * (high - low) + 1)",
            "    for i in range(low, high):",
            *("        " + line for line in loop),
            *(f"{names(x)} /= {names(_ROOT)}" for x, _ in predictions),
            *noise_lines(self.lowering, s, "pool[at]"),
            *sample_lines(self.lowering, s),
        ]

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
            f"{names(_ROOT)} = sqrt(d_)",
            "source, words = rng",
            "pool = words.view(numpy.float64)",
            *([] if s.batch == 1 else [f"total = numpy.empty({self.gradients * frame} * n)"]),
            *(f"{names(p)} = par[{k}]" for k, p in enumerate(self.system.parameters)),
            *(f"{names(m.name)} = y[{self.place} + {j}]" for j, m in enumerate(s.memory)),
            *(f"{names(slope(p))} = 0.0" for p in range(len(s.students))),
            f"{names(RATE)}, on, {names(t)} = 0.0, 0.0, 0.0  # nothing is left from before",
            "for k in range(steps):",
            f"    {names(inverse_time)} = d_ / (first + k) if first + k > 0 else 0.0",
            *("    " + line for line in step),
            *self.prologue(),
            "for i in range(n):",
            *("    " + line for line in self.move()),
        ]
        return function_source(
            "run(first, steps, d_, rng, moving, fixed, count, shape, scale, draws, rest, y, par, coef, w, const, root)",
            body,
        )

    def batch(self, sample: list[str]) -> list[str]:
        """m samples of one student: afterwards ``draws`` and ``rest`` are of their mean gradient, of slope one."""
        name, size, frame = self.names(slope(0)), self.names.code(self.s.batch), self.frame
        stride = frame if self.drawn == 1 else self.width
        return [
            "total[:] = 0.0",
            "spread = 0.0",
            f"for j in range(int({size})):",
            *("    " + line for line in sample),
            "    on = 0.0  # the vectors have moved; the other samples find them there",
            "    for i in range(n):",
            f"        for axis in range({frame}):",
            f"            total[{frame} * i + axis] += {name} * draws[{stride} * i + axis]",
            f"    spread += {name} * {name}",
            "square = 0.0",
            "for i in range(n):",
            f"    rest[i] *= spread / ({size} * {size})",
            "    square += root[i] * root[i] * rest[i]",
            f"    for axis in range({frame}):",
            f"        value = total[{frame} * i + axis] / {size}",
            f"        draws[{stride} * i + axis] = value",
            "        square += root[i] * root[i] * value * value",
            f"{name} = 1.0",
        ]

    def batches(self, sample: list[str]) -> list[str]:
        """m samples of several students: the mean gradients along the frame, and the factor L of what is beyond."""
        size, frame, count = self.names.code(self.s.batch), self.frame, self.gradients
        slopes = [self.names(slope(p)) for p in range(count)]
        pairs = [(p, q) for p in range(count) for q in range(p + 1)]
        lines = [
            "total[:] = 0.0",
            *(f"spread_{p}_{q} = 0.0" for p, q in pairs),
            f"for j in range(int({size})):",
            *("    " + line for line in sample),
            "    on = 0.0  # the vectors have moved; the other samples find them there",
            "    for i in range(n):",
            f"        for axis in range({frame}):",
            f"            value = draws[{self.width} * i + axis]",
            *(f"            total[{frame} * ({p} * n + i) + axis] += {slopes[p]} * value" for p in range(count)),
            *(f"    spread_{p}_{q} += {slopes[p]} * {slopes[q]}" for p, q in pairs),
            "for i in range(n):",
            f"    for axis in range({frame}):",
            *(
                f"        draws[{self.width} * ({p} * n + i) + axis] = total[{frame} * ({p} * n + i) + axis] / {size}"
                for p in range(count)
            ),
        ]
        for p, q in pairs:  # Cholesky, of a matrix that may be singular
            left = "".join(f" - low_{p}_{r} * low_{q}_{r}" for r in range(q))
            value = f"spread_{p}_{q} / ({size} * {size}){left}"
            if p == q:
                lines.append(f"low_{p}_{p} = sqrt(max({value}, 0.0))")
            else:
                lines.append(f"low_{p}_{q} = ({value}) / low_{q}_{q} if low_{q}_{q} > 0.0 else 0.0")
        return [*lines, *(f"{name} = 1.0" for name in slopes)]

    def beyond(self) -> list[str]:
        """What several sources have beyond the frame, and normals of the step's own along it."""
        frame, several = self.frame, self.gradients > 1
        lines, at = ["b_0_0 = sqrt(rest[i])"], 0
        for k in range(1, self.drawn):
            if k >= self.gradients:
                lines += [f"{self.entry(k, j)} = pool[at + {at + j}] if count[i] > {j} else 0.0" for j in range(frame)]
                at += frame
            lines += [f"b_{k}_{j} = pool[at + {at + j}] if count[i] > {frame + j} else 0.0" for j in range(k)]
            at += k + 2
            lines += [
                f"z, v = pool[at + {at - 2}], pool[at + {at - 1}]",
                f"if shape[{k} * n + i] > 0.0:",
                f"    v = chi_cube(source, words, shape[{k} * n + i], scale[{k} * n + i], z, v)",
                f"    b_{k}_{k} = sqrt(2.0 * shape[{k} * n + i] * v)",
                "else:",
                f"    b_{k}_{k} = abs(z) if count[i] == {frame + k + 1} else 0.0",
            ]
        for k in range(self.drawn):
            for j in range(self.drawn):
                if several and k < self.gradients:
                    value = " + ".join(f"low_{k}_{r} * b_{r}_{j}" for r in range(j, k + 1)) or "0.0"
                else:
                    value = f"b_{k}_{j}" if j <= k else "0.0"
                lines.append(f"{self.entry(k, frame + j)} = {value}")
        group = max(1, 126 // at)
        return [
            f"for low in range(0, n, {group}):",
            f"    high = min(n, low + {group})",
            f"    at = together(source, words, {at} * (high - low))",
            "    for i in range(low, high):",
            *("        " + line for line in lines),
            f"        at += {at}",
        ]

    def squares(self) -> list[str]:
        """The squared norm of the mean gradients of several students."""
        entries = [self.entry(p, axis) for p in range(self.gradients) for axis in range(self.width)]
        return [
            "square = 0.0",
            "for i in range(n):",
            f"    square += root[i] * root[i] * ({' + '.join(f'{e} * {e}' for e in entries)})",
            f"{self.names(gradient_square)} = square",
        ]


CHI_SQUARE = '''@njit
def chi_cube(source, words, shape, scale, z, w):
    """The cube v of Marsaglia and Tsang where the quick test failed: the exact test, then fresh draws."""
    while True:
        v = (1.0 + scale * z)**3
        if v > 0.0 and erf(abs(w) / sqrt(2.0)) > -expm1(0.5 * z * z - shape * (v - 1.0 - log(v))):
            return v
        radius = sqrt(-2.0 * log(uniform(source, words)))  # not from the pool, which is being read
        angle = 2.0 * pi * uniform(source, words)
        z, w = radius * cos(angle), radius * sin(angle)
'''
