"""Least squares at a constant rate on a Marchenko-Pastur spectrum: solved.

The subject of arXiv 2102.04396; the derivation is our own. With r = d/n the law has ends λ± = (1 ± √r)², mean τ = 1,
and ``m(s) = ∫dμ/(λ - s)`` solves ``r s m² + (s + r - 1)m + 1 = 0``. Let D² = D²∞ + (D²(0) - D²∞)δ_λ, D²∞ = γI∞/2 the
same in all modes, a start spread evenly, and u = 2γt. With k = γ/2 the limit's modes obey

    dδ_λ/du = λ(-δ_λ + kΨ),      Ψ(u) = ∫λδ_λ dμ,      R(t) = R∞ + ½(D²(0) - D²∞)Ψ(2γt),      R∞ = ω²/(2 - γ).

Laplace transforms at p = -s: ``Ψ̂ = (1 + s m)/(1 - k(1 + s + s²m))``. Its singularities are the cut of m on (λ₋, λ₊),
and a pole where ``k∫λ²/(λ - s)dμ = 1``, the Malthusian equation. Eliminating m from the latter:

    s² - (1 + r)(1 - k)s + r(1 - k)²/k = 0,      s₀ = (1 - k)(1 + r + W)/2,      W² = (1 + r)² - 4r/k.

The average rises in s, so a pole below λ₋ exists iff it is above 1 at λ₋, where it is k(1 - √r + r)/√r: iff
k > k⋆ = √r/(1 - √r + r). Hence, f the density and Δ = |1 - k(1 + s + s²m)|², a polynomial on the cut,

    Ψ(u) = (1 - k)∫λe^{-λu}/Δ(λ) dμ + 1{k > k⋆} A e^{-s₀u},      A = ((1 + k)W - (1 - k)(1 + r))/(2kW).

Below k⋆ the bulk's edge rules, ``Ψ ~ B u^{-3/2}e^{-λ₋u}`` with ``B = (1-k)√(λ₊-λ₋)Γ(3/2)/(2πrΔ(λ₋))``,
``Δ(λ₋) = (1 - k/k⋆)²``; at k⋆ the power is -1/2; above it the exponential rules.
"""

import mpmath
import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.closed.secular import RHO, exponential_rate
from symhigh.ledger import (
    REFUTED,
    Claim,
    Domain,
    Measured,
    equal,
    greater,
    integrated,
    less,
    numeric,
    symbolic,
)
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam
from symhigh.symbols import tau as TAU

q, k, s, u = sp.symbols("q k s u", positive=True)
r = q**2
LAW = MarchenkoPastur(r)
AVERAGE = LAW.mean(lam**2 / (lam - s))
CRITICAL = q / (1 - q + q**2)
LIMIT = linear_limit(sh.derive(sh.least_squares(), sh.Constant(1))).noiseless
BELOW = {q: (0, 4), k: (0, 1), s: (0, (1 - q) ** 2)}


# --- the law -----------------------------------------------------------------------------------------------------
@symbolic
def law_of_m():
    """m solves its quadratic, has mass 1 at infinity, and at λ₋ is 1/(√r(1 - √r))."""
    m = LAW.stieltjes(s)
    yield equal(r * s * m**2 + (s + r - 1) * m + 1, 0)
    yield equal(m.subs(s, LAW.edge), 1 / (q * (1 - q)))
    at = LAW.stieltjes(-s).subs(q, sp.Rational(1, 2))
    yield equal(sp.limit(s * at, s, sp.oo), 1)


below_the_edge = numeric(less(s, LAW.edge), title="Off the cut")


def integrals(ratio_root, at, digits=30):
    """``∫λ²/(λ - s)dμ`` from the density itself."""
    theta = mpmath.linspace(0, mpmath.pi, 5)
    size = lambda x: 1 + ratio_root**2 + 2 * ratio_root * mpmath.cos(x)  # noqa: E731
    return mpmath.quad(
        lambda x: 2 / mpmath.pi * mpmath.sin(x) ** 2 * size(x) / (size(x) - at), theta, maxdegree=10
    )


@integrated(tolerance=1e-12)
def averages(trial):
    """∫λ²/(λ - s)dμ in closed form against quadrature of the density, at random ratios and points."""
    for _ in range(4 if trial.quick else 12):
        root = mpmath.mpf(float(trial.rng.uniform(0.1, 3)))
        at = (1 - root) ** 2 * mpmath.mpf(float(trial.rng.uniform(0.1, 0.9)))
        found = sp.lambdify((q, s), AVERAGE, "mpmath")(root, at)
        by_density = Measured("its integral over the density", float(integrals(root, at)))
        yield Measured("∫λ²/(λ - s)dμ", float(found)), by_density, {"root of the ratio": root, "s": at}


