"""Several passes over rows: the limit against a direct transcription, against runs, and what is refused."""

import numpy as np
import pytest
from scipy.linalg import hadamard

import symhigh as sh

pytestmark = [
    pytest.mark.filterwarnings("ignore::symhigh.population.EffectiveDimensionWarning"),  # small data are quick
    pytest.mark.filterwarnings("ignore:solve_passes. at .* the squares of residuals"),
]


def gaussian_rows(n, d, noise=0.3, seed=0, scales=None):
    rng = np.random.default_rng(seed)
    scales = np.ones(d) if scales is None else scales
    rows = rng.standard_normal((n, d)) * np.sqrt(scales)
    target = rng.standard_normal(d)
    target /= np.linalg.norm(target)
    return sh.Dataset(rows, rows @ target + noise * rng.standard_normal(n)), (np.diag(scales), target, noise)


def by_volterra(data, rate, end, test, steps=1000):
    """Losses over the rows and on other data at equal times, by the trapezoidal rule on the two-kernel equation."""
    H = data.rows.T @ data.rows / data.n
    values, basis = np.linalg.eigh(H)
    best = np.linalg.lstsq(data.rows, data.labels, rcond=None)[0]
    K, centre, noise = test
    time = np.linspace(0, end, steps + 1)
    decay = np.exp(-np.outer(rate * time, values))
    flow = best - (decay * (basis.T @ best)) @ basis.T
    train = ((flow @ data.rows.T - data.labels) ** 2).mean(axis=1) / 2
    other = np.einsum("ti,ij,tj->t", flow - centre, K, flow - centre) / 2 + noise**2 / 2
    kernel = rate**2 * (decay**2 @ values**2) / data.d
    second = rate**2 * (decay**2 @ (values * np.diag(basis.T @ K @ basis))) / data.d
    h, loss = time[1], np.zeros(steps + 1)
    loss[0] = train[0]
    for k in range(1, steps + 1):
        memory = kernel[k] * loss[0] / 2 + kernel[k - 1 : 0 : -1] @ loss[1:k]
        loss[k] = (train[k] + h * memory) / (1 - h * kernel[0] / 2)
    found = [other[k] + h * (second[k::-1] @ loss[: k + 1] - (second[k] * loss[0] + second[0] * loss[k]) / 2)
             for k in range(1, steps + 1)]  # fmt: skip
    return time, loss, np.array([other[0], *found])


@pytest.mark.parametrize(("n", "d"), [(120, 40), (30, 60)])
def test_the_limit_solves_the_two_kernel_equation(n, d):
    data, test = gaussian_rows(n, d, scales=np.linspace(0.3, 1.7, d))
    time, loss, other = by_volterra(data, 0.6, 3.0, test)
    curve = sh.solve_passes(data, sh.Constant(0.6), 3.0, time[1:], test=test)
    np.testing.assert_allclose(curve.risk, loss[1:], rtol=2e-5)
    np.testing.assert_allclose(curve.test_risk, other[1:], rtol=2e-5)


def test_equal_eigenvalues_share_a_node():
    """Rows that are orthogonal have H = I; other data see every direction of the one eigenspace."""
    rng = np.random.default_rng(1)
    data = sh.Dataset(hadamard(64)[:, :20], rng.standard_normal(64))
    test = (np.diag(np.linspace(0.1, 2.0, 20)), rng.standard_normal(20) / 4, 0.2)
    assert data.spectrum.values.size == 1
    time, loss, other = by_volterra(data, 0.7, 2.0, test)
    curve = sh.solve_passes(data, sh.Constant(0.7), 2.0, time[1:], test=test)
    np.testing.assert_allclose(curve.risk, loss[1:], rtol=1e-5)
    np.testing.assert_allclose(curve.test_risk, other[1:], rtol=1e-5)


