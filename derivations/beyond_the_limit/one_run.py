"""How far one run of least squares strays from its limit, and how biased the mean is, at any d.

With class sums ρ_i, ``q_i = λ_iρ_i``, ``u_i = w_iλ_i`` and ``P = Σq + ω²`` one step has the covariance

    Σ_ij = 4γ²(P q_i δ_ij + q_i q_j) - 4γ³P(q_i u_j + u_i q_j) + 2γ⁴u_i u_j P²,

and with AdaGrad-Norm's accumulator s, of step τr², ``Cov(h_i, h_s) = -4γτPq_i + 2γ²u_iτP²``, ``Var h_s = 2τ²P²``. The
mean moves by ``B₁`` at finite d: ``‖a‖²`` fluctuates, ``2γ²λ_iq_i`` and ``2Σλ_iq_i``, and the rate is evaluated after
the accumulator has seen the sample, ``γ'E[h_s ∂h_i/∂γ] = -6γ'τPq_i + 6γγ'τu_iP²``. symhigh's own.
"""

import numpy as np
import sympy as sp
from _by_hand import DOMAIN, Derived, L, P, Q, W, covariance, expected, residual, step
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.ledger import Claim, Measured, compare, equal, integrated, must_fail, simulation, symbolic
from symhigh.symbols import gamma, tau

CONSTANT, ADAPTIVE = Derived(sh.Constant(gamma)), Derived(sh.AdaGradNorm(1, 1))


# --- Σ -----------------------------------------------------------------------------------------------------------
@symbolic
def covariance_of_one_step():
    """Σ as derived, against the average of products of one step over its sample."""
    for i, j in ((0, 0), (0, 1), (1, 1)):
        yield equal(CONSTANT.sigma(i, j), covariance(step(i), step(j)))


@symbolic
def covariance_with_the_accumulator():
    """The accumulator's step τr² with that of a class sum."""
    for i in (0, 1):
        yield equal(ADAPTIVE.with_memory(i), covariance(step(i), tau * residual() ** 2))


def stated(third=4, last=2, cross=1):
    """Σ_12 as it stands above, with factors that may be wrong."""
    u = [w * l for w, l in zip(W, L, strict=True)]
    mixed = Q[0] * u[1] + u[0] * Q[1]
    return 4 * gamma**2 * cross * Q[0] * Q[1] - third * gamma**3 * P * mixed + last * gamma**4 * u[0] * u[1] * P**2


without_third_moment = must_fail(symbolic(equal(CONSTANT.sigma(0, 1), stated(third=0))), title="no third moment")
half_the_fourth = must_fail(symbolic(equal(CONSTANT.sigma(0, 1), stated(last=1))), title="half the fourth moment")
wrong_sign = must_fail(symbolic(equal(CONSTANT.sigma(0, 1), stated(cross=-1))), title="cross term of the other sign")


@symbolic
def as_stated():
    """The formula above for different modes."""
    return equal(CONSTANT.sigma(0, 1), stated())


one_step = Claim(
    "The covariance of one step of least squares",
    "Two classes of modes; at a constant rate, and with AdaGrad-Norm's accumulator.",
    source="symhigh's own",
    id="beyond/one-step-covariance",
    domain=DOMAIN,
    evidence=[covariance_of_one_step, covariance_with_the_accumulator, as_stated],
    checks=[without_third_moment, half_the_fourth, wrong_sign],
)


# --- B₁ ----------------------------------------------------------------------------------------------------------
def late_rate(i):
    """``E[h_s ∂h_i/∂γ]``, for a rate that has seen the sample."""
    return expected(tau * residual() ** 2 * sp.diff(step(i), gamma))


@symbolic
def shift_of_the_mean():
    """B₁ of a class sum: ``E r²(‖a_i‖² - λ_iw_i)`` of one step, and the late rate of AdaGrad-Norm."""
    for i in (0, 1):
        constant, adaptive = (W[i] * d.read(d.theory.mean.shift[0], i) for d in (CONSTANT, ADAPTIVE))
        yield equal(constant, 2 * gamma**2 * L[i] * Q[i])
        slope = ADAPTIVE.read(sp.diff(ADAPTIVE.theory.system.scalar("gamma"), ADAPTIVE.theory.coupling[-1]), i)
        yield equal(adaptive, 2 * gamma**2 * L[i] * Q[i] + slope * late_rate(i))


twice_the_fluctuation = must_fail(
    symbolic(equal(W[0] * CONSTANT.read(CONSTANT.theory.mean.shift[0], 0), gamma**2 * L[0] * Q[0])),
    title="half the fluctuation of the squared length",
)
shift = Claim(
    "The bias of one step of least squares at finite d",
    "Two classes of modes; the memory's own shift is compared along curves below.",
    source="symhigh's own",
    id="beyond/one-step-bias",
    domain=DOMAIN,
    evidence=shift_of_the_mean,
    checks=twice_the_fluctuation,
)


