"""Errors planted in the limit of every algorithm are refuted by its own simulator, and the right limit is not."""

import pytest

from tests import planted

QUICK = ("momentum", "RMSprop", "schedule-free")


@pytest.mark.filterwarnings("ignore:.*would turn negative")  # with some of the errors it does
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in planted.ALGORITHMS]
)
def test_planted_errors_are_refuted(name: str) -> None:
    algorithm = planted.ALGORITHMS[name]
    right, refuted = planted.verdicts(algorithm, *((2000, 60) if algorithm.chain else (512, 32)))
    assert right
    assert len(refuted) >= 2
    assert all(refuted.values()), refuted


def test_there_are_twelve_algorithms_and_more() -> None:
    assert len(planted.ALGORITHMS) >= 12
