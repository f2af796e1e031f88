"""Networks under any loss and scalar rule: balance, an energy that AdaGrad-Norm lowers at any step, where γ ends.

With slopes c₁, c₂, I = E f'² and the rate γ as functions of time, one coordinate of θ = uv obeys

    dα = -γ²λI/2 dt,     dξ = -γλ(c₁θ + c₂θ*) dt + γ√(λI) dB,     θ = (e^{2α}/2) sinh 2ξ,   S = u² + v² = ∂_ξ θ.

So the balance is c e^{-λJ}, J = ∫γ²I dt, whatever the loss and the rule. For Φ = S/4 - θ*ξ, by Itô's formula,

    LΦ = -γλ(c₁θ + c₂θ*)(θ - θ*) + γ²λIS/4.

Averaged over the coordinates the first term is -γ E f'(x)(x - x*), by Stein's lemma, and the second γ²IA/4 with
A = mean λES. AdaGrad-Norm's b² grows at the rate IA, so γ²IA/4 = -(η²/2) d log γ/dt, and

    d/dt [mean EΦ + (η²/2) log γ] = -γ E f'(x)(x - x*):

an energy that falls at every step size for every loss that is convex in x about x*; for least squares the right side is
-2γ(R - ω²/2). Also ∫A dJ = 2η² log(γ(0)/γ(∞)): the noise shrinks balances by powers of the ratio of rates.

Lazy training, u, v of order κ: A = A(0)(1 + O(κ⁻²)), so 𝔇 = Φ - min Φ obeys the high line's law with A for 2τ,
𝔇 + (2η²/A)/γ + η² log γ is conserved, and γ(∞) follows by Lambert's function.
"""

import numpy as np
import sympy as sp
from scipy.integrate import trapezoid

import symhigh as sh
from symhigh.derivation.close.additive import alpha, reduction_of, sde_of, side_w, side_z, xi
from symhigh.derivation.ito import decays, generator
from symhigh.ledger import REFUTED, Claim, equal, integrated, symbolic
from symhigh.problem.network import theta_star, u, v
from symhigh.symbols import c1, c2, gamma, gradient_noise, lam

BOTH = {side_w: 1, side_z: 1}
LOGISTIC = sh.logistic_regression(model=sh.PRODUCT)
SQUARE = sh.least_squares(sp.Rational(3, 10), model=sh.PRODUCT)
CLASSES = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
ENERGY = (u**2 + v**2) / 4 - theta_star * sp.log((u + v) / (u - v)) / 2
RULE = sh.AdaGradNorm(sp.Rational(3, 5), sp.Rational(4, 5))


def any_slopes():
    """The SDE of one coordinate with formal c₁, c₂, I and γ, derived for a loss whose slopes have no closed form."""
    return sde_of(sh.derive(LOGISTIC, RULE).field)


@symbolic
def balance_under_any_slopes():
    """The lowest polynomial that decays is u² - v², at the rate γ²λI."""
    found = decays(any_slopes(), 2)[0]
    yield equal(found.function, u**2 - v**2)
    yield equal(found.rate, gamma**2 * lam * gradient_noise)


@integrated(tolerance=1e-4)
def balance_of_curves(trial):
    """The balance of curves against the quadrature of γ²I, I = 2R for least squares."""
    for rule in (RULE, sh.Polyak(), sh.Schedule(sp.Rational(1, 2) / (1 + sh.t))):
        curve = sh.derive(SQUARE, rule).solve(CLASSES, 3, t=np.linspace(0, 3, 241))
        exponent = trapezoid(2 * curve.learning_rate**2 * curve.risk, curve.t)
        square = (curve.u**2 - curve.v**2)[-1, :, 0]
        yield square, (1.2**2 - 0.2**2) * np.exp(-CLASSES.lam * exponent), {"rule": type(rule).__name__}


balance = Claim(
    "Balance under any loss and scalar rule",
    "What an adaptive rate makes of the initialisation: it decays with the noise that the rate has let in.",
    source="symhigh's own",
    id="dln/balance-any-rule",
    seconds=600,
    domain={gamma: (0.1, 1), lam: (0.1, 1), gradient_noise: (0.1, 1), u: (1, 2), v: (-0.5, 0.5)},
    evidence=[balance_under_any_slopes],
    checks=[balance_of_curves],
)


@symbolic
def drift_of_the_energy():
    """LΦ = -γλ(c₁θ + c₂θ*)(θ - θ*) + γ²λIS/4, in u and v."""
    pull = c1 * u * v + c2 * theta_star
    hand = -gamma * lam * pull * (u * v - theta_star) + gamma**2 * lam * gradient_noise * (u**2 + v**2) / 4
    return equal(generator(any_slopes(), ENERGY), hand)


