"""How fine a trapezoidal rule must be: the strip in which an integrand is analytic, and its growth there.

Serves the lowering of quadrature nodes. For ``g`` analytic in ``|Im z| < a`` with ``|g(x + iy)| ≲ e^{κ y² + ρ|x|}`` the
rule of step h under a Gaussian weight of width s errs by ``e^{-2πy/h + q y²}``, ``q = 1/2 + κ s²``, for every y < a/s
(Trefethen and Weideman, SIAM Review 56, 2014, section 5); the best y gives the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy as sp

from symhigh.derivation.gaussian import Hazard, LogErfc, Sigmoid, Softplus

_ERFC_ZERO = sp.Rational(199, 100)
"""Distance from the real line of the zeros of erfc nearest to it, -1.3548 ± 1.9915i, rounded down."""


@dataclass(frozen=True)
class Strip:
    """Half-width a of the strip of analyticity (``oo`` for entire functions), growth κ across it, growth ρ along it.

    ``order`` is that of the poles at its edge; branch points count as simple poles.
    """

    width: sp.Expr = sp.oo
    growth: sp.Expr = sp.S.Zero
    rate: sp.Expr = sp.S.Zero
    order: int = 0

    def __mul__(self, other: Strip) -> Strip:
        return Strip(
            sp.Min(self.width, other.width),
            self.growth + other.growth,
            self.rate + other.rate,
            self.order + other.order,
        )

    def __or__(self, other: Strip) -> Strip:
        """The strip of a sum."""
        return Strip(
            sp.Min(self.width, other.width),
            sp.Max(self.growth, other.growth),
            sp.Max(self.rate, other.rate),
            max(self.order, other.order),
        )


def more_digits(order: int) -> float:
    """What a pole of order m costs: its residue has the factor ``(L/a)^{m-1}/(m-1)!``, with L/a below e^3.3."""
    return max(0.0, 3.3 * (order - 1) - math.lgamma(max(order, 1)))


def strip(expr: sp.Expr, z: sp.Symbol) -> Strip | None:
    """The strip of ``expr`` as a function of the real variable ``z``; None where it is not known beforehand."""
    if z not in expr.free_symbols or expr.is_polynomial(z):
        return Strip()
    if isinstance(expr, sp.Add | sp.Mul):
        total = Strip()
        for arg in expr.args:
            part = strip(arg, z)
            if part is None:
                return None
            total = total | part if isinstance(expr, sp.Add) else total * part
        return total
    if isinstance(expr, sp.exp):
        return _exponential(expr.args[0], z)
    if isinstance(expr, sp.Pow):
        return _power(expr, z)
    if expr.args and expr.args[0].is_polynomial(z) and sp.degree(expr.args[0], z) == 1:
        slope = sp.Abs(sp.Poly(expr.args[0], z).LC())
        known = {
            Sigmoid: Strip(sp.pi / slope, order=1),
            Softplus: Strip(sp.pi / slope, order=1),
            Hazard: Strip(_ERFC_ZERO / slope, order=1),
            LogErfc: Strip(_ERFC_ZERO / slope, order=1),
            sp.tanh: Strip(sp.pi / (2 * slope), order=1),
            sp.erf: Strip(growth=slope**2),
            sp.atan: Strip(1 / slope, order=1),
            sp.asinh: Strip(1 / slope, order=1),
        }
        return known.get(expr.func)
    if isinstance(expr, sp.log):
        return _quadratic(expr.args[0], z)
    return None


def _exponential(exponent: sp.Expr, z: sp.Symbol) -> Strip | None:
    if not exponent.is_polynomial(z) or sp.degree(exponent, z) > 2:
        return None
    poly = sp.Poly(exponent, z)
    curvature, slope = poly.coeff_monomial(z**2), poly.coeff_monomial(z)
    if curvature == 0:
        return Strip(rate=sp.Abs(slope))
    return None if curvature.is_positive else Strip(growth=sp.Max(-curvature, 0), rate=sp.Abs(slope))


def _power(expr: sp.Pow, z: sp.Symbol) -> Strip | None:
    """A power of a definite quadratic has its branch points at the quadratic's roots; else a whole power."""
    base, exponent = expr.base, expr.exp
    if z in exponent.free_symbols:
        return None
    if base.is_polynomial(z):
        return _quadratic(base, z, max(1, int(sp.ceiling(-exponent)) if exponent.is_number else 1))
    if not (exponent.is_Integer and exponent > 0):
        return None
    inner = strip(base, z)
    return inner and Strip(
        inner.width, exponent * inner.growth, exponent * inner.rate, int(exponent) * inner.order
    )


def _quadratic(base: sp.Expr, z: sp.Symbol, order: int = 1) -> Strip | None:
    """The strip between the complex roots of a definite quadratic."""
    if not base.is_polynomial(z) or sp.degree(base, z) != 2:
        return None
    a, b, c = sp.Poly(base, z).all_coeffs()
    discriminant = sp.expand(4 * a * c - b**2)
    return Strip(sp.sqrt(discriminant) / (2 * sp.Abs(a)), order=order) if discriminant.is_positive else None


def is_centred(expr: sp.Expr, z: sp.Symbol) -> bool:
    """Whether what limits the strip lies above z = 0: arguments are multiples of z, or of z² plus a constant."""
    for part in sp.preorder_traversal(expr):
        whole = part.is_Pow and part.exp.is_Integer and part.exp > 0
        if not (part.is_Function or part.is_Pow) or whole or z not in part.free_symbols:
            continue
        inner = part.args[0]
        if not inner.is_polynomial(z):
            return False
        poly = sp.Poly(inner, z)
        if poly.coeff_monomial(1 if poly.degree() == 1 else z) != 0 or poly.degree() > 2:
            return False
    return True
