"""Binary logistic regression with soft labels, (103)-(105): ``f = -x σ(x*) + log(1 + e^x)``.

By Stein's lemma ``E xσ(x*) = B12 E σ'(x*)``, so ``h = -B12 E[σ'(√B22 z)] + E log(1 + e^{√B11 w})``; the Stein
coefficients are ``c₁ = E σ'(x)`` and ``c₂ = -E σ'(x*)``, one-dimensional integrals. ``f' = σ(x) - σ(x*)``, and with
σ² = σ - σ', E σ = 1/2 the squares are one-dimensional too:

    I = E f'² = 1 - E σ'(√B11 z) - E σ'(√B22 z) - 2 E σ(x)σ(x*),

the last a double integral, which is 1/4 at B12 = 0 and grows with B12 at the rate E σ'(x)σ'(x*) (Price).
"""

from operator import mul

import mpmath
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, greater, integrated, must_fail, numeric, symbolic
from symhigh.symbols import B11, B12, B22, x, x_star

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


def derived(name):
    """A derived expectation at numbers, by the library's own evaluation."""
    expr = SYSTEM.scalar(name)

    def value(*at):
        numbers = dict(zip(DOMAIN, (sp.Float(str(v), 30) for v in at), strict=True))
        return mpmath.mpf(str(expr.subs(numbers).evalf(16)))

    value.__name__ = f"{name} as derived"
    return value


def risk_by_quadrature(p, q, r):
    return -q * gaussian(slope, r) + gaussian(softplus, p)


def mean_slope_of_the_student(p, q, r):
    return gaussian(slope, p)


def minus_mean_slope_of_the_teacher(p, q, r):
    return -gaussian(slope, r)


risk = Claim(
    "(104) the risk of logistic regression",
    id="high-line/104",
    source="High Line, (103), (104)",
    domain=DOMAIN,
    evidence=numeric(
        derived("risk"),
        risk_by_quadrature,
        title="h by quadrature",
        points=4,
        digits=10,
    ),
)
coefficients = Claim(
    "Stein coefficients of logistic regression",
    id="high-line/103-stein",
    source="High Line, section 2 with (103)",
    domain=DOMAIN,
    evidence=[
        numeric(
            derived("c1"),
            mean_slope_of_the_student,
            title="first coefficient",
            points=4,
            digits=10,
        ),
        numeric(
            derived("c2"),
            minus_mean_slope_of_the_teacher,
            title="second coefficient",
            points=4,
            digits=10,
        ),
    ],
)


# --- (105) -------------------------------------------------------------------------------------------------------
def sigma(s):
    return 1 / (1 + mpmath.exp(-s))


def double(g, p, q, r, *fs):
    """E f(g(x), g(x*)) of every f to the working precision, the trapezoidal rule in (z, w).

    x = √p z and x* = (q/√p) z + √(r - q²/p) w.

    σ is analytic for |Im| < π, so f is in a strip of half-width at least π/√3 on the domain above, and a step h leaves
    an error e^{-2π·1.8/h}.
    """
    along, cross = mpmath.sqrt(p), q / mpmath.sqrt(p)
    beside = mpmath.sqrt(r - cross**2)
    h = 2 * mpmath.pi * mpmath.mpf("1.8") / (mpmath.mp.dps * mpmath.log(10))
    count = int(mpmath.ceil(mpmath.sqrt(2 * mpmath.mp.dps * mpmath.log(10)) / h))
    grid = [(k * h, mpmath.exp(-((k * h) ** 2) / 2)) for k in range(-count, count + 1)]
    totals = [mpmath.mpf(0)] * len(fs)
    for z, v in grid:
        first, centre = g(along * z), cross * z
        there = [(w, g(centre + beside * s)) for s, w in grid]
        totals = [t + v * mpmath.fsum(w * f(first, u) for w, u in there) for f, t in zip(fs, totals, strict=True)]
    return [total * h**2 / (2 * mpmath.pi) for total in totals]


