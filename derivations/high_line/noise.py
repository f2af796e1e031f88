"""Label noise: AdaGrad-Norm to second order, and the greedy rates, whose decay is 1/t.

With ω > 0 the gradient noise keeps I above ω², AdaGrad-Norm's memory grows without end, and γ → 0. Every mode then
follows its momentary rest ``D² = γI/2`` with a lag. In powers of h = t^{-1/2} and log t, mode and memory equations give

    γ = η/(ω√(τt)) - η²/(2ω²t) - η log t/(16ω√τ t^{3/2}) + O(t^{-3/2}),
    excess = (ηω/4)√(τ/t) + ω²/(16t) - (ηω√τ/64) log t/t^{3/2} + O(t^{-3/2});

the start enters at order t^{-3/2} only. Not so where the spectrum reaches 0 by a power law (``power_law.py``): modes
below 1/Γ(t) still hold their start, which adds F(Γ) = C Γ^{s-2} at the clock Γ ~ 2(η/ω)√(t/τ) that the noise sets. For
s < 1 this is the second order, for s > 1 it is the first, and the excess falls like t^{-(2-s)/2}; what F adds to the
memory, τ∫2F dt, moves γ by ``-(γ³/2η²)τ∫2F dt``.

The greedy rates see the noise as well and fall faster: γ ~ a/t, where ``D²_λ ~ λa²ω²/((2λa - 1)t)`` and a is the root
above 1/(2λ_min) of ``∫aλ²/(2λa - 1)dμ = τ`` for Polyak, ``∫aλ³/(2λa - 1)dμ = κ₂`` for line search; for one eigenvalue
the risk is Lambert's function of e^t, for all times.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.matching import dying_on_power_law
from symhigh.closed.modes import Modes
from symhigh.closed.power_law import PowerLaw
from symhigh.closed.secular import slow_decay
from symhigh.derivation.volterra import CLOCK
from symhigh.ledger import Claim, Measured, at_least, compare, equal, integrated, simulation, symbolic
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import D2, error_square, gamma, gradient_noise, kappa2, lam, omega, t, tau

h, noise = sp.symbols("h omega", positive=True)
PROBLEM = sh.least_squares(noise)
FOUND = sh.limits(PROBLEM, sh.AdaGradNorm(eta, b))
SYSTEM = sh.derive(PROBLEM, sh.AdaGradNorm(eta, b))


# --- AdaGrad-Norm ------------------------------------------------------------------------------------------------
@symbolic
def orders_by_hand():
    """What the matching gives is the expansion above."""
    root = sp.sqrt(tau * t)
    yield equal(
        FOUND["learning_rate_asymptotic"].expr,
        eta / (noise * root) - eta**2 / (2 * noise**2 * t) - eta * sp.log(t) / (16 * noise * root * t),
    )
    yield equal(
        FOUND["excess_risk_asymptotic"].expr,
        eta * noise * sp.sqrt(tau / t) / 4
        + noise**2 / (16 * t)
        - eta * noise * sp.sqrt(tau) * sp.log(t) / (64 * t * sp.sqrt(t)),
    )


@symbolic
def solves_both_equations():
    """Put into the derived equations with h = t^{-1/2}, L = log t: mode to order h⁴L, memory to order h²."""
    log = sp.Symbol("L", real=True)
    rate = eta * h / (noise * sp.sqrt(tau)) - eta**2 * h**2 / (2 * noise**2)
    rate -= eta * log * h**3 / (16 * noise * sp.sqrt(tau))
    Q = (
        eta * noise * sp.sqrt(tau) * h / 2
        + noise**2 * h**2 / 8
        - eta * noise * sp.sqrt(tau) * log * h**3 / 32
    )

    def moved(expr):
        return sp.diff(expr, h) * -(h**3) / 2 + sp.diff(expr, log) * h**2

    first, second, third = sp.symbols("first second third")
    mode = h * first + h**2 * second + h**3 * log * third
    (rhs,) = SYSTEM.family.rhs
    left = sp.expand(moved(mode) - rhs.subs({D2: mode, gamma: rate, gradient_noise: Q + noise**2}))
    orders = [left.coeff(log, 0).coeff(h, 2), left.coeff(log, 0).coeff(h, 3), left.coeff(log, 1).coeff(h, 4)]
    rest = sp.solve(orders, [first, second, third], dict=True)[0]
    for unknown, meant in (
        (first, Q.coeff(h, 1)),
        (second, Q.coeff(h, 2)),
        (third, Q.coeff(log, 1).coeff(h, 3)),
    ):
        share = sp.expand(lam * rest[unknown])
        # averaging: λ → τ in terms linear in λ, and the lag is free of λ
        yield equal(share.coeff(lam, 1) * tau + share.coeff(lam, 0), meant)
    (state,) = SYSTEM.states
    held = sp.series(eta**2 / rate**2, h, 0, 1).removeO()
    grown = sp.expand(moved(held) - state.rhs.subs(gradient_noise, Q + noise**2))
    for power in (0, 1, 2):
        yield equal(grown.coeff(log, 0).coeff(h, power), 0)


@integrated(tolerance=0.2)
def next_order(trial):
    """What is left falls like t^{-3/2}, with no logarithm: integrated curves between t = 10⁴ and 10⁶."""
    times = np.array([1e4, 1e6])
    for _ in range(1 if trial.quick else 2):
        level, e, first = (float(v) for v in np.exp(trial.rng.uniform(-0.5, 0.5, 3)))
        spectrum = sh.Spectrum.from_eigenvalues(trial.rng.uniform(0.4, 1.6, 3))
        where = {"omega": level, "eta": e, "b": first}
        for gap in gaps(level, sh.AdaGradNorm(e, first), spectrum, sh.Start(), times):
            if abs(gap[1]) > 1e-11:  # above the tolerance of the integration
                yield Measured("gap at 10⁶ over gap at 10⁴", gap[1] / gap[0]), Measured("100^(-3/2)", 100**-1.5), where


def gaps(level, rule, spectrum, start, times):
    """Integrated minus asymptotic learning rate and excess risk."""
    problem = sh.least_squares(level)
    curve = sh.derive(problem, rule).solve(spectrum, start, times[-1], t=times, rtol=1e-12)
    found = sh.limits(problem, rule, spectrum, start)
    for name, values in (("learning_rate", curve.learning_rate), ("excess_risk", curve.risk - level**2 / 2)):
        formula = found[f"{name}_asymptotic"]
        yield values - np.array([float(formula.evaluate(t=s)) for s in times])


@symbolic
def fastest_decay():
    """γ ≤ η/√(b² + τω²t) at all times: the accumulator's drift exceeds τω² by τQ ≥ 0."""
    (state,) = SYSTEM.states
    return at_least(SYSTEM.unfolded(state.rhs) - tau * omega**2, 0)


