"""RMSprop-Norm on least squares: the law (18), where it comes to rest, and that it does not converge without noise.

With ``b_k² = (1 - α/d) b_{k-1}² + ‖∇Ψ‖²/d²`` the memory obeys ``ds/dt = τI - αs``, γ = η/√s. At rest s = τI/α, so

    γ²I = η²α/τ;    a mode at rest has D² = γI/2, so Q = γτI/2 and I(1 - γτ/2) = ω².

Together ``2τω²γ² + η²ατγ - 2η²α = 0``, with one positive root. Without noise it is γ = 2/τ, the threshold, and
``I = αη²τ/4``: the risk stays at αη²τ/8, for every spectrum. A rate that forgets climbs to the edge of stability.

Near the rest put ``D²_λ + δ_λ e^{-ρt}``, ``s + σ e^{-ρt}``. As ∂γ/∂s = -γ/(2s), with y = (γ²I/2s)σ and q = ∫λδ,

    ρδ_λ = 2γλδ_λ - γ²λq + λy,    ρy = αy - (αγ²/2)q,    so    γ²∫λ²/(2γλ - ρ)dμ = 2(α - ρ)/(α - 2ρ).

For Re ρ ≤ 0 the left side is at most γτ/2 ≤ 1 in size, the right side is larger: the rest is stable, for every α and
every spectrum. That every start but the target itself reaches it is seen on curves, not proved. Roots may be complex:
the approach then oscillates, as it does for K = I without noise when α < 8.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import (
    Claim,
    Measured,
    at_least,
    compare,
    equal,
    greater,
    integrated,
    less,
    must_fail,
    simulation,
    symbolic,
)
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.rule.rmsprop_norm import ALPHA as alpha
from symhigh.symbols import D2, d, gamma, gradient_noise, lam, t, tau

noise = sp.Symbol("omega", positive=True)
PROBLEM = sh.least_squares(noise)
SUM, AVERAGE = (sh.RMSpropNorm(eta, b, alpha, f) for f in (sh.Forgetting.SUM, sh.Forgetting.AVERAGE))
SYSTEM = sh.derive(PROBLEM, SUM)
(STATE,) = SYSTEM.states
GAIN = {SUM: tau, AVERAGE: alpha * tau}


# --- (18) --------------------------------------------------------------------------------------------------------
@symbolic
def forgetting():
    """ds/dt = τI - αs, and with the average proper α(τI - s)."""
    held = sp.Symbol("s", positive=True)
    for rule, gain in ((SUM, tau), (AVERAGE, alpha * tau)):
        (state,) = sh.derive(PROBLEM, rule).states
        yield equal(state.rhs.subs(state.name, held), gain * gradient_noise - alpha * held)


@symbolic
def integral_of_forgetting():
    """b² e^{-αt} + τ∫e^{-α(t-s)}I ds solves it: (18)."""
    s = sp.Symbol("s_", nonnegative=True)
    I = sp.Function("I")
    flow = sp.exp(-alpha * t) * (b**2 + tau * sp.Integral(sp.exp(alpha * s) * I(s), (s, 0, t)))
    yield equal(sp.diff(flow, t), STATE.rhs.subs(STATE.name, flow).subs(gradient_noise, I(t)))
    yield equal(flow.subs(t, 0).doit(), STATE.initial)


average = Claim(
    "(18) forgetting accumulator",
    id="high-line/18",
    source="High Line, (18), (19)",
    evidence=[forgetting, integral_of_forgetting],
)


# --- where it rests ----------------------------------------------------------------------------------------------
@symbolic
def quadratic():
    """γ²I = η²α/(memory's gain) and I = 2ω²/(2 - γτ) give a quadratic, which the closed form solves, at every noise."""
    g, level = sp.symbols("g I", positive=True)
    for rule, gain in GAIN.items():
        system = sh.derive(PROBLEM, rule)
        (state,) = system.states
        (rest,) = sp.solve(state.rhs, state.name)
        tied = system.scalar("gamma").subs(state.name, rest) ** 2 * gradient_noise
        yield equal(tied, eta**2 * alpha / gain)
        (rhs,) = system.family.rhs
        (mode,) = sp.solve(rhs.subs({gradient_noise: level, gamma: g}), D2)
        balance = level - (tau * mode + noise**2)  # I = Q + ω², Q = ∫λD²
        yield equal(balance, level * (1 - g * tau / 2) - noise**2)
        found = sh.limits(PROBLEM, rule)["learning_rate"].expr
        yield equal(2 * gain * noise**2 * found**2 + eta**2 * alpha * tau * found - 2 * eta**2 * alpha, 0)


@symbolic
def below_the_threshold():
    """γ∞ < 2/τ under noise: at γ = 2/τ the quadratic is 8ω²/τ > 0, at 0 it is negative, and it is convex."""
    g = sp.Symbol("g", positive=True)
    square = 2 * tau * noise**2 * g**2 + eta**2 * alpha * tau * g - 2 * eta**2 * alpha
    yield equal(square.subs(g, 2 / tau), 8 * noise**2 / tau)
    yield less(square.subs(g, 0), 0)
    yield greater(sp.diff(square, g, 2), 0)


def settled(rule, level, spectrum, loss=30.0):
    """(formulas, integrated curve at the time by which the slowest mode has lost e^{-loss})."""
    problem, start = sh.least_squares(level), sh.Start(x0=0.5)
    found = sh.limits(problem, rule, spectrum, start)
    late = loss / float(found["rate"].evaluate())
    return found, sh.derive(problem, rule).solve(spectrum, start, late, t=[late], rtol=1e-12)


def random_rule(trial, k):
    e, a = (float(v) for v in trial.rng.uniform([0.2, 0.3], [0.8, 3.0]))
    return sh.RMSpropNorm(e, 1.0, a, (sh.Forgetting.SUM, sh.Forgetting.AVERAGE)[k % 2])


@integrated(tolerance=1e-8)
def rest_of_curves(trial):
    """Learning rate and risk of integrated curves at late times."""
    for k in range(2 if trial.quick else 3):
        rule, level = random_rule(trial, k), float(trial.rng.uniform(0.3, 1.5))
        spectrum = sh.Spectrum.from_eigenvalues(trial.rng.uniform(0.4, 1.6, 3))
        found, curve = settled(rule, level, spectrum)
        for sign, name, value in (("γ", "learning_rate", curve.learning_rate), ("R", "risk", curve.risk)):
            formula = float(found[name].evaluate())
            yield Measured(f"{sign} late", value[0]), Measured(f"{sign} by sh.limits", formula), {"rule": rule}


stationary = Claim(
    "RMSprop-Norm's stationary rate under noise",
    id="high-line/rmsprop-rest",
    evidence=[quadratic, below_the_threshold, rest_of_curves],
    seconds=600,
)


@symbolic
def edge():
    """ω = 0: γ = 2/τ and R = αη²τ/8, η²τ/8 for the average proper."""
    for rule, floor in ((SUM, alpha * eta**2 * tau / 8), (AVERAGE, eta**2 * tau / 8)):
        found = sh.limits(sh.least_squares(), rule)
        yield equal(found["learning_rate"].expr, 2 / tau)
        yield equal(found["risk"].expr, floor)


@integrated(tolerance=1e-8)
def edge_of_curves(trial):
    """Integrated curves without noise settle there."""
    for k in range(2 if trial.quick else 4):
        rule = random_rule(trial, k)
        values = trial.rng.uniform(0.4, 1.6, 3)
        found, curve = settled(rule, 0.0, sh.Spectrum.from_eigenvalues(values))
        yield Measured("γ late", curve.learning_rate[0]), 2 / tau, {tau: float(values.mean())}
        floor = Measured("R by sh.limits", float(found["risk"].evaluate()))
        yield Measured("R late", curve.risk[0]), floor, {"rule": rule}


@simulation
def edge_of_runs(trial):
    """SGD with RMSprop-Norm without noise, to a time where its risk has stopped falling."""
    rule, spectrum = sh.RMSpropNorm(1.0, 1.0, 1.0), sh.Spectrum.from_eigenvalues([0.5, 1.5])
    curve = sh.derive(sh.least_squares(), rule).solve(spectrum, sh.Start(), 12.0)
    seeds = range(trial.seed, trial.seed + 20)
    return compare(curve, sh.simulate(sh.least_squares(), rule, spectrum, sh.Start(), 256, 12.0, seeds), alarm=1e-3)


no_convergence = Claim(
    "RMSprop-Norm without noise rests at the edge of stability, at a positive risk",
    id="high-line/rmsprop-edge",
    evidence=[edge, edge_of_curves, edge_of_runs],
)


# --- how fast ----------------------------------------------------------------------------------------------------
g, level, q, y, rho = sp.symbols("g I q y rho", positive=True)


@symbolic
def linearised():
    """The derived equations at D² = γI/2 and τI = αs: the two lines of the text."""
    delta, sigma, rest = sp.symbols("delta sigma s", positive=True)
    (rhs,) = SYSTEM.family.rhs
    at_rest = {D2: g * level / 2, gamma: g, gradient_noise: level}
    slope = -g / (2 * rest)  # ∂γ/∂s of γ = η/√s
    yield equal(
        sp.diff(SYSTEM.scalar("gamma").subs(STATE.name, rest), rest), slope.subs(g, eta / sp.sqrt(rest))
    )
    moved = sum(
        sp.diff(rhs, s).subs(at_rest) * d
        for s, d in ((D2, delta), (gamma, slope * sigma), (gradient_noise, q))
    )
    scaled = sigma * g**2 * level / (2 * rest)
    yield equal(-moved, 2 * g * lam * delta - g**2 * lam * q + lam * scaled)
    memory = STATE.rhs.subs({gradient_noise: q, STATE.name: sigma})  # linear, so its own linearisation
    tied = {tau: alpha * rest / level}  # τI = αs
    yield equal((-memory * g**2 * level / (2 * rest)).subs(tied), alpha * scaled - alpha * g**2 / 2 * q)


@symbolic
def secular():
    """Eliminating δ and y gives the equation of the text."""
    mode = (-(g**2) * lam * q + lam * y) / (rho - 2 * g * lam)
    (held,) = sp.solve(rho * y - alpha * y + alpha * g**2 / 2 * q, y)
    share = sp.cancel((lam * mode).subs(y, held) / q)  # its average over λ is one
    left = g**2 * lam**2 / (2 * g * lam - rho)
    return equal(share, left * (alpha - 2 * rho) / (2 * (alpha - rho)))


@symbolic
def stable():
    """|α + 2z|² < |2α + 2z|² and |2γλ + z| ≥ 2γλ for z = -ρ with Re z ≥ 0."""
    x, v = sp.Symbol("x", nonnegative=True), sp.Symbol("v", real=True)
    yield greater(sp.expand(4 * ((alpha + x) ** 2 + v**2) - ((alpha + 2 * x) ** 2 + 4 * v**2)), 0)
    size = sp.Symbol("lambda_1", positive=True)
    yield at_least(sp.expand((2 * g * size + x) ** 2 + v**2 - (2 * g * size) ** 2), 0)


@integrated(tolerance=1e-3)
def oscillation(trial):
    """K = λI: the late gap of γ obeys the recurrence of e^{-ρt} with the complex pair of the formula."""
    for k in range(2 if trial.quick else 6):
        size, a = float(trial.rng.uniform(0.5, 1.5)), float(trial.rng.uniform(0.5, 3.0))
        rule, spectrum = sh.RMSpropNorm(0.5, 1.0, a), sh.Spectrum.isotropic(size)
        problem = sh.least_squares(0.1 * (k % 2))
        found = sh.limits(problem, rule, spectrum, sh.Start())
        m, v, rest = (float(found[name].evaluate()) for name in ("rate", "frequency", "learning_rate"))
        times = 13.0 / m + np.array([0.0, 0.7, 1.4]) / v
        curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), times[-1], t=times, rtol=1e-13)
        gap = curve.learning_rate - rest
        h = 0.7 / v
        left = gap[2] + np.exp(-2 * m * h) * gap[0]
        scale = np.abs(gap).max()  # the terms may cancel
        right = 2 * np.exp(-m * h) * np.cos(v * h) * gap[1]
        yield Measured("1 + (gap₂ + e^(-2mh) gap₀)/scale", 1 + left / scale), Measured(
            "1 + 2 e^(-mh) cos(vh) gap₁/scale", 1 + right / scale
        ), {"alpha": a, "lambda": size}


