"""How far one run strays from its limit, and its mean: the linear theory around a limit, to order 1/d.

A pass after the derivation. A step of SGD is ``y⁺ = y + (1/d) h(sample)`` for the states y of the modes and the rule's
memories. With ``F = E h``, ``Σ = Cov h``, ``J = ∂F/∂y`` the scaled deviation ``√d (y_d - y)`` has a covariance C and
``E y_d = y + m/d``,

    dC/dt = J C + C Jᵀ + Σ,     dm/dt = J m + ½ F″:C + B₁ - ½ d²y/dt²,

with ``B₁`` the part of order 1/d of ``E h`` at finite d. Derived here; for a constant rate this is the diffusion
approximation of Kurtz (*Solutions of ordinary differential equations as limits of pure jump Markov processes*, 1970).

The increments. With s_q = <a_i, W_q> the share of mode i in prediction q and φ_p = γ F_p,
``h_pq = -φ_p s_q - φ_q s_p + φ_p φ_q λ``. Given the predictions z the shares are Gaussian, ``Cov(s_q, z_k) = λ V_qk``,
so by Stein's lemma E over many modes becomes one over z:

    E[G s_q s'_r] = δ λ V_qr E G/w + λ V_qk λ' V'_rl E ∂_k ∂_l G,     E[G s_q] = λ V_qk E ∂_k G:

Σ is a small block on each mode, over its weight w, plus ``features · core · featuresᵀ`` with few features: one for each
(p, k), the part of a step along z_k, one for each φ_p φ_r, and one for each memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.limit import derive
from symhigh.derivation.sample import SPREAD, Sample, sample_of, sees_error_alone
from symhigh.derivation.several import MultiIndex
from symhigh.symbols import D2, gamma, lam, t
from symhigh.system import Family, LimitSystem, Reduction, Scalar


@dataclass(frozen=True, eq=False)
class Mean:
    """What the equation of m needs beyond that of C; second derivatives in the states v of a mode and in z.

    ``inner`` p × p × p (v, v), ``mixed`` p × p × n (v, z), ``outer`` p × n × n of the drift of the modes, ``memory`` of
    the memories' and ``outputs`` of the outputs; ``shift`` and ``memory_shift`` are B₁.
    """

    inner: sp.Array
    mixed: sp.Array
    outer: sp.Array
    memory: sp.Array
    outputs: sp.Array
    shift: tuple[sp.Expr, ...]
    memory_shift: tuple[sp.Expr, ...]


@dataclass(frozen=True, eq=False)
class Deviations:
    """The linear theory of ``system``: expressions in the symbols of a mode, in scalars, and in names of ``shared``.

    ``coupling`` z holds the averages that move and the memories. Of J: ``block`` ∂F/∂v (p × p), ``border`` ∂F/∂z
    (p × n), ``reading`` ∂z/∂v over the weight (averages × p), ``memory`` (memories × n). Of Σ: ``spread`` (p × p),
    ``features`` (p × f), ``core`` (f + memories, square). ``gradients`` (outputs × n); ``in_time`` and
    ``memory_in_time`` are ∂F/∂t. ``mean`` is None where ``why`` says that the bias is not known.
    """

    system: LimitSystem
    coupling: tuple[sp.Symbol, ...]
    shared: tuple[tuple[sp.Symbol, sp.Expr], ...]
    block: sp.Matrix
    border: sp.Matrix
    reading: sp.Matrix
    memory: sp.Matrix
    spread: sp.Matrix
    features: sp.Matrix
    core: sp.Matrix
    gradients: sp.Matrix
    in_time: tuple[sp.Expr, ...]
    memory_in_time: tuple[sp.Expr, ...]
    mean: Mean | None
    why: str

    @property
    def averages(self) -> int:
        """How many entries of z are averages; the memories follow."""
        return int(self.reading.shape[0])


def deviations(system: LimitSystem, random_start: bool = False) -> Deviations:
    """The linear theory around ``system``; with ``random_start`` what is fixed in a run differs between runs.

    Raises ``ValueError`` for rules with a running maximum, which is no smooth function of the path, and where the
    increments have no variance.
    """
    _check(system)
    if D2 in system.family.states and not sees_error_alone(system):
        whole = derive(system.problem, system.rule, reduce=False)
        system = replace(whole, parameters=system.parameters)
    sample = sample_of(system)
    extended = _extended(system, sample, random_start)
    moving = set(extended.family.states)
    averages = [r for r in extended.reductions if r.summand.free_symbols & moving]
    coupling = (*(r.name for r in averages), *(s.name for s in extended.states))
    chain = _Chain(extended.scalars, coupling)
    noise = _Increments(extended, sample, chain)
    family, states = extended.family, extended.states
    why = noise.unknown
    mean = None if why else _mean(extended, sample, chain, noise, coupling)
    return Deviations(
        extended,
        coupling,
        tuple(chain.named),
        sp.Matrix(family.rhs).jacobian(family.states),
        _table([[chain.along(f, z) for z in coupling] for f in family.rhs], len(coupling)),
        _table([[sp.diff(r.summand, v) for v in family.states] for r in averages], len(family.states)),
        _table([[chain.along(s.rhs, z) for z in coupling] for s in states], len(coupling)),
        noise.spread(),
        noise.features,
        noise.core,
        _table([[chain.along(g, z) for z in coupling] for g in extended.outputs.values()], len(coupling)),
        tuple(chain.along(f, t) for f in family.rhs),
        tuple(chain.along(s.rhs, t) for s in states),
        mean,
        why,
    )


def _check(system: LimitSystem) -> None:
    rule = system.rule
    if maxima := [m.name.name for m in rule.memory if m.maximum_of is not None]:
        raise ValueError(
            f"fluctuations: the rule {type(rule).__name__} keeps a running maximum ({maxima[0]}), whose fluctuations "
            "are not those of a smooth function of the path; simulate an ensemble for its spread"
        )


def _extended(system: LimitSystem, sample: Sample, random_start: bool) -> LimitSystem:
    """``system`` with the averages that B₁ needs; coefficients of a random start become states at rest."""
    family, reductions = system.family, list(system.reductions)
    fixed = tuple(c for c in family.coefficients if c != lam) if random_start else ()
    if fixed:
        family = Family(
            (*family.states, *fixed), (lam,), (*family.rhs, *(sp.S.Zero for _ in fixed)), family.definitions
        )
    known = {r.summand for r in reductions}
    if system.states:
        size = range(len(sample.predictions))
        wanted = [lam**2, *(lam**2 * sample.overlap(k, l) for k, l in combinations_with_replacement(size, 2))]
        for summand in wanted:
            if summand not in known:
                name = sp.Symbol(f"square_{len(reductions)}", real=True)
                reductions.append(Reduction(name, summand))
    return replace(system, family=family, reductions=tuple(reductions))


class _Chain:
    """Total derivatives in the coupling z and in time, through the scalars; each scalar's own gets a name."""

    def __init__(self, scalars: Sequence[Scalar], coupling: Sequence[sp.Symbol]) -> None:
        self.scalars, self.coupling = scalars, tuple(coupling)
        self.named: list[tuple[sp.Symbol, sp.Expr]] = []
        self._first: dict[tuple[sp.Symbol, sp.Symbol], sp.Expr] = {}
        self._second: dict[tuple[sp.Symbol, sp.Symbol, sp.Symbol], sp.Expr] = {}
        for s in scalars:
            for z in (*coupling, t):
                if (slope := self.along(s.expression, z)) != 0:
                    self._first[s.name, z] = self.name(f"d_{s.name.name}_d_{z.name}", slope)

    def name(self, called: str, expr: sp.Expr) -> sp.Expr:
        """Numbers and symbols stay; anything else is computed once and called so."""
        if expr.is_number or expr.is_Symbol:
            return expr
        symbol = sp.Symbol(called, real=True)
        self.named.append((symbol, expr))
        return symbol

    def along(self, expr: sp.Expr, z: sp.Symbol) -> sp.Expr:
        """``d expr/dz``."""
        through = (
            sp.diff(expr, s.name) * self._first[s.name, z] for s in self.scalars if (s.name, z) in self._first
        )
        return sp.diff(expr, z) + sp.Add(*through)

    def twice(self, expr: sp.Expr, k: sp.Symbol, l: sp.Symbol) -> sp.Expr:
        """``d² expr/dz_k dz_l``."""
        if not self._second:
            self._differentiate_again()
        through = (
            sp.diff(expr, s.name) * self._second[s.name, k, l]
            for s in self.scalars
            if (s.name, k, l) in self._second
        )
        return self.along(self.along(expr, k), l) + sp.Add(*through)

    def hessian(self, exprs: Sequence[sp.Expr]) -> sp.Array:
        n = len(self.coupling)
        entries = [self.twice(e, k, l) for e in exprs for k in self.coupling for l in self.coupling]
        return sp.Array(entries, (len(exprs), n, n)) if entries else sp.Array([], (0,))

    def _differentiate_again(self) -> None:
        for s in self.scalars:
            for k, l in combinations_with_replacement(self.coupling, 2):
                through = (
                    sp.diff(s.expression, r.name) * self._second[r.name, k, l]
                    for r in self.scalars
                    if (r.name, k, l) in self._second
                )
                value = self.along(self.along(s.expression, k), l) + sp.Add(*through)
                if value != 0:
                    named = self.name(f"d2_{s.name.name}_d_{k.name}_d_{l.name}", value)
                    self._second[s.name, k, l] = self._second[s.name, l, k] = named


