"""Bits of numbers, and a product and a sum rounded once, as Numba compiles them."""

from __future__ import annotations

import numpy as np
import pytest

from symhigh.codegen.cache import load
from symhigh.codegen.normal_reference import fused
from symhigh.codegen.target import NUMBA

pytest.importorskip("numba")
SOURCE = f"""{NUMBA.header}
from symhigh.codegen.words import fused, number_of, word_of

@njit
def all_of(a, b, c):
    return fused(a, b, c), word_of(a), number_of(word_of(b) ^ word_of(c) ^ word_of(c))
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
