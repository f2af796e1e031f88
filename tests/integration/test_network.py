"""Curves of diagonal networks against reference values, particles, the SDE, conservation and limit cases."""

from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from symhigh import derive
from symhigh.closed.network import linearise
from symhigh.integration.network import NetworkCurve
from symhigh.integration.network_model import exponential_terms, model_of
from symhigh.integration.network_sde import solve_network_sde, strengths
from symhigh.integration.network_values import Record, coordinates, largest_curvature
from symhigh.integration.particles import solve_particles
from symhigh.population import NetworkClasses
from symhigh.problem.network import PRODUCT, SQUARES, DiagonalNetwork, powers, theta_star, u, v
from symhigh.symbols import lam

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
TIMES = [0, 1, 2, 4, 6, 8, 10]


def test_reference_table():
    """Reference values of 200 000 particles of another program, printed to four digits."""
    curve = derive(DiagonalNetwork(0.4, 0.3)).solve(FOUR, 10, t=TIMES)
    assert curve.risk == pytest.approx([0.2419, 0.1470, 0.1070, 0.0770, 0.0673, 0.0637, 0.0622], abs=2e-4)
    assert curve.curvature == pytest.approx([1.036, 1.126, 1.202, 1.280, 1.305, 1.309, 1.303], abs=1e-3)


def test_halving_grid_and_tolerance_changes_little():
    limit = derive(DiagonalNetwork(0.4, 0.3))
    coarse = limit.solve(FOUR, 10, t=TIMES)
    fine = limit.solve(FOUR, 10, t=TIMES, nodes=321, rtol=1e-6)
    assert np.abs(coarse.risk - fine.risk).max() < 1e-5


def test_risk_keeps_four_digits_down_to_1e_minus_12():
    limit = derive(DiagonalNetwork(0.4, 0))
    times = np.linspace(0, 52, 14)
    coarse = limit.solve(FOUR, 52, t=times)
    fine = limit.solve(FOUR, 52, t=times, nodes=321, rtol=1e-8)
    assert fine.risk[-1] < 1e-12
    assert np.abs(coarse.risk / fine.risk - 1).max() < 1e-4


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_particles_agree(noise):
    """Six systems of 4 × 5000 particles: mean within 5 standard errors of the curve at five times.

    Student's t with 5 degrees of freedom: false alarms below 0.5 % a time; the seeds are fixed.
    """
    limit = derive(DiagonalNetwork(0.4, noise))
    curve = limit.solve(FOUR, 6, t=[1, 2, 3, 4, 6])
    model, start = model_of(limit, FOUR)
    runs = np.array([
        solve_particles(model, start, curve.t, particles=5000, seed=s, step=0.1).risk for s in range(6)
    ])  # fmt: skip
    error = runs.std(axis=0, ddof=1) / np.sqrt(6)
    assert (np.abs(runs.mean(axis=0) - curve.risk) < 5 * error + 1e-4 * curve.risk).all()


@pytest.mark.parametrize("mistake", ["noise", "balance", "ito"])
def test_planted_mistakes_are_refuted(mistake):
    """Particles with 10 % more noise, a halved balance exponent, or the Itô correction left in the drift,
    disagree."""
    limit = derive(DiagonalNetwork(0.4, 1.0))
    curve = limit.solve(FOUR, 4, t=[1, 2, 4])
    model, start = model_of(limit, FOUR)
    fields = dict(model.__dict__)
    if mistake == "noise":
        fields["spread_rate"] = 1.1 * model.spread_rate
    if mistake == "balance":
        fields["alpha_rate"] = model.alpha_rate / 2
    if mistake == "ito":  # the correction −η²λR, taken at R = 1/2, belongs to α and not to ξ
        fields["drift_constant"] = model.drift_constant + model.alpha_rate / 2
    wrong = type(model)(**fields)
    runs = np.array(
        [solve_particles(wrong, start, curve.t, particles=5000, seed=s, step=0.1).risk for s in range(6)]
    )
    error = runs.std(axis=0, ddof=1) / np.sqrt(6)
    assert (np.abs(runs.mean(axis=0) - curve.risk) > 8 * error).any()


