"""Runs of few steps by both methods, of many algorithms: regression values of the draws and of every record."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symhigh as sh
from tests.combinations import NOISY, RULES, TWO, combinations
from tests.tables import Entry, check

ALL = combinations()
ALL["covariance"] = NOISY, sh.Constant(0.4), TWO
ALL["random start"] = NOISY, sh.Constant(0.4), (TWO[0], sh.Start(0.5, 1, 0.2, random=True))
ALL["Gram chain, least squares"] = ALL["SGD, square, linear"]
ALL["diverging"] = NOISY, sh.Constant(40), TWO
ALL["Gram chain, mini-batch"] = NOISY, sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 3), TWO
ALL["Gram chain, momentum"] = NOISY, sh.Momentum(0.4, 1, 0.2), TWO
ALL["Gram chain, from the start"] = NOISY, sh.DoG(0.1, 0.5), (TWO[0], sh.Start(0.5, 1, 0.2, random=True))
ALL["Gram chain, logistic"] = sh.logistic_regression(), sh.AdaGradNorm(1, 0.5), TWO
NAMES = [
    "SGD, square, linear", "momentum, square, linear", "mini-batch with weight decay, square, linear",
    "sign SGD, square, linear", "AdaGrad-Norm, square, linear", "SGD, square, network", "SGD, square, committee",
    "steps, square", "AdaGrad-Norm, Student", "AdaGrad-Norm, logistic, sampled", *list(ALL)[-8:],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_runs_have_not_changed(name: str) -> None:
    problem, rule, population = ALL[name]
    given: dict[str, Any] = {"covariance": np.diag(np.linspace(0.5, 2, 20)) + 0.1} if name == "covariance" else {}
    method = "gram" if name.startswith("Gram") else "direct"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            given |= {"d": 20, "t_end": 1.5, "seeds": [3, 8], "method": method, "t": [0, 0.5, 1.5]}
            runs = sh.simulate(problem, rule, *population, **given)
        except (ValueError, TypeError) as refusal:
            found: Entry = f"{type(refusal).__name__}: {refusal}"
        else:
            found = {k: np.nan_to_num(v, nan=-1.0).tolist() for k, v in runs.outputs.items()}
            found |= {"message": str(runs.messages), "t": runs.t.tolist()}
            found |= {"last": {k: np.abs(v).sum(axis=1).tolist() for k, v in runs.last.items()}}
    check(Path(__file__).with_suffix(".json"), name, [found, *(str(w.message) for w in said)])


def test_names_are_those_of_combinations() -> None:
    assert set(NAMES) <= set(ALL)
    assert {f"{name}, square" for name in RULES} <= set(ALL)


@pytest.mark.parametrize("rule", ["SGD", "mini-batch with weight decay"])
def test_exact_means_are_those_of_every_mode(rule: str) -> None:
    """``E|X - X*|²`` and ``E<X, X*>`` mode by mode, from the moments of one step with a batch of m Gaussian samples."""
    problem, given, (spectrum, start) = ALL[f"{rule}, square, linear"]
    d, batch, decay, rate, noise = 10, *((1, 0.0) if rule == "SGD" else (2, 0.1)), 0.4, 0.3**2
    found = sh.exact_mean(problem, given, spectrum, start, d, 1.0, t=[0.0, 0.5, 1.0])
    lam = spectrum.eigenvalues(d)
    X0, target = start.vectors(spectrum, d)
    error, risk = X0 - target, []
    distance, cross = error**2, error * target
    for step in range(11):
        if step % 5 == 0:
            risk.append((lam @ distance + noise) / 2)
        g, keep = rate / d, 1 - rate / d * decay - rate / d * lam
        sampled = g**2 / batch * lam * (lam * distance + lam @ distance + noise)
        pull = g * decay
        distance = keep**2 * distance - 2 * keep * pull * cross + (pull * target) ** 2 + sampled
        cross = keep * cross - pull * target**2
    assert found.risk == pytest.approx(np.array(risk), rel=1e-12)
