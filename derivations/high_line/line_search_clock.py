"""Greedy rates in their own clock: linear, blind to label noise, and so exactly solvable on continuous spectra.

Line search has γI = M/κ₂ with ``M = ∫λ²D²``, Polyak's rate γI = Q/τ, with and without label noise. In the clock
du = γdt a mode obeys ``dD²/du = -2λD² + λγI``: for line search

    dD²/du = -2λD² + λM/κ₂,      M(u) = F₂(u) + (1/κ₂)∫₀ᵘ 𝒦₃(u - v)M(v)dv,      dQ/du = -M,
    F₂(u) = ∫λ²D²(0)e^{-2λu}dμ,      𝒦₃(u) = ∫λ³e^{-2λu}dμ,      ∫𝒦₃ du = κ₂/2.

ω is not in it; it enters through ``dt = κ₂(Q + ω²)du/M`` alone. This is a renewal equation of mass 1/2, and
γ = -(1/κ₂) d log Q/du without noise: the limit of γκ₂ is the rate σ at which M decays in u. With the tilted mass
``m(σ) = ∫λ³/(κ₂(2λ - σ))dμ``, which rises from 1/2 at σ = 0, there are three cases (Feller, vol. 2, XI.6; in the
third Chover, Ney and Wainger, J. Anal. Math. 26, 1973):

    m(2λ_min) > 1   σ is the root of m = 1, which is the secular equation of `line_search.py`; M ~ e^{-σu};
    m(2λ_min) = 1   σ = 2λ_min, and for a density that starts like √(λ - λ_min) M ~ u^{-1/2}e^{-σu};
    m(2λ_min) < 1   σ = 2λ_min: M falls like its kernel, u^{-3/2}e^{-σu} for such a density, and γκ₂ = σ + 3/(2u) + …

In the last case ``λD²dμ/Q`` tends to ``γλ²/(2λ - γκ₂)dμ``, of mass S < 1, and 1 - S at the edge: a share of the error
condenses there. A power law has λ_min = 0 and S = 0.
"""

from functools import cache

import numpy as np
import sympy as sp
from scipy.interpolate import CubicSpline

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.marchenko_pastur import MarchenkoPastur
from symhigh.closed.modes import Modes
from symhigh.closed.secular import self_similar
from symhigh.ledger import Claim, Measured, equal, greater, iff, integrated, less, numeric, symbolic
from symhigh.symbols import D2, error_square, gamma, gradient_noise, kappa2, lam, tau
from symhigh.symbols import t as TIME

q, noise, sigma, s = sp.symbols("q omega sigma s", positive=True)
SEARCH, POLYAK = (linear_limit(sh.derive(sh.least_squares(noise), r)) for r in (sh.LineSearch(), sh.Polyak()))
SYSTEM = sh.derive(sh.least_squares(), sh.LineSearch())
LAW = MarchenkoPastur(q**2)
SECULAR = self_similar(SEARCH.noiseless, Modes(law=LAW))
EDGE = 2 * LAW.edge / LAW.moment(2)
SHARE = LAW.mean(SECULAR.summand).subs(gamma, EDGE)
Y = 2 + sp.sqrt(2)
CRITICAL = ((Y - sp.sqrt(Y**2 - 4)) / 2) ** 2


# --- the clock ---------------------------------------------------------------------------------------------------
@symbolic
def noise_drops_out():
    """γI is M/κ₂ for line search and Q/τ for Polyak's rate, whatever ω."""
    (held,) = [r.name for r in SEARCH.system.reductions if r.summand == lam**2 * D2]
    yield equal(SEARCH.expanded(SEARCH.rate * gradient_noise), held / kappa2)
    yield equal(POLYAK.expanded(POLYAK.rate * gradient_noise), error_square / tau)


@symbolic
def renewal():
    """Transforms: the tilted mass ∫e^{σu}λ³e^{-2λu}du = λ³/(2λ - σ) is κ₂ times the secular summand plus the half."""
    size = sp.Symbol("lambda_1", positive=True)
    u, gap = sp.symbols("u g", positive=True)
    tilted = sp.integrate(size**3 * sp.exp(-gap * u), (u, 0, sp.oo)).subs(gap, 2 * size - sigma)
    summand = self_similar(SEARCH.noiseless, Modes()).summand.subs({gamma: sigma / kappa2, lam: size})
    yield equal(tilted, size**2 / 2 + kappa2 * summand / 2)
    yield equal(tilted.subs(sigma, 0), size**2 / 2)


