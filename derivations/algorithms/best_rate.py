"""The best constant learning rate of noiseless least squares.

The exponent ρ of the risk at a constant rate γ is the root of γ² ∫ λ²/(2γλ - ρ) dμ = 1. With x = ρ/γ this is
γ = 1/∫ λ²/(2λ - x) dμ, so ρ(x) = x/N(x), N(x) = ∫ λ²/(2λ - x) dμ. As N' = ∫ λ²/(2λ - x)² dμ,

    ρ'(x) N² = N - x N' = ∫ λ² (2λ - x - x)/(2λ - x)² dμ = 2 ∫ λ² (λ - x)/(2λ - x)² dμ,

which vanishes at the best x.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, symbolic
from symhigh.symbols import lam

x = sp.Symbol("x", positive=True)
l1, l2, w = sp.symbols("lambda_1 lambda_2 w", positive=True)


@symbolic
def stationary():
    """The integrand of N - xN' is twice that of the condition, eigenvalue by eigenvalue."""
    N = lam**2 / (2 * lam - x)
    return equal(N - x * sp.diff(N, x), 2 * lam**2 * (lam - x) / (2 * lam - x) ** 2)


@symbolic
def rate_from_the_exponent():
    """γ = 1/N(x) and ρ = γx solve the secular equation of two atoms."""
    N = w * l1**2 / (2 * l1 - x) + (1 - w) * l2**2 / (2 * l2 - x)
    g = 1 / N
    secular = g**2 * (w * l1**2 / (2 * g * l1 - g * x) + (1 - w) * l2**2 / (2 * g * l2 - g * x))
    return equal(secular, sp.Integer(1))


@integrated(tolerance=1e-6)
def decay_of_curves(trial):
    """The exponent of integrated curves at the rate that ``best_rate`` gives, against its exponent."""
    for values in ((1.0, 0.1), (1.0, 0.5), (1.3, 0.7, 0.3)):
        spectrum = sh.Spectrum.from_eigenvalues(values)
        rate, decay = sh.best_rate(spectrum)
        late = 30.0 / decay
        curve = sh.derive(sh.least_squares(), sh.Constant(rate)).solve(
            spectrum, sh.Start(), late, t=[late / 2, late], rtol=1e-11
        )
        measured = np.log(curve.risk[0] / curve.risk[1]) / (late / 2)
        yield Measured("rho", measured), sp.Float(decay), {}


@integrated(tolerance=1e-12)
def best_among_its_neighbours(trial):
    """The exponent at 0.9, 0.97, 1.03 and 1.1 times that rate is smaller: min(ρ, 0.9999 ρ*) = ρ, random spectra."""
    for _ in range(2 if trial.quick else 4):
        spectrum = sh.Spectrum.from_eigenvalues(trial.rng.uniform(0.1, 2.0, 3))
        rate, decay = sh.best_rate(spectrum)
        for factor in (0.9, 0.97, 1.03, 1.1):
            beside = float(sh.limits(sh.least_squares(), sh.Constant(factor * rate), spectrum)["rate"].evaluate())
            where = {"eigenvalues": spectrum.values, "factor": factor}
            yield Measured("min(ρ beside, 0.9999 ρ*)", min(beside, 0.9999 * decay)), Measured("ρ beside", beside), where


best = Claim(
    "The best constant rate for every spectrum",
    "Noiseless least squares; the exponent at the best rate, and the rate.",
    source="symhigh's own, from High Line, section 3",
    domain={l1: (1, 2), l2: (0.5, 1), w: (0.1, 0.9), x: (0.05, 0.9)},
    id="algorithms/best-rate",
    evidence=[stationary, rate_from_the_exponent],
    checks=[decay_of_curves, best_among_its_neighbours],
)
