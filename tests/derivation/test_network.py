"""The limit of diagonal networks: derived equations against hand-written ones and against one simulated
step."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from symhigh import derive
from symhigh.derivation.close.additive import (
    NoReduction,
    alpha,
    coordinate_sde,
    reduce,
    side_w,
    side_z,
    xi,
)
from symhigh.derivation.ito import change_of_variables, decays, generator, with_generator
from symhigh.problem.network import (
    PRODUCT,
    SQUARES,
    DiagonalNetwork,
    Parametrization,
    eta,
    powers,
    theta_star,
    u,
    v,
)
from symhigh.symbols import d, lam, risk, t

_PATH = Path(__file__).parents[2] / "derivations" / "diagonal_networks" / "_by_hand.py"
_SPEC = importlib.util.spec_from_file_location("network_by_hand", _PATH)
by_hand = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = by_hand
_SPEC.loader.exec_module(by_hand)
gaussian_moment, increments, one_step = by_hand.gaussian_moment, by_hand.increments, by_hand.one_step

GAP = u * v - theta_star


def test_product_sde_is_the_one_written_by_hand():
    sde = coordinate_sde(PRODUCT)
    strength = eta * sp.sqrt(2 * lam * risk)
    assert [
        sp.expand(b - h) for b, h in zip(sde.drift, (-eta * lam * GAP * v, -eta * lam * GAP * u), strict=True)
    ] == [0, 0]
    assert sp.simplify(sde.diffusion - sp.Matrix([strength * v, strength * u])) == sp.zeros(2, 1)


def test_coordinates_are_coupled_through_the_covariance_alone():
    """Between coordinates the covariance is 2 η² R K_ij times the product of slopes, as for √R K^{1/2} dW."""
    step, k_ij = one_step(PRODUCT), sp.Symbol("K_ij", real=True)
    u_j, v_j = sp.symbols("u_j v_j", real=True)
    hand = 2 * by_hand.eta**2 * risk * k_ij * sp.Matrix([v, u]) * sp.Matrix([[v_j, u_j]])
    assert sp.simplify(sp.Matrix(step.cross) - hand) == sp.zeros(2, 2)


@pytest.mark.parametrize("parametrization", [PRODUCT, SQUARES, powers(3)])
def test_the_mean_field_is_the_step_averaged_by_hand(parametrization):
    """Drift and covariance by Mehler's formula against Isserlis' theorem, which shares no code with it."""
    sde, step = coordinate_sde(parametrization), one_step(parametrization)
    pull = lam * (parametrization.effective - theta_star)
    there = {by_hand.projection: pull, by_hand.eta: eta}
    for mean, drift in zip(step.mean, sde.drift, strict=True):
        assert sp.expand(mean.subs(there) - drift) == 0
    assert (sp.Matrix(step.covariance.subs(there)) - sde.covariance).applyfunc(sp.expand) == sp.zeros(2, 2)


def test_gaussian_moments_agree_with_isserlis_pairings():
    x, y = sp.symbols("x y", real=True)
    a, b, c = sp.symbols("a b c", real=True)
    covariance = sp.Matrix([[a, b], [b, c]])
    assert gaussian_moment(x**2 * y**2, (x, y), covariance).expand() == a * c + 2 * b**2
    assert gaussian_moment(x**4, (x, y), covariance).expand() == 3 * a**2
    assert gaussian_moment(x**3 * y**2, (x, y), covariance) == 0


@pytest.mark.parametrize("parametrization", [PRODUCT, SQUARES, powers(3)])
def test_mean_and_covariance_of_one_step_against_sampling(parametrization):
    """One update drawn 4·10⁵ times at d = 400 with a dense K: mean and covariance within 5 standard errors.

    With six entries the false-alarm rate is below 4e-6 a case; terms of order 1/d are below the noise.
    """
    rng = np.random.default_rng(7)
    size, draws = 400, 400_000
    k_ii, k_ij = 1.3, 0.5
    covariance = np.diag(np.full(2, k_ii - k_ij)) + k_ij
    first, second = np.array([0.8, -0.6]), np.array([0.5, 0.9])
    theta = sp.lambdify((u, v), parametrization.effective, "numpy")(first, second)
    gap = theta - np.array([0.4, 0.1])
    rest = 0.7  # standard deviation of the rest of the residual: the other 398 coordinates and the noise
    a = rng.standard_normal((draws, 2)) @ np.linalg.cholesky(covariance).T
    residual = a @ gap / np.sqrt(size) + rest * rng.standard_normal(draws)
    level = (rest**2 + gap @ covariance @ gap / size) / 2
    update = sp.lambdify(
        (sp.Symbol("r", real=True), sp.Symbol("a", real=True), u, v, by_hand.eta, d),
        increments(parametrization), "numpy",
    )  # fmt: skip
    moves = np.stack([np.stack(update(residual, a[:, i], first[i], second[i], 0.3, size)) for i in range(2)])
    step = one_step(parametrization)
    pull = covariance @ gap
    names = {"q": pull[0], "K_ij": k_ij, "u_j": first[1], "v_j": second[1]}
    here = {u: first[0], v: second[0], by_hand.eta: 0.3, lam: k_ii, risk: level}
    here |= {sp.Symbol(name, real=True): value for name, value in names.items()}

    def check(samples, value):
        error = samples.std() / np.sqrt(draws)
        slack = abs(float(value)) * 0.02  # the 1/d term, (1/400) of the leading one, and more
        assert abs(samples.mean() - float(value)) < 5 * error + slack

    for i in range(2):
        check(size * moves[0, i], sp.sympify(step.mean[i]).subs(here))
        check(size * moves[0, i] * moves[0, i], step.covariance[i, i].subs(here))
        check(size * moves[0, 0] * moves[1, i], step.cross[0, i].subs(here))


@pytest.mark.parametrize(("parametrization", "law", "rate"), [
    (PRODUCT, u**2 - v**2, 2 * eta**2 * lam * risk),
    (SQUARES, u * v, 8 * eta**2 * lam * risk),
])  # fmt: skip
def test_balance_law_is_found(parametrization, law, rate):
    balance = derive(DiagonalNetwork(eta, 0, parametrization)).balance
    assert sp.expand(balance.function - law) == 0
    assert sp.expand(balance.rate - rate) == 0


def test_squares_are_the_product_rotated_at_twice_the_step():
    """u = (w + z)/2, v = (w − z)/2 with w = 2U, z = 2V maps θ = uv to U² − V², and step 2η to η."""
    first, second = sp.symbols("U V", real=True)
    inverse = {u: first + second, v: first - second}
    assert sp.expand((u * v).subs(inverse) - (first**2 - second**2)) == 0
    product, squares = (
        coordinate_sde(PRODUCT).subs({eta: 2 * eta}),
        coordinate_sde(SQUARES).subs({u: first, v: second}),
    )
    for part, sign in ((0, 1), (1, -1)):
        moved = (product.drift[0] + sign * product.drift[1]).subs(inverse) / 2
        assert sp.expand(moved - squares.drift[part]) == 0


def test_reduction_is_additive_and_deterministic():
    reduction = reduce(PRODUCT)
    assert not reduction.sde.drift[0].has(alpha, xi)
    assert not reduction.sde.diffusion.has(alpha, xi)
    assert reduction.sde.diffusion[0] == 0
    inside = {side_w: 1, side_z: 1}
    hand = sp.exp(2 * alpha) * sp.sinh(2 * xi) / 2
    assert sp.simplify((reduction.effective.subs(inside) - hand).rewrite(sp.exp)) == 0
    square = (reduction.inverse[u] ** 2 + reduction.inverse[v] ** 2).subs(inside)
    assert sp.simplify((square - sp.exp(2 * alpha) * sp.cosh(2 * xi)).rewrite(sp.exp)) == 0


def test_fokker_planck_equation_is_the_one_written_by_hand():
    p, level, path = sp.Function("p")(t, xi), sp.Function("R")(t), sp.Function("alpha")(t)
    found = derive(DiagonalNetwork(eta)).fokker_planck
    right = found.rhs.subs({side_w: 1, side_z: 1})
    theta = sp.exp(2 * path) * sp.sinh(2 * xi) / 2
    hand = sp.diff(eta * lam * (theta - theta_star) * p, xi) + eta**2 * lam * level * sp.diff(p, xi, 2)
    assert sp.simplify(sp.expand((right.doit() - hand).rewrite(sp.exp))) == 0


@pytest.mark.parametrize("depth", [3, 4])
def test_deep_networks_have_no_balance_law_and_no_reduction(depth):
    assert not decays(coordinate_sde(powers(depth)), degree=4)
    with pytest.raises(NoReduction, match="depends on the state"):
        reduce(powers(depth))
    closed = derive(DiagonalNetwork(eta, 0, powers(depth))).assumptions[-1]
    assert closed.startswith("closed by particles, since moments: ")
    assert "density: " in closed


def test_unlike_layers_are_declined_with_the_reason():
    with pytest.raises(NoReduction):
        reduce(Parametrization(u * v**2))


def test_lyapunov_function_is_found():
    """The drift of Φ is −η λ (θ − θ*)² where R = 0: solved for in the span of w², z², log w, log z."""
    w, z = sp.symbols("w z", positive=True)
    forward, backward = {w: u + v, z: u - v}, {u: (w + z) / 2, v: (w - z) / 2}
    frozen = change_of_variables(coordinate_sde(PRODUCT).subs({risk: sp.S.Zero}), forward, backward)
    target = sp.expand((-eta * lam * GAP**2).subs(backward))
    found = with_generator(frozen, [w**2, z**2, sp.log(w), sp.log(z)], target)
    assert found is not None
    bregman = (w**2 + z**2) / 8 - theta_star * (sp.log(w) - sp.log(z)) / 2
    # any solution differs from the Bregman divergence by the conserved log w + log z
    assert sp.expand(generator(frozen, found - bregman)) == 0


def test_equations_print_and_keep_symbols():
    limit = derive(DiagonalNetwork(sp.Symbol("h", positive=True), sp.Rational(1, 3)))
    assert len(limit.equations()) == 6
    assert limit.balance_law.lhs.has(t)
    assert limit.latex().startswith("\\begin{aligned}")
