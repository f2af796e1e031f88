"""Laws of the label noise, and losses of their own, against simulation by the exact Gram chain: `compare` decides.

At d = 4096 with companions at d/2 and d/4 the bands are about 1 % of the risk: narrow enough for a wrong law of the
same variance to be seen where the loss looks beyond the variance.
"""

from __future__ import annotations

import numpy as np
import pytest

import symhigh as sh
from symhigh.ledger import Comparison
from tests.scenarios import START, TWO_HALVES

CONTAMINATED = sh.Contaminated(sh.Gaussian(0.3), sh.Laplace(1), 0.1)
LAWS = {
    "Gaussian": sh.Gaussian(0.6),
    "Rademacher": sh.Rademacher(0.6),
    "Laplace": sh.Laplace(0.4),
    "Student": sh.StudentT(5, 0.5),
    "contaminated by Laplace": CONTAMINATED,
    "contaminated by Student": sh.Contaminated(sh.Rademacher(0.2), sh.StudentT(5), 0.2),
}
LOSSES = {
    "least squares": sh.least_squares,
    "Huber": lambda noise: sh.huber(0.8, noise),
    "pseudo-Huber": lambda noise: sh.pseudo_huber(0.8, noise),
    "quantile": lambda noise: sh.quantile(0.3, noise),
    "Hermite": lambda noise: sh.hermite_student(2, noise),
    "erf": sh.erf_student,
}
D, T_END, SEEDS = 4096, 2.0, 40


def compared(problem: sh.Problem, rule: sh.Rule, limit_of: sh.Problem | None = None) -> Comparison:
    """Runs of ``problem`` against the limit of ``limit_of``, by default the same."""
    times = np.linspace(0, T_END, 6)
    runs = sh.simulate(problem, rule, TWO_HALVES, START, D, T_END, SEEDS, method="gram", t=times)
    curve = sh.derive(limit_of or problem, rule).solve(TWO_HALVES, START, T_END, t=runs.t)
    return sh.compare(curve, runs, ("risk", "learning_rate", "distance"))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_law_with_every_loss_of_a_residual(loss: str, law: str) -> None:
    rule = sh.AdaGradNorm(0.2 if loss == "Hermite" else 1.0, 1)
    comparison = compared(LOSSES[loss](LAWS[law]), rule)
    assert comparison.agrees, comparison.summary()


def test_contaminated_least_squares() -> None:
    comparison = compared(sh.least_squares(CONTAMINATED), sh.Constant(0.7))
    assert comparison.agrees, comparison.summary()


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [
        sh.squared_hinge(0.1),
        sh.relu_student(0.3),
        sh.absolute_phase_retrieval(),
        sh.pseudo_huber(0.8, CONTAMINATED),
    ],
    ids=lambda p: p.name,
)
@pytest.mark.parametrize("cap", [0.3, 5.0])
def test_stochastic_polyak_on_losses_in_pieces(problem: sh.Problem, cap: float) -> None:
    comparison = compared(problem, sh.StochasticPolyak(cap, damping=1))
    assert comparison.agrees, comparison.summary()


@pytest.mark.slow
def test_squared_hinge_under_stochastic_polyak() -> None:
    comparison = compared(sh.squared_hinge(0.1), sh.StochasticPolyak(0.8))
    assert comparison.agrees, comparison.summary()


@pytest.mark.slow
def test_a_law_of_the_same_variance_is_told_apart() -> None:
    """Huber's loss looks beyond the variance: runs under Laplace noise refute the limit under Gaussian noise."""
    same_variance = sh.Gaussian(0.4 * np.sqrt(2))
    comparison = compared(sh.huber(0.3, LAWS["Laplace"]), sh.Constant(0.7), sh.huber(0.3, same_variance))
    assert not comparison.agrees
