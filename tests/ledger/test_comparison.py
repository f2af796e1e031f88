"""Curves against direct simulation: agreement, disagreement, odd problems, what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Verdict, compare, error_slope, simulation
from symhigh.ledger.companions import companions, thinned
from symhigh.ledger.comparison import _finite
from symhigh.ledger.reference import Reference, finite
from symhigh.ledger.sensitivity import sensitivities
from symhigh.rule.constant import RATE
from symhigh.simulation import runner
from symhigh.simulation.finite import finite_problem

PROBLEM, RULE = sh.least_squares(noise=0.5), sh.AdaGradNorm(1, 1)
SYSTEM = sh.derive(PROBLEM, RULE)
ISOTROPIC, START = sh.Spectrum.isotropic(), sh.Start()
GRID = np.linspace(0.0, 3.0, 13)


@pytest.fixture(scope="module")
def curve():
    return SYSTEM.solve(ISOTROPIC, START, 3.0)


@pytest.fixture(scope="module")
def runs():
    return sh.simulate(PROBLEM, RULE, ISOTROPIC, START, 2048, 3.0, 20, t=GRID)


def vectors(d):
    rng = np.random.default_rng(2)
    return sh.Start.from_vectors(rng.standard_normal(d) / np.sqrt(d), np.ones(d) / np.sqrt(d))


PROBLEMS = {
    "two eigenvalues, odd sizes": (
        sh.Spectrum.from_eigenvalues([1, 0.3], [1 / 3, 2 / 3]),
        sh.Start(0.5, 1, 0.3),
        151,
    ),
    "power law, random start": (sh.Spectrum.power_law(0.2), sh.Start(0.5, 1, 0.3, random=True), 200),
    "every mode its eigenvalue": (
        sh.Spectrum.from_eigenvalues(np.linspace(0.1, 2, 150)),
        sh.Start(0.5, 1, 0.3),
        150,
    ),
    "fixed vectors": (sh.Spectrum.from_eigenvalues(np.linspace(0.1, 2, 150)), vectors(150), 150),
    "few large eigenvalues": (sh.Spectrum.from_eigenvalues([4, 0.1], [0.1, 0.9]), START, 150),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_limits_agree_with_simulation(name):
    spectrum, start, d = PROBLEMS[name]
    curve = SYSTEM.solve(spectrum, start, 3.0)
    runs = sh.simulate(PROBLEM, RULE, spectrum, start, d, 3.0, 12, t=GRID)
    found = compare(curve, runs, ("risk", "learning_rate", "distance"))
    assert found.agrees, found.summary()
    assert found.dims[0] == d
    known = name != "fixed vectors"  # of 150 modes
    assert found.method == ("the linear theory" if known else "companions")
    assert ("no linear theory: fixed vectors" in found.summary()) is not known
    assert found.sup_error <= found.band
    assert all(found.deviations[n].error.shape == runs.t.shape for n in ("risk", "learning_rate", "distance"))


def test_a_deterministic_start_is_compared_at_time_zero(curve, runs):
    found = compare(curve, runs)
    at_zero = found.deviations["risk"]
    assert found.t[0] == 0
    assert at_zero.standard_error[0] == 0
    assert at_zero.band[0] < 1e-6
    elsewhere = SYSTEM.solve(ISOTROPIC, sh.Start(x_star=1.0001), 3.0)
    late = compare(elsewhere, runs)
    assert not late.agrees
    assert late.worst[:2] == ("risk", 0.0)


def test_the_curve_that_is_given_is_the_one_compared(curve, runs):
    """Values that are not those of the curve's system count as they are."""
    wrong = replace(curve, outputs={**curve.outputs, "risk": curve.risk * 1.2})
    assert compare(curve, runs).agrees
    assert not compare(wrong, runs).agrees
    values = Reference.of(wrong, ["risk"]).at(runs).outputs
    np.testing.assert_allclose(values["risk"], np.interp(runs.t, curve.t, 1.2 * curve.risk), rtol=1e-3)


@pytest.mark.parametrize(
    "other",
    [
        sh.derive(sh.least_squares(noise=0), RULE),
        sh.derive(PROBLEM, sh.AdaGradNorm(2, 1)),
        sh.derive(PROBLEM, sh.Constant(1)),
    ],
    ids=["no noise", "another rate", "another rule"],
)
def test_another_limit_disagrees(other, runs):
    found = compare(other.solve(ISOTROPIC, START, 3.0), runs)
    assert not found.agrees
    assert found.worst[2] > 1
    assert "disagrees" in found.summary()


