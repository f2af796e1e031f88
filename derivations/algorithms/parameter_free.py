"""DoG and a D-Adaptation on least squares: the one more direction X₀, the running maxima, and runs of SGD.

With e = ‖X - X*‖² and m = ‖X - X₀‖², K = I, P = e + ω², the limit is

    de/dt = -2γe + γ²P,      dm/dt = -γ(m + e - e₀) + γ²P,      e₀ = ‖X₀ - X*‖²,

because ``2<X - X₀, X - X*> = m + e - e₀``. DoG has γ = r/√G with r² the largest m so far, at least r₀², and dG/dt = P;
the D-Adaptation has γ = v D with D the largest of ``(m - N)/(2√m)`` so far, at least D₀, and dN/dt = γ²P.
"""

import numpy as np
import sympy as sp
from _by_hand import MeanOfRuns, sgd, with_running_maximum

import symhigh as sh
from symhigh.closed.linear import total_derivative
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, simulation, symbolic
from symhigh.rule.parameter_free import ESTIMATE_0 as estimate
from symhigh.rule.parameter_free import GRADIENTS_0 as first
from symhigh.rule.parameter_free import RADIUS as radius
from symhigh.rule.parameter_free import SPEED as speed
from symhigh.symbols import V11, V12, gamma, gradient_noise, lam, tau

noise, e, m, e0 = sp.symbols("omega e m e_0", positive=True)
PROBLEM = sh.least_squares(noise)
DOG, ADAPTED = sh.derive(PROBLEM, sh.DoG(radius, first)), sh.derive(PROBLEM, sh.DAdaptation(speed, estimate))
TIMES = (0.5, 1.0, 2.0, 4.0)
SIZE = 256
"""The dimension of the runs: at half of it the bias of DoG exceeds 4/d."""
LEVEL = 0.5


# --- the laws ----------------------------------------------------------------------------------------------------
@symbolic
def distance_moved():
    """dm/dt = -2γ avg λ(V11 - V12 - V10 + V20) + γ²τI for any K, and -γ(m + e - e₀) + γ²I for K = I."""
    for system in (DOG, ADAPTED):
        names = {r.summand: r.name for r in system.reductions}
        V10, V20, V00 = (s for s in (*system.family.states, *system.family.coefficients) if "0" in s.name)
        B11, B12, B10, B20 = (names[v * lam] for v in (V11, V12, V10, V20))
        moved = total_derivative(system, system.outputs["moved"])
        yield equal(moved, -2 * gamma * (B11 - B12 - B10 + B20) + gamma**2 * tau * gradient_noise)
        V22 = next(s for s in system.family.coefficients if s.name == "V22")
        square = {V11: m + 2 * V10 - V00, V12: (m + 2 * V10 - V00 + V22 - e) / 2}
        alike = {V20: (V00 + V22 - e0) / 2}
        inner = (V11 - V12 - V10 + V20).subs(square).subs(alike)  # of all modes alike, λ = 1
        yield equal(2 * inner, m + e - e0)


@symbolic
def memories_of_dog():
    """dG/dt = τI from b², r² from r₀², and γ = r/√G where the maximum stands."""
    far, total = DOG.states
    yield equal(total.rhs, tau * gradient_noise)
    yield equal(total.initial, first**2)
    yield equal(far.initial, radius**2)
    lead = next(s.name for s in DOG.scalars if s.name.name.startswith("lead"))
    yield equal(DOG.scalar("gamma").subs(lead, -1), sp.sqrt(far.name) / sp.sqrt(total.name))


@symbolic
def memories_of_adaptation():
    """dN/dt = γ²τI from 0, D from D₀, and γ = vD where the maximum stands."""
    best, spent = ADAPTED.states
    lead = next(s.name for s in ADAPTED.scalars if s.name.name.startswith("lead"))
    held = {lead: -1, best.name: sp.Symbol("D", positive=True)}
    yield equal(spent.rhs.subs(held), (speed * held[best.name]) ** 2 * tau * gradient_noise)
    yield equal(spent.initial, 0)
    yield equal(best.initial, estimate)
    yield equal(ADAPTED.scalar("gamma").subs(held), speed * held[best.name])


