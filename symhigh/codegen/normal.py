"""Standard normals for generated kernels: xoshiro256++ in lanes, then the Box-Muller map, written into the module.

``LANES`` generators xoshiro256++ 1.0 (Blackman, Vigna, *Scrambled linear pseudorandom number generators*, 2021) run
side by side, so that their arithmetic, and all that follows, fills vector registers. Two words A, B make two normals
(Box, Muller, *A note on the generation of random normal deviates*, 1958): with U = (A + 1/2) / 2⁶⁴ as a double,

    r = √(-2 ln U),  θ = (π/2) x, x uniform on [-1/2, 1/2) from the upper 52 bits of B,  z = r cos θ, z' = r sin θ,

where bit 0 of B turns the sign of cos θ and bit 1 exchanges the two, which takes θ to the whole circle. No table, no
rejection, no branch. With U = 2^e m, m in [1/√2, √2) and q = (m - 1)/(m + 1), ``-2 ln U = q L(q²) - 2 e ln 2`` where
``L(y) = -4 artanh(√y)/√y``; L, ``S(y) = sin(π√y/2)/√y`` and ``C(y) = cos(π√y/2)`` are minimax polynomials.
So a normal differs from the exact image of its bits by a few units in the last place, and none exceeds
√(130 ln 2) = 9.49, beyond which a normal lies once in 4·10²⁰ draws.

Starting states come from NumPy's ``SeedSequence``, so lanes, and runs of different seeds, are independent. Normals are
made ``POOL`` at a time and kept with the state: the sequence does not depend on how it is cut into requests.
"""

from __future__ import annotations

import math
from textwrap import indent
from typing import TypeAlias

import numpy as np

from symhigh.codegen.target import NUMBA, NUMPY, Target
from symhigh.population.spectrum import Array

Stream: TypeAlias = "tuple[np.random.Generator | None, Array]"

LANES = 16
POOL = 512

# minimax in the relative error, by Remez' algorithm in 40 digits: 1e-18, 3e-18, 4e-20
LOGARITHM = (
    *(-4.0, -1.333333333333353, -0.7999999999859777, -0.5714285752269239),
    *(-0.4444439397655587, -0.3636727018670591, -0.3062488753295589, -0.29621059670519373),
)
"""L on [0, (√2 - 1)⁴]."""
SINE = (
    *(1.5707963267948966, -0.6459640975062443, 0.07969262624603957, -0.004681754132282454),
    *(0.00016044115029189453, -3.5986417551299964e-06, 5.633721075556274e-08),
)
"""S on [0, 1/4]."""
COSINE = (
    *(1.0, -1.2337005501361697, 0.2536695079010466, -0.020863480763308004),
    *(0.0009192602741467787, -2.52020365582307e-05, 4.7106035813827195e-07, -6.320557297734941e-09),
)
"""C on [0, 1/4]."""

# a stream is one array of words: the lanes' states, one more generator's, the place in the pool, the pool
SINGLE, PLACE, FIRST = 4 * LANES, 4 * LANES + 4, 4 * LANES + 8
END = FIRST + POOL
LINE = 8
"""Words in a line of the cache."""
_PAGE, _STRIDE = 512, 13 * LINE  # words in a page of memory, and from array to array
_ROWS = 4


def stream(*key: int, generator: type[np.random.BitGenerator] | None = None) -> Stream:
    """The starting state for a seed, or a seed and sub-stream numbers: ``(source, words)``.

    ``words`` is uint64 and aligned to cache lines. With ``generator``, such as ``numpy.random.PCG64``, a NumPy
    ``Generator`` is the source of all normals and uniforms, and the words hold the pool alone; else the source is None.
    """
    seeds = np.random.SeedSequence(list(key))
    words = _beginning(0, np.zeros(END, np.uint64))
    words[PLACE] = END
    if generator is not None:
        return np.random.Generator(generator(seeds)), words
    words[:PLACE] = seeds.generate_state(PLACE, np.uint64)
    return None, words


def apart(*arrays: Array) -> list[Array]:
    """Copies of arrays that a loop goes through side by side, each from another line of the cache on.

    Entries at equal places of pages push each other out of the nearest cache, and delay each other's loads.
    """
    return [_beginning(_STRIDE * k % _PAGE, values) for k, values in enumerate(arrays)]


