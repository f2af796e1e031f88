"""The Volterra form (64)-(66) of least squares.

In the clock Γ(t) = ∫₀ᵗ γ a mode obeys a linear equation with source, ``dD²/dΓ = -2λD² + 2γλR``. Variation of
constants and the average ``R = (1/2)∫λD² dμ + ω²/2`` leave an equation for the risk alone:

    R(t) = F(Γ(t)) + ω²/2 + ∫₀ᵗ γ_s² 𝒦(Γ(t) - Γ(s)) R(s) ds,
    F(u) = (1/2)∫ λ D²_λ(0) e^{-2λu} dμ,     𝒦(u) = ∫ λ² e^{-2λu} dμ.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.derive.volterra import CLOCK, volterra
from symhigh.symbols import D2, lam, omega, t
from symhigh.verify import Claim, integrated, symbolic

FORM = volterra(sh.derive(sh.least_squares(sp.Symbol("omega", positive=True)), sh.AdaGradNorm(1, 1)))


@symbolic
def printed_form():
    """Forcing, kernel and floor are (65), (66) and ω²/2; the equation is (64)."""
    s = sp.Symbol("s", nonnegative=True)
    R, clock, rate, F, K = (sp.Function(n) for n in ("R", "Gamma", "gamma", "F", "K"))
    printed = (
        F(clock(t)) + omega**2 / 2 + sp.Integral(rate(s) ** 2 * K(clock(t) - clock(s)) * R(s), (s, 0, t))
    )
    yield sp.Eq(FORM.equation().rhs, printed)
    yield sp.Eq(FORM.forcing.summand, lam * D2 * sp.exp(-2 * lam * CLOCK) / 2)
    yield sp.Eq(FORM.kernel.summand, lam**2 * sp.exp(-2 * lam * CLOCK))


@symbolic
def back_to_the_modes():
    """Laplace transforms: 𝒦̂(p) = ∫λ²/(2λ + p) and F̂(p) = (1/2)∫λD²/(2λ + p), the resolvents of the modes."""
    p = sp.Symbol("p", positive=True)
    size = sp.Symbol("lambda_1", positive=True)
    for summand, printed in ((FORM.kernel.summand, size**2), (FORM.forcing.summand, size * D2 / 2)):
        transform = sp.integrate(summand.subs(lam, size) * sp.exp(-p * CLOCK), (CLOCK, 0, sp.oo))
        yield sp.Eq(transform, printed / (2 * size + p))


@integrated(tolerance=1e-6)
def solved_by_itself(trial):
    """The Volterra equation marched by the trapezoidal rule and extrapolated, against the integrated limit."""
    weights = np.array([0.5, 0.3, 0.2])
    for _ in range(1 if trial.quick else 3):
        values = np.sort(trial.rng.uniform(0.2, 2.0, 3)) * (1 + 0.1 * _)
        spectrum, start = sh.Spectrum.from_eigenvalues(values, weights), sh.Start(x0=0.5)
        exact = sh.derive(sh.least_squares(0.7), sh.Constant(0.6)).solve(
            spectrum, start, 4.0, t=[4.0], rtol=1e-11
        )
        coarse, fine = (march(values, weights, 1.5, 0.7, 0.6, n) for n in (400, 800))
        yield fine + (fine - coarse) / 3, exact.risk[-1], {"eigenvalues": values}


def march(values, weights, error, noise, rate, steps, end=4.0):
    """R(end) of (64) at a constant rate, n steps of the trapezoidal rule."""
    grid = np.linspace(0.0, rate * end, steps + 1)
    kernel, forcing = (
        (weights * sp.lambdify((lam, D2, CLOCK), part.summand, "numpy")(values, error, grid[:, None])).sum(
            axis=1
        )
        for part in (FORM.kernel, FORM.forcing)
    )
    R, h = np.zeros(steps + 1), end / steps * rate**2
    for n in range(steps + 1):
        memory = h * (kernel[n:0:-1] @ R[:n] - kernel[n] * R[0] / 2) if n else 0.0
        R[n] = (forcing[n] + noise**2 / 2 + memory) / (1 - (h * kernel[0] / 2 if n else 0.0))
    return R[-1]


form = Claim(
    "(64)-(66) the Volterra form",
    "The risk of least squares obeys R(t) = F(Γ) + ω²/2 + ∫γ²𝒦(Γ(t) - Γ(s))R ds, with F and 𝒦 of (65), (66).",
    source="High Line, (64)-(66)",
    evidence=[printed_form, back_to_the_modes, solved_by_itself],
)


@symbolic
def norms():
    """∫𝒦 du = τ/2 and ∫F du = D²(0)/4, mode by mode."""
    size = sp.Symbol("lambda_1", positive=True)
    kernel, forcing = (
        sp.integrate(part.summand.subs(lam, size), (CLOCK, 0, sp.oo)) for part in (FORM.kernel, FORM.forcing)
    )
    return [sp.Eq(kernel, size / 2), sp.Eq(forcing, D2 / 4)]


masses = Claim(
    "Masses of kernel and forcing",
    "∫𝒦 = τ/2 and ∫F = D²(0)/4.",
    source="High Line, below (66)",
    evidence=[norms],
)
