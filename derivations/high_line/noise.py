"""Label noise: AdaGrad-Norm to second order, and the greedy rates, whose decay is 1/t.

With ω > 0 the gradient noise keeps I above ω², AdaGrad-Norm's memory grows without end, and γ → 0. Every mode then
follows its momentary rest ``D² = γI/2`` with a lag. In powers of t^{-1/2} mode and memory equations give

    γ = η/(ω√(τt)) - η²/(2ω²t) + O(log t/t^{3/2}),     excess = (ηω/4)√(τ/t) + ω²/(16t) + O(log t/t^{3/2}).

The greedy rates see the noise as well and fall faster: γ ~ a/t, where ``D²_λ ~ λa²ω²/((2λa - 1)t)`` and a is the root
above 1/(2λ_min) of ``∫aλ²/(2λa - 1)dμ = τ`` for Polyak, ``∫aλ³/(2λa - 1)dμ = κ₂`` for line search; for one eigenvalue
the risk is Lambert's function of e^t, for all times.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.modes import Modes
from symhigh.closed.secular import slow_decay
from symhigh.symbols import D2, error_square, gamma, gradient_noise, kappa2, lam, omega, t, tau
from symhigh.verify import Claim, compare, integrated, simulation, symbolic

eta, b, h, noise = sp.symbols("eta b h omega", positive=True)
PROBLEM = sh.least_squares(noise)
FOUND = sh.limits(PROBLEM, sh.AdaGradNorm(eta, b))
SYSTEM = sh.derive(PROBLEM, sh.AdaGradNorm(eta, b))


# --- AdaGrad-Norm ------------------------------------------------------------------------------------------------
@symbolic
def second_order_by_hand():
    """What the matching gives is the expansion above."""
    yield sp.Eq(
        FOUND["learning_rate_asymptotic"].expr, eta / (noise * sp.sqrt(tau * t)) - eta**2 / (2 * noise**2 * t)
    )
    yield sp.Eq(
        FOUND["excess_risk_asymptotic"].expr, eta * noise * sp.sqrt(tau / t) / 4 + noise**2 / (16 * t)
    )


@symbolic
def solves_both_equations():
    """Put into the derived equations with h = t^{-1/2}: mode to order h³, memory to order h."""
    rate = eta * h / (noise * sp.sqrt(tau)) - eta**2 * h**2 / (2 * noise**2)
    Q = eta * noise * sp.sqrt(tau) * h / 2 + noise**2 * h**2 / 8
    first, second = sp.symbols("first second")
    mode = h * first + h**2 * second
    (rhs,) = SYSTEM.family.rhs
    known = {D2: mode, gamma: rate, gradient_noise: Q + noise**2}
    left = sp.expand(sp.diff(mode, h) * -(h**3) / 2 - rhs.subs(known))
    rest = sp.solve([left.coeff(h, 2), left.coeff(h, 3)], [first, second], dict=True)[0]
    average = [sp.expand(lam * rest[s]) for s in (first, second)]
    # averaging: λ → τ in terms linear in λ, and the lag is free of λ
    averaged = [a.coeff(lam, 1) * tau + a.coeff(lam, 0) for a in average]
    yield sp.Eq(averaged[0], Q.coeff(h, 1))
    yield sp.Eq(sp.expand(averaged[1]), Q.coeff(h, 2))
    (state,) = SYSTEM.states
    held = sp.series(eta**2 / rate**2, h, 0, 0).removeO()
    grown = sp.expand(sp.diff(held, h) * -(h**3) / 2 - state.rhs.subs(gradient_noise, Q + noise**2))
    yield sp.Eq(grown.coeff(h, 0), 0)
    yield sp.Eq(grown.coeff(h, 1), 0)


@integrated(tolerance=0.25)
def next_order(trial):
    """What is left falls like log t/t^{3/2}: measured on integrated curves between t = 10⁵ and 10⁷."""
    times = np.array([1e5, 1e7])
    for _ in range(1 if trial.quick else 4):
        level, e, first = (float(v) for v in np.exp(trial.rng.uniform(-0.5, 0.5, 3)))
        values = trial.rng.uniform(0.4, 1.6, 3)
        spectrum, problem, rule = (
            sh.Spectrum.from_eigenvalues(values),
            sh.least_squares(level),
            sh.AdaGradNorm(e, first),
        )
        curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 1e7, t=times, rtol=1e-12)
        found = sh.limits(problem, rule, spectrum)
        predicted = (np.log(times[1]) / np.log(times[0])) * (times[1] / times[0]) ** -1.5
        for name, value in (
            ("learning_rate", curve.learning_rate),
            ("excess_risk", curve.risk - level**2 / 2),
        ):
            gap = [
                v - float(found[f"{name}_asymptotic"].evaluate(t=s))
                for v, s in zip(value, times, strict=True)
            ]
            if abs(gap[1]) > 1e-11:  # above the tolerance of the integration
                yield abs(gap[1] / gap[0]) ** 0.25, predicted**0.25, {"omega": level, "eta": e, "b": first}


@symbolic
def fastest_decay():
    """γ ≤ η/√(b² + τω²t) at all times: the accumulator's drift exceeds τω² by τQ ≥ 0."""
    (state,) = SYSTEM.states
    return sp.Ge(SYSTEM.expanded(state.rhs) - tau * omega**2, 0)


