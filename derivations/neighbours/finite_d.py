"""Least squares at finite d: the expected risk of one-pass SGD, exactly, for any dimension and batch size.

With e = X - X* and m fresh samples a step, ``e⁺ = e - (γ/(dm)) Σ_j (<a_j, e> - ε_j) a_j``, a_j ~ N(0, K). Given e,

    E aaᵀe = Ke,     E aaᵀ M aaᵀ = 2KMK + K Tr(KM),     so with M = eeᵀ over m samples
    E ÂMÂ = (1 + 1/m) KMK + (1/m) K Tr(KM),     Â = (1/m) Σ a_j a_jᵀ,

and label noise adds (γ/d)²(ω²/m)K. In the eigenbasis the diagonal closes on itself: with c_i = E e_i²,

    c_i⁺ = α_i c_i + (2γ²/(md²)) λ_i R,     α_i = 1 - 2γλ_i/d + (1 + 1/m)γ²λ_i²/d²,     R = ½Σλ_i c_i + ω²/2,

hence the discrete Volterra equation

    R_k = ω²/2 + ½ Σ_i λ_i c_i(0) α_i^k + (γ²/(md²)) Σ_{l<k} Σ_i λ_i² α_i^{k-1-l} R_l.

No limit is taken. Summed over k: stability iff ``S = (γ/(md)) Σ_i λ_i/(2 - (1 + 1/m)γλ_i/d) < 1`` (all terms
positive), and the floor is ``ω²/(2(1 - S))``. As d → ∞ with k = td it becomes the Volterra equation of the limit.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.ledger import Claim, Measured, equal, integrated, simulation, symbolic
from symhigh.symbols import D2, batch_size, d, gamma, gradient_noise, lam

g, w, m, time = sp.symbols("gamma_0 omega m t", positive=True)
ALPHA = 1 - 2 * g * lam / d + (1 + 1 / m) * g**2 * lam**2 / d**2
KERNEL = g**2 / (m * d**2) * lam**2
"""Times ``ALPHA**r``, and summed over the modes: the memory of the risk r steps back."""


# --- one step ----------------------------------------------------------------------------------------------------
def expected(polynomial, variances):
    """The expectation of a polynomial in independent centred Gaussians, by E z^{2k} = (2k - 1)!! v^k."""
    terms = sp.Poly(sp.expand(polynomial), *variances).terms()
    total = sp.S.Zero
    for powers, coefficient in terms:
        if all(p % 2 == 0 for p in powers):
            moments = (
                sp.factorial2(p - 1) * v ** (p // 2) for p, v in zip(powers, variances.values(), strict=True)
            )
            total += coefficient * sp.prod(moments)
    return total


def one_step(size, batch):
    """``E (e_i⁺)²`` given e, for every i, from the update itself; with the eigenvalues and e."""
    values, e = sp.symbols(f"lambda_1:{size + 1}", positive=True), sp.symbols(f"e_1:{size + 1}", real=True)
    a = [[sp.Symbol(f"a_{j}_{i}", real=True) for i in range(size)] for j in range(batch)]
    noises = [sp.Symbol(f"eps_{j}", real=True) for j in range(batch)]
    variances = {a[j][i]: values[i] for j, i in product(range(batch), range(size))}
    variances |= dict.fromkeys(noises, w**2)
    residuals = [
        sum(x * y for x, y in zip(row, e, strict=True)) - n for row, n in zip(a, noises, strict=True)
    ]
    moved = [
        e[i] - g / (size * batch) * sum(r * row[i] for r, row in zip(residuals, a, strict=True))
        for i in range(size)
    ]
    return [expected(x**2, variances) for x in moved], values, e


@symbolic
def from_the_update():
    """d = 1, 2, 3 with m = 1, and d = 1, 2 with m = 2, 3 and 2: the squares of the new error, term by term."""
    for size, batch in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 2)):
        found, values, e = one_step(size, batch)
        risk = sum(v * x**2 for v, x in zip(values, e, strict=True)) / 2 + w**2 / 2
        at = {m: batch, d: size}
        for square, value, x in zip(found, values, e, strict=True):
            stated = ALPHA.subs(lam, value) * x**2 + 2 * g**2 / (m * d**2) * value * risk
            yield equal(square, stated.subs(at))


@symbolic
def for_any_dimension():
    """Given e, (a, r) of a sample are Gaussian, r = e a + s with s independent, Var s = 2R - λe²: any d and m."""
    e, a, s, risk = sp.Symbol("e", real=True), *sp.symbols("a s", real=True), sp.Symbol("R", positive=True)
    spread = {a: lam, s: 2 * risk - lam * e**2}
    first, second = (expected(((e * a + s) * a) ** power, spread) for power in (1, 2))  # E ra, E (ra)²
    push = second / m + (1 - 1 / m) * first**2  # of the mean over m independent samples
    square = e**2 - 2 * g / d * first * e + (g / d) ** 2 * push
    yield equal(first, lam * e)
    yield equal(square, ALPHA * e**2 + 2 * g**2 / (m * d**2) * lam * risk)


@symbolic
def recursion_is_the_volterra_equation():
    """Three steps of the recursion in two modes, against the equation for the risk alone."""
    values, starts = sp.symbols("lambda_1:3", positive=True), sp.symbols("c_1:3", positive=True)
    at, c, risks = {d: 2}, list(starts), []
    for k in range(4):
        risks.append(sum(v * x for v, x in zip(values, c, strict=True)) / 2 + w**2 / 2)
        memory = sum(
            KERNEL.subs(lam, v) * ALPHA.subs(lam, v) ** (k - 1 - l) * risks[l]
            for v in values
            for l in range(k)
        )
        forcing = sum(v * x * ALPHA.subs(lam, v) ** k for v, x in zip(values, starts, strict=True)) / 2
        yield equal(risks[k], (w**2 / 2 + forcing + memory).subs(at))
        c = [
            (ALPHA.subs(lam, v) * x + 2 * g**2 / (m * d**2) * v * risks[k]).subs(at)
            for v, x in zip(values, c, strict=True)
        ]


def expected_risk(values, start, rate, noise, batch, steps):
    """R_0, …, R_steps of the discrete Volterra equation; ``start`` holds e_i(0)²."""
    size = values.size
    alpha = np.array(sp.lambdify((lam, g, m, d), ALPHA)(values, rate, batch, size))
    powers = alpha[None, :] ** np.arange(steps + 1)[:, None]
    kernel = powers @ np.array(sp.lambdify((lam, g, m, d), KERNEL)(values, rate, batch, size))
    forcing = noise**2 / 2 + powers @ (values * start) / 2
    risk = np.empty(steps + 1)
    for k in range(steps + 1):
        risk[k] = forcing[k] + kernel[:k][::-1] @ risk[:k]
    return risk


@dataclass(frozen=True)
class MeanOfRuns:
    """The mean over independent runs against an exact expectation, at a few times; 5 standard errors allowed."""

    name: str
    deviations: np.ndarray

    @property
    def stated(self):
        return "the mean risk of runs is that of the equation up to 5 standard errors"

    @property
    def agrees(self):
        return bool(np.abs(self.deviations).max() < 5)

    def summary(self):
        worst = np.abs(self.deviations).max()
        return f"{self.name}: within {worst:.1f} standard errors at {self.deviations.size} times"


RATE, NOISE = 0.4, 0.6
START = sh.Start(x0=0.5)


def deviations(size, batch, risks):
    """How many standard errors the mean of ``risks``, (runs, steps + 1), is off the equation, for every step."""
    spectrum = sh.Spectrum.from_eigenvalues(np.linspace(0.4, 1.6, size))
    first, target = START.vectors(spectrum, size)
    error = (first - target) ** 2
    exact = expected_risk(spectrum.eigenvalues(size), error, RATE, NOISE, batch, risks.shape[1] - 1)
    gaps, spread = risks.mean(axis=0) - exact, risks.std(axis=0) / np.sqrt(risks.shape[0])
    return MeanOfRuns(f"d = {size}, m = {batch}", gaps[1:] / spread[1:])


@simulation
def simulated_runs(trial):
    """d = 2 and 5, batches 1 and 3: the mean over 600 runs of the library's direct SGD, for two units of time."""
    found = []
    seeds = range(trial.seed % 10**6, trial.seed % 10**6 + (300 if trial.quick else 600))
    for size, batch in ((2, 1), (5, 3)):
        spectrum = sh.Spectrum.from_eigenvalues(np.linspace(0.4, 1.6, size))
        rule, grid = sh.MiniBatch(sh.Constant(RATE), batch), np.arange(2 * size + 1) / size
        problem = sh.least_squares(NOISE)
        runs = sh.simulate(problem, rule, spectrum, START, size, 2.0, seeds, method="direct", t=grid)
        found.append(deviations(size, batch, runs.risk))
    return found