class _Increments:
    """Expectations of products of increments: Σ, and the parts of B₁ that are made of them."""

    def __init__(self, system: LimitSystem, sample: Sample, chain: _Chain) -> None:
        self.system, self.sample = system, sample
        rule = system.rule
        several = isinstance(system.problem, MultiIndex)
        sampled = not several and rule.rate is not None and rule.rate.has(*_of_sample(sample))
        self.batch, self.rate = rule.batch, sp.S.One if sampled else system.outputs["learning_rate"]
        self.sampled = sampled
        F = sample.slopes
        p, z = range(sample.students), range(len(sample.predictions))
        self.products = list(combinations_with_replacement(p, 2))
        self.memories = [sample.increments(m, rule.batch) for m in rule.memory]
        self.unknown = (
            f"the rate of {type(rule).__name__} depends on the sample of the step, for which B₁ is not derived"
            if sampled
            else ""
        )
        if rule.batch != 1 and any(_curved(h) for h in self.memories):
            raise ValueError("fluctuations: a memory not affine in gradient_square needs batches of one")

        def mean(name: str, *factors: Sequence[sp.Expr]) -> sp.Expr:
            values = [sp.Mul(*each) for each in zip(*factors, strict=True)]
            return chain.name(name, sample.mean(values))

        def stein(name: str, *factors: Sequence[sp.Expr]) -> list[sp.Expr]:
            values = [sp.Mul(*each) for each in zip(*factors, strict=True)]
            return [chain.name(f"{name}_{k}", e) for k, e in enumerate(sample.stein(values))]

        h = [tuple(e.subs(SPREAD, 0) for e in values) for values in self.memories]
        self.stein = {r: stein(f"stein_{r}", F[r]) for r in p}
        square = {
            (r, s): sample.mean([f * g for f, g in zip(F[r], F[s], strict=True)]) for r, s in self.products
        }
        self.square = {k: chain.name(f"square_mean_{k[0]}_{k[1]}", e) for k, e in square.items()}
        self.curved = {
            (r, s, k, l): chain.name(f"curved_{r}_{s}_{k}_{l}", sample.curvature(e, k, l))
            for (r, s), e in square.items()
            for k in z
            for l in z
            if k <= l
        }
        third = {
            (r, *q): stein(f"third_{r}_{q[0]}_{q[1]}", F[r], F[q[0]], F[q[1]])
            for r in p
            for q in self.products
        }
        fourth = {
            (*a, *b): mean(f"fourth_{a[0]}{a[1]}{b[0]}{b[1]}", F[a[0]], F[a[1]], F[b[0]], F[b[1]])
            for a, b in combinations_with_replacement(self.products, 2)
        }
        drift = [s.rhs for s in system.states]
        lines = [(r, k) for r in p for k in z]
        count, m = len(lines) + len(self.products), len(h)
        core = sp.zeros(count + m, count + m)

        def put(i: int, j: int, value: sp.Expr) -> None:
            core[i, j] = core[j, i] = value / rule.batch

        for i, (r, k) in enumerate(lines):
            for j, (s, l) in enumerate(lines[: i + 1]):
                put(i, j, self.curvature(r, s, k, l) - self.stein[r][k] * self.stein[s][l])
            for j, q in enumerate(self.products):
                put(i, len(lines) + j, third[r, *q][k] - self.stein[r][k] * self.square[q])
        for (i, a), (j, b) in combinations_with_replacement(enumerate(self.products), 2):
            put(len(lines) + i, len(lines) + j, fourth[*a, *b] - self.square[a] * self.square[b])
        for j, values in enumerate(h):
            if not any(v.has(*_drawn(sample)) for v in values):
                continue
            for r in p:
                along = stein(f"memory_{j}_{r}", F[r], values)
                for i, (s, k) in enumerate(lines):
                    if s == r:
                        put(i, count + j, along[k] - self.stein[r][k] * drift[j])
            for i, (r, s) in enumerate(self.products):
                joint = mean(f"memory_{j}_square_{r}_{s}", F[r], F[s], values)
                put(len(lines) + i, count + j, joint - self.square[r, s] * drift[j])
            for i, others in enumerate(h[: j + 1]):
                if any(v.has(*_drawn(sample)) for v in others):
                    put(count + i, count + j, mean(f"memories_{i}_{j}", values, others) - drift[i] * drift[j])
        self.core = core
        self.features = self._features(lines)

    def curvature(self, r: int, s: int, k: int, l: int) -> sp.Expr:
        """``E ∂_k ∂_l (F_r F_s)``."""
        return self.curved[min(r, s), max(r, s), min(k, l), max(k, l)]

    def _moves(self, p: int) -> bool:
        return p < self.sample.students

    def _features(self, lines: Sequence[tuple[int, int]]) -> sp.Matrix:
        V, rows = self.sample.overlap, []
        for state in self.system.family.states:
            p, q = self.sample.pair(state)
            row = [
                -self.rate * lam * ((V(q, k) if r == p else 0) + (V(p, k) if r == q else 0)) for r, k in lines
            ]
            row += [
                self.rate**2 * lam / self.batch if (p, q) == pair else sp.S.Zero for pair in self.products
            ]
            rows.append(row)
        return _table(rows, len(lines) + len(self.products))

    def spread(self) -> sp.Matrix:
        """The part of Σ within a mode, times its weight."""
        V, pairs = self.sample.overlap, [self.sample.pair(s) for s in self.system.family.states]

        def square(p: int, r: int) -> sp.Expr:
            both = self._moves(p) and self._moves(r)
            return self.square[min(p, r), max(p, r)] if both else sp.S.Zero

        def entry(i: int, j: int) -> sp.Expr:
            (p, q), (r, s) = pairs[i], pairs[j]
            total = (
                square(p, r) * V(q, s)
                + square(p, s) * V(q, r)
                + square(q, r) * V(p, s)
                + square(q, s) * V(p, r)
            )
            return self.rate**2 * lam * total / self.batch

        return sp.Matrix(len(pairs), len(pairs), entry)


