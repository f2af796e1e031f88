"""The loop from record to record: the same bits as steps and records one by one, on every target, also at its end."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import symhigh as sh
from symhigh.codegen.target import TARGETS
from symhigh.codegen.trail import LEFT
from symhigh.simulation.runner import prepare
from symhigh.simulation.walk import Walk

SPECTRUM = sh.Spectrum.from_eigenvalues([0.5, 1.5])
RULES: dict[str, Any] = {
    "SGD": sh.Constant(0.4),
    "AdaGrad-Norm": sh.AdaGradNorm(1, 0.5),
    "momentum": sh.Momentum(0.3, 1, 0.2),
    "diverges": sh.Constant(9),
}
LONG = [
    (name, method, "numba") for name in ("SGD", "momentum", "diverges") for method in ("gram", "direct")
]
"""Two seconds of compiling each, of texts that the other targets run; both methods remain for Numba, and a memory."""
STOPS = np.array([0, 1, 5, 6, 40, 90, 200, 600, 601], dtype=np.int64)


def walked(rule: Any, method: str, compiled: bool, target: str = "") -> tuple[Walk, int, Any]:
    """A run recorded in two calls, behind the third row and at its end; by Numba with one of NumPy's generators."""
    generator = np.random.Philox if target == "numba" else None
    of, e = prepare(sh.least_squares(0.5), rule, (SPECTRUM, sh.Start()), 40, 20.0, method, generator)
    walk = of(e, 3)
    out = np.full((len(STOPS), len(e.system.outputs)), np.nan)
    walk.follow(STOPS, out)
    if not compiled:
        walk.compiled = None
    assert (walk.compiled is not None) == compiled
    rows = walk.trail(0, 3, 0)
    assert rows == 3
    with np.errstate(all="ignore"):
        return walk, walk.trail(3, len(STOPS), int(STOPS[2])), out


CASES = [
    pytest.param(*case, marks=[pytest.mark.slow] if case in LONG else [])
    for case in itertools.product(RULES, ("gram", "direct"), TARGETS)
]


@pytest.mark.parametrize(("name", "method", "target"), CASES)
def test_it_goes_from_record_to_record_as_single_calls_do(
    name: str, method: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMHIGH_TARGET", target)
    one, rows, out = walked(RULES[name], method, True, target)
    other, by_hand, expected = walked(RULES[name], method, False, target)
    assert rows == by_hand
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_allclose(one.sizes, other.sizes, rtol=1e-13)
    assert one.gone == other.gone == (name == "diverges")


def test_a_run_that_left_all_bounds_ends_behind_its_row() -> None:
    walk, rows, out = walked(RULES["diverges"], "gram", compiled=True)
    assert walk.gone
    assert walk.sizes[1] > LEFT * max(1.0, walk.sizes[0])
    assert np.isfinite(out[:rows]).all()
    assert np.isnan(out[rows:]).all()
    assert rows < len(STOPS)


def test_outputs_that_are_parts_of_rows_are_recorded_one_by_one() -> None:
    of, e = prepare(sh.least_squares(0.5), RULES["SGD"], (SPECTRUM, sh.Start()), 40, 20.0)
    walk, own = of(e, 3), len(e.system.outputs)
    wide = np.full((len(STOPS), own + 1), np.nan)
    walk.follow(STOPS, wide[:, :own])
    assert walk.compiled is None
    assert walk.trail(0, len(STOPS), 0) == len(STOPS)
    assert np.isnan(wide[:, own]).all()
    np.testing.assert_array_equal(wide[:, :own], walked(RULES["SGD"], "gram", compiled=True)[2])
