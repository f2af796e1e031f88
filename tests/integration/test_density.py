"""The density of a coordinate under any loss and scalar rule, against particles, gradient flow and its refinement."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp, trapezoid

import symhigh as sh
from symhigh.derivation.close.density import DensitySystem
from symhigh.derivation.close.particles import close_by_particles
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.state import state
from symhigh.integration.particle_system import solve_by_particles
from symhigh.problem.model import u, v
from symhigh.symbols import lam

FOUR = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
TURNED = sh.NetworkClasses(FOUR.lam, FOUR.theta_star, 0.7, 0.5)
SQUARE, LOGISTIC = sh.least_squares(0.3, model=sh.PRODUCT), sh.logistic_regression(model=sh.SQUARES)
RULES = [
    sh.AdaGradNorm(0.6, 0.8),
    sh.Polyak(),
    sh.MiniBatch(sh.WeightDecay(sh.Schedule(0.4 / (1 + sp.floor(sh.t))), 0.1), 2),
]


def by_particles(problem: sh.Problem, rule: sh.Rule, classes: sh.NetworkClasses, t: list[float], **options):  # type: ignore[no-untyped-def]
    """The same mean field with the closure by particles, which shares no equation of the coordinate's law."""
    s, values = state(problem, rule)
    system = close_by_particles(s, mean_field(s), problem, rule, values, True)
    return solve_by_particles(system, classes, t_end=t[-1], t=t, **options)


@pytest.mark.parametrize(
    ("problem", "rule"),
    [
        pytest.param(p, r, marks=[pytest.mark.slow] if p is LOGISTIC and isinstance(r, sh.MiniBatch) else [])
        for p in (SQUARE, LOGISTIC) for r in RULES
    ],
    ids=lambda x: x.name if isinstance(x, sh.Problem) else type(x).__name__,
)  # fmt: skip
def test_particles_agree(problem: sh.Problem, rule: sh.Rule) -> None:
    """Every output within five standard errors of 40 000 particles, whose groups give the error."""
    system, classes, t = sh.derive(problem, rule), FOUR if problem is SQUARE else TURNED, [1.0, 3.0]
    assert isinstance(system, DensitySystem)
    curve, particles = system.solve(classes, 3, t=t), by_particles(problem, rule, classes, t, particles=40_000)
    for name in ("risk", "curvature", "distance", "l1"):
        slack = 5 * particles.errors[name] + 2e-4 * np.abs(particles.outputs[name])
        assert (np.abs(curve.outputs[name] - particles.outputs[name]) < slack).all(), name
    assert curve.learning_rate == pytest.approx(particles.learning_rate, rel=5e-3)


def test_adagrad_norm_to_eight_digits_by_richardson() -> None:
    """Order two in nodes and in time: the extrapolated value, and what is left at each resolution."""
    system, t = sh.derive(SQUARE, sh.AdaGradNorm(0.6, 0.8)), [1.0, 3.0, 6.0]
    coarse, fine = (
        np.concatenate([c.risk, c.learning_rate])
        for c in (system.solve(FOUR, 6, t=t, nodes=n, rtol=1e-8) for n in (321, 641))
    )
    best = fine + (fine - coarse) / 3
    usual = system.solve(FOUR, 6, t=t)
    given = np.concatenate([usual.risk, usual.learning_rate])
    assert np.abs(fine - best).max() < 1e-6
    assert np.abs(given - best).max() < 3e-5
    errors = np.concatenate([usual.error("risk"), usual.error("learning_rate")])
    assert (np.abs(given - best) < errors + 1e-8).all()


