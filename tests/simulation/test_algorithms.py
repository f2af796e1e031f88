"""Every algorithm against its own simulators, direct and Gram chain, and networks and committees under any rule.

Mean of the risk over the runs within 5 standard errors of the limit and 1.5/d or less for the bias, at three times;
with fixed seeds. A limit with a planted error (a wrong parameter of the rule) is told apart. The standard error falls
with seeds·d, the work of direct runs grows with seeds·d²: they are many in few dimensions, where the bias is small.
"""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY

TIMES = [1.0, 2.0, 4.0]
TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5])
START = sh.Start(0.5, 1, 0.2)
FOUR = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)
RULES = [
    sh.Momentum(0.4, 1, 0.3),
    sh.Momentum(sh.AdaGradNorm(0.8, 1), 2),
    sh.MiniBatch(sh.WeightDecay(sh.Momentum(0.8, 2), 0.1), 2),
    sh.Averaged(sh.Constant(0.6)),
    sh.Averaged(sh.AdaGradNorm(1, 1), 0.5),
    sh.ScheduleFree(0.8, 0.9),
    sh.NoisyGradient(sh.Constant(0.8), 0.5),
    sh.NoisyGradient(sh.MiniBatch(sh.AdaGradNorm(1, 1), 3), 0.5),
    sh.Drifting(sh.Momentum(0.4, 1, 0.3), 0.4),
]
DIRECT_ONLY = [
    sh.SignSGD(0.5), sh.AdaGrad(0.6, 0.3), sh.RMSprop(0.3, 1, 1), sh.Adam(0.5, 2, 1, 1),
]  # fmt: skip


def gaps(problem, rule, *population, d, seeds=24, method="auto", wrong=None, output="risk", bias=1.5, **how):  # type: ignore[no-untyped-def]
    """Deviations of the mean over the runs, in units of five standard errors and the bias; ``how`` it is solved."""
    curve = sh.derive(problem, wrong or rule).solve(*population, TIMES[-1], t=TIMES, **how)
    start = population[1] if len(population) > 1 else None
    runs = sh.simulate(problem, rule, population[0], start, d, TIMES[-1], seeds, method, t=TIMES)
    values, limit = runs.outputs[output], curve.outputs[output]
    error = values.std(axis=0, ddof=1) / np.sqrt(seeds)
    own = curve.errors.get(output, np.zeros(len(TIMES)))
    return np.abs(values.mean(axis=0) - limit) / (5 * np.hypot(error, own) + bias / d)


def named(rule: object) -> str:
    return type(rule).__name__


PARTS = (RULES[0], RULES[3], RULES[6])
"""Rules that others of the table hold as a part: their chains, a second each, are run with the slow tests."""
LINEAR = [
    pytest.param(rule, method, marks=[pytest.mark.slow] if method == "gram" and rule in PARTS else [])
    for rule in RULES
    for method in ("direct", "gram")
]


@pytest.mark.parametrize(("rule", "method"), LINEAR, ids=lambda x: x if isinstance(x, str) else named(x))
def test_linear_vectors(rule: sh.Rule, method: str) -> None:
    output = "average_risk" if isinstance(rule, sh.Averaged) else "risk"
    size, seeds = (600, 48) if method == "direct" else (4000, 60)
    given = {"d": size, "seeds": seeds, "method": method, "output": output, "target": NUMPY}
    assert gaps(sh.least_squares(0.5), rule, TWO, START, **given).max() < 1


@pytest.mark.parametrize("rule", DIRECT_ONLY, ids=named)
def test_cells_signs_and_noise(rule: sh.Rule) -> None:
    assert gaps(sh.least_squares(0.5), rule, TWO, START, d=600, target=NUMPY).max() < 1
    with pytest.raises(ValueError, match="method='direct'"):
        sh.simulate(sh.least_squares(0.5), rule, TWO, START, 100, 1, method="gram")


@pytest.mark.parametrize(
    "problem", [sh.huber(0.4, 0.5), pytest.param(sh.squared_hinge(0.1), marks=pytest.mark.slow)], ids=lambda p: p.name
)
def test_signs_of_slopes_in_pieces(problem: sh.Problem) -> None:
    """A slope that jumps inside a piece, or is zero on one: its sign has a square below one there."""
    assert gaps(problem, sh.SignSGD(0.5), TWO, START, d=1000, seeds=48, bias=0.75, target=NUMPY).max() < 1


@pytest.mark.parametrize(("rule", "wrong"), [
    (sh.Momentum(0.8, 2), sh.Momentum(0.8, 2.3)), (sh.Adam(0.5, 2, 1, 1), sh.Adam(0.5, 3, 1, 1)),
    (sh.SignSGD(0.5), sh.SignSGD(0.55)), (sh.Drifting(sh.Constant(0.6), 0.4), sh.Constant(0.6)),
], ids=named)  # fmt: skip
def test_a_wrong_parameter_is_told_apart(rule: sh.Rule, wrong: sh.Rule) -> None:
    assert gaps(sh.least_squares(0.5), rule, TWO, START, d=1000, seeds=40, wrong=wrong, target=NUMPY).max() > 1


def committee() -> sh.Problem:
    """Two erf units against two."""

    def link(u: sp.Expr) -> sp.Expr:
        return sp.erf(u / sp.sqrt(2))

    return sh.MultiIndex((x1, x2), (y1, y2), (link(x1) + link(x2) - link(y1) - link(y2) - sh.eps) ** 2 / 2, 0.1)