@simulation
def noisy_runs(trial):
    """SGD with AdaGrad-Norm under noise."""
    problem, rule, spectrum = (
        sh.least_squares(1.0),
        sh.AdaGradNorm(2.5, 1.0),
        sh.Spectrum.from_eigenvalues([0.4, 1.6]),
    )
    curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 12.0)
    seeds = range(trial.seed, trial.seed + 30)
    return compare(curve, sh.simulate(problem, rule, spectrum, sh.Start(), 256, 12.0, seeds), alarm=1e-3)


adagrad = Claim(
    "Noisy AdaGrad-Norm to second order",
    id="high-line/adagrad-noisy",
    source="symhigh; leading order of γ High Line, section 4",
    evidence=[orders_by_hand, solves_both_equations, next_order, fastest_decay, noisy_runs],
)


# --- AdaGrad-Norm, power laws ------------------------------------------------------------------------------------
r, p, C = sp.symbols("r p C", positive=True)  # 1 - β, and s = 1 + p


def logarithms(residual):
    """Logarithms of positive products written as sums; purpose: powers with symbolic exponents compare."""
    return sp.expand(sp.expand_log(sp.powsimp(sp.expand_log(residual), force=True), force=True))


@symbolic(simplify=logarithms)
def forcing_at_the_clock():
    """F at Γ = 2(η/ω)√(t/τ) is C(2η/ω)^{s-2}(t/τ)^{(s-2)/2}; the clock is the integral of the leading γ."""
    lead = eta / (noise * sp.sqrt(tau * t))
    clock = 2 * eta / noise * sp.sqrt(t / tau)
    yield equal(sp.diff(clock, t), lead)
    law = PowerLaw(linear_limit(SYSTEM).noiseless, 1 - r, p + r)
    constant = law.forcing.subs(CLOCK, 1)
    found = dying_on_power_law(linear_limit(SYSTEM), law)["excess_risk_asymptotic"].expr.subs(omega, noise)
    beside = eta * noise * sp.sqrt(law.mean / t) / 4 + noise**2 / (16 * t)
    yield equal(sp.log(found - beside), sp.log(constant) + (p - 1) * sp.log(clock.subs(tau, law.mean)))


