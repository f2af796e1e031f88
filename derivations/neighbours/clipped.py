"""Clipped SGD: Huber's loss, its two reduction factors, and where it comes to rest.

Clipping every residual r at ±c is SGD on Huber's loss. With ``s² = E r² = Q + ω² = 2P`` and ``z = c/s``

    c₁ = -c₂ = E ψ' = P(|r| < c) = erf(z/√2),      I = E min(r², c²) = s²(F(z) + z² erfc(z/√2)),
    F(z) = erf(z/√2) - √(2/π) z e^{-z²/2}:

drift is reduced by μ = c₁, noise by ν = I/s² (arXiv 2406.11733). What follows is derived here. At a constant rate all
modes rest at ``D² = γI/(2c₁)``, so ``Q = γτI/(2c₁)``, or

    1 - ω²z²/c² = (γτ/2) G(z),      G = ν/μ,

whose right side rises from 0 at z = 0 to γτ/2: with E_w the mean under the density ``∝ rψ(r)e^{-r²/2s²}``, which is
larger in |r| for larger s, ``G = E_w min(1, c/|r|)``. The left side falls from 1. So with label noise there is one rest
point at every learning rate, and it is stable: clipping has no threshold. Without noise SGD reaches the target iff
γ < 2/τ, as unclipped, and above it rests at ``G(z) = 2/(γτ)``. A perturbation decays at the root ρ of

    κγ² ∫ λ²/(2γc₁λ - ρ) dμ = 1,      κ = c₁ d(I/c₁)/dQ.
"""

import mpmath
import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import (
    Claim,
    Domain,
    Measured,
    asymptotic,
    compare,
    equal,
    greater,
    integrated,
    numeric,
    simulation,
    symbolic,
)
from symhigh.problem.losses.robust import HUBER_THRESHOLD as c
from symhigh.symbols import D2, error_square, gamma, gradient_noise, lam, omega, risk

s, z, g, tau, P, w = sp.symbols("s z g tau P omega", positive=True)
PROBLEM = sh.huber(c, w)
FULL = sh.derive(PROBLEM, sh.Constant(g), reduce=False)
SYSTEM = sh.derive(PROBLEM, sh.Constant(g))
ROOT = sp.sqrt(2)
F = sp.erf(z / ROOT) - sp.sqrt(2 / sp.pi) * z * sp.exp(-(z**2) / 2)
MU, NU = sp.erf(z / ROOT), F + z**2 * sp.erfc(z / ROOT)
G = NU / MU


def in_sizes(expr):
    """An expression of the limit through s = √(Q + ω²)."""
    return sp.expand(expr.subs(error_square, s**2 - omega**2))


# --- the two factors ---------------------------------------------------------------------------------------------
@symbolic(simplify=lambda e: sp.expand(e.rewrite(sp.erf)))
def stated_form():
    """c₁ = -c₂ = erf(c/(2√P)) and I = 2P F(c/√(2P)) + c² erfc(c/√(2P)/√2), from the derived limit."""
    first, second = (FULL.scalar(name) for name in ("c1", "c2"))
    yield equal(second, -first)
    at = {s: sp.sqrt(2 * P)}
    yield equal(in_sizes(SYSTEM.scalar("c1")).subs(at), sp.erf(c / (2 * sp.sqrt(P))))
    printed = 2 * P * F.subs(z, c / sp.sqrt(2 * P)) + c**2 * sp.erfc(c / (2 * sp.sqrt(P)))
    yield equal(in_sizes(SYSTEM.scalar("I")).subs(at), printed)


