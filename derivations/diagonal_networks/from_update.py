"""From the SGD update of a diagonal network to its SDE, and the same toolbox on the high line's homogenized
SGD.

One step changes coordinate i by ``−(η/√d) r a_i ∂θ_i``, with ``(a_i, a_j, r)`` Gaussian given the iterate.
Conditional mean and covariance times d, as d → ∞, are the drift and the diffusion. README, sections 1 and 2.
"""

import numpy as np
import sympy as sp
from _by_hand import gaussian_moment, increments, one_step, projection, residual

from symhigh import derive
from symhigh.derivation.close.additive import coordinate_sde
from symhigh.derivation.ito import ItoSDE, generator, moment_equations
from symhigh.ledger import Claim, equal, integrated, symbolic
from symhigh.population import Spectrum, Start
from symhigh.problem.losses import least_squares, logistic_regression, phase_retrieval
from symhigh.problem.network import PRODUCT, SQUARES, eta, powers, theta_star, u, v
from symhigh.rule import Constant
from symhigh.symbols import V11, V12, V22, c1, c2, d, gamma, gradient_noise, lam, risk

K_IJ, U_J, V_J = sp.Symbol("K_ij", real=True), *sp.symbols("u_j v_j", real=True)
DEPTH = 3


# --- one step
# ----------------------------------------------------------------------------------------------------
@symbolic
def gradient_by_hand():
    """The increments are −(η/√d) r a (v, u), the gradient of r²/2 written out."""
    a = sp.Symbol("a", real=True)
    first, second = increments(PRODUCT)
    return [equal(first, -eta * residual * a * v / sp.sqrt(d)), equal(second, -eta * residual * a * u / sp.sqrt(d))]


@symbolic
def drift_is_gradient_flow():
    """For all three parametrizations the drift is −η q ∂θ."""
    for parametrization in (PRODUCT, SQUARES, powers(DEPTH)):
        step = one_step(parametrization)
        for mean, s in zip(step.mean, (u, v), strict=True):
            yield equal(mean, -eta * projection * sp.diff(parametrization.effective, s))


@symbolic
def covariance_is_that_of_the_noise_term():
    """Within and between coordinates: 2Rη² K_ij ∂θ_i ∂θ_j, the covariance of η√(2R) ∂θ ⊙ K^{1/2} dW."""
    for parametrization in (PRODUCT, SQUARES, powers(DEPTH)):
        step, effective = one_step(parametrization), parametrization.effective
        here = sp.Matrix([sp.diff(effective, s) for s in (u, v)])
        there = here.subs({u: U_J, v: V_J}, simultaneous=True)
        for found, factor, hand in ((step.covariance, lam, here * here.T), (step.cross, K_IJ, here * there.T)):
            for entry, by_hand in zip(sp.Matrix(found), hand, strict=True):
                yield equal(entry, 2 * eta**2 * risk * factor * by_hand)


@symbolic
def library_follows():
    """The library's SDE, which comes of Mehler's formula, has the same drift and covariance for diagonal K."""
    for parametrization in (PRODUCT, SQUARES, powers(DEPTH)):
        step, sde = one_step(parametrization), coordinate_sde(parametrization)
        pull = lam * (parametrization.effective - theta_star)
        for drift, mean in zip(sde.drift, step.mean, strict=True):
            yield equal(drift, mean.subs(projection, pull))
        for entry, by_hand in zip(sde.covariance, step.covariance, strict=True):
            yield equal(entry, by_hand)


@symbolic
def dropped_term():
    """E[r² a_i a_j] = 2R K_ij + 2 q_i q_j/d: what is dropped is one order smaller."""
    a, b, q = (sp.Symbol(n, real=True) for n in ("a", "a_j", "q_j"))
    matrix = sp.Matrix([[lam, K_IJ, projection / sp.sqrt(d)], [K_IJ, lam, q / sp.sqrt(d)],
                        [projection / sp.sqrt(d), q / sp.sqrt(d), 2 * risk]])  # fmt: skip
    moment = gaussian_moment(residual**2 * a * b, (a, b, residual), matrix)
    return equal(moment, 2 * risk * K_IJ + 2 * projection * q / d)


