"""Long time of diagonal networks: closed forms against brute-force linear algebra, fixed points and the long
curve."""

import numpy as np
import pytest
import sympy as sp

from symhigh import derive
from symhigh.closed.network import (
    least_threshold,
    linearise,
    noise_floor,
    reachable,
    slope_square,
    starts,
    threshold,
)
from symhigh.derivation.close.additive import alpha, side_w, side_z
from symhigh.integration.network_end import long_time
from symhigh.population import NetworkClasses
from symhigh.problem.network import PRODUCT, SQUARES, DiagonalNetwork

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)


def test_slope_is_the_root_of_balance_and_target():
    """(∂θ/∂ξ)² = 4θ² + e^{4α} for the product; with c = e^{2α} the balance, S = sqrt(c² + 4θ*²)."""
    factor, rest = slope_square(derive(DiagonalNetwork(1)))
    assert factor == 4
    assert sp.simplify(rest.subs({side_w: 1, side_z: -1}) - sp.exp(4 * alpha)) == 0
    slope = linearise(derive(DiagonalNetwork(0.4)), FOUR).slope
    assert slope == pytest.approx(np.sqrt((FOUR.u**2 - FOUR.v**2) ** 2 + 4 * FOUR.theta_star**2))


@pytest.mark.parametrize("seed", range(5))
def test_secular_rate_is_an_eigenvalue_of_the_moment_equations(seed):
    """Against the dense matrix of m' = −2 g m + 2 k R(m), whose top eigenvalue is minus the rate."""
    rng = np.random.default_rng(seed)
    classes = NetworkClasses(
        rng.uniform(0.1, 1, 6), rng.normal(size=6), rng.uniform(0.5, 1.5, 6), rng.uniform(-0.4, 0.4, 6),
        rng.dirichlet(np.ones(6)),
    )  # fmt: skip
    at = linearise(derive(DiagonalNetwork(rng.uniform(0.2, 3))), classes)
    matrix = np.diag(-2 * at.pull) + 2 * np.outer(at.kick, at.share)
    assert at.rate() == pytest.approx(-np.linalg.eigvals(matrix).real.max(), rel=1e-9)
    assert (at.load < 1) == (at.rate() > 0)


def test_rate_vanishes_exactly_at_the_threshold():
    edge = threshold(derive(DiagonalNetwork(0.4)), FOUR)
    slope = linearise(derive(DiagonalNetwork(0.4)), FOUR).slope
    assert edge == pytest.approx(2 / np.mean(FOUR.lam * slope))
    assert linearise(derive(DiagonalNetwork(edge)), FOUR).rate() == pytest.approx(0, abs=1e-12)
    assert edge <= least_threshold(PRODUCT, FOUR)


def test_squares_have_half_the_threshold_of_the_product():
    rotated = NetworkClasses(FOUR.lam, FOUR.theta_star, (FOUR.u + FOUR.v) / 2, (FOUR.u - FOUR.v) / 2)
    one = threshold(derive(DiagonalNetwork(0.4)), FOUR)
    two = threshold(derive(DiagonalNetwork(0.2, 0, SQUARES)), rotated)
    assert two == pytest.approx(one / 2)


def test_noise_floor_is_the_stationary_risk_of_the_curve():
    """On the boundary u = ±v the balance is dead from the start, and the stationary law is reached at
    once."""
    target = np.array([1, 0.5, -0.7])
    classes = NetworkClasses([1, 0.4, 0.7], target, 1.0, np.sign(target), [0.5, 0.3, 0.2])
    for step, noise in ((0.4, 0.3), (0.4, 0.8)):
        limit = derive(DiagonalNetwork(step, noise))
        assert limit.solve(classes, 300, t=[300]).risk[0] == pytest.approx(
            noise_floor(limit, classes), rel=1e-5
        )
    assert noise_floor(derive(DiagonalNetwork(0.4)), classes) == 0


def test_targets_out_of_reach_from_the_boundary():
    """u = ±v keeps the sign of θ: such a class ends at θ = 0, and acts on the others as label noise does."""
    limit = derive(DiagonalNetwork(0.4))
    ends = NetworkClasses(1, [1, -1, 1, -1, 1, -1, 0], [1, 1, 1, 1, 0, 0.5, 1], [1, 1, -1, -1, 0, 0.4, 1])
    assert list(reachable(limit, ends)) == [True, False, False, True, False, True, True]
    start = NetworkClasses([1.0, 0.5], [1.0, -0.6], 0.9, 0.9)
    for call in (linearise, threshold, lambda *given: long_time(*given, 10)):
        with pytest.raises(ValueError, match=r"class 1 starts on the boundary.*theta_star = -0\.6"):
            call(limit, start)
    alone = NetworkClasses([1.0, 0.0], [1.0, 0.0], 0.9, 0.9)
    assert least_threshold(PRODUCT, start) == pytest.approx(least_threshold(PRODUCT, alone))
    curve = limit.solve(start, 300, t=[300])
    assert curve.risk[0] == pytest.approx(noise_floor(limit, start), rel=1e-5)
    as_noise = derive(DiagonalNetwork(0.4, np.sqrt(0.5 * 0.5 * 0.36)))
    assert noise_floor(limit, start) == pytest.approx(noise_floor(as_noise, alone))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_between_two_and_four_the_risk_saturates():
    """One class, η λ S* = 2 η: noiseless risk tends to (2η − 2)/η² instead of 0 or ∞."""
    classes = NetworkClasses(1.0, 1.0, 0.98, 0.98)
    for step in (1.1, 1.5):
        limit = derive(DiagonalNetwork(step))
        assert noise_floor(limit, classes) == pytest.approx((2 * step - 2) / step**2)
        assert limit.solve(classes, 200, t=[200]).risk[0] == pytest.approx((2 * step - 2) / step**2, rel=2e-3)