def _mean(
    system: LimitSystem, sample: Sample, chain: _Chain, noise: _Increments, coupling: Sequence[sp.Symbol]
) -> Mean:
    """Second derivatives, and B₁."""
    family = system.family
    p, n = len(family.states), len(coupling)
    block = sp.Matrix(family.rhs).jacobian(family.states)
    inner = [sp.diff(block[i, j], v) for i in range(p) for j in range(p) for v in family.states]
    mixed = [chain.along(block[i, j], z) for i in range(p) for j in range(p) for z in coupling]
    shifts = _late_rate(system, chain, noise)
    return Mean(
        sp.Array(inner, (p, p, p)),
        sp.Array(mixed, (p, p, n)),
        chain.hessian(family.rhs),
        chain.hessian([s.rhs for s in system.states]),
        chain.hessian(list(system.outputs.values())),
        tuple(a + b for a, b in zip(_of_square(system, sample, noise), shifts, strict=True)),
        tuple(_of_memory(system, sample, chain, noise)),
    )


def _of_square(system: LimitSystem, sample: Sample, noise: _Increments) -> list[sp.Expr]:
    """B₁ of the modes at a given rate: ``‖a_i‖²`` depends on the predictions, samples of a batch meet, so do decays.

    ``E[G ‖a_i‖²] = w λ d E G + w λ² Σ_kl V_kl E ∂_k ∂_l G``; of two samples ``E F_p F_q' <a, a'>_i = w λ² C_p V C_q``.
    """
    z, m = range(len(sample.predictions)), noise.batch
    V, C = sample.overlap, noise.stein
    result = []
    for state in system.family.states:
        p, q = sample.pair(state)
        total = sp.S.Zero
        decays = [system.rule.ridge if noise._moves(r) and state in _learnt(system) else 0 for r in (p, q)]
        if noise._moves(p) and noise._moves(q):
            for k in z:
                for l in z:
                    total += lam**2 * V(k, l) * noise.curvature(p, q, k, l) / m
                    total += (1 - sp.S.One / m) * lam**2 * V(k, l) * C[p][k] * C[q][l]
        total += decays[0] * decays[1] * V(p, q)
        for one, (a, b) in zip(decays, ((p, q), (q, p)), strict=True):
            if one != 0 and noise._moves(b):
                total += one * lam * sp.Add(*(C[b][k] * V(a, k) for k in z))
        result.append(noise.rate**2 * total)
    return result


