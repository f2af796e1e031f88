"""Binary logistic regression with soft labels, (103)-(105): ``f = -x σ(x*) + log(1 + e^x)``.

By Stein's lemma ``E xσ(x*) = B12 E σ'(x*)``, so ``h = -B12 E[σ'(√B22 z)] + E log(1 + e^{√B11 w})``; the Stein
coefficients are ``c₁ = E σ'(x)`` and ``c₂ = -E σ'(x*)``, one-dimensional integrals.
"""

import mpmath
import sympy as sp

import symhigh as sh
from symhigh.symbols import B11, B12, B22
from symhigh.verify import VERIFIED, Claim, numeric

SYSTEM = sh.derive(sh.logistic_regression(), sh.Constant(sp.Symbol("g", positive=True)), reduce=False)
DOMAIN = {
    B11: (sp.Rational(1, 2), 3),
    B12: (sp.Rational(-2, 5), sp.Rational(2, 5)),
    B22: (sp.Rational(1, 2), 3),
}


def gaussian(f, variance):
    """E f(√variance z) by quadrature on the line."""
    root = mpmath.sqrt(variance)
    return mpmath.quad(lambda s: mpmath.npdf(s) * f(root * s), [-14, -7, -3, 0, 3, 7, 14])


def slope(s):
    """σ'(s)."""
    return mpmath.sech(s / 2) ** 2 / 4


def softplus(s):
    return mpmath.log1p(mpmath.exp(-abs(s))) + max(s, 0)


def derived(expr):
    """A derived expectation at numbers, by the library's own evaluation."""
    return lambda *at: mpmath.mpf(
        str(expr.subs(dict(zip(DOMAIN, (sp.Float(str(v), 30) for v in at), strict=True))).evalf(16))
    )


risk = Claim(
    "(104) the risk of logistic regression",
    "h = -B12 E[σ'(√B22 z)] + E log(1 + e^{√B11 w}).",
    source="High Line, (103), (104)",
    domain=DOMAIN,
    evidence=numeric(
        derived(SYSTEM.scalar("risk")),
        lambda p, q, r: -q * gaussian(slope, r) + gaussian(softplus, p),
        title="h by quadrature",
        points=4,
        digits=10,
    ),
    expect=VERIFIED,
)
coefficients = Claim(
    "Stein coefficients of logistic regression",
    "c₁ = E σ'(√B11 z), c₂ = -E σ'(√B22 z).",
    source="High Line, section 2 with (103)",
    domain=DOMAIN,
    evidence=[
        numeric(
            derived(SYSTEM.scalar("c1")), lambda p, q, r: gaussian(slope, p), title="c₁", points=4, digits=10
        ),
        numeric(
            derived(SYSTEM.scalar("c2")), lambda p, q, r: -gaussian(slope, r), title="c₂", points=4, digits=10
        ),
    ],
    expect=VERIFIED,
)