def test_adagrad_norm_with_tiny_steps_is_its_gradient_flow() -> None:
    """Noise is of order γ²; what is left are three ordinary equations, of u, v and the accumulator."""
    eta, b = 1e-3, 1e-2
    system = sh.derive(sh.least_squares(model=sh.PRODUCT), sh.AdaGradNorm(eta, b))
    classes = sh.NetworkClasses(1.0, 1.0, 1.2, 0.2)

    def rhs(_: float, y: np.ndarray) -> list[float]:
        first, second, square = y
        e, rate = first * second - 1, eta / np.sqrt(square)
        return [-rate * e * second, -rate * e * first, e**2 * (first**2 + second**2)]

    t = [100.0, 1000.0]
    path = solve_ivp(rhs, (0, 1000), [1.2, 0.2, b**2], t_eval=t, rtol=1e-10, atol=1e-14, method="LSODA").y
    curve = system.solve(classes, 1000, t=t)
    assert curve.learning_rate == pytest.approx(eta / np.sqrt(path[2]), rel=5e-3)
    assert curve.memories["b_k^2"] == pytest.approx(path[2], rel=1e-2)


def test_balance_decays_with_the_square_of_the_rate() -> None:
    """``d log(u² − v²)/dt = −2 γ² λ R``, by quadrature of the curve's own outputs."""
    curve = sh.derive(SQUARE, sh.AdaGradNorm(0.6, 0.8)).solve(FOUR, 4, t=np.linspace(0, 4, 161))
    exponent = 2 * trapezoid(curve.learning_rate**2 * curve.risk, curve.t)
    assert curve.balance[-1] == pytest.approx((1.44 - 0.04) * np.exp(-FOUR.lam * exponent), rel=1e-4)
    square = (curve.u**2 - curve.v**2)[-1]
    assert np.abs(square / curve.balance[-1][:, None] - 1).max() < 1e-9


def test_constant_rate_is_one_of_them() -> None:
    """A schedule that does not move, weight decay of zero and a batch of one give the curve of the constant rate."""
    plain = sh.derive(SQUARE, sh.Constant(0.4)).solve(FOUR, 3, t=[1, 3])
    for rule in (sh.Schedule(0.4 + 0 * sh.t), sh.MiniBatch(sh.Schedule(0.4 + sp.exp(-400 - sh.t)), 1)):
        other = sh.derive(SQUARE, rule).solve(FOUR, 3, t=[1, 3])
        assert other.risk == pytest.approx(plain.risk, rel=1e-7)
        assert other.outputs["curvature"] == pytest.approx(plain.outputs["curvature"], rel=1e-7)


def test_a_jump_of_the_schedule_is_a_boundary_of_steps() -> None:
    """The rate halves at t = 1: the density goes on from there as one of half the rate, whatever the output times."""
    rule = sh.Schedule(sp.Piecewise((sp.Rational(2, 5), sh.t < 1), (sp.Rational(1, 5), True)))
    system = sh.derive(SQUARE, rule)
    seen, unseen = system.solve(FOUR, 2, t=[0.5, 1, 2]), system.solve(FOUR, 2, t=[2])
    assert seen.learning_rate.tolist() == [0.4, 0.2, 0.2]
    assert unseen.risk[0] == pytest.approx(seen.risk[-1], rel=1e-5)
    assert seen.risk[1] == pytest.approx(sh.derive(SQUARE, sh.Constant(0.4)).solve(FOUR, 1, t=[1]).risk[0], rel=1e-5)


def test_noiseless_line_search_keeps_digits_of_a_small_risk() -> None:
    """The rate is a ratio of averages that vanish together; the risk falls at the rate of the fine solution."""
    system = sh.derive(sh.least_squares(model=sh.PRODUCT), sh.LineSearch())
    coarse, fine = (system.solve(FOUR, 40, t=[40], nodes=n, rtol=r) for n, r in ((161, 1e-5), (321, 1e-7)))
    assert fine.risk[0] < 1e-9
    assert coarse.risk == pytest.approx(fine.risk, rel=2e-2)
    assert coarse.learning_rate == pytest.approx(fine.learning_rate, rel=1e-3)


