"""Closed-form moments: E of a polynomial times signs of affine forms under a centred Gaussian law.

Fourth pass of a Gaussian expectation. One recursion does it, Stein's lemma
``E[v_i g] = Σ_j S_ij E ∂_j g``: on a polynomial it is Isserlis' theorem; on ``sign(l - a)`` it leaves ``2 δ(l - a)``,
that is, the density of l at a times an expectation under the law conditioned on l = a, with one sign less. What remains
is E of a product of signs: an error function for one; for two through the origin, Price's theorem integrated in the
correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

import sympy as sp

from symhigh.derivation.gaussian.basis import Form, Sign, bilinear, distributed, gathered, sign_basis
from symhigh.derivation.gaussian.orthant import FourSigns
from symhigh.derivation.gaussian.terms import Monomial, Polynomial


class NoClosedForm(Exception):
    """The expectation leads outside elementary functions and erf."""


def moment(polynomial: Polynomial, signs: Sequence[Sign], cov: Sequence[Form]) -> sp.Expr:
    """``E[polynomial(v) Π sign(l_k·v - a_k)]`` for v ~ N(0, cov), or :class:`NoClosedForm`.

    The forms l_k have positive variance and different directions.
    """
    basis = sign_basis([form for form, _ in signs], len(cov))
    polynomial, signs, law, meaning = basis.adapt(polynomial, signs, cov)
    return gathered(_Law(law).mean(polynomial, tuple(signs)), meaning)


class _Law:
    """N(0, cov) conditioned on ``given`` forms being zero, by Gram determinants.

    ``Cov(u, w | L) = det G(L∪u, L∪w) / det G(L)`` with G the Gram matrix under ``cov``; both determinants of a variance
    are nonnegative, so their roots are real and nothing has to be cancelled.
    """

    def __init__(
        self, cov: tuple[Form, ...], given: tuple[Form, ...] = (), volume: sp.Expr = sp.S.One
    ) -> None:
        self.cov = cov
        self.given = given
        self.volume = volume
        self.size = len(cov)
        self.known: dict[tuple[Monomial, tuple[Sign, ...]], sp.Expr] = {}
        self.minors: dict[tuple[Form, Form], sp.Expr] = {}
        self.conditioned: dict[Form, _Law] = {}

    def minor(self, form: Form, other: Form) -> sp.Expr:
        """``det G(L∪form, L∪other)``; the covariance times ``volume``."""
        key = (form, other)
        if key not in self.minors:
            rows, columns = (*self.given, form), (*self.given, other)
            gram = sp.Matrix([[bilinear(r, self.cov, c) for c in columns] for r in rows])
            self.minors[key] = _expanded(gram.det(method="berkowitz"))
        return self.minors[key]

    def covariance(self, form: Form, other: Form) -> sp.Expr:
        return self.minor(form, other) / self.volume

    def mean(self, polynomial: Polynomial, signs: tuple[Sign, ...]) -> sp.Expr:
        centred = all(a == 0 for _, a in signs)
        return sp.Add(
            *(
                c * self.monomial(m, signs)
                for m, c in polynomial.items()
                if not (centred and (sum(m) + len(signs)) % 2)
            )
        )

    def monomial(self, powers: Monomial, signs: tuple[Sign, ...]) -> sp.Expr:
        key = (powers, signs)
        if key not in self.known:
            self.known[key] = distributed(self._stein(powers, signs)) if any(powers) else self.orthant(signs)
        return self.known[key]

    def _stein(self, powers: Monomial, signs: tuple[Sign, ...]) -> sp.Expr:
        i = next(k for k, n in enumerate(powers) if n)
        rest = _lower(powers, i)
        total = sp.S.Zero
        unit = _unit(i, self.size)
        for j, n in enumerate(rest):
            s = self.covariance(unit, _unit(j, self.size)) if n else sp.S.Zero
            if s != 0:
                total += n * s * self.mean({_lower(rest, j): sp.S.One}, signs)
        for k, (form, threshold) in enumerate(signs):
            s = self.covariance(unit, form)
            if s != 0:
                total += 2 * s * self.on_plane(rest, signs[:k] + signs[k + 1 :], form, threshold)
        return total

    def on_plane(self, powers: Monomial, signs: tuple[Sign, ...], form: Form, threshold: sp.Expr) -> sp.Expr:
        """``E[v^powers Π sign · δ(form·v - threshold)]``."""
        square = self.minor(form, form)
        shift = [threshold * self.minor(_unit(i, self.size), form) / square for i in range(self.size)]
        if form not in self.conditioned:
            self.conditioned[form] = _Law(self.cov, (*self.given, form), square)
        moved = tuple(
            (f, sp.expand(a - sp.Add(*(c * m for c, m in zip(f, shift, strict=True))))) for f, a in signs
        )
        width = sp.sqrt(square) / sp.sqrt(self.volume)
        return density(threshold, width) * self.conditioned[form].mean(_shifted(powers, shift), moved)

    def orthant(self, signs: tuple[Sign, ...]) -> sp.Expr:
        """``E Π sign(l_k·v - a_k)``, group by group of dependent forms."""
        sure = sp.S.One
        uncertain = []
        for form, threshold in signs:
            if self.minor(form, form) == 0:
                sure *= sp.sign(-threshold)
            else:
                uncertain.append((form, threshold))
        total = sure
        while uncertain:
            group = [uncertain.pop()]
            for member in group:
                linked = [s for s in uncertain if self.minor(member[0], s[0]) != 0]
                uncertain = [s for s in uncertain if s not in linked]
                group.extend(linked)
            total *= self._dependent(group)
        return total

    def _dependent(self, signs: list[Sign]) -> sp.Expr:
        if len(signs) == 1:
            form, threshold = signs[0]
            return -sp.erf(threshold * sp.sqrt(self.volume) / sp.sqrt(2 * self.minor(form, form)))
        if any(a != 0 for _, a in signs):
            raise NoClosedForm
        if len(signs) % 2:
            return sp.S.Zero
        if len(signs) == 4:
            forms = [form for form, _ in signs]
            widths = [sp.sqrt(self.minor(f, f)) for f in forms]
            return FourSigns(
                *(self.minor(forms[i], forms[j]) / (widths[i] * widths[j]) for i, j in combinations(range(4), 2))
            )
        if len(signs) > 2:
            raise NoClosedForm
        (first, _), (second, _) = signs
        return two_signs(self.minor(first, second), self.minor(first, first), self.minor(second, second))


def density(at: sp.Expr, width: sp.Expr) -> sp.Expr:
    """Density of N(0, width²)."""
    return sp.exp(-(at**2) / (2 * width**2)) / (sp.sqrt(2 * sp.pi) * width)


def two_signs(covariance: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """``E sign(u) sign(v)`` for centred Gaussian u, v with variances ``first``, ``second``: ``(2/π) arcsin ρ``."""
    c, p, law = _price()
    return law.xreplace({c: covariance, p: sp.sqrt(first) * sp.sqrt(second)})


@lru_cache(maxsize=1)
def _price() -> tuple[sp.Symbol, sp.Symbol, sp.Expr]:
    """Price: ``∂E[sign u sign v]/∂c = 4 E δ(u)δ(v)``, four times the joint density at 0, integrated from c = 0.

    ``p² = Var u Var v``, and the density at the origin is ``1/(2π √(p² - c²))``, so ``|c| ≤ p`` picks the branch.
    """
    c, p = sp.Dummy("c", real=True), sp.Dummy("p", positive=True)
    antiderivative = sp.integrate(4 / (2 * sp.pi * sp.sqrt(p**2 - c**2)), c)
    return c, p, antiderivative - antiderivative.subs(c, 0)


def _expanded(expr: sp.Expr) -> sp.Expr:
    """``expr`` multiplied out, and zero where it is zero as a rational function."""
    flat = sp.expand(expr)
    if flat.is_Add and any(p.exp.is_negative for p in flat.atoms(sp.Pow) if not p.base.is_number):
        return sp.S.Zero if sp.expand(sp.numer(sp.together(flat))) == 0 else flat
    return flat


def _lower(powers: Monomial, index: int) -> Monomial:
    return (*powers[:index], powers[index] - 1, *powers[index + 1 :])


def _unit(index: int, size: int) -> Form:
    return tuple(sp.Integer(k == index) for k in range(size))


def _shifted(powers: Monomial, shift: Sequence[sp.Expr]) -> Polynomial:
    """``Π (v_j + shift_j)^{powers_j}``."""
    result: Polynomial = {(): sp.S.One}
    for n, m in zip(powers, shift, strict=True):
        step: Polynomial = {}
        for monomial, c in result.items():
            for k in range(n + 1) if m != 0 else [n]:
                step[(*monomial, k)] = c * sp.binomial(n, k) * m ** (n - k)
        result = step
    return result


def moment_given(
    polynomial: Polynomial,
    signs: Sequence[Sign],
    cov: Sequence[Form],
    forms: Sequence[Form],
    values: Sequence[sp.Symbol],
) -> sp.Expr:
    """``E[polynomial(v) Π sign(l_k·v - a_k) | forms = values]``, a function of ``values``.

    Given the forms one after the other, v is a linear function of them plus a centred Gaussian independent of them.
    Each step divides by the variance that the earlier ones leave, so a form of zero variance drops out as 0/0 = 0.
    """
    size = len(cov)
    shift: list[sp.Expr] = [sp.S.Zero] * size
    left: list[Form] = [tuple(row) for row in cov]
    for form, value in zip(forms, values, strict=True):
        s = [bilinear(_unit(i, size), left, form) for i in range(size)]
        variance = bilinear(form, left, form)
        news = value - sp.Add(*(c * m for c, m in zip(form, shift, strict=True)))
        shift = [m + sp.expand(a * news) / variance for m, a in zip(shift, s, strict=True)]
        left = [tuple(b - s[i] * s[j] / variance for j, b in enumerate(row)) for i, row in enumerate(left)]
    law = _Law(tuple(left))
    moved = tuple((f, a - sp.Add(*(c * m for c, m in zip(f, shift, strict=True)))) for f, a in signs)
    return sp.Add(*(c * law.mean(_shifted(powers, shift), moved) for powers, c in polynomial.items()))