@symbolic
def drift_in_the_reduced_coordinates():
    """The same for S/4 - θ*ξ in (α, ξ)."""
    found = reduction_of(any_slopes(), sh.PRODUCT)
    theta = found.effective.subs(BOTH)
    slope = sp.diff(theta, xi)
    hand = -gamma * lam * (c1 * theta + c2 * theta_star) * (theta - theta_star)
    hand += gamma**2 * lam * gradient_noise * slope / 4
    return equal(generator(found.sde.subs(BOTH), slope / 4 - theta_star * xi), hand)


@symbolic
def accumulator():
    """(η²/2) d log γ/dt = -γ²IA/4 from the derived equation of b², A the average of λ(u² + v²)."""
    for problem in (LOGISTIC, SQUARE):
        system = sh.derive(problem, RULE)
        (memory,) = system.states
        (mean,) = (r.name for r in system.reductions if sp.expand(r.summand - lam * (u**2 + v**2)) == 0)
        rate = system.scalar("gamma")
        (eta,) = (s for s in rate.free_symbols if s != memory.name)
        growth = sp.diff(sp.log(rate), memory.name) * memory.rhs
        yield equal(eta**2 / 2 * growth, -(rate**2) * gradient_noise * mean / 4)


def energy_along(curve, rule):
    """mean EΦ + (η²/2) log γ at the times of a curve, E ξ from the density of ξ."""
    place = (curve.densities.points() * curve.densities.mass).sum(axis=2)
    pull = place @ (curve.classes.weight * curve.classes.theta_star)
    return curve.observable((u**2 + v**2) / 4) - pull + float(rule.eta) ** 2 / 2 * np.log(curve.learning_rate)


def dissipated(curve, rate):
    """The integral of γ E f'(x)(x - x*) over a curve."""
    return trapezoid(curve.learning_rate * rate, curve.t)


@integrated(tolerance=3e-4)
def energy_of_least_squares(trial):
    """The energy falls by ∫2γ(R - ω²/2), with noise and without, from rates below the threshold and above it."""
    for noise, eta in ((0, 0.6), (0.5, 0.6), (0.3, 2.0)):
        rule = sh.AdaGradNorm(eta, 0.8)
        curve = sh.derive(sh.least_squares(noise, model=sh.PRODUCT), rule).solve(
            CLASSES, 2, t=np.linspace(0, 2, 1601), nodes=321, rtol=1e-6
        )
        energy = energy_along(curve, rule)
        yield energy[0] - energy[-1], dissipated(curve, 2 * curve.excess_risk), {"noise": noise, "eta": eta}


@integrated(tolerance=1e-4)
def energy_of_logistic(trial):
    """The same for logistic regression, E f'(x)(x - x*) = c₁ E x(x - x*) + c₂ E x*(x - x*), slopes by quadrature."""
    rule = sh.AdaGradNorm(1.5, 0.5)
    curve = sh.derive(LOGISTIC, rule).solve(CLASSES, 3, t=np.linspace(0, 3, 121), nodes=321, rtol=1e-6)
    y, w = np.polynomial.hermite_e.hermegauss(80)
    variance = [curve.observable(lam * (u * v) ** 2), curve.observable(lam * theta_star**2)]
    mean = [(w / np.sqrt(2 * np.pi)) @ (0.25 / np.cosh(np.sqrt(q) * y[:, None] / 2) ** 2) for q in variance]
    error = u * v - theta_star
    gain = mean[0] * curve.observable(lam * u * v * error) - mean[1] * curve.observable(lam * theta_star * error)
    energy = energy_along(curve, rule)
    yield energy[0] - energy[-1], dissipated(curve, gain)


energy = Claim(
    "AdaGrad-Norm on a network lowers one energy at every step size",
    "The Bregman potential of the mirror map and the logarithm of the rate, together, fall as under gradient flow.",
    source="symhigh's own",
    id="dln/adagrad-energy",
    seconds=600,
    domain={
        **{gamma: (0.1, 1), lam: (0.1, 1), gradient_noise: (0.1, 1), u: (1, 2), v: (-0.5, 0.5), theta_star: (-1, 1)},
        **{c1: (0.1, 1), c2: (-1, -0.1), alpha: (-1, 1), xi: (-1, 1)},
    },
    evidence=[drift_of_the_energy, drift_in_the_reduced_coordinates, accumulator],
    checks=[energy_of_least_squares, energy_of_logistic],
)