@symbolic(simplify=lambda e: sp.expand(e.rewrite(sp.erf)))
def by_integration():
    """The same from the integrals over |r| < c and beyond."""
    r = sp.Symbol("r", positive=True)
    density = sp.exp(-(r**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    inside = 2 * sp.integrate(density, (r, 0, c))
    square = 2 * sp.integrate(r**2 * density, (r, 0, c)) + c**2 * 2 * sp.integrate(density, (r, c, sp.oo))
    yield equal(inside, MU.subs(z, c / s))
    yield equal(square, s**2 * NU.subs(z, c / s))
    yield equal(in_sizes(SYSTEM.scalar("I")), square)


@simulation
def clipped_runs(trial):
    """Direct SGD with clipped residuals, at 0.7 and 1.5 times the threshold of least squares."""
    spectrum, start = sh.Spectrum.from_eigenvalues([0.5, 1.5]), sh.Start()
    found = []
    for rate in (1.4, 3.0):
        problem, rule = sh.huber(0.8, 0.5), sh.Constant(rate)
        curve = sh.derive(problem, rule).solve(spectrum, start, 6.0)
        seeds = range(trial.seed % 10**6, trial.seed % 10**6 + 30)
        found.append(compare(curve, sh.simulate(problem, rule, spectrum, start, 256, 6.0, seeds), alarm=1e-3))
    return found


factors = Claim(
    "Reduction factors of clipped SGD",
    id="clipped/factors",
    source="arXiv 2406.11733",
    evidence=[stated_form, by_integration, clipped_runs],
)


# --- rest --------------------------------------------------------------------------------------------------------
@symbolic
def equation_of_rest():
    """D² = γI/(2c₁) stands still in every mode; Q = ∫λD² is 1 - ω²z²/c² = (γτ/2)G(z)."""
    (rhs,) = SYSTEM.family.rhs
    first = sp.Symbol("c1", real=True)
    (held,) = [n for n in rhs.free_symbols if n.name == "c1"]
    (rest_of_mode,) = sp.solve(rhs.subs({held: first}), D2)
    yield equal(rest_of_mode, gamma * gradient_noise / (2 * first))
    level, push, pull = s**2 - w**2, s**2 * NU.subs(z, c / s), MU.subs(z, c / s)
    balance = (level - g * tau * push / (2 * pull)) / s**2
    yield equal(balance.subs(s, c / z), 1 - w**2 * z**2 / c**2 - g * tau / 2 * G)


@symbolic
def as_a_mean():
    """G = E[ψ²]/E[rψ]·1: s²E ψ' = E rψ by Stein's lemma, and ψ² = rψ min(1, c/|r|)."""
    r = sp.Symbol("r", positive=True)
    density = sp.exp(-(r**2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    product = 2 * sp.integrate(r**2 * density, (r, 0, c)) + 2 * c * sp.integrate(r * density, (r, c, sp.oo))
    yield equal(product, s**2 * MU.subs(z, c / s))


@symbolic
def ends():
    """G ~ z√(π/2) at 0; 1 - G ~ √(2/π) e^{-z²/2}/z at infinity."""
    yield asymptotic(G, sp.sqrt(sp.pi / 2) * z, z, 0)
    # erfc(z/√2) = √(2/π) e^{-z²/2} (1/z - 1/z³ + 3/z⁵ - …)
    tail, scale = sp.Symbol("tail", positive=True), sp.sqrt(2 / sp.pi)
    series = scale * tail * (1 / z - 1 / z**3 + 3 / z**5)
    mu = 1 - series
    nu = mu - scale * z * tail + z**2 * series
    gap = sp.diff(1 - nu / mu, tail).subs(tail, 0)
    yield equal(sp.limit(gap * z, z, sp.oo), scale)


rising = numeric(greater(sp.diff(G, z), 0), title="G rises")


@integrated(tolerance=1e-9)
def against_integration(trial):
    """sh.limits against the limit integrated to rest: risk and excess risk, rates below and above 2/τ, with noise."""
    for k in range(2 if trial.quick else 6):
        values = trial.rng.uniform(0.5, 1.5, 3)
        clip, level = trial.rng.uniform(0.3, 2.0, 2)
        rate = (0.5, 1.5)[k % 2] * 2 / values.mean()
        problem, rule, spectrum = (
            sh.huber(clip, level),
            sh.Constant(rate),
            sh.Spectrum.from_eigenvalues(values),
        )
        found = sh.limits(problem, rule, spectrum)
        horizon = 40 / float(found["rate"].evaluate())
        curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), horizon, t=[horizon], rtol=1e-11)
        where = {"eigenvalues": values, "c": clip, "omega": level, "gamma": rate}
        for sign, name, value in (("R", "risk", curve.risk), ("excess", "excess_risk", curve.excess_risk)):
            formula = Measured(f"{sign} by sh.limits", float(found[name].evaluate()))
            yield Measured(f"{sign} late", value[-1]), formula, where


@integrated(tolerance=1e-9)
def without_noise(trial):
    """Without label noise, at 0.8 and 2 times 2/τ: risk 0, or at rest where G(z) = 2/(γτ)."""
    spectrum, clip = sh.Spectrum.from_eigenvalues([0.5, 1.5]), 0.7
    for rate, decays in ((1.6, 25.0), (4.0, 40.0)):
        problem, rule = sh.huber(clip), sh.Constant(rate)
        found = sh.limits(problem, rule, spectrum)
        late = decays / float(found["rate"].evaluate())
        end = sh.derive(problem, rule).solve(spectrum, sh.Start(), late, t=[late], rtol=1e-11).risk[0]
        formula = Measured("1 + R by sh.limits", 1 + float(found["risk"].evaluate()))
        yield Measured("1 + R late", 1 + end), formula, {"gamma": rate}
    # the same level from G, by hand
    ratio = sp.lambdify(z, G, "mpmath")
    root = mpmath.findroot(lambda x: ratio(x) - mpmath.mpf(1) / 2, 0.5)
    level = float((clip / root) ** 2)
    huber = sp.lambdify(error_square, SYSTEM.unfolded(risk).subs({c: clip, omega: 0}), "mpmath")
    yield Measured("R late", end), Measured("R where G = 2/(γτ)", float(huber(level))), {"gamma": rate}


rest = Claim(
    "Clipped SGD rests at every learning rate",
    id="clipped/rest",
    domain=Domain({z: (sp.Rational(1, 20), 5)}),
    evidence=[equation_of_rest, as_a_mean, ends, rising, against_integration, without_noise],
)


# --- stability and rate ------------------------------------------------------------------------------------------
@symbolic
def linearised():
    """A perturbation of the modes and of Q: δ' = λ(-2γc₁δ + γ²κq), κ = c₁(I/c₁)'."""
    first, noise, small, delta, push = sp.symbols("a b epsilon delta q", positive=True)
    slope_first, slope_noise = sp.symbols("a_1 b_1", real=True)
    (rhs,) = SYSTEM.family.rhs
    (held,) = [n for n in rhs.free_symbols if n.name == "c1"]
    moved = rhs.subs(
        {
            D2: gamma * noise / (2 * first) + small * delta,
            held: first + small * slope_first * push,
            gradient_noise: noise + small * slope_noise * push,
        },
        simultaneous=True,
    )
    kappa = first * (slope_noise * first - noise * slope_first) / first**2
    yield equal(
        sp.diff(moved, small).subs(small, 0), lam * (-2 * gamma * first * delta + gamma**2 * kappa * push)
    )


@integrated(tolerance=3e-3)
def rate_of_approach(trial):
    """The slope of log |R - R∞| against sh.limits, few eigenvalues and Marchenko-Pastur, rates below and above 2/τ."""
    for spectrum in (sh.Spectrum.from_eigenvalues([0.4, 1.0, 1.6]), sh.Spectrum.marchenko_pastur(0.02)):
        for rate in (1.0, 3.0):
            problem, rule = sh.huber(0.8, 0.6), sh.Constant(rate)
            found = sh.limits(problem, rule, spectrum)
            speed = float(found["rate"].evaluate())
            late = np.array([16.0, 18.0]) / speed
            curve = sh.derive(problem, rule).solve(
                spectrum, sh.Start(x0=2.0), late[1], t=late, rtol=1e-13, atol=1e-16
            )
            gap = np.abs(curve.risk - float(found["risk"].evaluate(digits=20)))
            slope = np.log(gap[0] / gap[1]) / (late[1] - late[0])
            yield Measured("-d log|R - R∞|/dt late", slope), Measured("ρ by sh.limits", speed), {"gamma": rate}


approach = Claim(
    "How fast clipped SGD comes to rest",
    id="clipped/rate",
    evidence=[linearised, rate_of_approach],
)


# --- small and large c -------------------------------------------------------------------------------------------
def at_rest(clip, level, strength):
    """Q∞ by mpmath, at ``strength = γτ``."""
    ratio = sp.lambdify(z, G, "mpmath")
    balance = lambda x: 1 - (level * x / clip) ** 2 - strength / 2 * ratio(x)  # noqa: E731
    low, high = mpmath.mpf(10) ** -12, clip / level
    root = mpmath.findroot(balance, (low, high), solver="anderson", tol=1e-28, maxsteps=200)
    return (clip / root) ** 2 - level**2


@integrated(tolerance=1e-4)
def small_and_large(trial):
    """c → 0: Q∞ ~ γτcω√(π/8). c → ∞: Q∞ → γτω²/(2 - γτ). γ → ∞: Q∞ ~ πc²γ²τ²/8."""
    with mpmath.workdps(30):
        level, strength = mpmath.mpf("0.7"), mpmath.mpf("0.9")
        tiny = mpmath.mpf(10) ** -5
        at = {g: float(strength), tau: 1, w: float(level)}
        small = Measured("Q∞/c at small c", float(at_rest(tiny, level, strength) / tiny))
        yield small, g * tau * w * sp.sqrt(sp.pi / 8), at
        large_clip = Measured("Q∞ at large c", float(at_rest(12 * level, level, strength)))
        yield large_clip, g * tau * w**2 / (2 - g * tau), at
        clip, large = mpmath.mpf(1), mpmath.mpf(10) ** 5
        fast = Measured("Q∞/(cγτ)² at large γ", float(at_rest(clip, level, large) / large**2))
        yield fast, sp.pi / 8


@symbolic
def leading_orders():
    """With G = z√(π/2): at small c, s = ω + δ with 2δ/ω = (γτ/2)√(π/2)c/ω; at large γ, z√(π/2) = 2/(γτ)."""
    shift = sp.Symbol("delta", positive=True)
    balance = 1 - w**2 / (w + shift) ** 2 - g * tau / 2 * sp.sqrt(sp.pi / 2) * c / (w + shift)
    first = sp.diff(balance, shift).subs({shift: 0, c: 0}) * shift + sp.diff(balance, c).subs(shift, 0) * c
    (found,) = sp.solve(first, shift)
    yield equal(2 * w * found, g * tau * c * w * sp.sqrt(sp.pi / 8))
    (root,) = sp.solve(z * sp.sqrt(sp.pi / 2) - 2 / (g * tau), z)
    yield equal((c / root) ** 2, sp.pi * c**2 * g**2 * tau**2 / 8)


extremes = Claim(
    "Small and large clipping",
    id="clipped/extremes",
    evidence=[leading_orders, small_and_large],
)
