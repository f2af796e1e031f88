"""Fluctuations of several directions, and of rules that keep further vectors, against formulas by hand."""


import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.integration.deviations import Equations
from symhigh.integration.fluctuations import theory_of
from tests.integration.test_fluctuations import HALVES, gauss, unscaled

# --- several directions --------------------------------------------------------------------------------------
X1, X2, Y1 = sp.symbols("x1 x2 y1", real=True)


def test_one_direction_stated_as_several():
    several = sh.derive(
        sh.MultiIndex((X1,), (Y1,), (X1**2 - Y1**2) ** 2 / 4), sh.Constant(0.06)
    ).fluctuations(HALVES, sh.Overlaps([[0.5, 0.4], [0.4, 1]]), 2, [0.5, 2])
    one = sh.derive(sh.phase_retrieval(), sh.Constant(0.06)).fluctuations(
        HALVES, sh.Start(0.5, 1, 0.4), 2, [0.5, 2]
    )
    np.testing.assert_allclose(several.variance("risk", 1), one.variance("risk", 1), rtol=1e-4)
    np.testing.assert_allclose(several.bias("risk", 1), one.bias("risk", 1), rtol=1e-4)
    np.testing.assert_allclose(
        several.covariance("overlap_1_1", "overlap_1_2", 1), one.covariance("norm", "overlap", 1), rtol=1e-4
    )


