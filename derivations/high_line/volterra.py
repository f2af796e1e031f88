"""The Volterra form (64)-(66) of least squares.

In the clock Γ(t) = ∫₀ᵗ γ a mode obeys a linear equation with source, ``dD²/dΓ = -2λD² + 2γλR``. Variation of
constants and the average ``R = (1/2)∫λD² dμ + ω²/2`` leave an equation for the risk alone:

    R(t) = F(Γ(t)) + ω²/2 + ∫₀ᵗ γ_s² 𝒦(Γ(t) - Γ(s)) R(s) ds,
    F(u) = (1/2)∫ λ D²_λ(0) e^{-2λu} dμ,     𝒦(u) = ∫ λ² e^{-2λu} dμ.

At a constant rate γ this is a renewal equation in t with kernel K = γ²𝒦(γt), so R̂ = (F̂ + ω²/(2z))/(1 - K̂). With N
eigenvalues K̂(-ρ) = 1 has N roots, one below each 2γλ, and the residues there make R a sum of N exponentials and the
floor. At the threshold γ = 2/τ the mass of K is one, and without noise R tends to ∫F/∫tK = τD²(0)/2.
"""

import mpmath
import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.linear import linear_limit
from symhigh.closed.nodes import numeric as at_numbers
from symhigh.closed.volterra import Z
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.ledger import Claim, Measured, asymptotic, equal, greater, integrated, numeric, symbolic
from symhigh.symbols import D2, distance, error_square, gamma, gradient_noise, lam, omega, t, tau

RENEWAL = "renewal lemma, high-line/renewal"
FORM = volterra(sh.derive(sh.least_squares(sp.Symbol("omega", positive=True)), sh.AdaGradNorm(1, 1)))


@symbolic
def printed_form():
    """Forcing, kernel and floor are (65), (66) and ω²/2; the equation is (64)."""
    s = sp.Symbol("s", nonnegative=True)
    R, clock, rate, F, K = (sp.Function(n) for n in ("R", "Gamma", "gamma", "F", "K"))
    printed = (
        F(clock(t)) + omega**2 / 2 + sp.Integral(rate(s) ** 2 * K(clock(t) - clock(s)) * R(s), (s, 0, t))
    )
    yield equal(FORM.equation().rhs, printed)
    yield equal(FORM.forcing.summand, lam * D2 * sp.exp(-2 * lam * CLOCK) / 2)
    yield equal(FORM.kernel.summand, lam**2 * sp.exp(-2 * lam * CLOCK))


@symbolic
def back_to_the_modes():
    """Laplace transforms: 𝒦̂(p) = ∫λ²/(2λ + p) and F̂(p) = (1/2)∫λD²/(2λ + p), the resolvents of the modes."""
    p = sp.Symbol("p", positive=True)
    size = sp.Symbol("lambda_1", positive=True)
    for summand, printed in ((FORM.kernel.summand, size**2), (FORM.forcing.summand, size * D2 / 2)):
        transform = sp.integrate(summand.subs(lam, size) * sp.exp(-p * CLOCK), (CLOCK, 0, sp.oo))
        yield equal(transform, printed / (2 * size + p))


@integrated(tolerance=1e-6)
def solved_by_itself(trial):
    """The Volterra equation marched by the trapezoidal rule and extrapolated, against the integrated limit."""
    weights = np.array([0.5, 0.3, 0.2])
    for _ in range(1 if trial.quick else 3):
        values = np.sort(trial.rng.uniform(0.2, 2.0, 3))
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
    id="high-line/64",
    source="High Line, (64)-(66)",
    evidence=[printed_form, back_to_the_modes],
    checks=[solved_by_itself],
)


@symbolic
def norms():
    """∫𝒦 du = τ/2 and ∫F du = D²(0)/4, mode by mode."""
    size = sp.Symbol("lambda_1", positive=True)
    kernel, forcing = (
        sp.integrate(part.summand.subs(lam, size), (CLOCK, 0, sp.oo)) for part in (FORM.kernel, FORM.forcing)
    )
    return [equal(kernel, size / 2), equal(forcing, D2 / 4)]


masses = Claim(
    "Masses of kernel and forcing",
    id="high-line/66-masses",
    source="High Line, below (66)",
    evidence=[norms],
)


# --- a constant rate, solved ----------------------------------------------------------------------------------------
g, noise, one, two, z = sp.symbols("g omega lambda_1 lambda_2 z", positive=True)
HELD = sh.renewal_equation(
    sh.least_squares(noise), sh.Constant(g), sh.Spectrum.from_eigenvalues([one, two]), sh.Start()
)


