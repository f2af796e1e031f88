"""The linear theory around a limit: against values derived elsewhere, quadrature over samples, ensembles of runs."""

import itertools
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
import sympy as sp
from scipy.linalg import solve_continuous_lyapunov

import symhigh as sh
from symhigh.codegen.target import NUMBA, NUMPY
from symhigh.integration.deviations import Equations
from symhigh.integration.fluctuations import theory_of
from symhigh.symbols import d, gradient_square

HALVES = sh.Spectrum.from_eigenvalues([1.5, 0.5])
FAR = sh.Start(x0=0.5, x_star=1.0, overlap=0.3)
TIMES = [0.25, 0.5, 1, 2, 4, 8]


def equations(problem, rule, start=FAR, spectrum=HALVES):
    """The linear theory at time zero."""
    system = sh.derive(problem, rule)
    par = np.array([float(v) for v in system.parameters.values()])
    return Equations(theory_of(system, False), NUMPY, par, spectrum, start, 1e-3, 1e-9)


def unscaled(e, matrix):
    return matrix / np.outer(e.scale, e.scale)


# --- values derived elsewhere --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.4, [0.05738, 0.07359, 0.06240, 0.02625, 0.00510, 0.00080]),
        (0.9, [0.11306, 0.11447, 0.06924, 0.02413, 0.00654, 0.00352]),
    ],
)
def test_variance_of_the_risk_under_a_constant_rate(rate, expected):
    bands = sh.derive(sh.least_squares(0.3), sh.Constant(rate)).fluctuations(HALVES, sh.Start(), 8, TIMES)
    np.testing.assert_allclose(bands.variance("risk", 1), expected, atol=5.1e-6)
    np.testing.assert_allclose(bands.variance("risk", 50), np.array(expected) / 50, atol=1.1e-7)


def test_adagrad_norm_with_its_memory():
    bands = sh.derive(sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5)).fluctuations(
        HALVES, sh.Start(), 8, TIMES
    )
    variance = [0.17999, 0.20259, 0.12294, 0.03567, 0.00577, 0.00132]
    rate = [0.93016, 0.44657, 0.15746, 0.05469, 0.02489, 0.01275]
    joint = [0.1931, 0.16988, 0.07414, 0.01603, 0.00171, 0.00037]
    np.testing.assert_allclose(bands.variance("risk", 1), variance, atol=5.1e-6)
    np.testing.assert_allclose(bands.variance("learning_rate", 1), rate, atol=5.1e-6)
    np.testing.assert_allclose(bands.covariance("risk", "learning_rate", 1), joint, atol=5.1e-6)
    np.testing.assert_allclose(
        bands.bias("risk", 1)[:5], [-0.1153, 0.1783, 0.2895, 0.1748, 0.0509], atol=5.1e-5
    )


def planted(theory, mistake):
    """``theory`` with one mistake."""
    core, mean = theory.core.copy(), theory.mean
    if mistake == "no third moment":
        core[0, 1] = core[1, 0] = 0
    elif mistake == "cross term of the wrong sign":
        core[0, 1] = core[1, 0] = -core[0, 1]
    elif mistake == "memory apart from the modes":
        core[0, 2] = core[2, 0] = core[1, 2] = core[2, 1] = 0
    elif mistake == "twice the spread":
        return replace(theory, spread=2 * theory.spread)
    elif mistake == "no shift":
        mean = replace(mean, shift=tuple(0 * e for e in mean.shift))
    elif mistake == "no shift of the memory":
        mean = replace(mean, memory_shift=tuple(0 * e for e in mean.memory_shift))
    return replace(theory, core=core, mean=mean)


