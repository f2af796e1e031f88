"""Standard normals for generated kernels: xoshiro256++ and a 256-layer ziggurat, written into the module.

The generator is xoshiro256++ 1.0 (Blackman, Vigna, *Scrambled linear pseudorandom number generators*, 2021); the
ziggurat follows Marsaglia and Tsang (*J. Stat. Software* 5, 2000) with the layer from 8 and the value from 53 other
bits of one draw. Its state, four 64-bit words, comes from NumPy's ``SeedSequence``, so runs of different seeds are
independent. The tests check moments, tails and the distribution function.
"""

from __future__ import annotations

import math
from functools import lru_cache
from textwrap import indent

import numpy as np

from symhigh.problem.spectrum import Array

LAYERS = 256
TAIL = 3.6541528853610088
"""Where the ziggurat's base layer ends and the exact tail begins."""


@lru_cache(maxsize=1)
def ziggurat() -> tuple[Array, Array, Array]:
    """Right edges x (LAYERS + 1), densities e^{-x²/2} there, and the scale from 53 signed bits to each layer."""
    area = TAIL * math.exp(-(TAIL**2) / 2) + math.sqrt(math.pi / 2) * math.erfc(TAIL / math.sqrt(2))
    edges = [area / math.exp(-(TAIL**2) / 2), TAIL]
    for _ in range(LAYERS - 2):
        edges.append(math.sqrt(-2 * math.log(area / edges[-1] + math.exp(-(edges[-1] ** 2) / 2))))
    edges.append(0.0)
    x = np.array(edges)
    return x, np.exp(-(x**2) / 2), x[:LAYERS] / 2.0**52


def stream(*key: int) -> Array:
    """The generator's starting state for a seed, or a seed and sub-stream numbers; shape (4,), uint64."""
    return np.random.SeedSequence(list(key)).generate_state(4, np.uint64)


def normal_source() -> str:
    """Source of ``normals(rng, out, zx, zf, zw)``, ``normal(…)`` and ``uniform(rng)``; the tables are arguments."""
    return _SOURCE.format(tail=repr(TAIL))


_DRAW = """r = s0 + s3
bits = ((r << numpy.uint64(23)) | (r >> numpy.uint64(41))) + s0
shifted = s1 << numpy.uint64(17)
s2 ^= s0
s3 ^= s1
s1 ^= s2
s0 ^= s3
s2 ^= shifted
s3 = (s3 << numpy.uint64(45)) | (s3 >> numpy.uint64(19))
"""

_SOURCE = (
    """@njit
def next_bits(rng):
    s0, s1, s2, s3 = rng[0], rng[1], rng[2], rng[3]
"""
    + indent(_DRAW, "    ")
    + '''    rng[0], rng[1], rng[2], rng[3] = s0, s1, s2, s3
    return bits


@njit
def uniform(rng):
    """Uniform on the open interval (0, 1)."""
    return (float(numpy.int64(next_bits(rng) >> numpy.uint64(11))) + 0.5) / 9007199254740992.0


@njit
def normal_outside(rng, layer, z, zx, zf, zw):
    """Finish a draw that missed the inner part of its layer."""
    while abs(z) >= zx[layer + numpy.uint64(1)]:
        if layer == numpy.uint64(0):
            while True:
                beyond = -log(uniform(rng)) / {tail}
                if -2.0 * log(uniform(rng)) > beyond * beyond:
                    break
            return {tail} + beyond if z > 0.0 else -{tail} - beyond
        if zf[layer] + (zf[layer + numpy.uint64(1)] - zf[layer]) * uniform(rng) < exp(-0.5 * z * z):
            return z
        bits = next_bits(rng)
        layer = bits & numpy.uint64(255)  # unsigned: no test for a negative index
        z = float(numpy.int64(bits) >> numpy.int64(11)) * zw[layer]
    return z


@njit
def normals(rng, out, zx, zf, zw):
    """Fill ``out`` with independent standard normals."""
    s0, s1, s2, s3 = rng[0], rng[1], rng[2], rng[3]
    for i in range(out.shape[0]):
'''
    + indent(_DRAW, "        ")
    + """        layer = bits & numpy.uint64(255)  # unsigned: no test for a negative index
        z = float(numpy.int64(bits) >> numpy.int64(11)) * zw[layer]
        if abs(z) >= zx[layer + numpy.uint64(1)]:
            rng[0], rng[1], rng[2], rng[3] = s0, s1, s2, s3
            z = normal_outside(rng, layer, z, zx, zf, zw)
            s0, s1, s2, s3 = rng[0], rng[1], rng[2], rng[3]
        out[i] = z
    rng[0], rng[1], rng[2], rng[3] = s0, s1, s2, s3
"""
)
