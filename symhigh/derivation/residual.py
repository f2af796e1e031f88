"""Averages over the residual ``r = x - x* - ε`` alone, on the cells where what is averaged is smooth.

A pass of the derivation, for rates that depend on the sample. Where slope and rate see the sample through r only, r is
``N(-m, P)`` with ``P = Q + v`` for noise ``ε = m + √v Z``, and Stein's lemma gives ``c₁ = -c₂ = E[G (r + m)]/P`` for
the effective slope ``G = g f'`` (*The High Line*, arXiv 2405.19585, section 2; clipping: arXiv 2406.11733). Of several
directions r is one linear form ``Σ a_q z_q + b ε``, of variance ``aᵀBa + b²v``, and ``E ∂_q G = a_q c``. The cells are
found in :mod:`symhigh.derivation.cells`; moments of Laurent polynomials on them follow by integration by parts, and
anything else is a quadrature node that vanishes outside its cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.cells import Cell, cells_of
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.mixture import mixed
from symhigh.problem.noise import Component
from symhigh.symbols import B11, B12, B22, OwnedSymbol, eps, x, x_star

_LAW = sp.ImmutableMatrix([[B11, B12], [B12, B22]])
_R = OwnedSymbol("r", real=True)
_P = sp.Dummy("P", dummy_index=8_140_201, positive=True)
"""``Q`` and the variance of the noise."""
_SURE = (Component(sp.S.One, sp.S.Zero, sp.S.Zero),)


@dataclass(frozen=True)
class Residual:
    """A function ``form`` of ``r = Σ weights_q z_q + noise ε``; ``spread`` is the variance of the sum over q."""

    form: sp.Expr
    weights: tuple[sp.Expr, ...]
    noise: sp.Expr
    spread: sp.Expr


def of_residual(
    expr: sp.Expr, directions: tuple[sp.Symbol, ...] = (x, x_star), law: sp.Matrix = _LAW
) -> Residual | None:
    """``expr`` as a function of a residual, or None where it sees the sample in another way."""
    variables = (*directions, eps)
    candidates = (x - x_star - eps,) if directions == (x, x_star) else _linear_forms(expr, variables)
    for candidate in candidates:
        weights = tuple(candidate.coeff(v) for v in variables)
        lead, weight = next((v, w) for v, w in zip(variables, weights, strict=True) if w != 0)
        shifted = expr.xreplace({lead: lead + (_R - candidate) / weight})
        for form in (shifted, sp.expand(shifted)):
            if not form.has(*variables):
                column = sp.Matrix(weights[:-1])
                return Residual(form, weights[:-1], weights[-1], (column.T * law * column)[0])
    return None


def of_normal(form: sp.Expr, variable: sp.Symbol, variance: sp.Expr) -> Residual:
    """A function of one centred normal of that variance."""
    return Residual(form.xreplace({variable: _R}), (), sp.S.Zero, variance)


def _linear_forms(expr: sp.Expr, variables: tuple[sp.Symbol, ...]) -> list[sp.Expr]:
    """The linear combinations of variables, with numbers, that ``expr`` holds; the longest first, one of each line."""
    linear = (e for e in expr.atoms(sp.Add) if e.is_polynomial(*variables))
    sums = {sum((e.coeff(v) * v for v in variables), sp.S.Zero) for e in linear}
    forms = [f for f in sums if f != 0 and all(f.coeff(v).is_number for v in variables)]
    forms += [v for v in variables if expr.has(v)]
    return sorted(forms, key=lambda f: (-len(sp.Add.make_args(f)), sp.default_sort_key(f)))


def mean_over_residual(found: Residual, noise: tuple[Component, ...]) -> sp.Expr:
    """``E form`` of a function of the residual; ∞ where it is not integrable at r = 0."""
    cells = cells_of(found.form, _R)
    if any(c.touches_zero and c.power_at_zero <= -1 for c in cells):
        return sp.oo
    return _over_noise(found, noise, lambda law: sp.Add(*(law.mean(c) for c in cells)))


def slope_over_residual(found: Residual, noise: tuple[Component, ...]) -> sp.Expr:
    """``E[G (r - E r)]/P`` of an effective slope: ``E G'`` plus every jump of G times the density there."""
    cells = cells_of(found.form, _R)
    return _over_noise(found, noise, lambda law: law.stein(cells))