@pytest.mark.parametrize(
    ("mistake", "seen"),
    [
        ("none", False),
        *((name, True) for name in ("no third moment", "cross term of the wrong sign", "twice the spread")),
        *((name, True) for name in ("memory apart from the modes", "no shift", "no shift of the memory")),
    ],
)
def test_planted_mistakes_are_refuted_by_the_values(monkeypatch, mistake, seen):
    system = sh.derive(sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5))
    theory = planted(theory_of(system, False), mistake)
    monkeypatch.setattr("symhigh.integration.fluctuations.theory_of", lambda *_: theory)
    bands = system.fluctuations(HALVES, sh.Start(), 2, TIMES[:4])
    variance = np.allclose(bands.variance("risk", 1), [0.17999, 0.20259, 0.12294, 0.03567], rtol=0.01)
    bias = np.allclose(bands.bias("risk", 1), [-0.1153, 0.1783, 0.2895, 0.1748], rtol=0.02)
    assert seen != (variance and bias)


def least_squares_by_hand(rate, lam, w, rho, noise):
    """J and Σ of the class sums, written out."""
    q, u = lam * rho, w * lam
    P = q.sum() + noise**2
    J = -2 * rate * np.diag(lam) + rate**2 * np.outer(u, lam)
    sigma = 4 * rate**2 * (P * np.diag(q) + np.outer(q, q))
    sigma += -4 * rate**3 * P * (np.outer(q, u) + np.outer(u, q)) + 2 * rate**4 * P**2 * np.outer(u, u)
    return J, sigma, rate**2 * u * noise**2


def test_many_modes_at_rest_obey_the_lyapunov_equation():
    """200 modes to t = 10⁴, against a dense solution of the equations written by hand."""
    lam, w, rate, noise = np.linspace(0.05, 2, 200), np.full(200, 1 / 200), 0.4, 0.3
    J, _, force = least_squares_by_hand(rate, lam, w, np.zeros(200), noise)
    rest = np.linalg.solve(-J, force)
    _, sigma, _ = least_squares_by_hand(rate, lam, w, rest, noise)
    C = solve_continuous_lyapunov(J, -sigma)
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    bands = system.fluctuations(sh.Spectrum.from_eigenvalues(lam), sh.Start(), 1e4, [1e4])
    assert bands.variance("risk", 1)[0] == pytest.approx(lam @ C @ lam / 4, rel=2e-5)
    assert bands.variance("distance", 1)[0] == pytest.approx(C.sum(), rel=2e-5)


def test_compressing_a_continuous_spectrum_changes_nothing():
    system = sh.derive(sh.least_squares(0.3), sh.Constant(0.8))
    fine = sh.Spectrum.marchenko_pastur(0.5, nodes=60)
    listed = sh.Spectrum.from_eigenvalues(fine.values, fine.weights)
    a, b = (system.fluctuations(s, sh.Start(), 20, [1, 5, 20]) for s in (fine, listed))
    np.testing.assert_allclose(a.variance("risk", 1), b.variance("risk", 1), rtol=1e-4)
    np.testing.assert_allclose(a.bias("risk", 1), b.bias("risk", 1), rtol=1e-4)
    power = system.fluctuations(sh.Spectrum.power_law(0.5), sh.Start(), 50, [50])
    assert np.isfinite(power.variance("risk", 1)).all()


# --- Σ and B₁ by quadrature over samples ---------------------------------------------------------------------
def gauss(count):
    z, w = np.polynomial.hermite_e.hermegauss(count)
    return z, w / w.sum()


def increments_by_quadrature(slope, rate, lam, w, modes, points):
    """Covariance of ``h`` over two modes, from all shares of the predictions: no Stein, no regression."""
    z, weight = gauss(points)
    grid = np.meshgrid(*[z] * 4, indexing="ij")
    weights = np.prod(np.meshgrid(*[weight] * 4, indexing="ij"), axis=0).ravel()
    s, s_star = np.empty((2, points**4)), np.empty((2, points**4))
    for i, (v11, v12, v22) in enumerate(modes):
        root = np.linalg.cholesky(w[i] * lam[i] * np.array([[v22, v12], [v12, v11]]))
        first, second = grid[2 * i].ravel(), grid[2 * i + 1].ravel()
        s_star[i], s[i] = root[0, 0] * first, root[1, 0] * first + root[1, 1] * second
    f = rate * slope(s.sum(0), s_star.sum(0))
    rows = [-2 * f * s[i] / w[i] + f**2 * lam[i] for i in range(2)] + [
        -f * s_star[i] / w[i] for i in range(2)
    ]
    h = np.array(rows)
    mean = h @ weights
    return (h * weights) @ h.T - np.outer(mean, mean)


