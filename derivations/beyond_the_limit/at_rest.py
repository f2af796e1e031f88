"""SGD on least squares at rest: the law of one run, to leading order and exactly in the mean at every d.

At a constant rate ``q_i = γ u_i P/2``, and the Lyapunov equation ``JC + CJᵀ + Σ = 0`` has the solution
``C_ij = δ_ij γ²P²w_i/2``: the part of Σ between different modes, ``-γ⁴P²u_iu_j``, cancels what they have in common
through P. So a run at rest is X* plus a Gaussian vector of covariance ``(γR/d) 1``, whatever the spectrum, and
``d Var R = γ²κ₂R²/2``. Homogenized SGD, ``dX = -γ∇R dt + γ√(2RK/d) dB``, has the limit of SGD, and the first term of Σ
alone: its runs fluctuate more, by 1/(1 - γ/2) for K = I. symhigh's own.

The exact second moments of one step, ``e_i² ← α_i e_i² + (γ²/d²) λ_i P``, rest where ``Q = S P``,
``S = (γ/d) Σ λ_i/(2 - 2γλ_i/d)``: every order in the inverse effective dimension.
"""

import numpy as np
import sympy as sp
from _by_hand import DOMAIN, RHO, Derived, L, P, Q, W

import symhigh as sh
from symhigh.ledger import REFUTED, Claim, Measured, asymptotic, equal, integrated, must_fail, symbolic
from symhigh.symbols import d, gamma, omega

THEORY = Derived(sh.Constant(gamma))
LIMITS = sh.limits(sh.least_squares(omega), sh.Constant(gamma), sh.Spectrum.from_eigenvalues(list(L), list(W)))
R = LIMITS["risk"].expr
REST = {rho: gamma * R * w for rho, w in zip(RHO, W, strict=True)}
SHARES = {W[1]: 1 - W[0]}


def lyapunov(C):
    """``JC + CJᵀ + Σ`` at rest, entry by entry, for the derived J and Σ."""
    J = sp.Matrix(2, 2, THEORY.jacobian)
    sigma = sp.Matrix(2, 2, THEORY.sigma)
    left = J * C + C * J.T + sigma
    return [left[i, j].subs(REST).subs(SHARES) for i, j in ((0, 0), (0, 1), (1, 1))]


def gaussian(factor=1):
    """The covariance of class sums of a Gaussian vector of variance γR in every mode."""
    return sp.diag(*(2 * factor * (gamma * R) ** 2 * w for w in W))


@symbolic
def rest_of_the_mean():
    """The limit rests at D² = γR in every mode."""
    for i in (0, 1):
        drift = -2 * gamma * Q[i] + gamma**2 * W[i] * L[i] * P
        yield equal(drift.subs(REST).subs(SHARES), 0)


@symbolic
def modes_are_independent():
    """C = diag(2γ²R²w_i) solves the Lyapunov equation."""
    return [equal(e, 0) for e in lyapunov(gaussian())]


twice_as_wide = must_fail(symbolic(equal(lyapunov(gaussian(2))[0], 0)), title="twice the covariance")


@symbolic
def variance_of_the_risk():
    """What ``limits`` gives, with an open spectrum: γ²κ₂R²/2; 2(γR)² for the squared distance."""
    found = sh.limits(sh.least_squares(omega), sh.Constant(gamma))
    kappa = next(s for s in found["risk_variance"].symbols if s.name == "kappa_2")
    risk = found["risk"].expr
    yield equal(found["risk_variance"].expr, gamma**2 * kappa * risk**2 / 2)
    yield equal(found["distance_variance"].expr, 2 * gamma**2 * risk**2)


@integrated(tolerance=1e-4)
def theory_comes_to_rest_there(trial):
    """``fluctuations`` at a late time, random spectra."""
    for _ in range(1 if trial.quick else 2):
        values, rate = trial.rng.uniform(0.4, 1.8, 4), float(trial.rng.uniform(0.3, 0.9))
        spectrum = sh.Spectrum.from_eigenvalues(values)
        bands = sh.derive(sh.least_squares(0.5), sh.Constant(rate)).fluctuations(spectrum, sh.Start(), 60, [60])
        risk = 0.125 / (1 - rate * values.mean() / 2)
        stated = rate**2 * (values**2).mean() * risk**2 / 2
        yield Measured("d Var R late", bands.variance("risk", 1)[0]), Measured("γ²κ₂R²/2", stated), {"gamma": rate}


