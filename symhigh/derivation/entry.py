"""Averages over the sample's entry a: of products, and of functions of the gradient's entry ``F a``, as clipping makes.

Serves the second pass, :mod:`symhigh.derivation.one_step`. Where a step is no product of a function of a and one of the
slopes F, a is independent of the slopes and ``N(0, λ)``. As a and -a have one law, only sizes ``|F|`` and the
sign of a product of two slopes matter; what is left is cut into cells of a, on which moments follow by parts
(:mod:`symhigh.derivation.residual`). The result is a function of the slopes and of λ, so its average differs by mode.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.residual import mean_over_residual, of_normal, slope_over_residual
from symhigh.symbols import OwnedSymbol, lam

ENTRY = OwnedSymbol("a", real=True)
"""The sample's entry at the coordinate, ``N(0, λ)``."""


def over_entry(form: sp.Expr, owner: str) -> tuple[sp.Expr, sp.Expr]:
    """``E form`` and ``E ∂form/∂a``, as functions of λ and of the slopes in ``form``."""
    slopes = sorted(form.atoms(AppliedUndef), key=sp.default_sort_key)
    if len(slopes) > 2:
        raise ValueError(f"rule {owner}: its step holds {form}, a function of the gradients of three students at once")
    sizes = [sp.Dummy(f"f{k}", positive=True) for k in range(len(slopes))]
    known = {size: sp.Abs(F) for size, F in zip(sizes, slopes, strict=True)}
    together = sp.Mul(*map(sp.sign, slopes))

    def averages(relative: int) -> tuple[sp.Expr, sp.Expr]:
        signs = (1, relative)
        put = {F: sign * size for F, sign, size in zip(slopes, signs[: len(slopes)], sizes, strict=True)}
        found = of_normal(form.xreplace(put), ENTRY, lam)
        values = mean_over_residual(found, ()), slope_over_residual(found, ())
        if any(value.has(GaussianMean, sp.oo, sp.nan, ENTRY) for value in values):
            raise ValueError(
                f"rule {owner}: its step holds {form} of the gradient's entry G = F a, whose average over the sample's "
                "entry has no closed form; products of powers, signs and absolute values of G have one, and so have "
                "functions that are polynomials of G between bounds, such as Max(-c, Min(c, G))"
            )
        return values[0].xreplace(known), slopes[0] * sp.expand(values[1] / sizes[0]).xreplace(known)

    value, slope = averages(1)
    if len(slopes) == 2:
        other, other_slope = averages(-1)
        value, slope = (
            ((1 + together) * p + (1 - together) * q) / 2 for p, q in ((value, other), (slope, other_slope))
        )
    return value, slope


def hermite_mean(phi: sp.Expr, n: int, owner: str) -> sp.Expr:
    """``E φ⁽ⁿ⁾(a)`` for ``a ~ N(0, λ)``, n up to 4, which is ``E φ(a) Heₙ(a/√λ)/λ^{n/2}``."""
    u = ENTRY / sp.sqrt(lam)
    hermite = (sp.S.One, u, u**2 - 1, u**3 - 3 * u, u**4 - 6 * u**2 + 3)[n]
    terms = sp.Add.make_args(sp.expand(phi * hermite))
    return sum((power_mean(term, ENTRY, lam, owner) for term in terms), sp.S.Zero) / lam ** sp.Rational(n, 2)


def power_mean(term: sp.Expr, variable: sp.Symbol, variance: sp.Expr, owner: str) -> sp.Expr:
    """``E`` of a monomial in a centred normal, its absolute value and its sign."""
    if term == 0:
        return sp.S.Zero
    constant, rest = term.as_independent(variable, as_Add=False)
    power, odd = sp.S.Zero, False
    for factor in () if rest == 1 else sp.Mul.make_args(rest):
        base, exponent = factor.as_base_exp()
        if base == variable and exponent.is_Integer:
            power, odd = power + exponent, odd ^ bool(exponent % 2)
        elif base == sp.sign(variable) and exponent.is_Integer:
            odd ^= bool(exponent % 2)
        elif base == sp.Abs(variable):
            power += exponent
        else:
            raise ValueError(f"rule {owner}: no average of {rest} is known; powers, signs and absolute values are")
    if odd:
        return sp.S.Zero
    size = 2 ** (power / 2) * sp.gamma((power + 1) / 2) / sp.sqrt(sp.pi)
    return constant * size * variance ** (power / 2)
