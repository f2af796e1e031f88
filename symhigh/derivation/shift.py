"""B₁, the part of order 1/d of the mean of one step's increments at finite d.

Serves :mod:`symhigh.derivation.fluctuations`. Its sources: ``‖a‖²`` depends on the predictions and fluctuates; samples
of a batch overlap; weight decay meets itself and the gradient; a rate looks at memories that have seen the sample, or
at ``‖a‖²`` itself. Derived here, by Stein's lemma: with ``N = ‖a‖²/d - τ`` and ``T_kl = Σ_i w_i λ_i² V_kl``

    d E[G N] = Σ_kl T_kl E ∂_k ∂_l G,     d E[G N s_q] = λ V_qm Σ_kl T_kl E ∂_k ∂_l ∂_m G + 2 λ² V_qk E ∂_k G,

and ``d E N² = 2 κ₂``, so that ``½ E[G N²]`` adds ``κ₂ E G``.
"""

from __future__ import annotations

from itertools import product

import sympy as sp

from symhigh.derivation.chain import Chain
from symhigh.derivation.increments import Increments
from symhigh.derivation.sample import SPREAD, OneSample
from symhigh.symbols import d, gamma, gradient_square, lam
from symhigh.system import MomentSystem


class Shift:
    """B₁ of the modes and of the memories of one system."""

    def __init__(self, system: MomentSystem, sample: OneSample, chain: Chain, noise: Increments) -> None:
        self.system, self.sample, self.chain, self.noise = system, sample, chain, noise
        self.averages = {r.summand: r.name for r in system.reductions}
        self.z = range(len(sample.predictions))

    def modes(self) -> tuple[sp.Expr, ...]:
        """B₁ of every state of the family."""
        pairs = [pair for s in self.system.family.states if (pair := self.sample.pair(s)) is not None]
        return tuple(
            self._quadratic(p, q) + (self._sampled_rate(p, q) if self.sample.rated else 0) + late
            for (p, q), late in zip(pairs, self._late_rate(), strict=True)
        )

    def memories(self) -> tuple[sp.Expr, ...]:
        """B₁ of every memory."""
        result = []
        for j, values in enumerate(self.noise.memories):
            slopes = [sp.diff(v, SPREAD).subs(SPREAD, 0) for v in values]
            curves = [sp.diff(v, SPREAD, 2).subs(SPREAD, 0) for v in values]
            total = self._with_spread(f"memory_{j}", slopes, curves)
            if self.noise.batch != 1 and any(e != 0 for e in slopes):
                total += self._meeting(j)
            result.append(total)
        return tuple(result)

    def _quadratic(self, p: int, q: int) -> sp.Expr:
        """Of the products of two changes in one step: pulls and kicks with each other, also those of two samples."""
        s, C, m = self.sample, self.noise.stein, self.noise.batch
        pulls = [[(a, c) for a, c in enumerate(s.pull[v]) if c != 0] for v in (p, q)]
        kicks = [[(r, c) for r, c in enumerate(s.factors[v]) if c != 0 and r in C] for v in (p, q)]
        total = sp.Add(*(c * e * s.overlap(a, b) for a, c in pulls[0] for b, e in pulls[1]))
        for pulled, kicked in ((pulls[0], kicks[1]), (pulls[1], kicks[0])):
            for (a, c), (r, e) in product(pulled, kicked):
                total += c * e * lam * sp.Add(*(C[r][k] * s.along[a, k] for k in self.z))
        for (a, c), (b, e) in product(*kicks):
            for k, l in product(self.z, repeat=2):
                square = self.noise.curvature(a, b, k, l) / m + (1 - sp.S.One / m) * C[a][k] * C[b][l]
                total += c * e * lam**2 * s.weight(k, l) * square
        return total

    def _sampled_rate(self, p: int, q: int) -> sp.Expr:
        """Of a rate that looks at ``‖a‖²``, which the slopes of the sample hold."""
        V, F, total = self.sample.overlap, self.sample.slopes, sp.S.Zero
        for a, b in ((p, q), (q, p)):
            if not self.noise.moves(a):
                continue
            first, second = ([sp.diff(f, SPREAD, n).subs(SPREAD, 0) for f in F[a]] for n in (1, 2))
            along = self.sample.stein(first)
            for m, curve in zip(self.z, self.sample.stein(second), strict=True):
                bent = sp.Add(
                    *(
                        self._second(k, l) * self.sample.curvature(along[m], k, l)
                        for k in self.z
                        for l in self.z
                    )
                )
                wide = self.chain.name(f"late_{p}_{q}_{a}_{m}_wide", bent + self.averages[lam**2] * curve)
                own = self.chain.name(f"late_{p}_{q}_{a}_{m}_own", along[m])
                total -= V(b, m) * (lam * wide + 2 * lam**2 * own)
        if self.noise.moves(p) and self.noise.moves(q):
            square = [f * g for f, g in zip(F[p], F[q], strict=True)]
            slopes, curves = ([sp.diff(f, SPREAD, n).subs(SPREAD, 0) for f in square] for n in (1, 2))
            own = self.chain.name(f"late_square_{p}_{q}", self.sample.mean(slopes))
            total += lam * self._with_spread(f"late_{p}_{q}", slopes, curves) + 2 * lam**2 * own
        return total

    def _late_rate(self) -> list[sp.Expr]:
        """Of a rate evaluated after the memories saw the sample: ``Σ_μ ∂γ/∂μ E[h_μ ∂h/∂γ]``."""
        stated, family, noise = self.sample.statement, self.system.family, self.noise
        if stated.delayed or stated.rate is None or not self.system.states:
            return [sp.S.Zero] * len(family.states)
        count, speed, result = noise.features.shape[1], noise.features.diff(gamma), []
        for i, rhs in enumerate(family.rhs):
            total = sp.S.Zero
            for j, s in enumerate(self.system.states):
                together = sp.Add(*(speed[i, f] * noise.core[f, count + j] for f in range(count)))
                total += self.chain.along(noise.rate, s.name) * (together + s.rhs * sp.diff(rhs, gamma))
            result.append(total)
        return result

    def _with_spread(self, called: str, slopes: list[sp.Expr], curves: list[sp.Expr]) -> sp.Expr:
        """``d E (G(N) - G(0))`` from the first two derivatives of G."""
        total = sp.S.Zero
        if any(e != 0 for e in slopes):
            mean = self.sample.mean(slopes)
            for k in self.z:
                for l in self.z:
                    bent = self.chain.name(f"{called}_bent_{k}_{l}", self.sample.curvature(mean, k, l))
                    total += self._second(k, l) * bent
        if any(e != 0 for e in curves):
            total += self.averages[lam**2] * self.chain.name(f"{called}_curve", self.sample.mean(curves))
        return total

    def _meeting(self, j: int) -> sp.Expr:
        """The products of two samples of a batch in ``‖∇f‖²``, for an increment ``α ‖∇f‖²/d``."""
        increment, C = self.sample.statement.memory[j].increment, self.noise.stein
        factor = sp.diff(sp.expand(increment * d), gradient_square) * d * (1 - sp.S.One / self.noise.batch)
        return factor * sp.Add(
            *(self._second(k, l) * C[p][k] * C[p][l] for p in C for k in self.z for l in self.z)
        )

    def _second(self, k: int, l: int) -> sp.Symbol:
        """``T_kl``."""
        return self.averages[lam**2 * self.sample.weight(k, l)]
