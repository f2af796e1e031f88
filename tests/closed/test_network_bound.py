"""The exponential bound: its Itô formula symbolically, its constants on runs of the SDE and of SGD."""

import numpy as np
import pytest
import sympy as sp

from symhigh import derive, simulate
from symhigh.closed.network_bound import Region, bregman, divergence, exponential_bound
from symhigh.derivation.close.additive import alpha, side_w, side_z, xi
from symhigh.derivation.ito import covariation, generator
from symhigh.integration.network_sde import solve_network_sde
from symhigh.integration.network_values import coordinates
from symhigh.population import NetworkClasses
from symhigh.problem.network import SQUARES, DiagonalNetwork, eta, theta_star
from symhigh.symbols import lam, risk

TWO = NetworkClasses([1, 0.6], [0.8, -0.5], 1.0, [0.5, -0.2])


@pytest.mark.parametrize(("parametrization", "pull"), [(None, eta), (SQUARES, 2 * eta)])
def test_drift_and_variation_of_the_divergence(parametrization, pull):
    """L 𝔇_i = −cλ(θ − θ*)² + c²λR(S + S*)/2 and d<𝔇_i> = 2c²λR(θ − θ*)² dt, at random points to 30 digits."""
    network = DiagonalNetwork(eta) if parametrization is None else DiagonalNetwork(eta, 0, parametrization)
    reduction = derive(network).reduction
    inside = {side_w: 1, side_z: 1}
    sde, theta = reduction.sde.subs(inside), reduction.effective.subs(inside)
    slope = sp.diff(theta, xi)
    value = bregman(slope, theta_star)
    level = slope.subs(xi, 0)
    at_target = sp.sqrt(level**2 + 4 * theta_star**2)
    drift = -pull * lam * (theta - theta_star) ** 2 + pull**2 * lam * risk * (slope + at_target) / 2
    spread = 2 * pull**2 * lam * risk * (theta - theta_star) ** 2
    gaps = (generator(sde, value) - drift, covariation(sde, value, value) - spread)
    rng = np.random.default_rng(0)
    for _ in range(5):
        numbers = [sp.Rational(int(n), 97) for n in rng.integers(1, 150, 6)]
        point = dict(zip((alpha, xi, theta_star, lam, risk, eta), numbers, strict=True))
        assert all(abs(sp.N(gap.subs(point), 40)) < 1e-30 for gap in gaps)


def test_divergence_is_the_expression_and_has_its_zero_at_the_target():
    limit = derive(DiagonalNetwork(0.4))
    rng = np.random.default_rng(1)
    first, target = rng.uniform(1, 2, 20), rng.normal(size=20)
    second = rng.uniform(-0.9, 0.9, 20)
    found = divergence(limit, first, second, target)
    theta = limit.reduction.effective.subs({side_w: 1, side_z: 1})
    expr = sp.lambdify((alpha, xi, theta_star), bregman(sp.diff(theta, xi), theta_star), "numpy")
    w, z = first + second, first - second
    assert np.allclose(
        found.divergence, expr(np.log(w * z) / 2, np.log(w / z) / 2, target), rtol=1e-9, atol=1e-12
    )
    assert (found.divergence >= 0).all()
    assert divergence(limit, first, second, first * second).divergence == pytest.approx(
        np.zeros(20), abs=1e-28
    )
    near = divergence(limit, first, second, first * second + 1e-6)
    assert near.divergence == pytest.approx(1e-12 / (2 * near.slope), rel=1e-4, abs=0)
    with pytest.raises(ValueError, match="boundary"):
        divergence(limit, np.ones(1), np.ones(1), np.ones(1))


@pytest.mark.parametrize("kind", ["sde", "sgd"])
def test_runs_stay_under_the_bound_as_often_as_stated(kind):
    """64 runs at d = 100 inside the region: at most 20 % may exceed a bound stated with probability 0.8.

    Under the bound the count of failures is at most binomial(64, 0.2): 23 or more has probability below 0.3
    %.
    """
    network = DiagonalNetwork(0.4)
    limit = derive(network)
    at = coordinates(TWO, 100)
    times = np.linspace(0, 20, 41)
    if kind == "sde":
        paths = solve_network_sde(limit, at, times, seeds=64, step=0.05)
        parts = divergence(limit, paths.u, paths.v, at.target)
        risk_, size = paths.risk, parts.divergence.mean(axis=2)
        load = 0.1 * (at.lam * (parts.slope + parts.slope_there)).mean(axis=2)
    else:
        extra = {
            "size": lambda a, b, target, k: divergence(limit, a, b, target).divergence,
            "load": lambda a, b, target, k: 0.1 * k * (divergence(limit, a, b, target).slope
                                                       + divergence(limit, a, b, target).slope_there),
        }  # fmt: skip
        runs = simulate(network, None, TWO, None, 100, 20, 64, t=times, observables=extra)
        risk_, size, load = runs.risk, runs.extra["size"], runs.extra["load"]
    ratio = risk_ / size
    region = Region(margin=1 - 1.05 * load.max(), least=0.95 * ratio.min(), most=1.05 * ratio.max())
    bound = exponential_bound(limit, region, 100, 0.8)
    under = (size <= bound.factor * size[:, :1] * np.exp(-bound.rate * times)).all(axis=1)
    assert bound.rate > 0.05
    assert bound.factor < 2
    assert (~under).sum() < 23
    balance = np.abs(at.u**2 - at.v**2).min() * np.exp(-2 * 0.16 * 1.0 * 1.0)
    assert ratio.min() > at.lam.min() * balance