@symbolic(simplify=logarithms)
def memory_of_the_forcing():
    """-(γ³/2η²)τ∫2F dt with γ and Γ in leading order, F = C Γ^{s-2}: the third term of γ."""
    s = 1 + p
    lead, clock = eta / (noise * sp.sqrt(tau * t)), 2 * eta / noise * sp.sqrt(t / tau)
    area = 2 * C * (2 * eta / (noise * sp.sqrt(tau))) ** (s - 2) * t ** (s / 2) * 2 / s
    yield equal(sp.simplify(sp.diff(area, t) / (2 * C * clock ** (s - 2))), 1)
    law = PowerLaw(linear_limit(SYSTEM).noiseless, 1 - r, p + r)
    found = dying_on_power_law(linear_limit(SYSTEM), law)["learning_rate_asymptotic"].expr.subs(omega, noise)
    first = lead.subs(tau, law.mean) - eta**2 / (2 * noise**2 * t)
    third = (lead**3 / (2 * eta**2) * tau * area).subs({tau: law.mean, C: law.forcing.subs(CLOCK, 1)})
    yield equal(sp.log(sp.simplify(first - found)), sp.log(third))


@integrated(tolerance=0.15)
def closes_on_power_laws(trial):
    """The gaps' exponents between t = 10⁵ and 10⁷, logarithms apart: γ min(3/2, 5/2 - s); excess 3/2 - s/2, 2 - s."""
    times = np.array([1e5, 1e7])
    for s, rate, excess in ((0.4, 1.5, 1.3), (1.0, 1.5, 1.0), (1.4, 1.1, 0.6))[1 if trial.quick else 0 :]:
        rule, start = sh.AdaGradNorm(1.3, 0.6), sh.Start.power_law(s - 0.2)
        for gap, power in zip(
            gaps(0.8, rule, sh.Spectrum.power_law(0.2), start, times), (rate, excess), strict=True
        ):
            slope = -np.log(gap[1] / gap[0]) / np.log(times[1] / times[0])
            yield Measured("exponent of the gap", slope), Measured(f"{power} at s = {s}", power), {"s": s}


power_law = Claim(
    "Noisy AdaGrad-Norm on power laws",
    id="high-line/adagrad-noisy-power-law",
    domain={r: (0, 1), p: (0, 1), eta: (sp.Rational(1, 2), 2), noise: (sp.Rational(1, 2), 2)},
    evidence=[forcing_at_the_clock, memory_of_the_forcing, closes_on_power_laws],
)


# --- greedy rates ------------------------------------------------------------------------------------------------
def secular_of(rule):
    return slow_decay(linear_limit(sh.derive(PROBLEM, rule)), Modes())


