"""Curves against direct simulation: agreement, disagreement, odd problems, what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import symhigh as sh
from symhigh.ledger import Claim, Verdict, compare, error_slope, simulation
from symhigh.ledger.companions import companions, thinned
from symhigh.ledger.reference import reference
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
    assert found.method == "companions"
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
    values, _ = reference(wrong, runs, ["risk"])
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
        values, _ = reference(SYSTEM.solve(spectrum, start, 0.1), runs, ["risk", "distance"])
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


def test_what_cannot_be_compared(curve, runs):
    with pytest.raises(ValueError, match="both have risk"):
        compare(curve, runs, "temperature")
    with pytest.raises(ValueError, match="at least 3 seeds"):
        compare(curve, sh.simulate(PROBLEM, RULE, ISOTROPIC, START, 32, 3.0, 2))
    with pytest.raises(ValueError, match="d must be >= 8"):
        compare(curve, sh.simulate(PROBLEM, RULE, ISOTROPIC, START, 7, 3.0, 3))
    with pytest.raises(ValueError, match="solve it to the end"):
        compare(SYSTEM.solve(ISOTROPIC, START, 1.0), runs)
    with pytest.raises(ValueError, match="alarm must be < 1"):
        compare(curve, runs, alarm=1.5)
    half, quarter = companions(runs)
    with pytest.raises(ValueError, match="give two"):
        compare(curve, runs, companions=[half])
    with pytest.raises(ValueError, match="larger one first"):
        compare(curve, runs, companions=[quarter, half])
    assert compare(curve, runs, companions=[half, quarter]).agrees


def test_errors_shrink_like_one_over_the_root_of_d(curve):
    several = [
        sh.simulate(PROBLEM, RULE, ISOTROPIC, START, d, 3.0, 24, t=GRID) for d in (256, 1024, 4096, 16384)
    ]
    found = error_slope(curve, several)
    assert found.consistent, found.summary()
    assert found.interval[1] - found.interval[0] < 0.4
    assert found.dims == (256, 1024, 4096, 16384)
    assert (np.diff(found.sup_errors) < 0).all()
    flat = error_slope(replace(curve, outputs={**curve.outputs, "risk": 1.5 * curve.risk}), several)
    assert not flat.consistent
    assert abs(flat.slope) < 0.1
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
