"""Expressions of generated Python in C: what each becomes, of which type, and what has none."""

from __future__ import annotations

import ast
import math

import pytest

from symhigh.codegen.c import Module
from symhigh.codegen.c_expressions import Expressions
from symhigh.codegen.c_types import NoTranslation, Record, Signature

TEXT = """
SIZES = numpy.array([3, 4])
TABLE = numpy.array([[0.5, 1.0]])
STEP = 0.25
COUNT = 6


@njit
def own(x):
    return x + 1.0
"""
LOCAL = {
    "x": "d", "n": "i", "w": "u", "y": "a1", "m": "a2", "q": "a3", "k": "k1", "b": "b1", "r": "rlimit", "none": "n",
}  # fmt: skip
RECORD = Record("limit", {"act": ("d", "a1", "i"), "table": "a2", "λ": "d"})
GIVEN: dict[str, str | Signature] = {"other": ("d", "a1", "i"), "PLACES": "a1"}


def c(text: str) -> tuple[str, str]:
    module = Module(TEXT, {"own": ("d",)}, (RECORD,), GIVEN)
    return Expressions(module, "f", dict(LOCAL)).value(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("True", "1", "i"), ("False", "0", "i"), ("3", "3", "i"), (str(2**62 - 1), str(2**62 - 1), "i"),
        (str(2**62), repr(2.0**62), "d"), ("0.1", "0.1", "d"), ("x", "v_x", "d"), ("pi", repr(math.pi), "d"),
        ("math.e", repr(math.e), "d"), ("numpy.inf", "INFINITY", "d"), ("math.nan", "NAN", "d"),
        ("STEP", "0.25", "d"), ("COUNT", "6", "i"), ("SIZES", "T_SIZES", "k1"), ("TABLE", "T_TABLE", "a2"),
        ("PLACES", "T_PLACES", "a1"), ("-x", "(-v_x)", "d"), ("-n", "(-v_n)", "i"), ("+n", "v_n", "i"),
        ("not n", "(!v_n)", "i"), ("n and x", "(v_n && v_x)", "i"), ("n or x or n", "(v_n || v_x || v_n)", "i"),
        ("none is None", "1", "i"), ("x is None", "0", "i"),
        ("x < n", "(v_x < v_n)", "i"), ("0 <= x != n", "((0 <= v_x) && (v_x != v_n))", "i"),
        ("x if n else 2", "(v_n ? v_x : 2)", "d"), ("n if x else 2", "(v_x ? v_n : 2)", "i"),
    ],
)  # fmt: skip
def test_names_numbers_and_conditions(text: str, code: str, kind: str) -> None:
    assert c(text) == (code, kind)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("x + n", "(v_x + v_n)", "d"), ("n - 2", "(v_n - 2)", "i"), ("w ^ w", "(v_w ^ v_w)", "u"),
        ("n << w", "(v_n << v_w)", "u"), ("w >> n", "(v_w >> v_n)", "u"), ("n & 1", "(v_n & 1)", "i"),
        ("n / 2", "((double)v_n / (double)2)", "d"), ("n // 2", "(v_n / 2)", "i"), ("x // n", "floor(v_x / v_n)", "d"),
        ("n % 3", "(v_n % 3)", "i"), ("x % 3", "modulo(v_x, 3)", "d"), ("n % x", "modulo(v_n, v_x)", "d"),
        ("x ** 2", "square(v_x)", "d"), ("x ** 3", "cube(v_x)", "d"), ("x ** 4", "fourth(v_x)", "d"),
        ("x ** 5", "pow(v_x, 5)", "d"), ("x ** 1", "pow(v_x, 1)", "d"), ("x ** n", "pow(v_x, v_n)", "d"),
        ("x ** 2.0", "pow(v_x, 2.0)", "d"), ("x ** -2", "pow(v_x, (-2))", "d"),
    ],
)  # fmt: skip
def test_arithmetic(text: str, code: str, kind: str) -> None:
    assert c(text) == (code, kind)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("y[n]", "v_y.p[(v_n)]", "d"), ("k[0]", "v_k.p[(0)]", "i"), ("b[1]", "v_b.p[(1)]", "u"),
        ("m[n, 2]", "v_m.p[(v_n)*v_m.n1 + (2)]", "d"),
        ("q[0, n, 2]", "v_q.p[(0)*v_q.n1*v_q.n2 + (v_n)*v_q.n2 + (2)]", "d"),
        ("m[n]", "((array1){v_m.p + (v_n)*v_m.n1, v_m.n1})", "a1"),
        ("q[n]", "((array2){v_q.p + (v_n)*v_q.n1*v_q.n2, v_q.n1, v_q.n2})", "a2"),
        ("q[n, 1]", "((array1){v_q.p + (v_n)*v_q.n1*v_q.n2 + (1)*v_q.n2, v_q.n2})", "a1"),
        ("y[1:n]", "((array1){v_y.p + (1), (v_n) - (1)})", "a1"),
        ("y[:n]", "((array1){v_y.p + (0), (v_n) - (0)})", "a1"),
        ("y[2:]", "((array1){v_y.p + (2), (v_y.n0) - (2)})", "a1"),
        ("m[n, 1:3]", "((array1){v_m.p + (v_n)*v_m.n1 + (1), (3) - (1)})", "a1"),
        ("m[n, 1:]", "((array1){v_m.p + (v_n)*v_m.n1 + (1), (v_m.n1) - (1)})", "a1"),
        ("k[1:2]", "((integers){v_k.p + (1), (2) - (1)})", "k1"),
        ("m.shape[1]", "v_m.n1", "i"), ("y.size", "v_y.n0", "i"), ("r.table", "v_r->v_table", "a2"),
        ("r.λ", "v_r->v__u3bb_", "d"), ("r.act", "v_r->v_act", "f"), ("r.act(x, y)", "v_r->v_act(v_x, v_y)", "i"),
        ("numbers_in(b)", "((array1){(double *)v_b.p, v_b.n0})", "a1"),
    ],
)  # fmt: skip
def test_entries_and_parts_of_arrays_and_records(text: str, code: str, kind: str) -> None:
    assert c(text) == (code, kind)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("own(x)", "f_own(v_x)", "d"), ("other(x, y)", "f_other(v_x, v_y)", "i"),
        ("min(x, n)", "min_d(v_x, v_n)", "d"), ("max(n, 2, 3)", "max_i(max_i(v_n, 2), 3)", "i"),
        ("max(n, 2, x)", "max_d(max_i(v_n, 2), v_x)", "d"), ("abs(n)", "llabs(v_n)", "i"), ("abs(x)", "fabs(v_x)", "d"),
        ("int(x)", "((long long)(v_x))", "i"), ("float(n)", "((double)(v_n))", "d"), ("float(w)", "nearest(v_w)", "d"),
        ("numpy.uint64(n)", "((word)(v_n))", "u"),
        ("numpy.uint64(5)", "5ULL", "u"), ("fused(x, x, n)", "(fused(v_x, v_x, v_n))", "d"),
        ("word_of(x)", "(word_of(v_x))", "u"), ("floor(x)", "((long long)floor(v_x))", "i"),
        ("math.log(x)", "log(v_x)", "d"), ("log(x, 2)", "(log(v_x) / log(2))", "d"), ("gamma(x)", "tgamma(v_x)", "d"),
        ("math.atan2(x, 1)", "atan2(v_x, 1)", "d"), ("numpy.sum(y)", "sum(v_y)", "d"),
    ],
)  # fmt: skip
def test_calls(text: str, code: str, kind: str) -> None:
    assert c(text) == (code, kind)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("numpy.zeros(n)", "new_array(&held, v_n)", "a1"),
        ("numpy.empty(n, dtype=numpy.int64)", "new_integers(&held, v_n)", "k1"),
        ("numpy.zeros((n, 3))", "new_array2(&held, v_n, 3)", "a2"), ("numpy.sort(y)", "sorted(&held, v_y)", "a1"),
        ("numpy.argsort(y)", "order(&held, v_y)", "k1"), ("numpy.arange(n)", "count_up(&held, v_n)", "k1"),
        ("y.copy()", "copy1(&held, v_y)", "a1"), ("m.copy()", "copy2(&held, v_m)", "a2"),
    ],
)  # fmt: skip
def test_new_arrays_are_held_by_the_function(text: str, code: str, kind: str) -> None:
    module = Module(TEXT, {"own": ("d",)}, (RECORD,), GIVEN)
    made = Expressions(module, "f", dict(LOCAL))
    made.value(ast.parse("x + own(x)", mode="eval").body)
    assert not made.allocates
    assert made.value(ast.parse(text, mode="eval").body) == (code, kind)
    assert made.allocates
    assert [made.fresh(), made.fresh()] == ["k1", "k2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[x]", r"no C for \[x\]"), ("math.foo", r"no C for math\.foo"),
        ("unknown", "f uses unknown, for which there is"),
        ("numpy.zeros((n, 2, 3))", r"no C for numpy\.zeros"),
        ("numpy.zeros((n, 3), dtype=numpy.int64)", "no C for numpy"),
        ("numpy.zeros((n,))", "no C for numpy"), ("m[1:3]", r"no C for m\[1:3\]"),
        ("foo(x)", "no C for the function foo"),
        ("x if n else y", "one name for a d and a a1 has no C"), ("'text'", "no C for 'text'"),
        ("max(x, y)", "has no C"),
    ],
)  # fmt: skip
def test_what_has_no_c_is_named(text: str, words: str) -> None:
    with pytest.raises(NoTranslation, match=words):
        c(text)


def test_tables_and_functions_of_another_object_are_noted_where_they_are_used() -> None:
    module = Module(TEXT, {"own": ("d",)}, (RECORD,), GIVEN)
    made = Expressions(module, "f", dict(LOCAL))
    assert module.used == set()
    made.value(ast.parse("other(PLACES[0], y) + SIZES[0]", mode="eval").body)
    assert module.used == {"other", "PLACES"}
    assert list(module.tables) == ["SIZES"]