@symbolic
def error_falls_by_M():
    """dQ/dt = -2γM + γ²κ₂I = -γM with γI = M/κ₂."""
    (held,) = [r.name for r in SEARCH.system.reductions if r.summand == lam**2 * D2]
    push = sp.Symbol("push", positive=True)  # γI
    drift = SEARCH.system.family.rhs[0].subs(gradient_noise, push / gamma)
    moved = sp.expand(lam * drift / gamma)  # du = γdt
    averages = moved.coeff(D2) / lam**2 * held + moved.coeff(D2, 0) / lam**2 * kappa2
    level = sp.Symbol("M", positive=True)
    return equal(averages.subs(push, held / kappa2).subs(held, level), -level)


@integrated(tolerance=1e-7)
def one_path_for_all_noise(trial):
    """D² as a function of Q on the way down, with label noise 0 and 0.7: the same path, at another pace."""
    for rule in (sh.LineSearch(), sh.Polyak()):
        values = trial.rng.uniform(0.3, 2.0, 4)
        spectrum, start = sh.Spectrum.from_eigenvalues(values), sh.Start(x0=0.3)
        quiet = sh.derive(sh.least_squares(), rule).solve(
            spectrum, start, 12.0, t=np.linspace(0, 12, 1201), rtol=1e-11
        )
        path = CubicSpline(np.log(quiet.risk[::-1]), np.log(quiet.distance[::-1]))
        loud = sh.derive(sh.least_squares(0.7), rule).solve(spectrum, start, 30.0, rtol=1e-11)
        yield (
            np.log(loud.distance),
            path(np.log(loud.risk - 0.245)),
            {"rule": rule, "eigenvalues": values},
        )


clock = Claim(
    "Greedy rates do not see label noise in their own clock",
    id="high-line/greedy-clock",
    evidence=[noise_drops_out, renewal, error_falls_by_M],
    checks=[one_path_for_all_noise],
)


# --- Marchenko-Pastur --------------------------------------------------------------------------------------------
@symbolic
def share_at_the_edge():
    """With r = q²: S = (1 - q)²(1 - q + q²)/(q(1 + q²)) at the edge."""
    return equal(SHARE, (1 - q) ** 2 * (1 - q + q**2) / (q * (1 + q**2)))


@symbolic
def palindrome():
    """S > 1 iff q⁴ - 4q³ + 4q² - 4q + 1 > 0, in y = q + 1/q iff y² - 4y + 2 > 0, y > 2 + √2."""
    y = q + 1 / q
    yield equal((SHARE - 1) * (1 + q**2) / q, y**2 - 4 * y + 2)
    yield equal((y - Y) * (y - 2 + sp.sqrt(2)), y**2 - 4 * y + 2)
    at = (Y - sp.sqrt(Y**2 - 4)) / 2
    yield equal(at**2 - Y * at + 1, 0)  # q + 1/q = Y there
    yield equal(CRITICAL, at**2)
    share = (1 - q) ** 2 * (1 - q + q**2) / (q * (1 + q**2))  # of the line above
    yield iff(greater(share, 1), greater(y, 2 + sp.sqrt(2)))


@symbolic
def cubic():
    """Eliminating m: γ∞ = 2s/κ₂ with 2κ₂s³ + (r - κ₂²)s² - 2rκ₂s + rκ₂² = 0, κ₂ = 1 + r."""
    r, P = q**2, 1 + q**2 - s - s**2
    held = sp.Symbol("m", real=True)
    # (s/κ₂)(1 + s + s²m) = 1 is m = P/s³; the law of m is r s m² + (s + r - 1)m + 1 = 0
    (value,) = sp.solve(s * (1 + s + s**2 * held) / (1 + r) - 1, held)
    yield equal(value, P / s**3)
    poly = sp.expand(s**5 * (r * s * value**2 + (s + r - 1) * value + 1))
    yield equal(poly, r * P**2 + s**2 * (s + r - 1) * P + s**5)
    k2 = 1 + r
    yield equal(poly, 2 * k2 * s**3 + (r - k2**2) * s**2 - 2 * r * k2 * s + r * k2**2)
    m = LAW.stieltjes(s)
    yield equal(r * s * m**2 + (s + r - 1) * m + 1, 0)
    yield equal(LAW.mean(SECULAR.summand.subs(gamma, 2 * s / (1 + r))), s * (1 + s + s**2 * m) / (1 + r))