law = Claim(
    "Averages over a Marchenko-Pastur law",
    id="marchenko-pastur/averages",
    source="Marchenko and Pastur (1967)",
    domain=Domain({q: (0, 4), s: (0, (1 - q) ** 2)}),
    evidence=[law_of_m, below_the_edge],
    checks=[averages],
)


# --- the transform -----------------------------------------------------------------------------------------------
@symbolic
def modes_of_the_limit():
    """δ of the derived limit: D² = D²∞ + (D²(0) - D²∞)δ turns its mode equation into δ' = λ(-δ + kΨ), k = γ/2."""
    noise, start, delta, psi = sp.symbols("omega D_0 delta Psi", positive=True)
    system = sh.derive(sh.least_squares(noise), sh.Constant(1))
    (rhs,) = system.family.rhs
    floor = gamma * (noise**2 / (2 - gamma))  # γI∞/2 with I∞ = 2R∞
    error = (start - floor) * psi + floor
    moved = rhs.subs(D2, floor + (start - floor) * delta).subs(gradient_noise, error + noise**2)
    yield equal(moved / (start - floor) / (2 * gamma), lam * (-delta + gamma / 2 * psi))


@symbolic
def transform():
    """Ψ̂ = ∫λδ̂ with (λ - s)δ̂ = 1 + kλΨ̂."""
    hat = sp.Symbol("hat", real=True)
    m = sp.Symbol("m", real=True)
    mode = lam * (1 + k * lam * hat) / (lam - s)
    # λ/(λ - s) = 1 + s/(λ - s), λ²/(λ - s) = λ + s + s²/(λ - s)
    parts = [sp.div(sp.Poly(lam**p, lam), sp.Poly(lam - s, lam)) for p in (1, 2)]
    means = [quotient.as_expr().subs(lam, 1) + rest.as_expr() * m for quotient, rest in parts]
    (solved,) = sp.solve(means[0] + k * hat * means[1] - hat, hat)
    yield equal(mode, lam / (lam - s) + k * hat * lam**2 / (lam - s))
    yield equal(solved, (1 + s * m) / (1 - k * (1 + s + s**2 * m)))


transformed = Claim(
    "The risk's Laplace transform",
    id="marchenko-pastur/transform",
    domain={gamma: (0, 2), k: (0, 1)},
    evidence=[modes_of_the_limit, transform],
)


# --- threshold ---------------------------------------------------------------------------------------------------
@symbolic
def malthusian():
    """The limit's secular equation is k∫λ²/(λ - s)dμ = 1 with ρ = 2γs; at λ₋ the average is (1 - √r + r)/√r."""
    summand = exponential_rate(LIMIT, gamma).summand.subs(RHO, 2 * gamma * s)
    yield equal(summand, gamma / 2 * lam**2 / (lam - s))
    yield equal(AVERAGE.subs(s, LAW.edge), (1 - q + q**2) / q)
    yield equal(sp.diff(lam**2 / (lam - s), s), (lam / (lam - s)) ** 2)  # it rises


@symbolic
def elimination():
    """With m = (1/k - 1 - s)/s² its quadratic becomes that of s; s₀ and s₁ are its roots."""
    held = sp.Symbol("m", real=True)
    (value,) = sp.solve(1 - k * (1 + s + s**2 * held), held)
    left = sp.expand(s**3 * k * (r * s * value**2 + (s + r - 1) * value + 1))
    yield equal(left, s**2 - (1 + r) * (1 - k) * s + r * (1 - k) ** 2 / k)
    root, other = ((1 - k) * (1 + r + sign * sp.sqrt((1 + r) ** 2 - 4 * r / k)) / 2 for sign in (1, -1))
    yield equal(LAW.isolated(k), root)
    yield equal(sp.expand(root * other), r * (1 - k) ** 2 / k)
    yield equal(sp.expand(root + other), (1 + r) * (1 - k))


@symbolic
def on_the_sheet():
    """At s₀ the root of m is √((λ₋-s)(λ₊-s)) = ((1+k)W - (1-k)(1+r))/2: ≥ 0 iff k ≥ k⋆."""
    W = sp.sqrt((1 + r) ** 2 - 4 * r / k)
    branch = 1 + r - s - 2 * r * (1 / k - 1) / s  # what m = (c - s)/s², c = 1/k - 1, leaves for the root
    yield equal((1 - r - s - branch) / (2 * r * s), (1 / k - 1 - s) / s**2)
    root = (1 - k) * (1 + r + W) / 2
    yield equal(branch.subs(s, root), ((1 + k) * W - (1 - k) * (1 + r)) / 2)
    gap = ((1 + k) * W) ** 2 - ((1 - k) * (1 + r)) ** 2
    yield equal(sp.expand(k * gap / 4), sp.expand((k * (1 + r)) ** 2 - r * (1 + k) ** 2))
    yield equal((k * (1 + r)) ** 2 - r * (1 + k) ** 2, (k * (1 + r - q) - q) * (k * (1 + r + q) + q))


