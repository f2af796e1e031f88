"""Exact line search on noiseless least squares: its limit, mode profile and rate for every spectrum.

γ = ∫λ²D²/(κ₂∫λD²) depends on the profile of D² over λ alone, and the profile settles. If ``D²_λ = p_λ e^{-ρt}``, the
risk law ``dQ/dt = -2γM + γ²κ₂Q`` with ``M = ∫λ²D² = γκ₂Q`` gives ρ = γ²κ₂; the mode equation gives
``p_λ ∝ γλ/(2λ - γκ₂)``, and ``Q = ∫λp``

    ∫ γλ²/(2λ - γκ₂) dμ(λ) = 1.

The left side rises in γ from 0 to infinity at 2λ_min/κ₂: one root. Remark F.1 has two eigenvalues and leaves more open.
Continuous spectra, where it may end below 1 at the edge, are in `line_search_clock.py`.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.modes import Modes
from symhigh.closed.secular import self_similar, similar_rate
from symhigh.ledger import Claim, Measured, at_least, equal, greater, integrated, numeric, symbolic
from symhigh.symbols import D2, error_square, gamma, gradient_noise, kappa2, lam

l1, l2, l3 = LAMBDAS = sp.symbols("lambda_1:4", positive=True)
PROBLEM, RULE = sh.least_squares(), sh.LineSearch()
LIMIT = linear_limit(sh.derive(PROBLEM, RULE)).noiseless
SECULAR = self_similar(LIMIT, Modes())
TWO = sh.limits(PROBLEM, RULE, sh.Spectrum.from_eigenvalues([l1, l2]))["learning_rate"].expr
HALVES = {l1: (1, 3), l2: (sp.Rational(1, 10), sp.Rational(9, 10))}


# --- the secular equation ----------------------------------------------------------------------------------------
@symbolic
def profile_is_an_eigenmode():
    """With ρ = γ²κ₂ the profile solves the mode equation, and the average is γλ²/(2λ - γκ₂)."""
    (rhs,) = LIMIT.system.family.rhs
    mode = {D2: SECULAR.profile * error_square, gradient_noise: error_square}
    yield equal(rhs.subs(mode), -similar_rate(LIMIT) * SECULAR.profile * error_square)
    yield equal(similar_rate(LIMIT), gamma**2 * kappa2)
    yield equal(SECULAR.summand, gamma * lam**2 / (2 * lam - gamma * kappa2))


@symbolic
def consistent():
    """If ∫λp = 1 then ∫λ²p = γκ₂, so the rate reproduces itself: λ²p = (γλ²·1 + γκ₂·λp)/2 for every λ."""
    p = SECULAR.profile
    return equal(lam**2 * p, gamma * (lam**2 + kappa2 * lam * p) / 2)


@symbolic
def rises():
    """The summand's derivative in γ is 2λ³/(2λ - γκ₂)² > 0."""
    return equal(sp.diff(SECULAR.summand, gamma), 2 * lam**3 / (2 * lam - gamma * kappa2) ** 2)


@integrated(tolerance=1e-8)
def random_spectra(trial):
    """Against the integrated limit on random spectra of 2 to 6 eigenvalues: learning rate and rate of the risk."""
    for k in range(6):
        size = 2 + k % 5
        values = 0.2 * np.exp(np.cumsum(trial.rng.uniform(0.25, 0.6, size)))
        spectrum = sh.Spectrum.from_eigenvalues(values, trial.rng.dirichlet(3 * np.ones(size)))
        found = sh.limits(PROBLEM, RULE, spectrum)
        end, speed = (float(found[name].evaluate()) for name in ("learning_rate", "rate"))
        late = np.array([280.0, 300.0]) / speed
        curve = sh.derive(PROBLEM, RULE).solve(spectrum, sh.Start(), late[1], t=late, rtol=1e-11, atol=1e-290)
        where = {"eigenvalues": values, "weights": spectrum.weights}
        slope = np.log(curve.risk[0] / curve.risk[1]) / (late[1] - late[0])
        yield Measured("γ late", curve.learning_rate[-1]), Measured("γ(∞) by sh.limits", end), where
        yield Measured("-d log R/dt late", slope), Measured("ρ by sh.limits", speed), where


exact = Claim(
    "Line search in closed form",
    "The self-similar profile; that curves tend to it is measured.",
    id="high-line/f.1",
    source="symhigh; two eigenvalues High Line, Remark F.1",
    evidence=[profile_is_an_eigenmode, consistent, rises, random_spectra],
    seconds=600,
)