OVERLAPS = sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 1, 0], [0, 0.1, 0, 1]])
NOISY = sh.NoisyGradient(sh.MiniBatch(sh.AdaGradNorm(1, 1), 3), 0.4)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(sh.AdaGradNorm(1, 1), marks=pytest.mark.slow), sh.Momentum(0.8, 2), NOISY,
        pytest.param(sh.WeightDecay(sh.LineSearch(), 0.1), marks=pytest.mark.slow),
    ],
    ids=named,
)  # fmt: skip
def test_committees(rule: sh.Rule) -> None:
    assert gaps(committee(), rule, TWO, OVERLAPS, d=2000).max() < 1


@pytest.mark.parametrize(("problem", "rule", "population"), [
    (sh.least_squares(0.5), sh.Drifting(sh.Momentum(0.4, 1, 0.3), 0.5), START),
    pytest.param(committee(), sh.MiniBatch(sh.AdaGradNorm(1, 1), 3), OVERLAPS, marks=pytest.mark.slow),
    (committee(), NOISY, OVERLAPS),
], ids=["drift", "batch", "noise"])  # fmt: skip
def test_the_chain_of_several_normal_vectors_has_the_law_of_direct_runs(problem, rule, population) -> None:  # type: ignore[no-untyped-def]
    """At d = 16 the eigenspaces hold few directions beyond the frame; means and spreads, six standard errors."""
    seeds = 600
    runs = [
        sh.simulate(problem, rule, TWO, population, 16, 2, seeds, method, t=[1, 2]).risk
        for method in ("gram", "direct")
    ]
    error = np.sqrt(sum(r.var(axis=0) for r in runs) / seeds)
    assert (np.abs(runs[0].mean(axis=0) - runs[1].mean(axis=0)) < 6 * error).all()
    assert np.log(runs[0].std(axis=0) / runs[1].std(axis=0)) == pytest.approx([0, 0], abs=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("rule", [
    sh.AdaGradNorm(1, 1), sh.MiniBatch(sh.AdaGradNorm(1, 1), 3), sh.WeightDecay(sh.Constant(0.5), 0.1),
    sh.Momentum(0.8, 2), NOISY,
], ids=named)  # fmt: skip
def test_committees_in_comparison(rule: sh.Rule) -> None:
    curve = sh.derive(committee(), rule).solve(TWO, OVERLAPS, 4, t=[0, 0.5, 1, 2, 4])
    runs = sh.simulate(committee(), rule, TWO, OVERLAPS, d=1000, t_end=4, seeds=16, t=[0, 0.5, 1, 2, 4])
    found = sh.compare(curve, runs)
    assert found.agrees, found.summary()


def test_a_drift_of_one_target_among_several_is_refused() -> None:
    with pytest.raises(ValueError, match="it moves the one target"):
        sh.derive(committee(), sh.Drifting(sh.Constant(0.5), 0.3))


def test_committee_under_adagrad_norm_as_integrated_elsewhere() -> None:
    times, iso = [1.0, 2.0, 5.0, 20.0], sh.Spectrum.isotropic()
    curve = sh.derive(committee(), sh.AdaGradNorm(1, 1)).solve(iso, OVERLAPS, 20, t=times)
    assert curve.risk == pytest.approx([0.1769447, 0.0885042, 0.0295520, 0.0219042], abs=1e-7)
    assert curve.learning_rate == pytest.approx([0.8046818, 0.7471220, 0.6969336, 0.6145713], abs=1e-7)


SQUARE, LOGISTIC = sh.least_squares(0.3, sh.PRODUCT), sh.logistic_regression(model=sh.SQUARES)
BATCHES = sh.MiniBatch(sh.Schedule(0.4 / (1 + sh.t)), 2)


@pytest.mark.parametrize(("problem", "rule"), [
    (SQUARE, sh.AdaGradNorm(0.6, 0.8)), (SQUARE, sh.Polyak()), (SQUARE, BATCHES),
    (LOGISTIC, sh.AdaGradNorm(0.6, 0.8)), pytest.param(LOGISTIC, sh.Polyak(), marks=pytest.mark.slow),
    (LOGISTIC, BATCHES),
], ids=lambda x: x.name if isinstance(x, sh.Problem) else named(x))  # fmt: skip
def test_networks_under_any_loss_and_rule(problem: sh.Problem, rule: sh.Rule) -> None:
    assert gaps(problem, rule, FOUR, d=500, seeds=48, bias=0.375).max() < 1


def test_adagrad_norm_on_a_network_as_integrated_elsewhere() -> None:
    """200 000 particles, ±.0005: risk, rate and curvature at t = 0 … 6."""
    system = sh.derive(sh.least_squares(0.3, model=sh.PRODUCT), sh.AdaGradNorm(0.6, 0.8))
    curve = system.solve(FOUR, 6, t=[0, 1, 2, 3, 4, 5, 6])
    assert curve.risk == pytest.approx([0.2419, 0.1416, 0.1042, 0.0863, 0.0763, 0.0703, 0.0667], abs=1.5e-3)
    assert curve.learning_rate == pytest.approx([0.75, 0.5877, 0.5207, 0.4808, 0.4527, 0.4310, 0.4132], abs=1.5e-3)
    assert curve.outputs["curvature"] == pytest.approx([1.036, 1.1635, 1.2035, 1.2257, 1.2381, 1.2452, 1.2486],
    abs=4e-3)


def test_depth_three_by_particles() -> None:
    classes = sh.NetworkClasses([1, 0.4], [0.6, -0.3], 0.8, 0.4)
    problem, rule = sh.least_squares(0.2, sh.powers(3)), sh.Constant(0.1)
    assert gaps(problem, rule, classes, d=500, seeds=48, bias=0.375, particles=16_000).max() < 1