def partial_fractions():
    """Laplace transform of the sum of exponentials, term by term."""
    exact = HELD.solution().expr.subs(D2, 1)
    decays = sorted(exact.atoms(sp.exp), key=sp.default_sort_key)
    names = [sp.Dummy() for _ in decays]
    held = exact.xreplace(dict(zip(decays, names, strict=True)))
    total = held.subs(dict.fromkeys(names, 0)) / z
    for name, decay in zip(names, decays, strict=True):
        total += sp.diff(held, name) / (z - sp.diff(decay.args[0], t))
    return total


@symbolic
def transform_by_hand():
    """R̂ = (F̂ + ω²/(2z))/(1 - K̂), two equal halves."""
    kernel = sum(g**2 * v**2 / (2 * g * v + z) for v in (one, two)) / 2
    forcing = sum(v / (2 * (2 * g * v + z)) for v in (one, two)) / 2
    return equal(HELD.transform().expr.subs({Z: z, D2: 1}), (forcing + noise**2 / (2 * z)) / (1 - kernel))


@symbolic
def roots_of_the_kernel():
    """K̂(-ρ) = 1 at both radicals, and K̂ is the average of g²λ²/(2gλ + z)."""
    yield equal(HELD.kernel_transform(z), sum(g**2 * v**2 / (2 * g * v + z) for v in (one, two)) / 2)
    for term in sorted(HELD.resolvent().expr.atoms(sp.exp), key=sp.default_sort_key):
        yield equal(HELD.kernel_transform(z).subs(z, sp.diff(term.args[0], t)), 1)


@integrated(tolerance=1e-10)
def exponentials(trial):
    """The sum of exponentials at random times, 2 to 6 random eigenvalues, with and without noise."""
    for k in range(3 if trial.quick else 7):
        values = trial.rng.uniform(0.3, 1.8, 2 + k % 5)
        spectrum, start = sh.Spectrum.from_eigenvalues(values), sh.Start(x0=0.5)
        problem, rule = sh.least_squares(0.6 * (k % 2)), sh.Constant(0.5)
        times = np.sort(trial.rng.uniform(0.1, 20.0, 3))
        exact = sh.renewal_equation(problem, rule, spectrum, start).solution()
        curve = sh.derive(problem, rule).solve(spectrum, start, times[-1], t=times, rtol=1e-12)
        formula = np.array([float(exact.evaluate(t=float(s))) for s in times])
        yield Measured("R of curves", curve.risk), Measured("sum of exponentials", formula), {"eigenvalues": values}


@integrated(tolerance=1e-12)
def inverse_transform(trial):
    """R̂ inverted numerically on Talbot's contour, against the sum of exponentials."""
    for _ in range(1 if trial.quick else 2):
        values, time = trial.rng.uniform(0.3, 1.8, 4), float(trial.rng.uniform(0.5, 5.0))
        equation = sh.renewal_equation(
            sh.least_squares(0.6), sh.Constant(0.7), sh.Spectrum.from_eigenvalues(values), sh.Start()
        )
        with mpmath.workdps(30):
            transform = at_numbers(equation.transform().expr, (Z,))
            inverse = mpmath.invertlaplace(transform, mpmath.mpf(time), method="talbot", degree=28)
            formula = float(equation.solution().evaluate(t=time))
            where = {"eigenvalues": values, "t": time}
            yield Measured("transform inverted on Talbot's contour", float(inverse)), Measured(
                "sum of exponentials", formula
            ), where


solved = Claim(
    "The Volterra equation solved at a constant rate",
    id="high-line/64-solved",
    domain={g: (0, 1), one: (0, 1), two: (0, 1), noise: (0, 2), z: (0, 5)},
    evidence=[transform_by_hand, roots_of_the_kernel, exponentials, inverse_transform],
    checks=numeric(
        HELD.transform().expr.subs(Z, z), partial_fractions(), title="the transform in partial fractions"
    ),
)


@symbolic
def equipartition():
    """γ = 2/τ without noise: D² does not move, and at rest D² = γI/2 = 2R/τ in every mode."""
    limit = linear_limit(sh.derive(sh.least_squares(), sh.Constant(g))).noiseless
    yield equal(limit.drift(distance), tau * gamma * (gamma - 2 / tau) * error_square)
    (rhs,) = limit.system.family.rhs
    level = sp.Symbol("R", positive=True)
    (rest,) = sp.solve(rhs.subs({gradient_noise: 2 * level, gamma: 2 / tau}), D2)
    yield equal(rest, 2 * level / tau)


