"""Bounds for least squares under AdaGrad-Norm: few modes near zero, and the Volterra equation between two renewals.

After Prop. 4.3 and Lemmas D.3-D.5 of the paper, in symhigh's own statements with explicit constants.

**Few modes near zero.** γ∞ solves ``4(y - y₀) - 2τ log(y/y₀) = τD²/η²``, y = 1/γ∞, y₀ = b/η. The derivative of the left
side by y is 2(2 - τγ) ≥ 2(2 - τγ₀). Moving modes that carry Δτ of the trace and ΔD² of the distance to zero changes y
by at most ``(τΔD² + ΔτD² + 2η²Δτ log(y/y₀))/(2η²(2 - τγ₀))``: nothing in the limit, if they are o(d).

**Between two renewals.** In the clock u = Γ(t), noiseless, ``r = F + 𝒦*(γr)``. Picard's iteration adds positive terms
only, so r rises with γ, pointwise; and γ∞ ≤ γ ≤ γ₀ puts r between the solutions at these constant rates, which are
sums of exponentials. With κ(ρ) = ∫λ²/(2λ - ρ)dμ and γ₀κ(ρ) < 1, ``r e^{ρu} ≤ sup(F e^{ρu})/(1 - γ₀κ(ρ))``, and
``∫r du ≤ (D²(0)/4)/(1 - γ₀τ/2)`` at ρ = 0.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.ledger import Claim, Measured, at_least, equal, integrated, symbolic
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import D2, distance, lam, tau

RULE, SQUARES = sh.AdaGradNorm(eta, b), sh.least_squares()
CLOSED = sh.limits(SQUARES, RULE)["learning_rate"]
FORM = volterra(sh.derive(SQUARES, RULE))


def limit(rule, mean, far):
    """γ∞ in closed form at mean eigenvalue ``mean`` and squared distance ``far``."""
    numbers = {"eta": rule.eta, "b": rule.b, "tau": mean, "distance": far}
    return float(CLOSED.evaluate(**{k: float(v) for k, v in numbers.items()}))


# --- few modes near zero -------------------------------------------------------------------------------------------
y, y0, far = sp.symbols("y y_0 D2", positive=True)
LEVEL = 4 * (y - y0) - 2 * tau * sp.log(y / y0) - tau * far / eta**2


@symbolic
def implicit():
    """∂y = 2(2 - τγ), ∂D² = -τ/η², ∂τ = -2 log(y/y₀) - D²/η² of what vanishes at y = 1/γ∞."""
    yield equal(sp.diff(LEVEL, y), 2 * (2 - tau / y))
    yield equal(sp.diff(LEVEL, far), -tau / eta**2)
    yield equal(sp.diff(LEVEL, tau), -2 * sp.log(y / y0) - far / eta**2)
    more = sp.Symbol("s", nonnegative=True)  # y = y₀ + s, γ ≤ γ₀
    yield at_least(sp.factor(sp.diff(LEVEL, y).subs(y, y0 + more) - 2 * (2 - tau / y0)), 0)


@symbolic
def closed_form_vanishes():
    """The closed form is where it vanishes: with y = τ(1 + p)/2 the argument of W₋₁ is -(1 + p)e^{-(1 + p)}."""
    p = sp.Symbol("p", positive=True)
    end = tau * (1 + p) / 2
    (error,) = sp.solve(LEVEL.subs(y, end), far)
    total = tau * error / eta**2 + 4 * y0 - 2 * tau * sp.log(y0)
    yield equal(sp.log(2 / tau) - total / (2 * tau), sp.log(1 + p) - (1 + p))
    yield equal(CLOSED.expr.subs({b: eta * y0, distance: error}).args[0], CLOSED.expr.args[0])


def below_threshold(trial, quick, full):
    """Random spectra and rules with γ₀ < 2/τ, and a small share of modes to move: (values, weights, rule, share)."""
    for _ in range(quick if trial.quick else full):
        values = trial.rng.uniform(0.3, 1.8, 4)
        weights = trial.rng.dirichlet(3 * np.ones(4))
        e = float(np.exp(trial.rng.uniform(-0.7, 0.9)))
        first_rate = float(trial.rng.uniform(0.1, 0.9)) * 2 / float(weights @ values)
        yield values, weights, sh.AdaGradNorm(e, e / first_rate), float(10.0 ** trial.rng.uniform(-6, -0.7))


@integrated(tolerance=1e-12)
def moved_modes(trial):
    """The change of 1/γ∞ when a share of the modes goes to zero is ≥ 0 and under the bound; shares 10⁻⁶ to 0.2."""
    for values, weights, rule, share in below_threshold(trial, 20, 60):
        mean, e = float(weights @ values), float(rule.eta)
        lost = share * float(values[0])
        before, after = limit(rule, mean, 1.0), limit(rule, mean - lost, 1.0 - share)
        change = 1 / before - 1 / after
        top = e / float(rule.b)
        most = (mean * share + lost + 2 * e**2 * lost * np.log(top / before)) / (2 * e**2 * (2 - mean * top))
        where = {"rule": rule, "share": share}
        yield Measured("1 + max(Δ(1/γ∞), bound)", 1 + max(change, most)), Measured("1 + bound", 1 + most), where
        yield Measured("1 + max(Δ(1/γ∞), 0)", 1 + max(change, 0.0)), Measured("1 + Δ(1/γ∞)", 1 + change), where


@integrated(tolerance=1e-5)
def slow_modes(trial):
    """Curves with a share of the modes at 10⁻⁹, long before these move, rest where the formula without them is."""
    for values, weights, rule, share in below_threshold(trial, 1, 2):
        spectrum = sh.Spectrum.from_eigenvalues(
            np.append(values, 1e-9), np.append(weights * (1 - share), share)
        )
        late = 40.0 / float(values.min()) / limit(rule, weights @ values, 1.0)
        curve = sh.derive(SQUARES, rule).solve(spectrum, sh.Start(), late, t=[late], rtol=1e-10)
        least = limit(rule, (1 - share) * float(weights @ values), 1 - share)
        where = {"rule": rule, "share": share}
        yield Measured("γ before slow modes move", curve.learning_rate[0]), Measured("γ∞ without them", least), where


few = Claim(
    "After Prop. 4.3: few modes near zero do not move the limit",
    "Explicit constants, starts below the threshold.",
    id="high-line/after-prop-4.3",
    source="symhigh, after High Line, Prop. 4.3",
    domain={eta: (sp.Rational(1, 5), 5), tau: (sp.Rational(1, 10), 4), y0: (1, 5)},
    evidence=[implicit, closed_form_vanishes, moved_modes, slow_modes],
)


# --- between two renewals ------------------------------------------------------------------------------------------
@symbolic
def rises_with_the_rate():
    """γ₂r₂ - γ₁r₁ = (γ₂ - γ₁)r₂ + γ₁(r₂ - r₁): the difference solves the equation with a forcing ≥ 0."""
    low_rate, more, one, two = sp.symbols("gamma_1 e r_1 r_2", nonnegative=True)
    yield equal((low_rate + more) * two - low_rate * one, more * two + low_rate * (two - one))
    for part in (FORM.forcing.summand, FORM.kernel.summand):
        yield at_least(part, 0)


@symbolic
def tilted_masses():
    """∫e^{ρu}𝒦 = ∫λ²/(2λ - ρ)dμ; a bound m = sup(F e^{ρu}) + γ₀κm has m = sup/(1 - γ₀κ); ∫F = D²(0)/4."""
    size, gap = sp.symbols("lambda_1 h", positive=True)  # ρ = 2λ - h below every 2λ
    rho = 2 * size - gap
    kernel, forcing = (part.summand.subs(lam, size) for part in (FORM.kernel, FORM.forcing))
    yield equal(
        sp.integrate(sp.powsimp(kernel * sp.exp(rho * CLOCK)), (CLOCK, 0, sp.oo)), size**2 / (2 * size - rho)
    )
    yield equal(sp.integrate(forcing, (CLOCK, 0, sp.oo)), D2 / 4)
    top, mass, first = sp.symbols("F kappa gamma_0", positive=True)
    yield equal(top + first * mass * top / (1 - first * mass), top / (1 - first * mass))


def in_the_clock(values, weights, rule):
    """(u, r, γ) of an integrated curve at five clocks u = Γ(t), Γ by Simpson's rule."""
    times = np.linspace(0.0, 12.0, 2401)
    curve = sh.derive(SQUARES, rule).solve(
        sh.Spectrum.from_eigenvalues(values, weights), sh.Start(), times[-1], t=times, rtol=1e-12
    )
    pairs = curve.learning_rate[:-1:2] + 4 * curve.learning_rate[1::2] + curve.learning_rate[2::2]
    clock = np.concatenate([[0.0], np.cumsum(pairs) * times[1] / 3])
    return clock[60::285], curve.risk[120::570], curve.learning_rate