@symbolic
def equations_for_a():
    """∫aλ²/(2λa - 1) = τ and q = aτω² for Polyak, ∫aλ³/(2λa - 1) = κ₂ and q = a²κ₂ω² for line search."""
    a = sp.Symbol("a", positive=True)
    (polyak, level), (search, other) = (secular_of(rule) for rule in (sh.Polyak(), sh.LineSearch()))
    yield equal(polyak.summand, a * lam**2 / (2 * a * lam - 1) / tau)
    yield equal(level, a * tau * omega**2)
    yield equal(search.summand, a * lam**3 / (2 * a * lam - 1) / kappa2)
    yield equal(other, a**2 * kappa2 * omega**2)


@symbolic
def decays_as_assumed():
    """-δ/t² = λ(-2(a/t)δ/t + (a/t)²ω²) with δ = λa²ω²/(2λa - 1)."""
    equation, _ = secular_of(sh.Polyak())
    (rhs,) = SYSTEM.family.rhs
    a = equation.unknown
    by_hand = lam * a**2 * omega**2 / (2 * lam * a - 1)
    moved = rhs.subs({D2: by_hand / t, gamma: a / t, gradient_noise: omega**2})
    return [equal(equation.profile, by_hand), equal(moved, -by_hand / t**2)]


@integrated(tolerance=2e-3)
def greedy_curves(trial):
    """t γ and t·excess of integrated curves at t = 10⁷ against the roots; near spectra, whose starts die out soon."""
    for rule in (sh.Polyak(), sh.LineSearch()):
        for _ in range(1 if trial.quick else 2):
            values = 0.3 * np.exp(np.cumsum(trial.rng.uniform(0.05, 0.15, 3)))
            spectrum, problem = sh.Spectrum.from_eigenvalues(values), sh.least_squares(0.6)
            found = sh.limits(problem, rule, spectrum)
            curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 1e7, t=[1e7], rtol=1e-10)
            where = {"rule": rule, "eigenvalues": values}
            rate, excess = (float(found[f"{n}_asymptotic"].evaluate(t=1e7)) for n in ("learning_rate", "excess_risk"))
            yield Measured("γ at 10⁷", curve.learning_rate[0]), Measured("a/t", rate), where
            yield Measured("R - ω²/2 at 10⁷", curve.risk[0] - 0.18), Measured("its law in 1/t", excess), where


greedy = Claim(
    "Greedy rates under noise",
    id="high-line/greedy-noisy",
    evidence=[equations_for_a, decays_as_assumed, greedy_curves],
    seconds=600,
)


@symbolic
def lambert_of_exponential():
    """K = λI: R = (ω²/2)(1 + 1/W₀(y e^{y+t})) with y = ω²/Q(0) solves the derived equation."""
    size, begin, depth = sp.symbols("lambda_1 D_0 W", positive=True)
    for rule in (sh.Polyak(), sh.LineSearch()):
        found = sh.limits(PROBLEM, rule, sh.Spectrum.isotropic(size), sh.Start(x0=0, x_star=begin))[
            "risk_curve"
        ].expr
        y = noise**2 / (size * begin)
        yield equal(found, noise**2 / 2 * (1 + 1 / sp.LambertW(y * sp.exp(y + t))))
        limit = linear_limit(sh.derive(PROBLEM, rule))
        alone = {
            r.name: r.summand.subs({lam: size, D2: error_square / size}) for r in limit.system.reductions
        }
        (rhs,) = limit.system.family.rhs
        Q = noise**2 / depth  # W' = W/(1 + W) in t, since W e^W grows like e^t
        speed = size * rhs.subs({lam: size, D2: error_square / size, gamma: limit.rate.subs(alone)})
        speed = speed.subs(gradient_noise, error_square + noise**2).subs(omega, noise).subs(error_square, Q)
        yield equal(sp.diff(Q, depth) * depth / (1 + depth), speed)


isotropic = Claim(
    "Greedy rates under noise, one eigenvalue, for all times",
    id="high-line/greedy-noisy-isotropic",
    evidence=[lambert_of_exponential],
)
