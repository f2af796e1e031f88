"""Itô toolbox against other routes: textbook SDEs, product rules, hand-built counterexamples."""

import os

import pytest
import sympy as sp

from symhigh.derivation.ito import (
    ItoSDE,
    NotClosed,
    StratonovichSDE,
    additive_coordinates,
    change_of_variables,
    combinations_without_noise,
    complete,
    covariation,
    decays,
    fokker_planck,
    generator,
    ito_formula,
    kolmogorov_backward,
    moment_equations,
    noise_free,
    stationary_density,
    with_generator,
)
from symhigh.symbols import t

x, y = sp.symbols("x y", real=True)
p, q = sp.symbols("p q", positive=True)
mu, k = sp.symbols("mu k", real=True)
s = sp.Symbol("s", positive=True)

GEOMETRIC = ItoSDE((p,), (mu * p,), sp.Matrix([s * p]))
ORNSTEIN = ItoSDE((x,), (-k * x,), sp.Matrix([s]))


def test_geometric_brownian_motion_in_its_logarithm_has_the_ito_correction():
    z = sp.Symbol("z", real=True)
    moved = change_of_variables(GEOMETRIC, {z: sp.log(p)}, {p: sp.exp(z)})
    assert sp.expand(moved.drift[0] - (mu - s**2 / 2)) == 0
    assert moved.diffusion[0] == s


def test_ito_formula_includes_the_time_derivative():
    f = sp.exp(-t) * x**2
    found = ito_formula(ORNSTEIN, f)
    assert sp.expand(found.drift - sp.exp(-t) * (-(x**2) - 2 * k * x**2 + s**2)) == 0
    assert sp.expand(found.noise[0] - 2 * s * x * sp.exp(-t)) == 0


def test_product_rule_is_generator_plus_covariation():
    """L(fg) = f Lg + g Lf + d<f, g>/dt, for a correlated equation in two dimensions."""
    sde = ItoSDE((x, y), (y - x**3, sp.sin(x)), sp.Matrix([[s * x, 1], [y, k]]))
    f, g = x**2 * y, sp.exp(x) + y**3
    left = generator(sde, f * g)
    right = f * generator(sde, g) + g * generator(sde, f) + covariation(sde, f, g)
    assert sp.expand(left - right) == 0


def test_stratonovich_obeys_the_ordinary_chain_rule():
    """log X of dX = mu X dt + s X ∘ dB has drift mu: the two corrections cancel."""
    converted = StratonovichSDE((p,), (mu * p,), sp.Matrix([s * p])).to_ito()
    assert sp.expand(generator(converted, sp.log(p)) - mu) == 0


def test_change_of_variables_refuses_maps_that_are_not_inverse():
    z = sp.Symbol("z", real=True)
    with pytest.raises(ValueError, match="not inverted"):
        change_of_variables(GEOMETRIC, {z: sp.log(p)}, {p: sp.exp(2 * z)})
    with pytest.raises(ValueError, match="every old state"):
        change_of_variables(GEOMETRIC, {z: sp.log(p)}, {q: sp.exp(z)})


def test_rotation_noise_conserves_nothing_linear_but_has_the_radius_without_noise():
    """dX = J X dB: x² + y² carries no noise and grows at rate 1: found as a decay with rate −1."""
    sde = ItoSDE((x, y), (sp.S.Zero, sp.S.Zero), sp.Matrix([-y, x]))
    assert noise_free(sde, 1) == []
    found = decays(sde, 2)
    assert len(found) == 1
    assert sp.expand(found[0].function - (x**2 + y**2)) == 0
    assert found[0].rate == -1


def test_noise_free_is_not_enough_to_be_deterministic():
    """y has no noise but a drift driven by the noisy x: it must not be reported as a decay."""
    sde = ItoSDE((x, y), (sp.S.Zero, x), sp.Matrix([s, 0]))
    assert y in noise_free(sde, 1)
    assert decays(sde, 1) == []


def test_decays_within_a_space_that_the_generator_does_not_preserve():
    """Three states, one noisy: y decays, z is driven by x; only y and its powers are deterministic."""
    z = sp.Symbol("z", real=True)
    sde = ItoSDE((x, y, z), (sp.S.Zero, -k * y, x * z), sp.Matrix([s, 0, 0]))
    found = decays(sde, 2)
    assert [one.function for one in found] == [y, y**2]
    assert [sp.expand(one.rate) for one in found] == [k, 2 * k]


@pytest.mark.parametrize("sde", [
    ItoSDE((p, q), (sp.S.Zero, sp.S.Zero), sp.Matrix([s * p**3, -s * sp.sqrt(q)])),
    ItoSDE((x, y), (sp.S.Zero, sp.S.Zero), sp.Matrix([2 * x + y, 3 * y])),
])  # fmt: skip
def test_additive_coordinates_have_constant_noise(sde):
    found = additive_coordinates(sde)
    assert len(found) == 2
    for one in found:
        noise = ito_formula(sde, one.expression).noise[0]
        assert sp.simplify(noise - one.noise) == 0
        assert not sp.simplify(noise).has(*sde.states)


def test_additive_coordinates_refuse_what_they_cannot_straighten():
    with pytest.raises(ValueError, match="neither linear nor separable"):
        additive_coordinates(ItoSDE((x, y), (sp.S.Zero, sp.S.Zero), sp.Matrix([x * y, y**2])))
    with pytest.raises(ValueError, match="not diagonalisable"):
        additive_coordinates(ItoSDE((x, y), (sp.S.Zero, sp.S.Zero), sp.Matrix([x + y, y])))
    with pytest.raises(ValueError, match="one Brownian motion"):
        additive_coordinates(ItoSDE((x, y), (sp.S.Zero, sp.S.Zero), sp.eye(2)))