def test_gradient_flow_limit():
    """Small steps at fixed η t follow gradient flow of (u, v): the noise is of order η."""
    classes = NetworkClasses([1, 0.5], [0.8, -0.6], [0.9, 0.7], [0.3, 0.1])
    values = (classes.lam, classes.theta_star)

    def flow(_, y):
        first, second = y[:2], y[2:]
        pull = values[0] * (first * second - values[1])
        return np.concatenate([-pull * second, -pull * first])

    exact = solve_ivp(flow, (0, 4), np.concatenate([classes.u, classes.v]), rtol=1e-10, atol=1e-12).y[:, -1]
    error = (exact[:2] * exact[2:] - values[1]) ** 2
    risk = float(classes.weight @ (values[0] * error)) / 2
    gaps = []
    for step in (0.02, 0.01):
        curve = derive(DiagonalNetwork(step, 0)).solve(classes, 4 / step, t=[4 / step])
        gaps.append(curve.risk[0] / risk - 1)
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)
    assert abs(2 * gaps[1] - gaps[0]) < 0.01


def test_curve_of_the_squares_is_that_of_the_product_at_twice_the_step():
    product = derive(DiagonalNetwork(0.4, 0.3)).solve(FOUR, 5, t=[1, 3, 5])
    rotated = NetworkClasses(FOUR.lam, FOUR.theta_star, (FOUR.u + FOUR.v) / 2, (FOUR.u - FOUR.v) / 2)
    squares = derive(DiagonalNetwork(0.2, 0.3, SQUARES)).solve(rotated, 5, t=[1, 3, 5])
    assert squares.risk == pytest.approx(product.risk, rel=1e-9)
    assert squares.curvature == pytest.approx(2 * product.curvature, rel=1e-9)


@pytest.mark.parametrize("flip", [(1, -1), (-1, -1), (-1, 1)])
def test_all_sign_patterns_of_the_start(flip):
    """(u, v) → (v, u) leaves θ alone, (u, v) → −(u, v) too; θ(u, −v) needs the target −θ*."""
    here = NetworkClasses([1, 0.5], [0.8, -0.6], [0.9, 0.7], [0.3, 0.1])
    sign = flip[0] * flip[1]
    there = NetworkClasses(here.lam, sign * here.theta_star, flip[0] * here.v, flip[1] * here.u)
    limit = derive(DiagonalNetwork(0.5, 0.2))
    one, two = (limit.solve(c, 6, t=[0, 2, 6]) for c in (here, there))
    assert two.risk == pytest.approx(one.risk, rel=1e-6)
    assert two.u[0, :, 0] == pytest.approx(there.u)
    assert two.v[0, :, 0] == pytest.approx(there.v)
    assert two.observable(u**2) == pytest.approx(one.observable(v**2), rel=1e-6)


def test_boundary_starts_stay_on_the_boundary():
    """u = v for ever: θ = u² ≥ 0 tends to θ* > 0, and to 0 where θ* < 0, whose error then remains."""
    classes = NetworkClasses(1.0, [0.8, -0.5], 0.6, 0.6)
    curve = derive(DiagonalNetwork(0.4, 0)).solve(classes, 200, t=[0, 5, 200])
    assert curve.observable((u - v) ** 2) == pytest.approx(np.zeros(3), abs=1e-14)
    assert curve.theta.min() >= 0
    assert curve.risk[-1] >= 0.5 * 0.5 * 0.25
    near = NetworkClasses(1.0, [0.8, -0.5], 0.6 + 1e-9, 0.6 - 1e-9)
    beside = derive(DiagonalNetwork(0.4, 0)).solve(near, 5, t=[5])
    assert beside.risk[0] == pytest.approx(curve.risk[1], rel=1e-4)


def test_zero_start_never_moves():
    curve = derive(DiagonalNetwork(0.4, 0)).solve(NetworkClasses(1.0, 0.7, 0.0, 0.0), 5, t=[0, 5])
    assert curve.risk == pytest.approx([0.245, 0.245], abs=1e-15)


