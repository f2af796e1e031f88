"""Averages over the residual: cells, closed moments and Stein's lemma against mpmath, and what they do to a limit."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

import symhigh as sh
from symhigh.codegen.target import NUMPY
from symhigh.derivation.residual import mean_over_residual, of_residual, slope_over_residual
from symhigh.derivation.scaling import conjugated
from symhigh.derivation.statistics import statistics
from symhigh.problem.losses.robust import HUBER_THRESHOLD
from symhigh.problem.noise import Gaussian, Rademacher
from symhigh.rule.clipping import BOUND
from symhigh.symbols import B11, B12, B22, d, error_square, gradient_square, omega, sample_loss, tau

R = sh.x - sh.x_star - sh.eps
TWO = sh.Spectrum.from_eigenvalues([1.5, 0.5])
h, level = sp.symbols("h level", positive=True)
AT = {h: sp.Rational(3, 5), level: sp.Rational(1, 5), B11: 2, B12: sp.Rational(1, 2), B22: 1}
SLOPES = {
    "clipped": (sp.Min(1, h / sp.Abs(R)) * R, lambda r: min(1, 0.6 / abs(r)) * r, [0.6]),
    "normalised": (R / sp.Abs(R), lambda r: math.copysign(1, r), []),
    "positive part": (R * sp.Max(0, R**2 / 2 - level) / R**2, lambda r: max(0, r * r / 2 - 0.2) / r, [0.4**0.5]),
    "one-sided": (sp.Piecewise((R, h < R), (2 * R - h, True)), lambda r: r if r > 0.6 else 2 * r - 0.6, [0.6]),
}  # fmt: skip
LAWS = {"normal": (Gaussian(), {omega: sp.Rational(7, 10)}), "two points": (Rademacher(), None)}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("name", SLOPES)
def test_averages_of_slopes_against_mpmath(name: str, law: str) -> None:
    """``E G²`` and ``E[G (r + m)]/P`` over the very density of the residual."""
    slope, value, kinks = SLOPES[name]
    noise, given = LAWS[law]
    (scale,) = noise.values
    point = {**AT, **(given or {scale: sp.Rational(7, 10)})}
    P = 2.49 if law == "normal" else 2.0
    centres = [0.0] if law == "normal" else [0.7, -0.7]
    marks = sorted({-40.0, 40.0, 0.0, *map(float, kinks), *(-float(k) for k in kinks)})

    def mean(f):  # type: ignore[no-untyped-def]
        density = lambda r: math.exp(-r * r / (2 * P)) / math.sqrt(2 * math.pi * P)  # noqa: E731
        parts = (mpmath.fp.quad(lambda r, m=m: f(r, m) * density(r + m), marks) for m in centres)
        return sum(parts) / len(centres)

    form = of_residual(slope)
    assert form is not None
    c1 = slope_over_residual(form, noise.components)
    square = mean_over_residual(replace(form, form=form.form**2), noise.components)
    assert float(c1.subs(point).evalf(20)) == pytest.approx(
        float(mean(lambda r, m: value(r) * (r + m) / P)), rel=1e-9
    )
    assert float(square.subs(point).evalf(20)) == pytest.approx(
        float(mean(lambda r, m: value(r) ** 2)), rel=1e-9
    )


def test_what_sees_more_than_the_residual_is_left_alone() -> None:
    assert of_residual(sh.x * R) is None
    assert of_residual(sp.expand(R**2)) is not None


def test_a_mean_that_does_not_exist_is_infinite() -> None:
    noise = Gaussian().components
    assert mean_over_residual(of_residual(1 / sp.Abs(R)), noise) is sp.oo
    assert mean_over_residual(of_residual(1 / sp.sqrt(sp.Abs(R))), noise).has(sp.oo) is False


def test_clipped_gradients_are_hubers_loss() -> None:
    """Norm clipping at c√d clips the slope at ``c/√τ``: c₁ and I are those of Huber's loss there."""
    system = sh.derive(sh.least_squares(1), sh.ClippedGradient(sh.Constant(1), 1))
    c = HUBER_THRESHOLD
    huber = statistics(sh.huber(1, 1).outcomes)
    rng = np.random.default_rng(3)
    for _ in range(4):
        q, t_, b, w = rng.uniform(0.2, 2, 4)
        ours = {
            **system.parameters,
            error_square: q,
            tau: t_,
            BOUND: b,
            omega: w,
            system.scalars[0].name: q / 2,
        }
        theirs = {B11: q, B12: 0, B22: 0, c: b / np.sqrt(t_), omega: w}
        assert float(system.scalar("c1").subs(ours)) == pytest.approx(float(huber.c1.subs(theirs)), rel=1e-12)
        assert float(system.scalar("I").subs(ours)) == pytest.approx(
            float(huber.gradient_noise.subs(theirs)), rel=1e-12
        )
    assert [str(s) for s in system.family.states] == ["D2"]


