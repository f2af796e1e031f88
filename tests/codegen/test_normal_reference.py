"""The generator in whole arrays against whole numbers: its words, and sums of products rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from symhigh.codegen import normal_reference
from symhigh.codegen.normal import FIRST, LANES, POOL, SINGLE, stream
from symhigh.codegen.normal_reference import _to_odd, fill_from_lanes, fused
from tests.codegen.test_normal import first_pool

MASK = 2**64 - 1


def xoshiro(state: list[int]) -> int:
    """One word of xoshiro256++ (Blackman and Vigna, 2021), in whole numbers; moves the state."""

    def turned(word: int, by: int) -> int:
        return ((word << by) | (word >> (64 - by))) & MASK

    s0, s1, s2, s3 = state
    word = (turned((s0 + s3) & MASK, 23) + s0) & MASK
    s2, s3 = s2 ^ s0, s3 ^ s1
    s1, s0 = s1 ^ s2, s0 ^ s3
    state[:] = [s0, s1, s2 ^ ((state[1] << 17) & MASK), turned(s3, 45)]
    return word


def test_inexact_sums_are_rounded_to_the_odd_neighbour() -> None:
    one, odd, none = 1.0, np.nextafter(1.0, 2.0), 0.0
    for total, error, rounded in [
        (one, 1e-20, odd), (one, -1e-20, np.nextafter(1.0, 0.0)), (one, none, one),
        (odd, 1e-20, odd), (odd, -1e-20, odd),
        (-one, 1e-20, np.nextafter(-1.0, 0.0)), (-one, -1e-20, -odd), (-one, none, -one), (-odd, 1e-20, -odd),
    ]:  # fmt: skip
        assert _to_odd(np.array([total]), np.array([error])).tolist() == [rounded]


def test_words_are_those_of_the_generator() -> None:
    words = np.random.default_rng(1).integers(0, 2**63, FIRST + POOL + 8, dtype=np.uint64) * np.uint64(2)
    single = [int(w) for w in words[SINGLE : SINGLE + 4]]
    lane = [int(words[k * LANES + 3]) for k in range(4)]
    assert [int(normal_reference.next_bits(words)) for _ in range(5)] == [xoshiro(single) for _ in range(5)]
    state = words[: 4 * LANES].reshape(4, LANES)
    assert [int(normal_reference._next(state)[3]) for _ in range(5)] == [xoshiro(lane) for _ in range(5)]


@pytest.mark.parametrize("kind", ["any", "cancelling", "close to a tie"])
def test_a_product_and_a_sum_are_rounded_once(kind: str) -> None:
    """Bit by bit the exact rational, rounded to the nearest double."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 4000)) * 2.0 ** rng.integers(-20, 20, (2, 4000))
    c = rng.normal(size=4000) * 2.0 ** rng.integers(-60, 60, 4000)
    if kind == "cancelling":
        c = -a * b * (1 + rng.integers(-2, 3, 4000) * 2.0**-52)
    elif kind == "close to a tie":
        a, b = 1 + rng.integers(1, 2**20, 4000) * 2.0**-26, 1 + rng.integers(1, 2**20, 4000) * 2.0**-27
        c = rng.choice([-1, 1], 4000) * 2.0 ** -rng.integers(54, 110, 4000)
    found = fused(a, b, c)
    exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a, b, c, strict=True)]
    np.testing.assert_array_equal(found, exact)


def test_sums_and_products_have_their_exact_errors() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 500)) * 2.0 ** rng.integers(-30, 30, (2, 500))
    for parts, exact in (
        (normal_reference._sum(a, b), [Fraction(x) + Fraction(y) for x, y in zip(a, b, strict=True)]),
        (normal_reference._product(a, b), [Fraction(x) * Fraction(y) for x, y in zip(a, b, strict=True)]),
        (normal_reference._halves(a), [Fraction(x) for x in a]),
    ):
        assert [Fraction(x) + Fraction(y) for x, y in zip(*parts, strict=True)] == exact
    high, low = normal_reference._halves(a)
    for part in (high, low):  # so that their products are exact
        numerators = [abs(Fraction(h).numerator) for h in part if h]
        assert max((n // (n & -n)).bit_length() for n in numerators) == 26


def test_a_pool_is_the_exact_image_of_its_words() -> None:
    """Within a few units in the last place of the map in 40 digits; the lanes' states move on, the rest stays."""
    key, words = (5, 2), stream(5, 2)[1]
    before = words.copy()
    fill_from_lanes(words)
    found = words[FIRST : FIRST + POOL].view(np.float64)
    exact = np.array([float(value) for value in first_pool(stream(*key))])
    np.testing.assert_allclose(found, exact, rtol=2e-15, atol=1e-18)
    lanes = [[int(word) for word in before[lane : 4 * LANES : LANES]] for lane in range(LANES)]
    for lane in lanes:
        for _ in range(POOL // LANES):
            xoshiro(lane)
    assert words[: 4 * LANES].reshape(4, LANES).T.tolist() == lanes
    assert (words[4 * LANES : FIRST] == before[4 * LANES : FIRST]).all()
