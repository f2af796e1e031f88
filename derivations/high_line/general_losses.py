"""AdaGrad-Norm beyond least squares: lower bounds on its learning rate, after Prop. D.1, with explicit constants.

For any loss dD²/dt = -2γA + γ²τI (87), and under AdaGrad-Norm dγ/dt = -γ³τI/(2η²). So

    dD²/dγ = (4η²/(τγ²)) A/I - 2η²/γ:

the loss enters by A/I alone. If I ≤ L A, integrate from γ∞ to γ₀, with D² ≥ 0 at the end:

    4(1/γ∞ - 1/γ₀) - 2Lτ log(γ₀/γ∞) ≤ LτD²(0)/η².

The left side is 4/γ + 2Lτ log γ up to a constant, and falls until 2/(Lτ): so γ is at all times at least the root below
2/(Lτ), which is the limit of least squares with Lτ for τ. Least squares has I = A, and equality. It suffices that
``f'² ≤ L (x - x*)f'`` for each sample: Huber, pseudo-Huber, log cosh have L = 1, logistic regression 1/4.

With a restricted secant, A ≥ μQ, and γ₀ < 2/(Lτ) the distance falls exponentially.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, at_least, equal, greater, integrated, less, symbolic
from symhigh.problem.losses.robust import HUBER_THRESHOLD
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import gamma, gradient_noise, tau, x, x_star

L = sp.Symbol("L", positive=True)
RULE = sh.AdaGradNorm(eta, b)
SQUARES = sh.least_squares()
rate = sp.Symbol("gamma_", positive=True)
A = sp.Symbol("A", nonnegative=True)


# --- losses with I ≤ L A -------------------------------------------------------------------------------------------
def falling(problem):
    """dγ/dt of the derived limit of a problem, with the memory written through γ."""
    system = sh.derive(problem, RULE, reduce=False)
    (state,) = system.states
    moved = sp.diff(system.scalar("gamma"), state.name) * state.rhs
    return moved.subs(state.name, eta**2 / gamma**2)


@symbolic
def slope():
    """dγ/dt = -γ³τI/(2η²) for three losses, and so dD²/dγ = (4η²/(τγ²))A/I - 2η²/γ with (87)."""
    for problem in (SQUARES, sh.huber(1), sh.phase_retrieval()):
        yield equal(
            sp.powdenest(falling(problem), force=True), -(gamma**3) * tau * gradient_noise / (2 * eta**2)
        )
    law = -2 * rate * A + rate**2 * tau * gradient_noise
    quotient = law / (-(rate**3) * tau * gradient_noise / (2 * eta**2))
    yield equal(quotient, 4 * eta**2 * A / (tau * rate**2 * gradient_noise) - 2 * eta**2 / rate)


@symbolic
def comparison():
    """With A = I/L + e, e ≥ 0, the slope exceeds that of least squares with Lτ for τ, divided by L, by a term ≥ 0."""
    more, level = sp.Symbol("e", nonnegative=True), sp.Symbol("I", positive=True)
    slope_of = 4 * eta**2 / (tau * rate**2) * (level / L + more) / level - 2 * eta**2 / rate
    potential = 4 * eta**2 / (L * tau * rate) + 2 * eta**2 * sp.log(rate)
    yield at_least(sp.expand(slope_of + sp.diff(potential, rate)), 0)
    turning = sp.solve(sp.diff(potential, rate), rate)
    yield equal(turning[0], 2 / (L * tau))
    yield greater(sp.diff(potential, rate, 2).subs(rate, turning[0]), 0)


@symbolic
def the_root():
    """The closed form with Lτ for τ solves Φ(γ) = Φ(γ₀) + LτD²/η² (by the two real branches of y ↦ y e^y)."""
    p = sp.Symbol("p", positive=True)  # γ = 2/(Lτ(1 + p)), so w = -(1 + p)
    end = 2 / (L * tau * (1 + p))
    far = eta**2 / (L * tau) * (4 * (1 / end - b / eta) - 2 * L * tau * sp.log(eta / b / end))
    total = (L * tau * far / eta**2 + 4 * b / eta + 2 * L * tau * sp.log(eta / b)) / (2 * L * tau)
    yield equal(
        sp.log(2 / (L * tau)) - total, sp.log(1 + p) - (1 + p)
    )  # log of W e^W for W = -(1 + p), branch -1


@symbolic
def robust_slack():
    """r f' - f'² ≥ 0: c²s²(s + 2)/(1 + s)² for pseudo-Huber, √(1 + r²/c²) = 1 + s; log cosh as r - tanh r rises."""
    r, c, s = sp.Symbol("r", real=True), HUBER_THRESHOLD, sp.Symbol("s", nonnegative=True)
    slope_of = sp.diff(sh.pseudo_huber(1).loss, x).subs({x: x_star + r, sh.eps: 0})
    root = sp.sqrt(1 + r**2 / c**2)
    yield equal(slope_of, r / root)
    slack = sp.factor((r * slope_of - slope_of**2).subs(r, c * sp.sqrt((1 + s) ** 2 - 1)))
    yield equal(slack, c**2 * s**2 * (s + 2) / (1 + s) ** 2)
    yield at_least(sp.factor(c**2 * s**2 * (s + 2) / (1 + s) ** 2), 0)
    yield at_least(sp.diff(r - sp.tanh(r), r).rewrite(sp.tanh).expand(), 0)


@symbolic
def logistic_slack():
    """Logistic: 0 < σ' ≤ 1/4, so f' = σ(x) - σ(x*) has the sign of x - x* and at most a quarter of its size."""
    e = sp.Symbol("e", positive=True)  # e^x
    sigma = e / (1 + e)
    slope_of = e * sp.diff(sigma, e)  # dσ/dx
    yield greater(slope_of, 0)
    yield equal(sp.Rational(1, 4) - slope_of, (e - 1) ** 2 / (4 * (e + 1) ** 2))
    curvature = sp.diff(sh.logistic_regression().loss, x, 2).subs(x, sp.log(e))
    yield equal(curvature, slope_of)


def bound(factor, rule, mean, far):
    """The limit of least squares with ``factor τ`` for τ."""
    found = sh.limits(SQUARES, rule)["learning_rate"]
    return float(found.evaluate(tau=float(factor * mean), distance=float(far)))


@integrated(tolerance=1e-9)
def below_curves(trial):
    """min(γ, bound) = bound on integrated curves: Huber, logistic, a slope like erf; starts on both sides of 2/(Lτ)."""
    r = x - x_star
    smooth = sh.Problem(
        sp.sqrt(sp.pi) / 2 * r * sp.erf(r) + sp.exp(-(r**2)) / 2
    )  # f' = (√π/2) erf(r), f'' ≤ 1
    losses = ((sh.huber(1), 1.0), (sh.logistic_regression(), 0.25), (smooth, 1.0))
    for k in range(3 if trial.quick else 6):
        problem, factor = losses[k % 3]
        values = trial.rng.uniform(0.3, 1.8, 3)
        e, over = float(trial.rng.uniform(0.4, 1.5)), float(trial.rng.uniform(0.2, 2.5))
        far = float(trial.rng.uniform(0.5, 4.0))
        rule = sh.AdaGradNorm(e, e * factor * float(values.mean()) / (2 * over))
        curve = sh.derive(problem, rule).solve(
            sh.Spectrum.from_eigenvalues(values), sh.Start(x_star=far), 20.0, t=[1.0, 8.0, 20.0], rtol=1e-8
        )
        least = bound(factor, rule, values.mean(), far)
        lower = np.minimum(curve.learning_rate, least)
        where = {"rule": rule, "loss": problem.name}
        yield Measured("min(γ, bound)", lower), Measured("bound", np.full(3, least)), where


general = Claim(
    "After Prop. D.1: a lower bound on AdaGrad-Norm's learning rate",
    "Losses whose gradient noise is at most a multiple of their alignment.",
    id="high-line/after-d.1",
    source="symhigh, after High Line, Prop. D.1 and (87)",
    evidence=[slope, comparison, the_root, robust_slack, logistic_slack, below_curves],
    seconds=600,
)


@symbolic
def total_noise():
    """d(1/γ²)/dt = τI/η²: ∫I dt = (η²/τ)(1/γ∞² - 1/γ₀²)."""
    moved = sp.diff(1 / gamma**2, gamma) * falling(SQUARES)
    return equal(sp.powdenest(moved, force=True), tau * gradient_noise / eta**2)


@symbolic
def restricted_secant():
    """With I ≤ LA, A ≥ μλ_min D² and γ ≤ γ₀ < 2/(Lτ): dD²/dt ≤ -γ(2 - γLτ)μλ_min D², concave in γ: least at an end."""
    mu, edge, far = sp.symbols("mu lambda_min D2", positive=True)
    more, slack = sp.symbols("e f", nonnegative=True)
    share = sp.Symbol("s", positive=True)
    A_ = mu * edge * far + more
    noise = L * A_ - slack
    held = 2 / (L * tau * (1 + share))  # any γ below 2/(Lτ)
    drift = -2 * held * A_ + held**2 * tau * noise
    yield at_least(sp.factor(sp.expand(-held * (2 - held * L * tau) * mu * edge * far - drift)), 0)
    yield less(sp.diff(rate * (2 - rate * L * tau), rate, 2), 0)


@integrated(tolerance=1e-9)
def linear_convergence(trial):
    """f' = r/2 + clip(r)/2, L = 1, μ = 1/2: D² of integrated curves under the exponential, ∫I under its bound."""
    r = x - x_star
    left, right = (r**2 / 4 + side * r / 2 - sp.Rational(1, 4) for side in (-1, 1))
    problem = sh.Problem(sp.Piecewise((left, r < -1), (right, r > 1), (r**2 / 2, True)))
    for _ in range(1 if trial.quick else 3):
        values = trial.rng.uniform(0.5, 1.5, 3)
        mean, e = float(values.mean()), float(trial.rng.uniform(0.4, 1.5))
        top = float(trial.rng.uniform(0.2, 0.9)) * 2 / mean
        rule, times = sh.AdaGradNorm(e, e / top), np.array([2.0, 10.0, 30.0])
        curve = sh.derive(problem, rule).solve(
            sh.Spectrum.from_eigenvalues(values), sh.Start(), 30.0, t=times, rtol=1e-9
        )
        least = bound(1, rule, mean, 1)
        pace = 0.5 * values.min() * min(v * (2 - v * mean) for v in (least, top))
        ceiling = np.exp(-pace * times)
        upper = np.maximum(curve.distance, ceiling)
        yield Measured("max(D², its exponential)", upper), Measured("its exponential", ceiling), {"rule": rule}
        total = e**2 / mean * (curve.learning_rate**-2 - top**-2)
        most = e**2 / mean * (least**-2 - top**-2)
        spent = Measured("max(∫I dt, its bound)", np.maximum(total, most))
        yield spent, Measured("its bound", np.full(3, most)), {"rule": rule}


convergence = Claim(
    "After Prop. D.1: linear convergence for restricted secants",
    id="high-line/after-d.1-linear",
    source="symhigh, after High Line, Prop. D.1",
    evidence=[total_noise, restricted_secant, linear_convergence],
    seconds=600,
)