@integrated(tolerance=1e-2)
def measured_rate(trial):
    """Several eigenvalues, α so large that the slowest root is real: the slope of the logarithm of the gap."""
    for _ in range(1 if trial.quick else 2):
        values = 0.3 * np.exp(np.cumsum(trial.rng.uniform(0.4, 0.6, 3)))
        rule, spectrum = sh.RMSpropNorm(0.4, 1.0, 8.0), sh.Spectrum.from_eigenvalues(values)
        found = sh.limits(sh.least_squares(0.8), rule, spectrum, sh.Start())
        rate, rest = (float(found[name].evaluate()) for name in ("rate", "learning_rate"))
        times = np.array([14.0, 16.0]) / rate
        curve = sh.derive(sh.least_squares(0.8), rule).solve(
            spectrum, sh.Start(), times[-1], t=times, rtol=1e-13
        )
        gap = np.abs(curve.learning_rate - rest)
        slope = np.log(gap[0] / gap[1]) / (times[1] - times[0])
        yield Measured("-d log|γ - γ∞|/dt late", slope), Measured("ρ by sh.limits", rate), {"eigenvalues": values}


speed = Claim(
    "RMSprop-Norm's approach to rest",
    id="high-line/rmsprop-rate",
    evidence=[linearised, secular, stable, oscillation, measured_rate],
)


