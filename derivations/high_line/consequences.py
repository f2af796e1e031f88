"""Short consequences of the derived limit: what each rule does to distance and risk, and starts above the threshold.

Each follows in a line or two from (8), the distance law and the conservation law of ``adagrad.py``.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.conserved import conservation_law
from symhigh.closed.linear import linear_limit
from symhigh.ledger import Claim, Measured, equal, iff, integrated, less, must_fail, symbolic
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.rule.thresholds import FRACTION
from symhigh.symbols import (
    D2,
    distance,
    error_square,
    gamma,
    gradient_noise,
    kappa2,
    lam,
    omega,
    risk,
    t,
    tau,
)

g, noise = sp.symbols("g omega", positive=True)
PROBLEM = sh.least_squares(noise)
POLYAK, SEARCH, STEADY = (
    linear_limit(sh.derive(PROBLEM, r)) for r in (sh.Polyak(), sh.LineSearch(), sh.Constant(g))
)
GROWING = linear_limit(sh.derive(sh.least_squares(), sh.AdaGradNorm(eta, b))).noiseless
LAW = conservation_law(GROWING, distance)
Q = sp.Symbol("Q", positive=True)
POSITIVE = {error_square: Q, omega: noise}


@symbolic
def polyak_descends():
    """dD²/dt = -Q²/(τI) under Polyak."""
    drift = POLYAK.drift(distance).subs(gamma, POLYAK.rate)
    by_hand = -(Q**2) / (tau * (Q + noise**2))
    return [equal(drift.subs(POSITIVE), by_hand), less(by_hand, 0)]


@symbolic
def search_descends():
    """dR/dt = -γ²κ₂I/2 under line search."""
    (held,) = [r.name for r in SEARCH.system.reductions if r.summand == lam**2 * D2]
    drift = SEARCH.drift(risk)
    printed = -(gamma**2) * kappa2 * (error_square + omega**2) / 2
    level = {held: sp.Symbol("M", positive=True), **POSITIVE}
    found, by_hand = (e.subs(gamma, SEARCH.rate).subs(level) for e in (drift, printed))
    return [equal(found, by_hand), less(by_hand, 0)]


@symbolic
def below_the_threshold():
    """dD²/dt = γτI(γ - γ̄), γ̄ = 2Q/(τI): the distance falls iff γ < γ̄."""
    system = STEADY.system
    threshold = system.unfolded(system.outputs["distance_threshold"])
    level = system.unfolded(gradient_noise)
    drift = STEADY.drift(distance)
    rate = sp.Symbol("gamma_", positive=True)
    yield equal(threshold, 2 * error_square / (tau * (error_square + omega**2)))
    yield equal(drift, gamma * tau * level * (gamma - threshold))
    yield iff(less(drift.subs(gamma, rate).subs(POSITIVE), 0), less(rate, threshold.subs(POSITIVE)))


@symbolic
def equipartition():
    """At rest every mode has D² = γω²/(2 - γτ), whatever its λ."""
    excess = 2 * sh.limits(PROBLEM, sh.Constant(g))["excess_risk"].expr
    (rhs,) = STEADY.system.family.rhs
    (rest,) = sp.solve(rhs.subs({gradient_noise: excess + noise**2, gamma: g}), D2)
    return [equal(rest, g * noise**2 / (2 - g * tau)), equal(tau * rest, excess)]


AT_THE_DISTANCE, AT_THE_RISK = (
    linear_limit(sh.derive(PROBLEM, r)) for r in (sh.DistanceThreshold(), sh.RiskThreshold())
)


@symbolic
def the_objective_stays():
    """dD²/dt = 0 at the distance's threshold, dR/dt = 0 at the risk's, noise included."""
    for limit, objective in ((AT_THE_DISTANCE, distance), (AT_THE_RISK, risk)):
        rate = limit.rate.subs(FRACTION, 1)
        yield equal(limit.drift(objective).subs(gamma, rate), 0)


@symbolic
def modes_move_to_their_mean():
    """There γI = 2<D²>, weighted by λ or λ²: dD²_λ/dt = 2λγ(<D²> - D²_λ)."""
    for limit, power in ((AT_THE_DISTANCE, 1), (AT_THE_RISK, 2)):
        (held,) = [r.name for r in limit.system.reductions if r.summand == lam**power * D2]
        (total,) = [r.name for r in limit.system.reductions if r.summand == lam**power]
        rate = limit.rate.subs(FRACTION, 1)
        (rhs,) = limit.system.family.rhs
        moved = limit.expanded(rhs).subs(gamma, rate)
        yield equal(moved, 2 * lam * rate * (held / total - D2))


@integrated(tolerance=1e-8)
def levels_of_curves(trial):
    """Learning rate and risk at rest against random spectra integrated to t = 400."""
    for _ in range(2 if trial.quick else 4):
        size = trial.rng.integers(2, 6)
        spectrum = sh.Spectrum.from_eigenvalues(
            trial.rng.uniform(0.4, 2, size), trial.rng.dirichlet(np.ones(size))
        )
        problem, start = sh.least_squares(trial.rng.uniform(0.2, 1)), sh.Start(x0=0.3, x_star=1.2)
        for rule in (sh.DistanceThreshold(), sh.RiskThreshold()):
            curve = sh.derive(problem, rule).solve(spectrum, start, 400, t=[400], rtol=1e-11)
            found = sh.limits(problem, rule, spectrum, start)
            for sign, name, value in (("R", "risk", curve.risk), ("γ", "learning_rate", curve.learning_rate)):
                yield Measured(f"{sign} late", value), Measured(f"{sign} by sh.limits", float(found[name].evaluate()))


@symbolic
def polyak_isotropic():
    """K = λI, no noise: R(t) = R(0) e^{-t} under Polyak and line search, whatever λ."""
    size = sp.Symbol("lambda_1", positive=True)
    for limit in (POLYAK.noiseless, SEARCH.noiseless):
        alone = {
            r.name: r.summand.subs({lam: size, D2: error_square / size}) for r in limit.system.reductions
        }
        rate = sp.cancel(limit.rate.subs(alone))
        found = sh.limits(sh.least_squares(), sh.Constant(rate), sh.Spectrum.isotropic(size))[
            "risk_curve"
        ].expr
        yield equal(found, size * distance / 2 * sp.exp(-t))


SLOW = (1 + t) ** sp.Rational(-1, 2)


@symbolic
def slow_schedule():
    """The derived excess is γτω²/4 to first order in γ, for a rate that dies out slowly."""
    found = sh.limits(PROBLEM, sh.Schedule(SLOW))["excess_risk_asymptotic"].expr
    return equal(found, tau * noise**2 / (4 * sp.sqrt(1 + t)))


@symbolic
def slowly_enough():
    """γ → 0, tγ → ∞ and γ'/γ² → 0 for this schedule: what the expansion in the rate needs."""
    yield equal(sp.Limit(SLOW, t, sp.oo), 0)
    yield equal(sp.Limit(1 / (t * SLOW), t, sp.oo), 0)
    yield equal(sp.Limit(sp.diff(SLOW, t) / SLOW**2, t, sp.oo), 0)


