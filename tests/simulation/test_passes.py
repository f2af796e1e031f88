"""Runs of several passes over rows: against the limit, against plain SGD on the rows, and what is refused."""

import numpy as np
import pytest

import symhigh as sh
from tests.integration.test_passes import gaussian_rows

pytestmark = [
    pytest.mark.filterwarnings("ignore::symhigh.population.EffectiveDimensionWarning"),  # small data are quick
    pytest.mark.filterwarnings("ignore:solve_passes. at .* the squares of residuals"),
]


@pytest.mark.parametrize(
    "rule", [sh.AdaGradNorm(1, 1), sh.MiniBatch(sh.Constant(0.8), 3), sh.Polyak()], ids=lambda r: type(r).__name__
)
def test_runs_on_the_rows_follow_the_limit(rule):
    data, test = gaussian_rows(400, 200, seed=2)
    times = [0.0, 1.0, 3.0, 6.0]
    curve = sh.solve_passes(data, rule, 6.0, times, test=test)
    runs = sh.simulate_passes(data, rule, 6.0, 24, times, test=test)
    assert runs.risk[:, 0] == pytest.approx(data.loss(np.zeros(200)), rel=1e-12)
    for name in ("risk", "test_risk", "learning_rate"):
        values = runs.outputs[name]
        error = values.std(axis=0, ddof=1) / np.sqrt(24) + 0.015 * values.mean(axis=0)  # 1/d of the mean
        assert (np.abs(values.mean(axis=0) - curve.outputs[name]) < 3.5 * error).all(), name


def test_an_iterate_is_that_of_plain_sgd():
    """The runs' losses, against the update written out on the rows themselves, shuffled anew each pass."""
    data, test = gaussian_rows(30, 20, seed=3)
    runs = sh.simulate_passes(data, sh.Constant(0.5), 4.0, [7], [0.5, 4.0], test=test, shuffled=True)
    order = np.random.default_rng([7, 1])
    X, taken, found = np.zeros(20), [], {}
    for k in range(80):
        taken = taken or order.permutation(30).tolist()
        i = taken.pop(0)
        X = X - 0.5 / 20 * (data.rows[i] @ X - data.labels[i]) * data.rows[i]
        found[k + 1] = (data.loss(X), (X - test[1]) @ (X - test[1]) / 2 + test[2] ** 2 / 2)
    np.testing.assert_allclose(runs.risk[0], [found[10][0], found[80][0]], rtol=1e-10)
    np.testing.assert_allclose(runs.test_risk[0], [found[10][1], found[80][1]], rtol=1e-10)


def test_momentum_has_a_loss_on_other_data():
    data, test = gaussian_rows(80, 30)
    rule = sh.Momentum(0.4, 1.0, 0.3)
    assert sh.simulate_passes(data, rule, 1.0, 2, test=test).test_risk.shape == (2, 31)


def test_threads_change_nothing():
    data, test = gaussian_rows(50, 20)
    alone, together = (sh.simulate_passes(data, sh.Constant(0.5), 2.0, 4, test=test, threads=k) for k in (1, 4))
    assert all((alone.outputs[k] == together.outputs[k]).all() for k in alone.outputs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d, t: sh.simulate_passes(d, sh.Drifting(sh.Constant(0.1), 0.1), 1.0), "moves the target"),
        (lambda d, t: sh.simulate_passes(d, sh.Constant(0.1), 1.0, X0=np.zeros(3)), r"X0 has shape \(3,\)"),
        (lambda d, t: sh.simulate_passes(d, sh.Constant(0.1), 1.0, test=(t[0], t[1], -1.0)), "omega|ω"),
        (lambda d, t: sh.simulate_passes(d, sh.Constant(0.1), 1.0, 2).again(40, 2), "samples of their own"),
        (lambda d, t: sh.Dataset(np.ones((3, 2)), np.ones(2)), "labels has shape"),
        (lambda d, t: sh.Dataset(np.ones((1, 2)), np.ones(1)), "at least 2 rows"),
    ],
)
def test_refusals(call, message):
    data, test = gaussian_rows(40, 20)
    with pytest.raises(ValueError, match=message):
        call(data, test)