rest = Claim(
    "One run at rest is a Gaussian vector around the target",
    "Least squares at a constant rate: the Lyapunov equation of two classes of modes, and the variance of the risk.",
    source="symhigh's own",
    id="beyond/at-rest",
    domain={**DOMAIN, gamma: (sp.Rational(1, 10), sp.Rational(9, 10)), W[0]: (sp.Rational(1, 10), sp.Rational(9, 10))},
    evidence=[rest_of_the_mean, modes_are_independent, variance_of_the_risk],
    checks=[theory_comes_to_rest_there, twice_as_wide],
)


# --- homogenized SGD ---------------------------------------------------------------------------------------------
ONE = {L[0]: 1, W[0]: 1, RHO[1]: 0, W[1]: 0}


def at_rest_alone(sigma):
    """d Var R of one mode, K = I, with that Σ: C = -Σ/(2J), Var R = C/4."""
    risk = omega**2 / (2 - gamma)
    return (-sigma / (2 * THEORY.jacobian(0, 0)) / 4).subs(ONE).subs(RHO[0], gamma * risk)


@symbolic
def homogenized_runs_fluctuate_more():
    """Σ = 4γ²Pq, of ``dρ = … + 2γ√(Pλρ) dB``, against that of SGD."""
    own = 4 * gamma**2 * P * Q[0]
    yield equal(at_rest_alone(own), at_rest_alone(THEORY.sigma(0, 0)) / (1 - gamma / 2))


@symbolic
def the_same():
    """Its variance is that of SGD."""
    return equal(at_rest_alone(4 * gamma**2 * P * Q[0]), at_rest_alone(THEORY.sigma(0, 0)))


BELOW = {gamma: (sp.Rational(1, 10), sp.Rational(19, 10)), omega: (sp.Rational(1, 10), 2)}
homogenized = Claim(
    "Homogenized SGD fluctuates more than SGD at rest",
    "Isotropic data. Both have the same limit; the diffusion lacks the fluctuation of the squared residual.",
    source="symhigh's own",
    id="beyond/homogenized",
    domain=BELOW,
    evidence=homogenized_runs_fluctuate_more,
)
no_difference = Claim(
    "Homogenized SGD has the variance of SGD",
    "Refuted: the two agree in the limit only.",
    source="symhigh's own",
    id="beyond/homogenized-same",
    domain=BELOW,
    evidence=the_same,
    expect=REFUTED,
)


# --- every order in the inverse dimension ------------------------------------------------------------------------
@symbolic
def rest_of_the_recursion():
    """Two eigenvalues: ``e² = α e² + (γ²/d²) λ P``, ``α = 1 - 2γλ/d + 2γ²λ²/d²``, at the P of ``risk_at_d``."""
    level = 2 * LIMITS["risk_at_d"].expr
    shares = [gamma / d * level / (2 - 2 * gamma * l / d) for l in L]
    return equal(sum((w * d * l * s for w, l, s in zip(W, L, shares, strict=True)), omega**2), level)


@symbolic
def first_order():
    """d (risk_at_d - risk) tends to γ²κ₂ω²/(2 - γτ)², which is the bias of the linear theory."""
    mean, square = (sum(w * l**n for w, l in zip(W, L, strict=True)) for n in (1, 2))
    stated = gamma**2 * square * omega**2 / (2 - gamma * mean) ** 2
    yield asymptotic(d * (LIMITS["risk_at_d"].expr - LIMITS["risk"].expr), stated, d)
    yield equal(LIMITS["risk_bias"].expr, stated)


@integrated(tolerance=1e-9)
def mean_at_rest(trial):
    """``exact_mean`` at a late time, d = 2 to 30, batches of 1 and 3."""
    for size in (2, 5, 30):
        batch = int(trial.rng.choice([1, 3]))
        spectrum = sh.Spectrum.from_eigenvalues(np.sort(trial.rng.uniform(0.5, 1.5, size)))
        rule = sh.MiniBatch(sh.Constant(0.4), batch)
        late = sh.exact_mean(sh.least_squares(0.8), rule, spectrum, sh.Start(), size, 120, [120]).risk[0]
        stated = float(sh.limits(sh.least_squares(0.8), rule, spectrum)["risk_at_d"].evaluate(d=size))
        yield Measured("E R late", late), Measured("risk_at_d", stated), {"d": size, "m": batch}


exact = Claim(
    "The mean risk at rest at every dimension",
    "Least squares at a constant rate, no limit taken; its first correction is the bias of the linear theory.",
    source="symhigh's own",
    id="beyond/mean-at-rest",
    domain={**DOMAIN, gamma: (sp.Rational(1, 100), sp.Rational(2, 10)), d: (10, 1000)},
    evidence=[rest_of_the_recursion, first_order],
    checks=[mean_at_rest],
)
