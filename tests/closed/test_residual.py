"""Losses of the residual at a constant rate: the threshold, and what rests on either side of it."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.residual import grows_slower

SPECTRUM = sh.Spectrum.from_eigenvalues([0.5, 1.0, 2.5], [0.3, 0.5, 0.2])
CLIP = 0.4


def rest(noise: float, rate: float) -> sh.Curve:
    return sh.derive(sh.huber(CLIP, noise), sh.Constant(rate)).solve(SPECTRUM, sh.Start(), 150.0, rtol=1e-10)


def test_the_threshold_of_a_loss_that_is_a_square_at_the_target_is_that_of_least_squares() -> None:
    """Huber's loss is a square near the target: 2/τ, τ = 1.15; the mean absolute loss has a corner, and none."""
    found = sh.limits(sh.huber(CLIP), sh.Constant(0.5), SPECTRUM)
    assert float(found["threshold"].evaluate()) == pytest.approx(2 / 1.15, rel=1e-12)
    corner = sh.limits(sh.quantile(0.5), sh.Constant(0.5), SPECTRUM)
    assert float(corner["threshold"].evaluate()) == 0


@pytest.mark.parametrize("share", [0.8, 1.3])
def test_without_noise_the_threshold_decides_where_it_rests(share: float) -> None:
    rate = share * 2 / 1.15
    found, curve = sh.limits(sh.huber(CLIP), sh.Constant(rate), SPECTRUM), rest(0, rate)
    risk = float(found["risk"].evaluate())
    assert (risk == 0) == (share < 1)
    assert curve.risk[-1] == pytest.approx(risk, rel=1e-6, abs=1e-12)
    assert float(found["excess_risk"].evaluate()) == risk
    assert float(found["rate"].evaluate()) > 0


def test_below_the_threshold_the_rate_is_that_of_the_square() -> None:
    rate = 0.8 * 2 / 1.15
    found, square = (
        sh.limits(problem, sh.Constant(rate), SPECTRUM) for problem in (sh.huber(CLIP), sh.least_squares())
    )
    assert float(found["rate"].evaluate()) == pytest.approx(float(square["rate"].evaluate()), rel=1e-12)


@pytest.mark.parametrize("rate", [0.5, 2.2])
def test_with_noise_it_rests_where_the_curve_does_on_both_sides(rate: float) -> None:
    found, curve = sh.limits(sh.huber(CLIP, 0.3), sh.Constant(rate), SPECTRUM), rest(0.3, rate)
    assert curve.risk[-1] == pytest.approx(float(found["risk"].evaluate()), rel=1e-7)
    least = sh.limits(sh.huber(CLIP, 0.3), sh.Constant(1e-9), SPECTRUM)["risk"].evaluate()
    assert float(found["excess_risk"].evaluate()) == pytest.approx(curve.risk[-1] - float(least), rel=1e-5)


def test_the_rate_of_the_approach_is_measured() -> None:
    found = sh.limits(sh.huber(CLIP, 0.3), sh.Constant(0.5), SPECTRUM)
    speed = float(found["rate"].evaluate())
    times = np.linspace(0, 25 / speed, 400)
    curve = sh.derive(sh.huber(CLIP, 0.3), sh.Constant(0.5)).solve(
        SPECTRUM, sh.Start(), times[-1], t=times, rtol=1e-12
    )
    gap = np.abs(curve.risk - float(found["risk"].evaluate()))
    keep = (times > 12 / speed) & (times < 18 / speed)
    assert -np.polyfit(times[keep], np.log(gap[keep]), 1)[0] == pytest.approx(speed, rel=0.01)


def test_which_losses_have_one_rest_point() -> None:
    r = sh.x - sh.x_star - sh.eps
    assert grows_slower(sh.huber(CLIP, 0.3))
    assert grows_slower(sh.least_squares(1))
    assert not grows_slower(sh.Problem(r**4, noise=1))
    assert not grows_slower(sh.Problem(sp.cosh(r), noise=1))
    assert not grows_slower(sh.huber(CLIP, sh.StudentT(5)))
    with pytest.raises(ValueError, match="no faster than a square"):
        sh.limits(sh.Problem(r**4, noise=1), sh.Constant(0.1))
