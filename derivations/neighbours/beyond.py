"""Beyond Gaussian noise and plain SGD: label noise of other laws, the quantile loss, weight decay.

With x - x* ~ N(0, Q) and f = r²/2, I = E r² = Q + Var ε for every law with a variance. For the quantile loss
f' = p - 1{r < 0}, at symmetric noise, I = p² - p + 1/2 and c₁ is the density of r at 0, 1/√(2π(Q + ω²)); at a constant
rate a mode rests at D² = γI/(2c₁), so Q = A√(Q + ω²) with A = γτI√(2π)/2. Weight decay pulls X to 0 at the rate γκ.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, symbolic
from symhigh.symbols import V11, V12, V22, error_square, gamma, gradient_noise, lam

g, size, noise, kappa, level = sp.symbols("g s omega kappa Q_", positive=True)
share = sp.Symbol("p", positive=True)
RULE = sh.Constant(g)


@symbolic
def variances():
    """I = Q + Var ε: 2s² for Laplace, 5/3 for Student's law with five degrees, s² for Rademacher."""
    for law, variance in (
        (sh.Laplace(size), 2 * size**2),
        (sh.StudentT(5), sp.Rational(5, 3)),
        (sh.Rademacher(size), size**2),
    ):
        system = sh.derive(sh.least_squares(law), RULE)
        yield equal(system.expanded(gradient_noise), error_square + variance)


laws = Claim(
    "Gradient noise of least squares under other laws of label noise",
    "Laplace, Student with five degrees of freedom, and Rademacher.",
    id="beyond/noise-laws",
    evidence=variances,
)


@symbolic
def quantile_coefficients():
    """I = p² - p + 1/2 and c₁ = 1/√(2π(Q + ω²))."""
    system = sh.derive(sh.quantile(sp.Rational(1, 3), noise), RULE)
    positive = {error_square: level}
    value = sp.Rational(1, 3)
    yield equal(system.expanded(system.scalar("I")).subs(positive), value**2 - value + sp.Rational(1, 2))
    yield equal(system.expanded(system.scalar("c1")).subs(positive), 1 / sp.sqrt(2 * sp.pi * (level + noise**2)))


@symbolic
def quantile_at_rest():
    """Q = (A² + √(A⁴ + 4A²ω²))/2 solves Q² = A²(Q + ω²)."""
    A = sp.Symbol("A", positive=True)
    rest = (A**2 + sp.sqrt(A**4 + 4 * A**2 * noise**2)) / 2
    return equal(rest**2, A**2 * (rest + noise**2))


@integrated(tolerance=1e-8)
def quantile_curve(trial):
    """The risk √((Q + ω²)/(2π)) of an integrated curve at rest, one eigenvalue."""
    A = g * (share**2 - share + sp.Rational(1, 2)) * sp.sqrt(2 * sp.pi) / 2
    rest = (A**2 + sp.sqrt(A**4 + 4 * A**2 * noise**2)) / 2
    problem, rule = sh.quantile(sp.Rational(1, 3), 0.5), sh.Constant(0.7)
    curve = sh.derive(problem, rule).solve(sh.Spectrum.isotropic(), sh.Start(), 200.0, t=[200.0], rtol=1e-11)
    formula = sp.sqrt((rest + noise**2) / (2 * sp.pi))
    yield Measured("R at rest", curve.risk[0]), formula, {g: 0.7, noise: 0.5, share: 1 / np.float64(3)}


quantile = Claim(
    "Quantile loss at a constant rate",
    "At the lower third; the level at which it rests.",
    id="beyond/quantile",
    evidence=[quantile_coefficients, quantile_at_rest, quantile_curve],
)


@symbolic
def decayed_modes():
    """dV11/dt = -2γ((λ + κ)V11 - λV12) + γ²λI, dV12/dt = -γ((λ + κ)V12 - λV22)."""
    system = sh.derive(sh.least_squares(noise), sh.WeightDecay(RULE, kappa), reduce=False)
    first, second = (rhs.subs({s: v for s, v in system.parameters.items() if v == kappa}) for rhs in system.family.rhs)
    yield equal(first, -2 * gamma * ((lam + kappa) * V11 - lam * V12) + gamma**2 * lam * gradient_noise)
    yield equal(second, -gamma * ((lam + kappa) * V12 - lam * V22))


@symbolic
def ridge_at_small_rates():
    """The overlap rests at λV22/(λ + κ), the ridge solution of a mode."""
    system = sh.derive(sh.least_squares(noise), sh.WeightDecay(RULE, kappa), reduce=False)
    rhs = system.family.rhs[1].subs({s: v for s, v in system.parameters.items() if v == kappa})
    (rest,) = sp.solve(rhs, V12)
    yield equal(rest, lam * V22 / (lam + kappa))


decay = Claim(
    "Weight decay", "Its modes, and where the overlap rests.", id="beyond/weight-decay",
    evidence=[decayed_modes, ridge_at_small_rates],
)  # fmt: skip
