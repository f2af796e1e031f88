"""Where noiseless networks end, against their curves at late times and gradient flow from the shrunken start."""

from __future__ import annotations

import numpy as np
import pytest

from symhigh import derive
from symhigh.closed.network import linearise
from symhigh.integration.network_end import long_time
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)


def test_reference_rate():
    """Reference value for d = 1500 stated with the model: predicted 0.5049."""
    ends = long_time(derive(DiagonalNetwork(0.4)), FOUR, 60)
    assert ends.rate == pytest.approx(0.5049, abs=2e-4)


def test_long_time_limits_are_those_of_the_curve():
    limit = derive(DiagonalNetwork(0.4))
    ends = long_time(limit, FOUR, 40)
    curve = limit.solve(FOUR, 100, t=[100])
    assert ends.integral == pytest.approx(curve.densities.integral[-1], rel=1e-5)
    assert ends.balance == pytest.approx(curve.balance[-1], rel=1e-5)
    square = curve.u**2 + curve.v**2
    assert ends.slope == pytest.approx((square * curve.densities.mass).sum(axis=2)[-1], rel=1e-4)


def test_effective_start_gives_the_same_limit_by_gradient_flow():
    """The limit of θ does not depend on the balance here; S does, and the shrunken start has the right
    one."""
    limit = derive(DiagonalNetwork(0.4))
    ends = long_time(limit, FOUR, 60)
    shrunk = np.sqrt(ends.effective_start)
    flow = NetworkClasses(FOUR.lam, FOUR.theta_star, FOUR.u * shrunk, FOUR.v * shrunk)
    assert linearise(limit, flow).slope == pytest.approx(ends.slope)


def test_the_rate_is_that_of_the_risk_and_the_balance_decays_with_its_integral() -> None:
    limit = derive(DiagonalNetwork(0.4))
    ends = long_time(limit, FOUR, 40)
    curve = limit.solve(FOUR, 44, t=[40, 44], rtol=1e-6)
    assert ends.rate == pytest.approx(np.log(curve.risk[0] / curve.risk[1]) / 4, rel=1e-3)
    np.testing.assert_allclose(ends.effective_start, np.exp(-2 * 0.4**2 * FOUR.lam * ends.integral), rtol=1e-12)
    np.testing.assert_allclose(ends.balance, (FOUR.u**2 - FOUR.v**2) * ends.effective_start, rtol=1e-12)
    early = long_time(limit, FOUR, 25)  # of the tail the exponential is left out to the order of the risk
    assert early.integral == pytest.approx(ends.integral, rel=1e-4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"long_time\(noise=0.30*\): the risk is integrable without label noise only"):
        long_time(derive(DiagonalNetwork(0.4, 0.3)), FOUR, 1)
    with pytest.raises(ValueError, match=r"long_time: load .* >= 1, the step exceeds the threshold"):
        long_time(derive(DiagonalNetwork(1.1)), NetworkClasses(1.0, 1.0, 0.98, 0.9), 2)