class Normalised(sh.Rule):
    """``g = √d/(2 ‖∇f‖)``."""

    @property
    def rate(self) -> sp.Expr:
        return sp.sqrt(d / gradient_square) / 2


class ClippedByHand(sh.Rule):
    """The rate that a user would write."""

    @property
    def rate(self) -> sp.Expr:
        return sp.Rational(4, 5) * sp.Min(1, sp.sqrt(d) / sp.sqrt(gradient_square) / 2)


def test_normalised_descent_has_a_limit_though_its_mean_rate_is_infinite() -> None:
    """Values by an independent integration at 1e-12."""
    system = sh.derive(sh.least_squares(0.3), Normalised())
    curve = system.solve(TWO, sh.Start(), 8, t=[0.5, 1, 2, 4, 8], target=NUMPY)
    np.testing.assert_allclose(curve.risk, [0.40822, 0.31299, 0.20796, 0.14284, 0.12382], atol=6e-6)
    assert np.isinf(curve.learning_rate).all()
    assert str(system.scalar("gamma")) == "oo"
    with pytest.raises(ValueError, match=r"mean of its rate .* is infinite, .* such as weight decay"):
        sh.derive(sh.least_squares(0.3), sh.WeightDecay(Normalised(), 0.1))


@pytest.mark.parametrize("by_hand", [False, True])
def test_private_descent(by_hand: bool) -> None:
    """γ = .8, c = σ = .5, the noise added after clipping by the rule or by hand, against independent values."""
    times = [0.5, 1, 2, 4, 8]
    if by_hand:
        system = sh.derive(sh.least_squares(0.3), ClippedByHand())
        lam, w = np.array([1.5, 0.5]), np.array([0.5, 0.5])
        c1, I = (
            sp.lambdify(error_square, system.scalar(n).subs({tau: 1, omega: sp.Rational(3, 10)}), "scipy")
            for n in ("c1", "I")
        )

        def rhs(_, D):  # type: ignore[no-untyped-def]
            q = w @ (lam * D)
            return -2 * lam * c1(q) * D + lam * I(q) + 0.8**2 * 0.5**2

        found = solve_ivp(rhs, (0, 8), [1.0, 1.0], rtol=1e-10, atol=1e-12, t_eval=times)
        risk = (w * lam) @ found.y / 2 + 0.045
    else:
        rule = sh.ClippedGradient(sh.NoisyGradient(sh.Constant(0.8), 0.5), 0.5)
        risk = sh.derive(sh.least_squares(0.3), rule).solve(TWO, sh.Start(), 8, t=times, target=NUMPY).risk
    np.testing.assert_allclose(risk, [0.45170, 0.38156, 0.29236, 0.22004, 0.18589], atol=6e-6)


def test_noise_is_added_after_clipping() -> None:
    with pytest.raises(ValueError, match=r"write ClippedGradient\(NoisyGradient"):
        sh.NoisyGradient(sh.ClippedGradient(sh.Constant(0.8), 0.5), 0.5)


def test_private_descent_simulated() -> None:
    rule = sh.ClippedGradient(sh.NoisyGradient(sh.Constant(0.8), 0.5), 0.5)
    runs = sh.simulate(sh.least_squares(0.3), rule, TWO, sh.Start(), d=800, t_end=2, seeds=8, t=[1, 2])
    np.testing.assert_allclose(runs.risk.mean(axis=0), [0.38156, 0.29236], rtol=0.04)