sde = Claim(
    "SDE of a diagonal network",
    "Mean and covariance of one step, as the dimension grows.",
    id="dln/sde",
    evidence=[gradient_by_hand, drift_is_gradient_flow, covariance_is_that_of_the_noise_term, library_follows,
              dropped_term],
)


@symbolic
def rotation():
    """u = U + V, v = U − V carries the product at step 2η to the squares at step η."""
    inverse, first = {u: u + v, v: u - v}, coordinate_sde(PRODUCT).subs({eta: 2 * eta})
    turned = [(b.subs(inverse, simultaneous=True)) for b in first.drift]
    noise = [s.subs(inverse, simultaneous=True) for s in first.diffusion]
    squares = coordinate_sde(SQUARES)
    return [
        equal((turned[0] + turned[1]) / 2, squares.drift[0]),
        equal((turned[0] - turned[1]) / 2, squares.drift[1]),
        equal((noise[0] + noise[1]) / 2, squares.diffusion[0]),
        equal((noise[0] - noise[1]) / 2, squares.diffusion[1]),
    ]


squares = Claim(
    "Squares are the product, rotated",
    id="dln/squares",
    evidence=[rotation],
)


# --- homogenized SGD of the high line
# ------------------------------------------------------------------------------
X, X_STAR = sp.symbols("X X_star_i", real=True)
HOMOGENIZED = ItoSDE(
    (X,), (-gamma * lam * (c1 * X + c2 * X_STAR),), sp.Matrix([gamma * sp.sqrt(gradient_noise * lam / d)])
)


@symbolic
def quadratic_statistics():
    """V11 = d X², V12 = d X X*: the generator returns the drift of the limit ODE for any loss."""
    modes = {X**2: V11 / d, X * X_STAR: V12 / d, X_STAR**2: V22 / d}
    square = sp.expand(generator(HOMOGENIZED, d * X**2))
    cross = sp.expand(generator(HOMOGENIZED, d * X * X_STAR))
    for problem in (phase_retrieval(), logistic_regression()):
        derived = derive(problem, Constant(gamma), reduce=False).family.rhs
        for moment, rhs in zip((square, cross), derived, strict=True):
            yield equal(moment.subs(modes), rhs)


@symbolic
def closes():
    """Second moments of homogenized SGD close, given c₁, c₂ and I as functions of time."""
    system = moment_equations(HOMOGENIZED, [X**2, X])
    yield equal(sp.Integer(len(system.missing)), 0)


@integrated(tolerance=0.02)
def by_simulation(trial):
    """Least squares, d = 2000: Euler-Maruyama of the diffusion against the limit ODE, risk at six times, 2
    %."""
    size, steps, end, rate, level = 2000, 400, 4.0, 0.6, 0.5
    spectrum = Spectrum.from_eigenvalues([1.0, 0.4])
    values = np.repeat([1.0, 0.4], size // 2)
    rng = trial.rng
    paths = np.zeros((8 if trial.quick else 24, size))
    target = np.full(size, 1 / np.sqrt(size))
    times, found = np.linspace(0, end, 6), []
    dt = end / steps
    for k in range(steps + 1):
        risks = 0.5 * (values * (paths - target) ** 2).sum(axis=1) + level**2 / 2
        if k % (steps // 5) == 0:
            found.append(risks.mean())
        noise = rng.standard_normal(paths.shape)
        spread = rate * np.sqrt(2 * risks[:, None] * values * dt / size)
        paths = paths - rate * values * (paths - target) * dt + spread * noise
    curve = derive(least_squares(level), Constant(rate)).solve(spectrum, Start(x0=0, x_star=1), end, t=times)
    yield np.array(found), curve.risk, {"d": size}


homogenized = Claim(
    "Homogenized SGD has the limit's second moments",
    "In the mean, in the limit, for the losses listed.",
    id="dln/homogenized",
    source="High Line, section 2 and (9)",
    evidence=[quadratic_statistics, closes],
    checks=[by_simulation],
)