def test_same_runs_same_answer(curve, runs):
    assert compare(curve, runs).summary() == compare(curve, runs).summary()


def test_companions_have_seeds_of_their_own(runs):
    half, quarter = companions(runs)
    assert (half.d, quarter.d) == (512, 256)
    assert (len(half.seeds), len(quarter.seeds)) == (80, 160)
    assert not set(runs.seeds) & set(half.seeds)
    assert not set(half.seeds) & set(quarter.seeds)


def test_finite_problem_has_the_averages_of_the_simulated_start():
    """Against the simulator's own record at t = 0, for every kind of start."""
    for spectrum, start, d in PROBLEMS.values():
        if start.random:
            continue
        runs = sh.simulate(PROBLEM, RULE, spectrum, start, d, 0.1, 3, t=[0.0])
        curve = SYSTEM.solve(spectrum, start, 0.1)
        values = Reference.of(curve, ["risk", "distance"]).at(runs).outputs
        for name in values:
            np.testing.assert_allclose(runs.outputs[name][0], values[name], rtol=1e-12)


def test_finite_problem_approaches_the_measure():
    for spectrum, start, _ in PROBLEMS.values():
        if start.vectors_given is not None:
            continue
        finite, exact = finite_problem(spectrum, start, 3000)
        values, weights = spectrum.numeric("test")
        for k in (0, 1, 2):
            here = [(finite.weights * finite.values**k * m).sum() for m in exact.modes(finite)]
            there = [(weights * values**k * m).sum() for m in start.modes(spectrum)]
            np.testing.assert_allclose(here, there, atol=3e-3)


def test_thinning_keeps_modes_and_measure():
    d = 400
    spectrum, start = sh.Spectrum.from_eigenvalues(np.linspace(0.1, 2, d)), vectors(d)
    half, fewer = thinned(spectrum, start, d)
    assert half.values.size == d // 2
    assert set(half.values) < set(spectrum.values)
    position = np.searchsorted(spectrum.values, half.values)
    for whole, part in zip(start.modes(spectrum), fewer.modes(half), strict=True):
        np.testing.assert_allclose(part, whole[position], rtol=1e-12)  # d X_i² of a mode is as it was
    assert np.abs(np.diff(position)).max() <= 3


def test_diverged_runs_are_stated_and_never_agree():
    rule = sh.Constant(2.6)
    system = sh.derive(PROBLEM, rule)
    with pytest.warns(RuntimeWarning, match="diverged"):
        runs = sh.simulate(PROBLEM, rule, ISOTROPIC, START, 64, 40.0, 4)
    with pytest.warns(RuntimeWarning, match="diverged"):
        curve = system.solve(ISOTROPIC, START, 40.0)
    with pytest.warns(RuntimeWarning, match="diverged"):
        found = compare(curve, runs)
    assert not found.agrees
    assert any("runs at d = 64 diverged (seed 0" in p for p in found.problems)
    assert any("the curve" in p for p in found.problems)
    assert 0 < found.t.size < runs.t.size
    assert "diverged" in found.summary()
    with pytest.raises(ValueError, match="diverged"):
        error_slope(curve, [runs, replace(runs, d=128)])


SQUARES = sh.least_squares(0.7)
THREE = sh.Spectrum.from_eigenvalues([0.5, 1, 2]), sh.Start(0.5, 1, 0.2)


@pytest.fixture(scope="module")
def squares():
    return sh.simulate(SQUARES, sh.Constant(0.8), *THREE, 1000, 5.0, 30)


@pytest.mark.parametrize(
    ("what", "noise", "rate"),
    [
        ("risk", 0.7, 0.8 * 1.04),
        ("distance", 0.7, 0.8 * 1.04),
        ("risk", 0.7, 0.8 * 0.96),
        ("distance", 0.7, 0.8 * 0.96),
        ("risk", 0.7 * 1.01, 0.8),
    ],
)
@pytest.mark.parametrize("first", [0, 1], ids=["from the start", "later"])
def test_small_errors_in_the_rate_and_in_the_noise_are_found(squares, what, noise, rate, first):
    """4 % in the rate, 1 % in ω; with the start, where the risk does not fluctuate, and without."""
    seen = replace(
        squares, t=squares.t[first:], outputs={n: v[:, first:] for n, v in squares.outputs.items()}
    )
    right = sh.derive(SQUARES, sh.Constant(0.8)).solve(*THREE, 5.0)
    wrong = sh.derive(sh.least_squares(noise), sh.Constant(rate)).solve(*THREE, 5.0)
    found = compare(right, seen, what)
    assert found.agrees, found.summary()
    assert found.method == "the exact mean at finite d"
    assert found.finds("gamma_0") < 0.04
    assert not compare(wrong, seen, what).agrees