@integrated(tolerance=1e-4)
def shrunken_by_rates(trial):
    """∫A dJ = 2η² log(γ(0)/γ(t)) along curves, A their curvature and J the exponent that the balance shows."""
    for noise in (0, 0.5):
        curve = sh.derive(sh.least_squares(noise, model=sh.PRODUCT), RULE).solve(CLASSES, 3, t=np.linspace(0, 3, 241))
        exponent = -np.log(curve.balance[:, 0] / curve.balance[0, 0])  # λ = 1
        total = trapezoid(curve.curvature, exponent)
        ratio = curve.learning_rate[0] / curve.learning_rate[-1]
        yield total, 2 * float(RULE.eta) ** 2 * np.log(ratio), {"noise": noise}


shrinking = Claim(
    "Effective initialisation under AdaGrad-Norm",
    "The exponent of the balance, weighted with the curvature, is the logarithm of the ratio of rates.",
    source="symhigh's own",
    id="dln/adagrad-effective-start",
    seconds=600,
    evidence=[shrunken_by_rates],
)


def lazy(scale):
    """γ(∞) of a curve from starts of the order of ``scale``, by the curve and the formula, at the same θ(0) - θ*."""
    first, second = np.sqrt(2) * scale, scale / np.sqrt(2)
    classes = sh.NetworkClasses([1.0, 0.5], [scale**2 + 1, scale**2 - 0.7], first, second)
    rule = sh.AdaGradNorm(0.8 / scale, 1.0)
    end = 60.0
    curve = sh.derive(sh.least_squares(model=sh.PRODUCT), rule).solve(classes, end, t=[end], nodes=161, rtol=1e-7)
    formula = sh.limits(sh.least_squares(model=sh.PRODUCT), rule, classes)["learning_rate_lazy"]
    return float(curve.learning_rate[0]), float(formula.evaluate()), float(curve.risk[0])


@integrated(tolerance=2e-3)
def lazy_limit(trial):
    """The gap to the formula, extrapolated from scales 4 and 8 in 1/scale²; the risk has gone to zero."""
    gaps = []
    for scale in (4.0, 8.0):
        found, formula, rest = lazy(scale)
        gaps.append(found / formula - 1)
        yield rest + 1, 1.0, {"scale": scale}
    yield 1 + (4 * gaps[1] - gaps[0]) / 3, 1.0


lazy_rate = Claim(
    "Where AdaGrad-Norm's rate ends in lazy training",
    "Lambert's function, as for linear models, with the curvature of the start in place of the trace.",
    source="symhigh's own",
    id="dln/adagrad-lazy",
    seconds=600,
    evidence=[lazy_limit],
)


@integrated(tolerance=5e-3)
def late_with_noise(trial):
    """γ√t and the excess risk from starts without balance, extrapolated in t^(-1/2), against η/(ω√A) and ηω√A/4."""
    classes = sh.NetworkClasses([1.0, 0.4], [1.0, 0.5], 1.0, 1.0)
    problem, rule = sh.least_squares(0.6, model=sh.PRODUCT), sh.AdaGradNorm(0.5, 1.0)
    t = np.array([1000.0, 4000.0])
    curve = sh.derive(problem, rule).solve(classes, t[-1], t=t, nodes=161, rtol=1e-5)
    found = sh.limits(problem, rule, classes)
    for name, values in (("learning_rate", curve.learning_rate), ("excess_risk", curve.excess_risk)):
        ratio = values / found[f"{name}_asymptotic"].evaluate(t=t)
        yield 2 * ratio[1] - ratio[0], 1.0, {"output": name}


late = Claim(
    "AdaGrad-Norm on a network with label noise, at late times",
    "As for linear models, with the curvature at the minimiser without balance.",
    source="symhigh's own",
    id="dln/adagrad-late",
    seconds=600,
    evidence=[late_with_noise],
)


@integrated(tolerance=1e-3)
def without_the_accumulator(trial):
    """Φ alone is lowered by the same amount, planted: noise lifts it."""
    curve = sh.derive(SQUARE, RULE).solve(CLASSES, 2, t=np.linspace(0, 2, 201))
    energy = energy_along(curve, sh.AdaGradNorm(sp.Rational(1, 10**6), 1))
    yield energy[0] - energy[-1], dissipated(curve, 2 * curve.excess_risk)


planted = Claim(
    "The Bregman potential alone falls like that of gradient flow, planted",
    id="dln/planted-energy",
    evidence=[without_the_accumulator],
    expect=REFUTED,
)


@symbolic
def first_power_of_the_rate():
    """Balance that decays at γλI, planted: the noise of a step is of order γ²."""
    return equal(decays(any_slopes(), 2)[0].rate, gamma * lam * gradient_noise)


wrong_balance = Claim(
    "Balance that decays in proportion to the rate, planted",
    id="dln/planted-balance-any-rule",
    domain={gamma: (0.1, 0.9), lam: (0.1, 1), gradient_noise: (0.1, 1)},
    evidence=[first_power_of_the_rate],
    expect=REFUTED,
)