HALVED = sp.sqrt((1 + r) ** 2 - 4 * r / k)
on_the_right_sheet = numeric(
    greater((1 + k) * HALVED - (1 - k) * (1 + r), 0), title="The isolated root is on the sheet of the law"
)


@symbolic
def slower_than_the_bulk():
    """k times the average at λ₋ exceeds one iff k > k⋆ = √r/(1 - √r + r), γ⋆ = 2k⋆."""
    at_the_edge = AVERAGE.subs(s, LAW.edge)
    yield equal(at_the_edge, 1 / CRITICAL)
    yield equal(2 * CRITICAL, 2 * q / (1 - q + q**2))


@symbolic
def rate_in_time():
    """2γs₀ = γ(1 - γ/2)(1 + r + √((1 + r)² - 8r/γ))."""
    rate = sp.Symbol("gamma", positive=True)
    slowest = (2 * rate * LAW.isolated(k)).subs(k, rate / 2)
    yield equal(slowest, rate * (1 - rate / 2) * (1 + r + sp.sqrt((1 + r) ** 2 - 8 * r / rate)))


threshold = Claim(
    "Bulk or isolated exponential",
    id="marchenko-pastur/threshold",
    domain={q: (0, 4), k: (CRITICAL, 1)},
    evidence=[malthusian, elimination, on_the_sheet, on_the_right_sheet, slower_than_the_bulk, rate_in_time],
)

QUOTED = 2 / (sp.sqrt(r) * (r - sp.sqrt(r) + 1))
quoted_as_is = Claim(
    "The quoted threshold in the normalisation of this file, planted",
    id="marchenko-pastur/quoted-as-is",
    source="arXiv 2102.04396, as quoted in a secondary text",
    domain={q: (0, 4)},
    evidence=[
        symbolic(equal(2 * CRITICAL, QUOTED), title="against the quoted threshold")
    ],
    expect=REFUTED,
)
@symbolic
def in_steps_of_rows():
    """Steps measured so that SGD converges iff γ < 2/r: by the derived threshold they are 1/r times those here."""
    here = sh.limits(sh.least_squares(), sh.Constant(1))["threshold"].expr.subs(TAU, 1)
    return equal(2 * CRITICAL * (2 / r) / here, QUOTED)


quoted = Claim(
    "The quoted threshold where SGD converges below two over the ratio",
    id="marchenko-pastur/quoted",
    source="arXiv 2102.04396, as quoted in a secondary text; the normalisation is inferred",
    domain={q: (0, 4)},
    evidence=[in_steps_of_rows],
)


# --- the curve ---------------------------------------------------------------------------------------------------
@symbolic
def density_of_the_transform():
    """On the cut Im Ψ̂/π = (1 - k)λf/Δ with Δ = (1-k)² - (1+r)k(1-k)λ/r + kλ²/r, m m̄ = 1/(rλ), m + m̄ = -(λ+r-1)/(rλ)."""
    real, imaginary = sp.symbols("a f", real=True)  # m = a + if
    m = real + sp.I * imaginary
    top, bottom = 1 + lam * m, 1 - k * (1 + lam + lam**2 * m)
    product = sp.expand(top * sp.conjugate(bottom))
    part = sp.im(product.subs(lam, s)).expand()
    yield equal(part, (1 - k) * s * imaginary)
    half = -(s + r - 1) / (2 * r * s)
    square = (1 - k * (1 + s + s**2 * real)) ** 2 + (k * s**2 * imaginary) ** 2
    on_cut = sp.expand(square).subs(imaginary**2, 1 / (r * s) - half**2).subs(real, half)
    yield equal(on_cut, (1 - k) ** 2 - (1 + r) * k * (1 - k) * s / r + k * s**2 / r)