below_the_edge = numeric(less(s, LAW.edge), title="Off the cut")


@integrated(tolerance=1e-9)
def isolated(trial):
    """r = 0.02, 0.05, 14: learning rate and rate of the risk at late times."""
    for ratio in (0.05,) if trial.quick else (0.02, 0.05, 14.0):
        spectrum = sh.Spectrum.marchenko_pastur(ratio)
        found = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum)
        end, speed = (float(found[name].evaluate()) for name in ("learning_rate", "rate"))
        late = np.array([560.0, 600.0]) / speed
        curve = SYSTEM.solve(spectrum, sh.Start(), late[1], t=late, rtol=1e-11, atol=1e-290)
        slope = np.log(curve.risk[0] / curve.risk[1]) / (late[1] - late[0])
        yield Measured("γ late", curve.learning_rate[-1]), Measured("γ(∞) by sh.limits", end), {"ratio": ratio}
        yield Measured("-d log R/dt late", slope), Measured("ρ by sh.limits", speed), {"ratio": ratio}


@cache
def in_powers_of_the_clock(ratio, horizon, count=6):
    """The first coefficients in 1/u, at late times, of γκ₂ and of D²/Q."""
    spectrum = sh.Spectrum.marchenko_pastur(ratio, nodes=1024)
    times = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 4000)]) * horizon
    curve = SYSTEM.solve(spectrum, sh.Start(), horizon, t=times, rtol=1e-11, atol=1e-290)
    u = CubicSpline(times, curve.learning_rate).antiderivative()(times)
    late = np.searchsorted(u, u[-1] * np.linspace(0.35, 1.0, count))
    powers = np.vander(1 / u[late], count, increasing=True)
    columns = ((1 + ratio) * curve.learning_rate[late], curve.distance[late] / (2 * curve.risk[late]))
    return [np.linalg.solve(powers, column) for column in columns]


@integrated(tolerance=1e-9)
def edge_and_condensate(trial):
    """r = 0.3, 0.5, 2: γκ₂ → 2λ_min and D²/Q → (γ/2)(1 + λ_min m) + (1 - S)/λ_min, extrapolated in 1/u."""
    for ratio, horizon in ((0.5, 1e4),) if trial.quick else ((0.3, 1500.0), (0.5, 1e4), (2.0, 5e3)):
        at = {q: sp.sqrt(sp.Rational(str(ratio)))}
        at |= {q: float(sp.sqrt(sp.Rational(str(ratio))))}
        spreading = EDGE / 2 * (1 + LAW.edge * LAW.stieltjes(s).subs(s, LAW.edge)) + (1 - SHARE) / LAW.edge
        rate, spread = in_powers_of_the_clock(ratio, horizon)
        found = sh.limits(sh.least_squares(), sh.LineSearch(), sh.Spectrum.marchenko_pastur(ratio))
        end = float(found["learning_rate"].evaluate())
        yield Measured("γκ₂ late", rate[0]), Measured("γ(∞)κ₂ by sh.limits", (1 + ratio) * end), {"ratio": ratio}
        yield Measured("γ(∞)", rate[0] / (1 + ratio)), EDGE, at
        yield Measured("γ(∞) by sh.limits", end), EDGE, at
        if ratio < 1:  # beyond, the modes at 0 keep their error
            yield Measured("D²/Q at the end", spread[0]), sp.simplify(spreading), at


@integrated(tolerance=1e-5)
def approach(trial):
    """γκ₂ = 2λ_min + a/u + …, a = 3/2 beyond the critical ratio and 1/2 at it."""
    half = sp.Rational(1, 2)
    for ratio, horizon, power in ((0.5, 1e4, 3 * half), (float(CRITICAL), 650.0, half)):
        rate, _ = in_powers_of_the_clock(ratio, horizon)
        yield Measured("coefficient of 1/u in γκ₂", rate[1]), power, {"ratio": ratio}


