"""Adam's two constants against a Monte Carlo average of its own, and at their ends."""

import numpy as np
import pytest
from scipy.signal import lfilter

import symhigh as sh


def by_chance(first: float, second: float, count: int = 400_000) -> list[tuple[float, float]]:
    """C₁ and C₂ with their standard errors, from a long path of squares alone: given them the signs are independent."""
    rng = np.random.default_rng(1)
    square = (rng.standard_normal(count) * rng.standard_normal(count)) ** 2
    cells = lfilter([1 - second], [1, -second], square)
    future = lfilter([1 - first], [1, -first], (1 / np.sqrt(cells))[::-1])[::-1]
    kept = slice(2000, -2000)
    blocks = [(square * future**n)[kept].reshape(-1, 2000).mean(axis=1) for n in (1, 2)]
    return [(b.mean(), b.std() / np.sqrt(b.size)) for b in blocks]


@pytest.mark.parametrize(("first", "second"), [(0, 0.9), (0.5, 0.9), (0.9, 0.99), (0.6, 0.3)])
def test_against_a_long_path(first: float, second: float) -> None:
    for value, (mean, error) in zip(sh.adam_constants(first, second), by_chance(first, second), strict=True):
        assert abs(value - mean) < 5 * error


def test_ends() -> None:
    assert sh.adam_constants(0, 0) == pytest.approx((2 / np.pi, 1), rel=1e-15)
    assert sh.adam_constants(0, 1e-9) == pytest.approx((2 / np.pi, 1), abs=2e-3)
    gaps = [1 - np.array(sh.adam_constants(0, 1 - h)) for h in (5e-4, 1e-3)]
    assert gaps[1] / gaps[0] == pytest.approx([2, 2], rel=0.02)  # → 1, RMSprop that forgets slowly


@pytest.mark.parametrize(("first", "second", "words"), [
    (1, 0.5, r"beta1.*< 1"), (-0.1, 0.5, r"beta1.*>= 0"), (0.5, 1.2, r"beta2.*< 1"), (0.5, 0, "has no variance"),
    (0.5, 0.99999, r"beta2 must be <= 0.9995.*rule Adam"), (0.999, 0.9, r"beta1 must be <= 0.995"),
])  # fmt: skip
def test_refusals(first: float, second: float, words: str) -> None:
    with pytest.raises(ValueError, match=rf"adam_constants.*{words}"):
        sh.adam_constants(first, second)
