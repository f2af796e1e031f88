"""Escape from a saddle: against values derived elsewhere, and against runs of the exact chain."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

REST = 0.3924437
ISOTROPIC = sh.Spectrum.isotropic()
Y = sp.Symbol("y_1", real=True)


def test_phase_retrieval_leaves_as_derived_by_hand():
    start = sh.Start(REST, 1, 0, random=True)
    found = sh.escape(sh.phase_retrieval(), sh.Constant(0.12), ISOTROPIC, start)
    assert found.rate == pytest.approx(3 * 0.12 * (1 - REST), rel=1e-6)
    assert found.rate == pytest.approx(0.2187203, abs=1e-7)
    assert found.std == pytest.approx(5.078, abs=5e-4)
    noise = 0.12**2 * (15 * REST**3 - 18 * REST**2 + 15 * REST)
    assert found.spread == pytest.approx(np.sqrt(REST + noise / (2 * found.rate)), rel=1e-5)
    for d, mean in ((500, 16.235), (2000, 19.404), (8000, 22.573)):
        assert found.mean(d, 0.5) == pytest.approx(mean, abs=6e-4)


def test_the_law_has_the_mean_and_the_deviation_of_its_quantiles():
    found = sh.escape(sh.phase_retrieval(), sh.Constant(0.1), ISOTROPIC, sh.Start(0.3, 1, 0))
    shares = (np.arange(20000) + 0.5) / 20000
    times = np.array([found.quantile(p, 1000, 0.4) for p in shares[::20]])
    assert (np.diff(times) > 0).all()
    assert times.mean() == pytest.approx(found.mean(1000, 0.4), abs=0.05)
    assert times.std() == pytest.approx(found.std, rel=0.02)


def first_times(problem, rule, spectrum, start, d, seeds, level, end):
    grid = np.linspace(0, end, int(end * 10) + 1)
    runs = sh.simulate(problem, rule, spectrum, start, d, end, seeds=seeds, method="gram", t=grid)
    reached = np.abs(runs.overlap) >= level
    assert reached.any(axis=1).all()
    return runs.t[np.argmax(reached, axis=1)] - 0.05


@pytest.mark.parametrize(
    ("problem", "rate", "spectrum"),
    [
        (sh.phase_retrieval(), 0.12, ISOTROPIC),
        pytest.param(
            sh.phase_retrieval(), 0.1, sh.Spectrum.from_eigenvalues([1.2, 0.6]), marks=pytest.mark.slow
        ),
        pytest.param(
            sh.Problem((sh.x**2 - sh.x_star**2) ** 2 / 4 + sh.x**4 / 20), 0.1, ISOTROPIC, marks=pytest.mark.slow
        ),
    ],
)
def test_runs_leave_as_predicted(problem, rate, spectrum):
    start = sh.Start(0.3, 1, 0, random=True)
    found = sh.escape(problem, sh.Constant(rate), spectrum, start)
    d, seeds = 500, 300
    end = found.quantile(0.99999, d, 0.5) + 10
    times = first_times(problem, sh.Constant(rate), spectrum, start, d, seeds, 0.5, end)
    assert abs(times.mean() - found.mean(d, 0.5)) < 3.5 * found.std / np.sqrt(seeds)
    assert times.std() == pytest.approx(found.std, rel=0.15)


def test_what_is_no_saddle_is_refused():
    rule, start = sh.Constant(0.1), sh.Start(0.3, 1, 0)
    with pytest.raises(ValueError, match="does not stay zero"):
        sh.escape(sh.least_squares(), rule, ISOTROPIC, start)
    with pytest.raises(ValueError, match="saddle is at overlap 0"):
        sh.escape(sh.phase_retrieval(), rule, ISOTROPIC, sh.Start(0.3, 1, 0.1))
    with pytest.raises(ValueError, match="no noise reaches"):
        sh.escape(sh.phase_retrieval(), rule, ISOTROPIC, sh.Start(0, 1, 0))
    with pytest.raises(ValueError, match="come to rest"):
        sh.escape(sh.phase_retrieval(), sh.Constant(3), ISOTROPIC, start)
    with pytest.raises(TypeError, match="must be a rule"):
        sh.escape(sh.phase_retrieval(), 0.1, ISOTROPIC, start)
    found = sh.escape(sh.phase_retrieval(), rule, ISOTROPIC, start)
    with pytest.raises(ValueError, match="level must lie between"):
        found.mean(500, 2.0)


@pytest.mark.parametrize(
    ("problem", "rule"),
    [
        (sh.phase_retrieval(), sh.Momentum(0.1, 1)),
        (sh.least_squares(model=sh.PRODUCT), sh.Constant(0.1)),
        (sh.MultiIndex(sp.symbols("a b", real=True), [Y], (sp.Symbol("a", real=True) - Y) ** 2 / 2), sh.Constant(0.1)),
    ],
)
def test_the_saddle_is_one_of_one_direction(problem, rule):
    with pytest.raises(ValueError, match="one learnt direction"):
        sh.escape(problem, rule, ISOTROPIC, sh.Start(0.3, 1, 0))
