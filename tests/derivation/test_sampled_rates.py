"""Rates that depend on the sample: losses in pieces and the stochastic Polyak step."""

from __future__ import annotations

import math

import mpmath
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.memories import sample_rates
from symhigh.derivation.state import state
from symhigh.derivation.statistics import statistics
from symhigh.rule.stochastic_polyak import CAP, DAMPING
from symhigh.symbols import B12, tau


@pytest.mark.parametrize(
    "problem",
    [pytest.param(sh.squared_hinge(0.1), marks=pytest.mark.slow), sh.relu_student(0.3), sh.sign_regression(0.3)],
    ids=lambda p: p.name,
)
def test_losses_that_are_squares_move_at_one_rate(problem: sh.Problem) -> None:
    """``f = s²/2`` with ``f' = ±s`` on each piece: f/f'² = 1/2, so g = min(cap, 1/(2cτ)) wherever SGD moves."""
    rates = sample_rates(state(problem, sh.StochasticPolyak(cap=2))[0], {(0, 0): tau})
    sampled, plain = statistics(problem.outcomes, factors=rates), statistics(problem.outcomes)
    g = sp.Min(CAP, 1 / (2 * DAMPING * tau))
    symbols = sorted(set().union(*(e.free_symbols for e in vars(sampled).values())), key=str)
    point = {s: sp.Rational(k + 3, k + 2) for k, s in enumerate(symbols)}
    for cap in (sp.Rational(1, 2), sp.Integer(9)):
        at = {**point, CAP: cap, B12: sp.Rational(2, 5)}
        for name, power in (("c1", 1), ("c2", 1), ("gradient_noise", 2)):
            found, expected = getattr(sampled, name), getattr(plain, name) * g**power
            assert abs(sp.N(found.subs(at), 25) - sp.N(expected.subs(at), 25)) < 1e-20


def test_pieces_with_curved_edges_are_one_node() -> None:
    """Given one variable the average over the other is closed across a circle; the value in polar coordinates."""
    disc = sp.Piecewise((sh.x**2, sh.x**2 + sh.x_star**2 < 1), (0, True))
    node = sh.expect(disc, sp.eye(2))
    assert [n.dimension for n in node.atoms(GaussianMean)] == [1]
    # E x² 1{x² + y² < 1} = ½ E s 1{s < 1} with s = x² + y² exponential of mean two: 1 - (3/2) e^{-1/2}
    assert float(node) == pytest.approx(1 - 1.5 * math.exp(-0.5), abs=1e-13)


@pytest.mark.slow
def test_the_mean_capped_rate_under_a_contaminated_law() -> None:
    """``E min(1, f/f'²)`` of pseudo-Huber's loss against a double integral over residual and Laplace noise.

    The cap begins where ``(1 + r²)/(√(1 + r²) + 1) = 1``, no linear condition, so the node does not split there: 1e-8.
    """
    noise = sh.Contaminated(sh.Gaussian(sp.Rational(3, 10)), sh.Laplace(1), sp.Rational(1, 10))
    system = sh.derive(sh.pseudo_huber(1, noise), sh.StochasticPolyak(cap=1, damping=1))
    start = sh.Start(x0=1, x_star=1, overlap=0.25)
    curve = system.solve(sh.Spectrum.isotropic(), start, 1e-6, t=[0])
    kink = mpmath.sqrt((1 + mpmath.sqrt(5)) / 2)

    def mean(variance: mpmath.mpf) -> mpmath.mpf:
        def below(r: mpmath.mpf) -> mpmath.mpf:
            cut = 1 - (1 + r * r) / (mpmath.sqrt(1 + r * r) + 1)
            return cut * mpmath.npdf(r, 0, mpmath.sqrt(variance))

        return 1 - 2 * mpmath.quad(below, [0, kink / 2, kink])

    residual = mpmath.mpf(3) / 2
    heavy = mpmath.quad(lambda s: mpmath.exp(-s) * mean(residual + 2 * s), [0, 1, 2, 5, 10, 20, 40])
    expected = 0.9 * mean(residual + 0.09) + 0.1 * heavy
    assert curve.learning_rate[0] == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize("damping", [0.5, 1.0, 4.0])
def test_the_threshold_of_the_distance_is_a_rate_whatever_the_rule(damping: float) -> None:
    """Noiseless least squares: ‖X - X*‖² stands still at the constant rate 2Q/(τQ) = 2/τ, also under sampled rates."""
    system = sh.derive(sh.least_squares(), sh.StochasticPolyak(damping=damping))
    curve = system.solve(sh.Spectrum.isotropic(1.6), sh.Start(0.5, 1, 0.2), 0.5, t=[0, 0.5], target=NUMPY)
    assert curve.learning_rate == pytest.approx(1 / (2 * damping * 1.6))
    assert curve.outputs["distance_threshold"] == pytest.approx(2 / 1.6)


def test_what_a_sampled_rate_multiplies_beside_the_gradient_moves_at_the_rate_itself() -> None:
    """Noiseless least squares: the sampled rate is the constant 1/τ, and weight decay moves at it, too."""
    args = (sh.Spectrum.isotropic(1.6), sh.Start(0.5, 1, 0.2), 2)
    sampled, constant = (
        sh.derive(sh.least_squares(), sh.WeightDecay(rule, 0.3)).solve(*args, t=[0, 1, 2], target=NUMPY)
        for rule in (sh.StochasticPolyak(), sh.Constant(1 / 1.6))
    )
    assert sampled.risk == pytest.approx(constant.risk, rel=1e-7)