@symbolic
def excess_of_one_eigenvalue():
    """Put Q = γτω²/2 into the derived equation: what is left over γQ is γ'/γ² - γτ², which must die out."""
    rate = sp.Function("gamma")(t)
    guess = rate * tau * noise**2 / 2
    (rhs,) = STEADY.system.family.rhs
    drift = tau * rhs.subs({lam: tau, D2: guess / tau, gradient_noise: guess + noise**2, gamma: rate})
    yield equal((sp.diff(guess, t) - drift) / (rate * guess), sp.diff(rate, t) / rate**2 - rate * tau**2)


@integrated(tolerance=2e-2)
def slow_schedule_curve(trial):
    """Against integration at a late time."""
    late, power = 1e4, sp.Symbol("p", positive=True)
    spectrum, problem = sh.Spectrum.from_eigenvalues([0.5, 1.0, 1.5]), sh.least_squares(0.8)
    system = sh.derive(problem, sh.Schedule((1 + t) ** -power))
    for value in (sp.Rational(1, 2),) if trial.quick else map(sp.Rational, ("2/5", "1/2", "3/5")):
        curve = system.bind({power: value}).solve(spectrum, sh.Start(), late, t=[late], rtol=1e-9)
        found = sh.limits(problem, sh.Schedule((1 + t) ** -value), spectrum)["excess_risk_asymptotic"]
        formula = float(found.evaluate(t=late))
        yield Measured("R - ω²/2 late", curve.risk[0] - 0.32), Measured("γτω²/4", formula), {"power": value}