# --- by hand, one eigenvalue ----------------------------------------------------------------------------------------
def dog_by_hand(r0, b, level, damping=1.0):
    """(γ, e) at the times; ``damping`` other than one is a planted mistake in the drift of m."""

    def drift(y, top):
        distance, moved, total = y
        g, power = np.sqrt(top / total), distance + level**2
        fall = -2 * g * distance + g**2 * power
        return fall, -damping * g * (moved + distance - 1) + g**2 * power, power

    found = with_running_maximum(drift, lambda y: y[1], r0**2, np.array([1.0, 0.0, b**2]), TIMES)
    return np.array([(np.sqrt(top / y[2]), y[0]) for y, top in found])


def adapted_by_hand(v, d0, level):
    """(γ, e) at the times."""

    def drift(y, top):
        distance, moved, _ = y
        g, power = v * top, distance + level**2
        return -2 * g * distance + g**2 * power, -g * (moved + distance - 1) + g**2 * power, g**2 * power

    def bound(y):
        return (y[1] - y[2]) / (2 * np.sqrt(max(y[1], 1e-300)))

    found = with_running_maximum(drift, bound, d0, np.array([1.0, 0.0, 0.0]), TIMES)
    return np.array([(v * top, y[0]) for y, top in found])


def curve_of(rule, level=LEVEL):
    """(γ, e) of the library's curve at the times."""
    curve = sh.derive(sh.least_squares(level), rule).solve(
        sh.Spectrum.isotropic(), sh.Start(), TIMES[-1], t=TIMES, rtol=1e-10
    )
    return np.stack([curve.learning_rate, curve.distance], axis=1)


@integrated(tolerance=1e-7)
def dog_curves(trial):
    """Learning rate and distance, ever farther and on the way back."""
    for r0, b, level in ((0.2, 0.3, 0.5), (0.7, 0.2, 1.0)):
        found, by_hand = curve_of(sh.DoG(r0, b), level), dog_by_hand(r0, b, level)
        yield Measured("γ, ‖X - X*‖² of DoG", found), Measured("by hand", by_hand), {"r_0": r0, "b": b}


@integrated(tolerance=1e-3)
def dog_with_half_the_drift(trial):
    """With half of the drift of m."""
    yield curve_of(sh.DoG(0.2, 0.3)), dog_by_hand(0.2, 0.3, LEVEL, damping=0.5)


@integrated(tolerance=1e-7)
def adapted_curves(trial):
    """Learning rate and distance."""
    for v, d0 in ((3.0, 0.1), (1.0, 0.01)):
        found, by_hand = curve_of(sh.DAdaptation(v, d0)), adapted_by_hand(v, d0, LEVEL)
        yield Measured("γ, ‖X - X*‖² of the D-Adaptation", found), Measured("by hand", by_hand), {"v": v, "D_0": d0}


# --- runs -----------------------------------------------------------------------------------------------------------
def against_runs(trial, rate, memory, limit):
    runs = 24 if trial.quick else 64
    found = sgd(rate, memory, LEVEL, SIZE, runs, TIMES, trial.rng)
    return MeanOfRuns(found.mean(axis=0), found.std(axis=0) / np.sqrt(runs), limit, SIZE)


@simulation
def dog_runs(trial):
    """SGD written out, with the maximum over its own path."""

    def rate(memory, moved, square):
        far, total = np.maximum(memory[0], moved), memory[1] + square / SIZE**2
        return np.sqrt(far / total), (far, total)

    return against_runs(trial, rate, (0.04, 0.09), dog_by_hand(0.2, 0.3, LEVEL))


@simulation
def adapted_runs(trial):
    """SGD written out, with the largest of its own bounds."""

    def rate(memory, moved, square):
        bound = (moved - memory[1]) / (2 * np.sqrt(np.maximum(moved, 1e-300)))
        best = np.maximum(memory[0], np.where(moved > 0, bound, 0.0))
        g = 3.0 * best
        return g, (best, memory[1] + (g / SIZE) ** 2 * square)

    return against_runs(trial, rate, (0.1, 0.0), adapted_by_hand(3.0, 0.1, LEVEL))


dog = Claim(
    "DoG on least squares",
    "Its laws are proved, its curves verified for one eigenvalue.",
    source="symhigh; the rule of arXiv 2302.12022",
    id="algorithms/dog",
    evidence=[distance_moved, memories_of_dog, dog_curves],
    checks=[dog_runs, must_fail(dog_with_half_the_drift)],
)
adaptation = Claim(
    "A D-Adaptation on least squares",
    "Its laws are proved, its curves verified for one eigenvalue.",
    source="symhigh; after arXiv 2301.07733",
    id="algorithms/d-adaptation",
    evidence=[distance_moved, memories_of_adaptation, adapted_curves],
    checks=[adapted_runs],
)