SLOPES = {
    "phase retrieval": (sh.phase_retrieval(), lambda x, y: (x**2 - y**2) * x, 8, 1e-10),
    "logistic": (
        sh.logistic_regression(),
        lambda x, y: 1 / (1 + np.exp(-x)) - 1 / (1 + np.exp(-y)),
        16,
        1e-6,
    ),
    "weighted quartic": (
        sh.Problem((sh.x - sh.x_star) ** 4 / 4 + sh.x**2 / 2),
        lambda x, y: (x - y) ** 3 + x,
        8,
        1e-10,
    ),
}


@pytest.mark.parametrize("name", SLOPES)
def test_covariance_of_the_increments(name):
    problem, slope, points, rtol = SLOPES[name]
    e = equations(problem, sh.Constant(0.3))
    lam, w = np.array([1.5, 0.5]), np.array([0.5, 0.5])
    exact = increments_by_quadrature(slope, 0.3, lam, w, [(0.5, 0.3, 1.0)] * 2, points)
    found = unscaled(e, e(0.0).sigma)
    np.testing.assert_allclose(found, exact, rtol=rtol, atol=rtol * np.abs(exact).max())
    # what a mistake would do: each part of Σ is seen by this comparison
    tables = e.linear.copies()
    e.kernels.linearise(0.0, e.path(0.0), *e.data, *tables.values())
    core, spread = tables["core"], tables["spread"]
    for part in (core[:2, :2], core[:2, 2:], core[2:, 2:], spread):
        assert np.abs(part).max() > 1e-3 * np.abs(exact).max()


@pytest.mark.parametrize("ridge", [0, 0.7])
def test_shift_of_the_drift_at_finite_dimension(ridge):
    """``d (E h - F)`` at d = 4, exactly, for a polynomial loss: two eigenvalues with two coordinates each."""
    rate, d = 0.3, 4
    rule = sh.WeightDecay(sh.Constant(rate), ridge) if ridge else sh.Constant(rate)
    e = equations(sh.phase_retrieval(), rule)
    X, X_star = np.array([0.4, 0.3, -0.5, 0.2]), np.array([0.5, -0.1, 0.3, 0.6])
    lam = np.array([1.5, 1.5, 0.5, 0.5])
    z, weight = gauss(8)
    a = np.array([g.ravel() for g in np.meshgrid(*[z] * d, indexing="ij")]) * np.sqrt(lam)[:, None]
    weights = np.prod(np.meshgrid(*[weight] * d, indexing="ij"), axis=0).ravel()
    x, y = X @ a, X_star @ a
    moved = X[:, None] - rate / d * ((x**2 - y**2) * x * a + ridge * X[:, None])
    change = [d * (moved**2 - X[:, None] ** 2), d * (moved - X[:, None]) * X_star[:, None]]
    exact = np.array([d * (c.reshape(2, 2, -1).mean(1) @ weights) for c in change]).ravel()
    pairs = [d * (u * v).reshape(2, 2).mean(1) for u, v in ((X, X), (X, X_star), (X_star, X_star))]
    state = np.concatenate(pairs[:2])
    par, coef, w, const = e.data
    coef[1] = pairs[2]
    e.kernels.prepare(par, coef, w, const)
    drift, tables = np.empty(4), e.bent.copies()
    e.kernels.rhs(0.0, state, drift, *e.data)
    e.kernels.bend(0.0, state, *e.data, *tables.values())
    assert np.abs(tables["shift"]).max() > 0.05
    np.testing.assert_allclose(tables["shift"].ravel(), d * (exact - drift), rtol=1e-9, atol=1e-12)


