"""The random parts of one step: what the sample moves in every vector, product of vectors and cell of a mode.

Serves :mod:`symhigh.derivation.sample`, from the changes of :mod:`symhigh.derivation.one_step`. Derived here: a vector
moves by ``δ Σ_r κ_r φ_r(a) ψ_r(z)`` to leading order, a the sample's entry and z the predictions. Given z the sum over
the coordinates of a mode of ``δ v φ_r(a)`` is Gaussian: its covariance with z_k is that of one coordinate,
``E φ_r(a) a``, times the overlap of v with the weights of z_k, and two such sums have ``E φ_r φ_s`` times an overlap.
All else of order 1/d is an average over many coordinates, which is its mean over a: a wave, a function of z alone.
A cell strays by order δ in each coordinate by itself; to leading order only what all share of it is seen in averages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.entry import ENTRY, power_mean
from symhigh.derivation.one_step import DELTA, OneStep, mean_of_normals, one_step, shared
from symhigh.derivation.state import Statement
from symhigh.symbols import d, g, gamma, lam

Wave = Mapping[sp.Expr, sp.Expr]
"""Functions of the formal slopes, and what multiplies them: polynomials in the entries of a coordinate."""


@dataclass(frozen=True)
class Kick:
    """``entry · slope``: a function of the sample's entry and the step's normals times one of the formal slopes."""

    entry: sp.Expr
    slope: sp.Expr


@dataclass(frozen=True, eq=False)
class Kicks:
    """The ``parts`` of order δ of a step, and by vector their ``factors``, equal for all coordinates of a mode."""

    statement: Statement
    step: OneStep
    parts: tuple[Kick, ...]
    factors: Mapping[sp.Symbol, tuple[sp.Expr, ...]]

    @property
    def exact(self) -> bool:
        """Whether no vector's change holds d beside the leading 1/d."""
        return not any(change.has(d) for change in self._scaled.values())

    @property
    def rated(self) -> bool:
        """Whether a rate that differs from sample to sample multiplies more than the gradient."""
        changes = (self.step.changes[v].subs(ENTRY, 0) for v in self.statement.coordinates)
        return any(change.has(self.step.rate) for change in changes)

    def pull(self, vectors: Sequence[sp.Symbol]) -> tuple[tuple[sp.Expr, ...], ...]:
        """What multiplies each vector in the change of each, times d."""
        still = dict.fromkeys(self.statement.gradients, 0)
        own = {v: change.subs(still) for v, change in self._scaled.items()}
        return tuple(tuple(sp.diff(own.get(v, sp.S.Zero), w).subs(g, gamma) for w in vectors) for v in vectors)

    @property
    def _scaled(self) -> dict[sp.Symbol, sp.Expr]:
        return {v: sp.expand((new - v) * d) for v, new in self.statement.vectors}

    def reach(self, r: int) -> sp.Expr:
        """``E φ_r(a) a``."""
        own, of_entry = (self.parts[r].entry * ENTRY).as_independent(ENTRY, as_Add=False)
        mean = mean_of_normals(own, self.statement)
        return mean * power_mean(of_entry, ENTRY, lam, self.statement.owner)

    def meeting(self, r: int, q: int) -> sp.Expr:
        """``E φ_r φ_q``, over the batch where both are of the sample."""
        return _over_entry(self.parts[r].entry * self.parts[q].entry, self.statement)

    def product(self, v: sp.Symbol, w: sp.Symbol) -> Wave:
        """The waves of ``d v w`` in one coordinate."""
        first, second = (self.step.changes.get(u, sp.S.Zero) for u in (v, w))
        return _waves(v * second + w * first + first * second, self.statement)

    def error(self, v: sp.Symbol) -> Wave:
        """The waves of ``d (v - v⋆)²``, where the sample sees the error alone."""
        return _waves(self.step.changes[v] ** 2, self.statement)

    def cell(self, name: sp.Symbol) -> Wave:
        """The waves of a cell."""
        return _waves(self.step.changes[name], self.statement)