@symbolic
def amplitude():
    """-(1 + s m)/(d/ds)(1 - k(1 + s + s²m)) at s₀ is A, m' from the law of m; s and k in terms of the roots of (∗)."""
    W = sp.sqrt((1 + r) ** 2 - 4 * r / k)
    m = (1 / k - 1 - s) / s**2
    slope = -sp.diff(r * s * error_square**2 + (s + r - 1) * error_square + 1, s) / sp.diff(
        r * s * error_square**2 + (s + r - 1) * error_square + 1, error_square
    )
    slope = slope.subs(error_square, m)
    value = (1 + s * m) / (k * (1 + 2 * s * m + s**2 * slope))
    stated = ((1 + k) * W - (1 - k) * (1 + r)) / (2 * k * W)
    yield equal(sp.cancel(value).subs(s, (1 - k) * (1 + r + W) / 2), stated)


positive_amplitude = numeric(
    greater(((1 + k) * HALVED - (1 - k) * (1 + r)) / (2 * k * HALVED), 0), title="The amplitude is positive"
)


@integrated(tolerance=1e-9)
def against_integration(trial):
    """Risk of the limit integrated on 512 nodes, below and above γ⋆, r < 1 and r > 1, with label noise."""
    times = np.array([0.5, 20.0])
    for ratio, level in ((0.3, 0.5),) if trial.quick else ((0.3, 0.5), (2.5, 0.3)):
        spectrum, start = sh.Spectrum.marchenko_pastur(ratio, nodes=512), sh.Start(x0=0.5)
        top = 2 * float(CRITICAL.subs(q, sp.sqrt(ratio)))
        for rate in (
            (0.6 * top, 0.5 * (top + 2)) if trial.quick else (0.3 * top, 0.9 * top, 0.5 * (top + 2))
        ):
            problem, rule = sh.least_squares(level), sh.Constant(rate)
            curve = sh.derive(problem, rule).solve(spectrum, start, 40.0, t=times, rtol=1e-12)
            formula = sh.limits(problem, rule, spectrum, start)["risk_curve"]
            exact = [float(formula.evaluate(digits=10, t=float(x))) for x in times]
            where = {"ratio": ratio, "gamma": rate, "noise": level}
            yield Measured("R of curves", curve.risk), Measured("R by its formula", np.array(exact)), where


@integrated(tolerance=1e-5)
def powers_at_the_edge(trial):
    """Ψe^{λ₋u} of the integrated limit at u = 500, 1000, 2000: B u^{-3/2} below k⋆, B' u^{-1/2} at k⋆."""
    ratio, clocks = 0.3, np.array([500.0, 1000.0, 2000.0])
    spectrum, at = sh.Spectrum.marchenko_pastur(ratio, nodes=2048), {q: sp.sqrt(ratio)}
    edge, top, critical = (float(e.subs(at)) for e in ((1 - q) ** 2, (1 + q) ** 2, CRITICAL))
    below, other = (
        0.2,
        ratio * (1 - critical) ** 2 / (critical * edge),
    )  # the second root at k⋆, the first being λ₋
    low = (1 - below) * np.sqrt(top - edge) / (4 * np.sqrt(np.pi) * ratio * (1 - below / critical) ** 2)
    at_critical = (1 - critical) * ratio / (critical * (edge - other) * np.sqrt(np.pi) * ratio**0.75)
    for strength, power, constant in ((below, 1.5, low), (critical, 0.5, at_critical)):
        times, rule = clocks / (4 * strength), sh.Constant(2 * strength)
        system = sh.derive(sh.least_squares(), rule)
        risk = system.solve(spectrum, sh.Start(), times[-1], t=times, rtol=1e-12, atol=1e-290).risk
        first, second, third = 2 * risk * np.exp(edge * clocks) * clocks**power
        late = (8 * third - 6 * second + first) / 3  # without 1/u and 1/u²
        yield Measured(f"Ψ e^(λ₋u) u^{power} late", late), Measured("its constant", constant), {"k": strength}


curve = Claim(
    "Risk curve on a Marchenko-Pastur spectrum",
    id="marchenko-pastur/curve",
    domain={q: (0, 4), k: (CRITICAL, 1), s: (0, 1)},
    evidence=[density_of_the_transform, amplitude, positive_amplitude, against_integration, powers_at_the_edge],
)


def total_mass(root, strength):
    at = {q: sp.Float(root, mpmath.mp.dps + 5), k: sp.Float(strength, mpmath.mp.dps + 5)}
    return mpmath.mpmathify(LAW.relaxation(k, sp.S.Zero).subs(at).evalf(mpmath.mp.dps))


mass = Claim(
    "Mass of the curve",
    "Bulk and exponential together carry all of the risk.",
    id="marchenko-pastur/mass",
    domain=Domain({q: (0, sp.Rational(9, 10)), k: (sp.Rational(1, 20), sp.Rational(19, 20))}),
    evidence=[
        numeric(
            total_mass,
            sp.S.One,
            title="total mass",
            points=3,
            digits=15,
        )
    ],
)
