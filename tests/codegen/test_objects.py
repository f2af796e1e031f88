"""Compiled functions: how arguments become slots, what comes back, where the code is kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symhigh.codegen import folder, objects
from symhigh.codegen.c_types import Record
from symhigh.codegen.compiler import NoCompiler, compiler
from symhigh.codegen.objects import _format, _key, _put, begin_object, load_object

needs_compiler = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
TEXT = """
@njit
def two(x, n):
    return n, x + n


@njit
def three(a):
    return a[0], 7, a[1]


@njit
def one(x):
    return 2.0 * x


@njit
def nothing(a, n):
    a[n] = 5.0


@njit
def told(limit, rng, x, out, n):
    source, words = rng
    limit.act(x, out)
    out[1] = out[0] + limit.table[1, 2] + n + limit.table.shape[1]
    return out[1] > 100.0


@njit
def act(x, out):
    out[0] = 3.0 * x
"""
RECORD = Record("limit", {"act": ("d", "a1", "v"), "table": "a2"})
EXPORTS = {
    "two": ("d", "i"), "three": ("a1",), "one": ("d",), "nothing": ("a1", "i"), "act": ("d", "a1"),
    "told": ("rlimit", "(n,b1)", "d", "a1", "i"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("d", "d"), ("i", "q"), ("n", ""), ("a1", "Qq"), ("a3", "Qqqq"), ("k1", "Qq"), ("b1", "Qq"), ("(n,b1)", "Qq"),
        ("(i,d)", "qd"), (("d", "a1", "v"), "Q"), (("a1", "i"), "Q"), (("d", "(i,i)"), "Q"), (("a1", "d"), "Q"),
        ((("d", "v"), "a2"), "QQqq"), (("a1", ("d", "v")), "QqQ"),
    ],
    ids=str,
)  # fmt: skip
def test_slots_of_a_type(kind: Any, form: str) -> None:
    assert _format(kind) == form


def test_values_become_slots() -> None:
    slots: list[Any] = []
    copies: list[tuple[Any, Any]] = []
    table, words = np.arange(6.0).reshape(2, 3), np.zeros(4, np.uint64)
    _put("d", 3, slots, copies)
    _put("i", True, slots, copies)
    _put("(n,b1)", (None, words), slots, copies)
    _put("a2", table, slots, copies)
    _put(("d", "v"), SimpleNamespace(address=99), slots, copies)
    assert slots == [3.0, 1, words.ctypes.data, 4, table.ctypes.data, 2, 3, 99]
    assert [type(s) for s in slots[:2]] == [float, int]
    assert copies == []


@pytest.mark.parametrize(
    "given", [np.arange(3), np.arange(6.0)[::2], np.arange(3.0).astype(">f8"), np.arange(3, dtype=np.float32)], ids=str
)
@pytest.mark.parametrize("writeable", [True, False])
def test_arrays_of_another_kind_are_copied(given: Any, writeable: bool) -> None:
    given.flags.writeable = writeable
    slots: list[Any] = []
    copies: list[tuple[Any, Any]] = []
    _put("a1", given, slots, copies)
    ((back, copy),) = copies
    assert copy.dtype == np.float64
    assert copy.flags.c_contiguous
    np.testing.assert_array_equal(copy, given)
    assert slots == [copy.ctypes.data, 3]
    assert (back is given) == writeable  # what may not be written is not


@pytest.mark.parametrize("size", [0, 2])
def test_arrays_that_are_empty_or_not_to_be_written_are_passed_where_they_are(size: int) -> None:
    given = np.arange(float(size))
    given.flags.writeable = False
    slots: list[Any] = []
    copies: list[tuple[Any, Any]] = []
    _put("a1", given, slots, copies)
    assert slots == [given.ctypes.data, size]
    assert copies == []


@needs_compiler
def test_results_and_effects() -> None:
    made = load_object(TEXT, EXPORTS, (RECORD,))
    assert made.two(0.5, 3) == (3, 3.5)
    assert made.three(np.array([0.25, 4.0])) == (0.25, 7, 4.0)
    assert made.one(0.25) == 0.5
    room = np.zeros(3)
    assert made.nothing(room, 1) is None
    np.testing.assert_array_equal(room, [0, 5, 0])
    assert made.one.address != made.two.address > 0
    out, table = np.zeros(2), np.arange(12.0).reshape(3, 4)
    record, rng = (made.act, table), (None, np.zeros(3, np.uint64))
    assert made.told(record, rng, 2.0, out, 5) == 0
    np.testing.assert_array_equal(out, [6, 6 + 6 + 5 + 4])
    assert made.told(record, rng, 40.0, out, 5) == 1


@needs_compiler
def test_packed_arguments_are_changed_behind_records_and_arrays() -> None:
    made = load_object(TEXT, EXPORTS, (RECORD,))
    out, table = np.zeros(2), np.arange(12.0).reshape(3, 4)
    call = made.told.held((made.act, table), (None, np.zeros(3, np.uint64)), 2.0, out, 5)
    for x, n in ((1.0, 0), (2.5, -3)):
        call({2: x, 4: n})
        np.testing.assert_array_equal(out, [3 * x, 3 * x + 6 + n + 4])
    call({4: 10})
    assert out[1] == 7.5 + 20
    assert made.two.held(0.5, 3)({0: 1.5}) == (3, 4.5)


@needs_compiler
def test_objects_are_kept_by_all_that_they_depend_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = {"one": ("d",)}
    keys = {
        _key(TEXT, one, (), 2, False), _key(TEXT + "#", one, (), 2, False), _key(TEXT, {"act": ("d",)}, (), 2, False),
        _key(TEXT, one, (RECORD,), 2, False), _key(TEXT, one, (), 1, False), _key(TEXT, one, (), 2, True),
    }  # fmt: skip
    assert len(keys) == 6
    assert {len(key) for key in keys} == {32}
    monkeypatch.setattr(objects, "compiler", lambda: ("cc", "another processor"))
    assert _key(TEXT, one, (), 2, False) not in keys
    monkeypatch.undo()
    monkeypatch.setenv("SYMHIGH_CACHE", str(tmp_path / "cache"))
    folder._private.cache_clear()
    monkeypatch.setattr(objects, "_loaded", {})
    key = _key(TEXT, one, (), 2, False)
    made = load_object(TEXT, one)
    assert sorted(f.name for f in (tmp_path / "cache").iterdir()) == [f"o_{key}.{end}" for end in ("c", "so", "sum")]
    assert made.one._library._name == str(tmp_path / "cache" / f"o_{key}.so")
    assert load_object(TEXT, one) is made

    def never(*_: object) -> Any:
        raise AssertionError("compiled again")

    monkeypatch.setattr(objects, "begin", never)
    objects._loaded.clear()
    again = load_object(TEXT, one)
    assert again is not made
    assert again.one(4.0) == 8.0
    (tmp_path / "cache" / f"o_{key}.sum").write_bytes(b"another")
    objects._loaded.clear()
    with pytest.raises(AssertionError, match="compiled again"):
        load_object(TEXT, one)
    assert sorted(f.name for f in (tmp_path / "cache").iterdir()) == [f"o_{key}.c"]


def test_levels_and_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []

    def library(key: str, translated: Any, level: int, fused: bool = False) -> Any:
        seen.append((level, fused))
        return lambda: None

    monkeypatch.setattr(objects, "_library", library)
    monkeypatch.setattr(objects, "_key", lambda *given: repr(given[3:]) + "for this test")
    begin_object(TEXT, {})
    begin_object(TEXT, {}, level=1, fused=True)
    objects._helpers.__wrapped__()
    assert seen == [(2, False), (1, True), (2, False)]
    monkeypatch.undo()
    monkeypatch.setattr(objects, "compiler", lambda: None)
    with pytest.raises(NoCompiler, match="there is no C compiler"):
        _key(TEXT, {}, (), 2, False)
