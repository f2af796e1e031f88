"""The normal generator in whole arrays of NumPy: the reference whose bits the compiled ones have.

Part of :mod:`symhigh.codegen.normal`, which states the mathematics. A product and a sum rounded once is emulated from
exact sums and products (Boldo, Melquiond, *Emulation of FMA and correctly rounded sums: proved algorithms using
rounding to odd*, IEEE Trans. Computers 57, 2008).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symhigh.codegen.normal import COSINE, FIRST, LANES, LOGARITHM, POOL, SINE, SINGLE
from symhigh.population.spectrum import Array

_U = np.uint64
_SPLIT = 2.0**27 + 1


def numbers_in(words: Any) -> Any:
    """The same memory as doubles."""
    return words.view(np.float64)


def fill_from_lanes(words: Any) -> None:
    """Words from the lanes, then the map from pairs of words, in place."""
    state = words[: 4 * LANES].reshape(4, LANES)
    rows = np.array([_next(state) for _ in range(POOL // LANES)]).ravel()
    a, b = rows[: POOL // 2], rows[POOL // 2 :]
    mantissa, exponent = np.frexp((a.astype(float) + 0.5) / 2.0**64)
    turned = mantissa < _HALF
    m, exponent = np.where(turned, 2 * mantissa, mantissa), exponent - turned
    q = (m - 1.0) / (m + 1.0)
    radius = np.sqrt(fused(q, _polynomial(q * q, LOGARITHM), -2 * math.log(2) * exponent))
    x = (b >> _U(12)) / 2.0**52 - 0.5
    across = x * _polynomial(x * x, SINE)
    along = _polynomial(x * x, COSINE) * np.where(b & _U(1), -1.0, 1.0)
    exchanged = (b & _U(2)) != 0
    pool = numbers_in(words[FIRST : FIRST + POOL])
    pool[: POOL // 2] = radius * np.where(exchanged, across, along)
    pool[POOL // 2 :] = radius * np.where(exchanged, along, across)


_HALF = float(np.array(0x3FE6A09E667F3BCD, np.uint64).view(np.float64))
"""√(1/2), as the compiled generators have it."""


def next_bits(words: Any) -> Any:
    """The next word of the generator that serves uniforms."""
    return _next(words[SINGLE : SINGLE + 4].reshape(4, 1))[0]


def _next(state: Any) -> Any:
    """One word of every generator, whose states are the columns of ``state``."""
    s0, s1, s2, s3 = state
    r = s0 + s3
    bits, shifted = ((r << _U(23)) | (r >> _U(41))) + s0, s1 << _U(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3[:] = (s3 << _U(45)) | (s3 >> _U(19))
    return bits


def _polynomial(argument: Array, coefficients: tuple[float, ...]) -> Array:
    value = np.full(argument.shape, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = fused(argument, value, c)
    return value


def fused(a: Array, b: Any, c: Any) -> Array:
    """``a b + c`` of doubles far from the ends of their range, rounded once."""
    high, low = _product(a, b)
    first, rest = _sum(c, low)
    top, middle = _sum(high, first)
    return np.asarray(top + _to_odd(*_sum(rest, middle)))


def _to_odd(total: Array, error: Array) -> Array:
    """A sum rounded to the neighbour whose last bit is one, wherever it is not exact."""
    bits = total.view(np.int64)
    inexact = (error != 0) & (bits & 1 == 0)
    return np.asarray(bits + inexact * np.where((error > 0) == (total > 0), 1, -1)).view(np.float64)


def _sum(a: Any, b: Any) -> tuple[Array, Array]:
    total = np.asarray(a + b)
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Array, b: Any) -> tuple[Array, Array]:
    product = np.asarray(a * b)
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Any) -> tuple[Array, Array]:
    scaled = _SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high