def test_a_step_towards_a_least_loss_in_closed_form() -> None:
    """``c₁ = ((1 - z²) Φ̄(z) + z φ(z))/(damping τ)``, ``z = √(2ℓ/(Q + ω²))``."""
    system = sh.derive(sh.least_squares(0.3), sh.StochasticPolyak(None, 0.8, 0.1))
    found = system.scalar("c1").subs(dict(system.parameters))
    z = mpmath.sqrt(0.2 / (0.7 + 0.09))
    expected = ((1 - z * z) * (1 - mpmath.ncdf(z)) + z * mpmath.npdf(z)) / (0.8 * 1.3)
    value = found.subs({error_square: 0.7, tau: 1.3})
    assert float(value) == pytest.approx(float(expected), rel=1e-12)


def test_weights_decay_at_the_mean_of_a_sampled_rate() -> None:
    """A rate that is a constant in disguise, ``min(cap, 1/(2cτ))``, decays weights as the constant does."""
    start = sh.Start(1, 1, 0.3)
    sampled = sh.derive(sh.least_squares(0.3), sh.WeightDecay(sh.StochasticPolyak(0.4), 0.5))
    plain = sh.derive(sh.least_squares(0.3), sh.WeightDecay(sh.Constant(0.4), 0.5))
    a, b = (s.solve(TWO, start, 4, t=[1, 2, 4], target=NUMPY) for s in (sampled, plain))
    np.testing.assert_allclose(a.risk, b.risk, rtol=1e-9)


def test_a_memory_of_the_loss_counts_samples_on_flat_pieces() -> None:
    """``S⁺ = S + (f - S)/d`` has ``dS/dt = E f - S`` whatever the share of samples whose loss is flat."""
    S = sp.Symbol("S", positive=True)

    class Watching(sh.Rule):
        @property
        def memory(self) -> tuple[sh.Memory, ...]:
            return (sh.Memory(S, (sample_loss - S) / d, 1),)

        @property
        def rate(self) -> sp.Expr:
            return sp.Min(1, sample_loss * d / gradient_square)

    system = sh.derive(sh.squared_hinge(), Watching())
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(1, 1, 0.3), 1e-6, t=[0, 1e-6], target=NUMPY)
    (state,) = system.states
    slope = float(state.rhs.subs(dict(system.parameters)).subs({B11: 1, B12: 0.3, B22: 1, state.name: 1}).evalf(15))
    assert slope == pytest.approx(curve.risk[0] - 1, rel=1e-6)


def test_the_quotient_of_loss_and_squared_slope_keeps_its_digits() -> None:
    """Of pseudo-Huber's loss it is ``(1 + r²)/(√(1 + r²) + 1)``, without a false pole at r = 0."""
    loss = sp.sqrt(1 + R**2) - 1
    found = conjugated(loss / sp.diff(loss, sh.x) ** 2)
    small = {sh.x: 1e-9, sh.x_star: 0, sh.eps: 0}
    assert float(found.subs(small)) == pytest.approx(0.5, rel=1e-12)
    assert conjugated(R / sh.x) == R / sh.x


def test_slopes_of_one_sign_have_that_sign() -> None:
    """Sign descent on logistic labels: the mean of ``sign f' = -y`` over the label is ``1 - 2 σ(x*)``."""
    system = sh.derive(sh.logistic_regression(True), sh.SignSGD(0.5))
    curve = system.solve(sh.Spectrum.isotropic(), sh.Start(), 1, t=[0, 1], target=NUMPY)
    assert curve.complete
    assert curve.risk[1] < curve.risk[0] == pytest.approx(np.log(2), rel=1e-12)
    assert not system.unfolded(sp.Add(*system.family.rhs)).has(sp.sign)


x1, x2, y1, y2 = sp.symbols("x1 x2 y1 y2", real=True)
CLIPPED = [sh.ClippedGradient(inner, 0.5) for inner in (sh.Constant(0.4), sh.AdaGradNorm(1, 1))]
SAMPLED = [*CLIPPED, sh.StochasticPolyak()]