@integrated(tolerance=1e-2)
def oscillating(trial):
    """γ = (1 + t)^{-1/2}(2 + sin t)/2 dies out slowly, and γ'/γ² does not: the excess does not follow γ."""
    rate, level = SLOW * (2 + sp.sin(t)) / 2, sp.Rational(4, 5)
    late = np.linspace(990.0, 1000.0, 5)
    curve = sh.derive(sh.least_squares(level), sh.Schedule(rate)).solve(
        sh.Spectrum.isotropic(), sh.Start(), late[-1], t=late, rtol=1e-8
    )
    for time, level in zip(late, curve.risk, strict=True):
        yield Measured("R - ω²/2", level - 0.32), rate * noise**2 / 4, {t: time, noise: 0.8}


an_oscillating_schedule = must_fail(oscillating)


@symbolic
def peak_of_the_distance():
    """D² is largest at γ = 2/τ: D²(0) + 4η²/τ·(b/η) - 2η² + 2η² log(ητ/(2b)), for starts η/b > 2/τ."""
    positive = sp.Symbol("gamma_", positive=True)
    level = distance + LAW.potential.subs(gamma, eta / b)
    peak = level - LAW.potential.subs(gamma, positive).subs(positive, 2 / tau)
    yield equal(peak, distance + 4 * eta * b / tau - 2 * eta**2 + 2 * eta**2 * sp.log(eta * tau / (2 * b)))
    yield equal(LAW.turning_point, 2 / tau)


@integrated(tolerance=1e-5)
def peak_of_curves(trial):
    """The largest distance of integrated curves."""
    for _ in range(1 if trial.quick else 3):
        e, factor = (float(v) for v in trial.rng.uniform([0.5, 1.5], [2.0, 6.0]))
        values = trial.rng.uniform(0.3, 2.0, 4)
        spectrum, mean = sh.Spectrum.from_eigenvalues(values), float(values.mean())
        first = e * mean / (2 * factor)
        system = sh.derive(sh.least_squares(), sh.AdaGradNorm(e, first))
        curve = system.solve(spectrum, sh.Start(), 8.0, t=np.linspace(0, 8, 8001), rtol=1e-11)
        top = 1 + 4 * e * first / mean - 2 * e**2 + 2 * e**2 * np.log(factor)
        yield curve.distance.max(), top, {"eta": e, "b": first, "tau": mean}


HIGH = "High Line, "
polyak = Claim(
    "Polyak always descends",
    "In distance, least squares.",
    id="high-line/89",
    source=HIGH + "(88), (89)",
    evidence=[polyak_descends],
)
search = Claim(
    "Line search always descends",
    "In risk, least squares.",
    id="high-line/92",
    source=HIGH + "(90)-(92)",
    evidence=[search_descends],
)
sign = Claim(
    "The distance falls below its threshold, and there alone",
    id="high-line/12",
    source=HIGH + "(12)",
    evidence=[below_the_threshold],
)
equipartition_claim = Claim(
    "Equipartition at the floor",
    id="high-line/equipartition",
    evidence=[equipartition],
)
threshold_itself = Claim(
    "At the threshold itself the modes level out",
    id="high-line/threshold-itself",
    evidence=[the_objective_stays, modes_move_to_their_mean, levels_of_curves],
    seconds=600,
)
unit = Claim(
    "Greedy rates, one eigenvalue, no noise",
    id="high-line/greedy-isotropic",
    evidence=[polyak_isotropic],
)
schedule = Claim(
    "Slow schedules",
    "The learning rate dies out, and so does its relative change on the time scale that it sets.",
    id="high-line/slow-schedules",
    evidence=[slow_schedule, slowly_enough, excess_of_one_eigenvalue, slow_schedule_curve],
    checks=[an_oscillating_schedule],
    seconds=600,
)
peak = Claim(
    "AdaGrad-Norm from above the threshold",
    id="high-line/adagrad-above",
    evidence=[peak_of_the_distance],
    checks=[peak_of_curves],
)
