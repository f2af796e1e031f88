"""Many combinations of loss, rule, model, noise and population, small ones: what the tables of the rooms go over."""

from __future__ import annotations

import random
import re
from typing import Any

import sympy as sp

import symhigh as sh
from tests import matrix

t = sh.t
TWO = (sh.Spectrum.from_eigenvalues([1.5, 0.5], [0.4, 0.6]), sh.Start(0.5, 1, 0.2))
NOISY = sh.least_squares(0.3)
RULES: dict[str, sh.Rule] = {
    "Polyak": sh.Polyak(),
    "stochastic Polyak": sh.StochasticPolyak(),
    "capped Polyak": sh.StochasticPolyak(0.8, 0.7),
    "distance threshold": sh.DistanceThreshold(0.6),
    "risk threshold": sh.RiskThreshold(0.6),
    "RMSprop-Norm": sh.RMSpropNorm(0.4, 0.8, 1.5),
    "delayed AdaGrad-Norm": sh.DelayedAdaGradNorm(0.9, 0.7, 0.8),
    "DoG": sh.DoG(0.2, 0.7),
    "D-adaptation": sh.DAdaptation(0.3, 0.2),
    "warm-up": sh.WarmUp(sh.Constant(0.6), 0.5),
    "cosine": sh.cosine(0.7, 2, 0.1),
    "steps": sh.Schedule(sp.Rational(3, 10) * (1 + sp.Heaviside(1 - t))),
    "falling": sh.Schedule(0.6 / sp.sqrt(1 + t)),
    "drifting": sh.Drifting(sh.Constant(0.4), 0.3),
    "modulated": sh.Modulated(sh.AdaGradNorm(0.7, 0.9), 1 / (1 + t)),
    "decayed average": sh.Averaged(sh.Constant(0.4), 0.7),
}
LOSSES: dict[str, sh.Problem] = {
    "pseudo-Huber": sh.pseudo_huber(0.8, 0.4),
    "erf": sh.erf_student(0.3),
    "ReLU": sh.relu_student(0.3),
    "sign": sh.sign_regression(0.3),
    "Hermite": sh.hermite_student(2, 0.2),
    "sine": sh.student(sp.sin, 0.2, sp.tanh),
    "phase": sh.phase_retrieval(),
    "absolute phase": sh.absolute_phase_retrieval(),
    "logistic, sampled": sh.logistic_regression(sampled=True),
    "probit": sh.probit_regression(),
    "hinge": sh.hinge(0.1),
    "Laplace": sh.least_squares(sh.Laplace(0.4)),
    "Student": sh.huber(0.8, sh.StudentT(5, 0.4)),
    "Rademacher": sh.huber(0.8, sh.Rademacher(0.4)),
    "contaminated": sh.least_squares(sh.Contaminated(sh.Gaussian(0.2), sh.Gaussian(1.5), 0.1)),
}
CHOSEN = {("SGD", "linear"), ("momentum", "linear"), ("SGD", "committee")}
"""Rule and model of which all losses are taken."""


def combinations() -> dict[str, tuple[sh.Problem, sh.Rule, tuple[Any, ...]]]:
    """By name: problem, rule, and what stands for spectrum and start."""
    found = {}
    for rule, loss, model in matrix.places():
        if (loss == "square" and model != "committee") or (rule, model) in CHOSEN:
            own = matrix.problem_of(loss, model), matrix.RULES[rule], matrix.POPULATIONS[model]
            found[f"{rule}, {loss}, {model}"] = own
    found |= {f"{name}, square": (NOISY, rule, TWO) for name, rule in RULES.items()}
    found |= {f"AdaGrad-Norm, {name}": (problem, sh.AdaGradNorm(0.8, 0.9), TWO) for name, problem in LOSSES.items()}
    return found


def somewhere(symbol: sp.Symbol) -> sp.Rational:
    """A value for a symbol by its name; products of two different vectors are small, so that covariances exist."""
    crossed = re.fullmatch(r"[A-Z]+\d*12|.*_\d\d+", symbol.name)
    return sp.Rational(random.Random(symbol.name).randrange(40, 90), 400 if crossed else 100)