def _learnt(system: LimitSystem) -> set[sp.Symbol]:
    """States that move; coefficients of a random start are at rest."""
    return {s for s, rhs in zip(system.family.states, system.family.rhs, strict=True) if rhs != 0}


def _late_rate(system: LimitSystem, chain: _Chain, noise: _Increments) -> list[sp.Expr]:
    """B₁ of a rate evaluated after the memories saw the sample: ``Σ_μ ∂γ/∂μ E[h_μ ∂h/∂γ]``."""
    rule, family = system.rule, system.family
    if rule.delayed or rule.rate is None or not system.states:
        return [sp.S.Zero] * len(family.states)
    count = noise.features.shape[1]
    speed, total = noise.features.diff(gamma), []
    for i, rhs in enumerate(family.rhs):
        terms = []
        for j, s in enumerate(system.states):
            slope = chain.along(noise.rate, s.name)
            together = sp.Add(*(speed[i, f] * noise.core[f, count + j] for f in range(count)))
            terms.append(slope * (together + s.rhs * sp.diff(rhs, gamma)))
        total.append(sp.Add(*terms))
    return total


def _of_memory(system: LimitSystem, sample: Sample, chain: _Chain, noise: _Increments) -> list[sp.Expr]:
    """B₁ of the memories: ``‖a‖²/d`` depends on the predictions and fluctuates with variance 2κ₂/d."""
    averages = {r.summand: r.name for r in system.reductions}
    z, m, result = range(len(sample.predictions)), noise.batch, []
    for j, values in enumerate(noise.memories):
        slopes = [sp.diff(v, SPREAD).subs(SPREAD, 0) for v in values]
        curves = [sp.diff(v, SPREAD, 2).subs(SPREAD, 0) for v in values]
        total = sp.S.Zero
        if any(e != 0 for e in slopes):
            mean = sample.mean(slopes)
            for k in z:
                for l in z:
                    bent = chain.name(f"memory_bent_{j}_{k}_{l}", sample.curvature(mean, k, l))
                    total += averages[lam**2 * sample.overlap(k, l)] * bent
            total += _meeting(system, sample, noise, j, averages) if m != 1 else 0
        if any(e != 0 for e in curves):
            total += averages[lam**2] * chain.name(f"memory_curve_{j}", sample.mean(curves))
        result.append(total)
    return result