def kicks_of(s: Statement) -> Kicks:
    """The kicks of a statement; ``ValueError`` where the size of one depends on the coordinate's vectors."""
    step = one_step(s)
    for v in s.coordinates:
        if any(f.has(ENTRY) and f.has(AppliedUndef) for f in _factors(step.changes[v])):
            raise ValueError(
                f"fluctuations: the rule {s.owner} moves {v.name} by a function of the gradient's entry that is no "
                "product of one of the slope and one of the sample's entry, so what a sample moves in a mode is no "
                "wave of the predictions alone; simulate an ensemble for its spread"
            )
    parts = [Kick(ENTRY, F) for F in step.slopes]
    found: dict[sp.Symbol, dict[Kick, sp.Expr]] = {}
    entries = {*s.coordinates, *s.coefficients}
    for v in s.coordinates:
        row = found.setdefault(v, {})
        for term in sp.Add.make_args(sp.expand(step.changes[v]).coeff(DELTA, 1)):
            factor, entry, slope = _split(term, s)
            if factor == 0:
                continue
            if factor.free_symbols & entries:
                raise ValueError(
                    f"fluctuations: the rule {s.owner} moves {v.name} at random by {term}, in proportion to the "
                    "coordinate's own entries, so the covariance of one step holds fourth moments; simulate an "
                    "ensemble for its spread"
                )
            kick = Kick(entry, slope)
            parts += [] if kick in parts else [kick]
            row[kick] = row.get(kick, sp.S.Zero) + factor
    for m in s.cells:
        if any(sp.expand(step.changes[m.name]).coeff(DELTA, n) != 0 for n in (0, 1)):
            raise ValueError(
                f"fluctuations: the rule {s.owner} moves the cell {m.name} by more than 1/d in a step, so each "
                "coordinate's has noise of its own in the limit; simulate an ensemble for its spread"
            )
    used = tuple(kick for kick in parts if any(row.get(kick, 0) != 0 for row in found.values()))
    factors = {v: tuple(row.get(kick, sp.S.Zero) for kick in used) for v, row in found.items()}
    return Kicks(s, step, used, factors)


def _factors(change: sp.Expr) -> list[sp.Expr]:
    return [factor for term in sp.Add.make_args(sp.expand(change)) for factor in sp.Mul.make_args(term)]


def _split(term: sp.Expr, s: Statement) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """A term as a factor, a function of the entry and the normals, and a function of the slopes."""
    factor, rest = term.as_independent(ENTRY, *s.normals, AppliedUndef, as_Add=False)
    slope, entry = rest.as_independent(ENTRY, *s.normals, as_Add=False)
    return factor, entry, signs_squared(slope)


def _waves(change: sp.Expr, s: Statement) -> Wave:
    """What of ``change`` at order 1/d depends on the predictions, averaged over the entry."""
    found: dict[sp.Expr, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(change).coeff(DELTA, 2)):
        factor, entry, slope = _split(term, s)
        if slope.has(AppliedUndef) and (mean := _over_entry(entry, s)) != 0:
            found[slope] = found.get(slope, sp.S.Zero) + factor * mean
    return found


def _over_entry(expr: sp.Expr, s: Statement) -> sp.Expr:
    """``E`` of a monomial in the entry and the normals."""
    own, of_entry = expr.as_independent(ENTRY, as_Add=False)
    mean = mean_of_normals(own, s)
    return mean * shared(of_entry, s) * power_mean(of_entry, ENTRY, lam, s.owner)


def signs_squared(expr: sp.Expr) -> sp.Expr:
    """The square of a sign as one."""
    return expr.replace(
        lambda e: e.is_Pow and isinstance(e.base, sp.sign) and e.exp.is_Integer,
        lambda e: e.base if e.exp % 2 else sp.S.One,
    )
