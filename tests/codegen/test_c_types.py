"""Types of generated C: how two join, and how names, numbers and tables are written."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import pytest

from symhigh.codegen.c_types import C_TYPES, ENTRIES, NoTranslation, identifier, join, number, table


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        ("d", "d", "d"), ("i", "i", "i"), ("d", "i", "d"), ("i", "d", "d"), ("a1", "a1", "a1"),
        ("(i,d)", "(i,d)", "(i,d)"), ("(i,d)", "(d,i)", "(d,d)"), ("(i,a1)", "(d,a1)", "(d,a1)"),
    ],
)  # fmt: skip
def test_types_that_join(a: str, b: str, both: str) -> None:
    assert join(a, b) == both


@pytest.mark.parametrize(
    ("a", "b"), [("a1", "d"), ("a1", "a2"), ("d", "u"), ("i", "u"), ("i", "v"), ("(i,d)", "d"), ("d", "(i,d)"),
                 ("(i,a1)", "(i,d)")]
)  # fmt: skip
def test_types_that_do_not_join_are_named(a: str, b: str) -> None:
    with pytest.raises(NoTranslation, match=r"one name for a .* and a .* has no C"):
        join(a, b)


def test_several_values_of_different_number_have_no_common_type() -> None:
    with pytest.raises(ValueError, match="longer"):
        join("(i,d)", "(i,d,d)")


def test_names_are_ascii_and_taken_by_no_library() -> None:
    assert identifier("total_1") == "v_total_1"
    assert identifier("λ") == "v__u3bb_"
    assert identifier("aλb") == "v_a_u3bb_b"
    assert identifier("exp") != "exp"


def test_numbers_are_exact_and_ends_of_the_range_have_names() -> None:
    for value in (0.1, -2.5e-300, 1 / 3, 0.0):
        assert float(number(value)) == value
    assert number(math.inf) == "INFINITY"
    assert number(-math.inf) == "(-INFINITY)"
    assert number(math.nan) == "NAN"


@pytest.mark.parametrize(
    ("value", "kind", "shape", "sizes"),
    [
        (np.array([0.1, math.inf, -3.0]), "double", "array1", "3"),
        (np.array([[0.5, 1.0], [2.0, 4.0], [0.25, 8.0]]), "double", "array2", "3, 2"),
        (np.array([1, -2]), "long long", "integers", "2"),
    ],
)  # fmt: skip
def test_tables_are_constants_with_their_shape(value: Any, kind: str, shape: str, sizes: str) -> None:
    first, second = table("T", value).splitlines()
    opening, entries = first.removesuffix("};").split("{")
    assert opening == f"static const {kind} D_T[] = "
    read = {"INFINITY": math.inf}
    assert [read.get(e) or float(e) for e in entries.split(", ")] == value.ravel().tolist()
    assert ("." in entries) == (kind == "double")
    assert second == f"static const {shape} T_T = {{({kind} *)D_T, {sizes}}};"


def test_every_plain_type_has_the_size_of_a_slot() -> None:
    assert set(ENTRIES.values()) <= set(C_TYPES)
    assert ctypes.sizeof(ctypes.c_longlong) == ctypes.sizeof(ctypes.c_double) == 8
