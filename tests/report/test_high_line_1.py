"""What figure 1 is to show, on bands made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symhigh.report.gallery.high_line_1 import check, panels

LEFT, RIGHT = panels(4096)
T = np.linspace(0, 10, 41)


def entry(power: float = 0.5, outside: float = 0.0, shift: float = 0.0) -> dict[str, Any]:
    """Bands of width d^-power around a limit, which leaves them at a share of the times."""
    limit = np.exp(-T)
    data: dict[str, Any] = {"t": T, "limit": limit}
    for d in LEFT.dimensions:
        middle = limit + np.where(np.arange(41) < 41 * outside, 10.0, 0.0)
        width = float(d) ** -power
        data[f"d={d}"] = {"t": T, "low": middle - shift * width, "high": middle + (1 - shift) * width}
    return data


@pytest.mark.parametrize(("power", "outside", "shift"), [
    (0.5, 0.0, 0.5), (0.5, 0.0, 0.0), (0.5, 0.0, 1.0), (0.5, 0.45, 0.5), (0.38, 0.0, 0.5), (0.64, 0.0, 0.5),
])  # fmt: skip
def test_bands_that_hold_the_limit_and_shrink_are_taken(power: float, outside: float, shift: float) -> None:
    check(LEFT, entry(power, outside, shift))


@pytest.mark.parametrize(
    ("power", "outside", "words"),
    [
        (0.5, 0.55, r"least squares, .*, d = 256: the band holds the limit at 44% of the times"),
        (0.0, 0.0, r"bands shrink by 1\.00, not 4\.00"),
        (0.2, 0.0, r"bands shrink by 1\.74, not 4\.00"),
        (0.66, 0.0, r"bands shrink by 6\.23, not 4\.00"),
    ],
)
def test_others_are_refused(power: float, outside: float, words: str) -> None:
    with pytest.raises(ArithmeticError, match=words):
        check(LEFT, entry(power, outside, 0.5))


def test_panels_are_those_of_the_paper() -> None:
    assert (LEFT.dimensions, LEFT.t_end, LEFT.shown) == ((256, 1024, 4096), 10.0, "risk")
    assert (RIGHT.dimensions, RIGHT.t_end, RIGHT.shown) == ((16, 32, 64, 128), 20.0, "excess_risk")
    assert [float(p) for panel in (LEFT, RIGHT) for p in panel.rule.values.values()] == [1, 0.3, 1, 1]