def test_a_bias_that_is_known_hides_no_mistake_of_the_system(squares):
    """The exact mean is of what was simulated: a system whose equations say something else is off by it."""
    system = sh.derive(SQUARES, sh.Constant(0.8))
    curve = replace(system, parameters={**system.parameters, RATE: sp.Float(0.8 * 1.04)}).solve(*THREE, 5.0)
    assert curve.system.rule == sh.Constant(0.8)
    assert not compare(curve, squares, "risk").agrees
    assert not compare(curve, squares, "distance").agrees


@pytest.mark.parametrize(
    ("rule", "parameters"),
    [
        (sh.AdaGradNorm(1, 1), {"eta", "b", "omega"}),
        (sh.Polyak(), {"learning rate", "omega"}),
        (sh.Schedule(1 / (1 + sh.t)), {"learning rate", "omega"}),
    ],
)
def test_errors_in_the_learning_rate_are_looked_for_under_every_rule(rule, parameters):
    curve = sh.derive(PROBLEM, rule).solve(ISOTROPIC, START, 3.0)
    runs = sh.simulate(PROBLEM, rule, ISOTROPIC, START, 256, 3.0, 12, t=GRID)
    found = compare(curve, runs, "risk")
    assert found.agrees, found.summary()
    assert set(found.responses) == parameters
    assert found.finds("omega") < 0.2
    assert found.finds("eta" if "eta" in parameters else "learning rate") > 0.01


def test_sensitivities_are_derivatives(curve):
    """Against central differences of the system bound to other values, and of a rule with a factor."""
    where, reference = (ISOTROPIC, START), Reference.of(curve, ["risk"])
    found = sensitivities(reference, where, reference.solve(where, curve.t))
    for name, low, high in (
        ("eta", sh.AdaGradNorm(0.999, 1), sh.AdaGradNorm(1.001, 1)),
        ("b", sh.AdaGradNorm(1, 0.999), sh.AdaGradNorm(1, 1.001)),
    ):
        ends = [sh.derive(PROBLEM, r).solve(ISOTROPIC, START, 3.0, t=curve.t).risk for r in (low, high)]
        np.testing.assert_allclose(found[name]["risk"], (ends[1] - ends[0]) / 0.002, atol=3e-3)
    system = sh.derive(PROBLEM, sh.Polyak())
    base = system.solve(ISOTROPIC, START, 3.0, t=curve.t)
    reference = Reference.of(base, ["risk"])
    scaled = sensitivities(reference, where, reference.solve(where, curve.t))["learning rate"]["risk"]
    modulated = sh.derive(PROBLEM, sh.Modulated(sh.Polyak(), sp.Rational(101, 100)))
    expected = (modulated.solve(ISOTROPIC, START, 3.0, t=curve.t).risk - base.risk) / 0.01
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_few_effective_dimensions_are_warned_of():
    """Where the exact mean is known the warning has the size of what the limit drops."""
    spectrum = sh.Spectrum.from_eigenvalues([20.0] + [0.1] * 39)
    rule, times = sh.Constant(0.8), np.arange(41) / 40
    runs = sh.simulate(PROBLEM, rule, spectrum, START, 40, 1.0, 10, t=times)
    curve = sh.derive(PROBLEM, rule).solve(spectrum, START, 1.0)
    mean = sh.exact_mean(PROBLEM, rule, spectrum, START, 40, 1.0, t=times)
    size = np.abs(mean.bias["risk"]).max() / mean.risk.max()
    assert size > 0.05
    with pytest.warns(
        RuntimeWarning, match=rf"only 1\.2 effective dimensions .* risk is off by up to {size:.1%}"
    ):
        compare(curve, runs, "risk")
    adaptive = sh.simulate(PROBLEM, RULE, spectrum, START, 40, 1.0, 10, t=times)
    with pytest.warns(RuntimeWarning, match=r"what it drops is of relative order \d+\.\d%"):
        compare(SYSTEM.solve(spectrum, START, 1.0), adaptive, "risk")