# --- along curves ------------------------------------------------------------------------------------------------
class AdaGradNorm:
    """The equations of ρ₁, ρ₂ and s by hand: F, Σ and B₁ of γ = η/√s."""

    def __init__(self, lam, w, noise, eta):
        self.lam, self.w, self.noise, self.eta, self.tau = lam, w, noise, eta, lam @ w

    def drift(self, y):
        q, g = self.lam * y[:2], self.eta / np.sqrt(y[2])
        P = q.sum() + self.noise**2
        return np.append(-2 * g * q + g**2 * self.w * self.lam * P, self.tau * P)

    def jacobian(self, y):
        one = 1e-30j * np.eye(3)
        return np.array([self.drift(y + row).imag / 1e-30 for row in one]).T

    def curvature(self, y, C):
        """½F″:C, by differences of the complex-step Jacobian along the roots of C."""
        values, vectors = np.linalg.eigh(C)
        h, total = 1e-4, np.zeros(3)
        for value, v in zip(values, vectors.T, strict=True):
            total += value * (self.jacobian(y + h * v) - self.jacobian(y - h * v)) @ v / (4 * h)
        return total

    def sigma(self, y):
        q, g, u = self.lam * y[:2], self.eta / np.sqrt(y[2]), self.w * self.lam
        P = q.sum() + self.noise**2
        S = np.zeros((3, 3))
        S[:2, :2] = 4 * g**2 * (P * np.diag(q) + np.outer(q, q)) + 2 * g**4 * P**2 * np.outer(u, u)
        S[:2, :2] -= 4 * g**3 * P * (np.outer(q, u) + np.outer(u, q))
        S[:2, 2] = S[2, :2] = -4 * g * self.tau * P * q + 2 * g**2 * u * self.tau * P**2
        S[2, 2] = 2 * self.tau**2 * P**2
        return S

    def shift(self, y):
        q, g, u = self.lam * y[:2], self.eta / np.sqrt(y[2]), self.w * self.lam
        P, slope = q.sum() + self.noise**2, -self.eta / 2 * y[2] ** -1.5
        late = slope * self.tau * (-6 * P * q + 6 * g * u * P**2)
        return np.append(2 * g**2 * self.lam * q + late, 2 * (self.lam * q).sum())

    def run(self, start, times):
        """d Var R, d Var γ and d(E R_d - R)."""

        def rhs(_, z):
            y, m, C = z[:3], z[3:6], z[6:].reshape(3, 3)
            F, J = self.drift(y), self.jacobian(y)
            move = J @ m + self.curvature(y, C) + self.shift(y) - J @ F / 2
            return np.concatenate([F, move, (J @ C + C @ J.T + self.sigma(y)).ravel()])

        z = solve_ivp(rhs, (0, times[-1]), np.append(start, np.zeros(12)), "DOP853", times, rtol=1e-9, atol=1e-12).y
        C, slope = z[6:].reshape(3, 3, -1), -self.eta / 2 * z[2] ** -1.5
        return np.einsum("i,ijt,j->t", self.lam, C[:2, :2], self.lam) / 4, slope**2 * C[2, 2], self.lam @ z[3:5] / 2


@integrated(tolerance=2e-4)
def along_a_curve(trial):
    """``fluctuations`` against these equations by SciPy: random spectra under AdaGrad-Norm."""
    times = [0.3, 1.0, 3.0]
    for _ in range(1 if trial.quick else 2):
        lam, share, eta = trial.rng.uniform(0.3, 1.7, 2), trial.rng.uniform(0.3, 0.7), trial.rng.uniform(0.6, 1.2)
        w = np.array([share, 1 - share])
        by_hand = AdaGradNorm(lam, w, 0.4, eta).run(np.append(w, 0.36), times)
        spectrum = sh.Spectrum.from_eigenvalues(lam, w)
        bands = sh.derive(sh.least_squares(0.4), sh.AdaGradNorm(eta, 0.6)).fluctuations(spectrum, sh.Start(), 3, times)
        found = bands.variance("risk", 1), bands.variance("learning_rate", 1), bands.bias("risk", 1)
        names = ("d Var R", "d Var γ", "d(E R - limit)")
        for name, here, there in zip(names, found, by_hand, strict=True):
            yield Measured(name, here), Measured(f"{name}, by SciPy", there), {"eigenvalues": lam, "eta": eta}


REFERENCE = {
    0.4: [0.05738, 0.07359, 0.06240, 0.02625, 0.00510, 0.00080],
    0.9: [0.11306, 0.11447, 0.06924, 0.02413, 0.00654, 0.00352],
}


@integrated(tolerance=6e-6)
def computed_elsewhere(trial):
    """d Var R at t = .25, .5, 1, 2, 4, 8 on (1.5, .5) with ω = .3, as a program of its own gave it; to 5 decimals."""
    halves = sh.Spectrum.from_eigenvalues([1.5, 0.5])
    for rate, values in REFERENCE.items():
        system = sh.derive(sh.least_squares(0.3), sh.Constant(rate))
        bands = system.fluctuations(halves, sh.Start(), 8, [0.25, 0.5, 1, 2, 4, 8])
        yield Measured("1 + d Var R", 1 + bands.variance("risk", 1)), Measured("1 + known", 1 + np.array(values)), {
            "gamma": rate,
        }  # fmt: skip


@simulation
def runs(trial):
    """Runs at d = 500 and at their companions: mean, variance and bias are those predicted."""
    spectrum, start = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(x0=0.5, x_star=1, overlap=0.2)
    problem, rule = sh.least_squares(0.5), sh.AdaGradNorm(1, 1)
    seeds = range(trial.seed % 10**6, trial.seed % 10**6 + (100 if trial.quick else 300))
    found = sh.simulate(problem, rule, spectrum, start, 512, 3, list(seeds), "gram", np.linspace(0, 3, 9)[1:])
    return compare(sh.derive(problem, rule).solve(spectrum, start, 3.1), found, ("risk", "learning_rate"), alarm=1e-3)


curves = Claim(
    "Variance and bias along a curve",
    "The linear equations of covariance and mean, against the library's and against runs.",
    source="symhigh's own",
    id="beyond/along-a-curve",
    evidence=[along_a_curve, computed_elsewhere, runs],
)