@pytest.mark.parametrize(("noise", "t_end"), [(0.0, 50.0), (1.0, 10.0)])
def test_mass_is_conserved_and_densities_are_nonnegative(noise, t_end):
    """From the point start through the collapse onto the minimiser; one class starts on the boundary."""
    classes = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], [1.2, 1.2, 0.7, 1.2], [0.2, 0.2, 0.7, 0.2])
    mass = derive(DiagonalNetwork(0.4, noise)).solve(classes, t_end).densities.mass
    assert np.abs(mass.sum(axis=2) - 1).max() < 1e-12
    assert mass.min() >= 0


def test_balance_of_the_density_is_the_deterministic_one():
    curve = derive(DiagonalNetwork(0.4, 0.3)).solve(FOUR, 6)
    balance = curve.u**2 - curve.v**2
    assert np.abs(balance / curve.balance[:, :, None] - 1).max() < 1e-9


def test_moment_equation_of_theta_holds_along_the_curve():
    """d E S/dt = −4ηλ E θ(θ − θ*) + 2η²λ R E S, checked as an integral: a route that the solver does not
    use."""
    step = 0.4
    curve = derive(DiagonalNetwork(step, 0.3)).solve(FOUR, 3, t=np.linspace(0, 3, 601), rtol=1e-6)
    square = u**2 + v**2
    pull = curve.observable(-4 * step * lam * u * v * (u * v - theta_star))
    rate = pull + 2 * step**2 * curve.risk * curve.observable(lam * square)
    values = curve.observable(square)
    simpson = (rate[:-2:2] + 4 * rate[1:-1:2] + rate[2::2]).sum() * 0.005 / 3
    assert values[-1] - values[0] == pytest.approx(simpson, abs=2e-5)


def test_observables():
    curve = derive(DiagonalNetwork(0.4, 0.3)).solve(FOUR, 4, t=[0, 4])
    assert curve.excess_risk[0] == pytest.approx(curve.risk[0] - 0.045)
    assert curve.distance[0] == pytest.approx(np.mean((0.24 - FOUR.theta_star) ** 2))
    assert curve.l1[0] == pytest.approx(0.24)
    assert curve.l2[0] == pytest.approx(0.24**2)
    assert curve.support(0.2)[0] == pytest.approx(1)
    assert curve.support(0.3)[0] == pytest.approx(0)
    by_function = curve.observable(lambda a, b, target, k: k * (a * b - target) ** 2)
    assert by_function / 2 + 0.045 == pytest.approx(curve.risk, rel=1e-9)
    assert curve.observable(sp.Integer(1)) == pytest.approx([1, 1])


def test_continuous_laws_converge_with_the_quadrature():
    """λ uniform on (0.2, 1), θ* uniform on (−1, 1): the difference of successive node counts falls
    geometrically."""
    limit = derive(DiagonalNetwork(0.4, 0.2))

    def risk(nodes):
        law = {"lam": lambda p: 0.2 + 0.8 * p, "theta_star": lambda p: 2 * p - 1, "u": 0.9, "v": 0.1}
        return limit.solve(NetworkClasses.from_law(nodes, **law), 5, t=[5], rtol=1e-7).risk[0]

    found = [risk(n) for n in (2, 3, 4, 5)]
    gaps = np.abs(np.diff(found))
    assert gaps[1] < gaps[0] / 3
    assert gaps[2] < gaps[1] / 3
    assert gaps[2] < 1e-4


def test_beyond_the_threshold_a_warning_names_it():
    with pytest.warns(RuntimeWarning, match=r"2\.5"):
        derive(DiagonalNetwork(3.0, 0)).solve(NetworkClasses(1.0, 0.4, 0.6, 0.6), 0.1)


