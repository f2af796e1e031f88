"""The best learning-rate schedule of least squares: where greed is best, what no schedule beats, and power laws.

**One mode.** ``dρ/dt = -2γρ + γ²P``, ``P = ρ + ω²``, is ``(γ - ρ/P)²P - ρ²/P``: the greedy rate ρ/P lets ρ fall fastest
whatever ρ is, so it is best. Then ``ρ = ω²/W(u₀e^{u₀+t})`` with ``u₀ = ω²/ρ(0)``, and ``γ = 1/(1 + W)``.

**No schedule beats the best constant rate** (noiseless, λ_min > 0, γ > 0). In the clock u, du = γ dt, the class sums
obey ``dρ/du = A ρ`` with ``A_ij = -2λ_i δ_ij + γ u_iλ_j``. With ``s = log γ`` the diagonal is convex in s and the
logarithms of the other entries are linear in it, so the logarithm of the spectral radius r of the propagator over
[0, U] is a convex functional of s(·) (Kingman, Quart. J. Math. 12, 1961). It does not change when s is shifted
cyclically, so (Jensen) it is not less than at the mean s̄ of s; and ``T = ∫e^{-s}du ≥ U e^{-s̄}``, also by Jensen. At
the constant rate γ̄ = e^{s̄}, ``log r = -ρ(γ̄)U/γ̄`` with ρ(γ̄) its exponent in t, hence ``log r ≥ -ρ⋆T``; and as the
propagator's entries are positive, ``R(T) ≥ ½ λ_min min_i ρ_i(0) e^{-ρ⋆T}``. So the turnpike at the best constant rate
is no accident.

**Power laws.** With ``H = p·F`` and F quadratic in γ the best rate keeps ``γ²P (p·u)`` constant, as H does not depend
on time. Where γ is small and P near ω², ``p·u`` is ``K(x) = Σ λ²e^{-2λx}`` at the clock ``x = ∫_t^T γ`` that is left,
so ``x' √K(x)`` is constant. For ``λ_j = j^{-β}``, ``K ∝ x^{-(2-1/β)}`` and ``γ ∝ (1 - t/T)^{2β-1}``, as announced
(arXiv 2602.04774, 2602.06797). The approach is slow: the slope lacks about ``x^{-1/(2β)}`` of 2β - 1, as the sum
departs from its power where x is of order one, which the last share ``x^{-1/(2β)}`` of the time sees. symhigh's own.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, greater, integrated, must_fail, symbolic
from symhigh.symbols import D2, error_square, gamma, lam, omega

t, u0, start, share, beta, x = sp.symbols("t u_0 rho_0 w beta x", positive=True)
ISOTROPIC = sh.Spectrum.isotropic()


def drift(noise):
    """``dD²/dt`` of a mode as the library derives it, with Q open."""
    system = sh.derive(sh.least_squares(noise), sh.Constant(gamma))
    (rhs,) = system.family.rhs
    for scalar in reversed(system.scalars):
        rhs = rhs.subs(scalar.name, scalar.expression) if scalar.name != gamma else rhs
    return rhs


# --- one mode ----------------------------------------------------------------------------------------------------
ONE = drift(omega).subs({lam: 1, error_square: D2})
GREEDY = D2 / (D2 + omega**2)


@symbolic
def greed_is_fastest():
    """The drift is a square above that at the greedy rate: no rate lets ρ fall faster, at any ρ."""
    yield equal(ONE - ONE.subs(gamma, GREEDY), (gamma - GREEDY) ** 2 * (D2 + omega**2))
    yield equal(ONE.subs(gamma, GREEDY), -(D2**2) / (D2 + omega**2))


def lambert(factor=1):
    """The residual of ``ρ = ω²/W`` in the greedy drift, times something."""
    W = sp.LambertW(u0 * sp.exp(u0 + t))
    rho = omega**2 / W
    return equal(sp.diff(rho, t), factor * ONE.subs(gamma, GREEDY).subs(D2, rho))


@symbolic
def lamberts_function():
    """It solves the greedy flow."""
    return lambert()


@integrated(tolerance=1e-8)
def found_by_sweeps(trial):
    """``optimal_schedule`` against γ = 1/(1 + W) and ρ = ω²/W, ω² = .25."""
    times = np.array([0.0, 1.0, 2.0, 5.0])
    found = sh.optimal_schedule(sh.least_squares(0.5), ISOTROPIC, sh.Start(), 5, t=times)
    for k, at in enumerate(times):
        W = sp.LambertW(u0 * sp.exp(u0 + t))
        where = {u0: sp.Rational(1, 4), t: at, omega: sp.Rational(1, 2)}
        yield Measured("γ", found.learning_rate[k]), 1 / (1 + W), where
        yield Measured("2R - ω²", 2 * found.risk[k] - 0.25), omega**2 / W, where


one_mode = Claim(
    "The best schedule of one mode is Lambert's",
    "Isotropic data with label noise; greedy is optimal.",
    source="symhigh's own",
    id="beyond/schedule-lambert",
    domain={omega: (sp.Rational(1, 10), 2), D2: (sp.Rational(1, 10), 2), u0: (sp.Rational(1, 10), 2), t: (0, 5)},
    evidence=[greed_is_fastest, lamberts_function, found_by_sweeps],
    checks=must_fail(symbolic(lambert(2)), title="a flow twice as fast"),
)


# --- no schedule beats the best constant rate ----------------------------------------------------------------------
s = sp.Symbol("s", real=True)
CLOCKED = sp.expand(drift(0) / gamma).subs(gamma, sp.exp(s))
"""``dD²/du`` of a mode; Q is ``Σ w λ D²``."""
OWN, OTHERS = sp.diff(CLOCKED, D2), sp.diff(CLOCKED, error_square)


@symbolic(theorem="Kingman, Quart. J. Math. 12 (1961): the spectral radius is log-convex")
def convex_in_the_logarithm_of_the_rate():
    """Diagonal entries are convex in s = log γ, the logarithms of the others are linear."""
    diagonal = OWN + OTHERS * share * lam
    yield greater(sp.diff(diagonal, s, 2), 0)
    yield equal(sp.diff(sp.log(OTHERS), s, 2), 0)
    yield equal(sp.diff(sp.log(OTHERS), s), 1)


def constant_exponent(lam_, w, rate):
    """The slowest decay of ``dρ/dt = (-2γΛ + γ²uλᵀ)ρ``."""
    return -np.linalg.eigvals(-2 * rate * np.diag(lam_) + rate**2 * np.outer(w * lam_, lam_)).real.max()


@integrated(tolerance=1e-9)
def schedules_stay_above(trial):
    """min(R, bound) = bound along random schedules, and the bound's exponent is that of the best constant rate."""
    for _ in range(2 if trial.quick else 4):
        values, w = trial.rng.uniform(0.1, 1.5, 3), trial.rng.dirichlet(np.full(3, 4.0))
        best = sh.best_rate(sh.Spectrum.from_eigenvalues(values, w))
        yield Measured("ρ⋆", best.decay), Measured("exponent at γ⋆", constant_exponent(values, w, best.rate)), {}
        a, b, pace = trial.rng.uniform(0.3, 1.2), trial.rng.uniform(0, 1), trial.rng.uniform(0.3, 3)
        rule = sh.Schedule(best.rate * a * (1 + b * sp.sin(pace * sh.t)))
        curve = sh.derive(sh.least_squares(), rule).solve(
            sh.Spectrum.from_eigenvalues(values, w), sh.Start(), 15, t=np.linspace(0, 15, 16)
        )
        bound = values.min() * w.min() / 2 * np.exp(-best.decay * curve.t)
        where = {"eigenvalues": values, "schedule": f"{a:.2f} (1 + {b:.2f} sin {pace:.2f} t)"}
        yield Measured("min(R, bound)", np.minimum(curve.risk, bound)), Measured("bound", bound), where


