"""Fluctuations, particles, densities, escape, schedules, events: regression values of every route beside curves."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.minimum import minimal_risk_at
from symhigh.integration.network_sde import solve_network_sde
from symhigh.integration.network_values import coordinates
from symhigh.integration.stepper import EXPLICIT, IMPLICIT
from tests.combinations import LOSSES, NOISY, RULES, TWO, combinations
from tests.tables import Entry, check

ALL = combinations()
NETWORK = sh.NetworkClasses([1, 0.4], [1, -0.5], 1.2, 0.2)
TIMES = [0.0, 0.4, 1.0]


def outputs(curve: Any) -> Entry:
    return {k: np.asarray(v).tolist() for k, v in curve.outputs.items()} | {"message": curve.message}


def limit(name: str) -> Any:
    return sh.derive(*ALL[name][:2])


def spread(rule: sh.Rule, problem: sh.Problem = NOISY) -> Entry:
    found = sh.derive(problem, rule).fluctuations(*TWO, 1.0, TIMES, joint=True)
    values: dict[str, Any] = {"band": [b.tolist() for b in found.band("risk", 100)]}
    for name in ("risk", "distance", "learning_rate"):
        bias = found.bias(name, 100)
        values[name] = [found.variance(name, 100).tolist(), None if bias is None else bias.tolist()]
    values["two times"] = found.two_times("risk", "distance", 100).tolist()
    return values | {"shown": repr(found), "covariance": found.covariance("risk", "distance", 50).tolist()}


def paths(**given: Any) -> Entry:
    at = coordinates(NETWORK, 6, **given)
    found = solve_network_sde(sh.derive(sh.DiagonalNetwork(0.4, 0.3)), at, [0.3, 1.0], seeds=[3, 5], step=0.1)
    return [a.tolist() for a in (found.risk, found.integral, found.u, found.v)]


def escaping() -> Entry:
    found = sh.escape(sh.phase_retrieval(), sh.Constant(0.1), sh.Spectrum.isotropic(), sh.Start(0.5, 1))
    return [found.std, found.mean(500, 0.2), found.quantile(0.3, 500, 0.2), repr(found)]


def best(objective: str, spectrum: sh.Spectrum = TWO[0], **given: Any) -> Entry:
    found = sh.optimal_schedule(NOISY, spectrum, TWO[1], 2.0, objective, t=[0.0, 0.5, 1.5, 2.0], **given)
    return [found.learning_rate.tolist(), found.risk.tolist(), repr(found)]


def events(stepper: Any) -> Entry:
    system = limit("SGD, square, linear")
    curve = system.solve(
        *TWO, 30.0, t=[1.0, 2.0, 30.0], stepper=stepper, target=NUMPY, rtol=1e-9, until="steady",
        events={"level": sp.Symbol("risk") - 0.1, "waves": sp.sin(sh.t) + sp.Symbol("distance")},
    )  # fmt: skip
    return [{k: v.tolist() for k, v in curve.events.items()}, curve.t.tolist(), outputs(curve)]


CASES: dict[str, Callable[[], Entry]] = {
    "fluctuations, constant": lambda: spread(sh.Constant(0.4)),
    "fluctuations, AdaGrad-Norm": lambda: spread(sh.AdaGradNorm(0.8, 0.9)),
    "fluctuations, line search": lambda: spread(sh.LineSearch()),
    "fluctuations, Huber": lambda: spread(sh.Constant(0.4), sh.huber(0.8, 0.3)),
    "fluctuations, mini-batch": lambda: spread(sh.MiniBatch(sh.Constant(0.4), 2)),
    "fluctuations, decay": lambda: spread(sh.WeightDecay(sh.Constant(0.4), 0.2)),
    "fluctuations, decay of batches": lambda: spread(sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 2)),
    "fluctuations, momentum": lambda: spread(sh.Momentum(0.4, 1, 0.2)),
    "fluctuations, averaged": lambda: spread(sh.Averaged(sh.Constant(0.4))),
    "fluctuations, stochastic Polyak": lambda: spread(sh.StochasticPolyak()),
    "fluctuations, logistic": lambda: spread(sh.Constant(0.4), sh.logistic_regression()),
    "particles, momentum": lambda: outputs(
        limit("momentum, square, network").solve(NETWORK, 0.5, t=[0.2, 0.5], particles=64, seed=3, step=0.05)
    ),
    "particles, AdaGrad": lambda: outputs(
        limit("AdaGrad, square, network").solve(NETWORK, 0.5, t=[0.2, 0.5], particles=32, seed=4, step=0.05)
    ),
    "density": lambda: outputs(limit("SGD, square, network").solve(NETWORK, 1.0, t=TIMES)),
    "density, AdaGrad-Norm": lambda: outputs(limit("AdaGrad-Norm, square, network").solve(NETWORK, 1.0, t=TIMES)),
    "paths of a network": paths,
    "paths of a network, sample covariance": lambda: paths(covariance=np.eye(6) * 0.7 + 0.1),
    "escape": escaping,
    "schedule, final": lambda: best("final"),
    "schedule, bounded": lambda: best("final", least=0.2, most=0.5),
    "events, explicit": lambda: events(EXPLICIT),
    "events, implicit": lambda: events(IMPLICIT),
    "implicit, AdaGrad-Norm": lambda: outputs(
        limit("AdaGrad-Norm, pseudo-Huber").solve(*TWO, 2.0, t=TIMES, stepper=IMPLICIT, target=NUMPY, rtol=1e-9)
    ),
    "many modes": lambda: outputs(
        sh.derive(NOISY, RULES["cosine"]).solve(sh.Spectrum.power_law(0.4, 1e-6, 100), sh.Start(0, 1), 2.0, t=TIMES)
    ),
    "steps of a schedule": lambda: outputs(
        sh.derive(NOISY, RULES["steps"]).solve(*TWO, 2.0, t=[0.9, 1.0, 1.1, 2.0], rtol=1e-10)
    ),
    "diverging": lambda: outputs(sh.derive(NOISY, sh.Constant(9)).solve(*TWO, 400.0, t=[0.1, 400.0])),
    "budget": lambda: outputs(sh.derive(NOISY, sh.Constant(0.4)).solve(*TWO, 400.0, t=[0.1, 400.0], budget=3)),
    "least risks": lambda: [minimal_risk_at(p, 0.8) for n, p in LOSSES.items() if n in ("erf", "sign", "probit")],
}


@pytest.mark.parametrize("name", CASES)
def test_routes_have_not_changed(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = CASES[name]()
        except (ValueError, TypeError, ArithmeticError) as refusal:
            found = f"{type(refusal).__name__}: {refusal}"
    check(Path(__file__).with_suffix(".json"), name, [found, *(str(w.message) for w in said)], 1e-8)