def test_jacobian_and_curvature_by_differences():
    e = equations(sh.logistic_regression(), sh.AdaGradNorm(1, 0.5))
    y, now = e.path(0.0), e(0.0)
    size = y.size

    def F(y):
        out = np.empty(size)
        e.kernels.rhs(0.0, y, out, *e.data)
        return out

    J = now.J / e.scale[:, None] * e.scale
    step = 1e-5
    for k, one in enumerate(np.eye(size) * step):
        np.testing.assert_allclose((F(y + one) - F(y - one)) / (2 * step), J[:, k], atol=1e-8)
    root = np.random.default_rng(1).standard_normal((size, size)) / size
    C, step = root @ root.T, 1e-3
    total = np.zeros(size)
    for column in root.T:
        v = column * step
        total += (F(y + v) - 2 * F(y) + F(y - v)) / step**2 / 2
    scale = np.outer(e.scale, e.scale)
    np.testing.assert_allclose(now.bend(C * scale) / e.scale, total, rtol=1e-4, atol=1e-6)


# --- ensembles -----------------------------------------------------------------------------------------------
ENSEMBLES = {
    "AdaGrad-Norm": (sh.least_squares(0.3), sh.AdaGradNorm(1, 0.5), sh.Start()),
    "phase retrieval": (sh.phase_retrieval(), sh.Constant(0.06), sh.Start(0.5, 1, 0.4)),
    "mini-batches": (sh.least_squares(0.3), sh.MiniBatch(sh.AdaGradNorm(1, 0.5), 4), sh.Start()),
}
MORE = {
    "weight decay": (sh.huber(0.8, 0.5), sh.WeightDecay(sh.AdaGradNorm(1, 0.5), 0.4), FAR),
    "constant": (sh.least_squares(0.3), sh.Constant(0.9), sh.Start()),
    "delayed": (sh.least_squares(0.3), sh.DelayedAdaGradNorm(1, 0.5), sh.Start()),
    "RMSprop-Norm": (sh.least_squares(0.3), sh.RMSpropNorm(0.5, 0.5, 1), sh.Start()),
    "Polyak": (sh.least_squares(0.3), sh.Polyak(), sh.Start()),
    "line search": (sh.least_squares(0.3), sh.LineSearch(), sh.Start()),
    "schedule": (sh.least_squares(0.3), sh.Schedule(1 / (1 + sh.t)), sh.Start()),
    "Huber": (sh.huber(0.8, 0.5), sh.Constant(0.7), FAR),
    "heavy tails": (sh.huber(1, sh.StudentT(3, 0.3)), sh.Constant(0.7), sh.Start()),
    "logistic": (sh.logistic_regression(True), sh.Constant(1), sh.Start(0.5, 4, 0.3)),
    "random start": (sh.logistic_regression(True), sh.Constant(1), sh.Start(0.5, 2, 0.3, random=True)),
}


def check_ensemble(problem, rule, start, d, seeds):
    times = [0.5, 1]
    bands = sh.derive(problem, rule).fluctuations(HALVES, start, 1, times)
    runs = sh.simulate(problem, rule, HALVES, start, d, 1, seeds=seeds, method="gram", t=times)
    for name in ("risk", "learning_rate", "distance"):
        if not bands.variance(name, d).any():
            continue
        values = getattr(runs, name)
        # of 2000 normal values the standard deviation is known to 1.6 %, of 6000 the distance of the deciles to 1.5 %
        low, high = bands.band(name, d)
        seen = np.quantile(values, [0.1, 0.9], axis=0)
        np.testing.assert_allclose(np.sqrt(bands.variance(name, d)), values.std(0), rtol=0.07)
        if seeds >= 6000:
            np.testing.assert_allclose(high - low, seen[1] - seen[0], rtol=0.05)
        shift = values.mean(0) - bands.values[:, bands.names.index(name)] - bands.bias(name, d)
        assert (np.abs(shift) < 3.5 * values.std(0) / np.sqrt(seeds)).all(), name


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_has_the_width_and_the_mean_predicted(name):
    check_ensemble(*ENSEMBLES[name], d=1000, seeds=2000)


