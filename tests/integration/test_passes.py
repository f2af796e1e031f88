"""The limit of several passes over rows, against a direct transcription and random matrices; what is refused."""

import warnings

import numpy as np
import pytest
from scipy.linalg import hadamard

import symhigh as sh
from symhigh.integration.passes import quadratic, warn_of_alignment

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


def test_wrong_types_are_refused():
    data, _ = gaussian_rows(40, 20)
    with pytest.raises(TypeError, match="test must be a Dataset"):
        sh.solve_passes(data, sh.Constant(0.1), 1.0, test="other")
    with pytest.raises(TypeError, match="data"):
        sh.solve_passes(data.rows, sh.Constant(0.1), 1.0)


def test_the_loss_on_other_data_is_a_quadratic():
    data, (K, centre, noise) = gaussian_rows(12, 4, seed=5)
    X = np.array([0.3, -1.2, 0.7, 2.0])
    apart = ((data.rows @ X - data.labels) ** 2).mean() / 2
    assert quadratic("f", data, 4)(X) == pytest.approx(apart, rel=1e-12)
    K = K + np.outer(centre, centre)
    for test, least in (((K, centre), 0.0), ((K, centre, noise), noise**2 / 2)):
        found = quadratic("f", test, 4)
        assert found(X) == pytest.approx((X - centre) @ K @ (X - centre) / 2 + least, rel=1e-12)
        assert found.turned(data.basis)(data.basis.T @ X) == pytest.approx(found(X), rel=1e-12)


def test_rows_and_residuals_may_go_together_by_a_fifth():
    """Squares of residuals and of lengths both 1 ± c have E r²|a|² / (E r² E|a|²) = 1 + c²."""

    def rows(excess):
        c = np.sqrt(excess)
        lengths = np.sqrt([1 + c, 1 - c, 1 + c, 1 - c])
        return sh.Dataset(np.repeat(np.eye(2), 2, axis=0) * lengths[[0, 1, 0, 1]][:, None], lengths[[0, 1, 0, 1]])

    for excess, said in ((0.19, 0), (0.21, 1)):
        data = rows(excess)
        assert data.alignment(np.zeros(2)) == pytest.approx(1 + excess)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            warn_of_alignment("f", data, np.zeros(2))
        assert len(found) == said
    with pytest.warns(RuntimeWarning, match=r"f: at X0 the squares .* = 1.25 E r² .*"):
        warn_of_alignment("f", rows(0.25), np.zeros(2))


def test_momentum_has_no_loss_on_other_data():
    data, test = gaussian_rows(80, 30)
    rule = sh.Momentum(0.4, 1.0, 0.3)
    assert sh.solve_passes(data, rule, 1.0).risk[-1] < data.loss(np.zeros(30))
    with pytest.raises(ValueError, match="under Momentum the mean iterate does not follow gradient flow"):
        sh.solve_passes(data, rule, 1.0, test=test)


@pytest.mark.parametrize(
    ("test", "rule", "kind", "message"),
    [
        (None, sh.SignSGD(0.1), ValueError, r"solve_passes\(rule=SignSGD\): it moves every coordinate by itself"),
        (None, sh.Drifting(sh.Constant(0.1), 0.1), ValueError, r"solve_passes\(rule=Drifting\): it moves the target"),
        ((np.eye(3), np.zeros(20)), sh.Constant(0.1), ValueError, r"shapes \(3, 3\) and \(20,\)"),
        ((np.eye(20), np.zeros(3)), sh.Constant(0.1), ValueError, r"shapes \(20, 20\) and \(3,\)"),
        ((np.tri(20), np.zeros(20)), sh.Constant(0.1), ValueError, "K must be symmetric"),
        ((np.eye(20), np.zeros(20), -1.0), sh.Constant(0.1), ValueError, "must be >= 0, the label noise"),
        ((np.eye(20),), sh.Constant(0.1), TypeError, "test must be a Dataset"),
        ([np.eye(20), np.zeros(20)], sh.Constant(0.1), TypeError, "test must be a Dataset"),
        (gaussian_rows(5, 3)[0], sh.Constant(0.1), ValueError, "the rows passed over have 20 features"),
    ],
)
def test_what_has_no_limit_is_refused(test, rule, kind, message):
    with pytest.raises(kind, match=message):
        sh.solve_passes(gaussian_rows(40, 20)[0], rule, 1.0, test=test)
