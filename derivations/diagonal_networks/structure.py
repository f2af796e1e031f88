"""Balance law, additive-noise coordinate, Fokker-Planck equation: found by search, for every sign pattern;
depth three fails.

The searches are linear algebra over polynomial ansätze (``symhigh/derivation/ito``); nothing below is put in by
hand except the statements that the findings are compared with. README, sections 3 and 4.
"""

import sympy as sp

from symhigh import derive
from symhigh.derivation.close.additive import alpha, coordinate_sde, reduce, side_w, side_z, xi
from symhigh.derivation.ito import (
    additive_coordinates,
    combinations_without_noise,
    decays,
    generator,
    ito_formula,
    noise_free,
)
from symhigh.ledger import REFUTED, Claim, at_least, equal, greater, symbolic
from symhigh.problem.network import PRODUCT, SQUARES, DiagonalNetwork, eta, powers, theta_star, u, v
from symhigh.symbols import lam, risk, t

POSITIVE = {u: sp.Symbol("u_", positive=True), v: sp.Symbol("v_", positive=True)}


# --- balance
# -----------------------------------------------------------------------------------------------------
@symbolic
def all_decays_of_the_product():
    """Up to degree 4 the deterministic polynomials are c = u² − v² and c², with rates 2η²λR and 4η²λR."""
    found = decays(coordinate_sde(PRODUCT), 4)
    hand = [(u**2 - v**2, 2 * eta**2 * lam * risk), (sp.expand((u**2 - v**2) ** 2), 4 * eta**2 * lam * risk)]
    yield equal(sp.Integer(len(found)), len(hand))
    for one, (function, rate) in zip(found, hand, strict=True):
        yield from (equal(one.function, function), equal(one.rate, rate))


@symbolic
def balance_of_the_squares():
    """For θ = u² − v² it is uv, with rate 8η²λR."""
    first = decays(coordinate_sde(SQUARES), 2)[0]
    return [equal(first.function, u * v), equal(first.rate, 8 * eta**2 * lam * risk)]


balance = Claim(
    "Balance law",
    "What moves without noise, found by search over polynomials.",
    id="dln/balance",
    evidence=[all_decays_of_the_product, balance_of_the_squares],
)


@symbolic
def conserved_in_the_limit_of_gradient_flow():
    """With the Itô correction forgotten, u² − v² would be conserved as under gradient flow."""
    sde = coordinate_sde(PRODUCT)
    return equal(generator(sde, u**2 - v**2), 0)


conserved = Claim(
    "SGD conserves the balance as gradient flow does, planted",
    id="dln/planted-conservation",
    domain={eta: (0.1, 1), lam: (0.1, 1), risk: (0.1, 1), u: (1, 2), v: (-0.5, 0.5), theta_star: (-1, 1)},
    evidence=[conserved_in_the_limit_of_gradient_flow],
    expect=REFUTED,
)


@symbolic
def wrong_exponent():
    """Half the rate, as if the noise of u and v were independent."""
    found = decays(coordinate_sde(PRODUCT), 2)[0]
    return equal(found.rate, eta**2 * lam * risk)


wrong_balance = Claim(
    "Balance that decays too slowly, planted",
    id="dln/planted-balance",
    domain={eta: (0.1, 1), lam: (0.1, 1), risk: (0.1, 1)},
    evidence=[wrong_exponent],
    expect=REFUTED,
)


# --- additive coordinate
# -------------------------------------------------------------------------------------------
@symbolic
def coordinates_found():
    """log(u + v), log(u − v), with opposite constant noise ±η√(2λR)."""
    first, second = additive_coordinates(coordinate_sde(PRODUCT))
    strength = eta * sp.sqrt(2 * lam * risk)
    return [
        equal(sp.exp(first.expression), u + v),
        equal(sp.exp(second.expression), u - v),
        equal(first.noise, strength),
        equal(second.noise, -strength),
    ]


@symbolic
def reduced_equations():
    """dα = −η²λR dt, dξ = −ηλ(θ − θ*) dt + η√(2λR) dB, θ = (s_w² e^{2α+2ξ} − s_z² e^{2α−2ξ})/4."""
    found = reduce(PRODUCT)
    theta = (side_w**2 * sp.exp(2 * alpha + 2 * xi) - side_z**2 * sp.exp(2 * alpha - 2 * xi)) / 4
    return [
        equal(found.effective, theta),
        equal(found.sde.drift[0], -(eta**2) * lam * risk),
        equal(found.sde.drift[1], -eta * lam * (theta - theta_star)),
        equal(found.sde.diffusion[0], 0),
        equal(found.sde.diffusion[1], eta * sp.sqrt(2 * lam * risk)),
    ]


