"""The mean of a product of four signs of centred Gaussian variables, one integral over an interval.

Serves the moments of a Gaussian expectation; two signs are an arcsine. Source: Plackett, *A reduction formula for
normal multivariate integrals* (Biometrika 41, 1954), along the segment that scales the correlations between the pairs
(1, 2) and (3, 4): ``E = E₁₂ E₃₄ + Σ ρ_ij ∫₀¹ (2/π)² asin(ρ_kl|ij(t)) / √(1 - t² ρ_ij²) dt``.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import sympy as sp

_PAIRS = (((0, 2), (1, 3)), ((0, 3), (1, 2)), ((1, 2), (0, 3)), ((1, 3), (0, 2)))


class FourSigns(sp.Function):  # type: ignore[misc]
    """``E sign(u₁) sign(u₂) sign(u₃) sign(u₄)`` as a function of ``ρ₁₂, ρ₁₃, ρ₁₄, ρ₂₃, ρ₂₄, ρ₃₄``."""

    nargs = 6

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Price: ``∂E/∂ρ_ij = (2/π) / √(1 - ρ_ij²)`` times the mean of the other two signs where u_i = u_j = 0."""
        places = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
        i, j = places[argindex - 1]
        k, m = (n for n in range(4) if n not in (i, j))
        r = {**dict(zip(places, self.args, strict=True))}
        a = {(p, q): r[min(p, q), max(p, q)] for p in range(4) for q in range(4) if p != q}
        cov, first, second = _given(a[i, j], a[k, m], a[k, i], a[k, j], a[m, i], a[m, j])
        return 4 / sp.pi**2 * sp.asin(cov / (sp.sqrt(first) * sp.sqrt(second))) / sp.sqrt(1 - a[i, j] ** 2)

    def _eval_is_extended_real(self) -> bool:
        return True

    def _eval_evalf(self, prec: int) -> sp.Expr | None:
        if self.free_symbols:
            return None
        with mp.workprec(prec + 20):
            return sp.Float(four_signs(*(mp.mpf(sp.N(a, mp.mp.dps)) for a in self.args)), precision=prec)


def four_signs(*correlations: Any) -> Any:
    """The value, by mpmath."""
    r12, r13, r14, r23, r24, r34 = correlations
    r = mp.matrix([[1, r12, r13, r14], [r12, 1, r23, r24], [r13, r23, 1, r34], [r14, r24, r34, 1]])
    total = 4 / mp.pi**2 * mp.asin(r12) * mp.asin(r34)
    for (i, j), (k, m) in _PAIRS:

        def rate(t: Any, i: int = i, j: int = j, k: int = k, m: int = m) -> Any:
            cov, first, second = _given(t * r[i, j], t * r[k, m], r[k, i], t * r[k, j], t * r[m, i], r[m, j])
            size = mp.sqrt(max(first, 0) * max(second, 0))
            inside = max(-1, min(1, cov / size)) if size > 0 else mp.mpf(0)
            return mp.asin(inside) / mp.sqrt(1 - (t * r[i, j]) ** 2)

        total += 4 / mp.pi**2 * r[i, j] * mp.quad(rate, [0, 1]) if r[i, j] != 0 else 0
    return total


def _given(a: Any, km: Any, ki: Any, kj: Any, mi: Any, mj: Any) -> tuple[Any, Any, Any]:
    """Covariance and variances of u_k, u_m given u_i = u_j = 0, whose correlation is ``a``."""
    left = 1 - a * a
    cov = km - (ki * mi - a * (ki * mj + kj * mi) + kj * mj) / left
    first = 1 - (ki * ki - 2 * a * ki * kj + kj * kj) / left
    second = 1 - (mi * mi - 2 * a * mi * mj + mj * mj) / left
    return cov, first, second
