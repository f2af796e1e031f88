"""Direct SGD on diagonal networks: the generated step against NumPy, the limit within its fluctuations,
seeds, bad input."""

import numpy as np
import pytest
import sympy as sp
from scipy.linalg import expm

from symhigh import derive, simulate
from symhigh.closed.network import linearise
from symhigh.integration.network_end import long_time
from symhigh.population import NetworkClasses
from symhigh.problem.network import PRODUCT, SQUARES, DiagonalNetwork, powers, u, v
from symhigh.simulation.direct import DirectWalk
from symhigh.simulation.runner import prepare

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)


@pytest.mark.parametrize("parametrization", [PRODUCT, SQUARES, powers(3)])
def test_generated_step_is_a_gradient_step(parametrization):
    """Against a gradient of r²/2 taken by complex differentiation, which shares nothing with the
    derivation."""
    rng = np.random.default_rng(3)
    size, step, noise = 9, 0.3, 0.4
    a, target, normal = rng.standard_normal(size), rng.standard_normal(size), rng.standard_normal(1)
    pair = [rng.uniform(0.3, 1, size), rng.uniform(0.3, 1, size)]
    theta = sp.lambdify((u, v), parametrization.effective, "numpy")

    def half_square(first, second):
        return ((a @ (theta(first, second) - target)) / np.sqrt(size) - noise * normal[0]) ** 2 / 2

    expected = []
    for which in range(2):
        moved = pair[which].copy()
        for i in range(size):
            shifted = [p.astype(complex) for p in pair]
            shifted[which][i] += 1e-30j
            moved[i] -= step * half_square(*shifted).imag / 1e-30
        expected.append(moved)
    network = DiagonalNetwork(step, noise, parametrization)
    _, experiment = prepare(network, None, (NetworkClasses(1.0, target, *pair),), size, 1.0, covariance=np.eye(size))
    walk = DirectWalk(experiment, 0)
    state = (walk.y, walk.a, walk.push, walk.extra, experiment.par, walk.coef, walk.w, walk.const, walk.root)
    walk.kernels.run(0, 1, walk.rng, a[None], normal, *state)
    assert np.allclose(walk.y.reshape(2, size), expected, rtol=1e-13)


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_curve_passes_through_the_runs(noise):
    """Eight runs at d = 1024: mean of risk, curvature and l1 within 6 standard errors at four times.

    Student's t with 7 degrees of freedom, 12 comparisons: false alarms below 1 % a case; the seeds are fixed.
    """
    network = DiagonalNetwork(0.4, noise)
    curve = derive(network).solve(FOUR, 5, t=[0.5, 1, 2, 5])
    runs = simulate(network, None, FOUR, None, 1024, 5, 8, t=curve.t)
    for name in ("risk", "curvature", "l1"):
        values = getattr(runs, name)
        error = values.std(axis=0, ddof=1) / np.sqrt(8)
        assert (np.abs(values.mean(axis=0) - getattr(curve, name)) < 6 * error).all()


def test_squares_and_random_classes():
    rng = np.random.default_rng(0)
    classes = NetworkClasses(
        rng.uniform(0.2, 1, 5), rng.normal(size=5), rng.uniform(0.5, 1, 5), rng.uniform(-0.5, 0.5, 5),
        rng.dirichlet(np.ones(5)),
    )  # fmt: skip
    network = DiagonalNetwork(0.2, 0.2, SQUARES)
    curve = derive(network).solve(classes, 3, t=[1, 3])
    runs = simulate(network, None, classes, None, 2048, 3, 8, t=[1, 3])
    error = runs.risk.std(axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(runs.risk.mean(axis=0) - curve.risk) < 6 * error).all()


def test_error_of_one_run_shrinks_like_the_root_of_the_dimension():
    """Root mean square over 12 runs at d = 128 and 2048: the ratio is 4, up to a factor 1.8 (χ² with 12
    degrees: > 99 %)."""
    network = DiagonalNetwork(0.4, 0.3)
    curve = derive(network).solve(FOUR, 3, t=[1, 2, 3])
    size = [
        np.sqrt(np.mean((simulate(network, None, FOUR, None, d, 3, 12, t=curve.t).risk - curve.risk) ** 2))
        for d in (128, 2048)
    ]  # fmt: skip
    assert 4 / 1.8 < size[0] / size[1] < 4 * 1.8


