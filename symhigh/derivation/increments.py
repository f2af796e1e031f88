"""The covariance Σ of one step's increments: expectations of products of slopes and of memories' increments.

Serves :mod:`symhigh.derivation.fluctuations`, which states the mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.chain import Chain
from symhigh.derivation.kicks import signs_squared
from symhigh.derivation.sample import SPREAD, OneSample
from symhigh.system import MomentSystem

Values = Sequence[sp.Expr]
"""One value for each outcome of the label."""


class Increments:
    """Σ as ``spread()`` within a mode and ``features · core · featuresᵀ`` between all; what B₁ shares with it.

    ``rate`` is γ, or one where the slopes hold a rate of the sample. ``lines`` are the parts of a kick along each
    prediction, ``waves`` the functions of the predictions that move a mode as a whole. ``stein[r]`` is ``E ∂_k ψ_r``
    of the r-th kick; a batch divides covariances by its size.
    """

    def __init__(self, system: MomentSystem, sample: OneSample, chain: Chain) -> None:
        self.system, self.sample, self._chain = system, sample, chain
        self.batch, self.kicks = sample.statement.batch, sample.kicks
        self.rate = sp.S.One if sample.rated else system.outputs["learning_rate"]
        self.memories = [sample.increments(m) for m in sample.statement.memory]
        slopes = [part.slope for part in self.kicks.parts]
        parts, moved = range(len(slopes)), [sample.waves.get(s, {}) for s in system.family.states]
        self._psi = [sample.of(slope) for slope in slopes]
        self.reach = {r: reach for r in parts if (reach := self.kicks.reach(r)) != 0}
        self.lines = [(r, k) for r in self.reach for k in range(len(sample.predictions))]
        self.waves = list(dict.fromkeys(slope for wave in moved for slope in wave))
        self.stein = {r: self._stein(f"stein_{r}", self._psi[r]) for r in self.reach}
        self._means: dict[sp.Expr, tuple[sp.Expr, sp.Expr]] = {}
        pairs = list(combinations_with_replacement(parts, 2))
        self._square = {(r, q): self._known(slopes[r] * slopes[q]) for r, q in pairs}
        self._curved = {
            (r, q, k, l): chain.name(f"curved_{_tag(r, q, k, l)}", sample.curvature(mean, k, l))
            for (r, q), (_, mean) in self._square.items()
            if r in self.reach and q in self.reach
            for k, l in combinations_with_replacement(range(len(sample.predictions)), 2)
        }
        self.core = self._core([_at_leading_order(h) for h in self.memories])
        self.features = self._features()

    def curvature(self, r: int, q: int, k: int, l: int) -> sp.Expr:
        """``E ∂_k ∂_l (ψ_r ψ_q)``."""
        return self._curved[min(r, q), max(r, q), min(k, l), max(k, l)]

    def moves(self, p: int) -> bool:
        """Whether the vector p is learnt."""
        return p < self.sample.students

    def _known(self, slope: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """``E`` of a function of the formal slopes: its name, and itself."""
        slope = signs_squared(slope)
        if slope not in self._means:
            mean = self.sample.mean(self.sample.of(slope))
            self._means[slope] = self._chain.name(f"square_mean_{len(self._means)}", mean), mean
        return self._means[slope]

    def spread(self) -> sp.Matrix:
        """The part of Σ within a mode, times its weight."""
        V, pairs = self.sample.overlap, [self.sample.pair(s) for s in self.system.family.states]
        factors, parts = self.sample.factors, range(len(self.kicks.parts))
        meeting = {(a, b): self.kicks.meeting(a, b) for a in parts for b in parts}

        def square(p: int, r: int) -> sp.Expr:
            means = ((a, b, self._square[min(a, b), max(a, b)][0]) for a in parts for b in parts)
            return sp.Add(*(factors[p][a] * factors[r][b] * meeting[a, b] * mean for a, b, mean in means))

        def entry(i: int, j: int) -> sp.Expr:
            first, second = pairs[i], pairs[j]
            if first is None or second is None:
                return sp.S.Zero
            ways = ((p, r, q, s) for p, q in (first, first[::-1]) for r, s in (second, second[::-1]))
            return sp.Add(*(square(a, b) * V(c, e) for a, b, c, e in ways))

        return sp.Matrix(len(pairs), len(pairs), entry)

    def _features(self) -> sp.Matrix:
        along, factors, rows = self.sample.along, self.sample.factors, []
        for state in self.system.family.states:
            pair, wave = self.sample.pair(state), self.sample.waves.get(state, {})
            ways = () if pair is None else (pair, pair[::-1])
            row = [sp.Add(*(self.reach[r] * factors[p][r] * along[q, k] for p, q in ways)) for r, k in self.lines]
            rows.append(row + [wave.get(slope, sp.S.Zero) for slope in self.waves])
        return table(rows, len(self.lines) + len(self.waves))

    def _core(self, h: Sequence[Values]) -> sp.Matrix:
        """Covariances of the features' random parts, over the batch: lines, then waves, then memories."""
        lines, F, count = self.lines, self._psi, len(self.lines) + len(self.waves)
        drift = [s.rhs for s in self.system.states]
        core = sp.zeros(count + len(h), count + len(h))
        psi, mean = [self.sample.of(w) for w in self.waves], [self._known(w)[0] for w in self.waves]

        def put(i: int, j: int, value: sp.Expr) -> None:
            core[i, j] = core[j, i] = value / self.batch

        for (i, (r, k)), (j, (q, l)) in combinations_with_replacement(enumerate(lines), 2):
            put(i, j, self.curvature(r, q, k, l) - self.stein[r][k] * self.stein[q][l])
        for j, wave in enumerate(psi):
            third = {r: self._stein(f"third_{_tag(r, j)}", F[r], wave) for r in self.reach}
            for i, (r, k) in enumerate(lines):
                put(i, len(lines) + j, third[r][k] - self.stein[r][k] * mean[j])
        for (i, a), (j, b) in combinations_with_replacement(enumerate(psi), 2):
            fourth = self._mean(f"fourth_{_tag(i, j)}", a, b)
            put(len(lines) + i, len(lines) + j, fourth - mean[i] * mean[j])
        drawn = [j for j, values in enumerate(h) if any(v.has(*self.sample.drawn) for v in values)]
        for j in drawn:
            along = {r: self._stein(f"memory_{_tag(j, r)}", F[r], h[j]) for r in self.reach}
            for i, (r, k) in enumerate(lines):
                put(i, count + j, along[r][k] - self.stein[r][k] * drift[j])
            for i, wave in enumerate(psi):
                joint = self._mean(f"memory_{_tag(j)}_wave_{_tag(i)}", wave, h[j])
                put(len(lines) + i, count + j, joint - mean[i] * drift[j])
        for i, j in combinations_with_replacement(drawn, 2):
            joint = self._mean(f"memories_{_tag(i, j)}", h[i], h[j])
            put(count + i, count + j, joint - drift[i] * drift[j])
        return core

    def _mean(self, called: str, *factors: Values) -> sp.Expr:
        return self._chain.name(called, self.sample.mean(_product(*factors)))

    def _stein(self, called: str, *factors: Values) -> list[sp.Expr]:
        means = self.sample.stein(_product(*factors))
        return [self._chain.name(f"{called}_along_{k}", e) for k, e in enumerate(means)]


def _product(*factors: Values) -> list[sp.Expr]:
    return [sp.Mul(*each) for each in zip(*factors, strict=True)]


def _at_leading_order(values: Values) -> tuple[sp.Expr, ...]:
    return tuple(v.subs(SPREAD, 0) for v in values)


def _tag(*indices: int) -> str:
    return "_".join(map(str, indices))


def table(rows: Sequence[Sequence[sp.Expr]], width: int) -> sp.Matrix:
    """A matrix of that width, also without rows."""
    return sp.Matrix(len(rows), width, [e for row in rows for e in row])
