"""Several passes of SGD over n rows, least squares: the losses over the rows and on other data.

A step on a row drawn with replacement sees the mean loss L, of covariance H = AᵀA/n, target X̂ and least value L̂. Where
residuals do not conspire with the rows it is a step of one-pass SGD on least squares with label noise ω² = 2L̂. Given
the limit, a coordinate in the basis of H drifts by -γλ(x - x̂) and has independent noise of variance γ²λ·2L a unit of
time: the mean follows gradient flow, and a quadratic loss ½(X - c)ᵀM(X - c) has beside that of the flow ½ Σ M_ii Var_i,

    L(t) = L_flow(t) + γ² ∫₀ᵗ (1/d) Σ λ_i² e^{-2γλ_i(t-s)} L(s) ds,
    R(t) = R_flow(t) + γ² ∫₀ᵗ (1/d) Σ λ_i M_ii e^{-2γλ_i(t-s)} L(s) ds.

The two kernels are those of Paquette, Paquette, Adlam and Pennington (*Homogenization of SGD in high-dimensions*),
cited from memory; what is claimed is derived here.
"""

import warnings

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, symbolic
from symhigh.symbols import X_STAR, X, gamma, gradient_noise, lam, risk

w, g = sp.symbols("omega g", positive=True)


@symbolic
def coordinates_follow_gradient_flow():
    """Drift -γλ(x - x̂) and covariance γ²λI with I = 2L, for a constant rate and for AdaGrad-Norm."""
    for rule in (sh.Constant(g), sh.AdaGradNorm(g, 1)):
        system = sh.derive(sh.least_squares(w), rule)
        field = system.field
        slopes = {s.name: s.expression for s in field.scalars if s.name.name in ("c1", "c2")}
        yield equal(field.drift[0].subs(slopes), -gamma * lam * (X - X_STAR))
        yield equal(field.covariance[0, 0], gamma**2 * lam * gradient_noise)
    system = sh.derive(sh.least_squares(w), sh.Constant(g))
    yield equal(system.expanded(gradient_noise), 2 * system.expanded(system.scalar(risk.name)))


def rows(n, d, rng):
    """A data set, and the covariance, target and noise of its population."""
    scales, target = np.linspace(0.4, 1.6, d), rng.standard_normal(d) / np.sqrt(d)
    sample = rng.standard_normal((n, d)) * np.sqrt(scales)
    return sh.Dataset(sample, sample @ target + 0.3 * rng.standard_normal(n)), (np.diag(scales), target, 0.3)


def by_kernels(data, other, rate, end, steps):
    """Both losses at the end, by the trapezoidal rule; one Richardson step is the caller's."""
    covariance, target, noise = other
    values, basis = np.linalg.eigh(data.rows.T @ data.rows / data.n)
    time = np.linspace(0, end, steps + 1)
    decay = np.exp(-rate * np.outer(time, values))
    flow = data.minimiser - (decay * (basis.T @ data.minimiser)) @ basis.T
    over_rows = ((flow @ data.rows.T - data.labels) ** 2).mean(axis=1) / 2
    elsewhere = np.einsum("ti,ij,tj->t", flow - target, covariance, flow - target) / 2 + noise**2 / 2
    weights = np.einsum("ji,jk,ki->i", basis, covariance, basis)
    first, second = (rate**2 * decay**2 @ (values * m) / data.d for m in (values, weights))
    h, loss = end / steps, over_rows[:1]
    for k in range(1, steps + 1):
        memory = first[k] * loss[0] / 2 + first[k - 1 : 0 : -1] @ loss[1:]
        loss = np.append(loss, (over_rows[k] + h * memory) / (1 - h * first[0] / 2))
    product = second[::-1] * loss
    return np.array([loss[-1], elsewhere[-1] + h * (product.sum() - (product[0] + product[-1]) / 2)])


@integrated(tolerance=1e-6)
def both_kernels(trial):
    """Both losses at t = 2 for n on both sides of d = 60, a random rate: kernels against the solved limit."""
    for n in (40, 150):
        data, other = rows(n, 60, trial.rng)
        rate = float(trial.rng.uniform(0.2, 0.8))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # few rows have few effective dimensions
            curve = sh.solve_passes(data, sh.Constant(rate), 2.0, [2.0], test=other, rtol=1e-10)
        coarse, fine = (by_kernels(data, other, rate, 2.0, k) for k in (200, 400))
        exact = (4 * fine - coarse) / 3
        names = ("loss over the rows", "loss on other data")
        for name, found, stated in zip(names, (curve.risk, curve.test_risk), exact, strict=True):
            yield Measured(f"{name}, solved", found[0]), Measured("by its kernel", stated), {"n": n, "rate": rate}


two_kernels = Claim(
    "Several passes over n rows: the losses over the rows and on other data",
    "Least squares, rows drawn with replacement; the limit is the one-pass limit with the rows' own covariance.",
    id="passes/two-kernels",
    evidence=[coordinates_follow_gradient_flow, both_kernels],
)