def beside_the_minimiser(factor, d, t_end, seeds):
    """Measured and linearised change of log risk over the second half of a run; both per unit of time."""
    classes = NetworkClasses([1, 0.6], [1.0, 0.7], 1.01, [0.99, 0.70])
    unit = linearise(derive(DiagonalNetwork(1.0)), classes)
    network = DiagonalNetwork(factor / unit.load)
    at = linearise(derive(network), classes)
    runs = simulate(network, None, classes, None, d, t_end, seeds, t=[t_end / 2, t_end])
    slopes = np.log(runs.risk[:, 1] / runs.risk[:, 0]) / (t_end / 2)
    matrix = np.diag(-2 * at.pull) + 2 * np.outer(at.kick, at.share)
    moments = (classes.u * classes.v - classes.theta_star) ** 2
    risks = [at.share @ expm(matrix * s) @ moments for s in (t_end / 2, t_end)]
    return slopes, np.log(risks[1] / risks[0]) / (t_end / 2), -at.rate()


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_decay_and_growth_on_the_two_sides_of_the_threshold(factor):
    """24 runs at d = 512: mean slope within 5 standard errors (and 0.03 for terms of order 1/d) of the
    linearised one."""
    slopes, linear, rate = beside_the_minimiser(factor, 512, 6.0, 24)
    assert np.sign(linear) == np.sign(rate) == np.sign(factor - 1)
    assert abs(slopes.mean() - linear) < 5 * slopes.std(ddof=1) / np.sqrt(24) + 0.03


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.97, 1.03])
def test_close_to_the_threshold(factor):
    slopes, linear, rate = beside_the_minimiser(factor, 4096, 10.0, 8)
    assert np.sign(slopes.mean()) == np.sign(factor - 1)
    assert linear == pytest.approx(rate, abs=1e-3)
    assert abs(slopes.mean() - rate) < 4 * slopes.std(ddof=1) / np.sqrt(8) + 0.005


@pytest.mark.slow
def test_measured_rate_within_two_percent():
    """d = 4096, from far away: slope of log risk, averaged over 4 runs, against the secular rate."""
    network = DiagonalNetwork(0.4)
    rate = long_time(derive(network), FOUR, 60).rate
    runs = simulate(network, None, FOUR, None, 4096, 40, 4, t=[20, 40])
    measured = np.log(runs.risk[:, 0] / runs.risk[:, 1]).mean() / 20
    assert measured == pytest.approx(rate, rel=0.02)


def test_limits_of_a_long_run():
    """θ → θ*, S → sqrt(c² + 4 θ*²) and the balance of one run at d = 1024 against the predicted limits."""
    network = DiagonalNetwork(0.4)
    ends = long_time(derive(network), FOUR, 60)
    runs = simulate(network, None, FOUR, None, 1024, 40, [2], t=[40.0])
    balance = runs.u[0] ** 2 - runs.v[0] ** 2
    square = runs.u[0] ** 2 + runs.v[0] ** 2
    for k in range(4):
        part = slice(256 * k, 256 * (k + 1))
        assert balance[part].mean() == pytest.approx(ends.balance[k], rel=0.02)
        assert square[part].mean() == pytest.approx(ends.slope[k], rel=0.02)


def test_dense_covariance_equal_to_the_diagonal_one_has_the_same_law():
    """Ten runs each at d = 64: means within 6 standard errors of their difference."""
    network = DiagonalNetwork(0.4, 0.3)
    lam = FOUR.coordinates(64)[0]
    one = simulate(network, None, FOUR, None, 64, 2, 10, t=[1, 2])
    two = simulate(network, None, FOUR, None, 64, 2, 10, t=[1, 2], covariance=np.diag(lam))
    error = np.sqrt((one.risk.var(axis=0, ddof=1) + two.risk.var(axis=0, ddof=1)) / 10)
    assert (np.abs(one.risk.mean(axis=0) - two.risk.mean(axis=0)) < 6 * error).all()
    assert one.risk[0, 0] != two.risk[0, 0]


def test_seeds_and_observables():
    network = DiagonalNetwork(0.4, 0.3)
    options = {"observables": {"S": u**2 + v**2, "mean_u": lambda a, b, target, k: a}}
    runs = simulate(network, None, FOUR, None, 32, 1, [5, 9], t=[0, 1], **options)
    again = simulate(network, None, FOUR, None, 32, 1, [9], t=[0, 1], **options)
    assert np.array_equal(runs.risk[1], again.risk[0])
    assert runs.extra["S"][:, 0] == pytest.approx([1.48, 1.48])
    assert runs.extra["mean_u"][1, 1] == pytest.approx(runs.u[1].mean())


def test_divergence_is_recorded_as_nan():
    with pytest.warns(RuntimeWarning, match="2 of 2 runs diverged"):
        runs = simulate(DiagonalNetwork(50.0), None, FOUR, None, 16, 20, 2, t=[0, 20])
    assert set(runs.messages) == {0, 1}
    assert np.isfinite(runs.risk[:, 0]).all()
    assert np.isnan(runs.risk[:, 1]).all()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"d": 3}, "d must be >= 4"),
    ({"t_end": 0.0}, "t_end"),
    ({"seeds": []}, "seed"),
    ({"t": [0, 5]}, "within"),
    ({"t": []}, "non-empty list"),
    ({"t": [0, np.nan]}, "finite"),
    ({"covariance": np.eye(3)}, "symmetric"),
])  # fmt: skip
def test_bad_arguments(arguments, message):
    options = {"d": 16, "t_end": 1.0, "seeds": 1, **arguments}
    with pytest.raises(ValueError, match=message):
        simulate(DiagonalNetwork(0.4), None, FOUR, None, **options)