def _beginning(word: int, values: Array) -> Array:
    """A copy of an array of 8-byte numbers that begins at that word of a page."""
    room = np.empty(values.size + _PAGE, values.dtype)
    skip = (word - room.ctypes.data // 8) % _PAGE
    place = room[skip : skip + values.size].reshape(values.shape)
    place[...] = values
    return place


def normal_source(target: Target) -> str:
    """Source of the generator; ``rng = (source, words)`` is a state from :func:`stream`, in C with no source but None.

    ``ready(source, words, most)``
        ``(at, count)``: the next 1 ≤ count ≤ most normals of the sequence are ``pool[at : at + count]``, where
        ``pool = numbers_in(words)``;
    ``together(source, words, count)``
        the place of ``count`` of them in one piece, count ≤ POOL; skips the rest of the pool where too few are left;
    ``normals(rng, out)``
        fills ``out`` with the next ones;
    ``uniform(source, words)``
        a uniform number from the unit interval, never 0.
    """
    if target is NUMPY:
        imported = "from symhigh.codegen.normal_reference import fill_from_lanes, next_bits, numbers_in"
        return "\n\n".join([imported, _UNIFORM, _REQUESTS])
    imported = "from symhigh.codegen.words import fused, number_of, numbers_in, word_of" if target is NUMBA else ""
    return "\n\n".join([imported, _NEXT_BITS, _FILL, _UNIFORM, _REQUESTS])


def following(lanes: bool) -> str:
    """The call of ``ready`` for coordinates ``low`` … n - 1; in ``lanes``, first those before the next cache line."""
    here = f"min(n - low, {LINE} - low % {LINE}) if low % {LINE} else " if lanes else ""
    return f"ready(source, words, {here}n - low)"


def _horner(argument: str, coefficients: tuple[float, ...]) -> str:
    code = repr(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        code = f"fused({argument}, {code}, {c!r})"
    return code


def _word(value: int) -> str:
    return f"numpy.uint64({value:#x})"


_DRAW = """r = s0 + s3
bits = ((r << numpy.uint64(23)) | (r >> numpy.uint64(41))) + s0
shifted = s1 << numpy.uint64(17)
s2 = s2 ^ s0
s3 = s3 ^ s1
s1 = s1 ^ s2
s0 = s0 ^ s3
s2 = s2 ^ shifted
s3 = (s3 << numpy.uint64(45)) | (s3 >> numpy.uint64(19))
"""


def _rows() -> str:
    """A few words of a lane at a time, while its state is in registers."""
    return "\n".join(
        indent(f"{_DRAW}words[row + lane + {row * LANES}] = bits", " " * 12) for row in range(_ROWS)
    )


_NEXT_BITS = f"""@njit
def next_bits(words):
    s0 = words[{SINGLE}]
    s1 = words[{SINGLE + 1}]
    s2 = words[{SINGLE + 2}]
    s3 = words[{SINGLE + 3}]
{indent(_DRAW, "    ")}
    words[{SINGLE}] = s0
    words[{SINGLE + 1}] = s1
    words[{SINGLE + 2}] = s2
    words[{SINGLE + 3}] = s3
    return bits
"""

_UNIFORM = """@njit
def uniform(source, words):
    if source is None:  # settled by the type, when compiled
        return (float(numpy.int64(next_bits(words) >> numpy.uint64(11))) + 0.5) / 9007199254740992.0
    else:
        return source.random() + 0.5 / 9007199254740992.0
"""

MAP = f"""# 2**64 U = 2**exponent mantissa with mantissa from 0x3fe6a09e667f3bcd, which is sqrt(1/2), to twice that
image = word_of(float(bits) + 0.5) + {_word(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)}
exponent = number_of((image >> numpy.uint64(52)) | {_word(0x4330000000000000)}) - {2.0**52 + 1023 + 64!r}
mantissa = number_of((image & {_word(0xFFFFFFFFFFFFF)}) + {_word(0x3FE6A09E667F3BCD)})
ratio = (mantissa - 1.0) / (mantissa + 1.0)
even = ratio * ratio
radius = sqrt(fused(ratio, {_horner("even", LOGARITHM)}, {-2 * math.log(2)!r} * exponent))
angle = number_of((turns >> numpy.uint64(12)) | {_word(0x3FF0000000000000)}) - 1.5
wide = angle * angle
across = word_of(angle * {_horner("wide", SINE)})
along = word_of({_horner("wide", COSINE)}) ^ (turns << numpy.uint64(63))
exchanged = (along ^ across) & (numpy.uint64(0) - ((turns >> numpy.uint64(1)) & numpy.uint64(1)))
one = radius * number_of(along ^ exchanged)
other = radius * number_of(across ^ exchanged)
"""
"""The map from the words ``bits`` and ``turns`` to the normals ``one`` and ``other``, as lines."""

MAP_NAMES = (
    *("bits", "turns", "image", "exponent", "mantissa", "ratio", "even", "radius", "angle", "wide"),
    *("across", "along", "exchanged", "one", "other", "fresh"),
)

_FILL = f'''@exact
def words_from_lanes(words):
    """Words from the lanes, which are not yet normals."""
    for row in range({FIRST}, {END}, {_ROWS * LANES}):
        for lane in range({LANES}):
            s0 = words[lane]
            s1 = words[lane + {LANES}]
            s2 = words[lane + {2 * LANES}]
            s3 = words[lane + {3 * LANES}]
{_rows()}
            words[lane] = s0
            words[lane + {LANES}] = s1
            words[lane + {2 * LANES}] = s2
            words[lane + {3 * LANES}] = s3


@exact
def fill_from_lanes(words):
    """Words from the lanes, then the map from pairs of words, in place."""
    words_from_lanes(words)
    for i in range({FIRST}, {FIRST + POOL // 2}):
        bits = words[i]
        turns = words[i + {POOL // 2}]
{indent(MAP, " " * 8)}
        words[i] = word_of(one)
        words[i + {POOL // 2}] = word_of(other)
'''

_REQUESTS = f"""@njit
def refill(source, words):
    if source is None:
        fill_from_lanes(words)
    else:
        pool = numbers_in(words)
        for i in range({FIRST}, {END}):
            pool[i] = source.standard_normal()
    words[{PLACE}] = numpy.uint64({FIRST})


@njit
def ready(source, words, most):
    at = numpy.int64(words[{PLACE}])
    if at == {END}:
        refill(source, words)
        at = {FIRST}
    count = min(most, {END} - at)
    words[{PLACE}] = numpy.uint64(at + count)
    return at, count


@njit
def together(source, words, count):
    at = numpy.int64(words[{PLACE}])
    if at + count > {END}:
        refill(source, words)
        at = {FIRST}
    words[{PLACE}] = numpy.uint64(at + count)
    return at


@njit
def normals(rng, out):
    source, words = rng
    done, pool = 0, numbers_in(words)
    while done < out.shape[0]:
        at, count = ready(source, words, out.shape[0] - done)
        fresh, room = pool[at : at + count], out[done : done + count]
        for i in range(count):
            room[i] = fresh[i]
        done += count
"""