@symbolic
def squares():
    """f' = σ(x) - σ(x*) of the loss; σ² = σ - σ' and σ(-s) = 1 - σ(s), so E σ = 1/2 and E σ² = 1/2 - E σ'."""
    e, first = sp.symbols("e e_star", positive=True)  # e^x, e^{x*}
    share = e / (1 + e)
    slope_of = sp.diff(sh.logistic_regression().loss, x).subs({x: sp.log(e), x_star: sp.log(first)})
    yield equal(slope_of, share - first / (1 + first))
    yield equal(share**2, share - e * sp.diff(share, e))
    yield equal(share.subs(e, 1 / e), 1 - share)
    p, q, cross = sp.symbols("s s_star m")  # E σ'(x), E σ'(x*), E σσ*
    yield equal((sp.Rational(1, 2) - p) - 2 * cross + (sp.Rational(1, 2) - q), 1 - p - q - 2 * cross)


@integrated(tolerance=1e-13)
def node(trial):
    """The derived I against the whole double integral, and against the formula, at random covariances."""
    for point in trial.domain.points((B11, B12, B22), 1 if trial.quick else 3, trial.seed):
        value = float(SYSTEM.scalar("I").subs(point).evalf(15))
        with mpmath.workdps(16 if trial.quick else 20):
            p, q, r = (mpmath.mpf(point[s].p) / point[s].q for s in (B11, B12, B22))
            whole, product = double(sigma, p, q, r, lambda u, v: (u - v) ** 2, mul)
            split = 1 - gaussian(slope, p) - gaussian(slope, r) - 2 * product
            apart = float((whole - split) * mpmath.mpf(10) ** (mpmath.mp.dps - 8))
        agree = Measured("1 + difference of the two routes in units of 8 digits", 1 + 1e-13 * apart)
        yield agree, sp.Integer(1), point
        yield Measured("derived I", value), Measured("double integral of f'²", float(whole)), point
        yield Measured("derived I", value), Measured("1 - E σ' - E σ'* - 2 E σσ*", float(split)), point


@integrated(tolerance=1e-9)
def price(trial):
    """d/dB12 E σσ* = E σ'σ'* by differences of fourth order, and E σσ* = 1/4 at B12 = 0."""
    for _ in range(1 if trial.quick else 2):
        p, r = (mpmath.mpf(float(v)) for v in trial.rng.uniform(0.5, 3.0, 2))
        with mpmath.workdps(16):
            step = mpmath.mpf("0.001")
            at = {k: double(sigma, p, k * step, r, mul)[0] for k in (-2, -1, 0, 1, 2)}
            rise = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
            (meant,) = double(slope, p, mpmath.mpf(0), r, mul)
        where = {"B11": p, "B22": r}
        yield Measured("d/dB12 E σσ*", float(rise)), Measured("E σ'σ'*", float(meant)), where
        yield Measured("E σσ* at B12 = 0", float(at[0])), sp.Rational(1, 4), where


noise = Claim(
    "(105) the gradient noise of logistic regression",
    id="high-line/105",
    source="High Line, (105), derived",
    domain=DOMAIN,
    evidence=[squares, node, price],
)


# --- the link --------------------------------------------------------------------------------------------------------
@symbolic
def link_of_the_labels():
    """The soft label of x* is e^{x*}/(1 + e^{x*}): what f' subtracts; f' vanishes at x = x*, and f'' > 0 there."""
    e, first = sp.symbols("e e_star", positive=True)  # e^x, e^{x*}
    slope_of = sp.diff(sh.logistic_regression().loss, x)
    at = slope_of.subs({x: sp.log(e), x_star: sp.log(first)})
    yield equal(e / (1 + e) - at, first / (1 + first))
    yield equal(at.subs(e, first), 0)
    curved = sp.diff(slope_of, x).subs(x, sp.log(e))
    yield greater(sp.simplify(curved.rewrite(sp.exp)), 0)


def link_of_the_complement():
    """That f' with 1/(1 + e^{x*}) for the label would vanish at x = x*, too."""
    first = sp.Symbol("e_star", positive=True)
    return equal(first / (1 + first), 1 / (1 + first))


link = Claim(
    "The link of the soft labels",
    "With the complement of the label the target would not be where the loss is least.",
    id="high-line/105-link",
    source="High Line, before (105), corrected",
    evidence=link_of_the_labels,
    checks=must_fail(symbolic(link_of_the_complement)),
)