@pytest.mark.slow
@pytest.mark.parametrize("name", {**ENSEMBLES, **MORE})
def test_larger_ensembles(name):
    check_ensemble(*{**ENSEMBLES, **MORE}[name], d=2000, seeds=6000)


@dataclass(frozen=True)
class Damped(sh.Rule):
    """A rate that looks at the gradient of its own step, smoothly."""

    @property
    def rate(self):
        return 1 / (1 + gradient_square / d)


@pytest.mark.slow
def test_the_bias_of_a_rate_of_the_sample():
    """At d = 100 the terms that such a rate adds to B₁ are nine standard errors."""
    bands = sh.derive(sh.least_squares(0.3), Damped()).fluctuations(HALVES, FAR, 1, [0.5, 1])
    runs = sh.simulate(sh.least_squares(0.3), Damped(), HALVES, FAR, 100, 1, 16000, method="gram", t=[0.5, 1])
    for name in ("risk", "distance"):
        values = getattr(runs, name)
        shift = values.mean(0) - bands.values[:, bands.names.index(name)] - bands.bias(name, 100)
        assert (np.abs(shift) < 3.5 * values.std(0) / np.sqrt(16000)).all()


def test_a_bias_that_is_not_known_says_why():
    """The kink of the capped Polyak step lies where this spectrum puts every step: the bias is of order d^(-1/2)."""
    bands = sh.derive(sh.least_squares(0.3), sh.StochasticPolyak(1)).fluctuations(HALVES, FAR, 1, [1])
    assert bands.bias("risk", 100) is None
    assert "kink" in bands.why
    low, high = bands.band("risk", 100)
    assert (low < high).all()


def test_a_random_start_spreads_as_it_is_drawn():
    start = sh.Start(0.5, 2, 0.3, random=True)
    bands = sh.derive(sh.phase_retrieval(), sh.Constant(0.01)).fluctuations(HALVES, start, 1, [0])
    x0, cross, target = 0.5, 0.3, 2.0
    assert bands.variance("norm", 10)[0] == pytest.approx(2 * x0**2 / 10)
    assert bands.variance("overlap", 10)[0] == pytest.approx((cross**2 + x0 * target) / 10)
    assert bands.covariance("norm", "overlap", 10)[0] == pytest.approx(2 * x0 * cross / 10)


@pytest.mark.slow
def test_clipping_fluctuates_as_hubers_loss_does():
    """Their steps are the same, c/√τ being Huber's constant."""
    clipped = sh.derive(sh.least_squares(0.3), sh.ClippedGradient(sh.Constant(0.5), 1))
    huber = sh.derive(sh.huber(1, 0.3), sh.Constant(0.5))
    a, b = (s.fluctuations(HALVES, FAR, 2, [1, 2]) for s in (clipped, huber))
    np.testing.assert_allclose(a.variance("distance", 1), b.variance("distance", 1), rtol=1e-4)


# --- the result, and what is refused -------------------------------------------------------------------------
def test_targets_agree_and_results_pickle():
    system = sh.derive(sh.least_squares(0.3), sh.RMSpropNorm(0.5, 0.5, 1))
    a, b = (system.fluctuations(HALVES, FAR, 2, [1, 2], target=target) for target in (NUMBA, NUMPY))
    np.testing.assert_allclose(a.spread, b.spread, rtol=1e-9)
    np.testing.assert_allclose(a.drift, b.drift, rtol=1e-9)
    again = pickle.loads(pickle.dumps(a))
    np.testing.assert_array_equal(again.spread, a.spread)
    assert "risk" in repr(a)


