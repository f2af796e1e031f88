"""Adam with fixed β₁ and β₂: two constants, whatever the spectrum, and where it rests.

The rule is m⁺ = β₁m + (1 - β₁)∇f, s⁺ = β₂s + (1 - β₂)(∇f)², X⁺ = X - (γ/d) m⁺/√s⁺, entry by entry, K diagonal. Its
memories forget within O(1) steps, in which X stands still, so an entry's gradients are √(λP) g_k with g = rα, products
of independent normal variables. The step is a function q of g_k, g_{k-1}, … that no scale changes. Mehler's formula in
(r_j, α_j), whose correlation is √(λ/P) δ e, gives the drift -γ√(λ/P) e Σ_j E ∂_r∂_α q = -γ√(λ/P) e C₁ with
``C₁ = E q Σ_j g_j`` by Stein's lemma; steps of one entry are correlated, so e² grows by γ²C₂, C₂ the sum of all
covariances of q. Given the sizes |g| all signs are independent, whence, w_i = (1 - β₁)β₁^i,

    C₁ = E g₀² Σ_i w_i/√s_i,      C₂ = E g₀² (Σ_i w_i/√s_i)²,      s_i the cell i steps after g₀ was seen.

The second route solves these by the equations of a Markov chain: F₁(s) = E[Σ w_i/√s_i | s] and F₂ likewise satisfy
F₁ = (1 - β₁)/√s + β₁ T F₁ and F₂ = (1 - β₁)²/s + 2(1 - β₁)β₁ T F₁/√s + β₁² T F₂ with T the mean over one step.

A mode obeys dD² = -2γC₁√λ D²/√P + γ²C₂, and so it rests at D² = γC₂√P/(2C₁√λ):

    √P = q + √(q² + ω²),      q = γ (C₂/C₁) avg √λ/4.
"""

import numpy as np
import sympy as sp
from _by_hand import MeanOfRuns
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp
from scipy.special import k0

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, simulation, symbolic
from symhigh.symbols import lam, omega

g, drift, noise, root, mean_root = sp.symbols("g C_1 C_2 p m", positive=True)