@integrated(tolerance=1e-6)
def turnpike(trial):
    """In the middle of [0, 20] the best schedule is the best constant rate."""
    halves = sh.Spectrum.from_eigenvalues([1.0, 0.1])
    found = sh.optimal_schedule(sh.least_squares(), halves, sh.Start(), 20, t=[0, 10, 20])
    yield Measured("γ(T/2)", found.learning_rate[1]), Measured("γ⋆", sh.best_rate(halves).rate), {}


@integrated(tolerance=1e-6)
def greedy_turnpike(trial):
    """In the middle it is the rate that line search tends to."""
    halves = sh.Spectrum.from_eigenvalues([1.0, 0.1])
    limit = float(sh.limits(sh.least_squares(), sh.LineSearch(), halves)["learning_rate"].evaluate())
    yield Measured("γ⋆", sh.best_rate(halves).rate), Measured("γ∞ of line search", limit), {}


turnpike_claim = Claim(
    "No schedule beats the exponent of the best constant rate",
    "Noiseless least squares; a bound from below for every schedule, and the turnpike.",
    source="symhigh's own",
    id="beyond/turnpike",
    domain={s: (-3, 3), lam: (sp.Rational(1, 10), 2), share: (sp.Rational(1, 10), 1)},
    evidence=[convex_in_the_logarithm_of_the_rate, schedules_stay_above, turnpike],
    checks=must_fail(greedy_turnpike, title="the greedy rate"),
)


