"""The scales of a step's errors, and the signs it may not change, against the formulas written out with the moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.scales import scale_source
from symhigh.integration.frames import START, TARGET, Frame, framed
from symhigh.system import MomentSystem

MODES = 3


def functions(system: MomentSystem) -> dict[str, Any]:
    space: dict[str, Any] = {"njit": lambda f: f, "sqrt": np.sqrt}
    exec(scale_source(system), space)  # generated here
    return space


def scales(system: MomentSystem, y: Any, new: Any, floor: Any, coef: Any, rtol: float) -> Any:
    out = np.full(y.size, np.nan)
    functions(system)["scales"](y.ravel(), new.ravel(), out, rtol, floor.ravel(), coef, np.ones(MODES))
    return out.reshape(y.shape)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("tiny", [False, True])
def test_products_with_a_momentum_are_measured_by_their_squares(swapped: bool, tiny: bool) -> None:
    """States XX, XM, X*X, MM, X*M: of these XM and X*M take in √(XX·MM) and √(MM·X*X*), and no other."""
    system = sh.derive(sh.phase_retrieval(), sh.Momentum(0.8, 2))
    assert [s.name for s in system.family.states] == ["V11", "V1M", "V12", "VMM", "VM2"]
    assert [c.name for c in system.family.coefficients] == ["lambda", "V22"]
    rng, rtol = np.random.default_rng(1), 0.3
    y, new, floor = rng.normal(size=(5, MODES)), rng.normal(size=(5, MODES)), rng.uniform(0.1, 0.2, (5, MODES))
    if swapped:
        y, new = 3 * new, y
    if tiny:
        new[[1, 4]], y[[1, 4]], floor[[1, 4]] = 1e-9, -1e-9, 1e-9
    coef = np.array([[1.0, 2.0, 3.0], [0.7, 1.1, 2.3]])
    expected = floor + rtol * np.maximum(abs(y), abs(new))
    xx, mm, aim = abs(new[0]), abs(new[3]), coef[1]
    expected[1] = np.maximum(expected[1], rtol * np.sqrt(xx * mm))
    expected[4] = np.maximum(expected[4], rtol * np.sqrt(mm * aim))
    np.testing.assert_allclose(scales(system, y, new, floor, coef, rtol), expected, rtol=1e-14)


@pytest.mark.parametrize("frame", [TARGET, START], ids=lambda frame: frame.name)
def test_products_of_a_distance_are_measured_beside_it(frame: Frame) -> None:
    rule = sh.DoG(0.1, 1) if frame is START else sh.Constant(0.5)
    system = framed(sh.derive(sh.phase_retrieval(), rule, reduce=False), frame)
    assert system.family.states[0].name in ("D2", "shift_square")
    rng, rtol = np.random.default_rng(2), 0.3
    y, new, floor = (rng.normal(size=(len(frame.states), MODES)) for _ in range(3))
    expected = floor + rtol * np.maximum(abs(y), abs(new))
    expected[1:] += rtol * abs(new[0])
    np.testing.assert_allclose(scales(system, y, new, floor, np.ones((2, MODES)), rtol), expected, rtol=1e-14)


def test_squares_may_not_become_negative_beyond_their_floor() -> None:
    system = sh.derive(sh.phase_retrieval(), sh.Momentum(0.8, 2))
    refused = functions(system)["refused"]
    floor = np.full(5 * MODES, 0.1)
    for state in range(5):
        for mode in range(MODES):
            new = np.full(5 * MODES, 0.5)
            new[state * MODES + mode] = -0.1
            assert not refused(new, floor, np.ones(MODES))
            new[state * MODES + mode] = -0.11
            assert refused(new, floor, np.ones(MODES)) == (state in (0, 3)), (state, mode)