def test_gaussian_rows_have_the_limit_of_random_matrix_theory():
    """n = 2d: eigenvalues of Marchenko and Pastur, X̂ - X* of variance ω²/(nλ); within the errors of ten draws."""
    noise, rate, spectrum = 0.3, 0.6, sh.Spectrum.marchenko_pastur(0.5)
    values, w = spectrum.values.astype(float), spectrum.weights
    time = np.linspace(0, 8, 4001)
    decay = np.exp(-rate * np.outer(time, values))
    error = noise**2 / (2 * values)
    train = (decay**2 @ (w * values * (1 + error)) + noise**2 / 2) / 2
    other = (decay**2 @ w + (1 - decay) ** 2 @ (w * error) + noise**2) / 2
    first, second = (rate**2 * decay**2 @ (w * values**p) for p in (2, 1))
    h, loss = time[1], np.zeros(time.size)
    for k in range(time.size):
        loss[k] = train[k] + (h * (first[k] * loss[0] / 2 + first[k - 1 : 0 : -1] @ loss[1:k]) if k else 0)
        loss[k] /= 1 - h * first[0] / 2 if k else 1
    test_loss = [other[k] + h * (second[k::-1] @ loss[: k + 1] - (second[k] * loss[0] + second[0] * loss[k]) / 2)
                 for k in (500, 1000, 2000, 4000)]  # fmt: skip
    limit = np.array([loss[[500, 1000, 2000, 4000]], test_loss])

    found = []
    for seed in range(10):
        data, test = gaussian_rows(400, 200, noise, seed)
        curve = sh.solve_passes(data, sh.Constant(rate), 8.0, [1.0, 2.0, 4.0, 8.0], test=test)
        found.append((curve.risk, curve.test_risk))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(10)
    assert (error < 0.03 * mean).all()
    assert (np.abs(mean - limit) < 3.5 * error + 1 / 200 * mean).all()


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


def test_momentum_has_a_loss_over_the_rows_but_none_on_other_data():
    data, test = gaussian_rows(80, 30)
    rule = sh.Momentum(0.4, 1.0, 0.3)
    assert sh.solve_passes(data, rule, 1.0).risk[-1] < data.loss(np.zeros(30))
    with pytest.raises(ValueError, match="under Momentum the mean iterate does not follow gradient flow"):
        sh.solve_passes(data, rule, 1.0, test=test)
    assert sh.simulate_passes(data, rule, 1.0, 2, test=test).test_risk.shape == (2, 31)


def test_threads_change_nothing():
    data, test = gaussian_rows(50, 20)
    alone, together = (sh.simulate_passes(data, sh.Constant(0.5), 2.0, 4, test=test, threads=k) for k in (1, 4))
    assert all((alone.outputs[k] == together.outputs[k]).all() for k in alone.outputs)


def test_residuals_that_go_with_long_rows_are_said():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((300, 60)) * np.where(np.arange(300) < 30, 3.0, 1.0)[:, None]
    data = sh.Dataset(rows, np.where(np.arange(300) < 30, 5.0, 0.1) * rng.standard_normal(300))
    assert data.alignment() == pytest.approx(
        np.mean(data.residuals**2 * (rows**2).sum(1)) / np.mean(data.residuals**2) / np.mean((rows**2).sum(1))
    )
    with pytest.warns(RuntimeWarning, match="squares of residuals and of rows go together"):
        sh.solve_passes(data, sh.Constant(0.1), 1.0)


def test_interpolation_has_no_noise():
    data, _ = gaussian_rows(20, 40)
    assert data.noise == 0
    assert not data.residuals.any()
    assert sh.solve_passes(data, sh.Constant(0.5), 200.0).risk[-1] < 1e-8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d, t: sh.solve_passes(d, sh.SignSGD(0.1), 1.0), "SignSGD"),
        (lambda d, t: sh.solve_passes(d, sh.Drifting(sh.Constant(0.1), 0.1), 1.0), "moves the target"),
        (lambda d, t: sh.simulate_passes(d, sh.Drifting(sh.Constant(0.1), 0.1), 1.0), "moves the target"),
        (lambda d, t: sh.solve_passes(d, sh.Constant(0.1), 1.0, X0=np.zeros(3)), r"X0 has shape \(3,\)"),
        (lambda d, t: sh.solve_passes(d, sh.Constant(0.1), 1.0, test=(np.eye(3), np.zeros(3))), "shapes"),
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


def test_wrong_types_are_refused():
    data, _ = gaussian_rows(40, 20)
    with pytest.raises(TypeError, match="test must be a Dataset"):
        sh.solve_passes(data, sh.Constant(0.1), 1.0, test="other")
    with pytest.raises(TypeError, match="data"):
        sh.solve_passes(data.rows, sh.Constant(0.1), 1.0)