@pytest.mark.filterwarnings("ignore:step 2.5 is not below")
def test_far_beyond_the_threshold_the_limit_explodes_and_keeps_what_it_has():
    """η λ S* > 4: no stationary law; the mean-field risk leaves every bound in finite time."""
    limit, classes = derive(DiagonalNetwork(2.5, 0)), NetworkClasses(1.0, 1.0, 0.98, 0.98)
    with pytest.warns(RuntimeWarning, match="explodes"):
        curve = limit.solve(classes, 10, t=np.linspace(0, 10, 201))
    assert not curve.complete
    assert "no finite solution beyond t = 0.4" in curve.message
    assert "no finite solution" in repr(curve)
    assert curve.t[-1] < 0.46
    assert curve.risk.shape == curve.t.shape == curve.l1.shape
    before = limit.solve(classes, 0.4, t=[0.2, 0.4])
    assert before.complete
    assert np.interp(0.4, curve.t, curve.risk) == pytest.approx(before.risk[-1], rel=1e-3)


LATE = NetworkClasses([1, 1, 0.5], [1, 0.6, 0.4], [0.5, 0.7, 0.6], [0.5, 0.7, 0.6], [0.4, 0.3, 0.3])


@pytest.mark.parametrize("times", [[50.0, 200.0], None], ids=["few", "many"])
def test_long_times_are_refined_and_the_error_is_estimated(times):
    """Against Scharfetter and Gummel's scheme on a fixed logarithmic grid, extrapolated."""
    curve = derive(DiagonalNetwork(0.5, 2.0)).solve(LATE, 200.0, times)
    assert curve.complete
    assert not curve.message
    for name, value in (("l1", 0.0061667), ("risk", 2.26643188)):
        gap = abs(getattr(curve, name)[-1] - value)
        assert gap <= curve.error(name)[-1] + (1e-7 if name == "l1" else 1e-8)
        assert gap <= 0.01 * value
    assert curve.risk[-1] == pytest.approx(2.26643188, abs=1e-4)


def test_a_resolution_given_is_kept_and_its_error_told():
    limit = derive(DiagonalNetwork(0.5, 2.0))
    curve = limit.solve(LATE, 200.0, [200.0], nodes=161, rtol=1e-5)
    assert curve.resolution.nodes == 161
    assert curve.error("l1")[0] > abs(curve.l1[0] - 0.0061667) > 3e-4
    assert curve.error(theta_star * u)[0] < np.inf


def test_an_accuracy_out_of_reach_is_said(monkeypatch):
    monkeypatch.setattr("symhigh.integration.network._MOST_WORK", 3e5)
    with pytest.warns(
        RuntimeWarning, match=r"solve\(tolerance=1e-09\): the estimated error of .* raise tolerance"
    ):
        curve = derive(DiagonalNetwork(0.5, 2.0)).solve(LATE, 2.0, [2.0], tolerance=1e-9)
    assert curve.complete
    assert "estimated error" in curve.message
    with pytest.raises(ValueError, match="tolerance must be finite and > 0"):
        derive(DiagonalNetwork(0.5, 2.0)).solve(LATE, 2.0, tolerance=0)


def test_bad_times_and_symbols():
    limit = derive(DiagonalNetwork(0.4))
    with pytest.raises(ValueError, match="t_end"):
        limit.solve(FOUR, -1)
    with pytest.raises(ValueError, match="increase within"):
        limit.solve(FOUR, 1, t=[0, 2])
    for times in ([], [0.0, np.nan], [np.nan], [[0.0, 0.5]]):
        with pytest.raises(ValueError, match=r"non-empty list|must be finite"):
            limit.solve(FOUR, 1, t=times)
    with pytest.raises(ValueError, match="must be a number"):
        derive(DiagonalNetwork(sp.Symbol("h", positive=True))).solve(FOUR, 1)


def test_exponential_terms_refuse_what_the_solver_cannot_take():
    x, a = sp.symbols("x a", real=True)
    assert exponential_terms(3 * sp.exp(2 * x - a) + 4 * x - 1, x, a) == (-1, 4, {(2, -1): 3})
    with pytest.raises(ValueError, match="neither"):
        exponential_terms(x**2, x, a)


# --- the SDE in d dimensions
# ---------------------------------------------------------------------------------


def test_strengths_are_those_of_the_product():
    assert strengths(derive(DiagonalNetwork(0.4))) == pytest.approx((0.4, 0.4 * np.sqrt(2), 0.16))