marchenko_pastur = Claim(
    "Line search on a Marchenko-Pastur spectrum",
    "Isolated root, edge and condensate.",
    id="high-line/search-mp",
    domain={q: (0, 5), s: (0, LAW.edge)},
    evidence=[share_at_the_edge, palindrome, cubic, below_the_edge, isolated, edge_and_condensate, approach],
)


# --- power laws --------------------------------------------------------------------------------------------------
@symbolic
def powers():
    """Noiseless, s = β + δ: γ = √((2-s)/(2κ₂t)), R = C(2(2-s)t/κ₂)^{-(2-s)/2}, half a constant rate's exponent."""
    t = sp.Symbol("t", positive=True)
    for beta, delta in ((sp.Rational(1, 5), sp.Rational(2, 5)), (sp.Rational(1, 2), sp.S.One)):
        spectrum, start, p = sh.Spectrum.power_law(beta), sh.Start.power_law(delta), 2 - beta - delta
        found = sh.limits(sh.least_squares(), sh.LineSearch(), spectrum, start)
        k2, front = (1 - beta) / (3 - beta), (1 - beta) * sp.gamma(p) / 2 ** (1 + p)
        rate, risk = (
            found[n].expr.subs(TIME, t) for n in ("learning_rate_asymptotic", "excess_risk_asymptotic")
        )
        yield equal(rate, sp.sqrt(p / (2 * k2 * t)))
        yield equal(risk, front * (2 * p * t / k2) ** (-p / 2))


@symbolic
def noisy_exponents():
    """γ ~ t^{-(3-s)/(4-s)}, excess ~ t^{-(2-s)/(4-s)} for line search, both ~ t^{-(2-s)/(3-s)} for Polyak's rate."""
    level, beta = sp.Rational(7, 10), sp.Rational(1, 5)
    for delta in (sp.S.Zero, sp.Rational(2, 5)):
        s_ = beta + delta
        spectrum, start = sh.Spectrum.power_law(beta), sh.Start.power_law(delta)
        search, polyak = (-(3 - s_) / (4 - s_), -(2 - s_) / (4 - s_)), (-(2 - s_) / (3 - s_),) * 2
        for rule, powers_ in ((sh.LineSearch(), search), (sh.Polyak(), polyak)):
            found = sh.limits(sh.least_squares(level), rule, spectrum, start)
            for name, power in zip(("learning_rate", "excess_risk"), powers_, strict=True):
                formula = found[f"{name}_asymptotic"].expr
                yield equal(sp.simplify(TIME * sp.diff(sp.log(formula), TIME)), power)


@integrated(tolerance=1e-3)
def late_times(trial):
    """Learning rate and excess risk at t = 10⁹ (10¹² with label noise) against the leading power."""
    cases = [(0.0, sh.LineSearch(), 1e9), (0.7, sh.LineSearch(), 1e12), (0.7, sh.Polyak(), 1e12)]
    for noisy, rule, late in cases:
        for delta in (0.0, 0.4) if noisy else (0.0, 0.4, 1.2):
            spectrum, start = sh.Spectrum.power_law(0.2), sh.Start.power_law(delta)
            problem, where = sh.least_squares(noisy), {"rule": rule, "noise": noisy, "delta": delta}
            found = sh.limits(problem, rule, spectrum, start)
            curve = sh.derive(problem, rule).solve(spectrum, start, late, t=[late], rtol=1e-9)
            levels = {"learning_rate": curve.learning_rate[0], "excess_risk": curve.risk[0] - noisy**2 / 2}
            for (name, value), sign in zip(levels.items(), ("γ", "R - ω²/2"), strict=True):
                power = float(found[f"{name}_asymptotic"].evaluate(t=late))
                yield Measured(f"{sign} late", value), Measured(f"{sign} by its power of t", power), where


power_law = Claim(
    "Greedy rates on a power-law spectrum",
    "With and without label noise.",
    id="high-line/search-power-law",
    evidence=[powers, noisy_exponents, late_times],
)
