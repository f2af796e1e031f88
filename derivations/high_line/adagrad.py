"""AdaGrad-Norm on noiseless least squares: Prop. 4.1, Prop. 4.2 and Table 1, exactly.

With R the risk, the squared distance and the learning rate move as

    dD²/dt = (-4γ + 2γ²τ) R,        dγ/dt = -γ³τR/η².

Their quotient is free of R, so time is eliminated: ``D² + 4η²/(τγ) + 2η² log γ`` is conserved, for every spectrum.
As D² → 0,

    4(1/γ∞ - 1/γ₀) - 2τ log(γ₀/γ∞) = τD²(0)/η²,

a transcendental equation solved by Lambert's function on the branch -1:

    γ∞ = -2/(τ W₋₁(-(2/τ) e^{-C/(2τ)})),   C = τD²(0)/η² + 4b/η + 2τ log(η/b).

The paper has the limit up to constants; the exact value depends on K through τ alone.
For K = I and η = b = D²(0) = 1 it is 0.7001764.
"""

import mpmath
import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.conserved import conservation_law, log_linear_solution
from symhigh.closed.linear import linear_limit
from symhigh.ledger import (
    Claim,
    Measured,
    asymptotic,
    compare,
    equal,
    integrated,
    less,
    must_fail,
    numeric,
    simulation,
    symbolic,
)
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import D2, distance, error_square, gamma, gradient_noise, lam, omega, tau

start = sp.Symbol("D_0", positive=True)
PROBLEM, RULE = sh.least_squares(), sh.AdaGradNorm(eta, b)
LIMIT = linear_limit(sh.derive(PROBLEM, RULE)).noiseless
LAW = conservation_law(LIMIT, distance)
FOUND = sh.limits(PROBLEM, RULE)
CLOSED = FOUND["learning_rate"].expr.subs(distance, start)
DOMAIN = {
    eta: (sp.Rational(1, 5), 5),
    b: (sp.Rational(1, 5), 5),
    tau: (sp.Rational(1, 10), 4),
    start: (0, 20),
}


# --- the conservation law ----------------------------------------------------------------------------------------
@symbolic
def potential_by_hand():
    """The eliminated potential is 4η²/(τγ) + 2η² log γ."""
    positive = sp.Symbol("gamma_", positive=True)
    return equal(
        LAW.potential.subs(gamma, positive), 4 * eta**2 / (tau * positive) + 2 * eta**2 * sp.log(positive)
    )


@symbolic
def does_not_move():
    """D² + 4η²/(τγ) + 2η² log γ has no drift along the derived limit."""
    (state,) = LIMIT.system.states
    beside = 4 * eta**2 / (tau * LIMIT.rate) + 2 * eta**2 * sp.log(LIMIT.rate)
    moved, balanced = (
        LIMIT.drift(part).subs(gamma, LIMIT.rate).subs(state.name, eta**2 / gamma**2) for part in (distance, beside)
    )
    yield equal(moved, -balanced)
    yield equal(moved, (-2 * gamma + gamma**2 * tau) * error_square)


@integrated(tolerance=1e-8)
def along_curves(trial):
    """It stays what it was on integrated curves."""
    for spectrum, first, rule in settings(trial, 2 if trial.quick else 4):
        curve = sh.derive(PROBLEM, rule).solve(spectrum, first, 30.0, t=[0.0, 1.0, 5.0, 30.0], rtol=1e-11)
        e, size, rate = float(rule.eta), spectrum.moment(1), curve.learning_rate
        level = curve.distance + 4 * e**2 / (size * rate) + 2 * e**2 * np.log(rate)
        scale = np.abs(curve.distance[0]) + 4 * e**2 / (size * rate)
        begun = Measured("its start", np.full(4, level[0]) / scale)
        yield Measured("D² + 4η²/(τγ) + 2η² log γ", level / scale), begun, {"rule": rule}


conserved = Claim(
    "What AdaGrad-Norm conserves",
    "Noiseless least squares, every spectrum.",
    id="high-line/adagrad-conserved",
    evidence=[potential_by_hand, does_not_move],
    checks=[along_curves],
)