def _over_noise(found: Residual, noise: tuple[Component, ...], mean: Callable[[_Law], sp.Expr]) -> sp.Expr:
    """The average over the mixture of normals that the noise is."""
    total = sp.S.Zero
    for c in noise or _SURE:
        given = mean(_Law(found.noise * c.centre)).xreplace({_P: found.spread + found.noise**2 * c.variance})
        total += c.probability * mixed(given, c)
    return total


@dataclass(frozen=True)
class _Law:
    """r ~ N(``centre``, P)."""

    centre: sp.Expr

    def mean(self, cell: Cell) -> sp.Expr:
        """``E[form; r in cell]``."""
        u = cell.variable
        powers = _laurent(cell.form, u)
        if powers is None or (min(powers) < 0 and (self.centre != 0 or any(n < 0 and n % 2 for n in powers))):
            return self._node(cell)
        return sp.Add(*(c * self._moment(n, cell) for n, c in powers.items()))

    def stein(self, cells: Sequence[Cell]) -> sp.Expr:
        """``E[G (r - centre)]/P``, by parts on each cell: ``∫ G (r - c) φ = -P [G φ] + P ∫ G' φ``."""
        if not all(c.smooth for c in cells):
            return sp.Add(*(self.mean(c.times((c.side * c.variable - self.centre) / _P)) for c in cells))
        ends: dict[sp.Expr, sp.Expr] = {}
        for c in cells:
            for end, sign in ((c.low, 1), (c.high, -1)):
                if end != sp.oo:
                    place = c.side * end
                    ends[place] = ends.get(place, sp.S.Zero) + sign * c.side * c.at(end)
        jumps = sp.Add(*(sp.simplify(jump) * self._density(place) for place, jump in ends.items()))
        return jumps + sp.Add(*(self.mean(c.differentiated()) for c in cells))

    def _density(self, r: sp.Expr) -> sp.Expr:
        return sp.exp(-((r - self.centre) ** 2) / (2 * _P)) / sp.sqrt(2 * sp.pi * _P)

    def _moment(self, n: int, cell: Cell) -> sp.Expr:
        """``E[u^n; low < u < high]`` for u = side · r; n ≥ 0, or even and the law centred.

        By parts ``M_n = c M_{n-1} + (n-1) P M_{n-2} - P [u^{n-1} φ]`` with c the mean of u.
        """
        centre = cell.side * self.centre
        if n < 0:
            return (self._moment(n + 2, cell) + _P * self._ends(n + 1, cell)) / ((n + 1) * _P)
        if n == 0:
            low, high = ((end - centre) / sp.sqrt(2 * _P) for end in (cell.low, cell.high))
            if cell.high == sp.oo:
                return sp.erfc(low) / 2
            return sp.erf(high) / 2 if low == 0 else (sp.erfc(low) - sp.erfc(high)) / 2
        below = (n - 1) * _P * self._moment(n - 2, cell) if n > 1 else sp.S.Zero
        return centre * self._moment(n - 1, cell) + below - _P * self._ends(n - 1, cell)

    def _ends(self, n: int, cell: Cell) -> sp.Expr:
        """``[u^n φ]`` between the ends of the cell."""
        low, high = (
            sp.S.Zero if end == sp.oo or (end == 0 and n > 0) else end**n * self._density(cell.side * end)
            for end in (cell.low, cell.high)
        )
        return high - low

    def _node(self, cell: Cell) -> sp.Expr:
        """A quadrature node over ``z = side (r - centre)``, whose law does not depend on the side."""
        z = sp.Dummy("z", real=True)
        u = z + cell.side * self.centre
        form, bounds = cell.at(u), [u > cell.low, u < cell.high]
        inside = sp.And(
            *(b for b, end in zip(bounds, (cell.low, cell.high), strict=True) if end.is_finite is not False)
        )
        return GaussianMean(sp.Piecewise((form, inside), (0, True)), (z,), [[_P]])


def _laurent(form: sp.Expr, u: sp.Symbol) -> dict[int, sp.Expr] | None:
    """Coefficients by power of u, or None."""
    powers: dict[int, sp.Expr] = {}
    for term in sp.Add.make_args(sp.expand(form)):
        coefficient, rest = term.as_independent(u, as_Add=False)
        base, n = rest.as_base_exp()
        if rest != 1 and not (base == u and n.is_Integer):
            return None
        power = int(n) if rest != 1 else 0
        powers[power] = powers.get(power, sp.S.Zero) + coefficient
    return powers
