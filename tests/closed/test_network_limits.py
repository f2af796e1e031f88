"""Closed forms of networks through ``limits``: against linear algebra on classes, and against curves."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.network import least_threshold, linearise, noise_floor, threshold
from symhigh.closed.network_limits import gradient_square
from symhigh.problem.model import u, v

FOUR = sh.NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
NOISELESS = sh.least_squares(model=sh.PRODUCT)


@pytest.mark.parametrize(("model", "step"), [(sh.PRODUCT, 0.4), (sh.SQUARES, 0.2)], ids=["product", "squares"])
def test_constant_rate_is_that_of_the_linearised_classes(model: sh.Parametrization, step: float) -> None:
    """Curvatures by |∇θ|⁴ = pθ² + q balance², against slopes by elimination of ξ and sums over arrays."""
    quiet, noisy = (sh.DiagonalNetwork(step, noise, model) for noise in (0, 0.3))
    found, system = sh.limits(quiet, FOUR), sh.derive(quiet)
    assert found["threshold"].evaluate() == pytest.approx(least_threshold(model, FOUR), rel=1e-13)
    assert found["threshold_at_start"].evaluate() == pytest.approx(threshold(system, FOUR), rel=1e-13)
    for integral in (0.0, 0.7, 5.0):
        expected = linearise(system, FOUR, integral).rate()
        assert found["rate"].evaluate(J=integral) == pytest.approx(expected, rel=1e-12)
    assert found["risk"].expr == 0
    floor = sh.limits(sh.derive(noisy), FOUR)
    assert floor["risk"].evaluate() == pytest.approx(noise_floor(sh.derive(noisy), FOUR), rel=1e-12)
    assert floor["excess_risk"].evaluate() == pytest.approx(floor["risk"].evaluate() - 0.045, rel=1e-12)


def test_floor_of_small_batches_is_where_the_curve_rests() -> None:
    """Balance dead from the start; a target out of reach acts as noise."""
    classes = sh.NetworkClasses([1, 0.4, 0.7, 0.5], [1, 0.5, -0.7, -0.3], 1.0, [1, 1, -1, 1], [0.4, 0.2, 0.2, 0.2])
    rule = sh.MiniBatch(sh.Constant(0.6), 2)
    problem = sh.least_squares(0.4, model=sh.PRODUCT)
    curve = sh.derive(problem, rule).solve(classes, 300, t=[300])
    assert curve.risk[0] == pytest.approx(float(sh.limits(problem, rule, classes)["risk"].evaluate()), rel=2e-5)


def test_secular_rate_of_a_curve_with_batches() -> None:
    rule = sh.MiniBatch(sh.Constant(0.5), 2)
    system = sh.derive(NOISELESS, rule)
    curve = system.solve(FOUR, 50, t=[35, 50])
    measured = np.log(curve.risk[0] / curve.risk[1]) / 15
    found = sh.limits(system, FOUR)["rate"].evaluate(J=float(curve.densities.integral[-1]))
    assert measured == pytest.approx(float(found), rel=1e-4)


@pytest.mark.parametrize("problem", [NOISELESS, sh.logistic_regression(model=sh.SQUARES)], ids=lambda p: p.name)
def test_effective_start_is_what_the_balance_of_a_curve_shows(problem: sh.Problem) -> None:
    rule = sh.WeightDecay(sh.AdaGradNorm(0.6, 0.8), 0.1)
    curve = sh.derive(problem, rule).solve(FOUR, 2, t=[0, 2])
    formula = sh.limits(problem, rule)["effective_start"]
    clocks = curve.densities.clocks[-1, 1:]
    names = [c for c in curve.system.channels.names[1:] if c in curve.system.channels.level]
    places = [list(curve.system.channels.names[1:]).index(c) for c in curve.system.channels.level if c != 1]
    assert len(names) == 2
    values = {f"J_{k + 1}": float(clocks[place]) for k, place in enumerate(places)}
    for k in range(FOUR.size):
        factor = formula.evaluate(**values, **{"lambda": float(FOUR.lam[k])})
        assert curve.balance[-1, k] / curve.balance[0, k] == pytest.approx(float(factor), rel=1e-9)


def test_lazy_training_under_adagrad_norm() -> None:
    """The gap falls by four where the scale is doubled."""
    gaps = []
    for scale in (4.0, 8.0):
        classes = sh.NetworkClasses([1.0, 0.5], [scale**2 + 1, scale**2 - 0.7], np.sqrt(2) * scale, scale / np.sqrt(2))
        rule = sh.AdaGradNorm(0.8 / scale, 1.0)
        curve = sh.derive(NOISELESS, rule).solve(classes, 60, t=[60])
        formula = sh.limits(NOISELESS, rule, classes)["learning_rate_lazy"]
        gaps.append(curve.learning_rate[0] / float(formula.evaluate()) - 1)
    assert abs(gaps[1]) < 6e-3
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.05)


def test_late_rate_with_noise() -> None:
    classes, rule = sh.NetworkClasses([1.0, 0.4], [1.0, 0.5], 1.0, 1.0), sh.AdaGradNorm(0.5, 1.0)
    problem, t = sh.least_squares(0.6, model=sh.PRODUCT), np.array([1000.0, 4000.0])
    curve, found = sh.derive(problem, rule).solve(classes, t[-1], t=t), sh.limits(problem, rule, classes)
    for name in ("learning_rate", "excess_risk"):
        ratio = getattr(curve, name) / found[f"{name}_asymptotic"].evaluate(t=t)
        assert 2 * ratio[1] - ratio[0] == pytest.approx(1, abs=5e-3)


def test_gradient_square_by_hand() -> None:
    assert gradient_square(sh.PRODUCT, u**2 - v**2) == (4, 1)
    assert gradient_square(sh.SQUARES, u * v) == (16, 64)


def test_symbols_stay_symbols() -> None:
    step, noise = sp.symbols("h sigma", positive=True)
    found = sh.limits(sh.DiagonalNetwork(step, noise), FOUR)
    assert found["risk"].evaluate(h=0.4, sigma=0.3) == pytest.approx(
        noise_floor(sh.derive(sh.DiagonalNetwork(0.4, 0.3)), FOUR), rel=1e-12
    )
    with pytest.raises(ValueError, match="h <"):
        found["risk"].evaluate(h=2.0, sigma=0.3)


@pytest.mark.parametrize(("given", "error", "message"), [
    ((NOISELESS, sh.Momentum(0.4, 1), FOUR), ValueError, "networks: the limit is not closed by the density"),
    ((sh.least_squares(), sh.Constant(0.4), FOUR), TypeError, "is no network: give a Spectrum and a Start"),
    ((NOISELESS, sh.Constant(0.4), sh.Spectrum.isotropic()), TypeError, "is a network: give NetworkClasses"),
    ((NOISELESS, sh.AdaGradNorm(1, 1), sh.NetworkClasses(1, [1, -1], 1, 1)), ValueError, "target is out of reach"),
])  # fmt: skip
def test_refusals(given: tuple[object, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sh.limits(*given)


def test_what_holds_at_a_constant_rate_is_refused_elsewhere() -> None:
    for rule in (sh.Polyak(), sh.WeightDecay(sh.Constant(0.4), 0.1)):
        system = sh.derive(NOISELESS, rule)
        for call in (threshold, noise_floor, linearise):
            with pytest.raises(ValueError, match="not least squares at a constant rate"):
                call(system, FOUR)


def test_noise_of_another_law_counts_by_its_variance() -> None:
    """Student's t with 6 degrees of freedom has 3/2 of the variance of its scale."""
    limits = [
        sh.limits(sh.least_squares(noise, model=sh.PRODUCT), sh.Constant(0.4), FOUR)["risk"].evaluate()
        for noise in (sh.StudentT(6, 0.5), np.sqrt(0.375))
    ]
    assert limits[0] == pytest.approx(float(limits[1]), rel=1e-12)
