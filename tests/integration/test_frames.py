"""When frames are taken and left, on modes made by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symhigh.integration.frames import OPPOSITE, START, TARGET, frame_at, leaves_start
from symhigh.symbols import D2, V00, V10, V11, V12, V20, V22, lam

W = np.array([0.25, 0.75])


def system(*states: Any, coefficients: tuple[Any, ...] = (lam, V22)) -> Any:
    return SimpleNamespace(family=SimpleNamespace(states=states, coefficients=coefficients))


def at(size: float, overlap: float, target: float) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and states of two modes whose averages are these."""
    spread = np.array([[1.9], [1.9]]) * [1.0, 0.7 / 1.9]  # of average one
    return np.vstack([[1.0, 2.0], target * spread[0]]), np.array([[size], [overlap]]) * spread


@pytest.mark.parametrize(
    ("size", "overlap", "target", "frame"),
    [
        (1.0, 0.5, 1.0, TARGET), (1.0, -0.5, 1.0, OPPOSITE), (0.06, 0.06, 1.0, TARGET), (0.06, -0.06, 1.0, OPPOSITE),
        (1.0, 0.04, 1.0, None), (1.0, -0.04, 1.0, None), (0.04, 0.2, 1.0, None), (1.0, 0.5, 0.0, None),
        (1.0, 0.09, 2.0, None), (1.0, 0.11, 2.0, TARGET),
    ],
)  # fmt: skip
def test_the_target_is_a_frame_where_iterate_and_overlap_are_not_small(
    size: float, overlap: float, target: float, frame: Any
) -> None:
    coef, states = at(size, overlap, target)
    assert (W * coef[1]).sum() == pytest.approx(target)
    assert frame_at(system(V11, V12), coef, states, W) is frame
    assert frame_at(system(V11, V12, coefficients=(lam,)), coef[:1], states, W) is None
    assert frame_at(system(D2), coef, states[:1], W) is None
    assert frame_at(system(V11, V12, V10), coef, states, W) is START


@pytest.mark.parametrize(
    ("square", "to_target", "left"),
    [(0.3, 0.0, True), (0.14, 0.0, False), (0.16, 0.0, True), (0.3, -0.3, False), (0.3, -0.19, True)],
)
def test_the_start_is_left_a_good_part_of_the_way_to_the_target(square: float, to_target: float, left: bool) -> None:
    """A tenth of ``‖X0 - X*‖² = 0.9 - 2·0.2 + 1``, on the side of the target where ``<X, X*> >= 0``."""
    rows = {lam: [1.0, 2.0], V00: [0.9, 0.9], V20: [0.2, 0.2], V22: [1.0, 1.0]}
    given = system(V11, V12, V10, coefficients=tuple(rows))
    coef, states = np.array([*rows.values()]), np.array([[square] * 2, [to_target] * 2, [0.0, 0.0]])
    assert leaves_start(given, coef, states, W) is left
    coef[3] = 0.0
    assert not leaves_start(given, coef, states, W)
    less = system(V11, V12, V10, coefficients=(lam, V00, V22))
    assert not leaves_start(less, coef[[0, 1, 3]], states, W)
