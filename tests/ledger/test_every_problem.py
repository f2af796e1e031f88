"""One comparison for every population: networks by both closures, committees, rules with further vectors or cells."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.close.density import DensitySystem
from symhigh.derivation.close.particles import ParticleSystem

TIMES = np.linspace(0, 2, 9)
FOUR = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
TWO = sh.Spectrum.from_eigenvalues([1, 0.4]), sh.Start(0.5, 1, 0.3)
LEAST = sh.least_squares(0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem", [sh.least_squares(0.5, sh.PRODUCT), sh.logistic_regression(model=sh.PRODUCT)], ids=lambda p: p.name
)
@pytest.mark.parametrize(
    "rules", [(sh.AdaGradNorm(1, 1), sh.AdaGradNorm(1.5, 1)), (sh.Polyak(), sh.DistanceThreshold(0.7))], ids=["1", "2"]
)
def test_a_network_by_the_density_of_a_coordinate(problem, rules):
    """A rate that is four tenths to a half as large again is found."""
    right, wrong = (sh.derive(problem, rule) for rule in rules)
    assert isinstance(right, DensitySystem)
    runs = sh.simulate(problem, rules[0], FOUR, d=512, t_end=2, seeds=20, t=TIMES)
    found = sh.compare(right.solve(FOUR, 2.01), runs)
    assert found.agrees, found.summary()
    assert set(found.deviations) == {"risk", "curvature"}
    assert not sh.compare(wrong.solve(FOUR, 2.01), runs).agrees


@pytest.mark.slow
def test_a_network_by_particles():
    """Momentum on a network has no density of its own; a rate that is half as large again is found."""
    problem, rule = sh.least_squares(0.5, sh.PRODUCT), sh.Momentum(0.4, 1)
    system = sh.derive(problem, rule)
    assert isinstance(system, ParticleSystem)
    runs = sh.simulate(problem, rule, FOUR, d=512, t_end=2, seeds=20, t=TIMES)
    found = sh.compare(system.solve(FOUR, 2.01, particles=20_000), runs)
    assert found.agrees, found.summary()
    wrong = sh.derive(problem, sh.Momentum(0.6, 1)).solve(FOUR, 2.01, particles=20_000)
    assert not sh.compare(wrong, runs).agrees


@pytest.mark.slow
def test_a_committee():
    """Two students and two teachers under AdaGrad-Norm; a tenth more in eta is found."""
    students, teachers = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
    error = sum(sp.erf(s / sp.sqrt(2)) for s in students) - sum(sp.erf(s / sp.sqrt(2)) for s in teachers)
    problem = sh.MultiIndex(students, teachers, error**2 / 2)
    overlaps = sh.Overlaps([[0.5, 0.1, 0.2, 0.0], [0.1, 0.5, 0.0, 0.1], [0.2, 0.0, 1, 0], [0.0, 0.1, 0, 1]])
    where = sh.Spectrum.isotropic(), overlaps
    runs = sh.simulate(problem, sh.AdaGradNorm(1, 1), *where, 1000, 2, 20, t=TIMES)
    found = sh.compare(sh.derive(problem, sh.AdaGradNorm(1, 1)).solve(*where, 2.01), runs)
    assert found.agrees, found.summary()
    assert not sh.compare(sh.derive(problem, sh.AdaGradNorm(1.1, 1)).solve(*where, 2.01), runs).agrees


RULES = {
    "momentum": (sh.Momentum(0.5, 1), ("risk",)),
    "signs": (sh.SignSGD(0.3), ("risk",)),
    "Adam": (sh.Adam(0.3, 1, 1, 0.5), ("risk",)),
    "averages": (sh.Averaged(sh.Constant(0.5)), ("risk", "average_risk")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_rules_with_vectors_and_cells(name):
    rule, what = RULES[name]
    runs = sh.simulate(LEAST, rule, *TWO, 500, 2, 20, t=TIMES)
    found = sh.compare(sh.derive(LEAST, rule).solve(*TWO, 2.01), runs, what)
    assert found.agrees, found.summary()
    assert found.finds("gamma_0") < 0.5
    assert found.method == "companions"


def test_other_populations_are_refused():
    network = sh.DiagonalNetwork(0.4, 0.5)
    runs = sh.simulate(network, None, FOUR, d=64, t_end=1, seeds=4, t=[0, 1])
    curve = sh.derive(LEAST, sh.Constant(0.4)).solve(*TWO, 1.1)
    with pytest.raises(ValueError, match="the curve is of Spectrum and Start, the runs of NetworkClasses"):
        sh.compare(curve, runs)


def test_runs_of_a_covariance_have_no_companions():
    """A matrix belongs to one dimension: what would be simulated at d/4 is another problem."""
    runs = sh.simulate(LEAST, sh.Constant(0.4), *TWO, 32, 1, 4, t=[0, 1], covariance=np.eye(32))
    with pytest.raises(ValueError, match="samples of their own"):
        runs.again(16, 4)
    with pytest.raises(ValueError, match="samples of their own"):
        sh.compare(sh.derive(LEAST, sh.Constant(0.4)).solve(*TWO, 1.1), runs)


@pytest.mark.parametrize("population", ["start", "overlaps", "classes"])
def test_runs_repeat_themselves_for_every_population(population):
    """The same seeds at the same dimension give the same bits."""
    if population == "classes":
        runs = sh.simulate(sh.DiagonalNetwork(0.4, 0.5), None, FOUR, d=64, t_end=1, seeds=4, t=[0, 1])
    elif population == "start":
        runs = sh.simulate(LEAST, sh.Constant(0.4), *TWO, 64, 1, 4, t=[0, 1])
    else:
        students, teachers = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
        problem = sh.MultiIndex(students, teachers, (sum(students) - sum(teachers)) ** 2 / 2)
        overlaps = sh.Overlaps(np.eye(4))
        runs = sh.simulate(problem, sh.Constant(0.4), TWO[0], overlaps, 64, 1, 4, t=[0, 1])
    again = runs.again(64, 4)
    np.testing.assert_array_equal(again.risk, runs.risk)
    assert runs.again(32, 3).risk.shape == (3, 2)