def _meeting(
    system: LimitSystem, sample: Sample, noise: _Increments, j: int, averages: dict[sp.Expr, sp.Symbol]
) -> sp.Expr:
    """The products of two samples of a batch in ``‖∇f‖²``, for an increment ``α ‖∇f‖²/d``: ``α (1 - 1/m) λ² C V C``."""
    from symhigh.symbols import d, gradient_square

    factor = sp.diff(sp.expand(system.rule.memory[j].increment * d), gradient_square) * d
    z, p = range(len(sample.predictions)), range(sample.students)
    C = noise.stein
    return sp.Add(
        *(
            factor
            * (1 - sp.S.One / noise.batch)
            * averages[lam**2 * sample.overlap(k, l)]
            * C[r][k]
            * C[r][l]
            for r in p
            for k in z
            for l in z
        )
    )


def _curved(values: Sequence[sp.Expr]) -> bool:
    return any(sp.diff(v, SPREAD, 2) != 0 for v in values)


def _drawn(sample: Sample) -> tuple[sp.Symbol, ...]:
    from symhigh.symbols import eps

    return (*sample.predictions, eps)


def _of_sample(sample: Sample) -> tuple[sp.Symbol, ...]:
    from symhigh.symbols import eps, gradient_square, sample_loss, x, x_star

    return (gradient_square, sample_loss, x, x_star, eps, *sample.predictions)


def _table(rows: Sequence[Sequence[sp.Expr]], width: int) -> sp.Matrix:
    return sp.Matrix(len(rows), width, [e for row in rows for e in row])
