"""Long time of a diagonal network: Lyapunov function, secular rate, threshold, noise floor, effective
initialisation.

All of it follows from the reduction and from Itô's formula; the curve and direct SGD are the second routes.
README, 5 and 6.
"""

import warnings

import numpy as np
import sympy as sp

from symhigh import derive, simulate
from symhigh.closed.network import linearise, noise_floor, slope_square
from symhigh.closed.network_bound import bregman
from symhigh.derivation.close.additive import alpha, coordinate_sde, reduce, side_w, side_z, xi
from symhigh.derivation.ito import (
    ItoSDE,
    change_of_variables,
    covariation,
    generator,
    stationary_density,
    with_generator,
)
from symhigh.integration.network_end import long_time
from symhigh.ledger import REFUTED, Claim, Measured, equal, integrated, symbolic
from symhigh.population import NetworkClasses
from symhigh.problem.network import PRODUCT, DiagonalNetwork, eta, theta_star, u, v
from symhigh.symbols import lam, risk

W, Z = sp.symbols("w z", positive=True)
GAP = u * v - theta_star
BACK = {u: (W + Z) / 2, v: (W - Z) / 2}
BOTH = {side_w: 1, side_z: 1}


def random_classes(rng, count=4):
    return NetworkClasses(
        rng.uniform(0.2, 1, count), rng.choice([-1, 1], count) * rng.uniform(0.3, 1, count),
        rng.uniform(0.7, 1.2, count), rng.uniform(-0.4, 0.4, count), rng.dirichlet(5 * np.ones(count)),
    )  # fmt: skip


# --- Lyapunov
# ----------------------------------------------------------------------------------------------------
@symbolic
def found_by_search():
    """In the span of w², z², log w, log z one function has the drift −ηλ(θ − θ*)² at R = 0, up to log w +
    log z."""
    frozen = change_of_variables(coordinate_sde(PRODUCT).subs({risk: sp.S.Zero}), {W: u + v, Z: u - v}, BACK)
    target = sp.expand((-eta * lam * GAP**2).subs(BACK))
    found = with_generator(frozen, [W**2, Z**2, sp.log(W), sp.log(Z)], target)
    hand = (W**2 + Z**2) / 8 - theta_star * (sp.log(W) - sp.log(Z)) / 2
    return [
        equal(generator(frozen, found), target),
        equal(generator(frozen, hand), target),
        equal(found.coeff(W**2), sp.Rational(1, 8)),
    ]


@symbolic
def its_drift():
    """L𝔇_i = −ηλ(θ − θ*)² + η²λR(S + S*)/2, S = ∂_ξ θ, S* = √(e^{4α} + 4θ*²)."""
    sde, theta = reduce(PRODUCT).sde.subs(BOTH), reduce(PRODUCT).effective.subs(BOTH)
    slope, there = sp.diff(theta, xi), sp.sqrt(sp.exp(4 * alpha) + 4 * theta_star**2)
    hand = -eta * lam * (theta - theta_star) ** 2 + eta**2 * lam * risk * (slope + there) / 2
    return equal(generator(sde, bregman(slope, theta_star)), hand)


@symbolic
def its_variation():
    """d<𝔇_i>/dt = 2η²λR(θ − θ*)²; averaged over d coordinates, 4η²R²/d."""
    sde, theta = reduce(PRODUCT).sde.subs(BOTH), reduce(PRODUCT).effective.subs(BOTH)
    value = bregman(sp.diff(theta, xi), theta_star)
    return equal(covariation(sde, value, value), 2 * eta**2 * lam * risk * (theta - theta_star) ** 2)


lyapunov = Claim(
    "Lyapunov function",
    "The Bregman divergence of the mirror map, its drift and its variation.",
    id="dln/lyapunov",
    domain={
        alpha: (-1, 1),
        xi: (-1, 1),
        theta_star: (-1, 1),
        lam: (0.1, 1),
        eta: (0.1, 1),
        risk: (0.1, 1),
        W: (0.5, 2),
        Z: (0.5, 2),
    },
    evidence=[found_by_search, its_drift, its_variation],
)


# --- linearisation
# -------------------------------------------------------------------------------------------------
@symbolic
def slope():
    """(∂θ/∂ξ)² = 4θ² + c² with c = e^{2α} the balance, found by elimination of ξ: S* = √(c² + 4θ*²)."""
    factor, rest = slope_square(derive(DiagonalNetwork(eta)))
    return [equal(factor, 4), equal(rest.subs(BOTH), sp.exp(4 * alpha))]


