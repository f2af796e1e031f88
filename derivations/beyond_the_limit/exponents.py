"""Compute-optimal exponents of power-law random features: three phases, from the monomials of the derived risk.

Features of standard deviation j^{-α}, a target of coefficients j^{-β}, d random features of them and r steps of SGD at
a small constant rate. Over the modes λ = j^{-2α} the Volterra form of least squares has the tails

    target r^{-(2α+2β-1)/(2α)},   noise (the kernel) r^{-2+1/(2α)},   leakage d^{-1} r^{-1+1/(2α)},
    capacity d^{-2α+max(0, 1-2β)},

where leakage, present for 2β > 1, and capacity are what d random features do (arXiv 2405.15074), an assumption here.
The risk is of the order of the largest. With d = f^x, r = f^{1-x} each is linear in x, so the least of the largest is
where one that rises in x meets one that falls and all others are below:

    I    2β < 1       target = capacity,   d ~ f^{1/(2α+1)},     risk ~ f^{-(2α+2β-1)/(2α+1)}
    II   1 < 2β < 2α  target = leakage,    d ~ f^{β/(α+β)},      risk ~ f^{-(2α+2β-1)/(2(α+β))}
    III  β > α        noise = leakage,     d ~ f^{1/2},          risk ~ f^{-(4α-1)/(4α)}
"""

import warnings

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.closed.exponents import ALPHA as alpha
from symhigh.closed.exponents import BETA as beta
from symhigh.closed.exponents import monomials
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic

HALF = sp.Rational(1, 2)
IN = {"I": (0.8, 0.3), "II": (1.0, 0.7), "III": (0.8, 1.3)}
FOUND = {phase: sh.compute_optimal(*place) for phase, place in IN.items()}


def below(phase, name):
    """The exponent of the risk less that of another of its terms, at the best split of the phase."""
    x, risk = (FOUND[phase].formulas[key] for key in ("parameters", "risk"))
    (term,) = (m for m in monomials(phase != "I") if m.name == name)
    return risk - term.parameters * x - term.steps * (1 - x)


@symbolic
def tails():
    """Terms of the risk in the number of steps, from the derived Volterra form."""
    steps = {m.name: m.steps for m in monomials(True)}
    yield equal(steps["target"], -(2 * alpha + 2 * beta - 1) / (2 * alpha))
    yield equal(steps["noise"], -2 + 1 / (2 * alpha))
    yield equal(steps["leakage"], -1 + 1 / (2 * alpha))


@symbolic
def splits():
    """Exponents of the best number of parameters and of the risk, phase by phase."""
    first, second, third = (FOUND[phase].formulas for phase in IN)
    total = 2 * alpha + 2 * beta - 1
    yield equal(first["parameters"], 1 / (2 * alpha + 1))
    yield equal(first["risk"], -total / (2 * alpha + 1))
    yield equal(second["parameters"], beta / (alpha + beta))
    yield equal(second["risk"], -total / (2 * (alpha + beta)))
    yield equal(third["parameters"], HALF)
    yield equal(third["risk"], -(4 * alpha - 1) / (4 * alpha))


@symbolic
def borders():
    """How far the other terms are below the risk: products that change sign on the lines between the phases alone."""
    yield equal(below("I", "noise"), 2 * (alpha - beta) / (2 * alpha + 1))
    yield equal(below("II", "noise"), (alpha - beta) / (alpha + beta))
    yield equal(below("II", "capacity"), (2 * alpha - 1) * (2 * beta - 1) / (2 * (alpha + beta)))
    yield equal(below("III", "target"), (beta - alpha) / (2 * alpha))
    yield equal(below("III", "capacity"), (2 * alpha - 1) ** 2 / (4 * alpha))


# --- random features ---------------------------------------------------------------------------------------------
STEPS = np.geomspace(10, 1e6, 50)
DIMS = np.unique(np.round(2 ** np.arange(3, 8.6, 0.5)).astype(int))


def risk_of_features(a, b, d, rng, size=2048):
    """The derived risk of d random features of ``size`` modes, at the steps; what they cannot express is noise."""
    j = np.arange(1, size + 1.0)
    variance, target = j ** (-2 * a), j**-b
    W = rng.standard_normal((size, d)) / np.sqrt(d)
    values, vectors = np.linalg.eigh(W.T @ (variance[:, None] * W))
    pull = vectors.T @ (W.T @ (variance * target))
    best = pull / values
    rest = np.sqrt(target @ (variance * target) - pull @ best)
    spectrum, start = sh.Spectrum.from_eigenvalues(values), sh.Start.from_vectors(np.zeros(d), best)
    system = sh.derive(sh.least_squares(float(rest)), sh.Constant(d / (2 * values.sum())))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.EffectiveDimensionWarning)
        return system.solve(spectrum, start, STEPS[-1] / d, t=[0, *(STEPS / d)], rtol=1e-6).risk[1:]


def frontier(phase, copies, rng):
    """The slopes of log d and of the log risk against log f at the least risk of f flops, over the dimensions."""
    risks = [[np.log(risk_of_features(*IN[phase], d, rng)) for d in DIMS] for _ in range(copies)]
    surface, found = np.mean(risks, axis=0), []
    for flops in np.geomspace(3e3, 3e5, 12):
        heights = np.array([np.interp(np.log(flops / d), np.log(STEPS), r) for d, r in zip(DIMS, surface, strict=True)])
        at = int(np.argmin(heights))
        near = slice(max(0, at - 3), at + 4)
        fit = np.polyfit(np.log(DIMS[near]), heights[near], 2)
        place = -fit[1] / (2 * fit[0])
        found.append((np.log(flops), place, np.polyval(fit, place)))
    logs = np.array(found).T
    return tuple(np.polyfit(logs[0], line, 1)[0] for line in logs[1:])


@integrated(tolerance=0.05)
def first_frontier(trial):
    """The least of integrated risks over a grid of dimensions, with features drawn at random: the first phase."""
    size, risk = frontier("I", 3, trial.rng)
    point = dict(zip((alpha, beta), IN["I"], strict=True))
    yield Measured("exponent of d", size), FOUND["I"].formulas["parameters"], point
    yield Measured("exponent of the risk", risk), FOUND["I"].formulas["risk"], point


@integrated(tolerance=0.1)
def second_frontier(trial):
    """The same in the second phase, where the powers are reached more slowly."""
    found = frontier("II", 3, trial.rng)
    known = FOUND["II"].parameters, FOUND["II"].risk
    for name, number, exponent in zip(("d", "the risk"), found, known, strict=True):
        yield Measured(f"exponent of {name}", number), Measured(f"its exponent at {IN['II']}", float(exponent))


@must_fail
@integrated(tolerance=0.1)
def frontier_elsewhere(trial):
    """The exponents of the third phase in the first."""
    size, _ = frontier("I", 1, trial.rng)
    yield Measured("exponent of d", size), FOUND["III"].formulas["parameters"]


phases = Claim(
    "Compute-optimal exponents of power-law random features",
    "Three phases by a tropical program; that features leak and end as they do is assumed.",
    source="symhigh's own derivation; phases as in arXiv 2405.15074",
    id="beyond/compute-optimal",
    seconds=300,
    domain={alpha: (HALF, 3), beta: (0, 3)},
    evidence=[tails, splits, borders],
    checks=[first_frontier, second_frontier, frontier_elsewhere],
)