def test_a_band_is_centred_on_the_mean():
    bands = sh.derive(sh.least_squares(0.3), sh.Constant(0.4)).fluctuations(HALVES, FAR, 2, [1, 2])
    low, high = bands.band("risk", 100, 0.25, 0.75)
    middle = bands.values[:, bands.names.index("risk")] + bands.bias("risk", 100)
    np.testing.assert_allclose((low + high) / 2, middle)
    for wrong in ({"low": 0}, {"high": 1}, {"low": 0.9, "high": 0.1}):
        with pytest.raises(ValueError, match=r"band\("):
            bands.band("risk", 100, **wrong)
    with pytest.raises(KeyError, match="risk"):
        bands.variance("rsk", 10)
    with pytest.raises(ValueError, match="d"):
        bands.variance("risk", 0)


def test_what_has_no_linear_theory_says_why():
    with pytest.raises(ValueError, match="running maximum"):
        sh.derive(sh.least_squares(0.3), sh.DoG(r0=0.1, b=1)).fluctuations(HALVES, FAR, 1)
    with pytest.raises(ValueError, match=r"f'\^4 is infinite"):
        sh.derive(sh.least_squares(sh.StudentT(3)), sh.Constant(0.1)).fluctuations(HALVES, FAR, 1)
    with pytest.raises(ValueError, match="have no value"):
        sh.derive(sh.least_squares(0.3), sh.Constant(sp.Symbol("g", positive=True))).fluctuations(
            HALVES, FAR, 1
        )


def test_combinations_of_wrappers_agree_with_their_parts():
    """Batches of one and a decay of zero are nothing."""
    plain = sh.derive(sh.phase_retrieval(), sh.Constant(0.1)).fluctuations(HALVES, FAR, 1, [0.5, 1])
    for rule in (sh.MiniBatch(sh.Constant(0.1), 1), sh.WeightDecay(sh.Constant(0.1), 0)):
        other = sh.derive(sh.phase_retrieval(), rule).fluctuations(HALVES, FAR, 1, [0.5, 1])
        for name, what in itertools.product(("risk", "norm"), ("variance", "bias")):
            np.testing.assert_allclose(
                getattr(other, what)(name, 7), getattr(plain, what)(name, 7), rtol=1e-6
            )


# --- what is not derived -------------------------------------------------------------------------------------
PAIR, CLASSES = (HALVES, FAR), ("classes",)


@pytest.mark.parametrize(
    ("problem", "rule", "population", "reason"),
    [
        (sh.least_squares(0.3), sh.Averaged(sh.Constant(0.1)), PAIR, "divides by the time"),
        (sh.least_squares(0.3), sh.ScheduleFree(0.1, 0.5), PAIR, "divides by the time"),
        (sh.DiagonalNetwork(0.1), None, CLASSES, "closed by density"),
        (sh.DiagonalNetwork(0.1), None, PAIR, "closed by density"),
        (sh.least_squares(model=sh.PRODUCT), sh.AdaGradNorm(1, 1), CLASSES, "closed by density"),
    ],
)
def test_other_closures_and_steps_are_refused_with_the_reason(problem, rule, population, reason):
    system = sh.derive(problem, rule)
    with pytest.raises(ValueError, match=reason):
        system.fluctuations(*population, 1)


def test_covariances_between_times_are_asked_for() -> None:
    bands = sh.derive(sh.least_squares(), sh.Constant(0.5)).fluctuations(HALVES, FAR, 1.0, t=[0.5, 1.0])
    with pytest.raises(ValueError, match="two_times: no times were asked for; ask with joint=True"):
        bands.two_times("risk", "risk", 100)


def test_tolerances_below_what_doubles_carry_are_refused() -> None:
    system = sh.derive(sh.least_squares(0.3), sh.Constant(0.4))
    with pytest.raises(ValueError, match="rtol must be >= 1e-11"):
        system.fluctuations(HALVES, FAR, 1, rtol=1e-300)


def test_fluctuations_end_where_the_limit_does_and_say_so() -> None:
    exploding = sh.derive(sh.Problem((sh.x - sh.x_star) ** 4 / 4), sh.Constant(1))
    with pytest.warns(RuntimeWarning, match=r"fluctuations: the limit stopped at t = .* of 50; solve says why"):
        found = exploding.fluctuations(HALVES, FAR, 50, [0.01, 50])
    assert found.t.tolist() == [0.01]