# --- (13) --------------------------------------------------------------------------------------------------------
@symbolic
def upper_and_lower():
    """At γ = λ_min/κ₂ the average is at most 1, at 2λ_min/κ₂ it is infinite: λ_min/κ₂ ≤ γ∞ ≤ 2λ_min/κ₂."""
    edge, more = sp.symbols("lambda_min s", positive=True)
    least = SECULAR.summand.subs(gamma, edge / kappa2).subs(lam, edge + more)
    yield at_least(sp.factor((edge + more) ** 2 / kappa2 - least), 0)  # and ∫λ²/κ₂ = 1
    yield equal(SECULAR.edge.subs(lam, edge), 2 * edge / kappa2)


@symbolic
def lower_bound_always():
    """γ - λ_min/κ₂ = ∫λ(λ - λ_min)D²/(κ₂Q) ≥ 0 at all times, for any profile."""
    edge, more = sp.symbols("lambda_min s", nonnegative=True)
    averages = {
        r.name: r.summand.subs(lam, edge + more) for r in LIMIT.system.reductions if r.summand.has(D2)
    }
    top = sp.numer(sp.together(LIMIT.rate - edge / kappa2))
    return at_least(sp.factor(top.subs(averages)), 0)


bounds = Claim(
    "(13) bounds on line search",
    "Below at all times; above at the self-similar profile. That curves tend to this is measured with the closed form.",
    id="high-line/13",
    source="High Line, (13)",
    evidence=[upper_and_lower, lower_bound_always],
)


# --- few eigenvalues ---------------------------------------------------------------------------------------------
@symbolic
def radical():
    """The radical for two equal halves solves the secular equation."""
    k2 = (l1**2 + l2**2) / 2
    return equal(sum(TWO * v**2 / (2 * v - TWO * k2) for v in (l1, l2)) / 2, 1)


@symbolic
def quadratic_by_hand():
    """Cleared of denominators: κ₂²·2γ² - (2κ₂τ + λ₁λ₂τ)·2γ + 4λ₁λ₂ = 0, with κ₂, τ of the halves."""
    k2, mean = (l1**2 + l2**2) / 2, (l1 + l2) / 2
    return equal(2 * k2**2 * TWO**2 - 2 * mean * (2 * k2 + l1 * l2) * TWO + 4 * l1 * l2, 0)


two = Claim(
    "(101) two eigenvalues",
    "Two equal halves.",
    id="high-line/101",
    source="High Line, (101), Remark F.1",
    domain=HALVES,
    evidence=[
        radical,
        quadratic_by_hand,
        numeric(greater(2 * l2 / ((l1**2 + l2**2) / 2), TWO), title="below the edge"),
    ],
)


@integrated(tolerance=1e-8)
def table(trial):
    """λ = (1, 1/2), (1, 1/4), (1, 1/8): 1.16775006, 0.86983422, 0.48367675."""
    for second, value in ((2, 1.16775006), (4, 0.86983422), (8, 0.48367675)):
        yield TWO, Measured(f"{value} at λ₁ = 1, λ₂ = 1/{second}", value), {l1: 1, l2: 1 / second}


@symbolic
def cubic():
    """Three equal thirds: the root's polynomial, with the elementary symmetric polynomials, is a cubic in γ."""
    found = sh.limits(PROBLEM, RULE, sh.Spectrum.from_eigenvalues([l1, l2, l3]))["learning_rate"].expr
    poly = sp.Poly(found.equation.xreplace({found.unknown: gamma}), gamma)
    k2 = (l1**2 + l2**2 + l3**2) / 3
    by_hand = (
        sp.prod(2 * v - gamma * k2 for v in LAMBDAS)
        - gamma * sum(v**2 * sp.prod(2 * u - gamma * k2 for u in LAMBDAS if u != v) for v in LAMBDAS) / 3
    )
    by_hand = sp.Poly(sp.expand(by_hand), gamma)
    yield equal(poly.degree(), 3)
    scale = poly.LC() / by_hand.LC()
    yield from (equal(a, scale * c) for a, c in zip(poly.all_coeffs(), by_hand.all_coeffs(), strict=True))


three = Claim(
    "Three eigenvalues: a cubic",
    "Three equal thirds.",
    id="high-line/three-eigenvalues",
    evidence=[cubic],
)
reference = Claim(
    "Reference values of (101)",
    id="high-line/101-values",
    source="High Line, (101) and its figure",
    evidence=[table],
)