def test_fokker_planck_is_solved_by_the_gaussian_of_ornstein_uhlenbeck():
    variance = s**2 * (1 - sp.exp(-2 * k * t)) / (2 * k)
    gaussian = sp.exp(-(x**2) / (2 * variance)) / sp.sqrt(2 * sp.pi * variance)
    equation = fokker_planck(ORNSTEIN).subs(sp.Function("p")(t, x), gaussian).doit()
    gap = ((equation.lhs - equation.rhs) / gaussian).subs({k: sp.Rational(3, 4), s: sp.Rational(1, 2)})
    points = ((sp.Rational(3, 10), sp.Rational(1, 10)), (sp.Integer(2), sp.Rational(-7, 10)))
    assert all(abs(sp.N(gap.subs({t: a, x: b}), 40)) < 1e-30 for a, b in points)


def test_independent_noises_spread_each_along_itself():
    """The product of two densities of Ornstein and Uhlenbeck; nothing is mixed."""
    both = fokker_planck(ItoSDE((x, y), (-x, -k * y), sp.diag(1, s)))
    density = sp.exp(-(x**2) - k * y**2 / s**2)
    assert sp.Derivative(sp.Function("p")(t, x, y), x, y) not in both.atoms(sp.Derivative)
    found = both.rhs.subs(sp.Function("p")(t, x, y), density).doit()
    assert sp.simplify(found) == 0


def test_fokker_planck_is_the_adjoint_of_the_generator():
    """∫ φ (L* p) = ∫ (L φ) p for Gaussian p and polynomial φ, two states."""
    sde = ItoSDE((x, y), (y - x, -x * y), sp.Matrix([[x, 1], [0, y]]))
    density = sp.exp(-(x**2) - y**2) / sp.pi
    right = fokker_planck(sde).rhs.subs(sp.Function("p")(t, x, y), density).doit()
    for phi in (x**2, x * y**2, y**4):
        gap = sp.expand((phi * right - generator(sde, phi) * density) / density)
        moments = sum(
            c * sp.prod(sp.factorial2(n - 1) / 2 ** sp.Rational(n, 2) if n % 2 == 0 else 0 for n in powers)
            for powers, c in sp.Poly(gap, x, y).terms()
        )
        assert sp.simplify(moments) == 0


def test_backward_equation_is_solved_by_a_conditional_expectation():
    """E[X_T² | X_t = x] of Ornstein-Uhlenbeck."""
    left = sp.Symbol("T") - t
    value = x**2 * sp.exp(-2 * k * left) + s**2 * (1 - sp.exp(-2 * k * left)) / (2 * k)
    left_side = kolmogorov_backward(ORNSTEIN).lhs.subs(sp.Function("f")(t, x), value).doit()
    assert sp.simplify(left_side) == 0


def test_stationary_density_has_no_flux():
    sde = ItoSDE((p,), (1 - p,), sp.Matrix([s * p]))
    density = stationary_density(sde)
    flux = sde.drift[0] * density - sp.diff(sde.covariance[0] * density, p) / 2
    assert sp.simplify(flux) == 0


def test_moments_close_for_linear_equations_and_say_so_where_they_do_not():
    second = moment_equations(GEOMETRIC, [p**2]).require_closed()
    assert sp.expand(second.equations[p**2] - (2 * mu + s**2) * p**2) == 0
    double_well = ItoSDE((x,), (x - x**3,), sp.Matrix([s]))
    with pytest.raises(NotClosed, match=r"x\*\*4"):
        moment_equations(double_well, [x**2]).require_closed()
    assert not complete(double_well, [x**2], rounds=3).closed
    both = complete(ItoSDE((x, y), (y, -x), sp.Matrix([0, s])), [x**2])
    assert both.closed
    assert set(both.equations) == {x**2, x * y, y**2}


def test_lyapunov_search_solves_for_the_function_or_declines():
    sde = ItoSDE((x,), (-(x**3),), sp.Matrix([s]))
    found = with_generator(sde, [x, x**2, x**4], -2 * x**4 + s**2)
    assert sp.expand(found - x**2) == 0
    assert with_generator(sde, [x, x**2], x**7) is None


def test_combinations_without_noise_over_a_basis_with_logarithms():
    sde = ItoSDE((p, q), (sp.S.Zero, sp.S.Zero), sp.Matrix([2 * p, -3 * q]))
    (found,) = combinations_without_noise(sde, [sp.log(p), sp.log(q), p])
    assert sp.expand(generator(sde, found)).is_number
    assert sp.simplify(found / (3 * sp.log(p) + 2 * sp.log(q))).is_number


@pytest.mark.parametrize(("arguments", "message"), [
    (((), (), sp.zeros(0, 1)), "at least one"),
    (((x, x), (x, x), sp.zeros(2, 1)), "distinct"),
    (((x,), (x, x), sp.zeros(1, 1)), "one entry a state"),
    (((x, y), (x, y), sp.zeros(1, 1)), "one row a state"),
])  # fmt: skip
def test_misshapen_equations_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ItoSDE(*arguments)


@pytest.mark.parametrize("place", ["drift", "diffusion", "values"])
def test_text_is_never_evaluated(place):
    x, run = sp.Symbol("x"), "__import__('os').environ.update(ITO='ran')"
    makes = {
        "drift": lambda: ItoSDE((x,), (run,), [[x]]),
        "diffusion": lambda: ItoSDE((x,), (x,), [[run]]),
        "values": lambda: ItoSDE((x,), (x,), [[x]]).subs({x: run}),
    }
    with pytest.raises(TypeError, match="not read"):
        makes[place]()
    assert "ITO" not in os.environ