def test_two_students_against_steps_written_out():
    """``(x₁ + x₂²/2 - y)²/2`` by direct SGD in NumPy."""
    overlaps = np.array([[0.5, 0.1, 0.2], [0.1, 0.4, 0.1], [0.2, 0.1, 1]])
    problem = sh.MultiIndex((X1, X2), (Y1,), (X1 + X2**2 / 2 - Y1) ** 2 / 2)
    bands = sh.derive(problem, sh.Constant(0.2)).fluctuations(
        HALVES, sh.Overlaps(overlaps), 0.5, [0.5]
    )
    size, seeds, rng = 120, 1500, np.random.default_rng(5)
    lam = np.repeat([1.5, 0.5], size // 2)
    half = np.linalg.qr(rng.standard_normal((size // 2, 3)))[0].T * np.sqrt(0.5)
    W = np.repeat((np.linalg.cholesky(overlaps) @ np.hstack([half, half]))[None], seeds, 0)
    for _ in range(size // 2):
        a = rng.standard_normal((seeds, size)) * np.sqrt(lam)
        x1, x2, y = np.einsum("npi,ni->pn", W, a)
        slope = 0.2 / size * (x1 + x2**2 / 2 - y)
        W[:, 0] -= slope[:, None] * a
        W[:, 1] -= (slope * x2)[:, None] * a
    B = np.einsum("npi,i,nqi->pqn", W, lam, W)
    risk = (B[0, 0] + B[2, 2] - 2 * B[0, 2] + 3 * B[1, 1] ** 2 / 4) / 2
    place = bands.names.index("risk")
    assert risk.std() == pytest.approx(np.sqrt(bands.variance("risk", size)[0]), rel=0.07)
    shift = risk.mean() - bands.values[0, place] - bands.bias("risk", size)[0]
    assert abs(shift) < 3.5 * risk.std() / np.sqrt(seeds)


@pytest.mark.parametrize(
    "loss",
    [
        (X1 + X2 - Y1 - sh.eps) ** 2 / 2 + X1 * X2 / 4,
        pytest.param((X1 + X2**2 / 2 - Y1 - sh.eps) ** 2 / 2, marks=pytest.mark.slow),
    ],
)
def test_a_committee_under_adagrad_norm(loss):
    """Two students with a rate that remembers all their gradients, and label noise: exact chain at d = 1000."""
    problem = sh.MultiIndex((X1, X2), (Y1,), loss, noise=0.3)
    start = sh.Overlaps([[0.5, 0.1, 0.2], [0.1, 0.4, 0.1], [0.2, 0.1, 1]])
    rule, size, seeds = sh.AdaGradNorm(0.5, 1), 1000, 2000
    bands = sh.derive(problem, rule).fluctuations(HALVES, start, 1, [0.5, 1])
    runs = sh.simulate(problem, rule, HALVES, start, size, 1, seeds=seeds, method="gram", t=[0.5, 1])
    for name in ("risk", "learning_rate", "overlap_1_2", "overlap_1_3"):
        values = getattr(runs, name)
        np.testing.assert_allclose(np.sqrt(bands.variance(name, size)), values.std(0), rtol=0.07)
        shift = values.mean(0) - bands.values[:, bands.names.index(name)] - bands.bias(name, size)
        assert (np.abs(shift) < 3.5 * values.std(0) / np.sqrt(seeds)).all(), name


# --- further vectors -----------------------------------------------------------------------------------------
FURTHER = {
    "momentum with a direct step": (sh.least_squares(0.3), sh.Momentum(1.5, 1, 0.3), "distance"),
    "heavy ball": (sh.phase_retrieval(), sh.Momentum(0.3, 1), "distance"),
    "decay": (sh.least_squares(0.3), sh.WeightDecay(sh.Momentum(1, 1), 0.4), "distance"),
    "average": (sh.least_squares(0.3), sh.Averaged(sh.AdaGradNorm(1, 0.5), 2), "average_risk"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FURTHER)
def test_momentum_and_averages_have_the_width_predicted(name):
    problem, rule, other = FURTHER[name]
    start = sh.Start(0.5, 1, 0.4)
    bands = sh.derive(problem, rule).fluctuations(HALVES, start, 1, [0.5, 1])
    runs = sh.simulate(problem, rule, HALVES, start, 1000, 1, seeds=2000, method="gram", t=[0.5, 1])
    for output in ("risk", other):
        values = getattr(runs, output)
        np.testing.assert_allclose(np.sqrt(bands.variance(output, 1000)), values.std(0), rtol=0.07)
        shift = values.mean(0) - bands.values[:, bands.names.index(output)] - bands.bias(output, 1000)
        assert (np.abs(shift) < 3.5 * values.std(0) / np.sqrt(2000)).all()


def exact_risks(lam, start, pull, kick, noise, d, steps):
    """``E R`` after every step of least squares: second moments of the vectors (X, M, X*) of a mode, by Wick."""
    moments, residual, risks = np.repeat(start[None], lam.size, 0), np.array([1.0, 0, -1]), []
    for _ in range(steps + 1):
        square = np.einsum("a,iab,b->i", residual, moments, residual)
        P = (lam * square).mean() + noise**2
        risks.append(P / 2)
        mean = np.eye(3) + (pull + lam[:, None, None] * np.outer(kick, residual)) / d
        spread = (lam * P + lam**2 * square / d)[:, None, None] * np.outer(kick, kick) / d
        moments = mean @ moments @ mean.transpose(0, 2, 1) + spread
    return np.array(risks)


@pytest.mark.parametrize("ridge", [0, 0.4])
def test_the_bias_of_momentum_is_that_of_the_exact_recursion(ridge):
    """``d (E R_d - R)`` at d = 200 and 400, extrapolated; a weight decay pulls X by itself and through M."""
    lam, gamma, friction, direct, noise = np.array([1.5, 0.5]), 1.2, 0.8, 0.3, 0.3
    start = np.array([[0.5, 0, 0.4], [0, 0, 0], [0.4, 0, 1]])
    pull = np.array([[-ridge * direct, -gamma, 0], [ridge, -friction, 0], [0, 0, 0]])
    rule = sh.WeightDecay(sh.Momentum(gamma, friction, direct), ridge)
    system = sh.derive(sh.least_squares(noise), rule)
    bands = system.fluctuations(HALVES, sh.Start(0.5, 1, 0.4), 2, [0.5, 1, 2], rtol=1e-6)
    limit, scaled = bands.values[:, bands.names.index("risk")], {}
    for d in (200, 400):
        exact = exact_risks(lam, start, pull, np.array([-direct, 1, 0]), noise, d, 2 * d)
        scaled[d] = d * (exact[[d // 2, d, 2 * d]] - limit)
    np.testing.assert_allclose(bands.bias("risk", 1), 2 * scaled[400] - scaled[200], rtol=1e-4)


def test_momentum_of_least_squares_by_hand():
    """One class of modes, K = I: J and Σ of (V11, V12, V1M, V2M, VMM) written out, against the generated ones."""
    gamma, friction, direct, noise = 1.5, 0.7, 0.3, 0.4
    system = sh.derive(sh.least_squares(noise), sh.Momentum(gamma, friction, direct))
    start = sh.Start(0.5, 1, 0.4)
    e = equations_of(system, start, sh.Spectrum.isotropic())
    v11, v12, v22 = 0.5, 0.4, 1.0
    # the increments by samples: shares of X, X*, M in the prediction, with M = 0 at the start
    z, w = gauss(12)
    a, b, c = (g.ravel() for g in np.meshgrid(z, z, z, indexing="ij"))
    weights = np.prod(np.meshgrid(w, w, w, indexing="ij"), axis=0).ravel()
    root = np.linalg.cholesky([[v11, v12], [v12, v22]])
    x, y = root[0, 0] * a, root[1, 0] * a + root[1, 1] * b
    r = x - y - noise * c
    shares, kick = {"X": x, "X_star": y, "M": 0 * x}, {"X": -direct * r, "X_star": 0 * r, "M": r}
    h = []
    for pair in system.family.definitions:
        if pair not in system.family.states:
            continue
        first, second = pairs_of(system.family.definitions[pair])
        h.append(kick[first] * shares[second] + kick[second] * shares[first] + kick[first] * kick[second])
    h = np.array(h)
    h -= (h @ weights)[:, None]
    found = unscaled(e, e(0.0).sigma)
    np.testing.assert_allclose(found, (h * weights) @ h.T, rtol=1e-9, atol=1e-12)


def equations_of(system, start, spectrum):
    par = np.array([float(v) for v in system.parameters.values()])
    return Equations(theory_of(system, False), NUMPY, par, spectrum, start, 1e-3, 1e-9)


def pairs_of(product):
    """The names of the two vectors of a product."""
    names = [s.name for s, n in product.as_powers_dict().items() for _ in range(int(n))]
    return names[0], names[-1]