def test_bad_regions():
    limit = derive(DiagonalNetwork(0.4))
    with pytest.raises(ValueError, match="margin"):
        Region(0.0, 1, 2)
    with pytest.raises(ValueError, match="least"):
        Region(0.5, 3, 2)
    with pytest.raises(ValueError, match="probability"):
        exponential_bound(limit, Region(0.5, 1, 2), 10, 1.0)
    with pytest.raises(ValueError, match="noise"):
        exponential_bound(derive(DiagonalNetwork(0.4, 0.1)), Region(0.5, 1, 2), 10, 0.5)


def test_constants_of_the_bound_by_hand():
    """Rate ``c ε μ`` and factor ``exp(-2 c Λ log(1 - p)/(ε d))``; c is η for the product and 2η for squares."""
    for network, c in ((DiagonalNetwork(0.4), 0.4), (DiagonalNetwork(0.4, 0, SQUARES), 0.8)):
        bound = exponential_bound(derive(network), Region(0.3, 0.5, 2.5), 50, 0.9)
        assert bound.rate == pytest.approx(c * 0.3 * 0.5, rel=1e-12)
        assert bound.factor == pytest.approx(np.exp(-2 * c * 2.5 * np.log(0.1) / (0.3 * 50)), rel=1e-12)
        assert bound.probability == 0.9


def test_divergences_and_slopes_by_their_definition():
    """``S = w² + z²`` over two, ``S* = √(w²z² + 4θ*²)``, 𝔇 by quadrature of ``θ - θ*`` over ξ; near and far."""
    for squares in (False, True):
        limit = derive(DiagonalNetwork(0.4, 0, SQUARES) if squares else DiagonalNetwork(0.4))
        first, second = np.array([1.3, 1.3, 1.3, 0.7]), np.array([0.4, 0.4, 0.4, -0.5])
        if squares:  # θ = u² - v², whose forms are u and v themselves: the product's rotated
            first, second = (first + second) / 2, (first - second) / 2
            theta = first**2 - second**2
            w, z = 2 * first, 2 * np.abs(second)
        else:
            theta = first * second
            w, z = np.abs(first + second), np.abs(first - second)
        target = theta + np.array([0.0, 1e-4, 0.5, -0.9])
        found = divergence(limit, first, second, target)
        assert found.slope == pytest.approx((w**2 + z**2) / 2, rel=1e-12)
        assert found.slope_there == pytest.approx(np.sqrt((w * z) ** 2 + 4 * target**2), rel=1e-12)
        level = w * z
        nodes, weights = np.polynomial.legendre.leggauss(40)
        for k in range(4):
            here, there = np.log(w[k] / z[k]) / 2, np.arcsinh(2 * target[k] / level[k]) / 2
            if squares:
                here = np.sign(theta[k]) * abs(here)
            at = there + (here - there) * (nodes + 1) / 2
            area = (here - there) / 2 * weights @ (level[k] / 2 * np.sinh(2 * at) - target[k])
            assert found.divergence[k] == pytest.approx(area, rel=1e-8, abs=1e-30)


@pytest.mark.parametrize("place", [(0, 1.0), (1, 1.0), (2, -1.0)])
def test_every_coordinate_must_be_off_the_boundary(place):
    k, side = place
    first, second = np.array([1.0, 0.8, 0.5]), np.array([0.3, -0.2, 0.1])
    second[k] = side * first[k]
    with pytest.raises(ValueError, match="a coordinate sits on the boundary"):
        divergence(derive(DiagonalNetwork(0.4)), first, second, np.ones(3))


@pytest.mark.parametrize(("margin", "least", "most", "words"), [
    (0, 1, 2, "margin"), (1, 1, 2, "margin"), (0.5, 0, 2, "least"), (0.5, -1, 2, "least"), (0.5, 1, 0.9, "most"),
])  # fmt: skip
def test_regions_are_of_positive_numbers_in_order(margin, least, most, words):
    with pytest.raises(ValueError, match=rf"Region.*{words}"):
        Region(margin, least, most)
    assert Region(0.99, 1e-9, 1e-9).most == 1e-9


def test_dimension_and_probability_of_a_bound():
    limit, region = derive(DiagonalNetwork(0.4)), Region(0.5, 1, 2)
    one = exponential_bound(limit, region, 1, 0.5)
    assert one.factor == pytest.approx(2 ** (2 * 0.4 * 2 / 0.5), rel=1e-12)
    for d in (0, -3, 1.5):
        with pytest.raises((ValueError, TypeError), match=r"exponential_bound.*d"):
            exponential_bound(limit, region, d, 0.5)
    for chance in (0.0, 1.0, 1.5):
        with pytest.raises(ValueError, match="probability"):
            exponential_bound(limit, region, 10, chance)