ALIKE = [
    pytest.param(rule, loss, marks=[pytest.mark.slow] if (rule, loss) == (CLIPPED[0], "Huber") else [])
    for rule in SAMPLED
    for loss in ("square", "Huber")
]


@pytest.mark.parametrize(("rule", "loss"), ALIKE, ids=str)
def test_rates_of_the_sample_move_one_direction_alike_under_any_name(rule: sh.Rule, loss: str) -> None:
    """One student and one target called otherwise are derived as several directions are."""
    one = sh.least_squares(0.3) if loss == "square" else sh.huber(0.7, 0.3)
    other = sh.Problem(one.loss.subs({sh.x: x1, sh.x_star: y1}), 0.3, parameters=dict(one.parameters),
                       students=(x1,), targets=(y1,))  # fmt: skip
    spectrum, start = sh.Spectrum.from_eigenvalues([1.5, 0.5]), sh.Start(0.5, 1, 0.2)
    known = sh.derive(one, rule).solve(spectrum, start, 2.0, [0.5, 2.0], rtol=1e-9)
    found = sh.derive(other, rule).solve(spectrum, start, 2.0, [0.5, 2.0], rtol=1e-9)
    np.testing.assert_allclose(found.risk, known.risk, rtol=1e-7)
    np.testing.assert_allclose(found.learning_rate, known.learning_rate, rtol=1e-7)


@pytest.mark.parametrize("rule", [pytest.param(CLIPPED[0], marks=pytest.mark.slow), *SAMPLED[1:]], ids=str)
def test_runs_of_two_units_under_a_rate_of_the_sample_follow_the_limit(rule: sh.Rule) -> None:
    problem = sh.MultiIndex((x1, x2), (y1, y2), (x1 + x2 - y1 - y2 - sh.eps) ** 2 / 2, 0.3)
    spectrum = sh.Spectrum.from_eigenvalues([1.5, 0.5])
    overlaps = sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.25, 0, 0.1], [0.1, 0, 0.5, 0], [0, 0.1, 0, 0.5]])
    curve = sh.derive(problem, rule).solve(spectrum, overlaps, 2.0, [0.5, 1, 2])
    runs = sh.simulate(problem, rule, spectrum, overlaps, 1000, 2.0, 12, t=[0.5, 1, 2])
    for name in ("risk", "learning_rate"):
        values = runs.outputs[name]
        error = 4 * values.std(axis=0, ddof=1) / np.sqrt(12) + 2 / 1000
        assert (np.abs(values.mean(axis=0) - curve.outputs[name]) < error).all(), name


def test_a_residual_of_several_directions_is_one_linear_form() -> None:
    law = sp.Matrix(3, 3, lambda i, j: sp.Symbol(f"B{min(i, j)}{max(i, j)}"))
    form = x1 - 2 * x2 + y1 - sh.eps
    found = of_residual(sp.Min(1, 1 / sp.Abs(form)) * sp.expand(3 * form), (x1, x2, y1), law)
    assert found is not None
    assert found.weights in ((1, -2, 1), (-1, 2, -1))
    w = sp.Matrix(found.weights)
    assert sp.expand((w.T * law * w)[0] - found.spread) == 0
    assert of_residual(x1 * form, (x1, x2, y1), law) is None


def test_a_clipped_quantile_loss_is_one_of_a_smaller_slope() -> None:
    """Slopes are -q and 1 - q: clipped at less than both they are those of the median, with a factor."""
    spectrum, start = sh.Spectrum.isotropic(), sh.Start(0.5, 1, 0.2)
    clipped = sh.derive(sh.quantile(0.6, 0.3), sh.ClippedGradient(sh.Constant(0.4), 0.2))
    median = sh.derive(sh.quantile(sp.S.Half, 0.3), sh.Constant(0.16))
    found, known = (s.solve(spectrum, start, 3.0, [1.0, 3.0], rtol=1e-9).distance for s in (clipped, median))
    np.testing.assert_allclose(found, known, rtol=1e-7)