@symbolic
def moments():
    """With e = θ − θ*: L e² = −2ηλS e² + 2η²λS²R + 4η²λθRe, the last of third order near the target."""
    sde, theta = reduce(PRODUCT).sde.subs(BOTH), reduce(PRODUCT).effective.subs(BOTH)
    slope, error = sp.diff(theta, xi), theta - theta_star
    hand = -2 * eta * lam * slope * error**2 + 2 * eta**2 * lam * slope**2 * risk
    return equal(generator(sde, error**2), hand + 4 * eta**2 * lam * theta * risk * error)


S, RHO = sp.symbols("S rho", positive=True)


@symbolic
def eigenmode():
    """m = p e^{−ρt} in dm/dt = −2ηλSm + 2η²λS²R: λp/(2R) = η²λ²S²/(2ηλS − ρ), whose average is one."""
    mode = sp.Symbol("p", positive=True)
    (found,) = sp.solve(-2 * eta * lam * S * mode + 2 * eta**2 * lam * S**2 * risk + RHO * mode, mode)
    yield equal(lam * found / (2 * risk), eta**2 * lam**2 * S**2 / (2 * eta * lam * S - RHO))


@symbolic
def threshold_of_the_average():
    """At ρ = 0 the summand is ηλS/2: below one on average iff η mean λS < 2; it rises in ρ."""
    summand = eta**2 * lam**2 * S**2 / (2 * eta * lam * S - RHO)
    yield equal(summand.subs(RHO, 0), eta * lam * S / 2)
    yield equal(sp.diff(summand, RHO), (eta * lam * S / (2 * eta * lam * S - RHO)) ** 2)


@integrated(tolerance=2e-3)
def secular_rate(trial):
    """Curves of random classes decay at the secular rate of their own limit, to 0.2 %."""
    for _ in range(2 if trial.quick else 3):
        classes = random_classes(np.random.default_rng(trial.rng.integers(1 << 30)))
        unit = linearise(derive(DiagonalNetwork(1)), classes)
        limit = derive(DiagonalNetwork(0.5 / unit.load))
        slow = linearise(limit, classes).rate()
        curve = limit.solve(classes, 24 / slow, t=[18 / slow, 24 / slow])
        rate = linearise(limit, classes, float(curve.densities.integral[-1])).rate()
        slope = np.log(curve.risk[0] / curve.risk[1]) * slow / 6
        yield Measured("-d log R/dt late", slope), Measured("secular rate", rate), {"step": limit.numbers()[0]}


rate = Claim(
    "Secular rate",
    "The derived moment equation near the target, its eigenmode, and the decay of curves.",
    id="dln/secular-rate",
    evidence=[slope, moments, eigenmode, threshold_of_the_average, secular_rate],
)


@integrated(tolerance=1e-4)
def shrunken_balance(trial):
    """At late times u² − v² = c(0)e^{−2η²λ∫R} and E S = √(c² + 4θ*²), on curves of random classes."""
    for k in range(2):
        classes = random_classes(np.random.default_rng(trial.seed + k))
        limit = derive(DiagonalNetwork(0.4))
        ends = long_time(limit, classes, 60)
        with warnings.catch_warnings(category=RuntimeWarning, action="ignore"):  # of what has decayed, not used here
            curve = limit.solve(classes, 120, t=[120])
        square = ((curve.u**2 + curve.v**2) * curve.densities.mass).sum(axis=2)[-1]
        yield Measured("E(u² + v²) late", square), Measured("√(c² + 4θ*²)", ends.slope), {"classes": k}
        yield Measured("u² - v² late", curve.balance[-1]), Measured("c(0) exp(-2η²λ∫R)", ends.balance), {"classes": k}


effective_start = Claim(
    "Effective initialisation",
    "SGD ends where gradient flow ends from a start that is shrunken.",
    id="dln/effective-start",
    evidence=[shrunken_balance],
)


# --- noise floor and above the threshold
# ----------------------------------------------------------------------------
Y = sp.Symbol("y", positive=True)