# --- power laws --------------------------------------------------------------------------------------------------
p1, p2, w1, w2, l1, l2, r1, r2 = sp.symbols("p_1:3 w_1:3 lambda_1:3 rho_1:3", positive=True)


@symbolic
def constant_of_the_motion():
    """Two modes: at the best rate ``p·F = -γ²P (p·u)``, for the class sums of the derived drift."""
    Q = l1 * r1 + l2 * r2
    rows = [
        w * drift(omega).subs({lam: l, D2: r / w, error_square: Q})
        for w, l, r in ((w1, l1, r1), (w2, l2, r2))
    ]
    H = p1 * rows[0] + p2 * rows[1]
    (best,) = sp.solve(sp.diff(H, gamma), gamma)
    push = (Q + omega**2) * (p1 * w1 * l1 + p2 * w2 * l2)
    yield equal(H.subs(gamma, best), -(best**2) * push)


@symbolic
def slope_of_a_power():
    """``γ ∝ K^{-1/2}``, ``T - t ∝ ∫√K``: for ``K = x^{-(2-1/β)}`` the slope d log γ/d log(T - t) is 2β - 1."""
    root = x ** (-(1 - 1 / (2 * beta)))
    left = 2 * beta * x ** (1 / (2 * beta))  # ∫ root
    yield equal(sp.diff(left, x), root)
    yield equal(-sp.diff(sp.log(root), x) / sp.diff(sp.log(left), x), 2 * beta - 1)


def slope(power, clock):
    """d log γ/d log(T - t) at the clock that is left, for the whole sum ``Σ j^{-2β}e^{-2j^{-β}x}``."""
    edges = np.unique(np.round(np.geomspace(1, 1e8, 3000)))
    count, middle = np.diff(edges), (edges[1:] + edges[:-1] - 1) / 2
    values = middle**-power
    grid = np.concatenate([[0.0], np.geomspace(1e-3, clock, 3000)])
    decays = np.exp(-2 * np.outer(grid, values)) * (count * values**2)
    K = decays.sum(axis=1)
    root = np.sqrt(K)
    left = ((root[1:] + root[:-1]) / 2 * np.diff(grid)).sum()
    return (decays[-1] @ values) * left / K[-1] / root[-1]


@integrated(tolerance=0.02)
def slopes_of_sums(trial):
    """At a clock of 10⁸ the slope is within 2 % of 2β - 1, for β = 3/2 and 2."""
    for power in (1.5, 2.0):
        yield Measured("slope at clock 10⁸", slope(power, 1e8)), 2 * beta - 1, {beta: power}


@integrated(tolerance=0.02)
def slopes_early(trial):
    """At a clock of 10³."""
    for power in (1.5, 2.0):
        yield Measured("slope at clock 10³", slope(power, 1e3)), 2 * beta - 1, {beta: power}


power_laws = Claim(
    "The best schedule on power laws",
    "Label noise, small rates, excess risk below the noise.",
    source="symhigh's own proof; announced in arXiv 2602.04774 and 2602.06797",
    id="beyond/schedule-power-law",
    domain={
        **dict.fromkeys((p1, p2, w1, w2, l1, l2, r1, r2, omega), (sp.Rational(1, 10), 2)),
        beta: (sp.Rational(11, 10), 4),
        x: (1, 100),
    },
    evidence=[constant_of_the_motion, slope_of_a_power, slopes_of_sums],
    checks=must_fail(slopes_early, title="not yet at short clocks"),
)