@simulation
def many_runs(trial):
    """d = 2, 5, 12, batches 1 and 3: the mean over 40 000 runs of the update written out, for two units of time."""
    found = []
    rng, count = trial.rng, 10_000 if trial.quick else 40_000
    for size, batch in ((2, 1), (5, 1), (12, 1), (5, 3)):
        values = np.linspace(0.4, 1.6, size)
        first, target = START.vectors(sh.Spectrum.from_eigenvalues(values), size)
        e, risks = np.tile(first - target, (count, 1)), np.empty((count, 2 * size + 1))
        for k in range(2 * size + 1):
            risks[:, k] = e**2 @ values / 2 + NOISE**2 / 2
            step = np.zeros_like(e)
            for _ in range(batch):
                a = np.sqrt(values) * rng.standard_normal(e.shape)
                residual = (a * e).sum(axis=1) - NOISE * rng.standard_normal(count)
                step += residual[:, None] * a
            e = e - RATE / (size * batch) * step
        found.append(deviations(size, batch, risks))
    return found


equation = Claim(
    "The exact discrete Volterra equation",
    "One step at any dimension and batch; the equation for the first steps in two modes, the others by induction.",
    id="finite-d/equation",
    evidence=[for_any_dimension, from_the_update, recursion_is_the_volterra_equation, many_runs, simulated_runs],
)


