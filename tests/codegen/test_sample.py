"""One sample as source: which losses are given the two predictions as one sum, and that it says the same."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen import kernels, step
from symhigh.codegen.sample import predictions
from symhigh.derivation.limit import mean_field_of
from symhigh.derivation.state import Statement
from tests.combinations import combinations

ALL = combinations()
LOOKS = sh.Schedule(0.1 / (1 + sh.x_star**2))


def apart(s: Statement) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """A sum for every prediction, whatever the loss."""
    return *zip(s.students, s.effective, strict=True), *zip(s.aims, s.targets, strict=True)


@pytest.mark.parametrize(
    "name",
    [
        "SGD, square, linear", "SGD, square, network", "Adam, square, network", "AdaGrad-Norm, Student",
        "AdaGrad-Norm, pseudo-Huber", "stochastic Polyak, square", "schedule-free, square, linear",
    ],
)  # fmt: skip
def test_losses_of_the_residual_take_one_sum_with_the_same_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, rule, population = ALL[name]
    (first, own), (second, none) = predictions(mean_field_of(problem, rule)[0])
    (_, effective), (_, target) = apart(mean_field_of(problem, rule)[0])
    assert (first, second, none) == (sh.x, sh.x_star, 0)
    assert own == effective - target

    def runs() -> dict[str, np.ndarray]:
        monkeypatch.setattr(kernels, "_loaded", {})
        return dict(sh.simulate(problem, rule, *population, d=20, t_end=1.5, seeds=[3], method="direct").outputs)

    monkeypatch.setenv("SYMHIGH_TARGET", "numpy")
    merged = runs()
    monkeypatch.setattr(step, "predictions", apart)
    for name, values in runs().items():
        np.testing.assert_allclose(merged[name], values, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize(
    ("problem", "rule"),
    [
        (sh.logistic_regression(), sh.Constant(0.3)),
        (sh.phase_retrieval(), sh.Constant(0.3)),
        (sh.Problem((sh.x - sh.x_star) ** 2 / 2 + sh.x_star**2), sh.Constant(0.3)),
        (ALL["AdaGrad-Norm, logistic, sampled"][0], sh.Constant(0.3)),
        ALL["SGD, square, committee"][:2],
        (sh.least_squares(0.3), LOOKS),
    ],
)
def test_whatever_sees_more_than_the_residual_has_both_sums(problem: sh.Problem, rule: sh.Rule) -> None:
    statement = mean_field_of(problem, rule)[0]
    assert predictions(statement) == apart(statement)