@symbolic
def every_side_and_the_boundary():
    """Itô's formula on u(α, ξ), v(α, ξ) with symbolic sides s_w, s_z returns the SDE of (u, v): 0
    included."""
    found, sde = reduce(PRODUCT), coordinate_sde(PRODUCT)
    for state, drift, noise in zip(sde.states, sde.drift, sde.diffusion, strict=True):
        image = ito_formula(found.sde, found.inverse[state])
        yield equal(image.drift, drift.subs(found.inverse, simultaneous=True))
        yield equal(image.noise[0], noise.subs(found.inverse, simultaneous=True))


@symbolic
def drift_is_monotone():
    """∂_ξ θ = (e^{2α}/2)(s_w² e^{2ξ} + s_z² e^{−2ξ}) ≥ 0: the drift of ξ is one-sided Lipschitz."""
    slope = sp.diff(reduce(PRODUCT).effective, xi)
    hand = sp.exp(2 * alpha) * (side_w**2 * sp.exp(2 * xi) + side_z**2 * sp.exp(-2 * xi)) / 2
    return [equal(slope, hand), at_least(hand, 0)]


additive = Claim(
    "Additive-noise coordinate",
    "On every side of the boundary, and on it.",
    id="dln/additive",
    evidence=[coordinates_found, reduced_equations, every_side_and_the_boundary, drift_is_monotone],
)


@symbolic
def equation():
    """∂_t p = ∂_ξ[ηλ(θ − θ*) p] + η²λR ∂²_ξ p."""
    p, level = sp.Function("p")(t, xi), sp.Function("R")(t)
    found = derive(DiagonalNetwork(eta)).fokker_planck.rhs.doit()
    theta = reduce(PRODUCT).effective.subs(alpha, sp.Function("alpha")(t))
    hand = sp.diff(eta * lam * (theta - theta_star) * p, xi) + eta**2 * lam * level * sp.diff(p, xi, 2)
    return equal(found, hand)


fokker_planck = Claim(
    "Fokker-Planck equation of a class",
    id="dln/fokker-planck",
    evidence=[equation],
)


# --- depth
# ---------------------------------------------------------------------------------------------------------
def deep(depth):
    """The SDE of θ = u^L − v^L in positive u, v, and p = u^{2−L}, q = v^{2−L} there."""
    sde = coordinate_sde(powers(depth)).subs(POSITIVE)
    moved = type(sde)(tuple(POSITIVE.values()), sde.drift, sde.diffusion)
    return moved, *(s ** (2 - depth) for s in POSITIVE.values())


@symbolic
def noise_free_sum():
    """p + q carries no noise and has the drift (L−1)(L−2)L²η²λR(1/p + 1/q), L = 3, 4, 5."""
    for depth in (3, 4, 5):
        sde, p, q = deep(depth)
        (found,) = combinations_without_noise(sde, [p, q])
        drift = (depth - 1) * (depth - 2) * depth**2 * eta**2 * lam * risk * (1 / p + 1 / q)
        yield from (equal(found, p + q), equal(generator(sde, p + q), drift))


@symbolic
def bessel_dimension():
    """Without drift towards θ*, dp = ((n − 1)/2) σ²/p dt + σ dB with n = (2L − 3)/(L − 2)."""
    for depth in (3, 4, 5):
        sde, p, _ = deep(depth)
        image = ito_formula(sde.subs({theta_star: sp.S.Zero}), p)
        pumped = sum((c for c in sp.Add.make_args(image.drift) if c.has(risk)), sp.S.Zero)
        dimension = sp.Rational(2 * depth - 3, depth - 2)
        yield equal(pumped, (dimension - 1) / 2 * image.noise[0] ** 2 / p)
        yield greater(dimension, 2)


@symbolic
def no_polynomial_decays():
    """No polynomial of degree ≤ 4 in u, v is free of noise for L = 3; none decays for L = 4."""
    return [
        equal(sp.Integer(len(noise_free(coordinate_sde(powers(3)), 4))), 0),
        equal(sp.Integer(len(decays(coordinate_sde(powers(4)), 4))), 0),
    ]


depth_three = Claim(
    "Depth three and more",
    "A sum without noise that is random, and a Bessel process near zero.",
    id="dln/depth",
    evidence=[noise_free_sum, bessel_dimension, no_polynomial_decays],
)


@symbolic
def deterministic_at_depth_three():
    """That the drift of p + q is a function of p + q alone: their gradients are parallel."""
    sde, p, q = deep(3)
    drift, total = generator(sde, p + q), p + q
    first, second = POSITIVE[u], POSITIVE[v]
    gap = sp.diff(drift, first) * sp.diff(total, second) - sp.diff(drift, second) * sp.diff(total, first)
    return equal(gap, 0)


depth_three_is_deterministic = Claim(
    "Depth three has a balance law, planted",
    id="dln/planted-depth",
    domain={
        POSITIVE[u]: (0.5, 2),
        POSITIVE[v]: (0.5, 2),
        eta: (0.1, 1),
        lam: (0.1, 1),
        risk: (0.1, 1),
        theta_star: (-1, 1),
    },
    evidence=[deterministic_at_depth_three],
    expect=REFUTED,
)