# --- the printed algorithm --------------------------------------------------------------------------------------
a, share = sp.Symbol("a", positive=True), sp.Symbol("k", positive=True)


@symbolic
def forgets_in_time():
    """Forgetting α/d a step: after t d steps the weight of what was is (1 - α/d)^{td} → e^{-αt}."""
    held = (1 - alpha / d) ** (t * d)
    yield equal(sp.Limit(held, d, sp.oo), sp.exp(-alpha * t))


@symbolic
def forgets_in_steps():
    """Forgetting a fixed share a step, (1 - a) = e^{-c}: after one unit of time the weight is e^{-cd} → 0."""
    c = sp.Symbol("c", positive=True)
    yield equal(sp.Limit(sp.exp(-c) ** d, d, sp.oo), 0)


@symbolic
def stays_random():
    """An average of squares f'² of Gaussian residuals with the weights a(1 - a)^j has the variance 2a/(2 - a) I²."""
    fixed, j = 1 / (1 + share), sp.Symbol("j", integer=True, nonnegative=True)
    total = sp.summation((fixed * (1 - fixed) ** j) ** 2, (j, 0, sp.oo)).simplify()
    yield equal(2 * total, 2 * fixed / (2 - fixed))
    yield greater(2 * fixed / (2 - fixed), 0)


def vanishes_for_a_share_of_order_one_over_d():
    """That the variance at a share α/d stays away from 0, too."""
    small = alpha / d
    return equal(sp.Limit(2 * small / (2 - small), d, sp.oo), alpha)


printed = Claim(
    "RMSprop-Norm with a fixed share has no limit of this kind",
    "It forgets within finitely many steps, so its learning rate stays random; a share of the order of one over the "
    "dimension has the limit claimed.",
    id="high-line/rmsprop-algorithm",
    source="symhigh, on Algorithm 2 of High Line",
    evidence=[forgets_in_time, forgets_in_steps, stays_random],
    checks=must_fail(symbolic(vanishes_for_a_share_of_order_one_over_d)),
)