def test_smaller_companions_that_diverge_give_way_to_larger_ones(monkeypatch):
    """A start far out under a steep loss: some of the many runs at d/8 leave all bounds."""
    tried, plain = [], runner.simulate
    runs = sh.simulate(PROBLEM, RULE, ISOTROPIC, START, 2048, 1.0, 4)

    def simulated(*args, **options):
        tried.append(args[4])
        found = plain(*args, **options)
        return replace(found, messages={args[6][0]: "diverged"}) if args[4] < 512 else found

    monkeypatch.setattr(runner, "simulate", simulated)
    assert [r.d for r in companions(runs)] == [1024, 512]
    assert tried == [512, 256, 1024, 512]


def test_diverging_curves_cannot_be_judged_beyond(curve, runs):
    with pytest.raises(ValueError, match="solve it to the end"):
        compare(SYSTEM.solve(ISOTROPIC, START, 1.0), runs)


def test_errors_shrink_like_one_over_the_root_of_d(curve):
    several = [
        sh.simulate(PROBLEM, RULE, ISOTROPIC, START, d, 3.0, 24, t=GRID) for d in (256, 1024, 4096, 16384)
    ]
    found = error_slope(curve, several)
    assert found.consistent, found.summary()
    assert found.interval[1] - found.interval[0] < 0.1
    assert "verifies that errors shrink, not that the curve is right" in found.summary()
    assert found.dims == (256, 1024, 4096, 16384)
    assert (np.diff(found.sup_errors) < 0).all()
    flat = error_slope(replace(curve, outputs={**curve.outputs, "risk": 1.5 * curve.risk}), several)
    assert not flat.consistent
    assert abs(flat.slope) < 0.1
    wrong = sh.derive(PROBLEM, sh.AdaGradNorm(1.05, 1)).solve(ISOTROPIC, START, 3.0)
    assert not error_slope(wrong, several).consistent
    with pytest.raises(ValueError, match="no such output; there are risk"):
        error_slope(curve, several, "rsik")
    with pytest.raises(ValueError, match="alarm must be < 1"):
        error_slope(curve, several, alarm=1)
    with pytest.raises(ValueError, match="seed 3 repeats"):
        error_slope(curve, [several[0], replace(several[1], seeds=(3,) * 24)])
    with pytest.raises(ValueError, match="two or more"):
        error_slope(curve, several[:1])
    with pytest.raises(ValueError, match="two or more"):
        error_slope(curve, [several[0], several[0]])


def test_comparisons_are_evidence(curve, runs):
    claim = Claim(
        "least squares", evidence=simulation(lambda trial: compare(curve, runs)), expect=Verdict.CONSISTENT
    )
    row = claim.examine()
    assert row.as_expected
    assert "of its band" in row.support
    wrong = replace(curve, outputs={**curve.outputs, "risk": curve.risk * 1.2})
    claim = Claim(
        "least squares, wrong",
        evidence=simulation(lambda trial: compare(wrong, runs)),
        expect=Verdict.REFUTED,
    )
    row = claim.examine()
    assert row.as_expected
    assert "deviates by" in row.support


def test_a_rate_that_is_infinite_at_the_start_is_named() -> None:
    """The limit exists, and so do its risk and a comparison of it; no run can deviate from an infinite rate."""
    problem, rule = sh.least_squares(0.3), sh.Schedule(sp.Rational(1, 4) / sh.t ** sp.Rational(1, 4))
    spectrum, start, times = sh.Spectrum.isotropic(), sh.Start(0.5, 1, 0.2), [0, 0.5, 1]
    curve = sh.derive(problem, rule).solve(spectrum, start, 1, t=times)
    runs = sh.simulate(problem, rule, spectrum, start, d=64, t_end=1, seeds=6, t=times)
    with pytest.raises(ValueError, match=r"learning_rate of the runs is inf at t = 0.*what=\('risk',\)"):
        sh.compare(curve, runs)
    assert sh.compare(curve, runs, what="risk").agrees