# --- Lambert's function ------------------------------------------------------------------------------------------
@symbolic
def closed_form():
    """What the library finds is the formula of the text."""
    total = tau * start / eta**2 + 4 * b / eta + 2 * tau * sp.log(eta / b)
    return equal(CLOSED, -2 / (tau * sp.LambertW(-2 / tau * sp.exp(-total / (2 * tau)), -1)))


@symbolic
def lambert_solves():
    """For any w, z = w e^w: y = -(c/a)w solves a y - c log y = C exactly when -(a/c)e^{-C/c} = z."""
    a, c, depth = sp.symbols("a c p", positive=True)  # w = -p
    y = -(c / a) * (-depth)
    total = a * y - c * sp.log(y)
    yield equal(-(a / c) * sp.exp(-total / c), -depth * sp.exp(-depth))
    yield equal(log_linear_solution(a, c, total, -1), -(c / a) * sp.LambertW(-depth * sp.exp(-depth), -1))


@symbolic
def equation_by_hand():
    """The law between start and end is 4(1/γ∞ - 1/γ₀) - 2τ log(γ₀/γ∞) = τD²(0)/η²."""
    end = sp.Symbol("gamma_end", positive=True)
    change = start + LAW.potential.subs(gamma, eta / b) - LAW.potential.subs(gamma, end)
    printed = tau * start / eta**2 - 4 * (1 / end - b / eta) + 2 * tau * sp.log(eta / b / end)
    return equal(change * tau / eta**2, printed)


@symbolic
def convex_with_one_turn():
    """The potential falls to γ = 2/τ and rises beyond: a smaller γ with more potential lies below 2/τ."""
    positive = sp.Symbol("gamma_", positive=True)
    slope = sp.diff(LAW.potential.subs(gamma, positive), positive)
    return equal(slope, 2 * eta**2 / positive**2 * (positive - 2 / tau))


solves_the_equation = numeric(
    4 * (1 / CLOSED - b / eta) - 2 * tau * sp.log(eta / b / CLOSED),
    tau * start / eta**2,
    title="The closed form solves the equation, starts above the threshold included",
)
below_the_turn = numeric(less(CLOSED, 2 / tau), title="It lies below the turning point")


def settings(trial, count):
    """Random spectra, starts and rules: small and large τD²/η², initial rates on both sides of 2/τ."""
    for k in range(count):
        size = int(trial.rng.integers(1, 7))
        values = 0.2 * np.exp(np.cumsum(trial.rng.uniform(0.1, 0.5, size)))
        spectrum = sh.Spectrum.from_eigenvalues(values, trial.rng.dirichlet(2 * np.ones(size)))
        mean = float(spectrum.moment(1))
        first_rate = (0.2, 0.9, 1.5, 6.0)[k % 4] * 2 / mean
        e = float(np.exp(trial.rng.uniform(-0.7, 0.9)))
        far = float((0.02, 1.0, 30.0)[k % 3] * e**2 / mean)
        yield spectrum, sh.Start(x0=0.25 * far, x_star=0.75 * far), sh.AdaGradNorm(e, e / first_rate)


@integrated(tolerance=1e-9)
def random_spectra(trial):
    """Against the integrated limit on random spectra, in all regimes."""
    for spectrum, first, rule in settings(trial, 8 if trial.quick else 12):
        found = sh.limits(PROBLEM, rule, spectrum, first)
        late = 32.0 / float(found["rate"].evaluate())
        curve = sh.derive(PROBLEM, rule).solve(spectrum, first, late, t=[late], rtol=1e-12)
        numbers = {eta: rule.eta, b: rule.b, tau: spectrum.moment(1), start: first.x0 + first.x_star}
        yield Measured("γ(∞)", curve.learning_rate[0]), CLOSED, numbers
        formula = float(found["learning_rate"].evaluate())
        yield Measured("γ(∞)", curve.learning_rate[0]), Measured("γ(∞) by sh.limits", formula), {"rule": rule}


