"""One step of an algorithm, expanded to order 1/d: the drift and the covariance of one coordinate, by Mehler's formula.

Second pass. Nothing is assumed of the loss: its slopes are formal functions F_p of the predictions. Source of the
mathematics: *The High Line* (arXiv 2405.19585), section 2, for the overlaps of SGD; derived here for a coordinate.

The argument, in the eigenbasis of K, for a coordinate with eigenvalue λ. With ``δ = 1/√d`` its vectors are ``δ v`` with
v of order one, the sample's entry is ``a ~ N(0, λ)``, and a prediction is ``z_p = δ Σ_i a_i π_p(v_i)``, so that a and z
are jointly Gaussian with ``Cov(a, z_p) = λ δ π_p``. The gradient's entry is ``G = a Σ_p F_p ∂π_p/∂v``, hence a step
changes v by terms ``c φ(a) ψ(F(z))`` with c of order δ or δ². Mehler's formula gives each average:

    E φ(a) ψ(z) = Σ_n (λδ)ⁿ/n! · E φ⁽ⁿ⁾(a) · Σ_{p1 … pn} π_{p1} ⋯ π_{pn} E ∂_{p1} ⋯ ∂_{pn} ψ(z),

with ``λⁿ E φ⁽ⁿ⁾(a) = E φ(a) λ^{n/2} Heₙ(a/√λ)``. What is left of order δ² = 1/d is the drift per unit of time, and of
the products of two changes the covariance: an Itô SDE of the coordinate, coupled to the others through averages only.
The rate uses memories after the step, so it is ``g = γ + δ² q(z)`` with q formal; the expansion itself shows that
this shift does not reach order 1/d. A batch of m samples averages m independent ``F_p a``: a product of two has m
equal pairs among m², and the others factorise into two terms of order δ each, beyond the order kept.

Where the data have classes, the entry is ``δ μ_k + a`` in class k, and predictions are centred but for their mean
there, which the slopes of that class hold. The entry's mean adds ``δ μ_k E φ'(a) E_k ψ``, averaged over the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.entry import ENTRY, hermite_mean, over_entry, power_mean
from symhigh.derivation.state import Statement
from symhigh.symbols import OwnedSymbol, d, g, gamma, lam

DELTA = OwnedSymbol("delta", positive=True)
"""``δ = 1/√d``."""


class Mean(sp.Function):  # type: ignore[misc]
    """Formal expectation of a function of the slopes over one sample; a later pass gives it a value."""

    nargs = 1


class ClassMean(sp.Function):  # type: ignore[misc]
    """Formal share ``p_k E_k ψ`` that the k-th class of the data has in the mean of a function of the slopes."""

    nargs = 2


class Stein(sp.Function):  # type: ignore[misc]
    """Formal Stein coefficient ``E ∂_p ψ`` of a function ψ of the slopes, p the number of a prediction."""

    nargs = 2


class Kick(NamedTuple):
    """A random number in a step: its mean square, and its factors in the changes of the vectors."""

    square: sp.Expr
    factors: dict[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class OneStep:
    """What a step does to one coordinate: per unit of time, in λ, γ, the coordinate's entries, and formal averages.

    ``slopes`` are the formal F_p, students only; where the rate looks at the sample, F_p stands for the effective slope
    ``g f_p'``, and ``rate`` for g itself. ``kicks`` are the random numbers of which the changes of order δ are made,
    such as ``F_p a``, sign(F_p) sign(a) and what a step draws itself: the mean square of each, and its factor in the
    change of every vector. ``changes`` are the changes themselves, of vectors over δ and of cells, in δ, the slopes and
    the sample's entry :data:`ENTRY`. ``pulls`` are the formal slopes in the learnt scalars, ``scalars`` the drift of
    these and of what the rule keeps for them.
    """

    slopes: tuple[sp.Expr, ...]
    rate: sp.Expr
    drift: dict[sp.Symbol, sp.Expr]
    covariance: dict[tuple[sp.Symbol, sp.Symbol], sp.Expr]
    cells: dict[sp.Symbol, sp.Expr]
    kicks: tuple[Kick, ...]
    changes: dict[sp.Symbol, sp.Expr]
    pulls: tuple[sp.Expr, ...] = ()
    scalars: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)


@lru_cache(maxsize=512)
def one_step(statement: Statement) -> OneStep:
    """Drift and covariance of every vector, and the speed of every cell, for one coordinate."""
    s = statement
    z = tuple(OwnedSymbol(f"z{k}", real=True) for k in range(len(s.students) + len(s.aims)))
    slopes = tuple(sp.Function(f"F_{p}", real=True)(*z) for p in range(len(s.students)))
    rate = sp.Function("g", real=True)(*z)
    scaled = {v: DELTA * v for v in (*s.coordinates, *s.coefficients)} | {d: 1 / DELTA**2}
    gradients = {
        G: ENTRY * sum((F * row[k] for F, row in zip(slopes, s.jacobian, strict=True)), sp.S.Zero)
        for k, G in enumerate(s.gradients)
    }

    def change(new: sp.Expr, old: sp.Symbol, order: sp.Expr) -> sp.Expr:
        """``(new - old)/order`` in a, F, δ and entries of order one."""
        moved = sp.expand(_leading((new - old).xreplace(scaled) / order))
        moved = _joined(moved, s, rate) if s.sampled else moved.xreplace({g: gamma + DELTA**2 * sp.Function("q")(*z)})
        return sp.expand(_signs_apart(moved.xreplace(gradients)))

    mehler = _Mehler(s, z, (*s.effective, *s.targets))
    changes = {v: change(new, v, DELTA) for v, new in s.vectors}
    drift = {v: mehler.mean(c) for v, c in changes.items()}
    covariance = {
        (v, w): mehler.mean(sp.expand(changes[v] * changes[w])) for v, w in product(changes, repeat=2)
    }
    own = {m.name: change(m.name + m.increment, m.name, sp.S.One) for m in s.cells}
    cells = {name: mehler.mean(c) for name, c in own.items()}
    pulls = tuple(sp.Function(f"F_{a.name}", real=True)(*z) for a in s.scalars.learnt)
    there = dict(zip(s.scalars.slopes, pulls, strict=True))
    moves = {m.name: change(m.name + m.increment, m.name, sp.S.One) for m in s.scalars.memory}
    scalars = {name: mehler.mean(_of_each(move, s).xreplace(there)) for name, move in moves.items()}
    return OneStep(
        slopes, rate, drift, covariance, cells, _kicks(changes, mehler), {**changes, **own}, pulls, scalars
    )


def _of_each(move: sp.Expr, s: Statement) -> sp.Expr:
    """``move`` of a scalar, checked to be a sum over the samples of a batch."""
    slopes = s.scalars.slopes
    if s.batch != 1 and not (move.is_polynomial(*slopes) and sp.Poly(move, *slopes).total_degree() <= 1):
        raise ValueError(
            f"rule {s.owner}: its step is not linear in the gradient, so that of a learnt scalar depends on all "
            "samples of a batch at once; use batches of one"
        )
    return move


def _kicks(changes: dict[sp.Symbol, sp.Expr], mehler: _Mehler) -> tuple[Kick, ...]:
    """The random numbers of the changes of order δ, and their factors."""
    found: dict[sp.Expr, dict[sp.Symbol, sp.Expr]] = {}
    for v, change in changes.items():
        for term in sp.Add.make_args(sp.expand(change).coeff(DELTA, 1)):
            factor, number = term.as_independent(ENTRY, *mehler.normals, AppliedUndef)
            if number not in (0, 1):
                factors = found.setdefault(number, {})
                factors[v] = factors.get(v, sp.S.Zero) + factor
    return tuple(Kick(mehler.mean(DELTA**2 * number**2), factors) for number, factors in found.items())


def _leading(expr: sp.Expr) -> sp.Expr:
    """``expr`` with its denominators, such as ``d t + 1``, to leading order in δ."""
    return expr.replace(
        lambda e: e.is_Pow and e.exp.is_negative and e.base.is_Add and e.base.has(DELTA),
        lambda e: sp.expand(e.base).as_leading_term(DELTA) ** e.exp,
    )


def _joined(expr: sp.Expr, s: Statement, rate: sp.Expr) -> sp.Expr:
    """Rate and gradient of a step whose rate looks at the sample: together an effective slope, alone the rate."""
    total, gradients = sp.S.Zero, (*s.gradients, *s.scalars.slopes)
    for term in sp.Add.make_args(expr):
        steps = sp.degree(term, g) if term.is_polynomial(g) else 0
        joint = sp.S.One
        for gradient in gradients:
            joint *= gradient ** (sp.degree(term, gradient) if term.is_polynomial(gradient) else 0)
        rest = term / (joint * g**steps)
        if rest.has(g, *gradients) or sp.Poly(joint, *gradients).total_degree() not in (0, steps):
            raise ValueError(
                f"rule {s.owner}: its rate depends on the sample, and its step holds {term}; such a rate may only "
                "multiply the gradient, as in X - g/d * G"
            )
        total += rest * joint * (rate**steps if joint == 1 else 1)
    return total


def _signs_apart(expr: sp.Expr) -> sp.Expr:
    """The sign of a product as the product of signs."""
    return expr.replace(
        lambda e: isinstance(e, sp.sign) and e.args[0].is_Mul,
        lambda e: sp.Mul(*(sp.sign(factor) for factor in e.args[0].args)),
    )


class _Mehler:
    """Averages of ``c φ(a) ψ(z)`` to order δ²."""

    def __init__(self, s: Statement, z: tuple[sp.Symbol, ...], weights: tuple[sp.Expr, ...]) -> None:
        self.s, self.z, self.weights = s, z, weights
        self.entries = {*s.coordinates, *s.coefficients}
        self.normals = (*s.normals, *s.scalars.normals)

    def mean(self, expr: sp.Expr) -> sp.Expr:
        """``E expr/δ²`` as δ → 0; what is of order δ must average to zero."""
        terms = sp.Add.make_args(sp.expand(expr))
        large = next((e for e in terms if e.has(DELTA) and e.as_coeff_exponent(DELTA)[1] < 0), None)
        found = sp.S.Zero if large is not None else sp.expand(sp.Add(*map(self._term, terms)))
        if large is not None or (low := found.coeff(DELTA, 0)) != 0 or (low := found.coeff(DELTA, 1)) != 0:
            by = "more than its own size" if large is not None else f"{low} on average, more than 1/d"
            raise ValueError(
                f"rule {self.s.owner}: one step moves a coordinate by {by}: it has no limit on the time scale steps/d; "
                "scale the step by 1/d"
            )
        return found.coeff(DELTA, 2)

    def _term(self, term: sp.Expr) -> sp.Expr:
        constant, rest = term.as_independent(ENTRY, *self.normals, AppliedUndef)
        order = sp.degree(constant, DELTA) if constant.has(DELTA) else 0
        if order > 2:
            return sp.S.Zero
        phi, psi, own = sp.S.One, sp.S.One, sp.S.One
        if any(f.has(ENTRY) and f.has(AppliedUndef) for f in sp.Mul.make_args(rest)):
            return self._of_entry(constant, rest, order)
        for factor in sp.Mul.make_args(rest):
            in_a, in_z = factor.has(ENTRY), factor.has(AppliedUndef)
            phi, psi, own = (
                (phi * factor, psi, own) if in_a else (phi, psi * factor, own) if in_z else (phi, psi, own * factor)
            )
        constant *= mean_of_normals(own, self.s) * shared(phi, self.s)
        if constant == 0:
            return sp.S.Zero
        total = sp.S.Zero
        if order < 2 and self.s.classes and (value := hermite_mean(phi, 1, self.s.owner)) != 0:
            total += constant * value * DELTA * sum(o.mean * self._share(psi, k) for k, o in enumerate(self.s.classes))
        for n in range(3 - order):
            value = hermite_mean(phi, n, self.s.owner)
            if value == 0:
                continue
            for place in product(range(len(self.z)), repeat=n):
                pull = sp.prod(self.weights[p] for p in place)
                total += constant * value * (lam * DELTA) ** n / sp.factorial(n) * pull * self._average(psi, place)
        return total

    def _of_entry(self, constant: sp.Expr, rest: sp.Expr, order: int) -> sp.Expr:
        """A term with a function of the gradient's entry ``F a``: averaged over a first, then over the slopes."""
        own, form = rest.as_independent(ENTRY, AppliedUndef, as_Add=False)
        constant *= mean_of_normals(own, self.s)
        if constant == 0:
            return sp.S.Zero
        if self.s.batch != 1:
            raise ValueError(
                f"rule {self.s.owner}: its step holds {form} of the gradient's entry, which for a mean over several "
                "samples is not a function of each; use batches of one"
            )
        entries = form.free_symbols & {*self.entries, *(m.name for m in self.s.cells)}
        if entries:
            raise ValueError(
                f"rule {self.s.owner}: its step holds {form}, in which the gradient's entry meets the coordinate's own "
                f"{', '.join(sorted(map(str, entries)))}; its average is then no function of the eigenvalue alone"
            )
        value, slope = over_entry(form, self.s.owner)
        total = constant * self._average(value, ())
        if order < 2:
            total += sum(constant * DELTA * o.mean * self._share(slope, k) for k, o in enumerate(self.s.classes))
            pulls = ((p, self._average(slope, (p,))) for p in range(len(self.z)))
            total += sum((constant * lam * DELTA * self.weights[p] * stein for p, stein in pulls), sp.S.Zero)
        return total

    def _share(self, psi: sp.Expr, k: int) -> sp.Expr:
        return ClassMean(psi, sp.Integer(k)) if psi.has(*self.z) else self.s.classes[k].probability * psi

    def _average(self, psi: sp.Expr, place: tuple[int, ...]) -> sp.Expr:
        if not place:
            return Mean(psi) if psi.has(*self.z) else psi
        if len(place) == 1:
            return Stein(psi, sp.Integer(place[0])) if psi.has(*self.z) else sp.S.Zero
        return Mean(sp.Derivative(psi, *(self.z[p] for p in place)))


def mean_of_normals(own: sp.Expr, s: Statement) -> sp.Expr:
    """``E`` of a monomial in the normals that a step draws."""
    for normal in sorted(own.free_symbols.intersection((*s.normals, *s.scalars.normals)), key=str):
        if own == 0:
            break
        own = power_mean(own, normal, sp.S.One, s.owner)
    return own


def shared(phi: sp.Expr, s: Statement) -> sp.Expr:
    """The factor that a batch of m puts before a square of the sample's entry."""
    if s.batch == 1 or phi in (1, ENTRY):
        return sp.S.One
    if phi == ENTRY**2:
        return 1 / s.batch
    raise ValueError(
        f"rule {s.owner}: its step holds {phi} of the gradient's entry, which for a mean over several samples is not "
        "a function of each; use batches of one"
    )
