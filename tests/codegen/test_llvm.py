"""The LLVM target: its language has Python's meaning, statement by statement and expression by expression."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numpy as np
import pytest

from symhigh.codegen import c, llvm
from symhigh.codegen.c_types import NoTranslation
from symhigh.codegen.llvm_expressions import CALLS
from symhigh.codegen.llvm_objects import load_llvm
from symhigh.codegen.llvm_statements import FUSED, REORDERED
from symhigh.codegen.target import NUMPY
from tests.codegen.test_c import needs_llvm

TEXT = '''
TABLE = numpy.array([[1.0, -2.0], [0.5, 4.0]])
WHOLE = numpy.array([3, -4])
STEP = 0.25


@njit
def turned(a, b):
    return b, a


@njit
def above(y, level):
    i = 0
    while i < y.shape[0] and y[i] <= level:  # no entry behind the last is looked at
        i += 1
    if i == y.shape[0]:
        return -1
    else:
        return i


@njit
def row(m, k):
    return m[k]


@njit
def pieces(x, n, y, out):
    """What the simulators' language has."""
    a, b = turned(x, n)
    b, a = a, b  # as they were given
    out[0] = max(x, 1.0, -x) + min(n, 2)
    out[1] = (x % 3.0) + (-7.5) % 2.0 + n % 3 + n // 2 + 7 / 2 + x // 2.0 + abs(-n)
    out[2] = TABLE[1, 0] if 0.0 < x <= 2.0 and not n == 5 else (TABLE[0, 1] if n else WHOLE[1])
    total = 0.0
    for i in range(y.size - 1, -1, -1):
        if i == 3:
            continue
        if i == 0:
            break
        total += y[1] * y[i] ** 2
    mark = numpy.empty(3, dtype=numpy.int64)
    mark[0:2] = n
    mark[2] = 1
    while mark[2] < 40:
        mark[2] *= 2
    table = numpy.zeros((2, 3))
    table[1, 2] = x
    second = row(table, 1)
    second[:2] = -0.5
    out[3] = total + mark[0] + mark[2] + abs(a - b) + float(int(-2.7)) + x ** (1 / 3) + n ** 3 + x ** 2.0
    total = 0.0
    for i in range(y.shape[0]):
        total += y[i] * y[i]
    out[4] = total + table[1, 0] + table[1, 1] + table[1, 2] + STEP
    out[5] = above(y, x) + above(y, 100.0) + floor(x) + math.ceil(x) + (x > 1.0 or n > 4 or y[0] > 0.0)
    if n > 0 and x > 1.0 or not n:
        out[6] = math.pi if x < 2 else -math.inf
    elif n == 5:
        out[6] = 5
    else:
        pass
    low, high = y[1:4].copy(), y[4:]
    low[0] = 0.25
    for k in numpy.argsort(y):
        out[8] = 2.0 * out[8] + y[k]
        for j in numpy.arange(k):
            held = numpy.sort(y[j:])
            out[9] += held[0] + numpy.sum(held)
    for j in range(low.shape[0]):
        for i in range(1, high.shape[0], 2):
            out[7] += low[j] * high[i]
    return y[0] > 0.0
