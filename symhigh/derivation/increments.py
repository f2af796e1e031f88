"""The covariance Σ of one step's increments: expectations of products of slopes and of memories' increments.

Serves :mod:`symhigh.derivation.fluctuations`, which states the mathematics.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.chain import Chain
from symhigh.derivation.sample import SPREAD, OneSample
from symhigh.symbols import lam
from symhigh.system import MomentSystem

Values = Sequence[sp.Expr]
"""One value for each outcome of the label."""


class Increments:
    """Σ as ``spread()`` within a mode and ``features · core · featuresᵀ`` between all; what B₁ shares with it.

    ``rate`` is γ, or one where the slopes hold a rate of the sample. ``stein[p]`` is ``E ∂_k F_p``, ``square[p, q]``
    is ``E F_p F_q``; a batch divides covariances by its size.
    """

    def __init__(self, system: MomentSystem, sample: OneSample, chain: Chain) -> None:
        self.system, self.sample, self._chain = system, sample, chain
        self.batch = sample.statement.batch
        self.rate = sp.S.One if sample.rated else system.outputs["learning_rate"]
        self.memories = [sample.increments(m) for m in sample.statement.memory]
        if self.batch != 1 and any(sp.diff(v, SPREAD, 2) != 0 for values in self.memories for v in values):
            raise ValueError(
                f"fluctuations: a memory of {sample.statement.owner} is not affine in gradient_square, so with "
                "batches it depends on all their samples at once; use batches of one"
            )
        learnt, F = range(sample.students), [_at_leading_order(f) for f in sample.slopes]
        self.products = list(combinations_with_replacement(learnt, 2))
        self.lines = [(p, k) for p in learnt for k in range(len(sample.predictions))]
        self.stein = {p: self._stein(f"stein_{p}", F[p]) for p in learnt}
        means = {(p, q): sample.mean(_product(F[p], F[q])) for p, q in self.products}
        self.square = {pair: chain.name(f"square_mean_{_tag(*pair)}", e) for pair, e in means.items()}
        self._curved = {
            (*pair, k, l): chain.name(f"curved_{_tag(*pair, k, l)}", sample.curvature(e, k, l))
            for pair, e in means.items()
            for k, l in combinations_with_replacement(range(len(sample.predictions)), 2)
        }
        self.core = self._core(F, [_at_leading_order(h) for h in self.memories])
        self.features = self._features()

    def curvature(self, p: int, q: int, k: int, l: int) -> sp.Expr:
        """``E ∂_k ∂_l (F_p F_q)``."""
        return self._curved[min(p, q), max(p, q), min(k, l), max(k, l)]

    def moves(self, p: int) -> bool:
        """Whether the vector p is learnt."""
        return p < self.sample.students

    def spread(self) -> sp.Matrix:
        """The part of Σ within a mode, times its weight."""
        V, pairs = self.sample.overlap, [self.sample.pair(s) for s in self.system.family.states]
        kicks, learnt = self.sample.kicks, range(self.sample.students)

        def square(p: int, r: int) -> sp.Expr:
            means = ((a, b, self.square[min(a, b), max(a, b)]) for a in learnt for b in learnt)
            return sp.Add(*(kicks[p][a] * kicks[r][b] * mean for a, b, mean in means))

        def entry(i: int, j: int) -> sp.Expr:
            (p, q), (r, s) = pairs[i], pairs[j]
            ways = ((p, r, q, s), (p, s, q, r), (q, r, p, s), (q, s, p, r))
            total = sp.Add(*(square(a, b) * V(c, e) for a, b, c, e in ways))
            return lam * total / self.batch

        return sp.Matrix(len(pairs), len(pairs), entry)

    def _features(self) -> sp.Matrix:
        along, kicks, rows = self.sample.along, self.sample.kicks, []
        for state in self.system.family.states:
            p, q = self.sample.pair(state)
            row = [lam * (kicks[p][r] * along[q, k] + kicks[q][r] * along[p, k]) for r, k in self.lines]
            for a, b in self.products:
                both = kicks[p][a] * kicks[q][b] + (kicks[p][b] * kicks[q][a] if a != b else 0)
                row.append(lam / self.batch * both)
            rows.append(row)
        return table(rows, len(self.lines) + len(self.products))

    def _core(self, F: Sequence[Values], h: Sequence[Values]) -> sp.Matrix:
        """Covariances of the features' random parts, over the batch: lines, then products, then memories."""
        lines, count = self.lines, len(self.lines) + len(self.products)
        drift = [s.rhs for s in self.system.states]
        core = sp.zeros(count + len(h), count + len(h))

        def put(i: int, j: int, value: sp.Expr) -> None:
            core[i, j] = core[j, i] = value / self.batch

        for (i, (p, k)), (j, (q, l)) in combinations_with_replacement(enumerate(lines), 2):
            put(i, j, self.curvature(p, q, k, l) - self.stein[p][k] * self.stein[q][l])
        for j, (q, r) in enumerate(self.products):
            third = [self._stein(f"third_{_tag(p, q, r)}", F[p], F[q], F[r]) for p in range(len(F))]
            for i, (p, k) in enumerate(lines):
                put(i, len(lines) + j, third[p][k] - self.stein[p][k] * self.square[q, r])
        for (i, a), (j, b) in combinations_with_replacement(enumerate(self.products), 2):
            fourth = self._mean(f"fourth_{_tag(*a, *b)}", *(F[p] for p in (*a, *b)))
            put(len(lines) + i, len(lines) + j, fourth - self.square[a] * self.square[b])
        drawn = [j for j, values in enumerate(h) if any(v.has(*self.sample.drawn) for v in values)]
        for j in drawn:
            along = [self._stein(f"memory_{_tag(j, p)}", F[p], h[j]) for p in range(len(F))]
            for i, (p, k) in enumerate(lines):
                put(i, count + j, along[p][k] - self.stein[p][k] * drift[j])
            for i, pair in enumerate(self.products):
                joint = self._mean(f"memory_{_tag(j)}_square_{_tag(*pair)}", *(F[p] for p in pair), h[j])
                put(len(lines) + i, count + j, joint - self.square[pair] * drift[j])
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