@pytest.mark.parametrize(
    ("curve", "runs", "words"),
    [
        ([1, 2, 3], [[1, 2, 3], [1, 2, 3]], ""),
        ([1, 2, np.inf], [[1, 2, 3], [1, 2, 3]], r"risk of the curve is inf at t = 2, so no deviation from it has a"),
        ([1, 2, 3], [[1, 2, np.nan], [1, 2, 3]], "risk of the runs is nan at t = 2"),
        ([1, 2, 3], [[1, 2, 3], [1, -np.inf, np.nan]], "risk of the runs is -inf at t = 1"),
        ([np.inf, 2, 3], [[np.inf, 2, 3], [1, 2, 3]], "risk of the runs is inf at t = 0"),
    ],
)
def test_where_nothing_diverges_all_values_must_be_finite(curve: list, runs: list, words: str) -> None:
    rows = np.array(runs, dtype=float)
    t, good = np.array([0.0, 1.0, 2.0]), np.ones(3)
    one: Any = SimpleNamespace(t=t, outputs={"risk": np.array(curve, dtype=float), "norm": good}, message="")
    other: Any = SimpleNamespace(t=t, outputs={"risk": rows, "norm": np.ones((2, 3))}, messages={})
    if not words:
        _finite(one, other, ["risk", "norm"])
        return
    with pytest.raises(ValueError, match=words + r".*; compare what=\('norm',\), or at times t=… where it is finite"):
        _finite(one, other, ["risk", "norm"])
    with pytest.raises(ValueError, match="has a value; compare at times"):
        _finite(one, other, ["risk"])
    one.message, other.messages = "diverged", {3: "diverged"}
    _finite(one, other, ["risk", "norm"])
    _finite(one, other, ["norm"])


def test_populations_at_a_dimension() -> None:
    """The spectrum is that of d coordinates, overlaps stay; what is neither has no counterpart."""
    overlaps = sh.Overlaps(np.eye(3))
    spectrum, same = finite((sh.Spectrum.from_eigenvalues([1, 2], [0.26, 0.74]), overlaps), 4)
    assert same is overlaps
    assert (spectrum.values.tolist(), spectrum.weights.tolist()) == ([1, 2], [0.25, 0.75])
    with pytest.raises(TypeError, match="compare: a population stated by Start has no counterpart at d = 4"):
        finite((sh.Start(),), 4)


@pytest.mark.filterwarnings("ignore:diverged:RuntimeWarning")
def test_slopes_of_errors_that_do_not_fluctuate() -> None:
    """An error of zero has no logarithm; one that stays the same at every d has the slope zero, and no width."""
    rule, other = sh.Schedule(sp.exp(-sh.t) / 4), sh.Schedule(sp.exp(-sh.t) / 2)
    few = [sh.simulate(PROBLEM, rule, ISOTROPIC, START, d, 1.0, 3, t=[0.5, 1.0]) for d in (16, 64)]
    one, two = (sh.derive(PROBLEM, r).solve(ISOTROPIC, START, 1.0) for r in (rule, other))
    with pytest.raises(ValueError, match="learning_rate of a run at d = 16 equals the curve exactly"):
        error_slope(one, few, "learning_rate")
    slope = error_slope(two, few, "learning_rate")
    assert slope.slope == pytest.approx(0, abs=1e-9)
    assert slope.interval == pytest.approx((0, 0), abs=1e-9)
    assert not slope.agrees
    stopped = sh.derive(PROBLEM, sh.Constant(400)).solve(ISOTROPIC, START, 1.0)
    with pytest.raises(ValueError, match="error_slope: the curve diverged"):
        error_slope(stopped, few)


@pytest.mark.parametrize("rate", [400, 40])
@pytest.mark.filterwarnings("ignore:diverged:RuntimeWarning")
def test_a_curve_that_ends_before_the_first_time_of_the_runs_disagrees(rate: float) -> None:
    """At its start, or a little later: nothing is left to be compared, and the reason is said."""
    few = sh.simulate(PROBLEM, sh.Constant(0.3), ISOTROPIC, START, 16, 1.0, 3, t=[0.5, 1.0])
    stopped = sh.derive(PROBLEM, sh.Constant(rate)).solve(ISOTROPIC, START, 1.0)
    assert stopped.t[-1] < 0.5
    found = compare(stopped, few)
    assert not found.agrees
    assert found.t.size == 0
    assert found.problems[0].startswith("the curve diverged at t = ")
    assert "the curve diverged" in found._repr_html_()
