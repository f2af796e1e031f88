"""Averages over the sample's entry a of functions of the gradient's entry, such as ``F a`` clipped at a bound.

Serves the second pass, :mod:`symhigh.derivation.one_step`, for steps that are no product of a function of a and one of
the slopes F. There a is independent of the slopes and ``N(0, λ)``. As a and -a have one law, only sizes ``|F|`` and the
sign of a product of two slopes matter; what is left is cut into cells of a, on which moments follow by parts
(:mod:`symhigh.derivation.residual`). The result is a function of the slopes and of λ, so its average differs by mode.
"""

from __future__ import annotations

import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.residual import mean_over_residual, of_normal, slope_over_residual


def over_entry(form: sp.Expr, a: sp.Symbol, variance: sp.Expr, owner: str) -> tuple[sp.Expr, sp.Expr]:
    """``E form`` and ``E ∂form/∂a`` over ``a ~ N(0, variance)``, as functions of the slopes in ``form``."""
    slopes = sorted(form.atoms(AppliedUndef), key=sp.default_sort_key)
    if len(slopes) > 2:
        raise ValueError(f"rule {owner}: its step holds {form}, a function of the gradients of three students at once")
    sizes = [sp.Dummy(f"f{k}", positive=True) for k in range(len(slopes))]
    known = {size: sp.Abs(F) for size, F in zip(sizes, slopes, strict=True)}
    together = sp.Mul(*map(sp.sign, slopes))

    def averages(relative: int) -> tuple[sp.Expr, sp.Expr]:
        signs = (1, relative)
        put = {F: sign * size for F, sign, size in zip(slopes, signs[: len(slopes)], sizes, strict=True)}
        found = of_normal(form.xreplace(put), a, variance)
        values = mean_over_residual(found, ()), slope_over_residual(found, ())
        if any(value.has(GaussianMean, sp.oo, sp.nan, a) for value in values):
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