@simulation
def noisy_runs(trial):
    """SGD with AdaGrad-Norm under noise."""
    problem, rule, spectrum = (
        sh.least_squares(1.0),
        sh.AdaGradNorm(2.5, 1.0),
        sh.Spectrum.from_eigenvalues([0.4, 1.6]),
    )
    curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 12.0)
    return compare(
        curve, sh.simulate(problem, rule, spectrum, sh.Start(), 256, 12.0, range(trial.seed, trial.seed + 30))
    )


adagrad = Claim(
    "Noisy AdaGrad-Norm to second order",
    "γ = η/(ω√(τt)) - η²/(2ω²t), excess risk (ηω/4)√(τ/t) + ω²/(16t), both up to O(log t/t^{3/2}).",
    source="symhigh; leading order of γ High Line, section 4",
    evidence=[second_order_by_hand, solves_both_equations, next_order, fastest_decay, noisy_runs],
)


# --- greedy rates ------------------------------------------------------------------------------------------------
def secular_of(rule):
    return slow_decay(linear_limit(sh.derive(PROBLEM, rule)), Modes())


@symbolic
def equations_for_a():
    """∫aλ²/(2λa - 1) = τ and q = aτω² for Polyak, ∫aλ³/(2λa - 1) = κ₂ and q = a²κ₂ω² for line search."""
    a = sp.Symbol("a", positive=True)
    (polyak, level), (search, other) = (secular_of(rule) for rule in (sh.Polyak(), sh.LineSearch()))
    yield sp.Eq(polyak.summand, a * lam**2 / (2 * a * lam - 1) / tau)
    yield sp.Eq(level, a * tau * omega**2)
    yield sp.Eq(search.summand, a * lam**3 / (2 * a * lam - 1) / kappa2)
    yield sp.Eq(other, a**2 * kappa2 * omega**2)


@symbolic
def decays_as_assumed():
    """-δ/t² = λ(-2(a/t)δ/t + (a/t)²ω²) with δ = λa²ω²/(2λa - 1)."""
    equation, _ = secular_of(sh.Polyak())
    (rhs,) = SYSTEM.family.rhs
    a = equation.unknown
    moved = rhs.subs({D2: equation.profile / t, gamma: a / t, gradient_noise: omega**2})
    return sp.Eq(moved, sp.diff(equation.profile / t, t))


@integrated(tolerance=2e-3)
def greedy_curves(trial):
    """t γ and t·excess of integrated curves at t = 10⁷ against the roots; near spectra, whose starts die out soon."""
    for rule in (sh.Polyak(), sh.LineSearch()):
        for _ in range(1 if trial.quick else 4):
            values = 0.3 * np.exp(np.cumsum(trial.rng.uniform(0.05, 0.15, 3)))
            spectrum, problem = sh.Spectrum.from_eigenvalues(values), sh.least_squares(0.6)
            found = sh.limits(problem, rule, spectrum)
            curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 1e7, t=[1e7], rtol=1e-10)
            where = {"rule": rule, "eigenvalues": values}
            yield float(found["learning_rate_asymptotic"].evaluate(t=1e7)), curve.learning_rate[0], where
            yield float(found["excess_risk_asymptotic"].evaluate(t=1e7)), curve.risk[0] - 0.18, where


greedy = Claim(
    "Greedy rates under noise decay like 1/t",
    "γ ~ a/t and excess risk ~ q/(2t), with a from a secular equation above 1/(2λ_min): Polyak and line search.",
    evidence=[equations_for_a, decays_as_assumed, greedy_curves],
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
        yield sp.Eq(found, noise**2 / 2 * (1 + 1 / sp.LambertW(y * sp.exp(y + t))))
        limit = linear_limit(sh.derive(PROBLEM, rule))
        alone = {
            r.name: r.summand.subs({lam: size, D2: error_square / size}) for r in limit.system.reductions
        }
        (rhs,) = limit.system.family.rhs
        Q = noise**2 / depth  # W' = W/(1 + W) in t, since W e^W grows like e^t
        speed = size * rhs.subs({lam: size, D2: error_square / size, gamma: limit.rate.subs(alone)})
        speed = speed.subs(gradient_noise, error_square + noise**2).subs(omega, noise).subs(error_square, Q)
        yield sp.Eq(sp.diff(Q, depth) * depth / (1 + depth), speed)


isotropic = Claim(
    "Greedy rates under noise, K = λI, for all times",
    "R(t) = (ω²/2)(1 + 1/W₀(y e^{y + t})), y = ω²/Q(0): no constant but the start enters.",
    evidence=[lambert_of_exponential],
)
