"""Predictions beyond the limit against large ensembles of the exact chain: widths, biases, escapes, schedules.

Slow; the theory's own values are tested elsewhere in this room.
"""

import numpy as np
import pytest
import sympy as sp
from scipy.optimize import minimize_scalar

import symhigh as sh

pytestmark = pytest.mark.slow
HALVES = sh.Spectrum.from_eigenvalues([1.5, 0.5])
X1, X2, Y1 = sp.symbols("x1 x2 y1", real=True)
FAR, OVERLAPS = sh.Start(0.5, 1, 0.4), sh.Overlaps([[0.5, 0.1, 0.2], [0.1, 0.4, 0.1], [0.2, 0.1, 1]])
WIDTHS = {
    "constant": (sh.least_squares(0.3), sh.Constant(0.9), FAR),
    "AdaGrad-Norm": (sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5), FAR),
    "momentum": (sh.least_squares(0.3), sh.Momentum(1.5, 1, 0.3), FAR),
    "logistic": (sh.logistic_regression(), sh.Constant(1), sh.Start(0.5, 4, 0.3)),
    "phase retrieval": (sh.phase_retrieval(), sh.Constant(0.06), FAR),
    "committee": (
        sh.MultiIndex((X1, X2), (Y1,), (X1 + X2 - Y1 - sh.eps) ** 2 / 2 + X1 * X2 / 4, noise=0.3),
        sh.AdaGradNorm(0.5, 1),
        OVERLAPS,
    ),
}


@pytest.mark.parametrize("name", WIDTHS)
def test_deciles_of_ensembles_are_those_predicted(name):
    """10-90 % of 6000 runs at d = 1000; the distance of two deciles of 6000 normal values is known to 1.5 %."""
    problem, rule, start = WIDTHS[name]
    times, d = [0.5, 1.0], 1000
    bands = sh.derive(problem, rule).fluctuations(HALVES, start, 1, times)
    runs = sh.simulate(problem, rule, HALVES, start, d, 1, seeds=6000, method="gram", t=times)
    low, high = bands.band("risk", d)
    seen = np.quantile(runs.risk, [0.1, 0.9], axis=0)
    np.testing.assert_allclose(high - low, seen[1] - seen[0], rtol=0.05)


def test_the_bias_of_sixty_thousand_runs():
    """AdaGrad-Norm at d = 200: the reference values of the bias, within 3.5 standard errors of the mean of runs."""
    problem, rule, times, d = sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5), [0.25, 0.5, 1, 2, 4], 200
    bands = sh.derive(problem, rule).fluctuations(HALVES, sh.Start(), 4, times)
    np.testing.assert_allclose(bands.bias("risk", 1), [-0.1153, 0.1783, 0.2895, 0.1748, 0.0509], atol=5.1e-5)
    runs = sh.simulate(problem, rule, HALVES, sh.Start(), d, 4, seeds=60_000, method="gram", t=times)
    for name in ("risk", "learning_rate"):
        values = getattr(runs, name)
        shift = values.mean(0) - bands.values[:, bands.names.index(name)] - bands.bias(name, d)
        error = values.std(0) / np.sqrt(60_000)
        second = np.abs(bands.bias(name, d)) * 4 / d  # of the next order in 1/d
        assert (np.abs(shift) < 3.5 * error + second).all(), (name, shift / error)


QUARTIC = sh.Problem((sh.x**2 - sh.x_star**2) ** 2 / 4 + sh.x**4 / 20)


@pytest.mark.parametrize(
    ("problem", "rate", "dims"), [(sh.phase_retrieval(), 0.12, (500, 2000, 6000)), (QUARTIC, 0.1, (500, 2000))]
)
def test_runs_leave_the_saddle_at_every_dimension_as_predicted(problem, rate, dims):
    """Mean and standard deviation within 3.5 standard errors of 400 runs; log|N| has kurtosis 7, so 0.87/√n for std."""
    rule, start, iso = sh.Constant(rate), sh.Start(0.3924437, 1, 0, random=True), sh.Spectrum.isotropic()
    law, seeds = sh.escape(problem, rule, iso, start), 400
    for d in dims:
        end = law.quantile(0.9999, d, 0.5) + 10
        grid = np.linspace(0, end, int(10 * end))
        runs = sh.simulate(problem, rule, iso, start, d, end, seeds=seeds, method="gram", t=grid)
        reached = np.abs(runs.overlap) >= 0.5
        assert reached.any(axis=1).all()
        times = runs.t[np.argmax(reached, axis=1)] - 0.05
        assert abs(times.mean() - law.mean(d, 0.5)) < 3.5 * law.std / np.sqrt(seeds) + law.mean(d, 0.5) / d, d
        assert abs(times.std(ddof=1) / law.std - 1) < 3.5 * 0.87 / np.sqrt(seeds), d


SCHEDULES = {  # excess risk at T on eigenvalues 1 and .1: optimal, line search, Polyak, the best constant rate
    (0.0, 20): (1.8310e-5, 3.2368e-3, 7.3227e-5, 2.8930e-5),
    (0.5, 20): (0.0109324, 0.0153751, 0.0146170, 0.0189196),
    (0.5, 100): (0.00208001, 0.00738086, 0.00371065, 0.00655176),
}


@pytest.mark.parametrize(("noise", "end"), SCHEDULES)
def test_the_table_of_schedules(noise, end):
    spectrum, problem, least = sh.Spectrum.from_eigenvalues([1, 0.1]), sh.least_squares(noise), noise**2 / 2

    def last(rule):
        return sh.derive(problem, rule).solve(spectrum, sh.Start(), end, t=[end], rtol=1e-10).risk[0] - least

    optimal = sh.optimal_schedule(problem, spectrum, sh.Start(), end, t=[0, end]).value - least
    top = 3.6 if not noise else 1.5
    constant = minimize_scalar(lambda g: np.log(last(sh.Constant(g))), bounds=(0.05, top), method="bounded")
    found = optimal, last(sh.LineSearch()), last(sh.Polyak()), np.exp(constant.fun)
    np.testing.assert_allclose(found, SCHEDULES[noise, end], rtol=1e-4)
    assert found[0] == min(found)


def test_the_best_schedule_on_a_power_law_keeps_its_constant():
    """``γ²P K(x)`` with x the clock that is left, up to 5 % over a fall of γ by 30; β = 3/2."""
    lam = np.arange(1.0, 21.0) ** -1.5
    w, lam = np.full(20, 0.05), lam / lam.mean()
    found = sh.optimal_schedule(sh.least_squares(1.0), sh.Spectrum.from_eigenvalues(lam, w), sh.Start(), 20)
    rate, t = found.learning_rate, found.t
    clock = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(t))])
    K = (w * lam**2 * np.exp(-2 * lam * (clock[-1] - clock)[:, None])).sum(axis=1)
    kept = rate * np.sqrt(2 * found.risk * K)
    late = t > 10
    assert rate[late].max() / rate[late].min() > 7
    np.testing.assert_allclose(kept[late], kept[late].mean(), rtol=0.05)
