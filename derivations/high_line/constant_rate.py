"""A constant learning rate on least squares: threshold 2/τ, floor ω²/(2 - γτ), exponential rate, K = I in closed form.

Everything follows from the mode equation ``dD²/dt = λ(-2γD² + γ²I)``. Standing still, ``D² = γI/2`` in every mode, and
Q = ∫λD², I = Q + ω² close it. Without noise an eigenmode ``D² = p_λ e^{-ρt}`` has ``p_λ = γ²λQ/(2γλ - ρ)``, so

    γ² ∫ λ²/(2γλ - ρ) dμ = 1,

whose left side rises in ρ from γτ/2 at 0 to infinity at 2γλ_min: a root, and decay, iff γ < 2/τ.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.modes import Modes
from symhigh.closed.secular import RHO, exponential_rate, threshold
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.ledger import (
    Claim,
    Measured,
    at_least,
    compare,
    equal,
    greater,
    iff,
    integrated,
    less,
    must_fail,
    simulation,
    symbolic,
)
from symhigh.symbols import D2, distance, error_square, gamma, gradient_noise, lam, t, tau

g, w = sp.symbols("g w", positive=True)
noise = sp.Symbol("omega", positive=True)
SYSTEM = sh.derive(sh.least_squares(noise), sh.Constant(g))
LIMIT = linear_limit(SYSTEM)
FOUND = sh.limits(sh.least_squares(noise), sh.Constant(g))


RENEWAL = "renewal lemma, high-line/renewal"
FORM = volterra(sh.derive(sh.least_squares(), sh.Constant(1)))
SIZE = sp.Symbol("lambda_1", positive=True)


# --- threshold ---------------------------------------------------------------------------------------------------
@symbolic
def threshold_is_two_over_tau():
    """At the rate where ρ = 0, γτ/2 = 1."""
    return [equal(threshold(LIMIT.noiseless, Modes()), 2 / tau), equal(FOUND["threshold"].expr, 2 / tau)]


@symbolic(theorem=RENEWAL)
def kernel_is_positive():
    """A renewal equation: kernel γ²λ²e^{-2γλt} ≥ 0, forcing λD²e^{-2γλt}/2 ≥ 0, both with a finite integral."""
    s = sp.Symbol("s", nonnegative=True)
    for summand, mass in ((g**2 * FORM.kernel.summand, g * SIZE / 2), (FORM.forcing.summand, D2 / (4 * g))):
        held = summand.subs({CLOCK: g * s, lam: SIZE})
        yield at_least(held, 0)
        yield equal(sp.integrate(held, (s, 0, sp.oo)), mass)


@symbolic(theorem=RENEWAL)
def mass_decides():
    """The mass of the kernel is γτ/2: below one the risk dies out, above one it grows."""
    s = sp.Symbol("s", nonnegative=True)
    kernel = (g**2 * FORM.kernel.summand).subs({CLOCK: g * s, lam: SIZE})
    yield equal(sp.integrate(kernel, (s, 0, sp.oo)), g * SIZE / 2)
    yield iff(less(g * tau / 2, 1), less(g, 2 / tau))


@symbolic
def rises_in_rho():
    """The secular average rises in ρ: its summand's derivative is a square."""
    summand = exponential_rate(LIMIT.noiseless, gamma).summand
    return equal(sp.diff(summand, RHO), (gamma * lam / (2 * gamma * lam - RHO)) ** 2)


@integrated(tolerance=1e-12)
def both_sides(trial):
    """Just below 2/τ the risk has fallen by a late time, just above it has risen."""
    for _ in range(3 if trial.quick else 4):
        values = trial.rng.uniform(0.3, 2.0, 3)
        spectrum, critical = sh.Spectrum.from_eigenvalues(values), 2 / values.mean()
        for factor, sign in ((0.97, -1.0), (1.03, 1.0)):
            system = sh.derive(sh.least_squares(), sh.Constant(factor * critical))
            risk = system.solve(spectrum, sh.Start(), 150.0, t=[75.0, 150.0]).risk
            yield np.sign(risk[1] - risk[0]), sign, {"eigenvalues": values, "gamma": factor * critical}


stability = Claim(
    "Threshold of a constant rate",
    "Noiseless least squares; the renewal lemma decides by the mass of the kernel.",
    id="high-line/threshold",
    source="High Line, section 3",
    domain={tau: (sp.Rational(1, 10), 4), g: (0, 10)},
    evidence=[kernel_is_positive, mass_decides, threshold_is_two_over_tau, rises_in_rho],
    checks=[both_sides],
)


# --- floor -------------------------------------------------------------------------------------------------------
@symbolic
def floor_by_hand():
    """The fixed point has the risk ω²/(2 - γτ), the excess γτω²/(2(2 - γτ))."""
    return [
        equal(FOUND["risk"].expr, noise**2 / (2 - g * tau)),
        equal(FOUND["excess_risk"].expr, g * tau * noise**2 / (2 * (2 - g * tau))),
    ]


@symbolic(theorem=RENEWAL)
def floor_of_the_renewal():
    """A constant forcing ω²/2 over one minus the mass γτ/2 < 1 of the kernel."""
    mass = sp.integrate((g**2 * FORM.kernel.summand).subs({CLOCK: g * t, lam: tau}), (t, 0, sp.oo))
    yield equal(mass, g * tau / 2)
    yield less(g * tau / 2, 1)
    yield equal(FOUND["risk"].expr, noise**2 / 2 / (1 - mass))