@integrated(tolerance=1e-3)
def with_a_share_at_zero(trial):
    """Half of the modes at zero, their distance counted: the formula is wrong, for these never move."""
    spectrum, rule, first = sh.Spectrum.from_eigenvalues([0.0, 1.0]), sh.AdaGradNorm(1, 1), sh.Start()
    curve = sh.derive(PROBLEM, rule).solve(spectrum, first, 200.0, t=[200.0], rtol=1e-10)
    numbers = {eta: 1, b: 1, tau: spectrum.moment(1), start: 1}
    yield Measured("γ(∞)", curve.learning_rate[0]), CLOSED, numbers


a_mode_at_zero = must_fail(with_a_share_at_zero)


@simulation
def lambert_runs(trial):
    """SGD with AdaGrad-Norm without noise, to where the learning rate has settled."""
    spectrum, rule, first = sh.Spectrum.isotropic(), sh.AdaGradNorm(1.0, 1.0), sh.Start()
    curve = sh.derive(PROBLEM, rule).solve(spectrum, first, 8.0)
    return compare(
        curve, sh.simulate(PROBLEM, rule, spectrum, first, 256, 8.0, range(trial.seed, trial.seed + 30)), alarm=1e-3
    )


lambert = Claim(
    "AdaGrad-Norm's limit in closed form",
    "Lambert's function; the distance counts the modes above zero alone.",
    id="high-line/prop-4.2-limit",
    source="symhigh; up to constants High Line, Prop. 4.2 and Table 1",
    domain=DOMAIN,
    evidence=[
        closed_form,
        lambert_solves,
        equation_by_hand,
        convex_with_one_turn,
        solves_the_equation,
        below_the_turn,
        random_spectra,
    ],
    checks=[lambert_runs, a_mode_at_zero],
    seconds=600,
)


# --- Prop. 4.2: how the limit scales ------------------------------------------------------------------------------
@symbolic
def reciprocal():
    """In the clock u = Γ(t), d(1/γ)/du = τR/η²: 1/γ∞ = b/η + (τ/η²)∫R du."""
    per_clock = LIMIT.drift(1 / gamma).subs(LIMIT.system.states[0].name, eta**2 / gamma**2) / gamma
    return equal(sp.powdenest(per_clock, force=True), tau * LIMIT.share * error_square / eta**2)


@symbolic
def inverse_proportion():
    """As D²(0) → ∞, γ∞ τ D²(0)/(4η²) → 1: inverse proportion to mean eigenvalue and squared distance."""
    end = sp.Symbol("gamma_end", positive=True)
    far = (
        eta**2 / tau * (4 * (1 / end - b / eta) - 2 * tau * sp.log(eta / b / end))
    )  # D²(0) as a function of γ∞
    return asymptotic(far, 4 * eta**2 / (tau * end), end, 0)


@symbolic
def falls():
    """γ∞ falls with τ and with D²(0): implicit differentiation, with γ∞ = 2/(τ(1+p)) and γ₀ = γ∞(1+q)."""
    p, q = sp.symbols("p q", positive=True)
    end = sp.Symbol("gamma_end", positive=True)
    change = start + LAW.potential.subs(gamma, eta / b) - LAW.potential.subs(gamma, end)
    below = 2 / (tau * (1 + p))
    for parameter in (tau, start):
        slope = -sp.diff(change, parameter) / sp.diff(change, end)
        yield less(sp.factor(slope.subs(b, eta / (end * (1 + q))).subs(end, below)), 0)


scaling = Claim(
    "Prop. 4.2: inverse proportion to mean eigenvalue and squared distance",
    id="high-line/prop-4.2",
    source="High Line, Prop. 4.2, Table 1 (bη for b/η), Lemma D.1",
    evidence=[reciprocal, inverse_proportion, falls],
)