@symbolic
def stationary_law_is_gamma():
    """On the boundary y = θ = w²/4 = u² has no flux at y^{k−1} e^{−y/s}, k = θ*/(2ηR) − 1/2, s = 2ηR."""
    both = coordinate_sde(PRODUCT).subs({v: u})
    line = ItoSDE((u,), both.drift[:1], both.diffusion[:1, :])
    drift, spread = generator(line, u**2), covariation(line, u**2, u**2)
    moved = ItoSDE((Y,), (drift.subs(u, sp.sqrt(Y)),), sp.Matrix([sp.sqrt(spread.subs(u, sp.sqrt(Y)))]))
    law = (theta_star / (2 * eta * risk) - sp.Rational(3, 2)) * sp.log(Y) - Y / (2 * eta * risk)
    return equal(sp.diff(sp.log(stationary_density(moved)), Y), sp.diff(law, Y))


@symbolic
def its_moments():
    """E(θ − θ*) = −ηR and E(θ − θ*)² = ηR(2θ* − ηR), from mean ks and second moment k(k + 1)s²."""
    scale = 2 * eta * risk
    shape = theta_star / scale - sp.Rational(1, 2)
    mean, second = shape * scale, shape * (shape + 1) * scale**2
    error = second - 2 * theta_star * mean + theta_star**2
    return [
        equal(mean - theta_star, -eta * risk),
        equal(error, eta * risk * (2 * theta_star - eta * risk)),
    ]


@integrated(tolerance=1e-4)
def long_curves(trial):
    """Curves started on the boundary rest at the root of R = ω²/2 + ½ Σ wληR(2|θ*| − ηR)."""
    for noise in (0.3, 0.8):
        target = np.array([1, 0.5, -0.7])
        classes = NetworkClasses([1, 0.4, 0.7], target, 1.0, np.sign(target), [0.5, 0.3, 0.2])
        limit = derive(DiagonalNetwork(0.4, noise))
        level = limit.solve(classes, 400, t=[400]).risk
        yield Measured("R late", level), Measured("root of the floor's equation", noise_floor(limit, classes)), {
            "noise": noise
        }


floor = Claim(
    "Noise floor",
    "With dead balance the effective weights are Gamma distributed.",
    id="dln/floor",
    domain={
        eta: (0.1, 1),
        risk: (0.1, 0.5),
        theta_star: (1, 2),
        lam: (0.1, 1),
        Y: (0.1, 2),
        u: (0.1, 2),
        v: (0.1, 2),
    },
    evidence=[stationary_law_is_gamma, its_moments, long_curves],
)

ONE = NetworkClasses(1.0, 1.0, 0.98, 0.98)


@integrated(tolerance=4e-3)
def saturation(trial):
    """One class beside θ* = 1, 2 < 2η < 4: the curve's risk at t = 200 is (2η − 2)/η²."""
    for step in (1.1, 1.5):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            level = derive(DiagonalNetwork(step)).solve(ONE, 200, t=[200]).risk
        yield Measured("R at t = 200", level), (2 * eta - 2) / eta**2, {eta: step}


@integrated(tolerance=4e-3)
def curvature_is_reflected(trial):
    """There ηκ/2 = 2 − ηκ*/2: as far below one as the minimiser is above; E S = 2 E θ = 2(θ* − ηR)."""
    for step in (1.1, 1.3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            curve = derive(DiagonalNetwork(step)).solve(ONE, 300, t=[300])
        yield Measured("ηκ/2 late", step * curve.curvature / 2), Measured("2 - ηκ*/2", 2 - step), {"step": step}


@integrated(tolerance=0.05)
def saturation_of_sgd(trial):
    """Direct SGD at d = 1000: time average over t in (30, 60), within 5 %."""
    for step in (1.3,):
        runs = simulate(
            DiagonalNetwork(step), None, ONE, None,
            1000,
            60,
            [trial.seed % 1000, 1 + trial.seed % 1000],
            t=np.linspace(30, 60, 61),
        )
        yield Measured("mean R of SGD over t in (30, 60)", runs.risk.mean()), (2 * eta - 2) / eta**2, {eta: step}


above = Claim(
    "Above the threshold: saturation",
    "One class; noise and shrinking balance settle.",
    id="dln/saturation",
    evidence=[saturation, curvature_is_reflected, saturation_of_sgd],
)


@integrated(tolerance=0.05)
def vanishes(trial):
    """That the risk has fallen to 1e-6 at t = 100 for 2η = 2.6."""
    runs = simulate(DiagonalNetwork(1.3), None, ONE, None, 500, 100, [trial.seed % 1000], t=[100.0])
    yield runs.risk.mean() + 1e-6, 1e-6


above_vanishes = Claim(
    "Above the threshold: convergence after all, planted",
    id="dln/planted-convergence",
    evidence=[vanishes],
    expect=REFUTED,
)
