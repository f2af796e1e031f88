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
    *("fixed", "beyond", "group", "value", "entry"),
)


def refusal(s: Statement) -> str:
    """Why there is no Gram chain of a statement; empty where there is one."""
    if not rotation_invariant(s):
        return "a step that is not invariant under rotations needs every coordinate"
    if s.normals:
        return "a step that draws normals of its own moves in more directions than the sample's"
    if s.batch != 1 and len(s.students) > 1:
        return "the mean gradients of several students over a batch span more than one direction"
    return ""


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
        """For every moving vector: the factors of the vectors in its change, and those of ``F_p a``."""
        s, found = self.s, {}
        scaled = {v: v / _ROOT for v in (*s.coordinates, *s.coefficients)} | {d: _ROOT**2}
        for v, new in s.vectors:
            change = sp.expand((new - v).xreplace(scaled) * _ROOT).xreplace({g: RATE})
            of_vectors = {w: c for w in (*moving(s), *resting(s)) if (c := change.coeff(w)) != 0}
            found[v] = of_vectors, [change.coeff(G) for G in s.gradients]
        return found

    def prologue(self) -> list[str]:
        """Factors of the step before, equal for all eigenspaces."""
        lines = []
        for j, (of_vectors, of_sample) in enumerate(self.factors().values()):
            for w, factor in of_vectors.items():
                lines.append(f"f_{j}_{self.number(w)} = on * ({self.names.code(factor)})")
            kick = " + ".join(
                f"({self.names.code(c)}) * {self.names(slope(p))}" for p, c in enumerate(of_sample) if c != 0
            )
            lines.append(f"kick_{j} = on * ({kick or '0.0'})")
        return lines

    def number(self, v: sp.Symbol) -> int:
        return (*moving(self.s), *resting(self.s)).index(v)

    def move(self) -> list[str]:
        """Coordinates after the step before, made triangular again by plane rotations."""
        lines, k, still = [], self.k, self.still
        for j, (v, (of_vectors, _)) in enumerate(self.factors().items()):
            for axis in range(self.frame):
                old = self.at(v, axis) if axis in self.axes(v) else "0.0"
                others = "".join(
                    f" + f_{j}_{self.number(w)} * {self.at(w, axis)}" for w in of_vectors if axis in self.axes(w)
                )
                lines.append(f"m_{j}_{axis} = {old}{others} + kick_{j} * root[i] * draws[{self.frame} * i + {axis}]")
            lines.append(f"m_{j}_{self.frame} = kick_{j} * root[i] * sqrt(rest[i])")
        for j in range(k):
            for axis in range(still + j + 1, self.frame + 1):
                lines += self.rotation(j, still + j, axis)
        for j, v in enumerate(moving(self.s)):
            lines += [f"{self.at(v, axis)} = m_{j}_{axis}" for axis in self.axes(v)]
        return lines

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
            *(f"draws[{frame} * i + {j}] = g{j}" for j in range(frame)),
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
        names, s = self.names, self.s
        step = self.sample()
        if s.batch != 1:
            step = self.batch(step)
        if s.uses(gradient_square):
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
            *([] if s.batch == 1 else ["total = numpy.empty(draws.shape[0])"]),
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
        return [
            "total[:] = 0.0",
            "spread = 0.0",
            f"for j in range(int({size})):",
            *("    " + line for line in sample),
            "    on = 0.0  # the vectors have moved; the other samples find them there",
            "    for i in range(draws.shape[0]):",
            f"        total[i] += {name} * draws[i]",
            f"    spread += {name} * {name}",
            "square = 0.0",
            "for i in range(n):",
            f"    rest[i] *= spread / ({size} * {size})",
            "    square += root[i] * root[i] * rest[i]",
            f"    for j in range({frame} * i, {frame} * i + {frame}):",
            f"        draws[j] = total[j] / {size}",
            "        square += root[i] * root[i] * draws[j] * draws[j]",
            f"{name} = 1.0",
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