def test_strong_order_of_the_sde():
    """Order one in high dimension, where R hardly fluctuates; at least one half in dimension one."""
    limit = derive(DiagonalNetwork(0.4, 0.3))

    def slope(d, paths):
        at = coordinates(NetworkClasses(1.0, 1.0, 1.2, 0.2), d)
        noise = np.random.default_rng(5).standard_normal((paths, 512, d)) * np.sqrt(2 / 512)
        fine = solve_network_sde(limit, at, [2.0], increments=noise)
        gaps = []
        for k in (8, 32):
            merged = noise.reshape(paths, 512 // k, k, d).sum(axis=2)
            coarse = solve_network_sde(limit, at, [2.0], increments=merged)
            gaps.append(np.sqrt(np.mean((coarse.u - fine.u) ** 2)))
        return np.log2(gaps[1] / gaps[0]) / 2

    assert slope(1024, 2) == pytest.approx(1.0, abs=0.15)
    assert 0.35 < slope(1, 1000) < 0.8


def test_increments_given_are_taken_in_their_order_and_all_of_them():
    """A push in the last of eight equal steps to t = 2 is seen at t = 2 alone, one in the fourth at t = 1 as well."""
    limit, at = derive(DiagonalNetwork(0.4, 0.3)), coordinates(NetworkClasses(1.0, 1.0, 1.2, 0.2), 3)
    noise = np.zeros((3, 8, 3))
    noise[1, 7, 0] = noise[2, 3, 1] = 1.0
    paths = solve_network_sde(limit, at, [1.0, 2.0], increments=noise)
    moved = np.abs(paths.u - paths.u[:1]) > 1e-3
    assert moved[1].tolist() == [[False] * 3, [True, False, False]]
    assert moved[2, :, 1].tolist() == [True, True]
    halved = solve_network_sde(limit, at, [0.25, 2.0], increments=noise[:1])
    equal = solve_network_sde(limit, at, [2.0], increments=noise[:1])
    np.testing.assert_allclose(halved.u[:, 1], equal.u[:, 0], rtol=1e-12)


def test_sde_keeps_the_balance_and_the_signs_at_any_step():
    limit = derive(DiagonalNetwork(0.4, 0.3))
    at = coordinates(FOUR, 40)
    paths = solve_network_sde(limit, at, [0.0, 1.0, 5.0], seeds=3, step=0.5)
    balance = (at.u**2 - at.v**2) * np.exp(-2 * 0.16 * at.lam * paths.integral[:, :, None])
    assert np.abs((paths.u**2 - paths.v**2) / balance - 1).max() < 1e-12
    assert (paths.u > np.abs(paths.v)).all()


def test_diagonal_covariance_given_as_a_matrix_is_the_same_sde():
    limit = derive(DiagonalNetwork(0.4, 0.3))
    one, two = coordinates(FOUR, 12), coordinates(FOUR, 12, np.diag(FOUR.coordinates(12)[0]))
    paths = [solve_network_sde(limit, at, [1.0, 2.0], seeds=[4], step=0.1) for at in (one, two)]
    assert paths[0].risk == pytest.approx(paths[1].risk, rel=1e-12)


def test_paths_are_independent_of_a_covariance_drawn_from_the_same_seed():
    """K made of the normals that a path reuses as its noise would lift that path's risk far above the
    others'."""
    d = 512
    factor = np.random.default_rng(0).standard_normal((2 * d, d))
    at = coordinates(NetworkClasses(1.0, FOUR.theta_star, FOUR.u, FOUR.v), d, factor.T @ factor / (2 * d))
    paths = solve_network_sde(derive(DiagonalNetwork(0.4, 0.3)), at, [2.0], seeds=12, step=0.1)
    risk = paths.risk[:, 0]
    assert abs(risk[0] - risk[1:].mean()) < 4.5 * risk[1:].std(ddof=1)


def test_sde_in_high_dimension_follows_the_curve():
    limit = derive(DiagonalNetwork(0.4, 0.3))
    curve = limit.solve(FOUR, 4, t=[1, 2, 4])
    paths = solve_network_sde(limit, coordinates(FOUR, 4000), [1, 2, 4], seeds=6, step=0.05)
    error = paths.risk.std(axis=0, ddof=1) / np.sqrt(6)
    assert (np.abs(paths.risk.mean(axis=0) - curve.risk) < 5 * error + 1e-3 * curve.risk).all()


@pytest.mark.parametrize("parametrization", [PRODUCT, SQUARES, powers(3)])
@pytest.mark.parametrize("dense", [False, True])
def test_curvature_is_that_of_the_risk_by_finite_differences(parametrization, dense):
    rng = np.random.default_rng(11)
    size = 6
    mix = rng.standard_normal((size, size))
    covariance = mix @ mix.T / size if dense else None
    network = DiagonalNetwork(0.4, 0.3, parametrization)
    at = coordinates(
        NetworkClasses(rng.uniform(0.5, 1, size), rng.standard_normal(size), 1, 1), size, covariance
    )
    point = rng.uniform(0.4, 1.2, 2 * size)
    record = Record(at, network)

    def risk(x):
        return record(x[:size], x[size:])["risk"]

    h, hessian = 1e-4, np.empty((2 * size, 2 * size))
    steps = np.eye(2 * size) * h
    for i in range(2 * size):
        for j in range(2 * size):
            a, b = steps[i], steps[j]
            hessian[i, j] = (
                risk(point + a + b) - risk(point + a - b) - risk(point - a + b) + risk(point - a - b)
            )
    hessian /= 4 * h * h
    values = record(point[:size], point[size:])
    assert values["curvature"] == pytest.approx(np.trace(hessian), rel=1e-5)
    top = largest_curvature(network, at, point[:size], point[size:])
    assert top == pytest.approx(size * np.linalg.eigvalsh(hessian)[-1], rel=1e-5)


def test_limit_is_that_of_gradient_flow_from_the_shrunken_start():
    """With fewer data directions than weights the limit depends on the start: exactly so for the SDE, by
    conservation."""
    rng = np.random.default_rng(4)
    size = 12
    factor = rng.standard_normal((6, size))
    covariance, target = factor.T @ factor / 6, np.where(np.arange(size) < 2, 1.5, 0.0)
    at = coordinates(NetworkClasses(1.0, target, 0.7, 0.1), size, covariance)
    paths = solve_network_sde(derive(DiagonalNetwork(0.5)), at, [150.0], seeds=[3], step=0.02)
    shrink = np.exp(-0.25 * at.lam * paths.integral[0, 0])

    def flow(first, second):
        def right(_, y):
            pull = covariance @ (y[:size] * y[size:] - target)
            return -np.concatenate([pull * y[size:], pull * y[:size]])

        start = np.concatenate([first, second])
        end = solve_ivp(right, (0, 800), start, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
        return end[:size] * end[size:]

    found = paths.u[0, 0] * paths.v[0, 0]
    shrunken, plain = flow(at.u * shrink, at.v * shrink), flow(at.u, at.v)
    assert paths.risk[0, 0] < 1e-10
    assert np.abs(found - shrunken).max() < 0.02 * np.abs(plain - shrunken).max()


def test_bad_covariances():
    with pytest.raises(ValueError, match="symmetric"):
        coordinates(FOUR, 4, np.arange(16.0).reshape(4, 4))
    at = coordinates(FOUR, 4, np.array([[1, 2, 0, 0], [2, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    with pytest.raises(ValueError, match="eigenvalue"):
        solve_network_sde(derive(DiagonalNetwork(0.4)), at, [1.0])


def test_measured_decay_is_the_secular_rate():
    limit = derive(DiagonalNetwork(0.4, 0))
    curve = limit.solve(FOUR, 60, t=[0, 40, 60])
    rate = np.log(curve.risk[1] / curve.risk[2]) / 20
    assert rate == pytest.approx(linearise(limit, FOUR, float(curve.densities.integral[-1])).rate(), rel=1e-5)


def test_without_a_balance_law_there_is_no_balance() -> None:
    with pytest.raises(ArithmeticError, match="no balance law"):
        NetworkCurve.balance.fget(SimpleNamespace(limit=SimpleNamespace(balance=None)))
