"""Learning-rate rules and their limits: AdaGrad-Norm (15)-(17), Polyak (12, 88, 89), line search (90)-(92).

A rule is stated to symhigh as its discrete update only. A memory with increments of order 1/d becomes an ordinary
differential equation; ``‖∇f‖² = f'² ‖a‖²`` and ``‖a‖²/d → τ``, so AdaGrad-Norm's accumulator grows at the rate τI. A
greedy rule names what one step shall decrease most; its drift is quadratic in γ, and the best γ is half of the zero of
that parabola. Below, the paper's expressions by hand, against what comes out.
"""

import sympy as sp

import symhigh as sh
from symhigh.closed.conserved import learning_rate_drift
from symhigh.closed.linear import linear_limit, total_derivative
from symhigh.derivation.averages import Averages
from symhigh.derivation.gaussian import expect
from symhigh.ledger import Claim, compare, equal, greater, iff, less, must_fail, simulation, symbolic
from symhigh.rule.adagrad_norm import B0 as b
from symhigh.rule.adagrad_norm import ETA as eta
from symhigh.symbols import (
    B11,
    B12,
    B22,
    D2,
    V11,
    V12,
    V22,
    c1,
    c2,
    error_square,
    gamma,
    gradient_noise,
    kappa2,
    lam,
    omega,
    risk,
    t,
    tau,
    x,
    x_star,
)

SQUARES = sh.least_squares(sp.Symbol("omega", positive=True))
PHASE = sh.phase_retrieval()


# --- AdaGrad-Norm ------------------------------------------------------------------------------------------------
@symbolic
def accumulator():
    """The accumulator's limit is db²/dt = τI, b²(0) = b², and γ = η/b, for any loss."""
    for problem in (SQUARES, PHASE, sh.logistic_regression()):
        system = sh.derive(problem, sh.AdaGradNorm(eta, b))
        (state,) = system.states
        yield equal(state.rhs, tau * gradient_noise)
        yield equal(state.initial, b**2)
        yield equal(system.scalar("gamma"), eta / sp.sqrt(state.name))


@symbolic
def integral_form():
    """γ = η/√(b² + τ∫I) solves that equation."""
    I, accumulated = sp.Function("I")(t), sp.Function("J")(t)
    rate = eta / sp.sqrt(b**2 + tau * accumulated)
    moved = sp.diff(rate, t).subs(sp.diff(accumulated, t), I)
    system = sh.derive(SQUARES, sh.AdaGradNorm(eta, b))
    derived = total_derivative(system, gamma).subs(system.states[0].name, b**2 + tau * accumulated)
    yield equal(moved, derived.subs(gradient_noise, I))
    yield equal(rate.subs(accumulated, 0), eta / b)


@simulation
def adagrad_runs(trial):
    """SGD with AdaGrad-Norm on noisy least squares and on logistic regression."""
    found = []
    spectrum = sh.Spectrum.from_eigenvalues([0.4, 1.6])
    losses = (sh.least_squares(1.0),) if trial.quick else (sh.least_squares(1.0), sh.logistic_regression())
    for problem in losses:
        rule = sh.AdaGradNorm(1.0, 0.3)
        curve = sh.derive(problem, rule).solve(spectrum, sh.Start(), 5.0)
        runs = sh.simulate(problem, rule, spectrum, sh.Start(), 256, 5.0, range(trial.seed, trial.seed + 30))
        found.append(compare(curve, runs, alarm=1e-3))
    return found


adagrad = Claim(
    "(16), (17) AdaGrad-Norm",
    id="high-line/17",
    source="High Line, (15)-(17)",
    evidence=[accumulator, integral_form, adagrad_runs],
)


# --- distance: threshold and Polyak ------------------------------------------------------------------------------
def alignment(problem):
    """A = E (x - x*) f'."""
    noise = sp.Matrix([[B11, B12, 0], [B12, B22, 0], [0, 0, omega**2]])
    return expect((x - x_star) * sp.diff(problem.loss, x), noise)


@symbolic
def threshold_of_any_loss():
    """The distance stands still at γ = 2A/(τI); Polyak's rate is half of that."""
    for problem in (SQUARES, PHASE):
        system = sh.derive(problem, sh.Polyak(), reduce=False)
        printed = 2 * alignment(problem) / (tau * system.scalar("I"))
        yield equal(system.unfolded(system.outputs["distance_threshold"]), printed)
        yield equal(system.unfolded(gamma), printed / 2)
        drift = total_derivative(system, system.outputs["distance"]).subs(gradient_noise, system.scalar("I"))
        numbers = {s.name: s.expression for s in system.scalars if s.name in (c1, c2)}
        yield equal(drift.subs(numbers), tau * system.scalar("I") * gamma * (gamma - printed))
        yield equal(sp.diff(drift.subs(numbers), gamma), 2 * tau * system.scalar("I") * (gamma - printed / 2))


@symbolic
def threshold_of_least_squares():
    """For least squares the threshold is (2R - ω²)/(τR), and Polyak without noise is 1/τ."""
    system = sh.derive(SQUARES, sh.Polyak())
    R = system.scalar("risk")
    yield equal(system.unfolded(system.outputs["distance_threshold"]), (2 * R - omega**2) / (tau * R))
    yield equal(system.unfolded(gamma).subs(omega, 0), 1 / tau)
    yield equal(sh.limits(sh.least_squares(), sh.Polyak())["learning_rate"].expr, 1 / tau)