# --- the constants -----------------------------------------------------------------------------------------------
def by_markov_chain(first, second, degree=140, low=-26.0, high=10.0):
    """C₁ and C₂ from the linear equations of F₁ and F₂, functions of log s by their values at Chebyshev's points."""
    x = np.arange(-40.0, 4.2, 0.125)
    size, weight = np.exp(x), 0.125 * np.exp(x) * 2 / np.pi * k0(np.exp(x))  # of g = rα
    points = np.cos(np.pi * (np.arange(degree) + 0.5) / degree)
    s = np.exp(low + (high - low) * (points + 1) / 2)
    inverse = np.linalg.inv(chebyshev.chebvander(points, degree - 1))
    after = (1 - second) * size[:, None] ** 2 + second * s
    there = chebyshev.chebvander(np.clip(2 * (np.log(after) - low) / (high - low) - 1, -1, 1), degree - 1)

    def step(power, moment=0):
        """``s^power T (g^moment s^-power f)`` of f at the points."""
        shares = (weight * size**moment)[:, None] * (s / after) ** power
        return np.einsum("ap,apn->pn", shares, there) @ inverse

    late, one = np.linalg.matrix_power(step(0), 2**13), np.ones(degree)
    half, whole = step(0.5), step(1.0)
    one_lag = np.linalg.solve(np.eye(degree) - first * half, (1 - first) * one)
    crossed = (1 - first) ** 2 * one + 2 * (1 - first) * first * half @ one_lag
    two_lags = np.linalg.solve(np.eye(degree) - first**2 * whole, crossed)
    found = step(0.5, 2) @ one_lag / np.sqrt(s), step(1.0, 2) @ two_lags / s
    return [float((late @ f)[degree // 2]) for f in found]


@integrated(tolerance=1e-8)
def by_a_second_route(trial):
    """Integrals of products of Bessel functions against the Markov chain of one cell."""
    for first, second in ((0.0, 0.9), (0.5, 0.9), (0.9, 0.9)):
        found, other = sh.adam_constants(first, second), by_markov_chain(first, second)
        for name, a, b in zip(("C₁", "C₂"), found, other, strict=True):
            yield Measured(name, a), Measured(f"{name} by the chain", b), {"β₁": first, "β₂": second}


@integrated(tolerance=1e-8)
def to_eight_digits(trial):
    """Values at two pairs of memories."""
    for first, second, *known in ((0.0, 0.9, "0.86599379", "0.82270177"), (0.5, 0.9, "0.87970279", "0.84236376")):
        for name, value, digits in zip(("C₁", "C₂"), sh.adam_constants(first, second), known, strict=True):
            yield Measured(name, round(value, 8)), sp.Float(digits), {"β₁": first, "β₂": second}


@symbolic
def signs_alone():
    """Without memories these are the constants of sign descent, from the derived equations."""
    system = sh.derive(sh.least_squares(omega), sh.SignSGD(g), reduce=False)
    V = {str(s): s for s in (*system.family.states, *system.family.coefficients)}
    D = sp.Symbol("D", positive=True)
    known = {x.name: system.unfolded(x.expression) for x in system.scalars}
    rhs = (system.family.rhs[0] - 2 * system.family.rhs[1]).subs(known).subs(system.parameters)
    rhs = rhs.subs(V["V11"], D + 2 * V["V12"] - V["V22"])
    B = {str(s): s for s in rhs.free_symbols}
    rhs = sp.simplify(rhs.subs(B["B11"], root**2 - omega**2 + 2 * B["B12"] - B["B22"]))
    first, second = sh.adam_constants(0, 0)
    exact = {drift: sp.nsimplify(first * sp.pi) / sp.pi, noise: sp.nsimplify(second)}
    yield equal(rhs, (-2 * g * drift * sp.sqrt(lam) * D / root + g**2 * noise).subs(exact))


# --- runs --------------------------------------------------------------------------------------------------------
VALUES, SIZE, RATE, LEVEL, TIMES = np.array([1.5, 0.5]), 1000, 0.5, 0.5, (0.5, 1.0, 2.0, 4.0)


def runs(first, second, count, rng):
    """The squared distance in both halves at the times, ``(count, times, 2)``, of Adam written out."""
    scale = np.sqrt(np.repeat(VALUES, SIZE // 2))
    error = np.full((count, SIZE), -1 / np.sqrt(SIZE))
    m, s, drawn, room = (np.zeros((count, SIZE)) for _ in range(4))
    stops, found = [round(t * SIZE) for t in TIMES], []
    for k in range(stops[-1] + 1):
        if k in stops:
            found.append((error**2).reshape(count, 2, -1).sum(axis=2))
        gradient = rng.standard_normal(out=drawn)
        gradient *= scale
        slope = np.einsum("ij,ij->i", gradient, error) - LEVEL * rng.standard_normal(count)
        gradient *= slope[:, None]
        m *= first
        m += np.multiply(gradient, 1 - first, out=room)
        gradient *= gradient
        s *= second
        s += np.multiply(gradient, 1 - second, out=room)
        np.sqrt(s, out=room)
        np.divide(m, room, out=room)
        room *= RATE / SIZE
        error -= room
    return np.stack(found, axis=1)


def limit(constants):
    """The same in the limit."""
    first, second = constants

    def flow(_, y):
        level = np.sqrt(VALUES @ y + LEVEL**2)
        return -2 * RATE * first * np.sqrt(VALUES) * y / level + RATE**2 * second / 2

    return solve_ivp(flow, (0, TIMES[-1]), [0.5, 0.5], "DOP853", TIMES, rtol=1e-11).y.T


def against_runs(trial, constants, count, memories=(0.5, 0.9)):
    """The runs' means against the limit; starting cells are forgotten within tens of steps, a bias of order 1/d."""
    found = runs(*memories, count, trial.rng)
    return MeanOfRuns(found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(len(found)), limit(constants), SIZE)


@simulation
def written_out(trial):
    """Adam written out in NumPy."""
    return against_runs(trial, sh.adam_constants(0.5, 0.9), 6 if trial.quick else 24)


@must_fail
@simulation
def without_memories(trial):
    """The constants of sign descent in their place, which a few runs tell apart."""
    return against_runs(trial, sh.adam_constants(0, 0), 6)


constants = Claim(
    "Two constants of Adam with fixed memories",
    "Least squares, K diagonal, any spectrum: one for the drift of a mode and one for its noise.",
    source="symhigh's own",
    id="algorithms/adam-constants",
    evidence=[signs_alone, by_a_second_route, to_eight_digits],
    checks=[written_out, without_memories],
)


# --- rest --------------------------------------------------------------------------------------------------------
@symbolic
def at_rest():
    """Where a mode rests, and the level that this gives."""
    D = sp.Symbol("D", positive=True)
    (rest,) = sp.solve(-2 * g * drift * sp.sqrt(lam) * D / root + g**2 * noise, D)
    yield equal(rest, g * noise * root / (2 * drift * sp.sqrt(lam)))
    q = g * noise / drift * mean_root / 4
    level = q + sp.sqrt(q**2 + omega**2)
    yield equal(level**2, omega**2 + g * noise / (2 * drift) * mean_root * level)


SPECTRUM = sh.Spectrum.from_eigenvalues(VALUES)


@integrated(tolerance=1e-4)
def limits_by_the_rule(trial):
    """As memories grow the level becomes that of the rule whose memories forget within d steps, from its limits."""
    floor = float(sh.limits(sh.least_squares(LEVEL), sh.Adam(RATE, 2, 1, 1), SPECTRUM)["risk"].evaluate())
    found = [level_of(sh.adam_constants(0.5, 1 - h)) for h in (5e-4, 1e-3)]
    yield Measured("R extrapolated", 2 * found[0] - found[1]), Measured("R of the rule", floor), {}


def level_of(constants):
    """The risk at rest."""
    q = RATE * constants.noise / constants.drift * np.sqrt(VALUES).mean() / 4
    return (q + np.sqrt(q**2 + LEVEL**2)) ** 2 / 2


rest = Claim(
    "Where Adam with fixed memories rests",
    "Least squares, K diagonal, any spectrum, at the constants of the drift and of the noise.",
    source="symhigh's own",
    id="algorithms/adam-floor",
    evidence=[at_rest],
    checks=[limits_by_the_rule],
)