def test_outputs_of_ones_own() -> None:
    curve = sh.derive(SQUARE, sh.AdaGradNorm(0.6, 0.8)).solve(FOUR, 1, t=[0, 1], outputs={"size": u**2 + v**2})
    assert curve.size == pytest.approx(curve.observable(u**2 + v**2))
    assert curve.size[0] == pytest.approx(1.48)
    assert curve.error("size").shape == (2,)
    system = sh.derive(SQUARE, sh.Polyak())
    with pytest.raises(ValueError, match="has an output of this name"):
        system.solve(FOUR, 1, outputs={"risk": u})
    with pytest.raises(ValueError, match=r"outputs\['x'\]=.*foreign symbols"):
        system.solve(FOUR, 1, outputs={"x": sp.Symbol("x")})


def test_curvature_under_a_rate_of_the_sample_is_that_of_the_risk() -> None:
    """``Tr ∇²R = mean λ E(u² + v²)`` for least squares, whatever the rate."""
    curve = sh.derive(SQUARE, sh.StochasticPolyak()).solve(FOUR, 1, t=[0, 1])
    assert curve.outputs["curvature"] == pytest.approx(curve.observable(lam * (u**2 + v**2)))


@pytest.mark.parametrize(("rule", "reason"), [
    (sh.Momentum(0.4, 1), "M_u, M_v"), (sh.RMSprop(0.3, 1, 1), "keeps"),
], ids=lambda r: type(r).__name__)  # fmt: skip
def test_what_has_no_density_says_why(rule: sh.Rule, reason: str) -> None:
    system = sh.derive(SQUARE, rule)
    assert not isinstance(system, DensitySystem)
    assert "density: " in system.closure
    assert reason in system.closure


def test_noise_of_its_own_leaves_no_density() -> None:
    system = sh.derive(SQUARE, sh.NoisyGradient(sh.Constant(0.4), 0.3))
    assert isinstance(system, sh.ParticleSystem)


def test_assumptions_say_what_was_used() -> None:
    said = " ".join(sh.derive(SQUARE, sh.Polyak()).assumptions)
    assert "moves without noise" in said
    assert "closed by density" in said


def test_refusals() -> None:
    symbol = sp.Symbol("h", positive=True)
    with pytest.raises(ValueError, match="parameters h have no value"):
        sh.derive(SQUARE, sh.AdaGradNorm(symbol, 1)).solve(FOUR, 1)
    with pytest.raises(ValueError, match="the learning rate is -"):
        sh.derive(SQUARE, sh.Schedule(sp.Rational(1, 2) - sh.t / 2)).solve(FOUR, 2)
    with pytest.raises(ValueError, match="begin later"):
        sh.derive(SQUARE, sh.Schedule(sh.t ** sp.Rational(-1, 4))).solve(FOUR, 2)


def test_excess_risk_of_other_losses_is_above_the_minimum_over_all_weights() -> None:
    """Logistic regression at θ = θ*: nothing in excess; elsewhere the gap to the risk there."""
    at_target = sh.NetworkClasses([1, 0.4], [0.6, -0.3], [1.0, 1.0], [0.6, -0.3])
    system = sh.derive(sh.logistic_regression(model=sh.PRODUCT), sh.AdaGradNorm(0.6, 0.8))
    least = system.solve(at_target, 0.1, t=[0.0])
    away = system.solve(sh.NetworkClasses([1, 0.4], [0.6, -0.3], 0.5, 0.2), 0.1, t=[0.0])
    assert least.excess_risk[0] == pytest.approx(0, abs=1e-9)
    assert away.excess_risk[0] == pytest.approx(away.risk[0] - least.risk[0], abs=1e-8)
    assert away.excess_risk[0] > 0.01


def test_rules_that_look_at_the_start_have_a_density() -> None:
    """DoG's distance from the start is an average over the density like any other: its rate is (‖X − X₀‖ or r₀)/b."""
    rule, t = sh.DoG(0.5, 1), [1.0, 2.0]
    particles = by_particles(SQUARE, rule, FOUR, t, particles=40_000)
    curve = sh.derive(SQUARE, rule).solve(FOUR, 2, t=t)
    assert curve.risk == pytest.approx(particles.risk, abs=5 * particles.errors["risk"].max() + 1e-4)
    assert curve.learning_rate == pytest.approx(particles.learning_rate, rel=1e-2)