@symbolic(theorem=RENEWAL)
def critical_mass():
    """At γ = 2/τ the kernel γ²λ²e^{-2γλt} has mass one, and ∫F/∫tK = (D²(0)/(4γ))/(1/4) = τD²(0)/2."""
    s, size = sp.Symbol("s", nonnegative=True), sp.Symbol("lambda_1", positive=True)
    kernel, forcing = (part.summand.subs({CLOCK: g * s, lam: size}) for part in (FORM.kernel, FORM.forcing))
    mass = sp.integrate(g**2 * kernel, (s, 0, sp.oo))
    first = sp.integrate(s * g**2 * kernel, (s, 0, sp.oo))
    start = sp.integrate(forcing, (s, 0, sp.oo))
    yield equal(mass.subs(size, tau).subs(g, 2 / tau), 1)
    yield equal(first, sp.Rational(1, 4))  # in every mode, so on average
    yield equal((start / first).subs(g, 2 / tau), tau * D2 / 2)


# --- the renewal lemma ----------------------------------------------------------------------------------------------
m, decay, push, cap = sp.symbols("m a b k", positive=True)


def response(mass):
    """The solution of r = F + K*r for K = m a e^{-at}, F = e^{-bt}."""
    return sp.exp(-push * t) + mass * decay * (
        sp.exp(-push * t) - sp.exp(-decay * (1 - mass) * t)
    ) / (decay * (1 - mass) - push)


@symbolic
def transform_of_a_renewal_equation():
    """r̂ = F̂ + K̂r̂, so r̂ = F̂/(1 - K̂); for one exponential each it is the transform of the solution above."""
    forcing, kernel = 1 / (push + z), m * decay / (decay + z)
    solved_for = forcing / (1 - kernel)
    terms = 1 / (push + z) + m * decay * (1 / (push + z) - 1 / (decay * (1 - m) + z)) / (decay * (1 - m) - push)
    yield equal(solved_for, terms)
    yield equal(forcing + kernel * solved_for, solved_for)


@symbolic
def mass_below_one():
    """m < 1: ∫r = ∫F/(1 - m), and a bound m₀ + κm₀/(1 - κ) = m₀/(1 - κ) for r e^{ρt}, κ = K̂(-ρ) < 1."""
    below = 1 / (1 + cap)  # any mass below one
    total = (1 / push) / (1 - below)
    yield equal(sp.Limit((1 / (push + z)) / (1 - below * decay / (decay + z)), z, 0), total)
    yield greater(total, 0)
    yield equal(1 + below / (1 - below), 1 / (1 - below))


@symbolic
def mass_one():
    """m = 1: r → ∫F/∫tK = (1/b)/(1/a)."""
    return equal(sp.Limit(response(1), t, sp.oo), (1 / push) / (1 / decay))


@symbolic
def mass_above_one():
    """m > 1: K̂(ρ) = 1 at ρ = a(m - 1) > 0, and r grows like e^{ρt} with it."""
    above = 1 + cap
    growth = decay * cap
    yield equal(above * decay / (decay + growth), 1)
    yield asymptotic(response(above), above * decay / (growth + push) * sp.exp(growth * t), t)


renewal_lemma = Claim(
    "Renewal lemma",
    "Proved for one exponential each; for kernels that are positive and integrable it is the renewal theorem.",
    id="high-line/renewal",
    source="Feller, An Introduction to Probability Theory, vol. 2, XI.1 and XI.6",
    evidence=[transform_of_a_renewal_equation, mass_below_one, mass_one, mass_above_one],
)


@integrated(tolerance=1e-9)
def at_the_threshold(trial):
    """∫F/∫tK, τD²(0)/2 and integrated curves."""
    for _ in range(1 if trial.quick else 2):
        values = trial.rng.uniform(0.4, 1.6, 3)
        values *= 1.0 / values.mean()
        values = np.round(values * 64) / 64  # so that the mass is one exactly
        values[2] = 3.0 - values[0] - values[1]
        spectrum, far = sh.Spectrum.from_eigenvalues(values), float(trial.rng.uniform(0.5, 3.0))
        begin = sh.Start(x_star=far)
        limit = sh.renewal_equation(sh.least_squares(), sh.Constant(2), spectrum, begin).critical_limit()
        curve = sh.derive(sh.least_squares(), sh.Constant(2)).solve(
            spectrum, begin, 300.0, t=[300.0], rtol=1e-12
        )
        yield float(limit.evaluate()), far / 2, {"eigenvalues": values}
        yield curve.risk[0], far / 2, {"eigenvalues": values}


threshold = Claim(
    "At the threshold the risk neither falls nor grows",
    "The renewal lemma at mass one.",
    id="high-line/threshold-critical",
    evidence=[equipartition, critical_mass],
    checks=[at_the_threshold],
)
