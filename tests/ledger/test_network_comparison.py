"""Networks: the right limit agrees with SGD, limits with a planted mistake do not."""

import numpy as np
import pytest

from symhigh import compare, derive, simulate
from symhigh.population import NetworkClasses
from symhigh.problem.network import DiagonalNetwork

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
NETWORK = DiagonalNetwork(0.4, 0.5)


@pytest.fixture(scope="module")
def runs():
    return simulate(NETWORK, None, FOUR, None, 512, 4, 20, t=np.linspace(0, 4, 9))


def test_the_limit_agrees(runs):
    """False alarms: 1 % by construction; the seeds are fixed."""
    found = compare(derive(NETWORK).solve(FOUR, 4.1), runs)
    assert found.agrees, found.summary()


@pytest.mark.parametrize("other", [DiagonalNetwork(0.55, 0.5), DiagonalNetwork(0.4, 0.55)])
def test_a_wrong_limit_does_not(runs, other):
    assert not compare(derive(other).solve(FOUR, 4.1), runs).agrees