'''
EXPORTS = {"pieces": ("d", "i", "a1", "a1")}


def space(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(NUMPY.header + text, names)  # the texts of this file
    return names


@needs_llvm
def test_statements_mean_what_they_mean_in_python() -> None:
    compiled, python = load_llvm(TEXT, EXPORTS).pieces, space(TEXT)["pieces"]
    y = np.random.default_rng(3).standard_normal(7)
    packed = compiled.held(0.3, 1, y, held := np.zeros(10))
    for x in (0.3, 1.9, 5.2):
        for n in (0, 1, 5):
            found, expected = np.zeros(10), np.zeros(10)
            held[:] = 0.0
            assert compiled(x, n, y, found) == packed({0: x, 1: n}) == python(x, n, y, expected)
            np.testing.assert_array_equal(found, held)
            np.testing.assert_allclose(found, expected, rtol=3e-15)


def expression(rng: random.Random, depth: int) -> str:
    """A formula in the doubles x and y and the integers n and m, which Python computes without an error."""
    if depth == 0:
        return rng.choice(["x", "y", "n", "m", "2", "-3", "0.7", "pi"])
    a, b, c = (expression(rng, depth - 1) for _ in range(3))
    return rng.choice([
        f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"(-{a})", f"({a} / (1.5 + abs({b})))", f"max({a}, {b})",
        f"min({a}, {b}, {c})", f"({a} if {b} < {c} else {b})", f"({a} if {b} >= 0 and not {c} > 1 else {c})",
        f"(({a}) ** 2)", f"(float({a}) % (0.3 + abs({b})))", f"({a} < {b} <= {c} or {a} == {b})",
        f"math.tanh({a})", f"(floor({a}) if abs({a}) < 1e6 else 1)", f"math.exp(-abs({a}))", f"({a} != {b})",
    ])  # fmt: skip


@needs_llvm
def test_random_expressions_have_pythons_values() -> None:
    """In one function; integers stay far below 2⁶³, and NaN nowhere comes up."""
    rng = random.Random(11)
    lines = [expression(rng, 3) for _ in range(60)]
    text = "@njit\ndef f(x, y, n, m, out):\n" + "".join(f"    out[{k}] = {e}\n" for k, e in enumerate(lines))
    compiled, python = load_llvm(text, {"f": ("d", "d", "i", "i", "a1")}).f, space(text)["f"]
    for x, y, n, m in [(0.3, -1.7, 2, -5), (4.0, 2.5, 0, 1), (-0.25, 0.0, -3, 4)]:
        found, expected = np.zeros(len(lines)), np.zeros(len(lines))
        compiled(x, y, n, m, found)
        python(x, y, n, m, expected)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@needs_llvm
def test_every_function_is_the_one_of_its_name() -> None:
    arguments = {
        "atan2": "x, 0.4", "copysign": "x, -2.0", "fmod": "x, 0.4", "hypot": "x, 2.0", "pow": "x, 0.3",
        "acosh": "1.7 * x", "log": "x, 3.0",
    }  # fmt: skip
    names = sorted({*CALLS, "abs", "isfinite"} - {"fused"})
    lines = [f"out[{k}] = {name}({arguments.get(name, 'x')})" for k, name in enumerate(names)]
    text = "@njit\ndef f(x, out):\n" + "".join(f"    {line}\n" for line in lines)
    found, expected = np.zeros(len(names)), np.zeros(len(names))
    load_llvm(text, {"f": ("d", "a1")}).f(0.7, found)
    space(text)["f"](0.7, expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@needs_llvm
def test_words_of_bits_are_those_of_numpy() -> None:
    text = """
@njit
def f(words, out):
    numbers = numbers_in(words)
    w = (words[0] << numpy.uint64(3)) ^ (words[1] >> numpy.uint64(7)) | numpy.uint64(0x8000000000000001)
    words[2] = w + words[0] * words[1]
    words[3] = word_of(number_of(words[0]) + numbers[1]) & numpy.uint64(0xFFFF)
    out[0] = float(numpy.int64(w >> numpy.uint64(11)))
    out[1] = fused(3.0, 0.1, 0.2)
"""
    words, out = np.array([0x3FF123456789ABCD, 0x40091EB851EB851F, 0, 0], np.uint64), np.zeros(2)
    a, b = words[:2].tolist()
    one, two = words[:2].view(float).tolist()
    load_llvm(text, {"f": ("b1", "a1")}).f(words, out)
    mask, w = 2**64 - 1, ((a << 3) & (2**64 - 1)) ^ (b >> 7) | 0x8000000000000001
    bits = int(np.array([one + two]).view(np.uint64)[0])
    assert words[2:].tolist() == [(w + a * b) & mask, bits & 0xFFFF]
    assert out[0] == float(w >> 11)
    assert abs(out[1] - 0.5) < 1e-15


def test_sums_are_reordered_but_where_the_text_forbids_it() -> None:
    """Of other operations none is, as the map to normals is exact in the order of its text."""
    text = "@{}\ndef f(y):\n    s = 0.0\n    for i in range(y.size):\n        s += 2.0 * y[i] - 1.0\n    return s\n"
    for name, before, fused, expected in [
        ("njit", "", True, (1, 3)), ("njit", "", False, (1, 0)), ("exact", "", True, (0, 0)),
        ("njit", "\nnjit = exact\n", True, (0, 0)),
    ]:  # fmt: skip
        whole = llvm.translate(before + text.format(name), {"f": ("a1",)}, fused=fused)
        (made,) = re.findall(r"define double @f_f.*?\n}", whole, re.S)
        assert (made.count(f"fadd {REORDERED}"), made.count(f" {FUSED}double")) == expected


def test_loops_that_carry_a_value_are_not_said_to_be_parallel() -> None:
    """Those of which C is told that turns may run side by side, and no others."""
    loop = "@njit\ndef f(y, w):\n    s = 0.0\n    for i in range(1, y.size):\n        {}\n    return s\n"
    for body, plain in [("w[i] = 2.0 * y[i]", True), ("y[i] = y[i - 1]", False), ("w[0] += y[i]", False)]:
        text = loop.format(body)
        (made,) = re.findall(r"define double @f_f.*?\n}", llvm.translate(text, {"f": ("a1", "a1")}), re.S)
        assert ("llvm.access.group" in made) == plain
        assert ("omp simd" in c.translate(text, {"f": ("a1", "a1")})) == plain


@pytest.mark.parametrize(
    "body",
    [
        "return z", "return [y]", "z = numpy.zeros(2)\n    return z", "return numpy.linalg.norm(y)",
        "with open(y):\n        pass",
    ],
)  # fmt: skip
def test_what_is_not_in_its_language_is_refused(body: str) -> None:
    with pytest.raises(NoTranslation):
        llvm.translate(f"@njit\ndef f(y):\n    {body}\n", {"f": ("a1",)})


def test_numbers_keep_all_of_their_bits() -> None:
    from symhigh.codegen.llvm_expressions import number, word

    assert number(0.1) == "0x3FB999999999999A"
    assert number(-math.inf) == "0xFFF0000000000000"
    assert [word(v) for v in (0, 2**63 - 1, 2**63, 2**64 - 1)] == ["0", str(2**63 - 1), str(-(2**63)), "-1"]