def test_starts_on_every_side():
    limit = derive(DiagonalNetwork(1))
    found = starts(limit, NetworkClasses(1, 1, [1.0, -1, 1, -1, 0, 0.5], [0.5, 0.5, 1, 1, 0, -1]))
    assert list(found.side_w) == [1, -1, 1, 0, 0, -1]
    assert list(found.side_z) == [1, -1, 0, -1, 0, 1]
    w = found.side_w * np.exp(found.alpha + found.xi)
    z = found.side_z * np.exp(found.alpha - found.xi)
    assert (w + z) / 2 == pytest.approx([1.0, -1, 1, -1, 0, 0.5])
    assert (w - z) / 2 == pytest.approx([0.5, 0.5, 1, 1, 0, -1])


def test_bad_input():
    with pytest.raises(ValueError, match="noise"):
        long_time(derive(DiagonalNetwork(0.4, 0.1)), FOUR, 10)
    with pytest.raises(ValueError, match="no class is pulled"):
        linearise(derive(DiagonalNetwork(0.4)), NetworkClasses(0.0, 1.0, 1.0, 0.2)).rate()


@pytest.mark.parametrize("share", [0.5, 0.7, 0.99, 1.01, 1.3, 1.9])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_floor_of_every_step(share, noise):
    """The smallest root of its equation, written out: 0 below the threshold without noise, above 0 from there."""
    classes = NetworkClasses([1.0, 0.4, 0.7], [1.0, 0.5, -0.7], 1.2, 0.2, [0.5, 0.3, 0.2])
    mean = float(np.sum(classes.weight * classes.lam * np.abs(classes.theta_star)))
    step = share / mean  # 2/mean(λ S) at a dead balance, S = 2|θ*|
    found = noise_floor(derive(DiagonalNetwork(step, noise)), classes)
    if noise == 0 and share < 1:
        assert found == 0
        return
    assert found >= noise**2 / 2
    pull = step * found
    target = np.abs(classes.theta_star)
    errors = np.where(pull < target, pull * (2 * target - pull), target**2)
    assert found == pytest.approx(noise**2 / 2 + np.sum(classes.weight * classes.lam * errors) / 2, rel=1e-9)
    assert found > 1e-3


def test_the_floor_with_targets_out_of_reach():
    """Their errors θ*² stay and count as noise; classes without an eigenvalue count nothing."""
    classes = NetworkClasses([1.0, 0.5, 0.0], [1.0, -0.6, 3.0], 0.9, 0.9, [0.25, 0.5, 0.25])
    found = noise_floor(derive(DiagonalNetwork(0.4, 0.3)), classes)
    offset, share = 0.045 + 0.25 * 0.5 * 2 * 0.36 / 2, 0.25 / 2
    assert found == pytest.approx(offset + share * 0.4 * found * (2 - 0.4 * found), rel=1e-10)


def test_thresholds_of_classes():
    """``2/mean(λ S)`` with S of the balance that is left; infinite where nothing has a slope."""
    classes = NetworkClasses([1.0, 0.4], [1.0, -0.5], [1.2, 1.0], [0.2, 0.3], [0.3, 0.7])
    limit = derive(DiagonalNetwork(0.4))
    for integral in (0.0, 0.8):
        balance = (classes.u**2 - classes.v**2) * np.exp(-2 * 0.4**2 * classes.lam * integral)
        slope = np.sqrt(balance**2 + 4 * classes.theta_star**2)
        mean = classes.weight @ (classes.lam * slope)
        assert threshold(limit, classes, integral) == pytest.approx(2 / mean, rel=1e-9)
        at = linearise(limit, classes, integral)
        assert at.slope == pytest.approx(slope, rel=1e-12)
        assert at.pull == pytest.approx(0.4 * classes.lam * slope, rel=1e-12)
        assert at.load == pytest.approx(0.4 * mean / 2, rel=1e-12)
        assert at.share == pytest.approx(classes.weight * classes.lam / 2)
    mean = classes.weight @ (classes.lam * [1.0, 0.5])
    assert least_threshold(PRODUCT, classes) == pytest.approx(1 / mean, rel=1e-12)
    assert least_threshold(SQUARES, classes) == pytest.approx(0.5 / mean, rel=1e-12)
    assert least_threshold(PRODUCT, NetworkClasses(1.0, 0.0, 1.0, 0.2)) == np.inf
    assert threshold(limit, NetworkClasses(1.0, 0.0, 1.0, 1.0)) == np.inf
