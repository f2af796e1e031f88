"""The bias under steps that move every coordinate by itself: B₁, and how one coordinate strays with its cells.

Serves :mod:`symhigh.derivation.fluctuations` where the step is not linear in the gradient or has a cell a coordinate.
Derived here. For a coordinate's entry a of the sample and the predictions z Mehler's formula is exact at finite d,

    E φ(a) ψ(z) = Σ_n (λδ)ⁿ/n! · E φ⁽ⁿ⁾(a) · Σ_{p1 … pn} π_{p1} ⋯ π_{pn} E ∂_{p1} ⋯ ∂_{pn} ψ(z),     δ² = 1/d,

so what a step does on average to a product of two entries is F at order δ² and B₁ at order δ⁴. The latter holds
fourth moments of the entries, ``Q = E v_p v_q v_r v_s``, which have closed equations of their own, by Itô's formula:
drifts are linear and noise is free of the entries. They start from the entries themselves, of any law.

A cell strays in each coordinate by itself too, by order δ. Such deviations average out over a mode, but not in the mean
of what is not linear in the cell: ``½ F″:C`` holds the covariance of a single coordinate, that of a mode's average and
K of a coordinate's own beside it, between a cell and a product or another cell. With A the block of J within a mode

    dK/dt = A K + K Aᵀ + E Δy Δc - F F' - Σ + (E [B₁(v) v v] - E B₁ E v v),

Σ what the coordinates of the mode have in common; the last bracket is there for products, with B₁ of the cell given v.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import product

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.chain import Chain
from symhigh.derivation.close.moments import Moments
from symhigh.derivation.entry import ENTRY, hermite_mean
from symhigh.derivation.increments import Increments
from symhigh.derivation.kicks import signs_squared
from symhigh.derivation.one_step import DELTA, mean_of_normals
from symhigh.derivation.sample import OneSample
from symhigh.meanfield import Family
from symhigh.symbols import OwnedSymbol, lam
from symhigh.system import MomentSystem

_ORDER = 4
"""Powers of δ that are kept."""


class Entrywise:
    """``shift`` is B₁ of the states of a mode, with the part of ``½ F″:C`` of a coordinate's own; ``beside`` the family
    of Q and K that it needs."""

    def __init__(self, system: MomentSystem, sample: OneSample, chain: Chain, noise: Increments) -> None:
        self.sample, self.chain, self.noise, self.family = sample, chain, noise, system.family
        self.statement, self.field = sample.statement, system.field
        self.products = Moments(self.statement, self.field).name
        self.entries = (*self.field.coordinates, *(c for c in self.field.coefficients if c != lam))
        self.cells = [m.name for m in self.statement.cells]
        self.weights = (*self.statement.effective, *self.statement.targets)
        self.speed = dict(zip(self.family.states, self.family.rhs, strict=True))
        kept = {x.name for x in system.scalars}  # others are numbers, put in already
        self._numbers = [(x.name, x.expression) for x in reversed(self.field.scalars) if x.name not in kept]
        self.alone: dict[sp.Symbol, tuple[sp.Symbol, sp.Symbol]] = {}
        self.fourth: dict[sp.Symbol, sp.Expr] = {}
        self._derivatives: dict[tuple[sp.Expr, tuple[int, ...]], sp.Expr] = {}
        self._K = {
            frozenset((y, c)): self._named(y, c) for c in self.cells for y in (*self.products.values(), *self.cells)
        }
        self.shift = tuple(self._shift(state) for state in self.family.states)

    @cached_property
    def beside(self) -> Family:
        """Q and K, as far as the shift holds them, directly or through others."""
        found: dict[sp.Symbol, sp.Expr] = {}
        known = set(self.alone) | set(self.fourth)
        waiting = set().union(*(e.free_symbols for e in self.shift)) & known
        while waiting:
            name = min(waiting, key=str)
            monomial = self.fourth.get(name)
            found[name] = self._own(*self.alone[name]) if monomial is None else self._generated(monomial)
            known = set(self.alone) | set(self.fourth)
            waiting = (waiting | (found[name].free_symbols & known)) - set(found)
        starts = {name: self.fourth.get(name, sp.S.Zero) for name in found}
        return Family(tuple(found), (), tuple(found.values()), starts, {name: self._size(name) for name in found})

    def _size(self, name: sp.Symbol) -> tuple[sp.Symbol, ...]:
        """The squares whose product bounds that of Q or K."""
        if name in self.fourth:
            powers = self.fourth[name].as_powers_dict()
            return tuple(self.products[v**2] for v, n in powers.items() for _ in range(int(n)))
        y, c = self.alone[name]
        pair = self._pair(y)
        return (*((y, y) if pair is None else (self.products[v**2] for v in pair)), c, c)

    # --- one step -----------------------------------------------------------------------------------------------
    def _shift(self, state: sp.Symbol) -> sp.Expr:
        """B₁ of a state, and ``½ F″:K``."""
        if state in self.cells:
            total = self._moments(self._mean(self._changes[state]))
        elif (pair := self._pair(state)) is None:
            return sp.S.Zero
        else:
            total = self._moments(self._mean(self._changed(*pair)))
        names = (*self.products.values(), *self.cells)
        for c in self.cells:
            slope = sp.diff(self.speed[state], c)
            for y in names:
                half = sp.Rational(1, 2) if y in self.cells else 1
                if (bent := sp.diff(slope, y)) != 0:
                    total += half * bent * self._K[frozenset((y, c))]
        return total

    def _own(self, y: sp.Symbol, c: sp.Symbol) -> sp.Expr:
        """``dK/dt`` of a product or cell and a cell."""
        total = sp.S.Zero
        for first, second in ((y, c), (c, y)):
            for z in (*self.products.values(), *self.cells):
                if second in self.cells or z in self.cells:
                    slope = sp.diff(self.speed.get(first, sp.S.Zero), z)
                    total += slope * self._K[frozenset((z, second))] if slope != 0 else 0
        pair = self._pair(y)
        first = self._changes[y] if pair is None else self._changed(*pair)
        total += self._moments(self._mean(first * self._changes[c]))
        total -= self.speed.get(y, sp.S.Zero) * self.speed[c] + self._common(y, c)
        if pair is not None:
            given = self._mean(self._changes[c])
            total += self._moments(sp.expand(given * sp.Mul(*pair))) - self._moments(given) * y
        return total

    def _common(self, y: sp.Symbol, c: sp.Symbol) -> sp.Expr:
        """Σ of two coordinates of one mode."""
        if y not in self.family.states:
            return sp.S.Zero
        rows = [self.noise.features.row(self.family.states.index(state)) for state in (y, c)]
        count = self.noise.features.shape[1]
        return (rows[0] * self.noise.core[:count, :count] * rows[1].T)[0, 0]

    def _generated(self, monomial: sp.Expr) -> sp.Expr:
        return self._moments(sp.expand(self.field.generator(monomial).subs(self._numbers)))

    @cached_property
    def _changes(self) -> Mapping[sp.Symbol, sp.Expr]:
        """The changes of vectors over δ and of cells; the rate sees no memory."""
        return {
            v: change.replace(lambda e: isinstance(e, AppliedUndef) and e.func.__name__ == "q", lambda e: sp.S.Zero)
            for v, change in self.sample.kicks.step.changes.items()
        }

    def _changed(self, v: sp.Symbol, w: sp.Symbol) -> sp.Expr:
        """The change of ``v w``."""
        first, second = (self._changes.get(u, sp.S.Zero) for u in (v, w))
        return v * second + w * first + first * second

    # --- averages -----------------------------------------------------------------------------------------------
    def _mean(self, change: sp.Expr) -> sp.Expr:
        """What is of order δ⁴ in the mean of ``change``, given the entries."""
        return sp.expand(sp.Add(*(self._term(term) for term in sp.Add.make_args(sp.expand(change)))))

    def _term(self, term: sp.Expr) -> sp.Expr:
        s = self.statement
        constant, rest = term.as_independent(ENTRY, *s.normals, AppliedUndef, as_Add=False)
        order = _ORDER - (sp.degree(constant, DELTA) if constant.has(DELTA) else 0)
        if order < 0:
            return sp.S.Zero
        psi, rest = _split(rest, AppliedUndef)
        phi, own = _split(rest, ENTRY)
        value = hermite_mean(phi, order, s.owner) * mean_of_normals(own, s)
        if value == 0:
            return sp.S.Zero
        total, factor = sp.S.Zero, constant / DELTA ** (_ORDER - order) * value * lam**order / sp.factorial(order)
        for place in product(range(len(self.weights)), repeat=order):
            pull = sp.Mul(*(self.weights[p] for p in place))
            total += factor * pull * self._derivative(psi, tuple(sorted(place))) if pull != 0 else 0
        return total

    def _derivative(self, psi: sp.Expr, place: tuple[int, ...]) -> sp.Expr:
        """``E ∂_{p1} ⋯ ∂_{pn} ψ``, by Stein's lemma and Price's theorem."""
        psi = signs_squared(psi)
        if psi.is_number:
            return sp.S.Zero if place else psi
        if (psi, place) not in self._derivatives:
            values = self.sample.of(psi)
            odd = len(place) % 2
            mean = self.sample.stein(values)[place[0]] if odd else self.sample.mean(values)
            for k, l in zip(place[odd::2], place[odd + 1 :: 2], strict=True):
                mean = self.sample.curvature(mean, k, l)
            self._derivatives[psi, place] = self.chain.name(f"entrywise_{len(self._derivatives)}", mean)
        return self._derivatives[psi, place]

    def _moments(self, expr: sp.Expr) -> sp.Expr:
        """``E expr`` of a polynomial of even degree, at most four, in the entries."""
        total = sp.S.Zero
        for powers, coefficient in sp.Poly(expr, *self.entries).terms():
            monomial = sp.Mul(*(v**n for v, n in zip(self.entries, powers, strict=True)))
            total += coefficient * (self._fourth(powers) if sum(powers) == 4 else self.products.get(monomial, monomial))
        return total

    def _fourth(self, powers: tuple[int, ...]) -> sp.Symbol:
        tag = "".join(f"{v.name}" * n for v, n in zip(self.entries, powers, strict=True))
        name = OwnedSymbol(f"Q_{tag}", real=True)
        self.fourth[name] = sp.Mul(*(v**n for v, n in zip(self.entries, powers, strict=True)))
        return name

    def _named(self, y: sp.Symbol, c: sp.Symbol) -> sp.Symbol:
        name = OwnedSymbol(f"K_{y.name}_{c.name}", real=True)
        self.alone[name] = y, c
        return name

    def _pair(self, state: sp.Symbol) -> tuple[sp.Symbol, sp.Symbol] | None:
        """The entries whose product ``state`` is; None for a cell."""
        found = next((e for e, name in self.products.items() if name == state), None)
        if found is None:
            return None
        return (found.base, found.base) if found.is_Pow else found.args


def _split(expr: sp.Expr, kind: object) -> tuple[sp.Expr, sp.Expr]:
    """The factors that hold ``kind``, and the others."""
    others, held = expr.as_independent(kind, as_Add=False)
    return held, others