@integrated(tolerance=1e-9)
def sandwich(trial):
    """r between the renewal solutions at γ∞ and γ₀, at five clocks."""
    for values, weights, rule, _ in below_threshold(trial, 1, 2):
        spectrum = sh.Spectrum.from_eigenvalues(values[:2], weights[:2] / weights[:2].sum())
        clocks, risk, _ = in_the_clock(spectrum.values, spectrum.weights, rule)
        ends = (limit(rule, spectrum.moment(1), 1.0), float(rule.eta / rule.b))
        if ends[1] * spectrum.moment(1) >= 2:
            continue
        below, above = (
            [
                float(
                    sh.renewal_equation(SQUARES, sh.Constant(g), spectrum, sh.Start())
                    .solution()
                    .evaluate(t=u / g)
                )
                for u in clocks
            ]
            for g in ends
        )
        where = {"rule": rule, "eigenvalues": spectrum.values}
        yield Measured("min(r, r at γ∞)", np.minimum(risk, below)), Measured("r at γ∞", np.array(below)), where
        yield Measured("max(r, r at γ₀)", np.maximum(risk, above)), Measured("r at γ₀", np.array(above)), where


@integrated(tolerance=1e-12)
def integrals(trial):
    """∫r du = (η²/τ)(1/γ∞ - 1/γ₀) under (D²(0)/4)/(1 - γ₀τ/2), over it at γ∞; random τ, η, b, D²."""
    for values, weights, rule, _ in below_threshold(trial, 20, 60):
        mean, e, top = float(weights @ values), float(rule.eta), float(rule.eta / rule.b)
        far = float(np.exp(trial.rng.uniform(-3, 3)))
        end = limit(rule, mean, far)
        area = e**2 / mean * (1 / end - 1 / top)
        least, most = (far / 4 / (1 - g * mean / 2) for g in (end, top))
        where = {"rule": rule, "distance": far}
        yield Measured("max(∫r du, upper bound)", max(area, most)), Measured("upper bound", most), where
        yield Measured("min(∫r du, lower bound)", min(area, least)), Measured("lower bound", least), where


volterra_bounds = Claim(
    "After Lemmas D.3-D.5: the Volterra equation between two renewals",
    id="high-line/after-d.3",
    source="symhigh, after High Line, Lemmas D.3-D.5, Cor. D.2",
    evidence=[rises_with_the_rate, tilted_masses, sandwich, integrals],
)
