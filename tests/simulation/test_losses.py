"""Losses, laws of the noise and rules: derived limits against direct SGD; the whole cross product is marked slow."""

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.stepper import EXPLICIT
from tests.scenarios import START, TWO_HALVES

LOSSES = {
    "least squares": sh.least_squares(0.5),
    "logistic": sh.logistic_regression(),
    "logistic, sampled": sh.logistic_regression(sampled=True),
    "probit": sh.probit_regression(),
    "probit, sampled": sh.probit_regression(sampled=True),
    "phase retrieval": sh.phase_retrieval(),
    "absolute phase retrieval": sh.absolute_phase_retrieval(),
    "ReLU student": sh.relu_student(0.3),
    "erf student": sh.erf_student(0.3),
    "tanh student": sh.tanh_student(0.3),
    "sign regression": sh.sign_regression(0.3),
    "Hermite student": sh.hermite_student(2, 0.3),
    "Huber": sh.huber(0.8, 0.5),
    "pseudo-Huber": sh.pseudo_huber(0.8, 0.5),
    "quantile": sh.quantile(0.3, 0.5),
    "hinge": sh.hinge(0.1),
    "squared hinge": sh.squared_hinge(0.1),
}
STEEP = {"phase retrieval", "Hermite student"}
"""Slopes of third degree: a tenth of the learning rate keeps runs of moderate d from diverging."""
RULES = {
    "constant": lambda scale: sh.Constant(0.5 * scale),
    "AdaGrad-Norm": lambda scale: sh.AdaGradNorm(scale, 1),
    "RMSprop-Norm": lambda scale: sh.RMSpropNorm(scale, 1, 0.5),
    "Polyak": lambda scale: sh.Polyak(),
    "line search": lambda scale: sh.LineSearch(),
}
LAWS = {
    "Rademacher": sh.Rademacher(0.5),
    "Laplace": sh.Laplace(0.4),
    "Student": sh.StudentT(5, 0.5),
    "contaminated": sh.Contaminated(sh.Gaussian(0.3), sh.Laplace(1), 0.1),
}


OUTPUTS = ("risk", "learning_rate", "distance")
SEEDS = 64
ALARM = 3e-5
"""False alarms of one verdict; a test gives at most three, so a correct limit fails one with probability < 1e-4."""


def follows(problem: sh.Problem, rule: sh.Rule, t_end: float = 2.0, dims: tuple[int, ...] = (500,)) -> None:
    """Direct SGD at each d agrees with the limit by ``compare``, at every time and output.

    The smallest of ``dims`` has companions at d/2 and d/4. A larger one has d/4 and d/16, where its bias as
    extrapolated is zero only if it is a quarter of that at d/4; and the error of one run must fall with a slope
    consistent with -1/2, and with no other sign.
    """
    system, low = sh.derive(problem, rule), min(dims)
    curve = system.solve(TWO_HALVES, START, t_end)
    assert curve.complete
    times = np.linspace(0, t_end, 6)
    runs = {
        d: sh.simulate(
            problem, rule, TWO_HALVES, START, d, t_end, range(k * SEEDS, (k + 1) * SEEDS), "direct", times
        )
        for k, d in enumerate(sorted({*dims, low // 2, low // 4}))
    }
    for d in dims:
        smaller = (d // 2, d // 4) if d == low else (d // 4, d // 16)
        verdict = sh.compare(curve, runs[d], OUTPUTS, ALARM, [runs[k] for k in smaller])
        assert verdict.agrees, verdict
    if len(dims) > 1:
        slope = sh.error_slope(curve, [runs[d] for d in (*dims, low // 4)], alarm=ALARM)
        assert slope.agrees, slope
        assert slope.interval[1] < 0, slope


@pytest.mark.parametrize(
    ("loss", "rule"),
    [
        pytest.param("erf student", "AdaGrad-Norm", marks=pytest.mark.slow),
        ("quantile", "RMSprop-Norm"),
    ],
)
def test_losses_follow_their_limits(loss: str, rule: str) -> None:
    follows(LOSSES[loss], RULES[rule](0.1 if loss in STEEP else 1.0))


@pytest.mark.parametrize("name", ["Laplace"])
def test_huber_under_other_noise_follows_its_limit(name: str) -> None:
    follows(sh.huber(0.8, LAWS[name]), sh.Constant(0.7))


@pytest.mark.parametrize(
    "rule",
    [sh.WeightDecay(sh.MiniBatch(sh.DelayedAdaGradNorm(1, 0.5), 3), 0.3), sh.StochasticPolyak(0.8)],
    ids=lambda r: type(r).__name__,
)
def test_rules_follow_their_limits(rule: sh.Rule) -> None:
    follows(sh.least_squares(0.5), rule, t_end=3.0)


PATHWISE = {
    "DoG, ever farther": (sh.DoG(0.2, 0.3), sh.least_squares(0.5), 4.0),
    "DoG, on its way back": (sh.DoG(0.7, 0.2), sh.least_squares(1), 4.0),
    "DoG, Huber": (sh.DoG(0.2, 0.3), sh.huber(0.8, 0.5), 4.0),
    "D-Adaptation": (sh.DAdaptation(3, 0.1), sh.least_squares(0.5), 5.0),
    "D-Adaptation, Huber": (sh.DAdaptation(3, 0.1), sh.huber(0.8, 0.2), 5.0),
}
"""Rates that remember the path; the starting distance is soon passed, and in one case a maximum is left behind."""


@pytest.mark.parametrize("name", ["DoG, ever farther", "D-Adaptation"])
def test_rates_that_remember_the_path(name: str) -> None:
    rule, problem, t_end = PATHWISE[name]
    follows(problem, rule, t_end)


def test_the_memories_of_the_path_are_at_work() -> None:
    for name, (rule, problem, t_end) in PATHWISE.items():
        curve = sh.derive(problem, rule).solve(TWO_HALVES, START, t_end, rtol=1e-4, stepper=EXPLICIT, target=NUMPY)
        if isinstance(rule, sh.DAdaptation):
            assert curve.learning_rate[-1] > 1.5 * curve.learning_rate[0]
            continue
        farthest = curve.outputs["moved"].max()
        assert farthest > 1.5 * float(rule.r0) ** 2
        assert (curve.outputs["moved"][-1] < 0.97 * farthest) == ("back" in name)


def test_same_seed_same_bits_for_every_law() -> None:
    law = sh.Contaminated(sh.Gaussian(0.3), sh.StudentT(5), 0.2)
    first, second = (
        sh.simulate(sh.least_squares(law), sh.Constant(0.5), TWO_HALVES, START, 40, 1, [7, 2], threads=k).risk
        for k in (1, 2)
    )
    assert (first == second).all()
    assert not (first[0] == first[1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_under_every_rule(loss: str, rule: str) -> None:
    follows(LOSSES[loss], RULES[rule](0.1 if loss in STEEP else 1.0), dims=(500, 2000))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "loss", [sh.least_squares, lambda noise: sh.huber(0.8, noise)], ids=["least squares", "Huber"]
)
def test_every_law(loss, law: str) -> None:  # type: ignore[no-untyped-def]
    follows(loss(LAWS[law]), sh.AdaGradNorm(1, 1), dims=(500, 2000))


@pytest.mark.slow
@pytest.mark.parametrize("name", PATHWISE)
def test_every_rate_that_remembers_the_path(name: str) -> None:
    rule, problem, t_end = PATHWISE[name]
    follows(problem, rule, t_end, dims=(500, 2000))