# --- the rate of the risk ----------------------------------------------------------------------------------------
@integrated(tolerance=1e-6)
def late_slope(trial):
    """log R falls at the constant-rate law of γ∞."""
    for spectrum, first, rule in settings(trial, 3):
        rate = float(sh.limits(PROBLEM, rule, spectrum, first)["rate"].evaluate())
        late = np.array([200.0, 220.0]) / rate
        risk = sh.derive(PROBLEM, rule).solve(spectrum, first, late[1], t=late, rtol=1e-11, atol=1e-200).risk
        slope = np.log(risk[0] / risk[1]) / (late[1] - late[0])
        yield Measured("-d log R/dt late", slope), Measured("ρ by sh.limits", rate), {"rule": rule}


speed = Claim(
    "Rate of the risk under AdaGrad-Norm",
    "The law of a constant rate, at the limit of the learning rate.",
    id="high-line/adagrad-rate",
    evidence=[late_slope],
)


# --- Prop. 4.1: K = I --------------------------------------------------------------------------------------------
def isotropic(problem):
    """dR/dt for K = I in terms of R and γ, from the derived limit."""
    limit = linear_limit(sh.derive(problem, RULE))
    limit = limit if problem.noise != 0 else limit.noiseless
    R = sp.Symbol("R", positive=True)
    (rhs,) = limit.system.family.rhs
    (Q,) = sp.solve(sp.Eq(R, limit.share * error_square + limit.least), error_square)
    moved = limit.share * limit.expanded(rhs.subs({lam: 1, D2: error_square}))
    return R, sp.expand(moved.subs(error_square, Q))


@symbolic
def closed_equation():
    """K = I: g = ∫R dt obeys g'' = γω² - 2γg' + γ²g' with γ = η/√(b² + 2g)."""
    R, moved = isotropic(sh.least_squares(sp.Symbol("omega", positive=True)))
    yield equal(moved, gamma * omega**2 - 2 * gamma * R + gamma**2 * R)
    g = sp.Symbol("g", positive=True)
    state = LIMIT.system.states[0]
    grown = state.rhs.subs(gradient_noise, 2 * R).subs(tau, 1)
    yield equal(sp.diff(b**2 + 2 * g, g) * R, grown)


@symbolic
def first_integral():
    """Without noise g'' integrates once: g' = R(0) - 2η(√(b² + 2g) - b) + (η²/2) log(1 + 2g/b²)."""
    g, R0 = sp.symbols("g R_0", positive=True)
    R, moved = isotropic(sh.least_squares())
    once = R0 - 2 * eta * (sp.sqrt(b**2 + 2 * g) - b) + eta**2 / 2 * sp.log(1 + 2 * g / b**2)
    rate = eta / sp.sqrt(b**2 + 2 * g)
    yield equal(sp.diff(once, g) * once, moved.subs({gamma: rate}).subs(R, once))
    yield equal(once.subs(g, 0), R0)


@integrated(tolerance=1e-9)
def parametric_solution(trial):
    """t = ∫ dg/g'(g), with the rate as the parameter, against integrated curves."""
    for _ in range(1 if trial.quick else 3):
        e, first, far = (float(v) for v in np.exp(trial.rng.uniform(-0.7, 0.7, 3)))
        rule, begin = sh.AdaGradNorm(e, first), sh.Start(x_star=far)
        curve = sh.derive(PROBLEM, rule).solve(
            sh.Spectrum.isotropic(), begin, 3.0, t=[0.5, 1.5, 3.0], rtol=1e-12
        )

        def slope(g, e=e, first=first, far=far):
            root = mpmath.sqrt(first**2 + 2 * g)
            return far / 2 - 2 * e * (root - first) + e**2 / 2 * mpmath.log(root**2 / first**2)

        for time, rate, risk in zip(curve.t, curve.learning_rate, curve.risk, strict=True):
            g = (e**2 / rate**2 - first**2) / 2
            yield float(mpmath.quad(lambda s: 1 / slope(s), [0, g / 2, g])), time, {"eta": e, "b": first}
            yield float(slope(g)), risk, {"eta": e, "b": first}


proposition = Claim(
    "Prop. 4.1 solved, one eigenvalue",
    id="high-line/prop-4.1",
    source="High Line, Prop. 4.1, (14); its solution is new",
    evidence=[closed_equation, first_integral],
    checks=[parametric_solution],
)