# --- threshold and floor -----------------------------------------------------------------------------------------
SUM = KERNEL / (1 - ALPHA)
"""The kernel summed over all steps, in one mode."""


@symbolic
def summed_kernel():
    """The geometric series: (γ²/(md²))λ²/(1 - α) = (γ/(md)) λ/(2 - (1 + 1/m)γλ/d); d = m = 1: stable iff γλ < 2/3."""
    yield equal(SUM, g / (m * d) * lam / (2 - (1 + 1 / m) * g * lam / d))
    alone = SUM.subs({d: 1, m: 1})
    yield equal(alone.subs(lam, 2 / (3 * g)), 1)
    yield equal(sp.limit(d * SUM, d, sp.oo), g * lam / (2 * m))  # in the limit γτ/(2m) < 1


@integrated(tolerance=1e-10)
def floor(trial):
    """The risk of the equation after many steps is ω²/(2(1 - S)), for random spectra in d = 1 to 6."""
    for size in range(1, 7):
        values, batch = trial.rng.uniform(0.5, 1.5, size), int(trial.rng.integers(1, 4))
        rate = 0.5 * batch / (1 + batch)
        sums = sp.lambdify((lam, g, m, d), SUM)(values, rate, batch, size).sum()
        late = expected_risk(values, np.ones(size), rate, 0.8, batch, 400 * size)
        yield Measured("R of the equation late", late[-1]), Measured("ω²/(2(1 - S))", 0.32 / (1 - sums)), {
            "eigenvalues": values, "m": batch,
        }  # fmt: skip


stability = Claim(
    "Threshold and floor at finite dimension",
    id="finite-d/threshold",
    evidence=[summed_kernel, floor],
)


# --- the limit ---------------------------------------------------------------------------------------------------
@symbolic
def kernels_become_the_limits():
    """With k = td: d times the kernel → γ²/m · λ²e^{-2γλt}, α^k → e^{-2γλt}: the library's Volterra form."""
    system = sh.derive(sh.least_squares(w), sh.MiniBatch(sh.Constant(g), batch_size))
    form, held = volterra(sh.derive(sh.least_squares(w), sh.Constant(g))), {CLOCK: g * time}
    size, at = sp.Symbol("lambda_1", positive=True), {lam: sp.Symbol("lambda_1", positive=True)}
    decay = sp.limit((ALPHA.subs(at)) ** (time * d), d, sp.oo)
    yield equal(decay, sp.exp(-2 * g * size * time))
    yield equal(
        sp.limit(d**2 * KERNEL, d, sp.oo).subs(at) * decay,
        (g**2 * form.kernel.summand / m).subs(held).subs(at),
    )
    yield equal(size * D2 * decay / 2, form.forcing.summand.subs(held).subs(at))
    (rhs,) = system.family.rhs
    yield equal(sp.diff(rhs, gradient_noise), lam * gamma**2 / batch_size)


@integrated(tolerance=0.02)
def one_over_d(trial):
    """d (R_d - R) at t = 3 settles: d = 128, 256, 512 with two eigenvalues, against the limit, batches 1 and 4."""
    spectrum = sh.Spectrum.from_eigenvalues([0.5, 1.5])
    for batch in (1, 4):
        rule = sh.MiniBatch(sh.Constant(0.7), batch)
        limit = sh.derive(sh.least_squares(0.5), rule).solve(spectrum, sh.Start(), 3.0, t=[3.0], rtol=1e-11)
        scaled = []
        for size in (128, 256, 512):
            values, start = np.repeat([0.5, 1.5], size // 2), np.full(size, 1 / size)
            risk = expected_risk(values, start, 0.7, 0.5, batch, 3 * size)[-1]
            scaled.append(size * (risk - limit.risk[0]))
        for k in (0, 1):
            one, other = (Measured(f"d(R_d - R) at d = {128 * 2**n}", scaled[n]) for n in (k, k + 1))
            yield one, other, {"m": batch}


limit = Claim(
    "The limit of the exact equation, at the rate of the inverse dimension",
    id="finite-d/limit",
    evidence=[kernels_become_the_limits, one_over_d],
)
