"""Closed forms of many combinations: values at one point, where they hold, and refusals; regression values."""

from pathlib import Path
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from tests.combinations import TWO
from tests.tables import Entry, check

omega = sp.Symbol("omega", positive=True)
RULES: dict[str, sh.Rule] = {
    "constant": sh.Constant(0.3),
    "symbol": sh.Constant(sp.Symbol("gamma_0", positive=True)),
    "AdaGrad-Norm": sh.AdaGradNorm(1.3, 0.6),
    "line search": sh.LineSearch(),
    "Polyak": sh.Polyak(),
    "stochastic Polyak": sh.StochasticPolyak(),
    "RMSprop-Norm": sh.RMSpropNorm(0.4, 0.8, 1.5),
    "1/√t": sh.Schedule(sp.Rational(1, 2) / sp.sqrt(1 + sh.t)),
    "1/t": sh.Schedule(sp.Rational(1, 2) / (1 + sh.t)),
    "1/t²": sh.Schedule(sp.Rational(1, 2) / (1 + sh.t) ** 2),
    "momentum": sh.Momentum(0.3, 0.5),
    "decay": sh.WeightDecay(sh.Constant(0.3), 0.1),
    "batch": sh.MiniBatch(sh.Constant(0.3), 2),
    "averaged": sh.Averaged(sh.Constant(0.3)),
    "DoG": sh.DoG(0.1, 1),
    "AdaGrad": sh.AdaGrad(0.5, 0.5),
    "RMSprop": sh.RMSprop(0.3, 1, 1),
}
EXACT = sh.Spectrum.from_eigenvalues([2, sp.Rational(1, 2)]), sh.Start(0, 1)
POWER = sh.Spectrum.power_law(0.5), sh.Start(0, 1)
NOISY = sh.least_squares(0.5)
CASES: dict[str, tuple[Any, ...]] = {f"open, {name}": (sh.least_squares(omega), rule) for name, rule in RULES.items()}
CASES |= {f"two modes, {name}": (NOISY, rule, *TWO) for name, rule in RULES.items()}
CASES |= {
    f"exact, {name}": (sh.least_squares(), RULES[name], *EXACT)
    for name in ("constant", "line search", "Polyak", "1/t²")
}
CASES |= {f"power law, {name}": (NOISY, RULES[name], *POWER) for name in ("constant", "AdaGrad-Norm", "1/√t", "batch")}
CASES |= {
    f"{name}, constant": (problem, RULES["constant"], *TWO)
    for name, problem in {
        "Huber": sh.huber(0.8, 0.5), "quantile": sh.quantile(0.3, 0.5), "logistic": sh.logistic_regression(),
        "Rademacher": sh.least_squares(sh.Rademacher(0.5)),
    }.items()
} | {
    f"{name}, constant, isotropic": (problem, RULES["constant"])
    for name, problem in {"phase": sh.phase_retrieval(), "sign": sh.sign_regression(0.2), "Huber": sh.huber(0.8, 0.5),
                          "Hermite": sh.hermite_student(2, 0.1)}.items()
}  # fmt: skip
POINT = {"tau": 1.2, "kappa_2": 1.9, "lambda_min": 0.3, "distance": 0.8, "omega": 0.6, "gamma_0": 0.2}
POINT |= {"t": 7.0, "u": 5.0, "lambda_": 0.7, "lambda": 0.7, "B22": 1.1}


def described(formula: sh.Formula) -> Entry:
    try:
        value = str(formula.evaluate(**{s.name: POINT[s.name] for s in formula.symbols if s.name in POINT}))
    except (ValueError, KeyError, TypeError) as refusal:
        value = f"{type(refusal).__name__}: {refusal}"
    return [value, sorted(map(str, formula.assumptions))]


@pytest.mark.parametrize("name", CASES)
def test_closed_forms_have_not_changed(name: str) -> None:
    try:
        found: Entry = {k: described(f) for k, f in sh.limits(*CASES[name]).items()}
    except (ValueError, NotImplementedError) as refusal:
        found = f"{type(refusal).__name__}: {refusal}"
    check(Path(__file__).with_name("table.json"), name, found)
