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
        "quantile": sh.quantile(0.3, 0.5), "logistic": sh.logistic_regression(),
        "Rademacher": sh.least_squares(sh.Rademacher(0.5)),
    }.items()
} | {
    f"{name}, constant, isotropic": (problem, RULES["constant"])
    for name, problem in {"phase": sh.phase_retrieval(), "sign": sh.sign_regression(0.2), "Huber": sh.huber(0.8, 0.5),
                          "Hermite": sh.hermite_student(2, 0.1)}.items()
}  # fmt: skip
POINT = {"tau": 1.2, "kappa_2": 1.9, "lambda_min": 0.3, "distance": 0.8, "omega": 0.6, "gamma_0": 0.2}
POINT |= {"t": 7.0, "u": 5.0, "J": 0.7, "s": 0.4, "lambda_": 0.7, "lambda": 0.7, "B22": 1.1}


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
        found = f"{type(refusal).__name__}: {refusal}".partition(" (")[0]  # then the reasons of all finders
    check(Path(__file__).with_suffix(".json"), name, found)


NETWORK = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)
NETWORKS = {
    "constant": sh.DiagonalNetwork(0.3, 0.3), "without noise": sh.DiagonalNetwork(0.3),
    "squares": sh.DiagonalNetwork(0.2, 0.3, sh.SQUARES), "cubes": sh.DiagonalNetwork(0.1, 0, sh.powers(3)),
    "falling": sh.DiagonalNetwork(sp.Rational(1, 5) / sp.sqrt(1 + sh.t), 0.3),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_closed_forms_of_networks_have_not_changed(name: str) -> None:
    try:
        found: Entry = {k: described(f) for k, f in sh.limits(NETWORKS[name], NETWORK).items()}
    except (ValueError, NotImplementedError) as refusal:
        found = f"{type(refusal).__name__}: {refusal}".partition(" (")[0]  # then the reasons of all finders
    check(Path(__file__).with_suffix(".json"), f"network: {name}", found)


@pytest.mark.parametrize(
    "problem", [sh.phase_retrieval(), sh.least_squares(0.5), sh.hermite_student(2, 0.1)], ids=lambda p: p.name
)
def test_fixed_points_have_not_changed(problem: sh.Problem) -> None:
    found = [
        [q.name, *map(described, (q.B11, q.B12, q.risk, q.trace, q.determinant)), *map(described, q.eigenvalues)]
        for q in sh.fixed_points(problem, sh.Constant(0.1))
    ]
    check(Path(__file__).with_suffix(".json"), f"fixed points: {problem.name}", found)


@pytest.mark.parametrize("name", ["open", "two modes"])
def test_renewal_equations_have_not_changed(name: str) -> None:
    where = TWO if name == "two modes" else ()
    equation = sh.renewal_equation(NOISY, sh.Constant(0.3), *where)
    parts = equation.forcing_at(), equation.kernel_at(), equation.kernel_transform(), equation.forcing_transform()
    check(Path(__file__).with_suffix(".json"), f"renewal: {name}", [str(sp.N(e, 10)) for e in parts])
    best = sh.best_rate(TWO[0])
    check(Path(__file__).with_suffix(".json"), "best rate", [float(best.rate), float(best.decay)])