@simulation
def polyak_runs(trial):
    """SGD with the idealised Polyak rate on noisy least squares."""
    problem, spectrum = sh.least_squares(0.5), sh.Spectrum.from_eigenvalues([0.4, 1.6])
    curve = sh.derive(problem, sh.Polyak()).solve(spectrum, sh.Start(), 5.0)
    runs = sh.simulate(
        problem, sh.Polyak(), spectrum, sh.Start(), 256, 5.0, range(trial.seed, trial.seed + 30)
    )
    return compare(curve, runs, alarm=1e-3)


polyak = Claim(
    "(12), (88), (89) threshold and Polyak",
    id="high-line/88",
    source="High Line, (12), (88), (89)",
    evidence=[threshold_of_any_loss, threshold_of_least_squares, polyak_runs],
)


# --- risk: exact line search -------------------------------------------------------------------------------------
@symbolic
def best_decrease():
    """The rate is ‖∇R‖²/((Tr(∇²R K)/d) I), for any loss; it is where d(dR/dt)/dγ vanishes."""
    for problem in (SQUARES, PHASE):
        system = sh.derive(problem, sh.LineSearch(), reduce=False)
        averages = Averages()
        known = {c1: sp.Integer(1), c2: sp.Integer(-1)} | {s.name: s.expression for s in system.scalars}
        gradient = averages.of(lam**2 * (c1**2 * V11 + 2 * c1 * c2 * V12 + c2**2 * V22))
        values = {s: known[s] for s in (c1, c2, gradient_noise)}
        printed = (gradient / (c1 * averages.of(lam**2) * gradient_noise)).subs(values)
        yield equal(system.unfolded(gamma), printed)
        moved = total_derivative(system, risk).subs(values)
        yield equal(sp.diff(moved, gamma).subs(gamma, printed), 0)


CURVED, NOISY = sp.Symbol("c_1", real=True), sp.Symbol("I", positive=True)


@symbolic
def curved_upwards():
    """dR/dt in γ has the curvature c₁κ₂I: the printed rate is a minimum of it iff c₁ > 0, else a maximum."""
    system = sh.derive(PHASE, sh.LineSearch(), reduce=False)
    averages = Averages()
    known = {c1: system.scalar("c1"), c2: system.scalar("c2"), gradient_noise: NOISY}
    moved = sp.diff(total_derivative(system, risk).subs(known), gamma, 2)
    yield equal(moved, system.scalar("c1") * averages.of(lam**2) * NOISY)
    strength = kappa2
    yield iff(greater(CURVED * strength * NOISY, 0), greater(CURVED, 0))


def falls_by_the_step():
    """At the stationary rate γ = g/(c₁κ₂I), g = ‖∇R‖², the risk changes at -g²/(2c₁κ₂I)."""
    slope, strength = sp.Symbol("g", positive=True), kappa2
    rate = slope / (CURVED * strength * NOISY)
    change = -rate * slope + rate**2 * CURVED * strength * NOISY / 2
    return [equal(change, -(slope**2) / (2 * CURVED * strength * NOISY)), less(change, 0)]


@symbolic
def table_two():
    """Least squares: ∫λ²D² dμ/(2κ₂R)."""
    limit = linear_limit(sh.derive(SQUARES, sh.LineSearch()))
    (held,) = [
        r.name for r in limit.system.reductions if r.name in limit.rate.free_symbols - {error_square, kappa2}
    ]
    return equal(limit.rate, held / (2 * kappa2 * limit.system.scalar("risk")))


@symbolic
def isotropic_rules_agree():
    """With one eigenvalue line search and Polyak are the same rate."""
    size = sp.Symbol("lambda_1", positive=True)
    rates = []
    for rule in (sh.Polyak(), sh.LineSearch()):
        limit = linear_limit(sh.derive(SQUARES, rule))
        alone = {
            r.name: r.summand.subs({lam: size, D2: error_square / size}) for r in limit.system.reductions
        }
        rates.append(limit.rate.subs(alone))
    return equal(*rates)


@simulation
def line_search_runs(trial):
    """SGD with the idealised line search on noisy least squares."""
    problem, spectrum = sh.least_squares(0.5), sh.Spectrum.from_eigenvalues([0.4, 1.6])
    curve = sh.derive(problem, sh.LineSearch()).solve(spectrum, sh.Start(), 5.0)
    runs = sh.simulate(
        problem, sh.LineSearch(), spectrum, sh.Start(), 256, 5.0, range(trial.seed, trial.seed + 30)
    )
    return compare(curve, runs, alarm=1e-3)


line_search = Claim(
    "(90)-(92), Table 2 line search",
    "The steepest decrease; a greatest one only where the curvature coefficient is positive.",
    id="high-line/90",
    source="High Line, (90)-(92), Table 2",
    evidence=[best_decrease, curved_upwards, table_two, isotropic_rules_agree],
    domain={CURVED: (sp.Rational(-1), 1)},
    checks=[line_search_runs],
)


# --- AdaGrad-Norm's rate by itself -------------------------------------------------------------------------------
@symbolic
def rate_by_itself():
    """dγ/dt = -γ³τI/(2η²): the memory eliminated."""
    limit = linear_limit(sh.derive(SQUARES, sh.AdaGradNorm(eta, b)))
    printed = -(gamma**3) * tau * (error_square + omega**2) / (2 * eta**2)
    return equal(learning_rate_drift(limit), printed)


decrease = Claim(
    "What line search decreases",
    "Where the curvature coefficient is negative the same formula increases the risk.",
    id="high-line/90-decrease",
    source="High Line, (90)-(92)",
    domain={CURVED: (0, 1)},
    evidence=symbolic(falls_by_the_step),
    checks=must_fail(symbolic(falls_by_the_step), {CURVED: (-1, 0)}),
)
eliminated = Claim(
    "AdaGrad-Norm without its memory",
    id="high-line/17-differentiated",
    source="High Line, (17), differentiated",
    evidence=[rate_by_itself],
)
