"""When SGD leaves a saddle that its limit never leaves.

Near a saddle of a loss that does not see the sign of X the overlap ``u = √d m`` obeys ``du = μu dt + σ dW``, so it
becomes ``s N e^{μt}`` with ``s² = Var u(0) + σ²/(2μ)``, N standard normal. The time to a level is therefore
``T = log(d)/(2μ) - log(s|N|)/μ + A``: its standard deviation π/(2√2 μ) is the same at every d. symhigh's own.

Phase retrieval, K = I, at rest at ``q = ‖X‖²``: ``μ = 3γ(1 - q)``, ``σ² = γ²(15q³ - 18q² + 15q)``, and from a small
overlap on the limit ``ṁ = 3γ(1 - p)m``, ``ṗ = -2γ((3p - 1)p - 2m²) + γ²(15p³ - 6p² + 3p - 24pm² + 12m²)``.
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, simulation, symbolic

s, mu, size = sp.symbols("s mu d", positive=True)
ISOTROPIC = sh.Spectrum.isotropic()
PROBLEM = sh.phase_retrieval()


# --- the law -----------------------------------------------------------------------------------------------------
MOMENT = 2 ** (s / 2) * sp.gamma((s + 1) / 2) / sp.sqrt(sp.pi)
"""``E|N|^s``."""


@symbolic(simplify=lambda e: sp.simplify(sp.expand_func(e)))
def moments_of_the_logarithm():
    """E log|N| = -(γ_E + log 2)/2 and Var log|N| = π²/8, from the cumulants of ``E|N|^s`` at s = 0."""
    first, second = (sp.diff(sp.log(MOMENT), s, n).subs(s, 0) for n in (1, 2))
    yield equal(first, -(sp.EulerGamma + sp.log(2)) / 2)
    yield equal(second, sp.pi**2 / 8)


@integrated(tolerance=1e-12)
def deviation_of_the_time(trial):
    """The standard deviation that ``escape`` gives is √(π²/8)/μ, and its mean grows by log(d)/(2μ)."""
    found = sh.escape(PROBLEM, sh.Constant(float(trial.rng.uniform(0.08, 0.12))), ISOTROPIC, sh.Start(0.35, 1, 0))
    yield Measured("std", found.std), sp.sqrt(sp.pi**2 / 8) / mu, {mu: found.rate}
    pace = found.mean(8000, 0.4) - found.mean(500, 0.4)
    yield Measured("mean(8000) - mean(500)", pace), sp.log(size) / (2 * mu), {mu: found.rate, size: 16}


# --- phase retrieval ---------------------------------------------------------------------------------------------
def by_hand(rate, dims, level):
    """μ, s and the mean times to the level, for a random start of the norm at rest."""
    q = np.roots([15 * rate, -6 - 6 * rate, 2 + 3 * rate]).real.min()
    growth = 3 * rate * (1 - q)
    spread = np.sqrt(q + rate**2 * (15 * q**3 - 18 * q**2 + 15 * q) / (2 * growth))

    def flow(_, y):
        p, m = y
        noise = 15 * p**3 - 6 * p**2 + 3 * p - 24 * p * m**2 + 12 * m**2
        return [-2 * rate * ((3 * p - 1) * p - 2 * m**2) + rate**2 * noise, 3 * rate * (1 - p) * m]

    def reached(_, y):
        return y[1] - level

    reached.terminal = True
    small = 1e-7
    path = solve_ivp(flow, (0, 40 / growth), [q, small], "DOP853", events=reached, rtol=1e-11, atol=1e-14)
    A = path.t_events[0][0] + np.log(small) / growth
    log_normal = -(np.euler_gamma + np.log(2)) / 2
    times = [np.log(d) / (2 * growth) - (np.log(spread) + log_normal) / growth + A for d in dims]
    return growth, spread, np.array(times), q


@integrated(tolerance=1e-5)
def phase_retrieval(trial):
    """``escape`` against the formulas above, at three dimensions and a random rate."""
    rate = float(trial.rng.uniform(0.06, 0.13))
    growth, spread, times, q = by_hand(rate, (500, 2000, 8000), 0.5)
    found = sh.escape(PROBLEM, sh.Constant(rate), ISOTROPIC, sh.Start(q, 1, 0, random=True))
    where = {"gamma": rate}
    yield Measured("rate", found.rate), Measured("3γ(1 - q)", growth), where
    yield Measured("spread", found.spread), Measured("√(q + σ²/(2μ))", spread), where
    means = np.array([found.mean(d, 0.5) for d in (500, 2000, 8000)])
    yield Measured("mean times", means), Measured("log(d)/(2μ) - …", times), where


@integrated(tolerance=1e-3)
def without_noise(trial):
    """The spread of the start alone, the noise of the steps left out."""
    found = sh.escape(PROBLEM, sh.Constant(0.12), ISOTROPIC, sh.Start(0.3924437, 1, 0, random=True))
    yield Measured("spread", found.spread), Measured("√q", np.sqrt(0.3924437)), {}


# --- runs --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Times:
    """First times of runs against their predicted mean and standard deviation; 4 standard errors allowed."""

    name: str
    seen: np.ndarray
    mean: float
    std: float

    @property
    def deviations(self):
        count = self.seen.size
        # log|N| has the fourth central moment 7π⁴/64, so a standard deviation has the relative error 0.87/√count
        return (
            (self.seen.mean() - self.mean) / self.std * np.sqrt(count),
            (self.seen.std(ddof=1) / self.std - 1) / 0.87 * np.sqrt(count),
        )

    @property
    def stated(self):
        return "mean and standard deviation of the times of escape are those predicted, up to 4 standard errors"

    @property
    def agrees(self):
        return bool(np.abs(self.deviations).max() < 4)

    def summary(self):
        mean, std = self.deviations
        return f"{self.name}: mean off by {mean:.1f}, standard deviation by {std:.1f} standard errors"


@simulation
def runs_leave(trial):
    """|<X, X*>| ≥ .5 in runs of the exact chain at d = 500."""
    d, start, rule = 500, sh.Start(0.3, 1, 0, random=True), sh.Constant(0.12)
    law = sh.escape(PROBLEM, rule, ISOTROPIC, start)
    end = law.quantile(0.9999, d, 0.5) + 10
    grid, first = np.linspace(0, end, int(10 * end)), trial.seed % 10**6
    seeds = range(first, first + (100 if trial.quick else 300))
    runs = sh.simulate(PROBLEM, rule, ISOTROPIC, start, d, end, seeds, "gram", grid)
    reached = np.abs(runs.overlap) >= 0.5
    times = np.where(reached.any(axis=1), runs.t[np.argmax(reached, axis=1)], end) - 0.05
    return Times(f"d = {d}", times, law.mean(d, 0.5), law.std)


law = Claim(
    "The law of the escape from a saddle",
    source="symhigh's own",
    id="beyond/escape-law",
    evidence=[moments_of_the_logarithm, deviation_of_the_time],
)
from_phase_retrieval = Claim(
    "Escape in phase retrieval",
    "By the closed forms of rest, growth and noise; runs of the exact chain.",
    source="symhigh's own",
    id="beyond/escape-phase-retrieval",
    evidence=[phase_retrieval, runs_leave],
    checks=must_fail(without_noise, title="no noise of the steps"),
)