@symbolic
def stands_still():
    """At D² = γI/2 nothing moves."""
    Q = 2 * FOUND["excess_risk"].expr
    (rhs,) = SYSTEM.family.rhs
    (rest,) = sp.solve(rhs, D2)
    return [equal(rest, gamma * gradient_noise / 2), equal(tau * g * (Q + noise**2) / 2, Q)]


@simulation
def floor_runs(trial):
    """SGD settles at the floor."""
    problem, rule, spectrum = (
        sh.least_squares(1.0),
        sh.Constant(0.8),
        sh.Spectrum.from_eigenvalues([0.5, 1.5]),
    )
    curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 8.0)
    runs = sh.simulate(problem, rule, spectrum, sh.Start(), 256, 8.0, range(trial.seed, trial.seed + 30))
    return compare(curve, runs, alarm=1e-3)


beyond = must_fail(
    symbolic(greater(FOUND["risk"].expr, 0)),
    {tau: (1, 10), g: (2 / tau, 4 / tau)},
    title="beyond the threshold",
)
risk_floor = Claim(
    "Floor of the risk",
    "The renewal lemma with a constant forcing.",
    id="high-line/floor",
    source="High Line, section 3",
    domain={tau: (0, 10), g: (0, 2 / tau), noise: (0, 5)},
    evidence=[floor_by_hand, floor_of_the_renewal, stands_still],
    checks=[floor_runs, beyond],
)


# --- rate --------------------------------------------------------------------------------------------------------
@symbolic
def eigenmode():
    """p_λ = γ²λ/(2γλ - ρ) solves the mode equation, and ∫λp = 1 is the secular equation."""
    secular = exponential_rate(LIMIT.noiseless, gamma)
    (rhs,) = SYSTEM.family.rhs
    moved = rhs.subs({D2: secular.profile * error_square, gradient_noise: error_square})
    return [
        equal(moved, -RHO * secular.profile * error_square),
        equal(secular.summand, gamma**2 * lam**2 / (2 * gamma * lam - RHO)),
    ]


@symbolic
def two_eigenvalues():
    """For two eigenvalues of any weights the radical solves the secular equation, and lies below the edge."""
    l1, l2 = sp.symbols("lambda_1 lambda_2", positive=True)
    spectrum = sh.Spectrum.from_eigenvalues([l1, l2], [sp.Rational(1, 3), sp.Rational(2, 3)])
    rho = sh.limits(sh.least_squares(), sh.Constant(g), spectrum)["rate"].expr
    terms = (
        w_ * g**2 * v**2 / (2 * g * v - rho) for v, w_ in ((l1, sp.Rational(1, 3)), (l2, sp.Rational(2, 3)))
    )
    return equal(sum(terms), 1)


@integrated(tolerance=1e-6)
def measured_rate(trial):
    """The slope of log R of the integrated limit at late times."""
    rule = sh.Constant(0.5)
    for _ in range(2 if trial.quick else 4):
        values = 0.3 * np.exp(np.cumsum(trial.rng.uniform(0.3, 0.6, 3)))
        spectrum = sh.Spectrum.from_eigenvalues(values, trial.rng.dirichlet(np.ones(3)))
        rate = float(sh.limits(sh.least_squares(), rule, spectrum)["rate"].evaluate())
        late = np.array([240.0, 260.0]) / rate
        risk = (
            sh.derive(sh.least_squares(), rule)
            .solve(spectrum, sh.Start(), late[1], t=late, rtol=1e-11, atol=1e-200)
            .risk
        )
        slope = np.log(risk[0] / risk[1]) / (late[1] - late[0])
        yield Measured("-d log R/dt late", slope), Measured("ρ by sh.limits", rate), {"eigenvalues": values}


malthus = Claim(
    "Exponential rate at a constant rate",
    "Eigenmode and secular equation; that curves follow it is measured.",
    id="high-line/rate",
    source="High Line, section 3",
    domain={
        g: (sp.Rational(1, 10), 1),
        sp.Symbol("lambda_1", positive=True): (0, sp.Rational(1, 2)),
        sp.Symbol("lambda_2", positive=True): (1, 2),
    },
    evidence=[eigenmode, two_eigenvalues, measured_rate],
)


# --- K = I -------------------------------------------------------------------------------------------------------
@symbolic
def isotropic_curve():
    """K = I: R(t) = (R(0) - R∞) e^{-γ(2-γ)t} + R∞ solves dQ/dt = -2γQ + γ²(Q + ω²)."""
    begin = distance
    found = sh.limits(sh.least_squares(noise), sh.Constant(g), sh.Spectrum.isotropic())["risk_curve"].expr
    R0, rest = (begin + noise**2) / 2, noise**2 / (2 - g)
    yield equal(found, (R0 - rest) * sp.exp(-g * (2 - g) * t) + rest)
    Q = 2 * found - noise**2
    yield equal(sp.diff(Q, t), -2 * g * Q + g**2 * (Q + noise**2))
    yield less(-g * (2 - g), 0)


isotropic = Claim(
    "One eigenvalue in closed form",
    id="high-line/isotropic",
    source="High Line, section 3",
    domain={g: (0, 2)},
    evidence=[isotropic_curve],
)
