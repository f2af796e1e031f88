"""Bits of numbers, and a product and a sum rounded once, as Numba compiles them."""

from __future__ import annotations

import numpy as np
import pytest

from symhigh.codegen.cache import load
from symhigh.codegen.normal_reference import fused
from symhigh.codegen.target import NUMBA

pytest.importorskip("numba")
SOURCE = f"""{NUMBA.header}
from symhigh.codegen.words import fused, number_of, numbers_in, word_of

@njit
def all_of(a, b, c):
    return fused(a, b, c), word_of(a), number_of(word_of(b) ^ word_of(c) ^ word_of(c))


@njit
def turned(words):
    numbers = numbers_in(words)
    last = numbers[numbers.shape[0] - 1]
    numbers[0] = last + words.shape[0]
    return numbers
"""


def test_bits_are_kept_and_a_product_in_a_sum_is_rounded_with_it() -> None:
    all_of = load(SOURCE).all_of
    rng = np.random.default_rng(2)
    for a, b, c in [(1 + 2**-30, 1 - 2**-30, -1.0), (0.1, 10.0, -1.0), *rng.standard_normal((20, 3)).tolist()]:
        together, word, number = all_of(a, b, c)
        once = float(fused(np.array([a]), np.array([b]), np.array([c]))[0])
        assert together in (once, a * b + c)
        assert int(word) == int(np.array(a).view(np.uint64))
        assert number == b
    assert all_of(0.5, 3.0, 4.0)[0] == 5.5


def test_words_are_seen_as_numbers_in_the_same_memory() -> None:
    turned = load(SOURCE).turned
    for words in (np.array([1.5, 2.5, -7.25]).view(np.uint64), np.arange(9.0).view(np.uint64)[2:5]):
        last, before = float(words.view(float)[-1]), words[1:].copy()
        numbers = turned(words)
        assert np.shares_memory(numbers, words)
        assert numbers.dtype == np.float64
        assert float(words.view(float)[0]) == numbers[0] == last + 3
        np.testing.assert_array_equal(words[1:], before)
        del words
        assert numbers[0] == last + 3  # the memory lives on
